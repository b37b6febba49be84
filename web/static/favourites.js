// Favourites: made and taken back, one by one or for a whole selection.

import { favourites } from "./api.js";
import { noteFavourites } from "./details.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// `tiles` gives the tiles that are loaded; `changed` is called when the server knows.
/**
 * @typedef {object} Favourites
 * @property {(ids: number[]) => Promise<void>} toggle makes images favourites; if all of them are, takes that back
 * @property {(ids: number[], favourite: boolean) => Promise<void>} set
 */
/** @type {(page: { tiles: () => Page.Tile[], changed: () => void }) => Favourites} */
export function setUpFavourites({ tiles, changed }) {
  /** @type {(ids: number[]) => Promise<void>} */
  async function toggle(ids) {
    const wanted = new Set(ids);
    const own = tiles().filter(({ id }) => wanted.has(id));
    await set(ids, own.length < wanted.size || own.some(({ favourite }) => !favourite));
  }

  /** @type {(ids: number[], favourite: boolean) => Promise<void>} */
  async function set(ids, favourite) {
    const wanted = new Set(ids);
    await favourites(ids, favourite);
    noteFavourites(ids, favourite);
    for (const tile of tiles()) if (wanted.has(tile.id)) tile.favourite = favourite;
    toast(t(favourite ? "favouritesAdded" : "favouritesRemoved", { n: ids.length }));
    changed();
  }
  return { toggle, set };
}
