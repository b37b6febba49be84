// The library panel beyond a running job: folders to choose from, folders that are taken out, past runs.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { findings } from "./axe.mjs";
import { allowing, count, onPage, pictures, ready } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const FOLDERS = { "": ["/media/disk", "/photos"], "/photos": ["/photos/2023", "/photos/2024"], "/photos/2024": [] };

async function served(page, { allowed = true } = {}) {
  const seen = { removed: [], orders: [] };
  let roots = [{ path: "/photos/2023", images: 12, present: true }, { path: "/photos/old", images: 3, present: false }];
  await allowing(page, { trash: false, roots: allowed });
  await page.route("**/api/v1/browse**", (route) => {
    const path = new URL(route.request().url()).searchParams.get("path") ?? "";
    if (!(path in FOLDERS)) return route.fulfill({ status: 404, json: { code: "folder_not_found", message: `there is no folder ${path}` } });
    const parent = path === "" || path === "/photos" ? null : path.slice(0, path.lastIndexOf("/"));
    return route.fulfill({ json: { path, parent, folders: FOLDERS[path].map((path) => ({ path, name: path.split("/").pop(), images: path.endsWith("2023") ? 12 : 0 })) } });
  });
  await page.route("**/api/v1/folders", (route) => route.fulfill({ json: { roots } }));
  await page.route("**/api/v1/roots**", (route) => {
    const path = new URL(route.request().url()).searchParams.get("path");
    seen.removed.push(path);
    roots = roots.filter((root) => root.path !== path);
    return route.fulfill({ status: 204 });
  });
  await page.route("**/api/v1/runs**", (route) => route.fulfill({ json: { runs: [
    { began: "2026-05-03T10:00:00Z", ended: "2026-05-03T10:02:05Z", by: "server", roots: ["/photos/2023"], seen: 1200, added: 14, removed: 2, failed: 1, outcome: "done", message: null },
    { began: "2026-05-02T10:00:00Z", ended: "2026-05-02T10:00:09Z", by: "command line", roots: ["/photos/old"], seen: 60, added: 0, removed: 0, failed: 0, outcome: "stopped", message: null },
  ] } }));
  await page.route("**/api/v1/jobs", (route) => {
    if (route.request().method() !== "POST") return route.continue();
    seen.orders.push(route.request().postDataJSON());
    return route.fulfill({ status: 202, json: { id: 9, state: "done", roots: [], found: 1, found_all: true, done: 1, counts: { indexed: 0 }, rate: 0, eta: null, seconds: 1, failures: 0, error: null } });
  });
  return seen;
}

