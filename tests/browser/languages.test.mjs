// Languages: which one a text is in, what is known of models, and that nobody is warned without a reason.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { onPage, search } from "./harness.mjs";

/// What the page's own module says of texts.
const tell = (page, texts) =>
  page.evaluate(async (texts) => {
    const { languageOf } = await import("/static/languages.js");
    return texts.map(languageOf);
  }, texts);

onPage("a language is told where it can be, and not guessed where it cannot", async (page) => {
  const told = {
    "metsässä": "fi", "kissa pöydällä": "fi", "mbwa na mpira": "sw", "paka kwenye mti": "sw", "mga aso sa dagat": "fil", "ngā kurī": "mi",
    "kůň na louce": "cs", "kutya a fűben": "hu", "copii și câini": "ro", "yağmurda köpek": "tr",
    "ネコ": "ja", "企鹅": "zh", "강아지": "ko", "हाथी": "hi", "హాతీ": "te", "ช้าง": "th", "γάτα": "el", "אבטיח": "he", "قطة": "ar", "گربه روی پل": "fa",
    "کتے": "ur", "вертолет": "ru", "їжак": "uk", "нәпарана ў лесе": "be", "ძაღლი": "ka", "ውሻ": "am", "ໝາ": "lo",
  };
  assert.deepEqual(await tell(page, Object.keys(told)), Object.values(told));
  const untold = [
    "schöne aussicht", "zwei männer am fluss", "grüne wälder und seen", "Hawaii", "hawaii", "Tiina", "skiing", "två små hundar", "en tavla på väggen", "flera människor på stranden",
    "Dvořák", "Jiří Menzel", "Erdoğan", "Jyväskylä", "mississippi", "wii", "Ang Lee", "NASA", "kei car", "te amo", "hund", "ja", "on a hill", "nǐ hěn hǎo", "niña", "été", "maçã", "", "42",
  ];
  assert.deepEqual(await tell(page, untold), untold.map(() => null));
});

onPage("what is known of the bundled model is what was measured", async (page) => {
  const { names } = JSON.parse(await readFile(new URL("../../training/log/figures.json", import.meta.url), "utf8"));
  const languages = Object.entries(names.trained).filter(([code, { text_to_image }]) => code !== "mean" && text_to_image);
  const measured = Object.fromEntries(languages.map(([code, { text_to_image: [first] }]) => [code, Math.round(first * 100)]));
  const known = await page.evaluate(async () => (await import("/static/languages.js")).knowledgeOf("demo"));
  assert.deepEqual(known, { recall: measured, all: true });
  const models = ["google/siglip2-base-patch16-256", "/models/siglip2-giant-opt-patch16-384", "google/siglip2-so400m-patch14-384", "someone/other", null];
  const thai = await page.evaluate(async (models) => {
    const { knowledgeOf } = await import("/static/languages.js");
    return models.map((model) => knowledgeOf(model)?.recall.th ?? null);
  }, models);
  assert.deepEqual(thai, [37.4, 41.9, 45.5, null, null]);
});

onPage("a language that the model does not know is warned of, others are not", async (page) => {
  for (const text of ["schöne aussicht", "zoo", "हाथी", "Hawaii"]) {
    await search(page, text);
    assert.equal(await page.locator("#note").isVisible(), false, text);
  }
  await search(page, "ຊ້າງ");
  assert.match(await page.textContent("#note-text"), /does not know this language \(Lao\)/);
  await page.click("#note-more");
  await page.locator("#quality .grade").first().waitFor();
  assert.match(await page.textContent("#quality"), /photographs.*Good.*German 93.*no other languages/s);
});
