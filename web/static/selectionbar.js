// The bar that appears while images are selected: how many, and what can be done with them.

import { exportText, postForm } from "./api.js";
import { cocoOf } from "./coco.js";
import { copy } from "./copy.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { setUpPopup } from "./popup.js";
import { saveText } from "./save.js";
import { rate, toSidecars } from "./sidecars.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// Most stars of a rating.
const STARS = 5;

/** @typedef {(ids: number[]) => void | Promise<void>} Act */
/** @typedef {import("./popup.js").Choice} Choice */

/// `on.all()` selects everything that was found; the others are told what to do with `ids`. `on.album()` says which album
/// is shown, if one is: its images can be taken out, and one be its cover.
/** @type {(page: { selection: Page.Selection, on: Page.SelectionActs }) => { render: () => void }} */
export function setUpSelectionBar({ selection, on }) {
  const bar = $("selection");
  /** @type {HTMLElement[]} */
  const menus = [];
  /** @type {(name: Page.Icon, word: string, label: string, choices: Choice[]) => HTMLButtonElement} */
  const menuButton = (name, word, label, choices) => {
    const element = bare(name, word, label);
    const id = `selection-${name}`;
    const menu = h("div", { id, class: "popup", role: "menu", popover: "auto", "aria-label": label });
    Object.entries({ "aria-haspopup": "menu", "aria-expanded": "false", "aria-controls": id }).forEach(([key, value]) => element.setAttribute(key, value));
    setUpPopup(element, menu, choices);
    menus.push(menu);
    return element;
  };
  const count = h("strong", { class: "selected-count", role: "status" });
  /// What a choice of a menu does with all that is selected.
  /** @type {(act: Act) => () => Promise<void>} */
  const of = (act) => () => trying(bar, () => act(selection.ids));
  /** @type {[icon: Page.Icon, word: string, label: string, act: Act | Choice[], fits?: () => unknown][]} */
  const acts = [
    ["heart", t("favourites"), t("favourite"), on.favourite],
    ["album", t("albumAdd"), t("albumAdd"), on.addToAlbum, () => !on.album()],
    ["album", t("album"), t("album"), [
      { label: "albumAdd", icon: "album", act: of(on.addToAlbum) },
      { label: "albumRemove", icon: "minus", act: of(on.removeFromAlbum) },
      { label: "albumCover", icon: "library", act: of(([id]) => on.cover(id)), fits: () => selection.size === 1 },
      { label: "albumFirst", icon: "up", act: of(on.moveFirst), fits: () => on.ordered() },
    ], () => on.album()],
    ["left", t("albumEarlier"), t("albumEarlier"), (ids) => on.moveBy(ids, -1), () => on.ordered()],
    ["right", t("albumLater"), t("albumLater"), (ids) => on.moveBy(ids, 1), () => on.ordered()],
    ["download", t("download"), t("downloadZip"), download],
    ["copy", t("copyPaths"), t("copyPaths"), copyPaths],
    ["table", t("exportMenu"), t("exportMenu"), [
      { id: "csv", label: "exportCsv", icon: "table", act: of((ids) => save(ids, "csv")) },
      { id: "json", label: "exportJson", icon: "paths", act: of((ids) => save(ids, "json")) },
      { id: "boxes-coco", label: "exportBoxes", icon: "region", act: of((ids) => saveBoxes(ids, on.boxed())), fits: () => on.boxed() },
      { id: "favourites-xmp", label: "sidecars", icon: "sidecar", act: of(toSidecars), fits: () => on.allows().sidecars },
    ]],
    ["star", t("rating"), t("rateThese"), [...Array(STARS).keys(), STARS].toReversed().map((stars) => ({
      id: `stars-${stars}`, label: "rateNone", icon: "star", word: stars ? t("ratingOf", { n: stars, of: STARS }) : t("rateNone"), act: of((ids) => rate(ids, stars)),
    })), () => on.allows().rate],
    ["tag", t("tags"), t("tagThese"), on.tag, () => on.allows().tag],
    ["check", t("feedback"), t("feedbackThese"), [
      { label: "feedbackRight", icon: "check", act: of((ids) => on.matches(ids, true)) },
      { label: "feedbackWrong", icon: "close", act: of((ids) => on.matches(ids, false)) },
    ], () => on.allows().feedback && on.asked()],
    ["hidden", t("hide"), t("hideThese"), (ids) => on.hide(ids, true), () => on.allows().hide && !on.hidden()],
    ["shown", t("unhide"), t("unhide"), (ids) => on.hide(ids, false), () => on.allows().hide && on.hidden()],
    ["similar", t("similarToThese"), t("similarToThese"), on.similar],
  ];
  const buttons = acts.map(([name, word, label, act, fits = () => true]) => ({
    fits, element: Array.isArray(act) ? menuButton(name, word, label, act) : button(name, word, label, () => act(selection.ids)),
  }));
  const clear = h("button", { class: "round", type: "button", title: t("selectNone"), "aria-label": t("selectNone"), on: { click: () => selection.clear() } }, icon("close"));
  const every = h("button", { class: "link", type: "button", on: { click: on.all } }, t("selectAll"));
  bar.append(h("div", { class: "selected" }, clear, count, every), h("div", { class: "acts" }, buttons.map(({ element }) => element)));
  bar.append(...menus);

  return {
    render() {
      bar.hidden = selection.size === 0;
      for (const { element, fits } of buttons) element.hidden = !fits();
      count.textContent = t("selected", { n: selection.size });
    },
  };
}

/** @type {(name: Page.Icon, word: string, label: string, act: () => unknown) => HTMLButtonElement} */
function button(name, word, label, act) {
  const element = bare(name, word, label);
  element.addEventListener("click", () => trying(element, act));
  return element;
}

/// Its name has the word that is seen, by which people who speak to their machine call it.
/** @type {(name: Page.Icon, word: string, label: string) => HTMLButtonElement} */
function bare(name, word, label) {
  /** @type {(text: string) => string} */
  const words = (text) => ` ${text.replace(/\p{P}/gu, " ").toLocaleLowerCase()} `;
  const called = words(label).includes(words(word)) ? label : `${word}: ${label}`;
  return h("button", { class: name === "left" || name === "right" ? "act turns" : "act", type: "button", title: label, "aria-label": called }, icon(name), h("span", {}, word));
}

/// Does one thing at a time, and says what went wrong.
/** @type {(element: HTMLElement, act: () => unknown) => Promise<void>} */
async function trying(element, act) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    toast(explain(error));
  } finally {
    element.setAttribute("aria-busy", "false");
  }
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

/// The boxes of what was found, with the names of what they show.
/** @type {(ids: number[], boxed: Page.Boxed | null) => Promise<void>} */
async function saveBoxes(ids, boxed) {
  if (!boxed) return;
  announce(t("loading"));
  const lines = (await exportText(ids, "json")).split("\n").filter(Boolean);
  /** @type {Map<number, Page.Tile>} */
  const tiles = new Map(boxed.tiles.map((tile) => [tile.id, tile]));
  const found = lines.flatMap((line) => {
    const { id, path } = /** @type {Api.Image} */ (JSON.parse(line));
    const tile = tiles.get(id);
    return tile ? [{ path, tile }] : [];
  });
  saveText(JSON.stringify(cocoOf(found, boxed.things)), "glimpse.coco.json", "application/json");
  toast(t("exportedBoxes", { n: found.reduce((sum, { tile }) => sum + (tile.boxes?.length ?? 0), 0) }));
}
