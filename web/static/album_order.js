// Images of an album that is shown in its own order, put into another one: dragged with a mouse or a finger, moved with Ctrl, Shift
// and arrow keys, or from the bar of what is selected.

import { orderAlbum } from "./api.js";
import { isTyping } from "./dom.js";
import { setUpImageDrag } from "./drag_images.js";
import { explain } from "./errors.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/**
 * @typedef {object} AlbumOrder
 * @property {() => boolean} isOwn whether an album is shown in its own order
 * @property {(ids: number[]) => Promise<void>} moveFirst to the beginning
 * @property {(ids: number[], by: 1 | -1) => Promise<void>} moveBy behind the image after them, or before the one before them
 * @property {Page.ImageDrag["grab"]} grab a finger rests on an image
 * @property {() => void} follow something else is shown
 */

/// `album()` is the album that is shown in its own order, or nothing; `moved()` shows it anew.
/** @type {(page: { grid: Page.Grid, selection: Page.Selection, album: () => string, moved: () => Promise<void> }) => AlbumOrder} */
export function setUpAlbumOrder({ grid, selection, album, moved }) {
  let running = Promise.resolve();

  /// Moves one after the other, as each is meant from where the one before has led to.
  /** @type {(act: () => Promise<unknown>) => Promise<void>} */
  const inTurn = (act) => (running = running.then(() => (album() ? act() : undefined)).catch((error) => toast(explain(error))).then(() => {}));

  /// The images in the order that is shown.
  /** @type {(ids: number[]) => number[]} */
  const inOrder = (ids) => grid.items.map(({ tile }) => tile.id).filter((id) => ids.includes(id));

  /// What is moved with an image: all that is selected, if it is, in their order.
  /** @type {(id: number) => number[]} */
  const together = (id) => (selection.has(id) ? inOrder(selection.ids) : [id]);

  /// Moves images to before the one that is at `index`. Gives the place of the first of them.
  /** @type {(ids: number[], index: number) => Promise<number>} */
  async function moveTo(ids, index) {
    const before = grid.items.slice(0, index).map(({ tile }) => tile.id).filter((id) => !ids.includes(id));
    await orderAlbum(album(), ids, before.at(-1) ?? null);
    await moved();
    announce(t("albumMoved", { n: before.length + 1 }));
    return before.length;
  }

  /// Moves images by one place as a whole, and shows where they are.
  /** @type {(ids: number[], by: 1 | -1) => Promise<void>} */
  async function moveBy(ids, by) {
    const sorted = inOrder(ids);
    const places = sorted.map((id) => grid.items.findIndex(({ tile }) => tile.id === id));
    const to = by < 0 ? places[0] - 1 : places[places.length - 1] + 2;
    if (sorted.length && to >= 0 && to <= grid.items.length) grid.reveal(await moveTo(sorted, to));
  }

  const drag = setUpImageDrag({
    grid,
    mayDrag: () => album() !== "",
    carried: (index) => together(grid.items[index].tile.id),
    drop(index, to) {
      const id = grid.items[index]?.tile.id;
      if (id !== undefined) inTurn(async () => grid.focus(await moveTo(together(id), to)));
    },
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey || isTyping(event.target)) return;
    if (!(event.target instanceof Element && event.target.matches("a.shot")) || !album()) return;
    const isForward = document.documentElement.dir !== "rtl";
    /** @type {Record<string, (index: number) => number>} */
    const places = {
      ArrowRight: (index) => index + (isForward ? 2 : -1), ArrowLeft: (index) => index + (isForward ? -1 : 2),
      Home: () => 0, End: () => grid.items.length,
    };
    const place = places[event.key];
    if (!place) return;
    event.preventDefault();
    inTurn(async () => {
      const index = grid.current;
      const to = place(index);
      if (grid.items[index] && to >= 0 && to <= grid.items.length) grid.focus(await moveTo([grid.items[index].tile.id], to));
    });
  });

  return {
    isOwn: () => album() !== "",
    moveFirst: (ids) => inTurn(async () => grid.reveal(await moveTo(inOrder(ids), 0))),
    moveBy: (ids, by) => inTurn(() => moveBy(ids, by)),
    grab: drag.grab,
    follow: drag.follow,
  };
}
