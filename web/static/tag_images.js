// Tags of one's own for what is selected: given, and taken away again. Loaded when it is wanted.

import { changeTags, images, tags } from "./api.js";
import { forgetDetails } from "./details.js";
import { h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { toast } from "./toast.js";
import { number, t } from "./words.js";

/// Tags that are offered while one types.
const OFFERED = 500;
/// Images whose tags are listed.
const LISTED = 200;

/// Opens the dialog for images; `changed` is called when they have other tags.
/** @type {(ids: number[], changed: () => void) => Promise<void>} */
export async function openTags(ids, changed) {
  const field = h("input", { type: "text", dir: "auto", id: "tag-names", autocomplete: "off", maxLength: 200, required: true });
  field.setAttribute("list", "tag-known");
  const known = h("datalist", { id: "tag-known" });
  const problem = h("p", { class: "problem", role: "alert" });
  const own = h("ul", { class: "own-tags" });
  const owned = h("section", { hidden: true }, h("h3", {}, t("tagsOwn")), own);
  const form = h("form", { class: "tag-form" }, h("label", { htmlFor: "tag-names" }, t("tagNew")),
    h("div", { class: "line" }, field, h("button", { class: "button strong" }, t("tagAdd"))), known);
  const close = h("button", { class: "round", type: "button", title: t("close"), "aria-label": t("close") }, icon("close"));
  const title = h("h2", { id: "tag-title" }, `${t("tags")} · ${t("imageCount", { n: ids.length })}`);
  const dialog = h("dialog", { class: "sheet-dialog tag-images", "aria-labelledby": "tag-title" }, h("div", { class: "head" }, title, close), form, problem, owned);

  /// What goes wrong is said in the dialog.
  /** @type {(act: () => Promise<void>) => Promise<void>} */
  async function trying(act) {
    problem.textContent = "";
    try {
      await act();
    } catch (error) {
      problem.textContent = explain(error);
    }
  }

  /** @type {(changes: { add?: string[], remove?: string[] }) => Promise<void>} */
  async function apply(changes) {
    await changeTags(ids, changes);
    forgetDetails(ids);
    changed();
  }

  const list = () => trying(async () => {
    const { images: records } = await images(ids.slice(0, LISTED));
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const tag of records.flatMap(({ own_tags: tags = [] }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    owned.hidden = counts.size === 0;
    own.replaceChildren(...[...counts].map(([tag, count]) => row(tag, count)));
  });

  /** @type {(tag: string, count: number) => HTMLElement} */
  function row(tag, count) {
    const remove = h("button", { class: "round", type: "button", title: t("remove"), "aria-label": t("tagRemoveOf", { what: tag }) }, icon("close"));
    remove.addEventListener("click", () => trying(async () => {
      await apply({ remove: [tag] });
      toast(t("tagsTaken", { what: tag, n: count }));
      await list();
      field.focus();
    }));
    return h("li", {}, h("bdi", { class: "name" }, tag), h("span", { class: "count" }, number(count)), remove);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const add = [...new Set(field.value.split(/[,，、،]/).map((tag) => tag.trim()).filter(Boolean))];
    if (!add.length) return;
    trying(async () => {
      await apply({ add });
      dialog.close(); // what is said within it would close with it
      toast(t("tagsAdded", { what: add.join(", "), n: ids.length }));
    });
  });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    document.body.append(...dialog.querySelectorAll("#toasts, #announcer")); // which go into the topmost dialog
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  tags({ limit: OFFERED }).then((answer) => known.append(...answer.tags.map(({ tag }) => h("option", { value: tag }))), () => {}); // one types them all
  await list();
}
