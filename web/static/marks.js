// Boxes over an image, in shares of it so that they fit every size: a colour and a number for each thing.

import { h } from "./dom.js";
import { WIDEST, NARROWEST } from "./layout.js";
import { number, t } from "./words.js";

const KEPT = "glimpse.boxes";

/** @type {() => boolean} */
export const boxesShown = () => localStorage.getItem(KEPT) !== "0";

/// Shows or hides the boxes of all images.
/** @type {(shown: boolean) => void} */
export function showBoxes(shown) {
  localStorage.setItem(KEPT, shown ? "1" : "0");
  document.documentElement.classList.toggle("no-boxes", !shown);
}

/// The score from which something counts as found.
const CUT = 0.5;

/** @type {(box: Api.Box, at: number, all: Api.Box[]) => boolean} */
const isBest = ({ thing }, at, all) => all.findIndex((other) => other.thing === thing) === at;

/// The best box of each thing, whatever its score: boxes come by thing, best first.
/** @type {(boxes: Api.Box[]) => Api.Box[]} */
export const bestOf = (boxes) => boxes.filter(isBest);

/// What is worth a mark: what was found, and of what was not, the likeliest place.
/** @type {(boxes: Api.Box[]) => Api.Box[]} */
export const worthMarking = (boxes) => boxes.filter((box, at) => box.score >= CUT || isBest(box, at, boxes));

/// Marks for boxes of an image. `things` are the names of what is marked, of which a single one needs no number; `cropped`
/// for a tile, which shows only the middle of a very wide or very high image.
/**
 * @type {(boxes: Api.Box[], image: Page.Sides, how?: { things?: string[], cropped?: boolean, labels?: boolean }) => HTMLElement}
 */
export function makeMarks(boxes, { width, height }, { things = [], cropped = false, labels = false } = {}) {
  const [seenWide, seenHigh] = cropped ? seen(width / height) : [1, 1];
  /** @type {(share: number) => string} */
  const across = (share) => `${((share - (1 - seenWide) / 2) / seenWide) * 100}%`;
  /** @type {(share: number) => string} */
  const down = (share) => `${((share - (1 - seenHigh) / 2) / seenHigh) * 100}%`;
  const marks = boxes.map((box, index) => {
    const mark = h("span", { class: `spot thing-${box.thing % 8}${box.y / height < 0.06 ? " high" : ""}${isBest(box, index, boxes) ? "" : " lesser"}`, data: { box: index } });
    mark.style.left = across(box.x / width);
    mark.style.top = down(box.y / height);
    mark.style.width = `${(box.width / width / seenWide) * 100}%`;
    mark.style.height = `${(box.height / height / seenHigh) * 100}%`;
    if (labels && things[box.thing]) mark.append(h("span", { class: "label", dir: "auto" }, `${things[box.thing]} ${percent(box.score)}`));
    else if (things.length > 1) mark.append(h("span", { class: "label", data: { n: number(box.thing + 1) } }));
    return mark;
  });
  return h("span", { class: "marks", "aria-hidden": "true" }, marks);
}

/// The shares of width and height that a tile shows.
/** @type {(ratio: number) => [width: number, height: number]} */
function seen(ratio) {
  if (ratio > WIDEST) return [WIDEST / ratio, 1];
  return ratio < NARROWEST ? [1, ratio / NARROWEST] : [1, 1];
}

/** @type {(score: number) => string} */
export const percent = (score) => t("percent", { share: number(Math.round(score * 100)) });

/// Where in an image a box is, in words.
/** @type {(box: Page.Spot, image: Page.Sides) => string} */
export function placeInWords({ x, y, width, height }, image) {
  /** @type {(at: number, whole: number) => number} */
  const third = (at, whole) => Math.min(Math.floor((at / whole) * 3), 2);
  return t(/** @type {Page.Sentence} */ (`place_${third(y + height / 2, image.height) * 3 + third(x + width / 2, image.width)}`));
}

/// The box around several.
/** @type {(boxes: Page.Spot[]) => Page.Spot} */
export function around(boxes) {
  const [x, y] = [Math.min(...boxes.map(({ x }) => x)), Math.min(...boxes.map(({ y }) => y))];
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  return { x, y, width: right - x, height: bottom - y };
}
