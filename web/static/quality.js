// What is known of a model's languages, said honestly.
//
// Numbers: text-to-picture recall on Crossmodal-3600 (mean of recall at 1, 5 and 10), as published in the Immich
// documentation in March 2025 for the same checkpoints; 20 stands for "below 20".

import { h } from "./dom.js";
import { language as own, number, t } from "./words.js";

const SIZES = ["base", "large", "so400m"];
const RECALL = {
  en: [75.2, 74.3, 75.1], de: [86.4, 88.8, 89.8], fr: [84.3, 86.1, 87.6], es: [82.2, 82.5, 83.8], it: [83.8, 86.7, 88],
  ru: [84.3, 86, 87.7], pt: [77.5, 80, 81.7], nl: [75.3, 78, 79.7], pl: [73.4, 78.2, 80], vi: [80.9, 83.9, 85.9],
  id: [79.8, 83.7, 85], ko: [70.3, 71.7, 75.1], zh: [64.4, 66.1, 67.3], ja: [58.1, 66.9, 68.3], ar: [61.7, 66.9, 69.3],
  tr: [66.7, 73.8, 77], fa: [68.3, 71.9, 76.3], uk: [65.3, 75.1, 78.3], cs: [54.8, 61.7, 63], sv: [66.4, 71.2, 72.1],
  no: [62.6, 71.7, 75], da: [67.7, 79.1, 82.3], hu: [58.3, 70.6, 73.9], hr: [54.3, 70, 73.2], ro: [58.3, 71.9, 73.9],
  he: [60.3, 69.3, 72.2], el: [53.4, 59.4, 60.6], fi: [40.3, 57.1, 62.3], th: [37.4, 43.9, 45.5], hi: [27.9, 34.9, 34.9],
  fil: [23.4, 30.1, 34.3], bn: [20, 20.9, 26.2], sw: [20, 20, 20], te: [20, 20, 20], mi: [20, 20, 20],
};
const GOOD = 72;
const FAIR = 55;

/// Scripts that tell the language, and letters that do so within the Latin script.
const SIGNS = [
  [/\p{Script=Thai}/u, "th"], [/\p{Script=Devanagari}/u, "hi"], [/\p{Script=Bengali}/u, "bn"], [/\p{Script=Telugu}/u, "te"],
  [/\p{Script=Greek}/u, "el"], [/\p{Script=Hebrew}/u, "he"], [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, "ja"],
  [/\p{Script=Hangul}/u, "ko"], [/\p{Script=Han}/u, "zh"], [/[پچژگ]/u, "fa"], [/\p{Script=Arabic}/u, "ar"],
  [/[іїєґ]/iu, "uk"], [/\p{Script=Cyrillic}/u, "ru"], [/[ěřů]/iu, "cs"], [/[őű]/iu, "hu"], [/[ășț]/iu, "ro"], [/[ığş]/u, "tr"],
  [/[äö].*(?:ll|ss|tt|kk|nn|aa|ää|uo|yö)|(?:ää|yö|uo|ii)\b/iu, "fi"],
];
/// Scripts that no table knows: whether the model reads them is not known.
const UNMEASURED = /\p{Script=Tamil}|\p{Script=Georgian}|\p{Script=Armenian}|\p{Script=Ethiopic}|\p{Script=Khmer}|\p{Script=Lao}|\p{Script=Myanmar}|\p{Script=Sinhala}|\p{Script=Gujarati}|\p{Script=Gurmukhi}|\p{Script=Kannada}|\p{Script=Malayalam}|\p{Script=Oriya}|\p{Script=Tibetan}/u;

/// Which column speaks for a model, or none.
function column(model) {
  if (!/siglip-?2/i.test(model)) return -1;
  return SIZES.findIndex((size) => model.toLowerCase().includes(size));
}

const grade = (recall) => (recall >= GOOD ? "good" : recall >= FAIR ? "fair" : "weak");
const named = (code) => new Intl.DisplayNames(own, { type: "language" }).of(code);

/// What to warn of when `text` is asked of `model`, or nothing.
export function languageNote(text, model) {
  const at = column(model ?? "");
  if (at < 0 || !text) return "";
  if (UNMEASURED.test(text)) return t("languageUnmeasured");
  const code = SIGNS.find(([sign]) => sign.test(text))?.[1];
  const recall = code && RECALL[code]?.[at];
  return recall && grade(recall) === "weak" ? t("languageWeak", { language: named(code) }) : "";
}

/// The table of a model's languages, or a word on why there is none.
export function qualityTable(model) {
  const at = column(model);
  if (at < 0) return [h("p", { class: "soft" }, t(model === "demo" ? "demoModel" : "modelUnmeasured"))];
  const rows = Object.entries(RECALL).map(([code, recall]) => [named(code), recall[at]]).sort((a, b) => b[1] - a[1]);
  return ["good", "fair", "weak"].map((word) => {
    const languages = rows.filter(([, recall]) => grade(recall) === word);
    const items = languages.map(([name, recall]) => h("li", {}, name, " ", h("span", { class: "count" }, recall <= 20 ? "<20" : number(recall))));
    return languages.length ? h("div", { class: `grade ${word}` }, h("h4", {}, t(`grade_${word}`)), h("ul", {}, items)) : "";
  }).concat(h("p", { class: "soft" }, t("qualitySource")));
}
