// The large view beyond one image: facts that filter, turning, full screen, slideshow, pinching, and back to the bar.

import assert from "node:assert/strict";
import { countLine, idle, onPage, tiles } from "./harness.mjs";

async function openFirst(page) {
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#facts .trail a").first().waitFor({ state: "attached" });
}

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

onPage("camera, day, place and folders of a picture are links that filter the library", async (page) => {
  await openFirst(page);
  const all = await countLine(page);
  const links = page.locator("#facts a.fact-link");
  const names = await links.allTextContents();
  for (const [at, name] of names.entries()) {
    await links.nth(at).click();
    await page.waitForURL((address) => !address.searchParams.has("view"));
    await idle(page);
    assert.equal(await page.locator("#viewer").isVisible(), false);
    assert.ok((await tiles(page).count()) > 0, `${name}: the picture itself passes`);
    assert.ok((await page.locator(".pill.set:visible").count()) === 1, `${name} is a filter`);
    const narrowed = (await countLine(page)) !== all;
    assert.ok(narrowed || new URL(page.url()).searchParams.has("folder"), `${name}: ${await countLine(page)}`);
    await page.goBack();
    await page.locator("#facts .trail a").first().waitFor({ state: "attached" });
  }
  assert.ok(names.length >= 3, names.join());
});

onPage("the view is turned, and upright again for the next picture", async (page) => {
  await openFirst(page);
  const box = () => page.locator(".frame").boundingBox();
  const { width, height } = await box();
  await page.keyboard.press("t");
  await page.waitForTimeout(400);
  const turned = await box();
  assert.ok(Math.abs(turned.width / turned.height - height / width) < 0.02, JSON.stringify(turned));
  assert.ok(turned.x >= 0 && turned.y >= 0 && turned.y + turned.height <= 800, "it fits");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("#place").textContent.startsWith("2 "));
  assert.match(await page.locator(".frame").evaluate(({ style }) => style.transform), /rotate\(0deg\)/);
});

onPage("what else can be done is in a menu, moved through with arrow keys", async (page) => {
  await openFirst(page);
  await page.click("#further");
  await page.locator("#menu-slideshow:focus").waitFor(); // the browser tells of the open menu a little later
  assert.equal(await page.getAttribute("#further", "aria-expanded"), "true");
  await page.keyboard.press("ArrowUp");
  const shown = page.locator("#further-menu > *:visible");
  assert.equal(await shown.last().evaluate((last) => last === document.activeElement), true);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#further-menu").isVisible(), false);
  assert.ok(await page.locator("#viewer").isVisible(), "only the menu was closed");
  await page.click("#further");
  await page.click("#menu-rotate");
  await page.waitForFunction(() => document.querySelector("#stage").classList.contains("turned"));
});

onPage("a slideshow goes on by itself, pauses, and ends in the large view", { reducedMotion: "reduce" }, async (page) => {
  await openFirst(page);
  await page.keyboard.press("p");
  await page.locator("#slides").waitFor();
  await page.selectOption("#slides-seconds", "3");
  await page.waitForFunction(() => document.querySelector("#place").textContent.startsWith("2 "), null, { timeout: 15_000 });
  await page.locator("#stage").press("Space");
  assert.equal(await page.getAttribute("#slides-pause", "aria-label"), "Resume");
  const place = await page.textContent("#place");
  await page.waitForTimeout(4000);
  assert.equal(await page.textContent("#place"), place, "paused, it stays");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((place) => document.querySelector("#place").textContent !== place, place);
  await page.click("#slides-end");
  await page.locator("#slides").waitFor({ state: "hidden" });
  assert.ok(await page.locator("#viewer .top").isVisible());
  await page.waitForFunction(() => document.fullscreenElement === null);
});

onPage("two fingers enlarge a picture, one finger then moves it", phone, async (page, { context }) => {
  await openFirst(page);
  const debug = await context.newCDPSession(page);
  const touch = (type, ...points) => debug.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  await touch("touchStart", [180, 400], [210, 400]);
  for (let by = 10; by <= 80; by += 10) await touch("touchMove", [180 - by, 400], [210 + by, 400]);
  await touch("touchEnd");
  const transform = () => page.locator(".frame").evaluate(({ style }) => style.transform);
  assert.ok(Number(/scale\(([\d.]+)/.exec(await transform())[1]) > 2, await transform());
  const before = await transform();
  await touch("touchStart", [200, 400]);
  for (let by = 10; by <= 60; by += 10) await touch("touchMove", [200 - by, 400]);
  await touch("touchEnd");
  assert.notEqual(await transform(), before);
  assert.match(await page.textContent("#place"), /^1 /, "that is no swipe");
});

onPage("a picture is shared with its file where the device can", { ...phone, path: "about:blank" }, async (page) => {
  await page.addInitScript(() => {
    navigator.canShare = () => true;
    navigator.share = async ({ files }) => (globalThis.shared = files.map(({ name, type, size }) => ({ name, type, size })));
  });
  await page.goto("/");
  await openFirst(page);
  await page.tap("#further");
  await page.tap("#menu-share");
  await page.waitForFunction(() => globalThis.shared);
  const [{ name, type, size }] = await page.evaluate(() => globalThis.shared);
  assert.equal(name, await page.textContent("#name"));
  assert.match(type, /^image\//);
  assert.ok(size > 100);
});

onPage("the key for searching leads from the large view to the bar", async (page) => {
  await openFirst(page);
  await page.keyboard.press("/");
  await page.waitForURL((address) => !address.searchParams.has("view"));
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
});
