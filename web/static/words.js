// The interface's own languages. Every sentence is in one place: `words/LANGUAGE.json`.

import { icon } from "./icons.js";

export const LANGUAGES = {
  en: "English", ar: "العربية", de: "Deutsch", es: "Español", fr: "Français", he: "עברית", it: "Italiano",
  ja: "日本語", ko: "한국어", pt: "Português", ru: "Русский", tr: "Türkçe", zh: "中文",
};
const RIGHT_TO_LEFT = ["ar", "he"];
const KEPT = "glimpse.language";

let sentences = {};
let plurals = new Intl.PluralRules("en");
let numbers = new Intl.NumberFormat("en");
export let language = "en";
/// The same with its region, for dates and numbers as they are written there.
let region = "en";

/// The language that was chosen, or the first of the browser's that there are words for.
function preferred() {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages].filter(Boolean);
  return wanted.map((name) => name.split("-")[0]).find((name) => name in LANGUAGES) ?? "en";
}

/// Loads the words, and turns the page round for languages that are written from the right.
export async function loadWords() {
  language = preferred();
  region = navigator.languages.find((name) => name.split("-")[0] === language) ?? language;
  sentences = await fetch(new URL(`words/${language}.json`, import.meta.url)).then((answer) => answer.json());
  plurals = new Intl.PluralRules(language);
  numbers = new Intl.NumberFormat(region);
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

export function choose(name) {
  localStorage.setItem(KEPT, name);
  location.reload();
}

/// A sentence, its places filled in; `n` chooses the form where a language has several.
export function t(key, values = {}) {
  const found = sentences[key] ?? key;
  const form = typeof found === "string" ? found : (found[plurals.select(values.n)] ?? found.other);
  return form.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/// Characters that turn the direction of the text around them (UAX #9): a file name may hold some,
/// a sentence may not.
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function shown(value) {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? value.replace(TURNS, "") : value;
}

export const number = (value) => numbers.format(value);

/// Puts words and icons into the elements that name them: `data-t` for the text, `data-label` for the name, `data-title` for
/// what is said beside a text.
export function fill(root) {
  for (const element of root.querySelectorAll("[data-icon]")) element.prepend(icon(element.dataset.icon));
  for (const element of root.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.matches("button, a")) element.title = t(element.dataset.label);
  }
  for (const element of root.querySelectorAll("[data-title]")) element.title = t(element.dataset.title);
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = t(element.dataset.hint);
}

/// A camera's date has no zone: it is shown as it was.
const inOwnZone = (taken) => new Date(`${taken}Z`);
/// Ways to write dates. To make one takes longer than to use it a thousand times.
const formats = new Map();
function written(taken, options) {
  const key = Object.values(options).join();
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(region, { ...options, timeZone: "UTC" }));
  return formats.get(key).format(inOwnZone(taken));
}
export const day = (taken) => written(taken, { dateStyle: "long" });
/// A day where its month is known: "Sat 14".
export const shortDay = (taken) => written(taken, { weekday: "short", day: "numeric" });
export const moment = (taken) => written(taken, { dateStyle: "full", timeStyle: "short" });
export const month = (taken) => written(taken, { month: "long", year: "numeric" });

/// 1,234,567 bytes as 1.2 MB.
export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(Math.max(Math.floor(Math.log10(bytes || 1) / 3), 0), units.length - 1);
  const options = { style: "unit", unit: units[step], maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(region, options).format(bytes / 1000 ** step);
}

export const distance = (km) =>
  new Intl.NumberFormat(region, { style: "unit", unit: "kilometer" }).format(km);

/// A span of seconds as one or two units.
export function span(seconds) {
  const unit = (value, name) =>
    new Intl.NumberFormat(region, { style: "unit", unit: name, unitDisplay: "short" }).format(Math.round(value));
  if (seconds < 90) return unit(seconds, "second");
  if (seconds < 5400) return unit(seconds / 60, "minute");
  return `${unit(Math.floor(seconds / 3600), "hour")} ${unit((seconds % 3600) / 60, "minute")}`;
}
