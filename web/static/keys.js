// Keys of the page and of its grid. Those that select are in `picking.js`, and those of dialogs with their dialogs.

import { downloadOf } from "./api.js";
import { copy } from "./copy.js";
import { withDetails } from "./details.js";
import { $, closest, isTyping } from "./dom.js";
import { boxesShown, showBoxes } from "./marks.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// `on` says what to do: for the page `help`, `clear` and `boxes`, for one image `stack`, `similar`, `more` and `favourite`.
/** @type {(page: { grid: Page.Grid, on: Page.KeyActs }) => void} */
export function setUpKeys({ grid, on }) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && event.target === $("q")) return on.clear();
    const isLibrary = !$("main").dataset.page; // and no page beside it
    if (event.key === "ArrowDown" && event.target === $("q") && isLibrary) return event.preventDefault(), grid.focus(grid.current);
    if (isTyping(event.target)) return;
    if (event.key === "/") return event.preventDefault(), $("q").focus(), $("q").select();
    if (event.key === "?") return event.preventDefault(), on.help();
    if (closest(event, "#grid")) return gridKey(event);
    // From the results as a whole, or from nowhere, the arrows lead to the images.
    const isFree = isLibrary && (event.target === $("results") || event.target === document.body);
    if (isFree && event.key.startsWith("Arrow") && grid.items.length) event.preventDefault(), grid.focus(grid.current);
  });

  /** @type {(event: KeyboardEvent) => void} */
  function gridKey(event) {
    const index = grid.current;
    const item = grid.items[index];
    if (!item) return;
    const { id } = item.tile;
    const forward = document.documentElement.dir === "rtl" ? "previous" : "next";
    const back = forward === "next" ? "previous" : "next";
    /** @type {Record<string, "next" | "previous" | "below" | "above">} */
    const moves = { ArrowRight: forward, ArrowLeft: back, ArrowDown: "below", ArrowUp: "above" };
    /** @type {Record<string, () => unknown>} */
    const acts = {
      Home: () => grid.focus(0),
      End: () => grid.focus(grid.items.length - 1),
      Escape: () => $("q").focus(),
      u: () => item.under.length > 0 && on.stack(id, index),
      s: () => on.similar(id),
      m: () => on.more(id, 1),
      l: () => on.more(id, -1),
      f: () => on.favourite(id),
      c: () => withDetails(id, ({ path }) => copy(path)),
      d: () => location.assign(downloadOf({ id })),
      b: () => ($("grid").querySelector(".spot") ? (showBoxes(!boxesShown()), on.boxes()) : toast(t("nothingMarked", { regions: t("regions") }))),
    };
    const act = moves[event.key] ? () => grid.focus(grid.beside(index, moves[event.key])) : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
