// What went wrong, in the language of the page.

import { ApiError } from "./api.js";
import { h } from "./dom.js";
import { language, t } from "./words.js";

/// Errors of the page itself, whose message is in its language already.
const OWN = ["no_thing"];

/// Codes that have a sentence of their own elsewhere; all others have one that is named after them.
/** @type {Record<string, Page.Sentence>} */
const NAMED = { no_regions: "noRegions", offline: "offline" };
const UNSAID = ["method_not_allowed", "precondition_failed", "range_not_satisfiable"];

/// The sentence for an error's code. The server's own words, which say more and are English, take its place on an English page.
/** @type {(error: unknown) => string} */
export function explain(error) {
  const { code, message, hint } = error instanceof ApiError ? error : { code: "", message: "", hint: "" };
  const detail = [message, hint].filter(Boolean).join(" – ");
  if (detail && (language === "en" || OWN.includes(code))) return detail;
  return t(NAMED[code] ?? /** @type {Page.Sentence} */ (`error_${!code || UNSAID.includes(code) ? "internal" : code}`));
}

/// What the server says of a file or a run, which has no code and is English: on a page in another language there is `instead`,
/// if anything, and the server's words are there to be opened.
/** @type {(words: string, instead?: string) => (string | Node)[]} */
export function told(words, instead = "") {
  const own = h("bdi", { lang: "en" }, words);
  return language === "en" ? [own] : [instead, h("details", {}, h("summary", {}, t("technical")), own)];
}
