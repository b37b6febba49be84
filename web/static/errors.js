// What went wrong, in the language of the page.

import { language, t } from "./words.js";

/// Codes that have a sentence of their own elsewhere; all others have one that is named after them.
const NAMED = { no_regions: "noRegions", offline: "offline" };
const UNSAID = ["method_not_allowed", "precondition_failed", "range_not_satisfiable"];

/// The sentence for an error's code, and the server's own words, which are English, as its detail.
export function explain({ code, message, hint }) {
  const detail = [message, hint].filter(Boolean).join(" – ");
  if (detail && (language === "en" || code === "no_thing")) return detail; // in the page's language already
  const sentence = t(NAMED[code] ?? `error_${!code || UNSAID.includes(code) ? "internal" : code}`);
  return detail ? `${sentence} (${detail})` : sentence;
}
