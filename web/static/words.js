// The interface's own languages. Every sentence is in one place: `words/LANGUAGE.json`.

import { icon } from "./icons.js";

export const LANGUAGES = {
  en: "English", ar: "العربية", de: "Deutsch", es: "Español", fr: "Français", he: "עברית", it: "Italiano",
  ja: "日本語", ko: "한국어", pt: "Português (Brasil)", ru: "Русский", tr: "Türkçe", zh: "中文",
};
const RIGHT_TO_LEFT = ["ar", "he"];
/// Languages whose words are those of one country, though all of the language get them.
/** @type {Record<string, string>} */
const SPOKEN_IN = { pt: "pt-BR" };
/// The tag of a language that the page speaks.
/** @type {(name: string) => string} */
export const langOf = (name) => SPOKEN_IN[name] ?? name;
const KEPT = "glimpse.language";

/** @type {Record<string, string | { other: string, [form: string]: string }>} */
let sentences = {};
/// Known as soon as the language is: to make the first of them takes longer than all the words.
/** @type {Intl.PluralRules} */
let plurals;
/** @type {Intl.NumberFormat} */
let numbers;
export let language = "en";
/// The same with its region, for dates and numbers as they are written there.
let region = "en";

/// The language that was chosen, or the first of the browser's that there are words for.
/** @type {() => string} */
function preferred() {
  const wanted = [localStorage.getItem(KEPT) ?? "", ...navigator.languages];
  return wanted.map((name) => name.split("-")[0]).find((name) => name in LANGUAGES) ?? "en";
}

/** @type {Promise<void> | null} */
let loading = null;
/// Loads the words, once, and turns the page round for languages that are written from the right.
export const loadWords = () => (loading ??= load());

async function load() {
  language = preferred();
  region = navigator.languages.find((name) => name.split("-")[0] === language) ?? language;
  const asked = answerOf(`words/${language}.json`).then((answer) => answer.json());
  plurals = new Intl.PluralRules(language);
  numbers = new Intl.NumberFormat(region);
  month("2000-01-01T00:00:00"); // so that the first heading need not make its format
  sentences = await asked;
  document.documentElement.lang = langOf(language);
  document.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
}

/// A file beside this one, which may have been asked for before there were modules.
/** @type {(name: string) => Promise<Response>} */
const answerOf = async (name) => (await globalThis.early?.("GET", `static/${name}`)) ?? fetch(new URL(name, import.meta.url));

/** @type {(name: string) => void} */
export function choose(name) {
  localStorage.setItem(KEPT, name);
  location.reload();
}

/// True if there is a sentence of this name.
/** @returns {key is Page.Sentence} */
export const has = (/** @type {string} */ key) => Object.hasOwn(sentences, key);

