// The grid: tens of thousands of images of which only those in view are in the document.

import { h, framed } from "./dom.js";
import { justify, rowAt } from "./layout.js";
import { makeTile } from "./tile.js";
import { number } from "./words.js";

/// Height of a section's heading with the space around it, in heights of the letters, as in the style sheet.
const HEADING = 3.25;
/// How far beyond the window tiles are kept, in windows.
const BEYOND = 0.8;
/// An image is loaded when its tile has stayed this long.
const SETTLED = 60;

export class Grid {
  sections = [];
  items = [];
  /// Tiles in the document, by index.
  #tiles = new Map();
  /// Sections in the document, by key.
  #parts = new Map();
  #current = 0;
  #height = 0;
  #options = {};
  #loading = 0;

  /// `on.near` is called when the end of what is loaded comes near; `on.isSelected(id)` says whether an image is.
  constructor(root, on) {
    this.root = root;
    this.on = on;
    const draw = framed(() => this.draw());
    addEventListener("scroll", draw, { passive: true });
    this.#sizes = new ResizeObserver(framed(() => (this.#width !== root.clientWidth || this.#heading !== headingHeight()) && this.layout()));
    this.#sizes.observe(root);
    root.addEventListener("focusin", ({ target }) => target.dataset.index && this.#setCurrent(Number(target.dataset.index)));
  }

  #width = 0;
  #heading = 0;
  /// Sees the grid become wider, and headings higher: letters can be enlarged at any time.
  #sizes;

  /// Shows sections of items; `more` hits are still to be loaded.
  show(sections, { more = 0, ...options }) {
    const same = options.key === this.#options.key;
    const focused = same && this.root.contains(document.activeElement) ? this.#current : null;
    this.#options = options;
    this.more = more;
    this.sections = sections;
    this.items = sections.flatMap((section) => section.items);
    if (!same) this.#current = 0;
    this.#keep(({ item }, index) => {
      const next = same && this.items[index];
      return next && next.tile === item.tile && next.under.length === item.under.length;
    });
    const keys = new Set(sections.map((section) => section.key));
    for (const [key, { element }] of this.#parts) {
      if (same && keys.has(key)) continue;
      element.remove();
      this.#parts.delete(key);
    }
    this.layout();
    // A stack that grew is made anew; the focus stays on it.
    if (focused !== null && document.activeElement === document.body) this.#tiles.get(focused)?.link.focus({ preventScroll: true });
  }

  /// Takes the other tiles out of the document.
  #keep(wanted) {
    for (const [index, tile] of this.#tiles) {
      if (wanted(tile, index)) continue;
      tile.element.remove();
      this.#tiles.delete(index);
    }
  }

  layout() {
    this.#width = this.root.clientWidth;
    if (!this.#width) return;
    this.#heading = headingHeight();
    const target = rowHeight(this.#width);
    const gap = this.#width < 600 ? 3 : 6;
    let y = 0;
    let index = 0;
    for (const section of this.sections) {
      section.y = y;
      section.from = index;
      const ratios = section.items.map(({ tile }) => tile.width / tile.height);
      section.layout = justify(ratios, this.#width, target, gap);
      section.height = this.#heading + section.layout.height;
      y += section.height + (this.#width < 600 ? 14 : 22);
      index += section.items.length;
    }
    // What is not loaded yet is as tall as what is, image by image.
    this.loadedHeight = y;
    this.#height = this.items.length ? y * (1 + this.more / this.items.length) : 0;
    this.root.style.height = `${this.#height}px`;
    this.draw();
  }

  /// Puts into the document what is in view, and takes out what is not.
  draw() {
    const top = -this.root.getBoundingClientRect().top;
    const [from, to] = [top - innerHeight * BEYOND, top + innerHeight * (1 + BEYOND)];
    const wanted = new Set();
    for (const section of this.sections) {
      if (section.y + section.height < from || section.y > to) {
        this.#dropPart(section);
        continue;
      }
      const part = this.#part(section);
      const { rows, boxes } = section.layout;
      const start = section.y + this.#heading;
      for (let r = rowAt(rows, from - start); r < rows.length && rows[r].y + start <= to; r++) {
        for (let i = rows[r].from; i < rows[r].to; i++) {
          wanted.add(section.from + i);
          this.#tile(section.from + i, section.items[i], part.list, boxes.subarray(i * 4, i * 4 + 4));
        }
      }
    }
    this.#keep(({ element }, index) => wanted.has(index) || element.contains(document.activeElement));
    clearTimeout(this.#loading);
    this.#loading = setTimeout(() => this.#loadImages(), SETTLED);
    if (this.more && to + innerHeight > this.loadedHeight) this.on.near();
  }

  #part(section) {
    let part = this.#parts.get(section.key);
    if (!part) {
      const id = `section-${section.key}`;
      const count = h("span", { class: "count" });
      const title = h("span", {});
      const heading = h("h2", { id }, title, " ", count);
      const list = h("div", { class: "tiles", role: "list", "aria-labelledby": id });
      part = { element: h("section", { class: `part ${section.key}` }, heading, list), list, title, count };
      this.#parts.set(section.key, part);
      this.root.append(part.element);
      this.#sizes.observe(heading);
    }
    part.title.textContent = section.title;
    part.count.textContent = number(section.count);
    part.element.style.transform = `translateY(${section.y}px)`;
    return part;
  }

  #dropPart(section) {
    const part = this.#parts.get(section.key);
    if (!part || part.element.contains(document.activeElement)) return;
    this.#sizes.unobserve(part.element.firstElementChild);
    part.element.remove();
    this.#parts.delete(section.key);
  }

  #tile(index, item, list, [x, y, width, height]) {
    let tile = this.#tiles.get(index);
    if (!tile) {
      const { ranked, worded, hrefOf, things } = this.#options;
      tile = makeTile(item, { index, count: this.items.length + this.more, ranked, worded, things, href: hrefOf(item.tile.id) });
      tile.link.tabIndex = index === this.#current ? 0 : -1;
      tile.select(this.on.isSelected(item.tile.id));
      this.#tiles.set(index, tile);
    }
    if (tile.element.parentNode !== list) insertInOrder(list, tile.element, index);
    tile.width = width;
    const { style } = tile.element;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.insetInlineStart = `${x}px`;
    style.top = `${y}px`;
  }

  #loadImages() {
    for (const tile of this.#tiles.values()) tile.show(tile.width);
  }

  // ---- selecting ----

  /// The selection changed.
  showSelection(count) {
    this.root.classList.toggle("selecting", count > 0);
    for (const tile of this.#tiles.values()) tile.select(this.on.isSelected(tile.item.tile.id));
  }

  /// The images that a tile stands for: a stack is selected as a whole, until it is spread out.
  idsAt(index) {
    const { tile, under, spread } = this.items[index];
    return spread ? [tile.id] : [tile.id, ...under.map(({ id }) => id)];
  }

  /// The images of all tiles from one to another.
  async idsBetween(from, to) {
    return range(from, to + 1).flatMap((index) => this.idsAt(index));
  }

  /// The images of all tiles that a rectangle of the grid touches, whether they are in the document or not.
  idsWithin({ left, top, right, bottom }) {
    const mirrored = document.documentElement.dir === "rtl";
    const [start, end] = mirrored ? [this.#width - right, this.#width - left] : [left, right];
    const found = [];
    for (const section of this.sections) {
      const above = section.y + this.#heading;
      if (above + section.layout.height < top || above > bottom) continue;
      const { rows, boxes } = section.layout;
      for (let r = rowAt(rows, top - above); r < rows.length && rows[r].y + above <= bottom; r++) {
        for (let i = rows[r].from; i < rows[r].to; i++) {
          const [x, , width] = boxes.subarray(i * 4, i * 4 + 3);
          if (x <= end && x + width >= start) found.push(...this.idsAt(section.from + i));
        }
      }
    }
    return found;
  }

  // ---- moving about ----

  #setCurrent(index) {
    const old = this.#tiles.get(this.#current);
    if (old) old.link.tabIndex = -1;
    this.#current = index;
    const tile = this.#tiles.get(index);
    if (tile) tile.link.tabIndex = 0;
  }

  get current() {
    return this.#current;
  }

  /// Distance of an image from the top of the grid, and its height.
  placeOf(index) {
    const section = this.sections.findLast(({ from }) => from <= index);
    if (!section) return { y: 0, height: 0 };
    const [x, y, width, height] = section.layout.boxes.subarray((index - section.from) * 4, (index - section.from) * 4 + 4);
    return { x: x + width / 2, y: section.y + this.#heading + y, height, section };
  }

  /// Brings an image into view and focuses it.
  focus(index) {
    if (!this.items.length) return;
    const to = Math.min(Math.max(index, 0), this.items.length - 1);
    this.reveal(to);
    this.#setCurrent(to);
    this.#tiles.get(to)?.link.focus({ preventScroll: true });
  }

  reveal(index) {
    const { y, height } = this.placeOf(index);
    const top = this.root.getBoundingClientRect().top + scrollY + y;
    const header = document.querySelector("header");
    const above = header.offsetHeight + parseFloat(getComputedStyle(header).top) + 60; // what stays of it, and the heading
    if (top < scrollY + above) scrollTo(0, top - above);
    else if (top + height > scrollY + innerHeight) scrollTo(0, top + height - innerHeight + 12);
    this.draw();
  }

  /// The image beside, above or below another.
  beside(index, key) {
    if (key === "next") return index + 1;
    if (key === "previous") return index - 1;
    const { x, section } = this.placeOf(index);
    const at = this.sections.indexOf(section);
    const row = section.layout.rows.findIndex(({ from, to }) => from <= index - section.from && index - section.from < to);
    const step = key === "below" ? 1 : -1;
    const beyond = this.sections[at + step]?.layout.rows;
    const [target, other] = section.layout.rows[row + step]
      ? [section, section.layout.rows[row + step]]
      : [this.sections[at + step], beyond?.at(step > 0 ? 0 : -1)];
    if (!other) return index;
    let best = other.from;
    for (let i = other.from; i < other.to; i++) {
      const middle = (j) => target.layout.boxes[j * 4] + target.layout.boxes[j * 4 + 2] / 2;
      if (Math.abs(middle(i) - x) < Math.abs(middle(best) - x)) best = i;
    }
    return target.from + best;
  }
}

const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/// Screen readers read a list in the order of the document, whatever order its items came into view in.
function insertInOrder(list, element, index) {
  let next = null;
  for (let other = list.lastElementChild; other && Number(other.firstElementChild.dataset.index) > index; other = other.previousElementSibling) {
    next = other;
  }
  list.insertBefore(element, next);
}

const headingHeight = () => HEADING * parseFloat(getComputedStyle(document.documentElement).fontSize);

/// A phone shows two or three images in a row, a wide screen seven or eight.
function rowHeight(width) {
  if (width < 600) return 128;
  if (width < 1400) return 190;
  return Math.min(190 + (width - 1400) / 14, 270);
}
