// Things and where they are: the form in chips, boxes, heatmaps, drawing a box. What the model finds is its own affair: weaker
// matches are asked for too, so that there is always something to look at.

import assert from "node:assert/strict";
import { count, idle, onPage, ready, recordOf, shown, tiles, truth } from "./harness.mjs";

/// A tall picture of the library with nothing but a zebra.
const ZEBRA = "Travel/2024 Nairobi/IMG_1168.jpg";

const parameters = (page) => new URL(page.url()).searchParams;
const chips = (page) => page.locator(".chip:not(.relation)");
const scale = (page) => page.evaluate(() => Number(/scale\(([\d.]+)\)/.exec(document.querySelector(".frame")?.style.transform)?.[1] ?? 1));

/// Opens the first picture of a search for regions.
async function openFirst(page) {
  await tiles(page).first().locator("a.shot").click();
  await page.waitForURL(/view=\d+/);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
}

onPage("the mode of the bar looks for things, with boxes on the pictures", async (page) => {
  await page.click("#mode");
  assert.equal(await page.getAttribute("#mode", "aria-pressed"), "true");
  await page.locator("#q").pressSequentially("butterfly", { delay: 10 });
  await page.keyboard.press("Enter");
  await page.waitForURL((address) => address.searchParams.getAll("c").join() === "t:1:butterfly");
  assert.equal(await page.inputValue("#q"), "", "what was typed is a part of the form");
  assert.equal(await chips(page).locator(".swatch").count(), 1);
  await page.locator("#weaker").click();
  await page.waitForURL(/weak=1/);
  await page.locator("#grid .spot").first().waitFor();
  const inside = await page.locator("#grid .tile:has(.spot)").first().evaluate((tile) => {
    const [outer, inner] = [tile.getBoundingClientRect(), tile.querySelector(".spot").getBoundingClientRect()];
    return inner.left >= outer.left - 2 && inner.right <= outer.right + 2 && inner.top >= outer.top - 2 && inner.bottom <= outer.bottom + 2;
  });
  assert.ok(inside, "a box lies within its picture");
  assert.match(await tiles(page).first().locator("a.shot").getAttribute("aria-label"), /\d+ box(es)?/);
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("b");
  assert.equal(await page.locator("#grid .spot").first().isVisible(), false);
  await page.keyboard.press("b");
  assert.ok(await page.locator("#grid .spot").first().isVisible());
  await page.click("#mode");
  await page.waitForURL((address) => !address.searchParams.has("find"));
  await idle(page);
  assert.equal(await page.locator("#grid .spot").count(), 0);
});

onPage("things can be put in order of date", { path: "/?find=1&c=t:1:zebra&weak=1" }, async (page) => {
  await page.locator("#grid .spot").first().waitFor();
  const found = await count(page);
  await page.selectOption("#sort", "oldest");
  await page.waitForURL(/sort=oldest/);
  await idle(page);
  assert.equal(await count(page), found, "the same things");
  await page.locator("#grid .spot").first().waitFor();
  // What is below the cut has an order of its own.
  const taken = (await shown(page, Math.min(found || 12, 12), { sure: found > 0 })).map(({ taken }) => taken ?? "9999");
  assert.ok(taken.length > 1, "dates to compare");
  assert.deepEqual(taken, [...taken].sort(), "oldest first");
});

onPage("a form that is typed becomes things, counts, exclusions and relations", async (page) => {
  await page.click("#mode");
  await page.locator("#q").pressSequentially("2+ dog left of ball and tree, no cat", { delay: 5 });
  await page.keyboard.press("Enter");
  await page.waitForURL((address) => address.searchParams.getAll("c").length === 4);
  assert.deepEqual(parameters(page).getAll("c"), ["n:2-:dog", "t:1:ball", "t:1:tree", "t:-1:cat"]);
  assert.deepEqual(parameters(page).getAll("rel"), ["0.left-of.1"]);
  const relation = page.locator(".chip.relation");
  await relation.locator("select").nth(1).selectOption("above");
  await page.waitForURL((address) => address.searchParams.get("rel") === "0.above.1");
  await relation.locator("select").nth(2).selectOption("tree");
  await page.waitForURL((address) => address.searchParams.get("rel") === "0.above.2");
  await chips(page).nth(0).locator(".many").selectOption("1-1");
  await page.waitForURL((address) => address.searchParams.getAll("c")[0] === "n:1-1:dog");
  await chips(page).nth(1).locator(".main").click();
  await page.waitForURL((address) => address.searchParams.getAll("c")[1] === "t:-1:ball");
  assert.equal(parameters(page).get("rel"), "0.above.1", "places move when a thing goes");
  await page.reload();
  await ready(page);
  assert.equal(await chips(page).count(), 4, "the address is the whole state");
  assert.equal(await relation.locator("select").nth(1).inputValue(), "above");
  await chips(page).nth(2).locator(".remove").click();
  await page.waitForURL((address) => !address.searchParams.has("rel"));
  assert.equal(await relation.count(), 0, "a relation goes with its things");
  await page.goBack();
  await page.waitForURL((address) => address.searchParams.has("rel"));
  assert.equal(await relation.count(), 1);
});