for (const [device, options] of [["laptop", {}], ["phone", phone]]) {
  onPage(`${device}: a folder to add is chosen from a list`, { path: "about:blank", ...options }, async (page) => {
    const seen = await served(page);
    await page.goto("/");
    await ready(page);
    const press = (locator) => (options.hasTouch ? locator.tap() : locator.click());
    await press(page.locator("#library"));
    await press(page.locator("#browse"));
    const rows = page.locator("#folder-browser .enter");
    await rows.nth(1).waitFor();
    assert.equal(await page.getAttribute("#browse", "aria-expanded"), "true");
    await press(rows.filter({ hasText: "photos" }));
    await rows.filter({ hasText: "2024" }).waitFor();
    assert.equal(await page.inputValue("#folder-path"), "/photos");
    assert.equal(await rows.first().locator(".count").textContent(), "12");
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.locator("#panel").evaluate((dialog) => Math.max(0, dialog.scrollWidth - dialog.clientWidth)), 0);
    await rows.filter({ hasText: "2024" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#folder-browser li", { hasText: "No folders in here" }).waitFor();
    assert.ok(await page.evaluate(() => document.activeElement.classList.contains("up")));
    await page.keyboard.press("Enter");
    await rows.filter({ hasText: "2023" }).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#folder-browser").isVisible(), false);
    assert.ok(await page.locator("#panel").isVisible(), "only the list was closed");
    await press(page.locator("#add-folder button.strong"));
    await page.waitForFunction(() => document.querySelector("#folder-path").value === "");
    assert.deepEqual(seen.orders, [{ roots: ["/photos"] }]);
  });

  onPage(`${device}: a folder is taken out of the library when one is sure`, { path: "about:blank", ...options }, async (page) => {
    const seen = await served(page);
    await page.goto("/");
    await ready(page);
    await page.click("#library");
    const remove = page.getByRole("button", { name: "Remove 2023 from library" });
    await remove.click();
    await page.locator(".root-question", { hasText: "Its files stay" }).waitFor();
    assert.deepEqual(await findings(page), []);
    await page.locator(".root-question button", { hasText: "Cancel" }).click();
    assert.ok(await remove.evaluate((button) => button === document.activeElement));
    await remove.click();
    await page.locator(".root-question button.strong").click();
    await page.locator(".toast", { hasText: "“2023” removed" }).waitFor();
    await page.waitForFunction(() => document.querySelectorAll("#roots li").length === 1);
    assert.deepEqual(seen.removed, ["/photos/2023"]);
  });
}

onPage("where the server does not allow it, folders cannot be taken out", { path: "about:blank" }, async (page) => {
  await served(page, { allowed: false });
  await page.goto("/");
  await ready(page);
  await page.click("#library");
  await page.locator("#roots li").first().waitFor();
  assert.equal(await page.locator("#roots button").count(), 0);
});

onPage("past runs are told, and one that was stopped is started again", { path: "about:blank" }, async (page) => {
  const seen = await served(page);
  await page.goto("/");
  await ready(page);
  await page.click("#library");
  await page.click("#runs summary");
  const runs = page.locator("#run-list .run");
  await runs.nth(1).waitFor();
  const said = await runs.first().textContent();
  for (const part of ["Up to date", "Files: 1,200", "14 new", "2 removed", "1 unreadable", "2 min", "/photos/2023"]) assert.ok(said.includes(part), `${part}: ${said}`);
  assert.match(await runs.nth(1).textContent(), /Stopped.*on the command line/);
  assert.deepEqual(await findings(page), []);
  const list = page.getByRole("list", { name: "Past runs" });
  await page.locator("#runs summary").focus();
  await page.keyboard.press("Tab");
  assert.ok(await list.evaluate((list) => list === document.activeElement), "keys move it where it is longer than its place");
  assert.equal(await runs.first().locator("button").count(), 0);
  await runs.nth(1).getByRole("button", { name: "Start again" }).click();
  await page.locator("#job-state", { hasText: "Up to date" }).waitFor();
  assert.deepEqual(seen.orders, [{ roots: ["/photos/old"] }]);
});

onPage("many past runs, none of which can be started again, are moved by keys", { path: "about:blank" }, async (page) => {
  await served(page);
  const run = { began: "2026-05-03T10:00:00Z", ended: "2026-05-03T10:02:05Z", by: "server", roots: ["/photos/2023"], seen: 1200, added: 14, removed: 2, failed: 1, outcome: "done", message: null };
  await page.route("**/api/v1/runs**", (route) => route.fulfill({ json: { runs: Array(12).fill(run) } }));
  await page.goto("/");
  await ready(page);
  await page.click("#library");
  await page.click("#runs summary");
  await page.locator("#run-list .run").nth(11).waitFor();
  assert.ok(await page.locator("#run-list").evaluate((list) => list.scrollHeight > list.clientHeight), "there are more than fit");
  assert.deepEqual(await findings(page), []);
});

onPage("a folder of this machine is browsed to, added, told among past runs, and taken out again", async (page, { expect }) => {
  expect("/thumbnail"); // of images whose folder goes away while they are shown
  const all = await count(page);
  const folder = await mkdtemp(join(tmpdir(), "glimpse-browsed-"));
  try {
    const [name] = (await readdir(join(pictures, "Zoo"))).filter((name) => name.endsWith(".jpg"));
    const bytes = await readFile(join(pictures, "Zoo", name));
    await writeFile(join(folder, "new.jpg"), Buffer.concat([bytes, Buffer.from("other bytes")]));
    await page.click("#library");
    await page.fill("#folder-path", tmpdir());
    await page.click("#browse");
    await page.locator("#folder-browser .enter", { hasText: basename(folder) }).click();
    await page.locator("#folder-browser li", { hasText: "No folders in here" }).waitFor();
    assert.equal(await page.inputValue("#folder-path"), folder);
    await page.click("#add-folder button.strong");
    await page.locator("#job-state", { hasText: "Up to date" }).waitFor({ timeout: 60_000 });
    await page.locator("#roots li", { hasText: basename(folder) }).waitFor();
    await page.click("#runs summary");
    await page.locator("#run-list .run", { hasText: basename(folder) }).first().waitFor();
    assert.match(await page.locator("#run-list .run").first().textContent(), /Up to date.*Files: 1 · 1 new/);
    await page.getByRole("button", { name: `Remove ${basename(folder)} from library` }).click();
    await page.locator(".root-question button.strong").click();
    await page.locator("#roots li", { hasText: basename(folder) }).waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => fetch("/api/v1/health").then((answer) => answer.json()).then(({ images }) => images)), all);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
