// One image of the grid.

import { thumbnail } from "./api.js";
import { meanOf, paint } from "./blur.js";
import { withDetails } from "./details.js";
import { fileName, h } from "./dom.js";
import { icon } from "./icons.js";
import { makeMarks, worthMarking } from "./marks.js";
import { moves, stillOf } from "./video.js";
import { clock, day, number, t } from "./words.js";

const SIZES = [160, 320, 640];

/// Builds a tile, which is a coloured place with a link to begin with: those that only fly past need no more. `furnish` adds all
/// that can be seen and done, and `show` loads the image, once the tile has stayed in view for a moment.
/// `worded` tiles say how good a match they are, where no heading does.
/** @type {(item: Page.Item, how: Page.TileOptions & { index: number, count: number, href: string }) => Page.MadeTile} */
export function makeTile(item, { index, count, ranked, worded, href, things }) {
  const { tile, under } = item;
  const link = h("a", { class: "shot", href, tabIndex: -1, data: { index } });
  const element = h("div", { class: "tile", role: "listitem", "aria-setsize": count, "aria-posinset": index + 1 }, link);
  if (tile.blur) element.style.setProperty("--mean", meanOf(tile.blur));
  if (item.leader !== null) element.classList.add("spread");
  /// What can be pressed, once it is there.
  /** @type {{ pick: HTMLElement, heart: HTMLElement } | null} */
  let marks = null;
  let [selected, at] = [false, index];

  /** @type {(index: number) => void} */
  const renumber = (index) => {
    at = index;
    element.setAttribute("aria-posinset", String(index + 1));
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-index]"))) part.dataset.index = String(index);
  };
  const showFavourite = () => {
    element.classList.toggle("favourite", Boolean(tile.favourite));
    if (!marks) return;
    marks.heart.title = t(tile.favourite ? "unfavourite" : "favourite");
    marks.heart.setAttribute("aria-label", marks.heart.title);
  };
  /// What the link is called, whether the image is selected or not.
  let called = t("image", { n: index + 1 });
  const call = () => link.setAttribute("aria-label", selected ? `${called}, ${t("isSelected")}` : called);
  /** @type {(is: boolean) => void} */
  const select = (is) => {
    selected = is;
    element.classList.toggle("selected", is);
    marks?.pick.setAttribute("aria-checked", String(is));
    call();
  };

  function furnish() {
    if (marks) return;
    const boxes = worthMarking(tile.boxes ?? []);
    const name = h("span", { class: "name", dir: "auto" });
    const score = ranked && h("span", { class: "score" }, t("matchFact", { word: t(`${tile.strength}Match`), share: number(Math.round(tile.score * 100)) }));
    const overlay = h("div", { class: "over", "aria-hidden": "true" }, name, score);
    const pick = h("button", { class: "pick", type: "button", role: "checkbox", tabIndex: -1, title: t("select"), data: { index: at } }, icon("check"));
    const heart = h("button", { class: "heart", type: "button", tabIndex: -1, data: { favourite: tile.id } }, icon("heart"));
    marks = { pick, heart };
    if (tile.blur) {
      const canvas = h("canvas", { class: "blur", "aria-hidden": "true" });
      paint(canvas, tile.blur);
      link.prepend(canvas);
    }
    if (boxes.length) link.append(makeMarks(boxes, tile, { things, cropped: true }));
    element.append(overlay, pick, heart);
    if (under.length) element.append(stackButton(item, at));
    // A video shorter than a second has no length worth telling.
    const length = moves(tile) && clock(Math.max(tile.duration ?? 0, 1));
    if (length) element.append(h("span", { class: "length", dir: "ltr", "aria-hidden": "true" }, icon("play"), length));
    if (worded && tile.strength !== "weak") element.append(h("span", { class: `word ${tile.strength}`, "aria-hidden": "true" }, t(`${tile.strength}Match`)));
    /** @type {(record: Api.Image | null) => void} */
    const describe = (record) => {
      const file = record ? fileName(record.path) : "";
      const lasting = length && t("lasting", { what: t(tile.kind === "video" ? "video" : "animation"), time: length });
      const parts = [record?.caption || file, lasting, tile.taken && day(tile.taken), ranked && t(`${tile.strength}Match`), boxes.length > 0 && t("regionCount", { n: boxes.length })];
      const label = parts.filter(Boolean).join(", ") || t("image", { n: at + 1 });
      called = label;
      call();
      pick.setAttribute("aria-label", t("selectWhat", { what: label }));
      name.textContent = record?.caption || file;
    };
    describe(null);
    withDetails(tile.id, describe);
    showFavourite();
    select(selected);
  }

  showFavourite();
  return { element, link, item, box: NOWHERE, furnish, select, number: renumber, showFavourite, show: (width) => showImage(link, tile, width) };
}

/// The place of a tile that has none yet.
/** @type {Page.Rect} */
const NOWHERE = [NaN, NaN, NaN, NaN];

/** @type {(item: Page.Item, index: number) => HTMLButtonElement} */
function stackButton({ tile, under }, index) {
  const label = t("alike", { n: under.length + 1 });
  const properties = { class: "stack", type: "button", tabIndex: -1, title: label, "aria-label": label, data: { stack: tile.id, index } };
  return h("button", properties, icon("stack"), number(under.length + 1));
}

/** @type {(link: HTMLElement, tile: Page.Tile, width: number) => void} */
function showImage(link, tile, width) {
  if (link.querySelector("img")) return;
  const wanted = width * Math.min(devicePixelRatio, 2);
  const size = SIZES.find((size) => size >= wanted * 0.9) ?? SIZES[SIZES.length - 1];
  const img = h("img", { alt: "", decoding: "async", draggable: false });
  img.addEventListener("load", () => link.classList.add("ready"), { once: true });
  // A busy server refuses; a moment later it may not.
  let tries = 2;
  img.addEventListener("error", () => {
    if (--tries === 0) link.classList.add("broken");
    else setTimeout(() => (img.src = thumbnail(stillOf(tile), size)), 1500);
  });
  img.src = thumbnail(stillOf(tile), size);
  link.insertBefore(img, link.querySelector(".marks"));
}

/// Screen readers read a list in the order of the document, whatever order its items came into view in.
/** @type {(list: HTMLElement, element: HTMLElement, index: number) => void} */
export function insertInOrder(list, element, index) {
  /** @type {(element: Element) => number} */
  const indexOf = ({ firstElementChild: link }) => (link instanceof HTMLElement ? Number(link.dataset.index) : -1);
  let next = null;
  for (let other = list.lastElementChild; other && indexOf(other) > index; other = other.previousElementSibling) next = other;
  list.insertBefore(element, next);
}
