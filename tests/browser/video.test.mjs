// Videos on the page: their length on tiles, and in the large view the moment that was found, its shots, and playing.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { idle, onPage, ready, tiles } from "./harness.mjs";
import { START, showVideo } from "./video.mjs";

const blank = { path: "about:blank" };

const shotOf = (page, id) => page.locator(`#grid a.shot[href*="view=${id}"]`).first();
async function open(page, id) {
  await shotOf(page, id).click();
  await page.locator("#shots .shot-of").nth(2).waitFor();
}
const isCurrent = (page, place) => page.locator(`#shots .shot-of[aria-current="true"][data-place="${place}"]`).waitFor();
const isShown = (page, id) => page.waitForFunction((id) => document.querySelector("#stage .frame img").src.includes(`/images/${id}/thumbnail?size=1600`), id);
const time = (page) => page.locator("video").evaluate(({ currentTime }) => currentTime);
const playsOn = (page) => page.waitForFunction(() => document.querySelector("video") && !document.querySelector("video").paused && document.querySelector("#viewer").classList.contains("playing"));

onPage("tiles of videos say how long they are, and show the moment that was found", blank, async (page) => {
  const { id, frames, contents } = await showVideo(page, "/?q=zoo");
  const tile = tiles(page).filter({ has: page.locator(`a[href*="view=${id}"]`) }).first();
  assert.equal((await tile.locator(".length").textContent()).trim(), "0:08");
  assert.equal(await page.locator("#grid .length").count(), 1, "images have none");
  await page.waitForFunction(([id, frame, content]) => document.querySelector(`#grid a[href*="view=${id}"] img`)?.src.match(`/images/${frame}/thumbnail.*v=${content}`), [id, frames[1], contents[1]]);
  await page.waitForFunction((id) => /Video, 0:08/.test(document.querySelector(`#grid a[href*="view=${id}"]`).ariaLabel), id);
  assert.deepEqual(await findings(page), []);
  await page.goto("/");
  await ready(page);
  await page.locator("#grid .length", { hasText: "0:08" }).first().waitFor();
});

for (const [width, hasTouch] of [[1280, false], [390, true]]) {
  onPage(`${width} pixels: a video opens at the moment that was found, plays from there, and has its shots below`, { ...blank, viewport: { width, height: 844 }, hasTouch, isMobile: hasTouch }, async (page) => {
    const { id, frames, ranges } = await showVideo(page, "/?q=zoo");
    await open(page, id);
    await isCurrent(page, 1);
    await isShown(page, frames[1]);
    assert.equal(await page.locator("video").count(), 0, "nothing moves unasked");
    assert.equal(await page.locator(".play").getAttribute("aria-label"), "Play from 0:02");
    const labels = await page.locator("#shots .shot-of").evaluateAll((buttons) => buttons.map(({ ariaLabel }) => ariaLabel));
    assert.deepEqual(labels, ["Shot 1 of 3, at 0:00", "Shot 2 of 3, at 0:02", "Shot 3 of 3, at 0:05"]);
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.querySelector("#viewer").scrollWidth - innerWidth)), 0);

    if (hasTouch) await page.locator(".play").tap();
    else await page.locator(".play").click();
    await playsOn(page);
    await page.waitForFunction((start) => document.querySelector("video").currentTime >= start, START);
    assert.ok(ranges.length > 0 && ranges.every((range) => /^bytes=\d+-/.test(range)), String(ranges));
    assert.ok(await page.locator(".play").isHidden());
    // Another shot, while it plays: it plays on there.
    await page.locator("#shots .shot-of").nth(2).click();
    await page.waitForFunction(() => document.querySelector("video").currentTime >= 5);
    await isCurrent(page, 2);
    assert.equal(await page.locator("video").evaluate(({ paused }) => paused), false);
    await page.locator("video").evaluate((video) => video.pause());
    await page.waitForFunction(() => !document.querySelector("#viewer").classList.contains("playing"));
    assert.deepEqual(await findings(page), []);
    // While it does not play, a shot is its frame.
    await page.locator("#shots .shot-of").nth(0).click();
    await isShown(page, frames[0]);
    assert.ok(await page.locator("video").isHidden());
    assert.equal(await page.locator(".play").getAttribute("aria-label"), "Play");
    assert.match(await page.textContent("#facts"), /Length\s*0:08/);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.querySelector("#viewer").open);
    assert.equal(await page.locator("video").count(), 0, "nothing goes on unseen");
  });
}

onPage("a video is played, and gone through by its shots, with keys alone", blank, async (page) => {
  const { id, frames } = await showVideo(page, "/?q=zoo");
  await shotOf(page, id).focus();
  await page.keyboard.press("Enter");
  await page.locator("#shots .shot-of").nth(2).waitFor();
  await page.locator('#shots .shot-of[tabindex="0"]').focus();
  await page.keyboard.press("ArrowRight");
  await isCurrent(page, 2);
  await isShown(page, frames[2]);
  await page.locator("#announcer", { hasText: "Shot 3 of 3, at 0:05" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.dataset.place), "2");
  await page.keyboard.press("ArrowRight"); // there is no other
  await page.keyboard.press("Home");
  await isCurrent(page, 0);
  await page.locator("#stage").focus();
  await page.keyboard.press(" ");
  await playsOn(page);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "VIDEO");
  await page.keyboard.press(" ");
  await page.waitForFunction(() => document.querySelector("video").paused);
  const address = page.url();
  await page.keyboard.press("ArrowRight"); // the video's own key: it moves the video, and opens nothing
  assert.equal(page.url(), address);
  await page.locator("#stage").focus();
  await page.keyboard.press("ArrowRight");
  await page.waitForURL((url) => url.href !== address);
  assert.ok(await page.locator("#shots").isHidden(), "the next one does not move");
  assert.equal(await page.locator("video, .play").count(), 0);
});