onPage("relations and sizes are chosen without knowing the form", { path: "/?find=1&c=t:1:dog&c=t:1:ball" }, async (page) => {
  await page.click("#relate");
  await page.waitForURL((address) => address.searchParams.get("rel") === "0.left-of.1");
  assert.ok(await page.locator(".chip.relation select").nth(1).evaluate((select) => select === document.activeElement));
  await page.click('button[aria-controls="sheet-area"]');
  await page.locator("#sheet-area label", { hasText: "5 %" }).click();
  await page.waitForURL(/area=5/);
  await page.locator(".chip.relation .remove").click();
  await page.waitForURL((address) => !address.searchParams.has("rel"));
});

onPage("half a form is no failure", { path: "/?find=1&c=t:1:butterfly&weak=1" }, async (page, { expect }) => {
  await page.locator("#grid .spot").first().waitFor();
  expect("api/v1/find"); // the browser itself notes the answer 400
  await page.locator("#q").pressSequentially("dog and", { delay: 5 });
  await page.waitForTimeout(400);
  assert.equal(await page.locator("#note").isVisible(), false, "nothing is asked before the rest is there");
  await page.keyboard.press("Enter");
  await page.locator("#note", { hasText: "needs something" }).waitFor();
  assert.notEqual(await page.textContent("#empty-title"), "Something went wrong", "what was there stays");
});

onPage("a match opens large, says where it is, and shows all on demand", { path: "/?find=1&c=t:1:butterfly&c=t:1:tree&weak=1" }, async (page) => {
  await openFirst(page);
  const marks = page.locator("#stage .spot");
  await marks.first().waitFor();
  assert.match(await marks.first().textContent(), /^(butterfly|tree) \d+ %$/);
  const before = await scale(page);
  assert.ok(before >= 1);
  const lines = page.locator("#find-lines button");
  assert.equal(await lines.count(), await marks.count());
  assert.match(await lines.first().textContent(), /butterfly · \d+ % · (upper|lower|top|bottom|left|right|middle)/);
  await lines.last().click();
  await page.keyboard.press("0");
  assert.equal(await scale(page), 1);
  await page.keyboard.press("b");
  assert.equal(await marks.first().isVisible(), false);
  assert.equal(await page.getAttribute("#boxes", "aria-pressed"), "false");
  await page.click("#boxes");
  assert.ok(await marks.first().isVisible());
  const place = await page.textContent("#place");
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction((place) => document.querySelector("#place").textContent !== place, place);
});

onPage("heatmaps, one for each thing, with a legend", { path: "/?find=1&c=t:1:butterfly&c=t:1:tree&weak=1" }, async (page) => {
  await openFirst(page);
  assert.equal(await page.locator("#legend").isVisible(), false);
  await page.keyboard.press("h");
  const heat = page.locator("#stage .heat");
  await heat.waitFor();
  await page.waitForFunction(() => document.querySelector("#stage .heat").naturalWidth > 100);
  assert.equal(await page.getAttribute("#heat", "aria-pressed"), "true");
  assert.match(await page.getAttribute("#legend", "aria-label"), /butterfly/);
  const covers = await heat.evaluate((heat) => {
    const [a, b] = [heat.getBoundingClientRect(), heat.parentElement.querySelector("img").getBoundingClientRect()];
    return Math.abs(a.width - b.width) < 1 && Math.abs(a.height - b.height) < 1;
  });
  assert.ok(covers, "it lies exactly on the picture");
  const phrases = page.locator("#phrases button");
  assert.equal(await phrases.count(), 2);
  const asked = page.waitForResponse((response) => response.url().includes("heatmap?text=tree"));
  await phrases.nth(1).click();
  assert.equal((await asked).status(), 200);
  assert.match(await page.getAttribute("#legend", "aria-label"), /tree/);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => document.querySelector("#place").textContent.startsWith("2 "));
  await heat.waitFor();
  await page.keyboard.press("h");
  await heat.waitFor({ state: "detached" });
  assert.equal(await page.locator("#legend").isVisible(), false);
});

