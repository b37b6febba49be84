// Labels that are kept of images and their parts: a filter with counts, and what the open image shows. The library of these tests
// keeps none, so that its answers are put in the server's place.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { idle, onPage, ready, tiles } from "./harness.mjs";

const COUNTS = [{ value: "dog", images: 12 }, { value: "birthday cake", images: 3 }, { value: "شجرة", images: 1 }];

/// What every image shows: a dog as a whole, two dogs and a ball in parts.
function tagsOf(id, { width, height }) {
  const part = (label, score, x, y) => ({ label, score, area: 0.1, x: x * width, y: y * height, width: width / 4, height: height / 4 });
  return {
    id, width, height, kept: true, pixels: null, image: [{ label: "dog", score: 0.97 }, { label: "park", score: 0.61 }],
    regions: [part("dog", 0.93, 0.1, 0.2), part("ball", 0.8, 0.6, 0.6), part("dog", 0.7, 0.5, 0.1)],
  };
}

/// Lets the server keep labels. Gives the filters that it was asked with.
async function keeping(page, { kept = true } = {}) {
  const asked = [];
  const answer = (route) => route.fetch().then((answer) => answer.json()).catch(() => null); // at its end, a test waits for no answer
  await page.route("**/api/v1/health", async (route) => {
    const health = await answer(route);
    if (health) await route.fulfill({ json: { ...health, region_tags: true } }).catch(() => {});
  });
  await page.route("**/api/v1/facets*", async (route) => {
    asked.push(new URL(route.request().url()).searchParams.get("region_tag"));
    const url = new URL(route.request().url());
    url.searchParams.delete("region_tag");
    const facets = await route.fetch({ url: String(url) }).then((answer) => answer.json()).catch(() => null);
    if (facets) await route.fulfill({ json: { ...facets, region_tags: COUNTS } }).catch(() => {});
  });
  await page.route(/api\/v1\/(timeline|search|find)/, async (route) => {
    const body = route.request().postDataJSON();
    if (!body?.filter) return route.continue();
    const { region_tags: labels, ...filter } = body.filter;
    if (labels) asked.push(labels);
    return route.continue({ postData: JSON.stringify({ ...body, filter }) });
  });
  await page.route(/api\/v1\/images\/\d+\/tags/, async (route) => {
    const id = Number(/images\/(\d+)/.exec(route.request().url())[1]);
    const record = await page.evaluate((id) => fetch(`/api/v1/images/${id}`).then((answer) => answer.json()), id).catch(() => null);
    if (record) await route.fulfill({ json: kept ? tagsOf(id, record) : { ...tagsOf(id, record), kept, image: [], regions: [] } }).catch(() => {});
  });
  return asked;
}

async function start(page, how) {
  const asked = await keeping(page, how);
  await page.goto("/");
  await ready(page);
  return asked;
}

async function openFirst(page) {
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
}

const pill = (page) => page.locator("#filters .filter", { has: page.locator('[aria-controls="sheet-regionTag"]') });
const peeked = (page) => page.locator("#stage .marks.peek .spot");
const part = (page, label) => page.locator("#tag-levels .part-tag", { hasText: label });

onPage("a library without such labels has no filter for them", async (page) => {
  assert.equal(await pill(page).isVisible(), false);
});

onPage("pictures are filtered by what their parts show, with the keyboard too", { path: "about:blank" }, async (page) => {
  const asked = await start(page);
  await pill(page).locator(".pill").focus();
  await page.keyboard.press("Enter");
  const choices = page.locator("#sheet-regionTag .choice");
  await choices.first().waitFor();
  assert.deepEqual((await choices.allInnerTexts()).map((text) => text.split(/\s*\n\s*/)), [["dog", "12"], ["birthday cake", "3"], ["شجرة", "1"]]);
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Space");
  await page.waitForURL((address) => address.searchParams.get("shows") === "dog");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.waitForURL((address) => address.searchParams.getAll("shows").join() === "dog,birthday cake");
  await idle(page);
  assert.deepEqual(asked.filter(Array.isArray).at(-1), ["dog", "birthday cake"]);
  await page.keyboard.press("Escape");
  assert.equal((await pill(page).locator(".what").textContent()).trim(), "dog +1");
  await page.reload();
  await ready(page);
  assert.equal((await pill(page).locator(".what").textContent()).trim(), "dog +1", "the address says it");
  await pill(page).locator(".unset").click();
  await page.waitForURL((address) => !address.searchParams.has("shows"));
});

