// How well a model understands languages, said on the page.

import { h } from "./dom.js";
import { knowledgeOf, languageOf } from "./languages.js";
import { language as own, number, t } from "./words.js";

/** @typedef {"good" | "fair" | "weak"} Grade */

const GOOD = 72;
const FAIR = 55;

/** @type {(recall: number) => Grade} */
const grade = (recall) => (recall >= GOOD ? "good" : recall >= FAIR ? "fair" : "weak");
/** @type {(code: string) => string} */
const named = (code) => new Intl.DisplayNames(own, { type: "language" }).of(code) ?? code;

/// What to warn of when `text` is asked of `model`, or nothing.
/** @type {(text: string, model: string | null) => string} */
export function languageNote(text, model) {
  const known = knowledgeOf(model);
  const code = known && languageOf(text);
  if (!code) return "";
  const recall = known.recall[code];
  if (recall === undefined) return known.all ? t("languageUnknown", { language: named(code) }) : t("languageUnmeasured");
  return grade(recall) === "weak" ? t("languageWeak", { language: named(code) }) : "";
}

/// The table of a model's languages, or a word on why there is none.
/** @type {(model: string) => HTMLElement[]} */
export function qualityTable(model) {
  const known = knowledgeOf(model);
  if (!known) return [h("p", { class: "soft" }, t("modelUnmeasured"))];
  const rows = Object.entries(known.recall).map(([code, recall]) => ({ name: named(code), recall })).sort((a, b) => b.recall - a.recall);
  const grades = /** @type {Grade[]} */ (["good", "fair", "weak"]).flatMap((word) => {
    const languages = rows.filter(({ recall }) => grade(recall) === word);
    const items = languages.map(({ name, recall }) => h("li", {}, name, " ", h("span", { class: "count" }, recall <= 20 ? "<20" : number(recall))));
    return languages.length ? h("div", { class: `grade ${word}` }, h("h4", {}, t(`grade_${word}`)), h("ul", {}, items)) : [];
  });
  const about = known.all ? [h("p", { class: "soft" }, t("demoModel"))] : [];
  return [...about, ...grades, h("p", { class: "soft" }, t(known.all ? "qualityDemo" : "qualitySource"))];
}
