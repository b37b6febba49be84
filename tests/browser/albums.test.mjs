// Favourites, albums and saved searches. Each test takes back what it did to the library that all share.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { count, idle, onPage, ready, search, tiles } from "./harness.mjs";

const shot = (page, n) => tiles(page).nth(n).locator("a.shot");
/// The nth of the tiles that stand for one image, and for no stack. Equal scores are in order of numbers, which images get
/// as they are decoded, so that which tile leads a stack differs from one library to the next.
const single = (page, n) => tiles(page).filter({ hasNot: page.locator(".stack") }).nth(n);
const numberOf = async (link) => Number(new URL(await link.evaluate(({ href }) => href)).searchParams.get("view"));
const idOf = (page, n) => numberOf(shot(page, n));
const idOfSingle = (page, n) => numberOf(single(page, n).locator("a.shot"));
const act = (page, name) => page.locator("#selection").getByRole("button", { name, exact: true });
const ofAlbum = (page, name) => page.locator("#selection").getByRole("menuitem", { name, exact: true });
const said = (page, text) => page.locator(".toast", { hasText: text }).first().waitFor();
const albumRow = (page, name) => page.locator("#album-list li", { hasText: name });
const ask = (page, method, path, body) => page.evaluate(([method, path, body]) =>
  fetch(`/api/v1/${path}`, { method, headers: { "Content-Type": "application/json" }, ...(body && { body: JSON.stringify(body) }) }).then((answer) => answer.text()), [method, path, body]);
async function select(page, ...places) {
  for (const place of places) {
    await single(page, place).locator("a.shot").focus();
    await page.keyboard.press("x");
  }
  await page.waitForFunction((n) => document.querySelectorAll("#grid .selected").length === n, places.length);
}

/// Waits until images are shown in this order.
const isShown = (page, ...order) => page.waitForFunction((order) => {
  const links = [...document.querySelectorAll("#grid a.shot")].sort((one, other) => Number(one.dataset.index) - Number(other.dataset.index));
  return links.map(({ href }) => new URL(href).searchParams.get("view")).join() === order;
}, order.join());

onPage("favourites are made by heart, key and selection, and found again", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(4).waitFor();
  await idle(page);
  const ids = [await idOfSingle(page, 0), await idOfSingle(page, 1), await idOfSingle(page, 2)];
  await ask(page, "POST", "favourites", { remove: ids }); // another run may have been cut off
  await page.reload();
  await ready(page);
  await tiles(page).nth(4).waitFor();
  await idle(page);
  await single(page, 0).hover();
  await single(page, 0).locator(".heart").click();
  await said(page, "1 added to favourites");
  assert.equal(await single(page, 0).locator(".heart").getAttribute("aria-label"), "Remove from favourites");
  await single(page, 1).locator("a.shot").focus();
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.querySelectorAll("#grid .tile.favourite").length === 2);
  await select(page, 1, 2);
  await act(page, "Add to favourites").click();
  await said(page, "2 added to favourites");
  await page.keyboard.press("Escape");
  await page.goto("/");
  await ready(page);
  await page.locator("#filters .favourites").click();
  await page.waitForURL(/favourite=1/);
  await idle(page);
  assert.equal(await count(page), 3);
  await page.waitForFunction(() => document.querySelectorAll("#grid .tile.favourite").length === 3);
  await shot(page, 0).focus();
  await page.keyboard.press("f");
  await page.waitForFunction(() => document.querySelectorAll("#grid .tile").length === 2, undefined);
  await page.reload();
  await ready(page);
  assert.equal(await page.locator("#filters .favourites").getAttribute("aria-pressed"), "true");
  assert.equal(await count(page), 2, "the server knows it");
  await ask(page, "POST", "favourites", { remove: ids });
});