onPage("the open picture has the labels of the whole and of its parts, whose boxes are seen and which lead to others", { path: "about:blank" }, async (page) => {
  await start(page);
  await openFirst(page);
  await page.locator("#image-tags").waitFor();
  const labels = await page.locator("#tag-levels .tag-level").evaluateAll((levels) =>
    levels.map((level) => [...level.querySelectorAll(".keyword")].map((label) => label.textContent.trim())));
  assert.deepEqual(labels, [["dog 97 %", "park 61 %"], ["dog 93 % × 2", "ball 80 %"]]);
  assert.deepEqual(await findings(page), []);
  assert.equal(await peeked(page).count(), 0);
  await part(page, "dog").hover();
  assert.equal(await peeked(page).count(), 2);
  await part(page, "ball").locator("a").focus();
  assert.equal(await peeked(page).count(), 1, "what has the focus");
  assert.match(await peeked(page).first().textContent(), /ball/);
  const [box, image] = await Promise.all([peeked(page).first(), page.locator("#stage .frame img").first()].map((part) => part.boundingBox()));
  assert.ok(Math.abs((box.x - image.x) / image.width - 0.6) < 0.02 && Math.abs((box.y - image.y) / image.height - 0.6) < 0.02, "where it is");
  await page.keyboard.press("Enter");
  await page.waitForURL((address) => address.searchParams.get("find") === "1" && address.searchParams.get("c") === "t:1:ball" && !address.searchParams.has("view"));
  await page.goBack();
  await page.locator("#image-tags").waitFor();
  await page.locator("#tag-levels .keyword", { hasText: "park" }).click();
  await page.waitForURL((address) => !address.searchParams.has("find") && address.searchParams.get("c") === "t:1:park");
});

onPage("labels open the masks of their pixels", { path: "about:blank" }, async (page) => {
  await start(page);
  const asked = [];
  await page.route("**/api/v1/segment", (route) => {
    asked.push(route.request().postDataJSON());
    const labels = [{ label: "ball", is_thing: true, area: 0.25, score: 0.8, colour: "#56b4e9" }];
    return route.fulfill({ json: { width: 8, height: 8, unlabelled: 0.75, labels, segments: [{ label: 0, is_thing: true, score: 0.8, area: 0.25, x: 4, y: 0, width: 4, height: 4, rle: { size: [4, 4], counts: "82200" } }] } });
  });
  await openFirst(page);
  await page.getByRole("button", { name: "Show areas" }).click();
  await page.locator("#mask-labels button").first().waitFor();
  assert.deepEqual(asked[0].labels, ["dog", "ball", "park"]);
  assert.equal(await page.inputValue("#mask-words"), "dog, ball, park");
  await page.getByRole("button", { name: "Show areas" }).click();
  await page.waitForFunction(() => document.querySelector("#mask-panel").getAttribute("aria-busy") === "false");
  assert.equal(await page.locator("#mask-panel").isVisible(), true, "asked again, they stay");
});

onPage("a picture that was not looked at shows no labels", { path: "about:blank" }, async (page) => {
  await start(page, { kept: false });
  await openFirst(page);
  await page.waitForTimeout(300);
  assert.equal(await page.locator("#image-tags").isVisible(), false);
});

onPage("390 pixels: a finger shows the box of a part", { path: "about:blank", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
  await start(page);
  await openFirst(page);
  await page.tap("#info");
  const pin = part(page, "ball").locator(".pin");
  await pin.scrollIntoViewIfNeeded();
  assert.equal(await pin.getAttribute("aria-label"), "Show where ball is");
  const { width, height } = await pin.boundingBox();
  assert.ok(width >= 44 && height >= 44, `${width} x ${height}`);
  await pin.tap();
  assert.deepEqual([await pin.getAttribute("aria-pressed"), await peeked(page).count()], ["true", 1]);
  await part(page, "dog").locator(".pin").tap();
  assert.deepEqual([await pin.getAttribute("aria-pressed"), await peeked(page).count()], ["false", 2]);
  assert.deepEqual(await findings(page), []);
  await part(page, "dog").locator(".pin").tap();
  assert.equal(await peeked(page).count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});
