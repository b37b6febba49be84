// In the library panel: tags of parts of images, how many images have them, and a job that makes them. Loaded when there is
// something to make them of.

import { dropPartTags, startJob } from "./api.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { announce, toast } from "./toast.js";
import { number, t } from "./words.js";

/// Shows how far tags of parts are. `started(job)` is called with a job that makes them, `dropped()` when they were removed.
/** @type {(numbers: Api.Stats, on: { started: (job: Api.Job) => void, dropped: () => void }) => void} */
export function showPartTags({ region_tags: kept }, { started, dropped }) {
  const problem = h("p", { class: "problem", role: "alert" });
  const acts = h("div", { class: "acts" });
  /** @type {(act: () => Promise<unknown>) => Promise<void>} */
  const attempt = async (act) => {
    problem.textContent = "";
    try {
      await act();
    } catch (error) {
      problem.textContent = explain(error);
    }
  };
  const begin = () => attempt(async () => started(await startJob({ kind: "tag_regions" })));
  const drop = () => attempt(async () => {
    await dropPartTags();
    toast(t("partTagsDropped"));
    dropped();
  });
  const remove = h("button", { class: "button", type: "button", on: { click: ask } }, icon("trash"), t("partTagsDrop"));

  function show() {
    const isDone = Boolean(kept && kept.waiting === 0);
    const start = h("button", { class: "button", type: "button", on: { click: begin } }, icon("tag"), t(kept ? "resume" : "partTagsStart"));
    acts.replaceChildren(...(isDone ? [] : [start]), ...(kept ? [remove] : []));
  }

  /// A question in the place of the buttons.
  function ask() {
    const question = t("partTagsDropAsk");
    const sure = h("button", { class: "button strong", type: "button", on: { click: drop } }, t("remove"));
    const keep = h("button", { class: "button", type: "button", on: { click: () => (show(), remove.focus()) } }, t("cancelAct"));
    acts.replaceChildren(h("div", { class: "root-question" }, h("p", { dir: "auto" }, question), sure, keep));
    announce(question);
    keep.focus();
  }

  const line = kept ? t("partTagsKept", { tagged: number(kept.tagged), all: number(kept.tagged + kept.waiting), labels: number(kept.labels) }) : t("partTagsAdvice");
  show();
  $("part-tags").replaceChildren(h("h3", {}, t("partTags")), h("p", { class: "soft" }, line), problem, acts);
  $("part-tags").hidden = false;
}
