// Masks over an open picture: what every pixel shows. What the model finds is its own affair: one test puts an answer in the
// server's place, others ask for what the library is known to show.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { onPage, recordOf } from "./harness.mjs";

/// A tall picture of the library with nothing but a zebra.
const ZEBRA = "Travel/2024 Nairobi/IMG_1168.jpg";

/// Opens the zebra.
async function openZebra(page) {
  const { id } = await recordOf(page, ZEBRA);
  await page.goto(`/?view=${id}`);
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
}

/// An answer of 4 x 4 pixels: the left half is sky, the upper right quarter a ball.
const ANSWER = {
  width: 8, height: 8, unlabelled: 0.25,
  labels: [
    { label: "ball", is_thing: true, area: 0.25, score: 0.8, colour: "#56b4e9" },
    { label: "unicorn", is_thing: true, area: 0, score: null, colour: null },
    { label: "sky", is_thing: false, area: 0.5, score: 0.9, colour: "#f0a30a" },
  ],
  segments: [
    { label: 2, is_thing: false, score: 0.9, area: 0.5, x: 0, y: 0, width: 4, height: 8, rle: { size: [4, 4], counts: "088" } },
    { label: 0, is_thing: true, score: 0.8, area: 0.25, x: 4, y: 0, width: 4, height: 4, rle: { size: [4, 4], counts: "82200" } },
  ],
};

/// Lets the server answer so, and gives what it was asked.
async function answering(page, answer = ANSWER) {
  const asked = [];
  await page.route("**/api/v1/segment", (route) => {
    asked.push(route.request().postDataJSON());
    return route.fulfill({ json: answer });
  });
  return asked;
}

/// The colour of a pixel of the masks, or "" where there is none.
const pixel = (page, x, y) => page.locator("#stage canvas.masks").evaluate((canvas, [x, y]) => {
  const [r, g, b, a] = canvas.getContext("2d").getImageData(x, y, 1, 1).data;
  return a ? `#${[r, g, b].map((value) => value.toString(16).padStart(2, "0")).join("")}` : "";
}, [x, y]);

const legend = (page) => page.locator("#mask-labels button");

onPage("masks have a legend whose labels can be switched off and on", async (page, { expect }) => {
  expect("willReadFrequently"); // these tests look at the pixels
  const asked = await answering(page);
  await openZebra(page);
  await page.keyboard.press("k");
  await legend(page).first().waitFor();
  assert.equal(await page.getAttribute("#masks", "aria-pressed"), "true");
  assert.deepEqual([asked[0].labels, asked[0].panoptic], [[], true], "the library's own labels");
  assert.deepEqual((await legend(page).allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim()), ["sky 50 %", "ball 25 %"]);
  assert.match(await page.textContent("#mask-none"), /25 %/);
  assert.deepEqual([await pixel(page, 0, 0), await pixel(page, 3, 0), await pixel(page, 3, 3)], ["#f0a30a", "#56b4e9", ""]);
  assert.equal(await page.locator("#stage .mask-numbers .swatch").count(), 2);
  const covers = await page.locator("#stage canvas.masks").evaluate((canvas) => {
    const [a, b] = [canvas.getBoundingClientRect(), canvas.parentElement.querySelector("img").getBoundingClientRect()];
    return Math.abs(a.width - b.width) < 1 && Math.abs(a.height - b.height) < 1;
  });
  assert.ok(covers, "masks lie on the picture");
  await legend(page).nth(0).click();
  assert.equal(await legend(page).nth(0).getAttribute("aria-pressed"), "false");
  assert.deepEqual([await pixel(page, 0, 0), await pixel(page, 3, 0)], ["", "#56b4e9"]);
  assert.equal(await page.locator("#stage .mask-numbers .swatch").count(), 1);
  await legend(page).nth(0).focus();
  await page.keyboard.press("Enter");
  assert.equal(await pixel(page, 0, 0), "#f0a30a");
  await page.locator("#mask-opacity").focus();
  await page.keyboard.press("Home");
  assert.equal(await page.locator("#stage canvas.masks").evaluate(({ style }) => style.opacity), "0.1");
  assert.deepEqual(await findings(page), []);
  await page.keyboard.press("Escape");
  await page.locator("#stage canvas.masks").waitFor({ state: "detached" });
  assert.ok(await page.locator("#viewer").isVisible(), "Escape in the panel closes the panel alone");
  assert.equal(await page.evaluate(() => document.activeElement.id), "masks");
});

onPage("words of one's own are asked for, on the next picture too", async (page) => {
  const asked = await answering(page);
  await page.goto("/?q=zebra");
  await page.locator("#grid a.shot").first().click();
  await page.locator("#facts dd").first().waitFor({ state: "attached" });
  await page.click("#masks");
  await legend(page).first().waitFor();
  assert.equal(await page.inputValue("#mask-words"), asked[0].labels.join(", "), "what was searched for");
  await page.fill("#mask-words", "zebra, 草、 sky،, zebra");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#mask-panel").getAttribute("aria-busy") === "false");
  assert.deepEqual(asked.at(-1).labels, ["zebra", "草", "sky"]);
  const before = asked.length;
  await page.click("#next");
  await page.waitForFunction(() => document.querySelector("#stage canvas.masks"));
  assert.ok(asked.length > before);
  assert.notEqual(asked.at(-1).image, asked[0].image);
  assert.deepEqual(asked.at(-1).labels, ["zebra", "草", "sky"]);
});

onPage("a library without keywords asks for words, and what is not there is said", async (page, { expect }) => {
  expect("400");
  await openZebra(page);
  let refuse = true;
  await page.route("**/api/v1/segment", (route) => refuse
    ? route.fulfill({ status: 400, json: { code: "bad_request", message: "no labels were given, and the library has no keywords" } })
    : route.fulfill({ json: { ...ANSWER, unlabelled: 1, segments: [], labels: [ANSWER.labels[1]] } }));
  await page.click("#masks");
  await page.locator(".toast").first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "mask-words");
  refuse = false;
  await page.keyboard.type("unicorn");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /None of these/.test(document.querySelector("#mask-none").textContent));
  assert.equal(await legend(page).count(), 0);
});

onPage("the server segments a picture of the library", async (page) => {
  await openZebra(page);
  await page.click("#masks");
  await page.fill("#mask-words", "zebra, grass, sea");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#mask-panel").getAttribute("aria-busy") === "false", null, { timeout: 60_000 });
  assert.match(await page.textContent("#mask-labels"), /zebra/);
  const painted = await page.locator("#stage canvas.masks").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return { share: data.filter((_, at) => at % 4 === 3 && data[at] > 0).length / (canvas.width * canvas.height), longer: Math.max(canvas.width, canvas.height) };
  });
  assert.ok(painted.share > 0.03 && painted.longer > 200, JSON.stringify(painted));
});

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
onPage("masks on a phone: all of the picture is free, and everything can be touched", PHONE, async (page) => {
  await answering(page);
  await openZebra(page);
  await page.tap("#masks");
  await legend(page).first().waitFor();
  await page.waitForFunction(() => {
    const [image, panel] = [document.querySelector("#stage .frame").getBoundingClientRect(), document.querySelector("#mask-panel").getBoundingClientRect()];
    return image.bottom <= panel.top + 1;
  });
  await legend(page).nth(1).tap();
  assert.equal(await legend(page).nth(1).getAttribute("aria-pressed"), "false");
  const small = await page.locator("#mask-panel :is(button, input)").evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().height < 24).map(({ id, className }) => id || className));
  assert.deepEqual(small, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(await findings(page), []);
});
