// The page of duplicates: groups side by side, two compared, and what becomes of those that are not kept.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findings } from "./axe.mjs";
import { allowing, onPage, pictures, ready, trash } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const groups = (page) => page.locator(".group");
const overflow = (page) => page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));

/// Answers with groups of the library's own images, and takes what is sent to the trash. `allowed` is what the server allows.
async function duplicated(page, { allowed = true, refuse = [], beside = [] } = {}) {
  const { hits } = await page.evaluate(() => fetch("/api/v1/search", { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"limit":7}' }).then((answer) => answer.json()));
  const { images } = await page.evaluate((ids) => fetch(`/api/v1/images?ids=${ids}`).then((answer) => answer.json()), hits.map(({ id }) => id).join());
  images[1].companions = beside;
  let left = [images.slice(0, 3), images.slice(3, 5), images.slice(5, 7)];
  const seen = { asked: [], trashed: [], companions: [] };
  await allowing(page, { trash: allowed, roots: true });
  await page.route("**/api/v1/duplicates?**", (route) => {
    const query = new URL(route.request().url()).searchParams;
    seen.asked.push(query);
    const some = Number(query.get("min_cosine")) > 0.98 ? left.slice(0, 1) : left;
    const from = Number(query.get("offset"));
    return route.fulfill({ json: { groups: some.slice(from, from + 20).map((images) => ({ min_cosine: 0.98, images })), total: some.length } });
  });
  await page.route("**/api/v1/trash", (route) => {
    const { images: ids, companions } = route.request().postDataJSON();
    seen.companions.push(companions);
    seen.trashed.push(...ids);
    const files = left.flat().filter(({ id }) => ids.includes(id)).map(({ path }) => path);
    const failed = files.filter((path) => refuse.some((n) => images[n].path === path)).map((path) => ({ path, reason: "it has changed since it was indexed" }));
    left = left.map((group) => group.filter(({ id, path }) => !ids.includes(id) || failed.some((one) => one.path === path))).filter((group) => group.length > 1);
    return route.fulfill({ json: { moved: files.filter((path) => !failed.some((one) => one.path === path)), failed } });
  });
  return { images, seen };
}

for (const [device, options] of [["laptop", {}], ["phone", phone]]) {
  onPage(`${device}: of nearly equal pictures the best is kept, and the others go to the trash when one is sure`, options, async (page) => {
    const { images, seen } = await duplicated(page);
    await page.reload();
    await ready(page);
    const press = (locator) => (options.hasTouch ? locator.tap() : locator.click());
    await press(page.locator("#library"));
    await press(page.locator('#panel a[data-page="duplicates"]'));
    await page.waitForURL(/page=duplicates/);
    await groups(page).nth(2).waitFor();
    assert.equal(await page.locator("#panel").isVisible(), false);
    assert.equal(await page.textContent("#count"), "Groups: 3");
    const first = groups(page).first();
    assert.equal(await first.locator("figure").count(), 3);
    assert.equal(await first.locator(".best").count(), 1);
    assert.deepEqual(await first.locator("input").evaluateAll((boxes) => boxes.map(({ checked }) => checked)), [true, false, false]);
    assert.deepEqual(await findings(page), []);
    assert.deepEqual(await groups(page).evaluateAll((groups) => groups.map(({ ariaLabel }) => ariaLabel)),
      ["3 pictures, nearly the same, 1 of 3", "2 pictures, nearly the same, 2 of 3", "2 pictures, nearly the same, 3 of 3"]);
    assert.ok(await page.getByRole("heading", { name: "Duplicates", exact: true }).isVisible());
    assert.equal(await page.locator("#library").getAttribute("aria-current"), "true");
    assert.equal(await overflow(page), 0);
    const act = first.locator(".acts button").first();
    assert.equal(await act.textContent(), "Move the others to the trash (2)");
    // Another choice: the second stays too.
    await first.locator("input").nth(1).check();
    assert.equal(await act.textContent(), "Move the others to the trash (1)");
    for (const n of [0, 1]) await first.locator("input").nth(n).uncheck();
    assert.ok(await act.isDisabled(), "one has to stay");
    for (const n of [0, 1]) await first.locator("input").nth(n).check();
    await press(act);
    const question = page.locator("dialog.question");
    await question.waitFor();
    assert.ok((await question.locator("li").textContent()).endsWith(images[2].path.split("/").pop()));
    assert.deepEqual(await findings(page), []);
    assert.ok(await page.evaluate(() => document.activeElement.textContent === "Cancel"), "what changes nothing is first");
    await page.keyboard.press("Escape");
    await question.waitFor({ state: "detached" });
    assert.deepEqual(seen.trashed, []);
    await press(act);
    await press(question.locator("button.strong"));
    await page.locator(".toast", { hasText: "Moved to the trash: 1" }).waitFor();
    assert.deepEqual(seen.trashed, [images[2].id]);
    await page.waitForFunction(() => document.querySelectorAll(".group:first-child figure").length === 2);
    await press(groups(page).nth(1).locator(".acts button").first());
    await press(question.locator("button.strong"));
    await page.waitForFunction(() => document.querySelectorAll(".group").length === 2);
    assert.equal(await page.textContent("#count"), "Groups: 2");
  });

  onPage(`${device}: two are compared, zoomed and moved as one`, options, async (page) => {
    await duplicated(page);
    await page.goto("/?page=duplicates");
    await ready(page);
    await groups(page).first().getByRole("button", { name: "Compare" }).click();
    const panes = page.locator(".panes img");
    await panes.nth(1).waitFor();
    const transforms = () => panes.evaluateAll((images) => images.map(({ style }) => style.transform));
    const scale = async () => Number(/scale\(([\d.]+)/.exec((await transforms())[0])[1]);
    assert.equal(await scale(), 1);
    await page.keyboard.press("+");
    await page.keyboard.press("ArrowRight");
    const [left, right] = await transforms();
    assert.equal(left, right);
    assert.match(left, /translate\(-12%, 0%\) scale\(1\.4\)/);
    const { x, y, width, height } = await page.locator(".panes .frame").nth(1).boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.wheel(0, -240);
    await page.waitForFunction(() => /scale\(2\.8/.test(document.querySelector(".panes img").style.transform));
    await page.mouse.down();
    await page.mouse.move(x + width / 2 + 40, y + height / 2, { steps: 3 });
    await page.mouse.up();
    assert.notEqual((await transforms())[0], left);
    assert.equal(new Set(await transforms()).size, 1);
    assert.deepEqual(await findings(page), []);
    assert.equal(await overflow(page), 0);
    const name = await page.locator(".panes .name").nth(1).textContent();
    await page.locator(".others button").nth(1).click();
    assert.notEqual(await page.locator(".panes .name").nth(1).textContent(), name);
    assert.equal(await page.locator(".others button").nth(1).getAttribute("aria-pressed"), "true");
    await page.keyboard.press("0");
    assert.equal(await scale(), 1);
    await page.keyboard.press("Escape");
    await page.locator(".comparison").waitFor({ state: "detached" });
    assert.ok(await page.evaluate(() => document.activeElement.textContent === "Compare"), "back where one was");
  });
}

onPage("a server that moves no files says how to allow it, and gives paths", async (page, { context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { images, seen } = await duplicated(page, { allowed: false });
  await page.goto("/?page=duplicates");
  await ready(page);
  await page.locator(".duplicates .note", { hasText: "--allow-trash" }).waitFor();
  const act = groups(page).first().locator(".acts button").first();
  assert.equal(await act.textContent(), "Copy paths of the others (2)");
  await act.click();
  await page.locator(".toast", { hasText: "2 paths copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.deepEqual(copied.split("\n").sort(), images.slice(1, 3).flatMap(({ files }) => files).sort());
  assert.deepEqual(seen.trashed, []);
});

onPage("files of the same shot are named, and go to the trash only if that is chosen", async (page) => {
  const { seen } = await duplicated(page, { beside: [{ path: "/photos/a.cr2", role: "raw" }] });
  await page.goto("/?page=duplicates");
  await ready(page);
  const dialog = page.locator("dialog.question");
  const act = groups(page).first().locator(".acts button").first();
  await act.click();
  await dialog.locator("li", { hasText: "Raw file: /photos/a.cr2" }).waitFor();
  assert.deepEqual(await findings(page), []);
  assert.equal(await dialog.getByRole("checkbox").isChecked(), false);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await act.click();
  await dialog.getByRole("checkbox", { name: "Also the 1 other file of the same shot:" }).check();
  await dialog.locator("button.strong").click();
  await page.waitForFunction(() => document.querySelectorAll(".group").length === 2);
  assert.deepEqual(seen.companions, [true]);
});

onPage("what cannot be moved stays, with the reason", async (page) => {
  const { images } = await duplicated(page, { refuse: [2] });
  await page.goto("/?page=duplicates");
  await ready(page);
  await groups(page).first().locator(".acts button").first().click();
  await page.locator("dialog.question button.strong").click();
  const problem = groups(page).first().locator(".problem", { hasText: "it has changed since it was indexed" });
  await problem.waitFor();
  assert.ok((await problem.textContent()).startsWith(images[2].path));
  assert.equal(await groups(page).first().locator("figure").count(), 2);
});

onPage("how alike they must be can be chosen", async (page) => {
  const { seen } = await duplicated(page);
  await page.goto("/?page=duplicates");
  await ready(page);
  await groups(page).nth(2).waitFor();
  await page.getByLabel("How alike").selectOption("0.99");
  await page.waitForFunction(() => document.querySelector("#count").textContent === "Groups: 1");
  assert.equal(seen.asked.at(-1).get("min_cosine"), "0.99");
});

onPage("the library's own duplicates are found", { path: "/?page=duplicates" }, async (page) => {
  await page.waitForFunction(() => /^Groups: \d+$/.test(document.querySelector("#count").textContent));
  const said = Number((await page.textContent("#count")).replace(/\D/g, ""));
  assert.equal(await groups(page).count(), Math.min(said, 20));
});

onPage("a real file goes to the trash of the machine, and leaves the library", async (page, { expect }) => {
  expect("/thumbnail"); // of an image that goes away while it is shown
  const folder = await mkdtemp(join(tmpdir(), "glimpse-twice-"));
  const ask = (path, options) => page.evaluate(([path, options]) => fetch(`/api/v1/${path}`, options).then((answer) => answer.json()), [path, options]);
  const images = async () => (await ask("health")).images;
  const before = await images();
  try {
    const [name] = (await readdir(join(pictures, "Zoo"))).filter((name) => name.endsWith(".jpg"));
    const bytes = await readFile(join(pictures, "Zoo", name));
    const gone = Buffer.concat([bytes, Buffer.from("two")]);
    await writeFile(join(folder, "one.jpg"), Buffer.concat([bytes, Buffer.from("one")]));
    await writeFile(join(folder, "two.jpg"), gone);
    let { id, state } = await ask("jobs", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ roots: [folder] }) });
    while (state === "running") {
      await page.waitForTimeout(100);
      ({ state } = await ask(`jobs/${id}`));
    }
    assert.deepEqual([state, await images()], ["done", before + 2]);
    await page.goto("/?page=duplicates");
    await ready(page);
    const group = groups(page).filter({ hasText: "two.jpg" });
    while (!(await group.count())) {
      const shown = await groups(page).count();
      await page.locator(".duplicates .fold").click();
      await page.waitForFunction((shown) => document.querySelectorAll(".group").length > shown, shown);
    }
    // All stay but one.
    for (const figure of await group.locator("figure").all()) {
      await figure.locator("input").setChecked(!(await figure.textContent()).includes("two.jpg"));
    }
    const act = group.locator(".acts button").first();
    assert.equal(await act.textContent(), "Move the others to the trash (1)");
    await act.click();
    await page.locator("dialog.question li", { hasText: join(folder, "two.jpg") }).waitFor();
    await page.locator("dialog.question button.strong").click();
    await page.locator(".toast", { hasText: "Moved to the trash: 1" }).waitFor();
    await group.waitFor({ state: "detached" });
    assert.deepEqual(await readdir(folder), ["one.jpg"]);
    const kept = (await readdir(join(trash, "files"))).filter((name) => name.startsWith("two"));
    assert.deepEqual(await readFile(join(trash, "files", kept[0])), gone, "it can be taken back");
    assert.match(await readFile(join(trash, "info", `${kept[0]}.trashinfo`), "utf8"), new RegExp(`^Path=${folder}/two.jpg$`, "m"));
    assert.equal(await images(), before + 1);
    await page.reload();
    await ready(page);
    assert.equal(await group.count(), 0);
  } finally {
    await ask(`roots?path=${encodeURIComponent(folder)}`, { method: "DELETE" });
    await rm(folder, { recursive: true });
  }
  assert.equal(await images(), before);
});
