// The images of a result set, laid out in the grid.

import { $ } from "./dom.js";
import { write } from "./state.js";

/// Shows what is loaded. Gives the items.
/** @type {(grid: Page.Grid, state: Page.State, results: Page.ResultSet) => { length: number }} */
export function showImages(grid, state, results) {
  const items = results.items();
  const sections = results.sections(items);
  const { ranked, sort } = results;
  $("results").classList.toggle("timeline", !ranked);
  const things = results.form?.things.map(({ text }) => text) ?? [];
  const more = Math.max(0, results.expected - results.tiles.length);
  /** @type {(id: number) => string} */
  const hrefOf = (id) => write({ ...state, view: id });
  grid.show(sections, { key: write({ ...state, view: null }), ranked, worded: ranked && sort !== "relevance", things, hrefOf, more });
  return items;
}
