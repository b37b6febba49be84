// Whether what the model says of an image is worth reading.

import { language } from "./words.js";

/// Words of the model are shown if it is this sure of each, as a geometric mean. Of drawings of the bundled library, six
/// descriptions of seven that it is surer of than 0.35 stay; of photographs, which the bundled model does not understand, few.
const SURE = 0.45;

/// True for a description to show: `probability` is that of all its words together.
/** @type {(said: { text: string, probability: number }) => boolean} */
export const isWorthSaying = ({ text, probability }) => {
  const words = wordsOf(text);
  return words.length > 0 && !repeats(text, words) && probability ** (1 / words.length) >= SURE;
};

/** @type {(text: string) => string[]} */
const wordsOf = (text) =>
  [...new Intl.Segmenter(language, { granularity: "word" }).segment(text.toLocaleLowerCase())].filter(({ isWordLike }) => isWordLike).map(({ segment }) => segment);

/// A model that does not know what it sees says the same again: a word twice in a row, or a part of a list once more.
/// What comes again is likely, so that it would count as sure.
/** @type {(text: string, words: string[]) => boolean} */
function repeats(text, words) {
  const parts = partsOf(text.toLocaleLowerCase());
  return new Set(parts).size < parts.length || words.some((word, i) => word === words[i + 1]);
}

/// Parts of a list, as the language of the page or English writes one.
/** @type {(text: string) => string[]} */
function partsOf(text) {
  const signs = [language, "en"].flatMap((name) => [2, 3].flatMap((count) =>
    new Intl.ListFormat(name).formatToParts(Array(count).fill("x")).filter(({ type }) => type === "literal").map(({ value }) => value)));
  // The longest first: ", and " before ", ".
  const longest = [...new Set(signs)].sort((one, other) => other.length - one.length);
  return longest.reduce((parts, sign) => parts.flatMap((part) => part.split(sign)), [text]).map((part) => part.trim()).filter(Boolean);
}
