// The library panel: adding a folder, progress, what was skipped and why, trying again.

import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { count, idle, onPage, pictures, ready, search } from "./harness.mjs";

/// Takes a folder away, and from the library too: other tests count on it as it was.
async function forget(page, folder) {
  for (const name of await readdir(folder)) await rm(join(folder, name));
  await writeFile(join(folder, "broken.jpg"), "an empty folder would pass for a disk that is not plugged in");
  const ask = (path, options) => page.evaluate(([path, options]) => fetch(`/api/v1/${path}`, options).then((answer) => answer.json()), [path, options]);
  const order = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ roots: [folder], prune: true }) };
  let { id, state } = await ask("jobs", order);
  while (state === "running") {
    await page.waitForTimeout(100);
    ({ state } = await ask(`jobs/${id}`));
  }
  assert.equal(state, "done");
  await rm(folder, { recursive: true });
}

onPage("a folder is added, with progress, and its failures can be read and tried again", async (page) => {
  const all = await count(page);
  const folder = await mkdtemp(join(tmpdir(), "glimpse-added-"));
  try {
    await cp(join(pictures, "Zoo"), folder, { recursive: true });
    await writeFile(join(folder, "broken.jpg"), "no picture");
    await page.click("#library");
    await page.locator("#roots li").first().waitFor();
    assert.match(await page.textContent("#numbers"), /demo/);
    assert.match(await page.textContent("#quality"), /photographs/);
    await page.fill("#folder-path", folder);
    await page.click("#add-folder button.strong");
    // A job of before may be up to date as well.
    const is = (id, text) => page.waitForFunction(([id, text]) => new RegExp(text).test(document.getElementById(id).textContent), [id, text], { timeout: 60_000 });
    await is("job-counts", "\\d+ cop");
    await is("job-state", "Up to date");
    await is("job-line", "^\\d+ of \\d+ files");
    await page.click("#failures summary");
    const line = page.locator("#failure-list li", { hasText: "broken.jpg" });
    await line.waitFor();
    assert.ok((await line.locator(".soft").textContent()).length > 5, "with its reason");
    assert.equal(await page.locator("#roots li").count(), 2);
    await page.locator("#job-acts button", { hasText: "Try again" }).click();
    await page.waitForFunction(() => /^\d+ of \d+ file/.test(document.querySelector("#job-line").textContent) && document.querySelector("#job-state").textContent === "Up to date" && document.querySelector("#job-counts").textContent.includes("skipped"));
    await page.click("#panel-close");
    await idle(page);
    assert.equal(await count(page), all, "the same pictures at another place are no new ones");
  } finally {
    await forget(page, folder);
  }
});

onPage("a long job shows its progress, waits when told to, and says that results are incomplete", async (page, { expect }) => {
  expect("/thumbnail"); // of images whose folder goes away while they are shown
  const all = await count(page);
  const folder = await mkdtemp(join(tmpdir(), "glimpse-many-"));
  try {
    // Pictures that the library does not know by their bytes.
    const known = (await readdir(pictures, { recursive: true, withFileTypes: true })).filter(({ name, parentPath, path }) => name.endsWith(".jpg") && !(parentPath ?? path).includes("Rescued"));
    let made = 0;
    for (const { name, parentPath, path } of [...known, ...known]) {
      const bytes = await readFile(join(parentPath ?? path, name));
      await writeFile(join(folder, `${made++}.jpg`), Buffer.concat([bytes, Buffer.from(`copy ${made}`)]));
    }
    await page.click("#library");
    await page.fill("#folder-path", folder);
    await page.click("#add-folder button.strong");
    await page.locator("#job-state", { hasText: "Updating the library" }).waitFor();
    await page.locator("#roots li", { hasText: basename(folder) }).waitFor(); // while it is read
    await page.waitForFunction(() => document.querySelector("#job-meter").value > 0);
    await page.waitForFunction(() => /files a second/.test(document.querySelector("#job-line").textContent));
    await page.locator("#job-acts button", { hasText: "Pause" }).click();
    await page.locator("#job-state", { hasText: "Paused" }).waitFor();
    const done = async () => Number((await page.textContent("#job-line")).replace(/,/g, "").split(" ")[0]);
    await page.click("#panel-close");
    assert.match(await page.textContent("#banner-text"), /paused, so results are incomplete/);
    await search(page, "butterfly"); // is answered meanwhile
    assert.ok((await count(page)) > 0);
    await page.click("#banner-open");
    const before = await done();
    assert.ok(before < made, `${before} of ${made}`);
    await page.locator("#job-acts button", { hasText: "Resume" }).click();
    await page.waitForFunction((before) => Number(document.querySelector("#job-line").textContent.replace(/,/g, "").split(" ")[0]) > before + 5, before, { timeout: 30_000 });
    await page.click("#panel-close");
    assert.match(await page.textContent("#banner-text"), /incomplete: \d+/);
    await page.click("#banner-open");
    await page.locator("#job-state", { hasText: "Up to date" }).waitFor({ timeout: 60_000 });
    assert.equal(await page.locator("#banner").isVisible(), false);
    await page.click("#panel-close");
    await page.goto("/");
    await ready(page);
    assert.equal(await count(page), all + made);
  } finally {
    await forget(page, folder);
    assert.equal(await page.evaluate(() => fetch("/api/v1/health").then((answer) => answer.json()).then(({ images }) => images)), all);
  }
});

