// Past runs that brought the library up to date: when, how they ended, and what they changed.

import { runs } from "./api.js";
import { breakable, h } from "./dom.js";
import { explain, told } from "./errors.js";
import { icon } from "./icons.js";
import { number, span, t, when } from "./words.js";

const LISTED = 20;
/** @type {Record<Api.Run["outcome"], Page.Sentence>} */
const OUTCOMES = { done: "job_done", stopped: "job_cancelled", failed: "job_failed" };

/** @typedef {{ details: HTMLDetailsElement, list: HTMLElement, again: (roots: string[]) => void }} Parts */

/// Fills the list when its `details` are opened. `again(roots)` starts a run once more.
/** @type {(parts: Parts) => { refresh: () => unknown }} */
export function setUpRuns({ details, list, again }) {
  details.addEventListener("toggle", () => details.open && load());

  async function load() {
    try {
      const answer = await runs({ limit: LISTED });
      list.replaceChildren(...(answer.runs.length ? answer.runs.map(row) : [h("li", { class: "soft" }, t("runsNone"))]));
    } catch (error) {
      list.replaceChildren(h("li", { class: "problem" }, explain(error)));
    }
  }

  /** @type {(run: Api.Run) => HTMLElement} */
  function row({ began, ended, by, roots, seen, added, removed, failed, outcome, message, reason_code }) {
    const counts = [
      `${t("files")}: ${number(seen)}`, added > 0 && t("count_indexed", { n: added }), removed > 0 && t("count_pruned", { n: removed }), failed > 0 && t("count_failed", { n: failed }),
      ended && t("took", { time: span(Math.max((Date.parse(ended) - Date.parse(began)) / 1000, 0)) }), by === "command line" && t("runByHand"), by === "watch" && t("runByWatch"),
    ].filter(Boolean).join(" · ");
    const startAgain = outcome !== "done" && h("button", { class: "button", type: "button", on: { click: () => again(roots) } }, icon("play"), t("startAgain"));
    return h("li", { class: `run ${outcome}` },
      h("div", { class: "what" }, h("strong", {}, t(OUTCOMES[outcome])), h("span", { class: "soft" }, when(began)),
        h("span", { class: "counts-of" }, counts), message && h("div", { class: "problem" }, told(message, reason_code)),
        roots.map((path) => h("span", { class: "soft path" }, h("bdi", {}, breakable(path))))),
      startAgain);
  }

  return { refresh: () => details.open && load() };
}