onPage("an album is made of a selection, opened, renamed, shortened and deleted", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(4).waitFor();
  await idle(page);
  await select(page, 0, 1);
  await act(page, "Add to album").click();
  await page.fill("#album-name", "At the zoo");
  await page.keyboard.press("Enter");
  await said(page, "2 added to “At the zoo”");
  await page.keyboard.press("Escape");
  await select(page, 2);
  await act(page, "Add to album").click();
  await albumRow(page, "At the zoo").locator(".main").click();
  await said(page, "1 added to “At the zoo”");
  await page.click("#albums-open");
  const row = albumRow(page, "At the zoo");
  await row.locator(".soft", { hasText: "3 pictures" }).waitFor();
  await row.locator(".cover img").waitFor();
  assert.deepEqual(await findings(page), []);
  await row.getByRole("button", { name: "Rename" }).click();
  assert.deepEqual(await findings(page), []);
  await page.keyboard.type("Animals");
  await page.keyboard.press("Enter");
  await said(page, "Renamed to “Animals”");
  await albumRow(page, "Animals").locator(".main").click();
  await page.waitForURL(/[?&]album=/);
  await idle(page);
  assert.equal(await count(page), 3);
  await page.locator("#filters .pill.set", { hasText: "Animals" }).waitFor();
  await tiles(page).nth(2).waitFor();
  await idle(page);
  await select(page, 1);
  await act(page, "Album").click();
  await ofAlbum(page, "Use as cover").click();
  await said(page, "Cover of “Animals” changed");
  await act(page, "Album").click();
  await ofAlbum(page, "Remove from this album").click();
  await said(page, "1 removed from “Animals”");
  await page.waitForFunction(() => document.querySelectorAll("#grid .tile").length === 2);
  await page.reload();
  await ready(page);
  assert.equal(await count(page), 2);
  await page.click("#albums-open");
  await albumRow(page, "Animals").getByRole("button", { name: "Delete" }).click();
  await page.locator("#album-list .question", { hasText: "stay where they are" }).waitFor();
  assert.deepEqual(await findings(page), []);
  await page.locator("#album-list .question").getByRole("button", { name: "Cancel" }).click();
  await albumRow(page, "Animals").getByRole("button", { name: "Delete" }).click();
  await page.locator("#album-list .question").getByRole("button", { name: "Delete" }).click();
  await said(page, "“Animals” deleted");
  await albumRow(page, "Animals").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await page.waitForURL((address) => !address.searchParams.has("album"));
});

onPage("a search is saved under a name, and leads back to itself", { path: "/?q=zoo" }, async (page) => {
  await idle(page);
  const found = await count(page);
  await page.click("#save-search");
  assert.equal(await page.inputValue("#album-name"), "zoo");
  assert.deepEqual(await findings(page), []);
  await page.fill("#album-name", "My zoo");
  await page.keyboard.press("Enter");
  await said(page, "Search saved as “My zoo”");
  await page.goto("/");
  await ready(page);
  assert.ok(await page.locator("#save-search").isHidden(), "there is nothing to save");
  await page.click("#albums-open");
  await albumRow(page, "My zoo").locator(".soft", { hasText: "Saved search" }).waitFor();
  const best = await albumRow(page, "My zoo").locator(".cover img").getAttribute("src");
  await albumRow(page, "My zoo").locator(".main").click();
  await page.waitForURL(/q=zoo/);
  await idle(page);
  assert.equal(await count(page), found);
  assert.equal(/images\/(\d+)/.exec(best)[1], String(await idOf(page, 0)), "the best of what it finds stands for it");
  const pill = page.locator("#filters .filter", { hasText: "My zoo" });
  await pill.waitFor();
  await page.reload();
  await ready(page);
  await pill.waitFor();
  await search(page, "zoo animal");
  await pill.waitFor({ state: "hidden" });
  await page.goBack();
  await pill.waitFor();
  await pill.getByRole("button", { name: "Remove filter: Saved search" }).click();
  await page.waitForURL((address) => !address.search);
  await pill.waitFor({ state: "hidden" });
  await page.click("#albums-open");
  const id = await albumRow(page, "My zoo").getAttribute("data-album");
  await ask(page, "DELETE", `albums/${id}`);
});

