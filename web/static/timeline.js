// All images, or those that pass the filters, month by month. How many each month has is known at once; the images of a month
// are loaded when it comes near.

import { timeline, timelineTiles } from "./api.js";
import { stacked } from "./stacks.js";
import { month, t } from "./words.js";

/// Months that are loaded at a time when all are wanted.
const AT_A_TIME = 4;

export class Timeline {
  /// What results of a search have, too.
  ranked = false;
  started = false;
  complete = false;
  hasMore = false;
  accepted = 0;
  searched = 0;
  /** @type {Page.Tile[]} */
  tiles = [];
  expected = 0;
  withoutRegions = 0;
  nothingParticular = false;
  gone = 0;
  saidWrong = 0;
  /** @type {Api.Form | null} */
  form = null;
  /** @type {string | null} */
  asThings = null;
  /** @type {Set<number>} */
  spread = new Set();
  /** @type {Month[]} */
  #sections = [];
  /** @type {Promise<boolean> | null} */
  #ahead = null;

  /** @param {object} filter @param {string} sort */
  constructor(filter, sort) {
    this.filter = filter;
    this.sort = sort;
  }

  /// Begins to load before the page is there, which then waits for the same.
  /** @type {(place?: Page.Place | null) => Promise<boolean>} */
  lookAhead(place) {
    const asked = (this.#ahead = this.#load(undefined, place));
    asked.catch(() => (this.#ahead = null));
    return asked;
  }

  /// Loads the months, and the images of the one that is shown first: that of `place`, or the first one.
  /** @type {(signal?: AbortSignal, place?: Page.Place | null) => Promise<boolean>} */
  load(signal, place) {
    const asked = this.#ahead ?? this.#load(signal, place);
    this.#ahead = null;
    return asked;
  }

  /** @type {(signal?: AbortSignal, place?: Page.Place | null) => Promise<boolean>} */
  async #load(signal, place) {
    const { count, months } = await timeline({ filter: this.filter }, signal);
    const dated = months.filter(({ month }) => month !== null);
    const ordered = [...(this.sort === "oldest" ? dated.toReversed() : dated), ...months.filter(({ month }) => month === null)];
    this.#sections = ordered.map((month) => new Month(month, this.filter, this.sort));
    const first = this.#sections.find(({ key }) => key === place?.key) ?? this.#sections[0];
    await first?.load(signal);
    this.accepted = this.searched = count;
    this.started = this.complete = true;
    return true;
  }

  /** @type {() => { length: number }} */
  items() {
    return { length: this.accepted };
  }

  /** @type {(items?: unknown) => Page.Section[]} */
  sections() {
    for (const section of this.#sections) section.spreadOut(this.spread);
    return this.#sections;
  }

  /// How many lie under others is not known before all are loaded.
  /** @type {(items?: unknown) => number} */
  stacked() {
    return 0;
  }

  /// Numbers of all images, loaded in steps.
  /** @type {(signal: AbortSignal) => Promise<number[]>} */
  async ids(signal) {
    const missing = this.#sections.filter(({ items }) => !items);
    for (let at = 0; at < missing.length; at += AT_A_TIME) {
      await Promise.all(missing.slice(at, at + AT_A_TIME).map((section) => section.load(signal)));
      signal.throwIfAborted();
    }
    return this.#sections.flatMap(({ tiles }) => tiles.map(({ id }) => id));
  }
}

/// A section of the grid. `items` is null until they are loaded.
class Month {
  /** @type {Page.Item[] | null} */
  items = null;
  /** @type {Tile[]} */
  tiles = [];
  /// Leaders of stacks that are spread out, as they were when the items were made.
  #spread = "";
  /** @type {Promise<void> | null} */
  #loading = null;
  /** @type {string | null} */
  #title = null;

  /** @param {Api.Month} month @param {object} filter @param {string} sort */
  constructor({ month: key, count }, filter, sort) {
    this.key = key ?? "undated";
    this.month = key;
    this.count = count;
    /// Items that begin a day. Images without a date have none.
    /** @type {number[] | null} */
    this.days = key === null ? null : [];
    this.ask = { filter, month: key };
    this.sort = sort;
  }

  /// In words, which may come later than what is known of the month.
  get title() {
    return (this.#title ??= this.month === null ? t("undated") : month(`${this.month}-01T00:00:00`));
  }

  /// Loads the images, once.
  /** @type {(signal?: AbortSignal) => Promise<void>} */
  load(signal) {
    this.#loading ??= timelineTiles(this.ask, signal).then((columns) => this.#fill(columns)).finally(() => (this.#loading = null));
    return this.items ? Promise.resolve() : this.#loading;
  }

  /** @type {(columns: Api.Tiles) => void} */
  #fill(columns) {
    const favourites = new Set(columns.favourite);
    this.tiles = columns.id.map((_, i) => new Tile(columns, i, favourites));
    const moving = new Map((columns.moving ?? []).map((moves) => [moves.id, moves]));
    if (moving.size) for (const tile of this.tiles) tile.move(moving.get(tile.id));
    if (this.sort === "oldest") this.tiles.reverse();
    this.count = this.tiles.length;
    this.#arrange(new Set());
  }

  /// Spreads out the stacks of these leaders, and lays together all others.
  /** @type {(spread: Set<number>) => void} */
  spreadOut(spread) {
    const own = new Set(this.tiles.filter(({ id }) => spread.has(id)).map(({ id }) => id));
    if (this.items && [...own].join() !== this.#spread) this.#arrange(own);
  }

  /** @type {(spread: Set<number>) => void} */
  #arrange(spread) {
    this.#spread = [...spread].join();
    const items = stacked(this.tiles, spread);
    /** @type {(i: number) => number | null} */
    const day = (i) => /** @type {Tile} */ (items[i].tile).dayNumber;
    if (this.days) this.days = items.flatMap((_, i) => (i === 0 || day(i) !== day(i - 1) ? [i] : []));
    this.items = items;
  }
}

const DAY = 86_400;

/// What a tile shows of an image.
class Tile {
  /** @type {Api.Strength} */
  strength = "strong";
  score = 1;
  /** @type {Api.Kind | undefined} */
  kind;
  /** @type {number | null | undefined} */
  duration;

  /** @param {Api.Tiles} columns @param {number} i @param {Set<number>} favourites */
  constructor({ id, width, height, taken, blur, stack, version }, i, favourites) {
    this.id = id[i];
    this.width = width[i];
    this.height = height[i];
    this.content = version[i];
    this.blur = blur[i];
    this.stack = stack[i];
    this.favourite = favourites.has(this.id);
    this.seconds = taken[i];
  }

  /// It is a video or an animation, if that is told of it.
  /** @type {(moves?: Api.Moves) => void} */
  move({ kind, duration } = {}) {
    [this.kind, this.duration] = [kind, duration];
  }

  /// On the camera's clock, as everywhere.
  get taken() {
    return this.seconds === null ? null : new Date(this.seconds * 1000).toISOString().slice(0, 19);
  }

  get dayNumber() {
    return this.seconds === null ? null : Math.floor(this.seconds / DAY);
  }
}
