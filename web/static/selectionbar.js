// The bar that appears while images are selected: how many, and what can be done with them.

import { exportText, postForm } from "./api.js";
import { copy } from "./copy.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { saveText } from "./save.js";
import { toSidecars } from "./sidecars.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// A question about more images than these is refused by nobody, but it says nothing any more.
const MOST_EXAMPLES = 16;

/** @typedef {(ids: number[]) => void | Promise<void>} Act */

/// `on.all()` selects everything that was found; the others are told what to do with `ids`. `on.album()` says which album
/// is shown, if one is: its images can be taken out, and one be its cover.
/** @type {(page: { selection: Page.Selection, on: Page.SelectionActs }) => { render: () => void }} */
export function setUpSelectionBar({ selection, on }) {
  const bar = $("selection");
  const count = h("strong", { class: "selected-count", role: "status" });
  /** @type {Act} */
  const likeThese = (ids) => (ids.length > MOST_EXAMPLES ? toast(t("similarMost", { n: MOST_EXAMPLES })) : on.similar(ids));
  /** @type {[icon: Page.Icon, word: string, label: string, act: Act, fits?: () => unknown][]} */
  const acts = [
    ["heart", t("favourites"), t("favourite"), on.favourite],
    ["album", t("albumAdd"), t("albumAdd"), on.addToAlbum],
    ["minus", t("albumRemove"), t("albumRemove"), on.removeFromAlbum, () => on.album()],
    ["library", t("albumCover"), t("albumCover"), ([id]) => on.cover(id), () => on.album() && selection.size === 1],
    ["up", t("albumFirst"), t("albumFirst"), on.moveFirst, () => on.ordered()],
    ["left", t("albumEarlier"), t("albumEarlier"), (ids) => on.moveBy(ids, -1), () => on.ordered()],
    ["right", t("albumLater"), t("albumLater"), (ids) => on.moveBy(ids, 1), () => on.ordered()],
    ["download", t("download"), t("downloadZip"), download],
    ["copy", t("copyPaths"), t("copyPaths"), copyPaths],
    ["table", "CSV", t("exportCsv"), (ids) => save(ids, "csv")],
    ["paths", "JSON", t("exportJson"), (ids) => save(ids, "json")],
    ["sidecar", t("sidecarsShort"), t("sidecars"), toSidecars, () => on.allows().sidecars],
    ["similar", t("similarToThese"), t("similarToThese"), likeThese],
  ];
  const buttons = acts.map(([name, word, label, act, fits = () => true]) => ({ fits, element: button(name, word, label, () => act(selection.ids)) }));
  const clear = h("button", { class: "round", type: "button", title: t("selectNone"), "aria-label": t("selectNone"), on: { click: () => selection.clear() } }, icon("close"));
  const every = h("button", { class: "link", type: "button", on: { click: on.all } }, t("selectAll"));
  bar.append(h("div", { class: "selected" }, clear, count, every), h("div", { class: "acts" }, buttons.map(({ element }) => element)));

  return {
    render() {
      bar.hidden = selection.size === 0;
      for (const { element, fits } of buttons) element.hidden = !fits();
      count.textContent = t("selected", { n: selection.size });
    },
  };
}

/// A button that does one thing at a time, and says what went wrong.
/** @type {(name: Page.Icon, word: string, label: string, act: () => unknown) => HTMLButtonElement} */
function button(name, word, label, act) {
  const element = h("button", { class: name === "left" || name === "right" ? "act turns" : "act", type: "button", title: label, "aria-label": label }, icon(name), h("span", {}, word));
  element.addEventListener("click", async () => {
    if (element.getAttribute("aria-busy") === "true") return;
    element.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      toast(explain(error));
    } finally {
      element.setAttribute("aria-busy", "false");
    }
  });
  return element;
}

/// The browser takes the archive as a download of its own, so that the page holds none of it.
/** @type {Act} */
async function download(ids) {
  await postForm("archive", { images: ids.join(",") });
  toast(t("zipStarted", { n: ids.length }));
}

/** @type {Act} */
async function copyPaths(ids) {
  announce(t("loading"));
  const paths = await exportText(ids, "paths");
  await copy(paths.trimEnd(), t("pathsCopied", { n: ids.length }));
}

/** @type {(ids: number[], format: "csv" | "json") => Promise<void>} */
async function save(ids, format) {
  announce(t("loading"));
  const text = await exportText(ids, format);
  saveText(text, `glimpse.${format === "json" ? "jsonl" : format}`, format === "csv" ? "text/csv" : "application/jsonl");
  toast(t("exported", { n: ids.length }));
}
