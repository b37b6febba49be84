// In the library panel: tags of parts of images, how many images have them, and a job that makes them. Loaded when there is
// something to make them of.

import { startJob } from "./api.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { number, t } from "./words.js";

/// Shows how far tags of parts are. `started(job)` is called with a job that makes them.
/** @type {(numbers: Api.Stats, started: (job: Api.Job) => void) => void} */
export function showPartTags({ region_tags: kept }, started) {
  const problem = h("p", { class: "problem", role: "alert" });
  const begin = async () => {
    problem.textContent = "";
    try {
      started(await startJob({ kind: "tag_regions" }));
    } catch (error) {
      problem.textContent = explain(error);
    }
  };
  const isDone = Boolean(kept && kept.waiting === 0);
  const button = h("button", { class: "button", type: "button", on: { click: begin } }, icon("tag"), t(kept ? "resume" : "partTagsStart"));
  const line = kept ? t("partTagsKept", { tagged: number(kept.tagged), all: number(kept.tagged + kept.waiting), labels: number(kept.labels) }) : t("partTagsAdvice");
  const acts = h("div", { class: "acts" }, button);
  acts.hidden = isDone;
  $("part-tags").replaceChildren(h("h3", {}, t("partTags")), h("p", { class: "soft" }, line), problem, acts);
  $("part-tags").hidden = false;
}