onPage("a search for things is saved with its form, and fills itself", { path: "/?find=1&c=n:2-:dog&c=t:-1:cat" }, async (page) => {
  await idle(page);
  const found = await count(page);
  await page.click("#save-search");
  assert.equal(await page.inputValue("#album-name"), "dog + cat");
  await page.fill("#album-name", "Pairs of dogs");
  await page.keyboard.press("Enter");
  await said(page, "Search saved as “Pairs of dogs”");
  await page.goto("/");
  await ready(page);
  await page.click("#albums-open");
  await albumRow(page, "Pairs of dogs").locator(".soft", { hasText: "Saved search" }).waitFor();
  const id = await albumRow(page, "Pairs of dogs").getAttribute("data-album");
  const saved = JSON.parse(await ask(page, "GET", "albums")).albums.find((album) => album.id === id);
  assert.deepEqual([saved.count, saved.new, saved.query], [found, 0, null]);
  assert.deepEqual([saved.find.things, saved.find.without], [[{ text: "dog", at_least: 2, at_most: null }], ["cat"]]);
  assert.deepEqual(await findings(page), []);
  await albumRow(page, "Pairs of dogs").locator(".main").click();
  await page.waitForURL(/find=1/);
  await idle(page);
  assert.equal(await count(page), found);
  assert.equal(await page.locator("#search .chip").count(), 2);
  await ask(page, "DELETE", `albums/${id}`);
});

onPage("a search for regions like a part of an image is saved, and fills itself", { path: "/?find=1" }, async (page, { expect }) => {
  await tiles(page).nth(0).waitFor();
  const id = await idOf(page, 0);
  await page.goto(`/?find=1&c=r:${id}:10,10,60,60`);
  await ready(page);
  const found = await count(page);
  await page.click("#save-search");
  await page.fill("#album-name", "Corners");
  await page.click("#album-create");
  await said(page, "Search saved as “Corners”");
  const { albums } = JSON.parse(await ask(page, "GET", "albums"));
  const saved = albums.find(({ name }) => name === "Corners");
  assert.deepEqual([saved.similar.image, saved.similar.box, saved.count], [id, { x: 10, y: 10, width: 60, height: 60 }, found]);
  await page.goto("/");
  await ready(page);
  await page.click("#albums-open");
  const row = albumRow(page, "Corners");
  assert.match(await row.textContent(), /Saved search/);
  await row.locator(".main").click();
  await page.waitForURL((address) => address.searchParams.get("c") === `r:${id}:10,10,60,60`);
  await idle(page);
  assert.equal(await count(page), found);
  assert.equal(await page.locator("#search .chip .part").count(), 1);
  // What was uploaded is not kept, so a search for it is not either.
  expect("api/v1/uploads/abcdef");
  expect("api/v1/similar");
  await page.goto("/?find=1&c=p:1:abcdef");
  await page.waitForSelector("html[data-ready]");
  assert.ok(await page.locator("#save-search").isHidden());
  await ask(page, "DELETE", `albums/${saved.id}`);
});

onPage("images of an album are moved by mouse, by keys and to the front, and stay there", async (page) => {
  await tiles(page).nth(4).waitFor();
  await idle(page);
  const ids = [];
  for (const n of [3, 1, 4, 0, 2]) ids.push(await idOf(page, n));
  const album = JSON.parse(await ask(page, "POST", "albums", { name: "In order", images: ids }));
  const [a, b, c, d, e] = ids;
  await page.goto(`/?album=${album.id}`);
  await ready(page);
  assert.equal(await page.locator("#sort").inputValue(), "album");
  await isShown(page, a, b, c, d, e);
  assert.deepEqual(await findings(page), []);

  await shot(page, 0).focus();
  await page.keyboard.press("Control+Shift+ArrowRight");
  await isShown(page, b, a, c, d, e);
  await page.locator("#announcer", { hasText: "Moved to place 2" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.index), "1", "the focus moves with it");
  await page.keyboard.press("Control+Shift+End");
  await isShown(page, b, c, d, e, a);
  await page.keyboard.press("Control+Shift+ArrowRight"); // the last stays the last
  await page.keyboard.press("Control+Shift+ArrowLeft");
  await isShown(page, b, c, d, a, e);

  const place = (box, share) => [box.x + box.width * share, box.y + box.height / 2];
  const boxOf = (n) => page.locator(`#grid a.shot[data-index="${n}"]`).boundingBox();
  await page.mouse.move(...place(await boxOf(4), 0.5));
  await page.mouse.down();
  await page.mouse.move(...place(await boxOf(1), 0.3), { steps: 4 });
  await page.locator("#grid .tile.aimed-before").waitFor();
  await page.mouse.up();
  await isShown(page, b, e, c, d, a);
  assert.equal(new URL(page.url()).searchParams.has("view"), false, "nothing is opened");

  await shot(page, 0).focus();
  await page.locator('#grid a.shot[data-index="2"]').focus();
  await page.keyboard.press("x");
  await act(page, "Album").click();
  await ofAlbum(page, "Move to the front").click();
  await isShown(page, c, b, e, d, a);
  await page.reload();
  await ready(page);
  await isShown(page, c, b, e, d, a);
  await page.selectOption("#sort", "newest");
  await page.waitForURL(/sort=newest/);
  await idle(page);
  await page.locator("#grid .part").first().waitFor();
  await page.locator('#grid a.shot[data-index="0"]').focus();
  await page.keyboard.press("x");
  await act(page, "Album").click();
  assert.ok(await ofAlbum(page, "Move to the front").isHidden(), "by date there is nothing to move");
  await ask(page, "DELETE", `albums/${album.id}`);
});

