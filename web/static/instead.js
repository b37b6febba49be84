// What else could be searched for where nothing sure was found: words that this library answers.

import { $, h } from "./dom.js";
import { examplesOf } from "./suggest.js";
import { t } from "./words.js";

/// Words that are offered.
const MOST = 8;
/// Letters of a text that are said again.
const SAID = 60;

/// `take(word)` is told which one was chosen. What is given offers words in place of a text, or with none takes them back.
/** @type {(take: (word: string) => void) => (text: string) => Promise<void>} */
export function setUpInstead(take) {
  const place = $("instead");
  let asked = 0;
  return async (text) => {
    const mine = (asked += 1);
    place.hidden = true;
    if (!text) return;
    const words = (await examplesOf()).filter((word) => word !== text.toLocaleLowerCase()).slice(0, MOST);
    if (mine !== asked || !words.length) return;
    const offers = words.map((word) => h("button", { class: "pill", type: "button", dir: "auto", on: { click: () => take(word) } }, word));
    place.replaceChildren(h("span", {}, t("nothingSureFor", { what: shortened(text) })), ...offers);
    place.hidden = false;
  };
}

/** @type {(text: string) => string} */
function shortened(text) {
  const letters = [...text];
  return letters.length > SAID ? `${letters.slice(0, SAID).join("")}…` : text;
}
