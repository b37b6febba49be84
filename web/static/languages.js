// What is known of models' languages, and which language a text is in, as far as that can be told honestly.
//
// Crossmodal-3600: text-to-image recall (mean of recall at 1, 5 and 10, in percent), as published in the Immich
// documentation in March 2025 for the same checkpoints; 20 stands for "below 20". For the giant model, a few languages only.
// Bundled model: `names.trained.LANGUAGE.text_to_image[0]` of training/log/figures.json, in percent; these are all the
// languages that it was trained on.

const COLUMNS = [/gopt|giant/, /so400m/, /large/, /base/];
/** @type {Record<string, (number | undefined)[]>} */
const RECALL = {
  en: [74.3, 75.1, 74.3, 75.2], de: [89, 89.8, 88.8, 86.4], fr: [86.4, 87.6, 86.1, 84.3], es: [82.6, 83.8, 82.5, 82.2],
  ru: [85.7, 87.7, 86, 84.3], zh: [67.5, 67.3, 66.1, 64.4], ja: [67.7, 68.3, 66.9, 58.1], ar: [67.3, 69.3, 66.9, 61.7],
  hi: [36.1, 34.9, 34.9, 27.9], th: [41.9, 45.5, 43.9, 37.4],
  it: [, 88, 86.7, 83.8], pt: [, 81.7, 80, 77.5], nl: [, 79.7, 78, 75.3], pl: [, 80, 78.2, 73.4], vi: [, 85.9, 83.9, 80.9],
  id: [, 85, 83.7, 79.8], ko: [, 75.1, 71.7, 70.3], tr: [, 77, 73.8, 66.7], fa: [, 76.3, 71.9, 68.3], uk: [, 78.3, 75.1, 65.3],
  cs: [, 63, 61.7, 54.8], sv: [, 72.1, 71.2, 66.4], no: [, 75, 71.7, 62.6], da: [, 82.3, 79.1, 67.7], hu: [, 73.9, 70.6, 58.3],
  hr: [, 73.2, 70, 54.3], ro: [, 73.9, 71.9, 58.3], he: [, 72.2, 69.3, 60.3], el: [, 60.6, 59.4, 53.4], fi: [, 62.3, 57.1, 40.3],
  fil: [, 34.3, 30.1, 23.4], bn: [, 26.2, 20.9, 20], sw: [, 20, 20, 20], te: [, 20, 20, 20], mi: [, 20, 20, 20],
};
/** @type {Record<string, number>} */
const BUNDLED = {
  am: 94, ar: 93, bg: 94, bn: 95, cs: 96, da: 95, de: 93, el: 94, en: 94, es: 93, fa: 93, fi: 93, fr: 94, gu: 94,
  he: 94, hi: 93, hu: 93, hy: 95, id: 93, it: 94, ja: 95, ka: 93, km: 93, kn: 94, ko: 94, ml: 94, mr: 95, my: 94,
  nl: 93, no: 94, pa: 94, pl: 94, pt: 94, ro: 94, ru: 94, si: 94, sr: 94, sv: 93, sw: 92, ta: 93, te: 94, th: 93,
  tr: 93, uk: 95, ur: 94, vi: 94, zh: 94, "zh-Hant": 94,
};

/// What is known of a model: recall by language, and whether these are all the languages that it knows.
/** @type {(model: string | null) => { recall: Record<string, number>, all: boolean } | null} */
export function knowledgeOf(model) {
  const name = (model ?? "").toLowerCase();
  if (name === "demo") return { recall: BUNDLED, all: true };
  const at = /siglip-?2/.test(name) ? COLUMNS.findIndex((column) => column.test(name)) : -1;
  if (at < 0) return null;
  const known = Object.entries(RECALL).flatMap(([code, { [at]: recall }]) => (recall === undefined ? [] : [/** @type {const} */ ([code, recall])]));
  return { recall: Object.fromEntries(known), all: false };
}

/// Scripts that one language is known for, or that tell enough: a warning about Hindi serves those who write Marathi.
/** @type {[sign: RegExp, code: string][]} */
const SCRIPTS = [
  [/\p{Script=Thai}/u, "th"], [/\p{Script=Devanagari}/u, "hi"], [/\p{Script=Bengali}/u, "bn"], [/\p{Script=Telugu}/u, "te"],
  [/\p{Script=Tamil}/u, "ta"], [/\p{Script=Kannada}/u, "kn"], [/\p{Script=Malayalam}/u, "ml"], [/\p{Script=Gujarati}/u, "gu"],
  [/\p{Script=Gurmukhi}/u, "pa"], [/\p{Script=Oriya}/u, "or"], [/\p{Script=Sinhala}/u, "si"], [/\p{Script=Khmer}/u, "km"],
  [/\p{Script=Lao}/u, "lo"], [/\p{Script=Myanmar}/u, "my"], [/\p{Script=Tibetan}/u, "bo"], [/\p{Script=Georgian}/u, "ka"],
  [/\p{Script=Armenian}/u, "hy"], [/\p{Script=Ethiopic}/u, "am"], [/\p{Script=Greek}/u, "el"], [/\p{Script=Hebrew}/u, "he"],
  [/[\p{Script=Hiragana}\p{Script=Katakana}]/u, "ja"], [/\p{Script=Hangul}/u, "ko"], [/\p{Script=Han}/u, "zh"],
  [/[ٹڈڑںے]/u, "ur"], [/[پچژگ]/u, "fa"], [/\p{Script=Arabic}/u, "ar"],
  [/ў/iu, "be"], [/[іїєґ]/iu, "uk"], [/[ђћџјљњ]/iu, "sr"], [/\p{Script=Cyrillic}/u, "ru"],
];
/// Within the Latin script: letters that no other large language has, endings and words that belong to one alone. Of most
/// languages nothing so short gives them away, and nothing is said of those. Only words in small letters count, for names
/// travel: Dvořák is no Czech.
/** @type {[sign: RegExp, code: string][]} */
const LATIN = [
  [/[řů]/u, "cs"], [/[őű]/u, "hu"], [/[șț]/u, "ro"], [/[ığ]/u, "tr"],
  [/^(?:\p{L}+(?:ssä|llä|stä|ltä)|kanssa|vieressä|että|sekä|koira|kissa|lintu)$/u, "fi"],
  [/^(?:katika|kwenye|pamoja|mwenye|wenye|yenye|mbwa|mtoto|watoto|anayecheza)$/u, "sw"],
  [/^(?:mga|isang|dalawang|kasama)$/u, "fil"],
  [/^(?:ngā|tētahi|ētahi)$/u, "mi"],
];

/// The code of the language of a text; none where it cannot be told.
/** @type {(text: string) => string | null} */
export function languageOf(text) {
  const script = SCRIPTS.find(([sign]) => sign.test(text))?.[1];
  if (script) return script;
  const words = text.normalize("NFC").split(/[^\p{L}]+/u).filter((word) => /^\p{Ll}/u.test(word));
  return LATIN.find(([sign]) => words.some((word) => sign.test(word)))?.[1] ?? null;
}