onPage("390 pixels: images of an album are moved by finger, one or several, and from the bar", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, { context }) => {
  await tiles(page).nth(4).waitFor();
  await idle(page);
  const ids = [];
  for (const n of [0, 1, 2, 3, 4]) ids.push(await idOf(page, n));
  const [a, b, c, d, e] = ids;
  const album = JSON.parse(await ask(page, "POST", "albums", { name: "By finger", images: ids }));
  await page.goto(`/?album=${album.id}`);
  await ready(page);
  await isShown(page, a, b, c, d, e);
  const session = await context.newCDPSession(page);
  const touch = (type, place) => session.send("Input.dispatchTouchEvent", { type, touchPoints: place ? [{ x: place[0], y: place[1] }] : [] });
  const boxOf = (n) => page.locator(`#grid a.shot[data-index="${n}"]`).boundingBox();
  const place = (box, share) => [box.x + box.width * share, box.y + box.height / 2];
  const selected = (n) => page.waitForFunction((n) => document.querySelectorAll("#grid .tile.selected").length === n, n);

  // A finger that does not rest first moves the page, and no image.
  const first = place(await boxOf(0), 0.5);
  await touch("touchStart", first);
  for (const by of [10, 30, 60]) await touch("touchMove", [first[0], first[1] - by]);
  await touch("touchEnd");
  await isShown(page, a, b, c, d, e);
  await page.evaluate(() => scrollTo(0, 0));
  await selected(0);

  // It rests on an image, which is selected then, and takes it along.
  const drag = async (from, to, share) => {
    const start = place(await boxOf(from), 0.5);
    await touch("touchStart", start);
    await page.locator(`#grid .tile.selected a.shot[data-index="${from}"]`).waitFor();
    const end = place(await boxOf(to), share);
    for (const way of [0.2, 0.5, 0.8, 1]) await touch("touchMove", [0, 1].map((side) => start[side] + (end[side] - start[side]) * way));
    await page.locator("#grid .tile.aimed-behind").waitFor();
    assert.ok(await page.locator(".carried img").isVisible());
    await touch("touchEnd");
  };
  await drag(0, 3, 0.8);
  await isShown(page, b, c, d, a, e);
  await page.locator("#announcer", { hasText: "Moved to place 4" }).waitFor();
  assert.equal(await page.locator(".carried").count(), 0);
  assert.equal(new URL(page.url()).searchParams.has("view"), false, "nothing is opened");

  // All that is selected goes along with one of them; a finger that is lifted where it was takes it out of the selection.
  await page.locator('#grid a.shot[data-index="0"]').tap();
  await selected(2);
  await page.locator(".selection-bar .selected-count", { hasText: "2 selected" }).waitFor();
  const start = place(await boxOf(0), 0.5);
  await touch("touchStart", start);
  await page.waitForTimeout(700);
  const end = place(await boxOf(4), 0.8);
  await touch("touchMove", [start[0] + 20, start[1]]);
  await touch("touchMove", end);
  await page.locator("#grid .tile.aimed-behind").waitFor();
  assert.equal(await page.textContent(".carried"), "2");
  await touch("touchEnd");
  await isShown(page, c, d, e, b, a);
  await selected(2);
  await touch("touchStart", place(await boxOf(4), 0.5));
  await page.waitForTimeout(700);
  await touch("touchEnd");
  await selected(1);

  // The same without any drag, by taps and by keys.
  assert.deepEqual(await findings(page), []);
  await act(page, "Move earlier").tap();
  await isShown(page, c, d, b, e, a);
  await act(page, "Move later").tap();
  await isShown(page, c, d, e, b, a);
  await act(page, "Move earlier").focus();
  await page.keyboard.press("Enter");
  await isShown(page, c, d, b, e, a);
  assert.equal(await page.evaluate(() => document.activeElement?.title), "Move earlier", "to be pressed again");
  await ask(page, "DELETE", `albums/${album.id}`);
});