/// A sentence, its places filled in; `n` chooses the form where a language has several.
/** @type {(key: Page.Sentence, values?: Page.Values) => string} */
export function t(key, values = {}) {
  const found = sentences[key] ?? key;
  const form = typeof found === "string" ? found : (found[plurals.select(Number(values.n))] ?? found.other);
  return form.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/// Characters that turn the direction of the text around them (UAX #9): a file name may hold some,
/// a sentence may not.
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** @type {(value: string | number | undefined) => string} */
function shown(value) {
  if (typeof value === "number") return number(value);
  return value?.replace(TURNS, "") ?? "";
}

/** @type {(value: number) => string} */
export const number = (value) => numbers.format(value);

/// Puts words and icons into the elements that name them, `root` and those in it: `data-t` for the text, `data-label` for the name, `data-title` for
/// what is said beside a text.
/** @type {(root: HTMLElement) => void} */
export function fill(root) {
  /** @type {(name: string, use: (element: HTMLElement, key: any) => void) => void} */
  const each = (name, use) => {
    if (root.matches(`[data-${name}]`)) use(root, root.dataset[name]);
    const found = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-${name}]`));
    for (const element of found) use(element, element.dataset[name]);
  };
  each("icon", (element, key) => element.prepend(icon(key)));
  each("t", (element, key) => (element.textContent = t(key)));
  each("label", (element, key) => {
    element.setAttribute("aria-label", t(key));
    if (element.matches("button, a")) element.title = t(key);
  });
  each("title", (element, key) => (element.title = t(key)));
  each("hint", (element, key) => element.setAttribute("placeholder", t(key)));
}

/// A camera's date has no zone: it is shown as it was.
/** @type {(taken: string) => Date} */
const inOwnZone = (taken) => new Date(`${taken}Z`);
/// Ways to write dates. To make one takes longer than to use it a thousand times.
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();
/** @type {(taken: string, options: Intl.DateTimeFormatOptions) => string} */
function written(taken, options) {
  const key = Object.values(options).join();
  const format = formats.get(key) ?? new Intl.DateTimeFormat(region, { ...options, timeZone: "UTC" });
  formats.set(key, format);
  return format.format(inOwnZone(taken));
}
/** @type {(taken: string) => string} */
export const day = (taken) => written(taken, { dateStyle: "long" });
/// A day where its month is known: "Sat 14".
/** @type {(taken: string) => string} */
export const shortDay = (taken) => written(taken, { weekday: "short", day: "numeric" });
/** @type {(taken: string) => string} */
export const moment = (taken) => written(taken, { dateStyle: "full", timeStyle: "short" });
/** @type {(taken: string) => string} */
export const month = (taken) => written(taken, { month: "long", year: "numeric" });

/// A moment of this machine's clock, from one with its zone.
/** @type {(moment: string) => string} */
export const when = (moment) => new Intl.DateTimeFormat(region, { dateStyle: "medium", timeStyle: "short" }).format(new Date(moment));

/// 1,234,567 bytes as 1.2 MB.
/** @type {(bytes: number) => string} */
export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = Math.min(Math.max(Math.floor(Math.log10(bytes || 1) / 3), 0), units.length - 1);
  /** @type {Intl.NumberFormatOptions} */
  const options = { style: "unit", unit: units[step], maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(region, options).format(bytes / 1000 ** step);
}

/// A focal length in millimetres.
/** @type {(mm: number) => string} */
export const focalLength = (mm) =>
  new Intl.NumberFormat(region, { style: "unit", unit: "millimeter", maximumFractionDigits: 1 }).format(mm);
/** @type {(stop: number) => string} */
export const aperture = (stop) => `ƒ/${new Intl.NumberFormat(region, { maximumFractionDigits: 1 }).format(stop)}`;
/** @type {(time: number) => string} */
export const seconds = (time) =>
  new Intl.NumberFormat(region, { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 1 }).format(time);
/** @type {(value: number, unit: "mile" | "foot" | "kilometer" | "meter") => string} */
export const length = (value, unit) => new Intl.NumberFormat(region, { style: "unit", unit, unitDisplay: "short" }).format(value);
/// Countries whose roads are measured in miles (CLDR, measurement systems "US" and "UK").
const IN_MILES = ["GB", "LR", "MM", "US"];
/** @type {() => boolean} */
export const usesMiles = () => IN_MILES.includes(new Intl.Locale(region).maximize().region ?? "");
/// Kilometres of a mile.
export const MILE_KM = 1.609344;
/// Kilometres of a distance in the reader's unit.
/** @type {(value: number) => number} */
export const inKm = (value) => (usesMiles() ? Number((value * MILE_KM).toFixed(3)) : value);
/// A distance in kilometres or miles, as the reader's country has them.
/** @type {(km: number) => string} */
export function distance(km) {
  const [value, unit] = usesMiles() ? [km / MILE_KM, "mile"] : [km, "kilometer"];
  return new Intl.NumberFormat(region, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/// A moment in a video, or its length: "1:05", "1:02:07".
/** @type {(seconds: number) => string} */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = new Intl.NumberFormat(region, { minimumIntegerDigits: 2 });
  return (parts[0] ? parts : parts.slice(1)).map((part, i) => (i ? two.format(part) : number(part))).join(":");
}

/// A span of seconds as one or two units.
/** @type {(seconds: number) => string} */
export function span(seconds) {
  /** @type {(value: number, name: string) => string} */
  const unit = (value, name) =>
    new Intl.NumberFormat(region, { style: "unit", unit: name, unitDisplay: "short" }).format(Math.round(value));
  if (seconds < 90) return unit(seconds, "second");
  if (seconds < 5400) return unit(seconds / 60, "minute");
  return `${unit(Math.floor(seconds / 3600), "hour")} ${unit((seconds % 3600) / 60, "minute")}`;
}
