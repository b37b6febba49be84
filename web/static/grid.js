// The grid: tens of thousands of images of which only those in view are in the document.

import { framed, h, painted } from "./dom.js";
import { icon } from "./icons.js";
import { rowAt } from "./layout.js";
import { beyond, boxOf, layOut, placeAt, sectionAt, sectionOf, touched, yOf } from "./sections.js";
import { insertInOrder, makeTile } from "./tile.js";
import { dayHeight, headingHeight, measuresOf } from "./measures.js";
import { number, shortDay, t } from "./words.js";

/// How far beyond the window tiles are kept, and how far sections are loaded, in windows.
const BEYOND = 0.8;
const AHEAD = 1.5;
/// The page rushes if it moves further than this from one drawing to the next, in windows. Then only what is in view is drawn,
/// and only its colours.
const RUSH = 0.4;
/// Images are loaded when their tile has stayed this long, and so are sections.
const SETTLED = 60;
/// Images on both sides of an open one that are loaded.
const BESIDE = 20;
/// After a section could not be loaded, it is tried again so much later.
const AGAIN = 4000;

export class Grid {
  /** @type {Page.Placed[]} */
  sections = [];
  /// By index. Those of sections that are not loaded yet are missing.
  /** @type {Page.Item[]} */
  items = [];
  /// Tiles in the document, by index, and the lines of days.
  /** @type {Map<number, Page.MadeTile>} */
  #tiles = new Map();
  /** @type {Map<number, HTMLElement>} */
  #days = new Map();
  /// Sections in the document, by key.
  /** @type {Map<string, Page.Part>} */
  #parts = new Map();
  #current = 0;
  /// Index of the first image of each section.
  /** @type {number[]} */
  #starts = [];
  /** @type {Page.GridOptions} */
  #options = { key: "", ranked: false, worded: false, things: [], hrefOf: () => "" };
  /** @type {Timer | undefined} */
  #loading;
  /// What comes once the page rests.
  /** @type {Timer | undefined} */
  #settling;
  /// What was above the window when it was last drawn.
  #drawnAt = 0;
  /// Nothing was seen yet: the first tiles come as they do on a page that rushes.
  #isNew = true;
  /// Hits that are still to be loaded.
  more = 0;
  /// Heights of what is laid out, and of all that there will be.
  loadedHeight = 0;
  height = 0;
  /// Widths and heights that the layout goes by.
  /** @type {Page.Measures} */
  #measures = { width: 0, target: 0, gap: 0, heading: 0, lead: 0, between: 0 };
  /// What of the page's header stays in view. Kept, as to measure in the midst of drawing costs another layout.
  header = 0;
  /// The whole height of that header, as it is where the page begins.
  wholeHeader = 0;
  /// Sees the grid become wider, and headings higher: letters can be enlarged at any time.
  #sizes;

