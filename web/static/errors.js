// What went wrong, in the language of the page.

import { ApiError } from "./api.js";
import { h } from "./dom.js";
import { has, language, t } from "./words.js";

/// Errors of the page itself, whose message is in its language already.
const OWN = ["no_thing"];

/// Codes that have a sentence of their own elsewhere; all others have one that is named after them.
/** @type {Record<string, Page.Sentence>} */
const NAMED = { no_regions: "noRegions", offline: "offline" };
const UNSAID = ["method_not_allowed", "precondition_failed", "range_not_satisfiable"];

/// Reasons that say what an error of that name says.
/** @type {Record<string, Page.Sentence>} */
const SAID = { not_found: "error_not_found", too_large: "error_too_large", unreachable: "error_unreachable", fault: "error_internal" };

/// The sentence for why something came to nothing, with what it is about; `null` for a reason of a newer server.
/** @type {(code: string | null | undefined, about?: Page.Values) => string | null} */
function because(code, about) {
  const name = code ? (SAID[code] ?? `reason_${code}`) : "";
  return has(name) ? t(name, about) : null;
}

/// The sentence for an error's code. The server's own words, which say more and are English, take its place on an English page.
/** @type {(error: unknown) => string} */
export function explain(error) {
  const { code, message, hint, reason, about } = error instanceof ApiError ? error : { code: "", message: "", hint: "", reason: null, about: {} };
  const detail = [message, hint].filter(Boolean).join(" – ").replace(/`([^`]+)`/g, "“$1”");
  if (detail && (language === "en" || OWN.includes(code))) return detail;
  const said = reason !== code && because(reason, about);
  if (said) return said;
  return t(NAMED[code] ?? /** @type {Page.Sentence} */ (`error_${!code || UNSAID.includes(code) ? "internal" : code}`));
}

/// The same for a short message: the server's words on an English page, else the sentence for their code.
/** @type {(words: string, code: string | null | undefined) => string} */
export const sentenceOf = (words, code) => (language === "en" ? words : because(code) ?? "");

/// What the server says of a file or a run. Its words are English: on a page in another language there is the sentence for their
/// code, and they are there to be opened.
/** @type {(words: string, code: string | null | undefined) => (string | Node)[]} */
export function told(words, code) {
  const own = h("bdi", { lang: "en" }, words);
  return language === "en" ? [own] : [because(code) ?? t("failed"), h("details", {}, h("summary", {}, t("technical")), own)];
}
