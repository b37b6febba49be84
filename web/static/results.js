// A result set: asked for in steps, kept for a while so that going back shows it at once, cut into sections.

import { find, search, similarRegions } from "./api.js";
import { canFind, exampleOf, filterOf, isRanked, isTimeline, question, regionQuestion, sortOf } from "./state.js";
import { stacked } from "./stacks.js";
import { Timeline } from "./timeline.js";
import { month, t } from "./words.js";

/// Hits of the first answer, which should be quick, and of the ones after it.
const FIRST = 200;
const NEXT = 2000;
/// Result sets kept.
const KEPT = 8;

/** @type {Map<string, Page.ResultSet>} */
const kept = new Map();

/// The result set of a state: remembered, or a new one whose hits are still to be loaded.
/** @type {(state: Page.State, options?: { words?: boolean }) => Page.ResultSet} */
export function resultsOf(state, { words = false } = {}) {
  const regions = state.find && canFind(state);
  const ask = !regions ? search : exampleOf(state) ? similarRegions : find;
  const body = regions ? regionQuestion(state) : { ...question(state), ...(words && { mode: "words" }) };
  const key = `${regions} ${JSON.stringify(body)}`;
  const known = kept.get(key);
  kept.delete(key);
  const results = known ?? made(state, ask, body);
  kept.set(key, results);
  const [oldest] = kept.size > KEPT ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
  return results;
}

/** @type {(state: Page.State, ask: (body: object, signal?: AbortSignal) => Promise<Page.Answer>, body: Page.Question) => Page.ResultSet} */
function made(state, ask, body) {
  const sort = sortOf(state);
  return isTimeline(state) ? new Timeline(filterOf(state), sort) : new Results(ask, body, sort, isRanked(state));
}

/// What was found may have changed.
export const forget = () => kept.clear();

/// What a question found, or an album in its own order. Without either there is a `Timeline`, which the page uses in the
/// same way.
export class Results {
  /** @type {Page.Tile[]} */
  tiles = [];
  accepted = 0;
  /** @type {number | null} */
  weaker = 0;
  searched = 0;
  complete = false;
  started = false;
  /// Images that cannot be searched for regions.
  withoutRegions = 0;
  /// Images to search with that are gone.
  gone = 0;
  /// Images that were said to be wrong, and left out.
  saidWrong = 0;
  /// The part that others are to look like is plain background, or the like.
  nothingParticular = false;
  /// What was understood of a question about regions: `thing` of a box is a place in its `things`.
  /** @type {Api.Form | null} */
  form = null;
  /// The same question for regions, if the words ask about things.
  /** @type {string | null} */
  asThings = null;
  /// Leaders of stacks that are spread out.
  /** @type {Set<number>} */
  spread = new Set();

  /** @type {string | null} */
  next = null;

  /**
   * @param {(body: object, signal?: AbortSignal) => Promise<Page.Answer>} ask
   * @param {Page.Question} body
   * @param {string} sort
   * @param {boolean} ranked
   */
  constructor(ask, body, sort, ranked) {
    this.ask = ask;
    this.body = body;
    this.sort = sort;
    this.ranked = ranked;
  }

  /// Loads the next step. Gives false if there was nothing to load.
  /** @type {(signal?: AbortSignal, place?: Page.Place | null) => Promise<boolean>} */
  async load(signal) {
    if (this.complete) return false;
    /** @type {Page.Question} */
    const body = this.next
      ? { ...this.body, cursor: this.next, limit: NEXT }
      : { ...this.body, limit: FIRST };
    const page = await this.ask(body, signal);
    if (this.started && body.cursor !== this.next) return false; // another call was faster
    this.started = true;
    // How many weaker ones there are is not always known for regions.

    const { accepted, weaker = null, searched, next, form = null, find = null, without_regions: withoutRegions = 0, nothing_particular: nothingParticular = false, gone = 0, said_wrong: saidWrong = 0 } = page;
    Object.assign(this, { accepted, weaker, searched, next, form, asThings: find, withoutRegions, nothingParticular, gone, saidWrong });
    this.complete = page.next === null;
    // Everything in an album is seen in its place.
    for (const tile of page.hits) this.tiles.push(this.ranked ? tile : { ...tile, stack: null });
    return true;
  }

  /// Numbers of all that was found, loaded in steps: the matches, or what is shown in place of them if there are none.
  /** @type {(signal: AbortSignal) => Promise<number[]>} */
  async ids(signal) {
    while (!this.complete) await this.load(signal);
    const matches = this.tiles.filter(({ strength }) => strength !== "weak");
    return (matches.length ? matches : this.tiles).map(({ id }) => id);
  }

  /// Hits there will be when all are loaded.
  get expected() {
    if (this.complete) return this.tiles.length;
    return this.body.depth === "all" ? this.accepted + (this.weaker ?? this.searched - this.accepted) : this.accepted;
  }

  /// True if there are matches below the last one that is given.
  get hasMore() {
    return this.complete && this.body.depth !== "all" && this.tiles.length > 0
      && this.tiles.length < this.accepted + (this.weaker ?? Infinity);
  }

  /// Tiles to show in order: near-duplicates lie on the best of them, which knows how many.
  /** @type {() => Page.Item[]} */
  items() {
    return stacked(this.tiles, this.spread);
  }

  /// Matches that lie under others, and are not seen.
  /** @type {(items: Page.Item[]) => number} */
  stacked(items) {
    /** @type {(tile: Page.Tile) => boolean} */
    const isMatch = (tile) => tile.strength !== "weak";
    const under = items.filter(({ tile }) => !this.spread.has(tile.id)).flatMap(({ under }) => under);
    return under.filter(isMatch).length;
  }

  /// The items in sections with headings: strong, likely and weaker matches, or months. `count` says how many images a
  /// section has, those in stacks among them.
  /** @type {(items: Page.Item[]) => Page.Section[]} */
  sections(items) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const tile of this.tiles) counts.set(this.#key(tile), (counts.get(this.#key(tile)) ?? 0) + 1);
    /** @type {(Page.Section & { items: Page.Item[] })[]} */
    const sections = [];
    for (const item of items) {
      const key = this.#key(item.tile);
      const last = sections.at(-1);
      if (last?.key === key) last.items.push(item);
      else sections.push({ key, title: this.#title(key, item.tile), count: counts.get(key) ?? 0, items: [item] });
    }
    return sections;
  }

  /** @type {(tile: Page.Tile) => string} */
  #key({ strength, taken }) {
    if (!this.ranked) return "album";
    if (strength === "weak" || this.sort === "relevance") return strength;
    return taken?.slice(0, 7) ?? "undated";
  }

  /** @type {(key: string, tile: Page.Tile) => string} */
  #title(key, { taken }) {
    if (key === "album") return t("albumOrder");
    // Of a box that nothing is like, the note says so.
    if (key === "weak" && this.accepted === 0 && !this.body.box) return t("closest");
    if (key === "strong" || key === "likely" || key === "weak") return t(`${key}Matches`);
    return taken === null ? t("undated") : month(taken);
  }
}
