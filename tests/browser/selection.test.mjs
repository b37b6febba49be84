// Selecting by mouse, finger and keys, and what can be done with what is selected.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { count, idle, onPage, ready, search, tiles } from "./harness.mjs";

const shot = (page, n) => tiles(page).nth(n).locator("a.shot");
const selected = (page) => page.locator("#grid .tile.selected");
const bar = (page) => page.locator("#selection");
const act = (page, name) => bar(page).getByRole("button", { name, exact: true });
/// How many the bar says are selected.
const saidCount = async (page) => Number(/[\d,]+/.exec(await page.textContent("#selection .selected-count"))[0].replace(/,/g, ""));
const waitForCount = (page, n) => page.waitForFunction((n) => document.querySelector("#selection .selected-count").textContent === `${n.toLocaleString("en")} selected`, n);
const said = (page, text) => page.locator(".toast", { hasText: text }).first().waitFor();

const waitForSelected = (page, n) => page.waitForFunction((n) => document.querySelectorAll("#grid .selected").length === n, n);

onPage("a mark shows under the mouse; click, Shift and Ctrl select", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(6).waitFor();
  await idle(page);
  const mark = tiles(page).nth(1).locator(".pick");
  const seen = () => mark.evaluate((mark) => getComputedStyle(mark).opacity);
  assert.equal(await seen(), "0");
  await tiles(page).nth(1).hover();
  await page.waitForFunction(() => getComputedStyle(document.querySelectorAll("#grid .pick")[1]).opacity === "1");
  assert.ok(await bar(page).isHidden());
  await mark.click();
  await page.waitForFunction(() => document.querySelectorAll("#grid .pick")[1].getAttribute("aria-checked") === "true");
  await bar(page).waitFor();
  await shot(page, 4).click({ modifiers: ["Shift"] });
  await waitForSelected(page, 4); // the range from the one before
  await shot(page, 2).click({ modifiers: ["ControlOrMeta"] });
  await waitForSelected(page, 3);
  await shot(page, 5).click();
  await waitForSelected(page, 4); // while some are selected, a click selects
  assert.equal(new URL(page.url()).searchParams.has("view"), false);
  await page.keyboard.press("Escape");
  await waitForSelected(page, 0);
  await bar(page).waitFor({ state: "hidden" });
  await shot(page, 5).click();
  await page.waitForURL(/view=/);
});

onPage("keys select: Space and x, Shift and arrows, everything, nothing", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(3).waitFor();
  await idle(page);
  await shot(page, 0).focus();
  assert.doesNotMatch(await shot(page, 0).getAttribute("aria-label"), /, selected$/);
  await page.keyboard.press("Space");
  await waitForCount(page, 1);
  assert.match(await shot(page, 0).getAttribute("aria-label"), /., selected$/, "its name says so");
  assert.doesNotMatch(await shot(page, 1).getAttribute("aria-label"), /, selected$/);
  await page.locator("#announcer", { hasText: "1 selected" }).waitFor();
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await waitForSelected(page, 3);
  await page.keyboard.press("x");
  await waitForSelected(page, 2);
  await page.keyboard.press("Control+a");
  await waitForCount(page, await count(page));
  const inBar = () => bar(page).evaluate((bar) => bar.contains(document.activeElement));
  for (let stops = 0; stops < 3 && !(await inBar()); stops++) await page.keyboard.press("Tab");
  assert.ok(await inBar(), "the bar follows the pictures");
  await page.keyboard.press("Escape");
  await bar(page).waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "2", "the picture that was touched last has the focus again");
  await page.keyboard.press("x");
  for (let stops = 0; stops < 3 && !(await inBar()); stops++) await page.keyboard.press("Tab");
  await act(page, "Clear selection").focus();
  await page.keyboard.press("Enter");
  await bar(page).waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "2");
  await page.focus("#q");
  await page.keyboard.press("Control+a");
  assert.ok(await bar(page).isHidden(), "in the bar that selects the text");
});

onPage("a finger that rests on a picture selects it, a short one opens it", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, path: "/?q=zoo" }, async (page, { context }) => {
  await tiles(page).nth(3).waitFor();
  await idle(page);
  const session = await context.newCDPSession(page);
  const touch = async (n, time) => {
    const { x, y, width, height } = await shot(page, n).boundingBox();
    await session.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: x + width / 2, y: y + height / 2 }] });
    await page.waitForTimeout(time);
    await session.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await touch(0, 700);
  await waitForCount(page, 1);
  assert.equal(new URL(page.url()).searchParams.has("view"), false);
  await touch(1, 30);
  await waitForCount(page, 2);
  const { bottom, right } = await bar(page).evaluate((bar) => bar.getBoundingClientRect());
  assert.ok(bottom <= 844 && right <= 390, `${bottom}, ${right}`);
  await act(page, "Clear selection").click();
  await touch(1, 30);
  await page.waitForURL(/view=/);
});

onPage("a lasso from an empty place selects what it touches", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(5).waitFor();
  await idle(page);
  const [first, third] = [await shot(page, 0).boundingBox(), await shot(page, 2).boundingBox()];
  await page.mouse.move(first.x - 12, first.y + 20);
  await page.mouse.down();
  await page.mouse.move(first.x + 40, first.y + 60, { steps: 4 });
  await waitForSelected(page, 1);
  await page.mouse.move(third.x + 10, first.y + 80, { steps: 4 });
  await waitForSelected(page, 3);
  await page.mouse.move(first.x + 10, first.y + 80, { steps: 4 });
  await waitForSelected(page, 1);
  await page.mouse.up();
  assert.equal(await page.locator(".lasso").count(), 0);
  await waitForCount(page, 1);
  // Beyond the window it goes on by itself.
  await page.mouse.move(first.x - 12, first.y + 20);
  await page.mouse.down();
  await page.mouse.move(first.x + 300, 798, { steps: 4 });
  await page.waitForFunction(() => scrollY > 300);
  await page.mouse.up();
  assert.ok((await saidCount(page)) > 5);
});

