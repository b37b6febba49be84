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

onPage("on an address without a clipboard, paths are copied all the same", { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
  // As on http://NAME, but for reading, by which the test sees what was copied.
  await page.evaluate(() => Object.defineProperty(navigator.clipboard, "writeText", { value: undefined }));
  const isCopied = (end) => page.waitForFunction((end) => navigator.clipboard.readText().then((text) => /[\\/]/.test(text) && text.endsWith(end)), end);
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("c");
  await page.locator(".toast", { hasText: "Path copied" }).waitFor();
  await isCopied("");
  await page.evaluate(() => navigator.clipboard.write([new ClipboardItem({ "text/plain": "nothing" })]));
  await openFirst(page);
  await page.keyboard.press("c");
  await isCopied(await fileShown(page));
  assert.ok(await page.locator("#viewer").evaluate((viewer) => viewer.contains(document.activeElement)), "the focus stays");
});

onPage("what is said over a picture can be read in both themes", async (page) => {
  await openFirst(page);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.keyboard.press("l"); // without words there is nothing to take away from
    const toast = page.locator("#viewer .toast", { hasText: "Search for something first" });
    await toast.waitFor();
    const contrast = await toast.evaluate((toast) => {
      const { color, backgroundColor } = getComputedStyle(toast);
      const light = (text) => {
        const [r, g, b] = text.match(/[\d.]+/g).slice(0, 3).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const [a, b] = [light(color), light(backgroundColor)];
      return Math.max(a, b) / Math.min(a, b);
    });
    assert.ok(contrast > 4.5, `${colorScheme}: ${contrast}`);
    await toast.waitFor({ state: "detached" });
  }
});

onPage("looking at a match leaves no part of the stage empty", { path: "/?find=1&c=t:1:butterfly&weak=1" }, async (page) => {
  for (let at = 0; at < 4; at++) {
    if (at === 0) await openFirst(page);
    else await page.keyboard.press("ArrowRight");
    await page.waitForTimeout(500); // it glides there
    const { gaps, scale, shown } = await page.evaluate(() => {
      const [stage, frame] = ["#stage", ".frame"].map((name) => document.querySelector(name).getBoundingClientRect());
      const image = document.querySelector(".frame img");
      const gap = (a, b, size, room) => (size > room ? Math.max(a, b, 0) : 0);
      return {
        gaps: [gap(frame.left - stage.left, stage.right - frame.right, frame.width, stage.width), gap(frame.top - stage.top, stage.bottom - frame.bottom, frame.height, stage.height)],
        scale: frame.width / Number(image.getAttribute("width")), shown: image.getAttribute("width"),
      };
    });
    assert.ok(gaps.length && gaps.every((gap) => gap < 2), gaps.join());
    assert.ok(scale <= 2.01, `${shown} pixels, ${scale} times`);
  }
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

onPage("a phone has boxes, heatmap and box to draw in one line, which leaves room for the image", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  await search(page, "zoo");
  await openFirst(page);
  await page.locator("#heat").waitFor();
  const tops = await page.locator("#layers .switch:visible").evaluateAll((switches) => switches.map((part) => Math.round(part.getBoundingClientRect().top)));
  assert.ok(tops.length >= 3 && tops.every((top) => top === tops[0]), tops.join());
});
