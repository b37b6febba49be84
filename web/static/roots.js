// The folders of the library, and taking one out of it.

import { removeRoot } from "./api.js";
import { breakable, fileName, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { announce, toast } from "./toast.js";
import { number, t } from "./words.js";

/** @typedef {{ path: string, images: number | null, present: boolean }} Root a folder; while it is read, without a count */

/// A folder of the library. `gone()` is called after it was taken out, if that `mayGo`.
/** @type {(root: Root, how: { mayGo: boolean, gone: () => void }) => HTMLElement} */
export function rootRow(root, { mayGo, gone }) {
  const { path, images, present } = root;
  const name = fileName(path) || path;
  const item = h("li", {});
  const remove = h("button", { class: "round", type: "button", title: t("rootRemove"), "aria-label": t("rootRemoveOf", { name }), on: { click: ask } }, icon("trash"));

  function show() {
    item.replaceChildren(icon(present ? "folder" : "warn"),
      h("span", { class: "name", title: path }, h("strong", {}, h("bdi", {}, name)), h("span", { class: "soft path" }, h("bdi", {}, present ? breakable(path) : t("notReachable", { path })))),
      h("span", { class: "count" }, images === null ? "…" : number(images)), ...(mayGo && images !== null ? [remove] : []));
  }

  /// A question in the place of the folder.
  function ask() {
    const question = t("rootRemoveAsk", { name });
    const problem = h("p", { class: "problem", role: "alert" });
    const sure = h("button", { class: "button strong", type: "button" }, t("remove"));
    const keep = h("button", { class: "button", type: "button", on: { click: () => (show(), remove.focus()) } }, t("cancelAct"));
    sure.addEventListener("click", async () => {
      sure.disabled = true;
      try {
        await removeRoot(path);
        toast(t("rootRemoved", { name }));
        gone();
      } catch (error) {
        problem.textContent = explain(error);
        sure.disabled = false;
      }
    });
    item.replaceChildren(h("div", { class: "root-question" }, h("p", { dir: "auto" }, question), sure, keep, problem));
    announce(question);
    keep.focus();
  }

  show();
  return item;
}