onPage("what is selected can be downloaded, copied, exported and searched with", { permissions: ["clipboard-read", "clipboard-write"], path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(3).waitFor();
  await idle(page);
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  await page.keyboard.press("Shift+ArrowRight");
  await waitForCount(page, 2);
  // In their order on the page, which that of the elements need not be.
  const ids = await selected(page).locator("a.shot").evaluateAll((links) =>
    links.sort((one, other) => Number(one.dataset.index) - Number(other.dataset.index)).map(({ href }) => new URL(href).searchParams.get("view")));

  const [archive] = await Promise.all([page.waitForEvent("download"), act(page, "Download as zip").click()]);
  assert.match(archive.suggestedFilename(), /^glimpse-\d{4}-\d\d-\d\d\.zip$/);
  assert.equal((await readFile(await archive.path())).subarray(0, 2).toString(), "PK");
  await said(page, "Downloading 2 pictures");

  await act(page, "Copy paths").click();
  await said(page, "2 paths copied");
  const paths = (await page.evaluate(() => navigator.clipboard.readText())).split("\n");
  assert.ok(paths.length === 2 && paths.every((path) => /^\/.*\.\w+$/.test(path)), paths.join());

  const exported = async (name) => {
    await act(page, "Export").click();
    return Promise.all([page.waitForEvent("download"), bar(page).getByRole("menuitem", { name, exact: true }).click()]);
  };
  const [json] = await exported("Save list as JSON");
  const records = (await readFile(await json.path(), "utf8")).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(records.map(({ id }) => String(id)), ids);
  const [csv] = await exported("Save list as CSV");
  // Captions may have several lines.
  const lines = (await readFile(await csv.path(), "utf8")).match(/^(id|\d+),/gm);
  assert.deepEqual(lines, ["id,", ...ids.map((id) => `${id},`)], "a heading and two pictures");
  await said(page, "List of 2 pictures saved");

  await act(page, "Similar to these").click();
  await page.waitForURL((address) => address.searchParams.getAll("c").join() === `s:1:2:${ids.join(".")}`);
  await idle(page);
  assert.ok(await bar(page).isHidden(), "the selection belonged to the other question");
});

onPage("what cannot be done is said, and the selection stays", { path: "/?q=zoo" }, async (page, { expect }) => {
  await tiles(page).nth(3).waitFor();
  await idle(page);
  await page.route("**/api/v1/export", (route) => route.fulfill({ status: 413, json: { code: "too_large", message: "these are too many" } }));
  expect("api/v1/export");
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  await act(page, "Copy paths").click();
  await said(page, "these are too many");
  await waitForCount(page, 1);
});

onPage("50,000 hits are selected in one stroke, loaded or not, and stay so while more are loaded", { path: "about:blank" }, async (page) => {
  const [ALL, FIRST] = [50_000, 200];
  let asked = 0;
  await page.route("**/api/v1/search", (route) => {
    const { cursor, limit } = JSON.parse(route.request().postData());
    const from = Number(cursor ?? 0);
    const to = Math.min(from + (cursor ? limit : FIRST), ALL);
    asked += 1;
    const hits = Array.from({ length: to - from }, (_, i) => ({ id: from + i + 1, width: 400, height: 300 - ((from + i) % 5) * 20, score: 0.9, strength: "strong", taken: null, content: "0", blur: null, stack: null }));
    route.fulfill({ json: { accepted: ALL, weaker: 0, searched: ALL, next: to < ALL ? String(to) : null, hits } });
  });
  await page.route("**/api/v1/images**", (route) => route.fulfill({ json: { images: [] } }));
  await page.route("**/thumbnail**", (route) => route.fulfill({ contentType: "image/svg+xml", body: '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="3"/>' }));
  await page.goto("/?q=everything");
  await ready(page);
  await shot(page, 3).focus();
  await page.keyboard.press("x");
  await page.waitForFunction(() => document.querySelector("#grid .tile").ariaSetSize === "50000");
  await waitForSelected(page, 1); // what was selected stays so
  await page.keyboard.press("Control+a");
  await waitForCount(page, ALL);
  assert.ok(asked > 20);
  const slowest = await page.evaluate(() => {
    const start = performance.now();
    document.querySelector("#grid a.shot").dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: true }));
    return performance.now() - start;
  });
  assert.ok(slowest < 50, `one more takes ${slowest} ms`);
  await waitForCount(page, ALL - 1);
});

for (const [width, colorScheme] of [[390, "light"], [1280, "dark"], [1920, "light"]]) {
  onPage(`${width} pixels, ${colorScheme}: with a selection, nothing sticks out and nothing is hard to use`, { viewport: { width, height: 900 }, colorScheme, path: "/?q=zoo" }, async (page) => {
    await tiles(page).nth(3).waitFor();
    await idle(page);
    await shot(page, 0).focus();
    await page.keyboard.press("x");
    await bar(page).waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    const sticking = await bar(page).locator("button").evaluateAll((buttons) => buttons.filter((button) => (innerWidth > 600 && button.getBoundingClientRect().right > innerWidth) || button.scrollWidth > button.clientWidth + 1).map(({ title }) => title));
    assert.deepEqual(sticking, []);
  });
}

onPage("another search begins without a selection", { path: "/?q=zoo" }, async (page) => {
  await tiles(page).nth(3).waitFor();
  await idle(page);
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  await search(page, "tree");
  assert.ok(await bar(page).isHidden());
});
