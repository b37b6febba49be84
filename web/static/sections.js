// Where sections and their images lie in the grid, from the top. A section has `items`, or as long as they are not loaded,
// only their `count`; its height is then estimated. `days` of a section are the items that begin a day.

import { justify, rowAt, withDays } from "./layout.js";

/// Width to height of images that are not known yet.
const USUAL = 1.4;
/// Most days of a section.
const DAYS = 31;

/// Gives each section its place: `y`, `height`, `from` (index of its first image) and `layout`. What was laid out for the
/// same width is kept. Gives the height of all.
/** @type {(sections: Page.Placed[], measures: Page.Measures) => number} */
export function layOut(sections, measures) {
  const { width, target, gap, heading, lead, between } = measures;
  const sizes = [width, target, gap, lead].join();
  let [y, from] = [0, 0];
  for (const section of sections) {
    const { items, days, count, layout } = section;
    if (layout?.items !== items || layout.sizes !== sizes) {
      section.layout = { ...(items ? placed(items, days, measures) : estimated(count, days, measures)), items, sizes };
    }
    section.height = heading + section.layout.height;
    Object.assign(section, { y, from });
    y += section.height + between;
    from += items?.length ?? count;
  }
  return Math.max(0, y - between);
}

/** @type {(items: Page.Item[], days: number[] | null | undefined, measures: Page.Measures) => Page.Layout} */
function placed(items, days, { width, target, gap, lead }) {
  const layout = justify(items.map(({ tile }) => tile.width / tile.height), width, target, gap);
  return days ? withDays(layout, days, lead, width) : layout;
}

/** @type {(count: number, days: number[] | null | undefined, measures: Page.Measures) => Page.Layout} */
function estimated(count, days, { width, target, gap, lead }) {
  const rows = Math.ceil((count * (USUAL * target + gap)) / width);
  const height = rows * (target + gap) - gap + (days ? Math.min(rows, DAYS) * lead : 0);
  return { rows: [], boxes: new Float32Array(), height };
}

/// The section that holds the image at an index.
/** @type {(sections: Page.Placed[], index: number) => Page.Placed} */
export const sectionOf = (sections, index) => sections.findLast(({ from }) => from <= index) ?? sections[0];

/// The last section that begins above `y`, or the first.
/** @type {(sections: Page.Placed[], y: number) => Page.Placed} */
export const sectionAt = (sections, y) => sections.findLast((section) => section.y <= y) ?? sections[0];

/// The box of an image in the grid.
/** @type {(section: Page.Placed, index: number, heading: number) => { left: number, top: number, width: number, height: number }} */
export function boxOf({ y, from, layout }, index, heading) {
  const at = (index - from) * 4;
  const [left, top, width, height] = layout.boxes.subarray(at, at + 4);
  return { left, top: y + heading + top, width, height };
}

/// Indexes of the loaded images that a rectangle touches.
/** @type {(sections: Page.Placed[], area: Page.Area, heading: number) => number[]} */
export function touched(sections, { left, top, right, bottom }, heading) {
  /** @type {number[]} */
  const found = [];
  for (const { y, from, layout } of sections) {
    const start = y + heading;
    if (start + layout.height < top || start > bottom) continue;
    const { rows, boxes } = layout;
    for (let r = rowAt(rows, top - start); r < rows.length && rows[r].y + start <= bottom; r++) {
      for (let i = rows[r].from; i < rows[r].to; i++) {
        if (boxes[i * 4] <= right && boxes[i * 4] + boxes[i * 4 + 2] >= left) found.push(from + i);
      }
    }
  }
  return found;
}

/** @type {(layout: Page.Layout, at: number) => number} */
const rowOf = ({ rows }, at) => rows.findIndex(({ from, to }) => from <= at && at < to);

/// The image below (`step` 1) or above (-1) another, as near to its middle as can be.
/** @type {(sections: Page.Placed[], index: number, step: 1 | -1) => number} */
export function beyond(sections, index, step) {
  const section = sectionOf(sections, index);
  const { boxes, rows } = section.layout;
  /** @type {(boxes: Float32Array, i: number) => number} */
  const middleIn = (boxes, i) => boxes[i * 4] + boxes[i * 4 + 2] / 2;
  const middle = middleIn(boxes, index - section.from);
  const own = rows[rowOf(section.layout, index - section.from) + step];
  const target = own ? section : sections[sections.indexOf(section) + step];
  if (!target) return index;
  // Of a section that is not loaded, the nearest one.
  if (!target.items) return step > 0 ? target.from : target.from + target.count - 1;
  const row = own ?? target.layout.rows.at(step > 0 ? 0 : -1);
  let best = row.from;
  for (let i = row.from; i < row.to; i++) {
    if (Math.abs(middleIn(target.layout.boxes, i) - middle) < Math.abs(middleIn(target.layout.boxes, best) - middle)) best = i;
  }
  return target.from + best;
}

/// What lies at `y`, in words that hold at any width and whatever is loaded meanwhile: a section, and the image whose row
/// it is in or the share of its height. `offset` is how far below the top of the row it is.
/** @type {(sections: Page.Placed[], y: number, heading: number) => Page.Place | null} */
export function placeAt(sections, y, heading) {
  const section = sectionAt(sections, y);
  if (!section || y <= 0) return null;
  const { rows } = section.layout;
  const within = y - section.y - heading;
  const row = rows[Math.min(rowAt(rows, within), rows.length - 1)];
  if (row && within > 0) return { key: section.key, at: row.from, offset: Math.round(within - row.y) };
  return { key: section.key, share: (y - section.y) / section.height };
}

/// Where such a place is now; null if there is no such section.
/** @type {(sections: Page.Placed[], place: Page.Place, heading: number) => number | null} */
export function yOf(sections, { key, at, offset = 0, share = 0 }, heading) {
  const section = sections.find((section) => section.key === key);
  if (!section) return null;
  if (at === undefined) return section.y + share * section.height;
  if (!section.items) return section.y + heading + section.layout.height * Math.min(at / section.count, 1);
  const row = section.layout.rows[rowOf(section.layout, Math.min(at, section.items.length - 1))];
  return section.y + heading + (row?.y ?? 0) + offset;
}