onPage("what goes wrong with an album is said beside it", async (page, { expect }) => {
  await page.route("**/api/v1/albums", (route) => (route.request().method() === "POST" ? route.fulfill({ status: 409, json: { code: "conflict", message: "there is an album of this name" } }) : route.continue()));
  expect("api/v1/albums");
  await page.click("#albums-open");
  await page.fill("#album-name", "Twice");
  await page.click("#album-create");
  await page.locator("#album-problem", { hasText: "there is an album of this name" }).waitFor();
});

for (const [width, colorScheme] of [[390, "dark"], [1280, "light"], [1920, "light"]]) {
  onPage(`${width} pixels, ${colorScheme}: albums fit, and so does what can be done in one`, { viewport: { width, height: 844 }, colorScheme }, async (page) => {
    await tiles(page).nth(1).waitFor();
    await idle(page);
    const album = JSON.parse(await ask(page, "POST", "albums", { name: "A rather long name of an album that goes on and on, and on", images: [await idOf(page, 0), await idOf(page, 1)] }));
    await page.click("#albums-open");
    await page.locator("#album-list .main").first().waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.locator("#albums").evaluate((dialog) => Math.max(0, dialog.scrollWidth - dialog.clientWidth)), 0);
    await page.goto(`/?album=${album.id}`);
    await ready(page);
    await tiles(page).nth(1).waitFor();
    await idle(page);
    await select(page, 0);
    assert.deepEqual(await findings(page), []);
    const sticking = await page.locator("#selection button").evaluateAll((buttons) => buttons.filter((button) => (innerWidth > 600 && button.getBoundingClientRect().right > innerWidth) || button.scrollWidth > button.clientWidth + 1).map(({ title }) => title));
    assert.deepEqual(sticking, []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    await ask(page, "DELETE", `albums/${album.id}`);
  });
}

for (const [width, hasTouch] of [[1280, false], [390, true]]) {
  onPage(`${width} pixels: an open image becomes a favourite by ${hasTouch ? "finger" : "mouse"} and key`, { path: "/?q=zoo", viewport: { width, height: 844 }, hasTouch, isMobile: hasTouch }, async (page) => {
    const id = await idOfSingle(page, 0);
    await ask(page, "POST", "favourites", { remove: [id] }); // another run may have been cut off
    await page.reload();
    await ready(page);
    await single(page, 0).locator("a.shot").click();
    const heart = page.locator("#love");
    await page.locator('#love[aria-label="Add to favourites"]').waitFor();
    assert.deepEqual(await findings(page), []);
    if (hasTouch) await heart.tap();
    else await heart.click();
    await said(page, "1 added to favourites");
    assert.equal(await heart.getAttribute("aria-pressed"), "true");
    assert.equal(await heart.getAttribute("aria-label"), "Remove from favourites");
    await page.keyboard.press("ArrowRight");
    await page.locator('#love[aria-pressed="false"]').waitFor();
    await page.keyboard.press("ArrowLeft");
    await page.locator('#love[aria-pressed="true"]').waitFor();
    await page.keyboard.press("f");
    await said(page, "1 removed from favourites");
    assert.equal(await heart.getAttribute("aria-pressed"), "false");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelectorAll("#grid .tile.favourite").length === 0);
  });
}
