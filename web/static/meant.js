// What a search may have meant: a word that the library knows in place of one that it does not, or things in images.

import { suggest } from "./api.js";
import { $, h } from "./dom.js";
import { textsOf } from "./state.js";
import { language, t } from "./words.js";

/// Milliseconds that a search stands before anything is said of it: most are still being typed.
const UNHURRIED = 400;

/// `change(changes)` is told what was meant; `things(text)` offers to look for what a text names.
/** @type {(page: { change: Page.Change, things: (text: string) => unknown }) => { ask: (state: Page.State | null, how?: { known?: boolean }) => Promise<void> }} */
export function setUpMeant({ change, things }) {
  const place = h("span", { id: "meant" });
  $("stacked").after(" ", place);
  let asked = new AbortController();

  /// Asks about the words of a state, whose results are there, or takes back what was said. `known` is true if it is known
  /// already that they ask about things.
  /** @type {(state: Page.State | null, how?: { known?: boolean }) => Promise<void>} */
  async function ask(state, { known = false } = {}) {
    asked.abort();
    place.replaceChildren();
    const text = state ? textsOf(state).join(" ") : "";
    if (!state || !text) return;
    asked = new AbortController();
    const { signal } = asked;
    await new Promise((done) => setTimeout(done, UNHURRIED));
    if (signal.aborted) return;
    const answer = await suggest({ text, language }, signal).catch(() => null); // a search does without
    if (!answer || signal.aborted) return;
    if (answer.did_you_mean.length) offer(state, answer.did_you_mean);
    if (answer.question === "find" && !state.find && !known && !state.chips.length) things(state.text.trim());
  }

  /** @type {(state: Page.State, words: Api.Correction[]) => void} */
  function offer(state, words) {
    /** @type {(text: string) => string} */
    const mended = (text) => words.reduce(replaced, text);
    const next = { ...state, text: mended(state.text), chips: state.chips.map((chip) => (chip.kind === "text" ? { ...chip, value: mended(chip.value) } : chip)) };
    const shown = textsOf(next).join(" + ");
    const [before, after = ""] = t("didYouMean", { what: "\n" }).split("\n");
    place.replaceChildren("· ", before, h("button", { class: "link", type: "button", dir: "auto", on: { click: () => change({ text: next.text, chips: next.chips }) } }, shown), after);
  }

  return { ask };
}

/// A text with another word in place of one of its words.
/** @type {(text: string, correction: Api.Correction) => string} */
function replaced(text, { typed, word }) {
  const plain = typed.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(`(?<![\\p{L}\\p{N}])${plain}(?![\\p{L}\\p{N}])`, "giu"), () => word);
}
