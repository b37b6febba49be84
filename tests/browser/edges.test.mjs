// At an edge of the window the page goes on moving while something is dragged, as long as the pointer rests there.

import assert from "node:assert/strict";
import { onPage, ready, tiles } from "./harness.mjs";

const ask = (page, method, path, body) => page.evaluate(([method, path, body]) =>
  fetch(`/api/v1/${path}`, { method, headers: { "Content-Type": "application/json" }, ...(body && { body: JSON.stringify(body) }) }).then((answer) => answer.text()), [method, path, body]);
const link = (page, n) => page.locator(`#grid a.shot[data-index="${n}"]`);
const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
/// How far an image is from the beginning of an album.
const placeOf = async (page, album, id) => {
  const body = { limit: 500, sort: "album", filter: { album: album.id } };
  const { hits } = JSON.parse(await ask(page, "POST", "search", body));
  return hits.findIndex((hit) => hit.id === id);
};

/// Shows an album of so many images of the library. Gives it, and their numbers.
async function showAlbum(page, name, count) {
  const { hits } = JSON.parse(await ask(page, "POST", "search", { limit: count }));
  const ids = hits.map(({ id }) => id);
  assert.equal(ids.length, count);
  const album = JSON.parse(await ask(page, "POST", "albums", { name, images: ids }));
  await page.goto(`/?album=${album.id}`);
  await ready(page);
  await tiles(page).nth(5).waitFor();
  assert.ok(await page.evaluate(() => document.documentElement.scrollHeight > 3 * innerHeight), "there is something to move");
  return { album, ids };
}

/// Waits until the page has stopped.
const rests = (page) => page.evaluate(async () => {
  for (let last = -1; last !== scrollY; ) {
    last = scrollY;
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  }
});
/// The middle of an image in the midst of the window: wherever the page came to rest, a gap may be at any other place.
const someImage = (page) => page.waitForFunction(() => {
  const boxes = [...document.querySelectorAll("#grid a.shot")].map((shot) => shot.getBoundingClientRect());
  const box = boxes.find(({ top, bottom }) => top > 150 && bottom < innerHeight - 150);
  return box && [box.left + box.width * 0.7, box.top + box.height / 2];
}).then((found) => found.jsonValue());
const movedTo = (page, n) => page.waitForFunction((n) => document.querySelector("#announcer").textContent === `Moved to place ${n.toLocaleString("en")}`, n);

onPage("a mouse that carries images of an album to an edge moves the page, down and up", async (page) => {
  const { album, ids } = await showAlbum(page, "By the edge", 200);
  await page.mouse.move(...middle(await link(page, 0).boundingBox()));
  await page.mouse.down();
  await page.mouse.move(500, 400, { steps: 3 });
  await rests(page);
  assert.equal(await page.evaluate(() => scrollY), 0, "in the midst of the window nothing moves");
  await page.mouse.move(500, 796, { steps: 3 });
  // No further event comes.
  await page.waitForFunction(() => scrollY > 1500);
  await page.mouse.move(500, 400, { steps: 3 });
  await rests(page);
  await page.mouse.move(...(await someImage(page)), { steps: 3 });
  const aimed = page.locator("#grid .aimed-before, #grid .aimed-behind");
  await aimed.waitFor();
  const to = Number(await aimed.locator("a.shot").getAttribute("data-index")) + Number(await aimed.evaluate((tile) => tile.matches(".aimed-behind"))) - 1;
  assert.ok(to > 20, `${to}`);
  await page.mouse.up();
  await movedTo(page, to + 1);
  assert.equal(await placeOf(page, album, ids[0]), to);

  const carried = link(page, to);
  await carried.waitFor();
  await carried.scrollIntoViewIfNeeded();
  await rests(page);
  await page.mouse.move(...middle(await carried.boundingBox()));
  await page.mouse.down();
  await page.mouse.move(500, 400, { steps: 3 });
  const { height } = await page.locator("header").boundingBox();
  await page.mouse.move(500, height + 4, { steps: 3 });
  await page.waitForFunction(() => scrollY === 0);
  await link(page, 0).waitFor();
  const first = await link(page, 0).boundingBox();
  await page.mouse.move(first.x + 8, first.y + first.height / 2, { steps: 3 });
  await page.locator("#grid .tile.aimed-before").waitFor();
  await page.mouse.up();
  await movedTo(page, 1);
  assert.equal(await placeOf(page, album, ids[0]), 0);
  await ask(page, "DELETE", `albums/${album.id}`);
});

onPage("a finger that carries an image to the lower edge moves the page", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, { context }) => {
  const { album, ids } = await showAlbum(page, "By the edge, by finger", 120);
  const session = await context.newCDPSession(page);
  const touch = (type, place) => session.send("Input.dispatchTouchEvent", { type, touchPoints: place ? [{ x: place[0], y: place[1] }] : [] });
  const start = middle(await link(page, 1).boundingBox());
  await touch("touchStart", start);
  await page.locator('#grid .tile.selected a.shot[data-index="1"]').waitFor();
  await touch("touchMove", [start[0], start[1] + 40]);
  await touch("touchMove", [200, 838]);
  await page.waitForFunction(() => scrollY > 1200);
  await touch("touchMove", [200, 420]);
  await rests(page);
  await touch("touchMove", await someImage(page));
  await page.locator("#grid .aimed-before, #grid .aimed-behind").waitFor();
  await touch("touchEnd");
  await page.waitForFunction(() => /^Moved to place \d+$/.test(document.querySelector("#announcer").textContent));
  const place = await placeOf(page, album, ids[1]);
  assert.ok(place > 5, `${place}`);
  assert.equal(await page.textContent("#announcer"), `Moved to place ${place + 1}`);
  await ask(page, "DELETE", `albums/${album.id}`);
});

onPage("a lasso that is drawn to an edge selects what comes into view, up as well as down", async (page) => {
  await tiles(page).nth(5).waitFor();
  await page.evaluate(() => scrollTo(0, 1200));
  await page.waitForFunction(() => [...document.querySelectorAll("#grid a.shot")].some((shot) => shot.getBoundingClientRect().top > 300));
  const { left } = await page.locator("#grid").evaluate((grid) => grid.getBoundingClientRect());
  const selected = () => page.evaluate(() => Number(/[\d,]+/.exec(document.querySelector("#selection .selected-count")?.textContent ?? "0")[0]));
  await page.mouse.move(left - 12, 500);
  await page.mouse.down();
  await page.mouse.move(left + 900, 790, { steps: 4 });
  await page.waitForFunction(() => scrollY > 1800);
  await page.mouse.move(left + 900, 400, { steps: 3 });
  await rests(page);
  const down = await selected();
  assert.ok(down > 8, `${down}`);
  await page.mouse.move(left + 900, 4, { steps: 3 });
  await page.waitForFunction(() => scrollY < 300);
  await page.mouse.move(left + 900, 400, { steps: 3 });
  await rests(page);
  assert.ok((await selected()) > 0, "what is above where it began, and no more what is below");
  await page.mouse.up();
  assert.equal(await page.locator(".lasso").count(), 0);
  await page.keyboard.press("Escape");
});
