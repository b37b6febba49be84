// The library panel: tags of parts of images, and the job that makes them. The library of these tests keeps none, and others
// count on that, so that jobs are put in the server's place.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { onPage, ready } from "./harness.mjs";

const JOB = {
  id: 9, state: "running", kind: "tag_regions", unit: "labels", roots: [], found: 40, found_all: true, done: 16, counts: { indexed: 0 }, rate: 8, eta: 3, seconds: 2,
  failures: 0, error: null,
};

/// Lets the library have these tags. Gives what jobs are asked for; `events` are the states that the job goes through.
async function withTags(page, kept, events = []) {
  const orders = [];
  await page.route("**/api/v1/stats", async (route) => {
    const stats = await route.fetch().then((answer) => answer.json()).catch(() => null); // at its end, a test waits for no answer
    if (stats) await route.fulfill({ json: { ...stats, regions: true, region_tags: kept() } }).catch(() => {});
  });
  await page.route("**/api/v1/jobs", (route) => {
    if (route.request().method() !== "POST") return route.fulfill({ json: { jobs: [] } });
    orders.push(route.request().postDataJSON());
    return route.fulfill({ status: 202, json: JOB });
  });
  await page.route("**/api/v1/jobs/9/events", (route) => {
    const body = events.map((event) => `event: job\ndata: ${JSON.stringify({ ...JOB, ...event })}\n\n`).join("");
    return route.fulfill({ contentType: "text/event-stream", body });
  });
  await page.goto("/");
  await ready(page);
  await page.click("#library");
  await page.locator("#part-tags h3", { hasText: "Tags of parts" }).waitFor();
  return orders;
}

onPage("parts of images are tagged by a button, with progress", { path: "about:blank" }, async (page) => {
  let kept = null;
  const orders = await withTags(page, () => kept, [{ unit: "images", found: 300, done: 120 }]);
  assert.match(await page.textContent("#part-tags p"), /keywords of your library/);
  assert.deepEqual(await findings(page), []);
  kept = { labels: 40, tagged: 120, waiting: 180 };
  await page.getByRole("button", { name: "Tag parts" }).click();
  await page.locator("#job-state", { hasText: "Tagging parts of pictures" }).waitFor();
  await page.locator("#job-line", { hasText: "120 of 300 pictures · 40 %" }).waitFor();
  assert.doesNotMatch(await page.textContent("#job-line"), /files a second/);
  assert.deepEqual(orders, [{ kind: "tag_regions" }]);
  assert.ok(await page.locator("#banner").isHidden(), "results are whole meanwhile");
});

onPage("what was stopped goes on, and what is done has no button", { path: "about:blank" }, async (page) => {
  let kept = { labels: 40, tagged: 128, waiting: 172 };
  const orders = await withTags(page, () => kept, [{ state: "cancelled", unit: "images", found: 172, done: 128 }]);
  await page.locator("#part-tags p", { hasText: "128 of 300 pictures are tagged, labels: 40" }).waitFor();
  await page.locator("#part-tags").getByRole("button", { name: "Resume" }).click();
  await page.locator("#job-state", { hasText: "Stopped" }).waitFor();
  kept = { labels: 40, tagged: 300, waiting: 0 };
  await page.locator("#job-acts button", { hasText: "Start again" }).click();
  await page.locator("#part-tags p", { hasText: "300 of 300 pictures are tagged" }).waitFor();
  assert.deepEqual(orders, [{ kind: "tag_regions" }, { kind: "tag_regions" }]);
  assert.deepEqual(await page.locator("#part-tags button:visible").allTextContents(), ["Remove these tags"]);
});

onPage("tags of parts are removed after a question", { path: "about:blank" }, async (page, { expect }) => {
  expect("409 (Conflict)");
  let kept = { labels: 40, tagged: 300, waiting: 0 };
  const dropped = [];
  await page.route("**/api/v1/region-tags", (route) => {
    dropped.push(route.request().method());
    if (dropped.length === 1) return route.fulfill({ status: 409, json: { code: "conflict", message: "the library is being changed already" } });
    kept = null;
    return route.fulfill({ json: { were_kept: true } });
  });
  await withTags(page, () => kept);
  const section = page.locator("#part-tags");
  const remove = section.getByRole("button", { name: "Remove these tags" });
  await remove.click();
  assert.match(await section.textContent(), /No file is touched/);
  assert.deepEqual(await findings(page), []);
  await section.getByRole("button", { name: "Cancel" }).click();
  assert.ok(await remove.evaluate((button) => button === document.activeElement), "focus is where it was");
  assert.deepEqual(dropped, []);
  await remove.click();
  await section.getByRole("button", { name: "Remove", exact: true }).click();
  await section.locator(".problem", { hasText: "the library is being changed already" }).waitFor();
  await section.getByRole("button", { name: "Remove", exact: true }).click();
  await section.locator("p", { hasText: "keywords of your library" }).waitFor();
  const start = section.getByRole("button", { name: "Tag parts" });
  await page.waitForFunction(() => document.activeElement?.textContent === "Tag parts");
  assert.equal(await start.count(), 1);
  assert.deepEqual(dropped, ["DELETE", "DELETE"]);
});
