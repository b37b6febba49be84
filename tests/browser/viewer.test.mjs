// One picture, large: facts, stepping, zoom, similar pictures, more and less like it, links and going back.

import assert from "node:assert/strict";
import { idle, onPage, ready, search, tiles } from "./harness.mjs";

async function openFirst(page) {
  await tiles(page).first().locator("a.shot").click();
  await page.waitForURL(/view=\d+/);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
}

const fileShown = (page) => page.textContent("#name");

onPage("a picture opens with its facts, and closes where it was", async (page) => {
  await search(page, "zoo");
  await openFirst(page);
  assert.match(await page.textContent("#facts"), /JPEG|PNG|WEBP/);
  assert.match(await page.textContent("#facts"), /match, \d+ %/);
  assert.match(await page.textContent("#place"), /^1 of \d+$/);
  await page.waitForFunction(() => document.querySelector("#stage img")?.naturalWidth > 0);
  await page.keyboard.press("Escape");
  await page.waitForURL((address) => !address.searchParams.has("view"));
  assert.equal(await page.locator("#viewer").isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "0", "focus is back on the picture");
});

onPage("one steps through what was found", async (page) => {
  await search(page, "zoo");
  await openFirst(page);
  const first = await fileShown(page);
  await page.click("#next");
  await page.waitForFunction((first) => document.querySelector("#name").textContent !== first, first);
  assert.match(await page.textContent("#place"), /^2 of/);
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction((first) => document.querySelector("#name").textContent === first, first);
  assert.equal(await page.locator("#previous").isDisabled(), true);
  await page.goBack();
  await page.waitForURL((address) => !address.searchParams.has("view"));
  assert.equal(await page.locator("#viewer").isVisible(), false, "stepping leaves no steps in the history");
});

onPage("a link to a picture opens it, and closing shows the library", async (page) => {
  await openFirst(page);
  const link = page.url();
  const name = await fileShown(page);
  await page.goto("about:blank");
  await page.goto(link);
  await ready(page);
  await page.waitForFunction((name) => document.querySelector("#name").textContent === name, name);
  await page.click("#close");
  await page.waitForURL((address) => !address.searchParams.has("view"));
  assert.ok((await tiles(page).count()) > 0);
});

onPage("zoom by wheel, keys and double click", async (page) => {
  await openFirst(page);
  const scale = () => page.evaluate(() => Number(/scale\(([\d.]+)\)/.exec(document.querySelector(".frame").style.transform)?.[1] ?? 1));
  await page.mouse.move(500, 400);
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(() => document.querySelector("#stage").classList.contains("zoomed"));
  assert.ok((await scale()) > 1.5);
  await page.keyboard.press("0");
  assert.equal(await scale(), 1);
  await page.keyboard.press("z");
  assert.equal(await scale(), 2.5);
  await page.mouse.dblclick(500, 400);
  assert.equal(await scale(), 1);
});

onPage("similar pictures, and more and less like this", async (page) => {
  await search(page, "zoo");
  await openFirst(page);
  await page.click("#alike");
  await page.waitForURL(/c=i%3A1%3A\d+/);
  await idle(page);
  assert.equal(await page.locator("#viewer").isVisible(), false);
  assert.equal(await page.locator(".chip.image").count(), 1);
  await page.goto("/?q=zoo");
  await ready(page);
  await openFirst(page);
  await page.click("#unlike");
  await page.waitForURL(/c=i%3A-0\.5%3A\d+/);
  await idle(page);
  assert.equal(await page.locator(".chip.without").count(), 1);
  assert.equal(await page.inputValue("#q"), "zoo");
});

onPage("the path is copied and the file downloads under its own name", { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  await openFirst(page);
  const name = await fileShown(page);
  await page.keyboard.press("c");
  await page.locator(".toast").waitFor();
  assert.ok((await page.evaluate(() => navigator.clipboard.readText())).endsWith(name));
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  assert.equal(download.suggestedFilename(), name);
});
