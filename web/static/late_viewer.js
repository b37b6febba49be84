// The large view of one image, loaded once the first images are there: nobody opens one sooner, and the page starts sooner without.

import { explain } from "./errors.js";
import { toast } from "./toast.js";

/**
 * @typedef {object} LateViewer
 * @property {() => void} load
 * @property {(id: number) => void} open an image, as soon as that can be, if it is still the one that `wanted` names
 * @property {() => void} close
 * @property {() => void} refresh
 */
/** @type {(make: () => Promise<Page.Viewer>, wanted: () => number | null) => LateViewer} */
export function lateViewer(make, wanted) {
  /** @type {Page.Viewer | null} */
  let viewer = null;
  /** @type {Promise<void> | null} */
  let loading = null;
  const load = () => (loading ??= make().then((made) => void (viewer = made), (error) => {
    loading = null; // the server may be back by the next time
    throw error;
  }));
  return {
    load: () => void load().catch(() => {}), // opening an image says it
    open(id) {
      if (viewer) return viewer.open(id);
      load().then(() => void (wanted() === id && viewer?.open(id)), (error) => toast(explain(error)));
    },
    close: () => viewer?.close(),
    refresh: () => viewer?.refresh(),
  };
}
