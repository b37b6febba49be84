// The library panel: adding a folder, progress, what was skipped and why, trying again.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, idle, onPage, pictures } from "./harness.mjs";

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
    await page.click("#add-folder button");
    await page.locator("#job-state", { hasText: "Up to date" }).waitFor({ timeout: 60_000 });
    assert.match(await page.textContent("#job-line"), /^\d+ of \d+ files/);
    assert.match(await page.textContent("#job-counts"), /\d+ cop/);
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
    await rm(folder, { recursive: true, force: true });
  }
});

onPage("a folder that is not there is refused in words", async (page, { expect }) => {
  await page.click("#library");
  expect("api/v1/jobs"); // the browser itself notes the answer 400
  await page.fill("#folder-path", "/no/such/folder");
  await page.click("#add-folder button");
  await page.waitForFunction(() => document.querySelector("#folder-problem").textContent.includes("/no/such/folder"));
});