  /// `on.near` is called when the end of what is loaded comes near, `on.drawn` with what is above the window after it may have moved,
  /// and `on.failed` with what went wrong; `on.isSelected(id)` says whether an image is.
  /**
   * @param {HTMLElement} root
   * @param {{ near: () => void, drawn: (top: number) => void, failed: (error: unknown) => void,
   *   isSelected: (id: number) => boolean }} on
   */
  constructor(root, on) {
    this.root = root;
    this.on = on;
    const draw = framed(() => this.draw());
    addEventListener("scroll", draw, { passive: true });
    const changed = () => this.#measures.width !== root.clientWidth || this.#measures.heading !== headingHeight();
    this.#sizes = new ResizeObserver(framed(() => changed() && this.#keepingPlace(() => this.layout())));
    this.#sizes.observe(root);
    new ResizeObserver(() => this.#measureHeader()).observe(this.#pageHeader);
    root.addEventListener("focusin", ({ target }) => target instanceof HTMLElement && target.dataset.index && this.#setCurrent(Number(target.dataset.index)));
  }

  /// Shows sections of items; `more` hits are still to be loaded.
  /** @type {(sections: Page.Section[], options: Partial<Page.GridOptions> & { key: string, more?: number }) => void} */
  show(sections, { more = 0, ...options }) {
    const same = options.key === this.#options.key;
    const focused = same && this.root.contains(document.activeElement) ? this.#current : null;
    this.#options = { ...this.#options, ...options };
    this.more = more;
    this.sections = /** @type {Page.Placed[]} */ (sections); // layout() places them
    this.#number();
    if (!same) this.#current = 0;
    this.#keep(({ item }, index) => {
      const next = same ? this.items[index] : undefined;
      return next?.tile === item.tile && next.under.length === item.under.length;
    });
    this.#dropDays(() => false);
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

  /// Gives every item its index.
  #number() {
    let index = 0;
    this.#starts = this.sections.map(({ items, count }) => (index += items?.length ?? count) - (items?.length ?? count));
    this.items = new Array(index);
    this.sections.forEach(({ items }, i) => items?.forEach((item, at) => (this.items[this.#starts[i] + at] = item)));
  }

  /// Takes the other tiles out of the document.
  /** @type {(wanted: (tile: Page.MadeTile, index: number) => boolean) => void} */
  #keep(wanted) {
    for (const [index, tile] of this.#tiles) {
      if (wanted(tile, index)) continue;
      tile.element.remove();
      this.#tiles.delete(index);
    }
  }

  layout() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.#measures = measuresOf(width);
    const height = layOut(this.sections, this.#measures);
    // What is not loaded yet is as tall as what is, image by image.
    this.loadedHeight = height;
    this.height = this.items.length ? height * (1 + this.more / this.items.length) : 0;
    this.root.style.height = `${this.height}px`;
    this.root.style.setProperty("--row", `${this.#measures.target}px`);
    this.#measureHeader();
    this.draw();
  }

  get #pageHeader() {
    return /** @type {HTMLElement} */ (document.querySelector("header"));
  }

  #measureHeader() {
    const header = this.#pageHeader;
    this.wholeHeader = header.offsetHeight;
    this.header = this.wholeHeader + parseFloat(getComputedStyle(header).top);
    this.root.style.setProperty("--above", `${this.header}px`);
  }

  /// Puts into the document what is in view, and takes out what is not.
  draw() {
    const top = this.top;
    const rushes = this.#isNew || Math.abs(top - this.#drawnAt) > innerHeight * RUSH;
    this.#drawnAt = top;
    this.root.classList.toggle("rushing", rushes);
    const beyond = rushes ? 0 : BEYOND;
    const [from, to] = [top - innerHeight * beyond, top + innerHeight * (1 + beyond)];
    /** @type {Set<number>} */
    const wanted = new Set();
    let early = rushes;
    for (const section of this.sections) {
      /** @type {(distance: number) => boolean} */
      const isNear = (distance) => section.y + section.height >= top - distance && section.y <= top + innerHeight + distance;
      if (!section.items && isNear(innerHeight * AHEAD)) early = this.#want(section) || early;
      else section.since = undefined;
      if (!isNear(innerHeight * beyond)) {
        this.#dropPart(section);
        continue;
      }
      const part = this.#part(section);
      const { rows, boxes } = section.layout;
      const start = section.y + this.#measures.heading;
      for (let r = rowAt(rows, from - start); r < rows.length && rows[r].y + start <= to; r++) {
        for (let i = rows[r].from; i < rows[r].to; i++) {
          wanted.add(section.from + i);
          this.#tile(section.from + i, part.list, boxes, i * 4, rushes);
          if (section.layout.days?.has(i)) this.#day(section, i, part);
        }
      }
    }
    this.#keep(({ element }, index) => wanted.has(index) || element.contains(document.activeElement));
    this.#dropDays((index) => wanted.has(index));
    this.#sayDay(top);
    clearTimeout(this.#settling);
    if (this.#isNew && wanted.size) painted(() => ((this.#isNew = false), this.draw(), this.#loadImages()));
    else if (early) this.#settling = setTimeout(() => this.draw(), SETTLED);
    clearTimeout(this.#loading);
    this.#loading = setTimeout(() => this.#loadImages(), SETTLED);
    if (this.more && to + innerHeight > this.loadedHeight) this.on.near();
    this.on.drawn?.(top);
  }

  /// What of the grid is above the window.
  get top() {
    return -this.root.getBoundingClientRect().top;
  }

  // ---- sections that are loaded as they come near ----

  /// Loads a section that stays near. Gives whether it is too early to say.
  /** @type {(section: Page.Placed) => boolean} */
  #want(section) {
    const now = performance.now();
    section.since ??= now;
    if (section.wanted) return false;
    if (now < (section.again ?? 0) || now - section.since < SETTLED) return true;
    this.#load(section).catch(this.on.failed);
    return false;
  }

  /** @type {(section: Page.Placed) => Promise<void>} */
  async #load(section) {
    if (section.items) return;
    section.wanted = true;
    try {
      await section.load?.();
    } catch (error) {
      section.again = performance.now() + AGAIN;
      throw error;
    } finally {
      section.wanted = false;
    }
    if (!this.sections.includes(section)) return;
    this.#keepingPlace(() => {
      const before = this.#starts;
      this.#number();
      // Stacks need fewer tiles, and the library may have changed since its images were counted: what follows has other indexes.
      this.#renumber(before);
      this.layout();
    });
  }