onPage("boxes and heatmaps belong to the frame that is shown, and are hidden while the video plays", blank, async (page) => {
  const { id, frames } = await showVideo(page, "/?find=1&c=t:1:animal", { thing: "animal" });
  const asked = [];
  page.on("request", (request) => {
    if (request.url().includes("/ground")) asked.push(request.postDataJSON().image);
    const [, image] = /images\/(\d+)\/heatmap/.exec(request.url()) ?? [];
    if (image) asked.push(Number(image));
  });
  await open(page, id);
  await page.locator("#stage .spot").first().waitFor();
  await page.keyboard.press("h");
  await page.locator("#stage .heat").waitFor();
  assert.deepEqual(asked, [frames[1]]);
  await page.locator(".play").click();
  await playsOn(page);
  for (const part of [".spot", ".heat"]) assert.ok(await page.locator(`#stage ${part}`).first().isHidden(), part);
  assert.ok(await page.locator("#layers").isHidden());
  await page.locator("video").evaluate((video) => video.pause());
  await page.locator("#shots .shot-of").nth(2).click();
  await page.waitForFunction((frame) => document.querySelector("#stage .heat") && document.querySelector("#stage .frame img").src.includes(`/${frame}/`), frames[2]);
  assert.ok(asked.includes(frames[2]), `boxes and heat of the other frame: ${asked}`);
});

onPage("a video that this browser cannot play says so, and still has its frames", blank, async (page, { expect }) => {
  expect("original");
  const { id, frames } = await showVideo(page, "/?q=zoo", { playable: false });
  await open(page, id);
  await page.locator(".play").click();
  await page.locator(".cannot[role=alert]", { hasText: "cannot play this video" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "download");
  await page.locator("#shots .shot-of").nth(2).click();
  await isShown(page, frames[2]);
  assert.deepEqual(await findings(page), []);
});

onPage("less motion: an animation stands still until it is played", { ...blank, reducedMotion: "reduce" }, async (page) => {
  const { id, frames } = await showVideo(page, "/?q=zoo", { kind: "animation" });
  await open(page, id);
  await isShown(page, frames[1]);
  assert.equal(await page.locator(".player").count(), 0);
  await page.locator(".play").click();
  await page.locator("img.player").waitFor({ state: "attached" });
  await page.locator("#stage").focus();
  await page.keyboard.press(" ");
  assert.ok(await page.locator(".player").isHidden());
});

onPage("an animation moves by itself where that is wanted", blank, async (page) => {
  const { id } = await showVideo(page, "/", { kind: "animation" });
  await page.goto(`/?view=${id}`);
  await ready(page);
  await page.locator("img.player").waitFor({ state: "attached" });
});

onPage("a slideshow plays videos without sound, and pauses them", blank, async (page) => {
  const { id } = await showVideo(page, "/?q=zoo");
  await open(page, id);
  await page.keyboard.press("p");
  await page.waitForFunction(() => document.querySelector("video") && !document.querySelector("video").paused);
  assert.equal(await page.locator("video").evaluate(({ muted }) => muted), true);
  assert.ok(await page.locator("#shots").isHidden());
  await page.click("#slides-pause");
  await page.waitForFunction(() => document.querySelector("video").paused);
  await page.click("#slides-end");
  await page.locator("#shots .shot-of").first().waitFor();
});

onPage("a video that is too large to be shared says why not", blank, async (page) => {
  await page.addInitScript(() => Object.defineProperty(navigator, "share", { value: async () => {}, configurable: true }));
  const { id } = await showVideo(page, "/?q=zoo", { bytes: 3e9 });
  await open(page, id);
  await page.click("#further");
  await page.locator("#menu-share").click();
  await page.locator(".toast", { hasText: "too large to share" }).waitFor();
  assert.match(await page.locator("#download").getAttribute("href"), new RegExp(`images/${id}/original\\?download=true`), "the file as it is");
});

onPage("more like a shot asks for its frame", blank, async (page) => {
  const { id, frames } = await showVideo(page, "/?q=zoo");
  await open(page, id);
  await page.locator("#shots .shot-of").nth(2).click();
  await isShown(page, frames[2]);
  await page.click("#alike");
  await page.waitForURL((address) => address.searchParams.get("c") === `i:1:${frames[2]}`);
  await idle(page);
});

for (const language of ["de", "ar", "ja"]) {
  onPage(`${language}: videos are told of in the page's language`, { ...blank, locale: language }, async (page) => {
    const { id } = await showVideo(page, "/?q=zoo");
    await open(page, id);
    const label = await page.locator("#shots .shot-of").first().getAttribute("aria-label");
    assert.doesNotMatch(label, /Shot|undefined|\{/);
    assert.deepEqual(await findings(page), []);
  });
}
