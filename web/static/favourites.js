// Favourites: made and taken back, one by one or for a whole selection.

import { favourites } from "./api.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// `tiles` gives the tiles that are loaded; `changed` is called when the server knows.
/** @type {(page: { tiles: () => Page.Tile[], changed: () => void }) => { toggle: (ids: number[]) => Promise<void> }} */
export function setUpFavourites({ tiles, changed }) {
  /// Makes images favourites; if all of them are favourites, takes that back.
  /** @type {(ids: number[]) => Promise<void>} */
  async function toggle(ids) {
    const wanted = new Set(ids);
    const own = tiles().filter(({ id }) => wanted.has(id));
    const favourite = own.length < wanted.size || own.some(({ favourite }) => !favourite);
    await favourites(ids, favourite);
    for (const tile of own) tile.favourite = favourite;
    toast(t(favourite ? "favouritesAdded" : "favouritesRemoved", { n: ids.length }));
    changed();
  }
  return { toggle };
}