  /// Gives tiles and days the indexes that their images have now; sections began at `before`.
  /** @type {(before: number[]) => void} */
  #renumber(before) {
    if (before.every((start, i) => start === this.#starts[i])) return;
    /** @type {(index: number) => number} */
    const now = (index) => {
      const i = before.findLastIndex((start) => start <= index);
      return index + this.#starts[i] - before[i];
    };
    this.#tiles = new Map([...this.#tiles].map(([index, tile]) => [now(index), tile]));
    this.#days = new Map([...this.#days].map(([index, day]) => [now(index), day]));
    for (const [index, tile] of this.#tiles) tile.number(index);
    this.#current = now(this.#current);
  }

  /// Loads what is beside an image, so that one can step on from it.
  /** @type {(id: number) => void} */
  loadBeside(id) {
    const index = this.items.findIndex((item) => item?.tile.id === id);
    const near = this.sections.filter((section) => !section.items && section.from <= index + BESIDE && section.from + section.count > index - BESIDE);
    if (index >= 0) for (const section of near) this.#load(section).catch(this.on.failed);
  }

  /// Does what changes heights, while what is in view stays where it is.
  /** @type {(act: () => void) => void} */
  #keepingPlace(act) {
    const place = this.place();
    act();
    if (place) this.restore(place);
  }

  /// What is at the upper edge, below the header. It can be found again at another width, and in another visit.
  /** @type {() => Page.Place | null} */
  place() {
    return placeAt(this.sections, this.top + this.header, this.#measures.heading);
  }

  /// Scrolls to such a place; gives whether there is one.
  /** @type {(place: Page.Place) => boolean} */
  restore(place) {
    const y = yOf(this.sections, place, this.#measures.heading);
    if (y === null) return false;
    const by = y - this.header - this.top;
    if (Math.abs(by) >= 1) scrollBy(0, by);
    this.draw();
    return true;
  }

  /** @type {(section: Page.Placed) => Page.Part} */
  #part(section) {
    let part = this.#parts.get(section.key);
    if (!part) {
      const id = `section-${section.key}`;
      const [title, day, count] = ["title", "day", "count"].map((name) => h("span", { class: name }));
      const pick = h("button", { class: "pick-all", type: "button", tabIndex: -1, data: { section: section.key } }, icon("check"));
      const heading = h("h2", { id }, title, day, " ", count);
      const list = h("div", { class: "tiles", role: "list", "aria-labelledby": id });
      const days = h("div", { class: "days", "aria-hidden": "true" });
      part = { element: h("section", { class: `part ${section.key}` }, h("div", { class: "head" }, heading, pick), days, list), heading, list, days, title, day, count, pick, said: "" };
      this.#parts.set(section.key, part);
      this.root.append(part.element);
      this.#sizes.observe(heading);
    }
    const said = [section.title, section.count, Boolean(section.items), section.y, section.height].join();
    if (part.said === said) return part;
    part.said = said;
    part.title.textContent = section.title;
    part.count.textContent = number(section.count);
    part.pick.title = t("selectWhat", { what: section.title });
    part.pick.setAttribute("aria-label", part.pick.title);
    part.element.classList.toggle("waiting", !section.items);
    part.element.style.top = `${section.y}px`; // what sticks does not go by transforms
    part.element.style.height = `${section.height}px`;
    return part;
  }

  /** @type {(section: Page.Placed) => void} */
  #dropPart(section) {
    const part = this.#parts.get(section.key);
    if (!part || part.element.contains(document.activeElement)) return;
    this.#sizes.unobserve(part.heading);
    part.element.remove();
    this.#parts.delete(section.key);
  }

  /// The tile of an image, in its place: that of four numbers of `boxes`.
  /** @type {(index: number, list: HTMLElement, boxes: Float32Array, at: number, rushes: boolean) => void} */
  #tile(index, list, boxes, at, rushes) {
    let tile = this.#tiles.get(index);
    if (!tile) {
      const item = this.items[index];
      const { ranked, worded, hrefOf, things } = this.#options;
      tile = makeTile(item, { index, count: this.items.length + this.more, ranked, worded, things, href: hrefOf(item.tile.id) });
      tile.link.tabIndex = index === this.#current ? 0 : -1;
      tile.select(this.on.isSelected(item.tile.id));
      this.#tiles.set(index, tile);
    }
    if (tile.element.parentNode !== list) insertInOrder(list, tile.element, index);
    if (!rushes) tile.furnish();
    const [x, y, width, height] = [boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3]];
    const { box } = tile;
    if (box[0] === x && box[1] === y && box[2] === width && box[3] === height) return;
    tile.box = [x, y, width, height];
    const { style } = tile.element;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.insetInlineStart = `${x}px`;
    style.top = `${y}px`;
  }

  /// The line above the first image of a day.
  /** @type {(section: Page.Placed, i: number, part: Page.Part) => void} */
  #day(section, i, part) {
    const place = section.layout.days?.get(i);
    const index = section.from + i;
    const { taken } = this.items[index].tile;
    if (!place || !taken) return;
    let day = this.#days.get(index);
    if (!day) {
      day = h("span", {}, shortDay(taken));
      this.#days.set(index, day);
    }
    if (day.parentNode !== part.days) part.days.append(day);
    const { style } = day;
    style.insetInlineStart = `${place.x}px`;
    style.top = `${place.y}px`;
    style.maxWidth = `${place.width}px`;
  }

  /** @type {(stays: (index: number) => boolean) => void} */
  #dropDays(stays) {
    for (const [index, day] of this.#days) {
      if (stays(index)) continue;
      day.remove();
      this.#days.delete(index);
    }
  }

  /// The heading that stays at the upper edge says which day is below it.
  /** @type {(top: number) => void} */
  #sayDay(top) {
    if (!this.sections.length) return;
    const y = top + this.header + this.#measures.heading;
    const at = sectionAt(this.sections, y - this.#measures.heading);
    for (const [key, { day }] of this.#parts) {
      const row = key === at.key && at.layout.days && y > at.y + 1.5 * this.#measures.heading && at.layout.rows[rowAt(at.layout.rows, y - at.y - this.#measures.heading)];
      const taken = row && this.items[at.from + row.from].tile.taken;
      const text = taken ? ` ${shortDay(taken)}` : "";
      if (day.textContent !== text) day.textContent = text;
    }
  }

  #loadImages() {
    for (const tile of this.#tiles.values()) (tile.furnish(), tile.show(tile.box[2]));
  }

  // ---- selecting ----

  /// The selection changed.
  /** @type {(count: number) => void} */
  showSelection(count) {
    this.root.classList.toggle("selecting", count > 0);
    for (const tile of this.#tiles.values()) tile.select(this.on.isSelected(tile.item.tile.id));
  }

  /// Some images became favourites, or are none any more.
  showFavourites() {
    for (const tile of this.#tiles.values()) tile.showFavourite();
  }

  /// The images that a tile stands for: a stack is selected as a whole, until it is spread out.
  /** @type {(index: number) => number[]} */
  idsAt(index) {
    const { tile, under, spread } = this.items[index];
    return spread ? [tile.id] : [tile.id, ...under.map(({ id }) => id)];
  }

  /// The images of all tiles from one to another, which are loaded first if they have to be.
  /** @type {(from: number, to: number) => Promise<number[]>} */
  async idsBetween(from, to) {
    /** @type {(section: Page.Placed) => boolean} */
    const inRange = (section) => section.from <= to && section.from + section.count > from;
    await Promise.all(this.sections.filter((section) => !section.items && inRange(section)).map((section) => this.#load(section)));
    return this.items.slice(from, to + 1).flatMap((_, i) => this.idsAt(from + i));
  }

  /// The images of a section.
  /** @type {(key: string) => Promise<number[]>} */
  async idsOf(key) {
    const section = this.sections.find((section) => section.key === key);
    if (!section) return [];
    await this.#load(section);
    return this.idsBetween(section.from, section.from + (section.items?.length ?? 0) - 1);
  }

  /// The images of all tiles that a rectangle of the grid touches, whether they are in the document or not.
  /** @type {(area: Page.Area) => number[]} */
  idsWithin({ left, right, ...heights }) {
    const { width, heading } = this.#measures;
    const across = document.documentElement.dir === "rtl" ? { left: width - right, right: width - left } : { left, right };
    return touched(this.sections, { ...across, ...heights }, heading).flatMap((index) => this.idsAt(index));
  }

  // ---- moving about ----

  /** @type {(index: number) => void} */
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

  /// Brings an image into view and focuses it. One that is not loaded yet is loaded first.
  /** @type {(index: number) => Promise<void>} */
  async focus(index) {
    if (!this.items.length) return;
    let to = Math.min(Math.max(index, 0), this.items.length - 1);
    if (!this.items[to]) {
      const section = sectionOf(this.sections, to);
      const [fromStart, fromEnd] = [to - section.from, section.from + section.count - 1 - to];
      await this.#load(section);
      // As far from the nearer end as it was: stacks need fewer tiles than images were counted.
      const last = section.from + Math.max((section.items?.length ?? 0) - 1, 0);
      to = Math.max(Math.min(fromEnd < fromStart ? last - fromEnd : to, last), section.from);
    }
    this.reveal(to);
    this.#setCurrent(to);
    const tile = this.#tiles.get(to);
    tile?.furnish(); // its name is read out
    tile?.link.focus({ preventScroll: true });
  }

  /** @type {(index: number) => void} */
  reveal(index) {
    const { heading } = this.#measures;
    const { top: y, height } = boxOf(sectionOf(this.sections, index), index, heading);
    const top = this.root.getBoundingClientRect().top + scrollY + y;
    const above = this.header + heading + dayHeight();
    if (top < scrollY + above) scrollTo(0, top - above);
    else if (top + height > scrollY + innerHeight) scrollTo(0, top + height - innerHeight + 12);
    this.draw();
  }

  /// The image beside, above or below another.
  /** @type {(index: number, key: "next" | "previous" | "below" | "above") => number} */
  beside(index, key) {
    if (key === "next") return index + 1;
    if (key === "previous") return index - 1;
    return beyond(this.sections, index, key === "below" ? 1 : -1);
  }
}
