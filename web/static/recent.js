// Searches that were made in this browser, newest first. They stay in it.

import { EMPTY, isRanked, write } from "./state.js";

/** @typedef {{ address: string, text: string, find: boolean }} Recent */

const KEPT = "glimpse.searches";
const MOST = 20;

/// What was searched for: `{ address, text, find }` of each, where `address` leads back to it.
/** @type {() => Recent[]} */
export function recentSearches() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "[]");
  } catch {
    return []; // what another program wrote there
  }
}

/** @type {(searches: Recent[]) => void} */
const keep = (searches) => localStorage.setItem(KEPT, JSON.stringify(searches.slice(0, MOST)));

/// Keeps what a state asks for. Images to search with are left out: those that were sent are soon forgotten, and a number
/// says nothing.
/** @type {(state: Page.State) => void} */
export function rememberSearch(state) {
  const { text, sign, chips, find, relations } = state;
  if (!isRanked(state) || chips.some(({ kind }) => kind !== "text")) return;
  const address = write({ ...EMPTY, text: text.trim(), sign, chips, find, relations });
  keep([{ address, text: labelOf(state), find }, ...recentSearches().filter((search) => search.address !== address)]);
}

/** @type {(address: string) => void} */
export const forgetSearch = (address) => keep(recentSearches().filter((search) => search.address !== address));
export const forgetSearches = () => localStorage.removeItem(KEPT);

/** @type {(state: Page.State) => string} */
function labelOf({ text, sign, chips }) {
  const parts = [...chips, ...(text.trim() ? [{ value: text.trim(), weight: sign }] : [])];
  return parts.map(({ value, weight }, i) => (weight < 0 ? `− ${value}` : i ? `+ ${value}` : value)).join(" ");
}
