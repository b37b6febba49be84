// What the empty bar offers, and what a search may have meant.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { count, idle, onPage, ready, search, tiles } from "./harness.mjs";

const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: "dark" };
const offers = (page) => page.locator("#suggestions [role=option]");
const marked = (page) => page.locator('#suggestions [aria-selected="true"]');
const typed = (page) => page.inputValue("#q");

/// Answers in the place of the server: examples, or what `answer(text)` says of a text.
async function suggesting(page, examples, answer = () => ({})) {
  await page.route("**/api/v1/suggest", (route) => {
    const { text } = route.request().postDataJSON();
    const said = text ? answer(text) : { examples };
    return route.fulfill({ json: { examples: [], did_you_mean: [], question: null, ...said } });
  });
}

for (const [device, options] of [["laptop", {}], ["phone", phone]]) {
  onPage(`${device}: the empty bar offers words of this library and recent searches`, { path: "about:blank", ...options }, async (page) => {
    await suggesting(page, ["zoo", "sunflower", "harbour"]);
    await page.goto("/");
    await ready(page);
    assert.equal(await page.locator(".suggestions").isVisible(), false, "the page does not begin with a list");
    if (options.hasTouch) await page.tap("#q");
    else await page.click("#q");
    await offers(page).nth(2).waitFor();
    assert.deepEqual(await offers(page).allTextContents(), ["zoo", "sunflower", "harbour"]);
    assert.equal(await page.getAttribute("#q", "aria-expanded"), "true");
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    if (options.hasTouch) await offers(page).nth(0).tap();
    else await offers(page).nth(0).click();
    await page.waitForURL(/q=zoo/);
    await idle(page);
    assert.equal(await page.locator(".suggestions").isVisible(), false);
    await search(page, "butterfly");
    await page.fill("#q", "");
    await offers(page).nth(4).waitFor();
    assert.deepEqual((await offers(page).allTextContents()).slice(0, 2), ["butterfly", "zoo"]);
    assert.deepEqual(await findings(page), []);
    const cross = offers(page).nth(0).locator(".forget");
    await (options.hasTouch ? cross.tap() : cross.click());
    await page.waitForFunction(() => document.querySelectorAll("#suggestions [role=option]").length === 4);
    assert.deepEqual((await offers(page).allTextContents())[0], "zoo");
    await page.locator(".suggestions button").click();
    await page.waitForFunction(() => document.querySelectorAll("#suggestions [role=option]").length === 3);
    assert.equal(await page.evaluate(() => localStorage.getItem("glimpse.searches")), null);
  });
}

onPage("arrow keys move through what is offered, Enter takes it, Delete removes it, Escape closes the list", { path: "about:blank" }, async (page) => {
  await suggesting(page, ["sunflower"]);
  await page.goto("/");
  await ready(page);
  for (const text of ["zoo", "butterfly"]) await search(page, text);
  await page.keyboard.press("/");
  await page.keyboard.press("Delete");
  await offers(page).nth(2).waitFor();
  assert.equal(await marked(page).count(), 0);
  await page.keyboard.press("ArrowDown");
  assert.equal(await marked(page).textContent(), "butterfly");
  assert.equal(await page.getAttribute("#q", "aria-activedescendant"), await marked(page).getAttribute("id"));
  assert.ok(await page.evaluate(() => document.activeElement.id === "q"), "the focus stays in the field");
  await page.keyboard.press("ArrowUp");
  assert.equal(await marked(page).count(), 0);
  await page.keyboard.press("ArrowUp");
  assert.equal(await marked(page).textContent(), "sunflower", "from the other end");
  await page.keyboard.press("ArrowUp");
  assert.equal(await marked(page).textContent(), "zoo");
  await page.keyboard.press("Delete");
  await page.waitForFunction(() => document.querySelectorAll("#suggestions [role=option]").length === 2);
  assert.equal(await marked(page).textContent(), "sunflower", "the next one is marked");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".suggestions").isVisible(), false);
  assert.ok(await page.evaluate(() => document.activeElement.id === "q"));
  await page.keyboard.press("Alt+ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(/q=butterfly/);
  assert.equal(await typed(page), "butterfly");
  assert.ok(await page.evaluate(() => document.activeElement.id === "results"), "and the arrows lead to the images");
});

