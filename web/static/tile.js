// One image of the grid.

import { thumbnail } from "./api.js";
import { paint } from "./blur.js";
import { withDetails } from "./details.js";
import { fileName, h } from "./dom.js";
import { icon } from "./icons.js";
import { makeMarks, worthMarking } from "./marks.js";
import { moves, stillOf } from "./video.js";
import { clock, day, number, t } from "./words.js";

const SIZES = [160, 320, 640];

/// Builds a tile. Its image is loaded by `show`, once it has stayed in view for a moment.
/// `worded` tiles say how good a match they are, where no heading does.
/** @type {(item: Page.Item, how: Page.TileOptions & { index: number, count: number, href: string }) => Page.MadeTile} */
export function makeTile(item, { index, count, ranked, worded, href, things }) {
  const { tile, under } = item;
  const boxes = worthMarking(tile.boxes ?? []);
  const canvas = tile.blur && h("canvas", { class: "blur", "aria-hidden": "true" });
  const link = h("a", { class: "shot", href, tabIndex: -1, data: { index } }, canvas);
  const name = h("span", { class: "name", dir: "auto" });
  const score = ranked && h("span", { class: "score" }, t("matchFact", { word: t(`${tile.strength}Match`), share: number(Math.round(tile.score * 100)) }));
  const overlay = h("div", { class: "over", "aria-hidden": "true" }, name, score);
  const pick = h("button", { class: "pick", type: "button", role: "checkbox", tabIndex: -1, title: t("select"), data: { index } }, icon("check"));
  const heart = h("button", { class: "heart", type: "button", tabIndex: -1, data: { favourite: tile.id } }, icon("heart"));
  const element = h("div", { class: "tile", role: "listitem", "aria-setsize": count, "aria-posinset": index + 1 }, link, overlay, pick, heart);
  /** @type {(index: number) => void} */
  const renumber = (index) => {
    element.setAttribute("aria-posinset", String(index + 1));
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll("[data-index]"))) part.dataset.index = String(index);
  };
  if (canvas && tile.blur) paint(canvas, tile.blur);
  if (item.leader !== null) element.classList.add("spread");
  if (boxes.length) link.append(makeMarks(boxes, tile, { things, cropped: true }));
  if (under.length) element.append(stackButton(item, index));
  // A video shorter than a second has no length worth telling.
  const length = moves(tile) && clock(Math.max(tile.duration ?? 0, 1));
  if (length) element.append(h("span", { class: "length", dir: "ltr", "aria-hidden": "true" }, icon("play"), length));
  if (worded && tile.strength !== "weak") element.append(h("span", { class: `word ${tile.strength}`, "aria-hidden": "true" }, t(`${tile.strength}Match`)));

  /** @type {(record: Api.Image | null) => void} */
  const describe = (record) => {
    const file = record ? fileName(record.path) : "";
    const lasting = length && t("lasting", { what: t(tile.kind === "video" ? "video" : "animation"), time: length });
    const parts = [record?.caption || file, lasting, tile.taken && day(tile.taken), ranked && t(`${tile.strength}Match`), boxes.length > 0 && t("regionCount", { n: boxes.length })];
    const label = parts.filter(Boolean).join(", ") || t("image", { n: index + 1 });
    link.setAttribute("aria-label", label);
    pick.setAttribute("aria-label", t("selectWhat", { what: label }));
    name.textContent = record?.caption || file;
  };
  describe(null);
  withDetails(tile.id, describe);
  const showFavourite = () => {
    element.classList.toggle("favourite", Boolean(tile.favourite));
    heart.title = t(tile.favourite ? "unfavourite" : "favourite");
    heart.setAttribute("aria-label", heart.title);
  };
  showFavourite();
  /** @type {(selected: boolean) => void} */
  const select = (selected) => {
    element.classList.toggle("selected", selected);
    pick.setAttribute("aria-checked", String(selected));
  };
  return { element, link, item, width: 0, select, number: renumber, showFavourite, show: (width) => showImage(link, tile, width) };
}

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
