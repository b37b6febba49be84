// A result set: asked for in steps, kept for a while so that going back shows it at once, cut into sections.

import { find, search, similarRegions } from "./api.js";
import { canFind, exampleOf, isRanked, question, regionQuestion, sortOf } from "./state.js";
import { month, t } from "./words.js";

/// Hits of the first answer, which should be quick, and of the ones after it.
const FIRST = 200;
const NEXT = 2000;
/// Result sets kept.
const KEPT = 8;

const kept = new Map();

/// The result set of a state: remembered, or a new one whose hits are still to be loaded.
export function resultsOf(state, { words = false } = {}) {
  const regions = state.find && canFind(state);
  const ask = !regions ? search : exampleOf(state) ? similarRegions : find;
  const body = regions ? regionQuestion(state) : { ...question(state), ...(words && { mode: "words" }) };
  const key = `${regions} ${JSON.stringify(body)}`;
  const known = kept.get(key);
  kept.delete(key);
  const results = known ?? new Results(ask, body, isRanked(state), sortOf(state));
  kept.set(key, results);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return results;
}

/// What was found may have changed.
export const forget = () => kept.clear();

export class Results {
  tiles = [];
  accepted = 0;
  weaker = 0;
  searched = 0;
  complete = false;
  started = false;
  /// Pictures that cannot be searched for regions.
  withoutRegions = 0;
  /// What was understood of a question about regions: `thing` of a box is a place in its `things`.
  form = null;
  /// Leaders of stacks that are spread out.
  spread = new Set();

  constructor(ask, body, ranked, sort) {
    this.ask = ask;
    this.body = body;
    this.ranked = ranked;
    this.sort = sort;
    this.next = null;
  }

  /// Loads the next step. Gives false if there was nothing to load.
  async load(signal) {
    if (this.complete) return false;
    const body = this.next
      ? { ...this.body, cursor: this.next, limit: NEXT }
      : { ...this.body, limit: FIRST };
    const page = await this.ask(body, signal);
    if (this.started && body.cursor !== this.next) return false; // another call was faster
    this.started = true;
    // How many weaker ones there are is not counted for regions.
    const { accepted, weaker = null, searched, next, form = null, without_regions: withoutRegions = 0 } = page;
    Object.assign(this, { accepted, weaker, searched, next, form, withoutRegions });
    this.complete = page.next === null;
    for (const tile of page.hits) this.tiles.push(tile);
    return true;
  }

  /// Hits there will be when all are loaded.
  get expected() {
    if (this.complete) return this.tiles.length;
    return this.body.all ? this.accepted + (this.weaker ?? this.searched - this.accepted) : this.accepted;
  }

  /// Tiles to show in order: near-duplicates lie on the best of them, which knows how many.
  items() {
    const leaders = new Map();
    const items = [];
    for (const tile of this.tiles) {
      const leader = tile.stack === null ? undefined : leaders.get(tile.stack);
      if (leader) {
        leader.under.push(tile);
        if (this.spread.has(leader.tile.id)) items.push({ tile, under: [], leader: leader.tile.id });
      } else {
        const item = { tile, under: [], leader: null };
        leaders.set(tile.id, item);
        items.push(item);
      }
    }
    return items;
  }

  /// The items in sections with headings: strong, likely and weaker matches, or months.
  sections(items) {
    const sections = [];
    let current = null;
    for (const item of items) {
      const [key, title] = this.#section(item.tile);
      if (current?.key !== key) {
        current = { key, title, items: [] };
        sections.push(current);
      }
      current.items.push(item);
    }
    return sections;
  }

  #section(tile) {
    if (this.ranked && tile.strength === "weak") return ["weak", t("weakMatches")];
    if (this.sort === "relevance") return [tile.strength, t(`${tile.strength}Matches`)];
    return tile.taken ? [tile.taken.slice(0, 7), month(tile.taken)] : ["undated", t("undated")];
  }
}
