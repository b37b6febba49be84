// A page in another language has no English on it: every panel is opened, and every visible text is looked at. What people wrote
// (names, paths, captions, tags) and what is opened for it (the server's own words) do not count.

import assert from "node:assert/strict";
import { onPage, ready, search, tiles } from "./harness.mjs";

/// Words of English that are words of none of these languages.
const ENGLISH = /\b(the|and|of|are|with|not|this|from|is|it|to|no|have|cannot|needs?|images?|pictures?|search|exact|scan)\b/i;
/// Parts of the page with texts that are nobody's language, or somebody's own.
const DATA = "[lang=en], bdi, [dir=auto], kbd, code, .name, .path, #language, .brand, .map-source, time, script, style, datalist";

/// Texts of the page that look like English, with where they are. Paths of folders are no language, nor are cameras.
const english = (page, script) =>
  page.evaluate(([pattern, data, latinIsForeign]) => {
    const english = new RegExp(pattern, "i");
    const found = new Set();
    const look = (text, element) => {
      const plain = text?.replace(/\s+/g, " ").trim() ?? "";
      // In a script of its own, two words of Latin letters in a row are foreign, too.
      if (plain && !plain.startsWith("/") && !/^(Fabula|Lumen) /.test(plain) && (english.test(plain) || (latinIsForeign && /[a-z]{2,} [a-z]{3,}/i.test(plain)))) found.add(`${element.id || element.className || element.tagName}: ${plain}`);
    };
    for (const element of document.querySelectorAll("body *")) {
      if (element.closest(data) || !element.checkVisibility({ visibilityProperty: true })) continue;
      for (const node of element.childNodes) if (node.nodeType === Node.TEXT_NODE) look(node.data, element);
      if (element.closest(".tile, .cover, #facts, #stage, #roots, #folder-browser")) continue; // names of images and folders
      for (const name of ["aria-label", "title", "placeholder"]) look(element.getAttribute(name), element);
    }
    return [...found];
  }, [ENGLISH.source, DATA, script]);

const closeDialog = async (page) => (await page.keyboard.press("Escape"), await page.locator("dialog[open]").waitFor({ state: "detached" }).catch(() => {}));

for (const [locale, ownScript] of [["de", false], ["ja", true], ["ar", true]]) {
  onPage(`${locale}: no panel of the page says anything in English`, { locale }, async (page, { expect }) => {
    expect("api/v1/");
    const at = async (where) => assert.deepEqual(await english(page, ownScript), [], where);
    await at("the library");

    await page.click("#library");
    await page.locator("#technical dd").first().waitFor({ state: "attached" });
    await page.click("#about-library summary");
    await page.click("#runs summary");
    await page.locator("#run-list li").first().waitFor();
    await at("the library's panel");
    const technical = await page.locator("#technical dd").allInnerTexts();
    assert.equal(technical.length, 3);
    for (const text of technical) assert.doesNotMatch(text, ENGLISH);
    await page.fill("#folder-path", "pictures");
    await page.press("#folder-path", "Enter");
    await page.locator("#folder-problem", { hasText: /\S/ }).waitFor();
    await at("a folder that is refused");
    await page.click("#browse");
    await page.locator("#folder-browser .rows li").first().waitFor();
    await at("choosing a folder");
    await closeDialog(page);

    await page.click("#settings");
    await page.locator("#keys dt").first().waitFor();
    await at("settings and keys");
    await closeDialog(page);

    await page.click("#albums-open");
    await page.fill("#album-name", "x".repeat(100));
    await at("albums");
    await closeDialog(page);

    for (const name of ["tags", "map"]) {
      await page.goto(`/?page=${name}`);
      await ready(page);
      await at(name);
    }
    await page.goto("/?page=duplicates");
    await ready(page);
    await at("duplicates");

    await page.goto("/");
    await ready(page);
    for (const filter of await page.locator("#filters .pill[aria-haspopup]:visible").all()) {
      await filter.click();
      await at("a filter");
      await page.keyboard.press("Escape");
    }
    await tiles(page).first().hover();
    await tiles(page).first().locator(".pick").click();
    await page.locator("#selection .act").first().waitFor();
    await at("the selection");
    for (const menu of await page.locator("#selection .act[aria-haspopup]:visible").all()) {
      await menu.click();
      await at("a menu of the selection");
      await page.keyboard.press("Escape");
    }

    await page.goto("/?q=xyzzy");
    await ready(page);
    await at("a search that finds nothing sure");

    await page.goto("/");
    await ready(page);
    await tiles(page).first().locator("a.shot").click();
    await page.locator("#facts dt").first().waitFor({ state: "attached" });
    await at("an image");
    await page.click("#further");
    await at("the menu of an image");
    await page.keyboard.press("Escape");
    await page.click("#masks");
    await page.locator("#mask-labels button, .toast").first().waitFor();
    assert.deepEqual(await english(page, false), [], "its masks, whose labels are keywords in any language");
  });
}

/// Forms that cannot be read, by language: with the word that is wrong, as it was typed.
const MISTAKES = [
  ["de", "Hund und", "„und“"], ["de", "links von Ball", "„links von“"], ["de", "Hund ohne Katze", "„ohne“"], ["de", "keine Katze", "Nenne etwas"], ["de", "12 oder mehr Hunde", "von 1 bis 10"],
  ["ja", "犬、", "「、」"], ["ja", "犬なし", "写っているべき物"], ["ar", "كلب فوق", "«فوق»"], ["fr", "chien et", "« et »"],
];
for (const [locale, typed, wanted] of MISTAKES) {
  onPage(`${locale}: “${typed}” is refused with what is wrong, in that language`, { locale }, async (page, { expect }) => {
    expect("api/v1/find");
    await page.click("#mode");
    await page.fill("#q", typed);
    await page.press("#q", "Enter");
    const said = page.locator("#note-text, #empty-advice", { hasText: wanted }).first();
    await said.waitFor();
    if (locale !== "fr") assert.deepEqual(await english(page, locale !== "de"), []); // which has words of English
  });
}

onPage("de: a file that is no picture says what is wrong with it", { locale: "de" }, async (page, { expect }) => {
  expect("api/v1/uploads");
  await page.setInputFiles("#file", { name: "leer.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no picture at all") });
  await page.locator("#toasts", { hasText: "Das Format der Datei wird hier nicht gelesen" }).waitFor();
  await page.locator("#file").evaluate((input) => (input.value = ""));
  await page.setInputFiles("#file", { name: "kaputt.png", mimeType: "image/png", buffer: Buffer.from("89504e470d0a1a0a0000", "hex") });
  await page.locator("#toasts", { hasText: "Die Datei ist beschädigt oder abgeschnitten" }).waitFor();
});