onPage("boxes and heatmap of a search for whole pictures", { path: "/?q=zoo" }, async (page) => {
  await openFirst(page);
  assert.equal(await page.locator("#stage .spot").count(), 0);
  const asked = page.waitForResponse((response) => response.url().endsWith("/api/v1/ground"));
  await page.click("#boxes");
  assert.equal((await asked).status(), 200);
  await page.keyboard.press("h");
  await page.locator("#stage .heat").waitFor();
});

/// The part of a picture that is searched for, in shares of it.
async function searchedPart(page) {
  await page.waitForURL((address) => address.searchParams.getAll("c").some((chip) => chip.startsWith("r:")));
  await idle(page);
  const [, id, part] = parameters(page).get("c").split(":");
  const { width, height } = await page.evaluate((id) => fetch(`/api/v1/images/${id}`).then((answer) => answer.json()), id);
  const [x, y, wide, high] = part.split(",").map(Number);
  return [x / width, y / height, (x + wide) / width, (y + high) / height];
}

const near = (a, b) => a.every((value, at) => Math.abs(value - b[at]) < 0.03);

onPage("a box drawn with the mouse finds regions like it", async (page) => {
  await openFirst(page);
  await page.click("#draw");
  const frame = await page.locator(".frame").boundingBox();
  const at = (x, y) => [frame.x + x * frame.width, frame.y + y * frame.height];
  await page.mouse.move(...at(0.1, 0.1));
  await page.mouse.down();
  await page.mouse.move(...at(0.3, 0.4), { steps: 4 });
  await page.mouse.move(...at(0.6, 0.7), { steps: 4 });
  await page.mouse.up();
  assert.match(await page.locator(".selection").getAttribute("aria-label"), /^Box: 10 % from the left, 10 % from the top, 50 % wide, 60 % high$/);
  // The corner is pulled, then the whole is moved.
  await page.mouse.move(...at(0.6, 0.7));
  await page.mouse.down();
  await page.mouse.move(...at(0.5, 0.5), { steps: 4 });
  await page.mouse.up();
  await page.mouse.move(...at(0.3, 0.3));
  await page.mouse.down();
  await page.mouse.move(...at(0.5, 0.5), { steps: 4 });
  await page.mouse.up();
  await page.locator("#drawbar button.strong").click();
  const part = await searchedPart(page);
  assert.ok(near(part, [0.3, 0.3, 0.7, 0.7]), part.join());
  assert.equal(await page.locator("#viewer").isVisible(), false);
  await page.waitForFunction(() => document.querySelector(".chip .part img")?.naturalWidth > 0);
  assert.match(await page.locator(".chip .label").textContent(), /^Part of /);
  await page.reload();
  await ready(page);
  assert.equal(await chips(page).count(), 1);
});

onPage("a tap takes a stored region, and another one the next larger", async (page) => {
  await openFirst(page);
  const answer = page.waitForResponse((response) => /images\/\d+\/regions/.test(response.url()));
  await page.keyboard.press("r");
  const { regions, width, height } = await (await answer).json();
  const smallest = regions.reduce((a, b) => (a.width * a.height <= b.width * b.height ? a : b));
  const frame = await page.locator(".frame").boundingBox();
  const at = [frame.x + ((smallest.x + smallest.width / 2) / width) * frame.width, frame.y + ((smallest.y + smallest.height / 2) / height) * frame.height];
  const share = (value, whole) => `${Math.round((value / whole) * 100)} %`;
  const isTaken = (words) => page.waitForFunction((words) => document.querySelector(".selection").getAttribute("aria-label").endsWith(words), words);
  await page.mouse.click(...at);
  const words = `${share(smallest.width, width)} wide, ${share(smallest.height, height)} high`;
  await isTaken(words);
  await page.mouse.click(...at);
  await page.waitForFunction((words) => !document.querySelector(".selection").getAttribute("aria-label").endsWith(words), words);
});