onPage("every failure can be read, however many there are", async (page) => {
  const folder = await mkdtemp(join(tmpdir(), "glimpse-broken-"));
  try {
    await Promise.all(Array.from({ length: 230 }, (_, n) => writeFile(join(folder, `broken ${n}.jpg`), `no picture ${n}`)));
    await page.click("#library");
    await page.fill("#folder-path", folder);
    await page.click("#add-folder button.strong");
    await page.locator("#failures-title", { hasText: "230 files" }).waitFor();
    await page.locator("#job-state", { hasText: "Up to date" }).waitFor();
    await page.click("#failures summary");
    await page.getByRole("list", { name: "230 files could not be read" }).waitFor();
    assert.equal(await page.locator("#failure-list").evaluate((list) => list.tabIndex), 0, "keys move it");
    const more = page.locator("#failure-list button", { hasText: "and 30 more" });
    await more.click();
    await more.waitFor({ state: "detached" });
    assert.equal(new Set(await page.locator("#failure-list .name").allTextContents()).size, 230);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

onPage("progress has a share and a total, and a stopped run can be started again", { path: "about:blank" }, async (page) => {
  const job = { id: 7, state: "running", roots: ["/photos"], found: 300, found_all: false, done: 12, counts: { indexed: 12 }, rate: 4, eta: null, seconds: 3, failures: 0, error: null };
  let orders = 0;
  let now = job;
  await page.route("**/api/v1/health", async (route) => route.fulfill({ json: { ...(await (await route.fetch()).json()), job: now } }));
  await page.route("**/api/v1/jobs/7/events", (route) => route.fulfill({ contentType: "text/event-stream", body: `event: job\ndata: ${JSON.stringify(now)}\n\n` }));
  await page.route("**/api/v1/jobs", (route) => {
    orders += route.request().method() === "POST" ? 1 : 0;
    return route.fulfill({ status: 202, json: { ...job, id: 8, found_all: true, found: 2000, done: 3, rate: 0.4, eta: 4992 } });
  });
  let followed = () => {};
  const follower = new Promise((is) => (followed = is)); // on a busy machine, the page asks later than its answer is seen
  await page.route("**/api/v1/jobs/8/events", (route) => {
    const body = `event: job\ndata: ${JSON.stringify({ ...job, id: 8, found_all: true, found: 2000, done: 500, eta: 375 })}\n\n`;
    followed(() => route.fulfill({ contentType: "text/event-stream", body }));
  });
  await page.goto("/");
  await ready(page);
  await page.click("#banner-open");
  await page.locator("#job-line", { hasText: "12 files done, still counting" }).waitFor();
  now = { ...job, state: "cancelled" };
  await page.locator("#job-acts button", { hasText: "Start again" }).click({ timeout: 10_000 });
  await page.locator("#job-line", { hasText: "3 of 2,000 files" }).waitFor();
  assert.doesNotMatch(await page.textContent("#job-line"), /left$/, "the first files say little of the others");
  const advance = await follower;
  await advance();
  await page.locator("#job-line", { hasText: "500 of 2,000 files · 25 % · 4 files a second" }).waitFor();
  assert.match(await page.textContent("#job-line"), /left$/);
  assert.equal(orders, 1);
});

onPage("a folder that is not there is refused in words", async (page, { expect }) => {
  await page.click("#library");
  expect("api/v1/jobs"); // the browser itself notes the answer 400
  await page.fill("#folder-path", "/no/such/folder");
  await page.click("#add-folder button.strong");
  await page.waitForFunction(() => document.querySelector("#folder-problem").textContent.includes("/no/such/folder"));
});