onPage("an image that is opened makes its search a recent one, signs and all", { path: "about:blank" }, async (page) => {
  await suggesting(page, []);
  await page.goto("/?q=tree&c=t:1:zoo");
  await tiles(page).first().locator("a.shot").click();
  await page.locator("#viewer[open]").waitFor();
  await page.goto("/");
  await ready(page);
  await page.click("#q");
  await offers(page).first().waitFor();
  assert.deepEqual(await offers(page).allTextContents(), ["zoo + tree"]);
  await offers(page).first().click();
  await page.waitForURL((address) => address.searchParams.get("q") === "tree" && address.searchParams.get("c") === "t:1:zoo");
});

onPage("a word that the library does not know is followed by one that it does", async (page) => {
  await suggesting(page, [], (text) => (/butterfli\b/i.test(text) ? { did_you_mean: [{ typed: "Butterfli", word: "butterfly" }] } : {}));
  await search(page, "Butterfli tree");
  const meant = page.locator("#meant button");
  await meant.waitFor();
  assert.equal(await page.textContent("#meant"), "· Did you mean butterfly tree?");
  assert.deepEqual(await findings(page), []);
  await meant.click();
  await page.waitForURL((address) => address.searchParams.get("q") === "butterfly tree");
  await idle(page);
  assert.equal(await page.textContent("#meant"), "");
});

onPage("what asks about things in images can be asked so with one button", async (page) => {
  await suggesting(page, [], () => ({ question: "find" }));
  await search(page, "butterfly on a tree");
  await page.locator("#note-more", { hasText: "Find these objects" }).click();
  await page.waitForURL(/find=1/);
});

onPage("a server that cannot suggest leaves the list to recent searches", { path: "about:blank" }, async (page, { expect }) => {
  expect("api/v1/suggest");
  await page.route("**/api/v1/suggest", (route) => route.fulfill({ status: 404, json: { code: "not_found", message: "no such address" } }));
  await page.goto("/");
  await ready(page);
  await page.click("#q");
  assert.equal(await page.locator(".suggestions").isVisible(), false);
  await search(page, "zoo");
  assert.equal(await page.textContent("#meant"), "");
  await page.fill("#q", "");
  await offers(page).first().waitFor();
  assert.deepEqual(await offers(page).allTextContents(), ["zoo"]);
});

onPage("the library's own words are offered, and answered", async (page) => {
  await page.click("#q");
  await offers(page).first().waitFor();
  const word = await offers(page).first().textContent();
  await offers(page).first().click();
  await page.waitForURL((address) => address.searchParams.get("q") === word);
  await idle(page);
  assert.ok((await count(page)) > 0, word);
});

onPage("a mistyped name of a folder is mended", async (page) => {
  await search(page, "nairobbi");
  const meant = page.locator("#meant button");
  await meant.waitFor();
  assert.equal(await meant.textContent(), "nairobi");
  await meant.click();
  await page.waitForURL((address) => address.searchParams.get("q") === "nairobi");
  await idle(page);
  assert.ok((await count(page)) > 0);
});

for (const language of ["de", "ja", "ar"]) {
  onPage(`${language}: words to try are in the language of the page, all of them`, { locale: language }, async (page) => {
    const lines = (await readFile(new URL("../../engine/src/suggest/labels.txt", import.meta.url), "utf8")).split("\n");
    const own = lines.find((line) => line.startsWith(`${language} `)).slice(language.length + 1).split(", ");
    const { tags } = await page.evaluate(() => fetch("/api/v1/tags?limit=1000").then((answer) => answer.json()));
    const ofLibrary = tags.map(({ tag }) => tag);
    await page.click("#q");
    await offers(page).first().waitFor();
    const words = await offers(page).allTextContents();
    assert.deepEqual(words.filter((word) => !own.includes(word) && !ofLibrary.includes(word)), []);
    assert.ok(words.some((word) => own.includes(word)), words.join());
    assert.equal(await page.textContent("#suggestions .heading"), { de: "Zum Ausprobieren", ja: "試してみる", ar: "جرّب أحد هذه" }[language]);
  });
}

for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
  onPage(`${width} pixels: where nothing sure is found, words of this library are offered`, { viewport: { width, height: 800 }, colorScheme, path: "/?q=spaceship" }, async (page) => {
    const instead = page.locator("#instead");
    await instead.locator("span", { hasText: "Nothing sure for “spaceship”" }).waitFor();
    assert.deepEqual(await findings(page), []);
    assert.equal(await page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)), 0);
    assert.ok((await page.locator("#grid .part.weak .tile").count()) > 0, "the closest are there, too");
    const first = instead.getByRole("button").first();
    const word = await first.textContent();
    await first.press("Enter");
    await page.waitForURL((address) => address.searchParams.get("q") === word);
    await instead.waitFor({ state: "hidden" });
    await page.locator("#grid .part:not(.weak) .tile").first().waitFor();
  });
}