onPage("a box drawn with keys alone, and given up", async (page) => {
  await openFirst(page);
  await page.keyboard.press("r");
  assert.ok(await page.locator(".selection").evaluate((area) => area === document.activeElement));
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowLeft");
  for (let i = 0; i < 5; i++) await page.keyboard.press("Shift+ArrowDown");
  await page.waitForFunction(() => document.querySelector("#announcer").textContent.includes("15 % from the left"));
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".selection").count(), 0);
  assert.ok(await page.locator("#viewer").isVisible(), "only the drawing ends");
  assert.ok(await page.locator("#draw").evaluate((button) => button === document.activeElement));
  await page.keyboard.press("Enter");
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
  for (let i = 0; i < 5; i++) await page.keyboard.press("Shift+ArrowUp");
  await page.keyboard.press("Enter");
  const part = await searchedPart(page);
  assert.ok(near(part, [0.35, 0.25, 0.85, 0.65]), part.join());
});

onPage("a box drawn with a finger on a phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, { context }) => {
  await tiles(page).first().locator("a.shot").tap();
  await page.waitForURL(/view=\d+/);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
  await page.locator("#draw").tap();
  const frame = await page.locator(".frame").boundingBox();
  const at = (x, y) => [{ x: frame.x + x * frame.width, y: frame.y + y * frame.height }];
  const finger = await context.newCDPSession(page);
  const touch = (type, touchPoints) => finger.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", at(0.05, 0.05));
  for (const share of [0.1, 0.15, 0.2]) await touch("touchMove", at(share, share * 2));
  await touch("touchEnd", []);
  await page.locator("#drawbar button.strong").click(); // a tap so soon would pass for half a double tap
  const part = await searchedPart(page);
  assert.ok(near(part, [0.05, 0.05, 0.2, 0.4]), part.join());
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
});

onPage("a library without regions says so, and how to get them", async (page, { expect }) => {
  const told = { status: 409, json: { code: "no_regions", message: "this library was indexed without regions", hint: "run it once" } };
  await page.route("**/api/v1/find", (route) => route.fulfill(told));
  let order = null;
  await page.route("**/api/v1/jobs", (route) => {
    if (route.request().method() === "GET") return route.continue();
    order = route.request().postDataJSON();
    return route.fulfill({ status: 409, json: { code: "conflict", message: "not in this test" } });
  });
  ["api/v1/find", "api/v1/jobs"].forEach(expect);
  await page.click("#mode");
  await page.fill("#q", "butterfly");
  await page.press("#q", "Enter");
  await page.locator("#empty-title", { hasText: "not prepared" }).waitFor();
  assert.match(await page.textContent("#empty-advice"), /glimpse index --regions/);
  await page.click("#empty-regions");
  await page.locator("#folder-problem", { hasText: "not in this test" }).waitFor();
  assert.equal(order.regions, true);
});

onPage("a box around a thing finds other pictures of it", async (page) => {
  const things = await truth();
  const zebra = await recordOf(page, ZEBRA);
  await page.goto(`/?view=${zebra.id}`);
  await ready(page);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
  await page.click("#draw");
  const frame = await page.locator(".frame").boundingBox();
  const [left, top, right, bottom] = things.get(ZEBRA).boxes[0];
  const at = (x, y) => [frame.x + x * frame.width, frame.y + y * frame.height];
  // From a corner outside of the box that is there at the start, so that a new one begins.
  await page.mouse.move(...at(right, bottom));
  await page.mouse.down();
  await page.mouse.move(...at(0.6, 0.6), { steps: 4 });
  await page.mouse.move(...at(left, top), { steps: 4 });
  await page.mouse.up();
  await page.locator("#drawbar button.strong").click();
  const part = await searchedPart(page);
  assert.ok(near(part, [left, top, right, bottom]), part.join());
  // Sure or not, other zebras come first.
  const found = await shown(page, 4);
  assert.equal(found.length, 4);
  assert.ok(found.length && found.every(({ path }) => things.get(path).concepts.includes("🦓")), found.map(({ path }) => path).join());
  assert.ok((await page.locator("#grid .spot").count()) > 0, "with boxes");
});

