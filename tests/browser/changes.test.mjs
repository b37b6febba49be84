// New images that come while somebody looks.

import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, countLine, idle, onPage, pictures, ready, search } from "./harness.mjs";

/// Runs a job over a folder to its end.
async function job(page, order) {
  const ask = (path, options) => page.evaluate(([path, options]) => fetch(`/api/v1/${path}`, options).then((answer) => answer.json()), [path, options]);
  let { id, state } = await ask("jobs", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) });
  while (state === "running") {
    await page.waitForTimeout(50);
    ({ state } = await ask(`jobs/${id}`));
  }
  assert.equal(state, "done");
}

onPage("new images appear in the timeline, and are offered beside the results of a search", async (page, { expect }) => {
  expect("/thumbnail"); // of images whose folder goes away while they are shown
  await page.route("**/api/v1/health", async (route) => {
    const health = await route.fetch().then((answer) => answer.json()).catch(() => null);
    if (health) await route.fulfill({ json: { ...health, watching: true } }).catch(() => {});
  });
  const listening = page.waitForResponse("**/api/v1/events");
  await page.goto("/");
  await ready(page);
  await listening;
  const before = await count(page);
  const folder = await mkdtemp(join(tmpdir(), "glimpse-fresh-"));
  const [known] = (await readdir(join(pictures, "Zoo"))).filter((name) => name.endsWith(".jpg"));
  const bytes = await readFile(join(pictures, "Zoo", known));
  /// An image that looks like a known one and has other bytes.
  const add = async (name) => (await writeFile(join(folder, name), Buffer.concat([bytes, Buffer.from(name)])), job(page, { roots: [folder] }));
  try {
    await add("one.jpg");
    await page.waitForFunction((n) => document.querySelector("#count").textContent.startsWith(n), String(before + 1));
    assert.equal(await page.isVisible("#fresh"), false);

    await search(page, "cat");
    const line = await countLine(page);
    const hrefs = () => page.locator("#grid a.shot").evaluateAll((links) => links.slice(0, 5).map(({ href }) => href));
    const shown = await hrefs();
    await add("two.jpg");
    await page.locator("#fresh").waitFor();
    assert.deepEqual([await countLine(page), await hrefs()], [line, shown], "nothing moves by itself");
    await page.click("#fresh-show");
    await page.waitForFunction((line) => document.querySelector("#count").textContent.trim() !== line, line);
    assert.equal(await page.isVisible("#fresh"), false);
    await idle(page);
  } finally {
    await page.evaluate((path) => fetch(`/api/v1/roots?path=${encodeURIComponent(path)}`, { method: "DELETE" }), folder);
    await rm(folder, { recursive: true });
  }
});