onPage("a box on plain background finds nothing sure", async (page) => {
  const zebra = await recordOf(page, ZEBRA);
  await page.goto(`/?find=1&c=r:${zebra.id}:0,0,${Math.round(zebra.width * 0.2)},${Math.round(zebra.height * 0.1)}`);
  await ready(page);
  assert.equal(await count(page), 0);
  assert.ok((await tiles(page).count()) > 0 && (await tiles(page).count()) <= 12, "the closest, and no more");
});

onPage("a box that nothing is like says so, and its closest pictures are no answer", async (page) => {
  const zebra = await recordOf(page, ZEBRA);
  // As of a box whose patches differ, though nothing in the library is like them.
  await page.route("**/api/v1/similar", async (route) => {
    const answer = await (await route.fetch()).json();
    await route.fulfill({ json: { ...answer, nothing_particular: false } });
  });
  await page.goto(`/?find=1&c=r:${zebra.id}:0,0,${Math.round(zebra.width * 0.2)},${Math.round(zebra.height * 0.1)}`);
  await ready(page);
  assert.equal(await count(page), 0);
  assert.match(await page.textContent("#note-text"), /nothing particular in this box/);
  assert.equal(await page.locator("#grid .title").first().textContent(), "Weaker matches");
  await page.locator("#announcer", { hasText: "nothing particular in this box" }).waitFor({ state: "attached" });
});

onPage("the bundled model says what a picture, or a part of it, shows", async (page) => {
  const zebra = await recordOf(page, ZEBRA);
  await page.goto(`/?view=${zebra.id}`);
  await ready(page);
  await page.locator("#said-text", { hasText: "zebra" }).waitFor();
  await page.keyboard.press("r");
  const asked = page.waitForRequest((request) => request.url().endsWith("/caption") && Boolean(request.postDataJSON().box));
  await page.locator("#drawbar button", { hasText: "Describe" }).click();
  const { box, language } = (await asked).postDataJSON();
  assert.ok(box.width > 1 && language === "en");
  await page.waitForFunction(() => /^\p{L}[\p{L} ]+$/u.test(document.querySelector("#draw-help").textContent));
});

for (const [what, said, isShown] of [
  ["sure of", { text: "red car, bus and tent", probability: 0.2 }, true],
  ["unsure of", { text: "red car, bus and tent", probability: 0.01 }, false],
  ["repeating", { text: "ice skate, ice skate, and envelope", probability: 0.9 }, false],
  ["stammering", { text: "a car car", probability: 0.9 }, false],
]) {
  onPage(`a description that the model is ${what} is ${isShown ? "shown" : "kept back"}`, async (page) => {
    await page.route("**/api/v1/caption", (route) => route.fulfill({ json: { captions: [said] } }));
    const answered = page.waitForResponse("**/api/v1/caption");
    await tiles(page).first().locator("a.shot").click();
    await answered;
    if (isShown) await page.locator("#said-text", { hasText: said.text }).waitFor();
    await page.waitForTimeout(100);
    assert.equal(await page.locator("#said").isVisible(), isShown);
  });
}

onPage("while one draws on a phone, all of the picture is free", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  const tall = await recordOf(page, ZEBRA);
  await page.goto(`/?view=${tall.id}`);
  await ready(page);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
  await page.locator("#draw").tap();
  await page.locator(".selection").waitFor();
  await page.waitForFunction(() => document.querySelector(".frame").getBoundingClientRect().bottom <= document.querySelector("#drawbar").getBoundingClientRect().top);
});

onPage("keys that have nothing to show say so, and help is there in the large view too", async (page) => {
  await tiles(page).first().locator("a.shot").focus();
  await page.keyboard.press("b");
  await page.locator(".toast", { hasText: "Nothing is marked here" }).waitFor();
  await page.locator(".toast").waitFor({ state: "detached" });
  await openFirst(page);
  await page.keyboard.press("b");
  const toast = page.locator(".toast", { hasText: "Nothing is marked here" });
  await toast.waitFor();
  const seen = await toast.evaluate((toast) => {
    const { x, y, width, height } = toast.getBoundingClientRect();
    return document.elementsFromPoint(x + width / 2, y + height / 2).includes(toast) || toast.closest("dialog[open]") !== null;
  });
  assert.ok(seen, "above the picture");
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#help").isVisible(), false);
  assert.ok(await page.locator("#viewer").isVisible());
});
