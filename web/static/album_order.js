// Images of an album that is shown in its own order, put into another one: dragged with a mouse, moved with Ctrl, Shift and arrow
// keys, or taken to the beginning from the bar of what is selected.

import { orderAlbum } from "./api.js";
import { closest, isTyping } from "./dom.js";
import { explain } from "./errors.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// A press that moves less, in pixels, is a click.
const LEAST = 6;

/**
 * @typedef {object} AlbumOrder
 * @property {() => boolean} isOwn whether an album is shown in its own order
 * @property {(ids: number[], after: number | null) => Promise<void>} move behind another image, or to the beginning
 */

/// `album()` is the album that is shown in its own order, or nothing; `moved()` shows it anew.
/** @type {(page: { grid: Page.Grid, selection: Page.Selection, album: () => string, moved: () => Promise<void> }) => AlbumOrder} */
export function setUpAlbumOrder({ grid, selection, album, moved }) {
  const { root } = grid;
  /** @type {{ index: number, x: number, y: number, pointer: number, dragged: boolean } | null} */
  let press = null;
  /// The tile beside which it would come, and whether behind it.
  /** @type {{ tile: HTMLElement, index: number, behind: boolean } | null} */
  let aim = null;
  let running = Promise.resolve();

  /** @type {(ids: number[], after: number | null) => Promise<void>} */
  async function move(ids, after) {
    await orderAlbum(album(), ids, after);
    await moved();
  }

  /// Moves one after the other, as each is meant from where the one before has led to.
  /** @type {(act: () => Promise<void>) => Promise<void>} */
  const inTurn = (act) => (running = running.then(() => (album() ? act() : undefined)).catch((error) => toast(explain(error))).then(() => {}));

  /// What is moved with an image: all that is selected, if it is, in their order.
  /** @type {(id: number) => number[]} */
  function together(id) {
    const all = grid.items.map(({ tile }) => tile.id);
    return selection.has(id) ? all.filter((one) => selection.has(one)) : [id];
  }

  /// Moves images to before the one that is at `index`; the first of them has the focus then.
  /** @type {(ids: number[], index: number) => Promise<void>} */
  async function moveTo(ids, index) {
    const before = grid.items.slice(0, index).map(({ tile }) => tile.id).filter((id) => !ids.includes(id));
    await move(ids, before.at(-1) ?? null);
    grid.focus(before.length);
    announce(t("albumMoved", { n: before.length + 1 }));
  }

  // ---- mouse ----

  const forward = () => (document.documentElement.dir === "rtl" ? -1 : 1);
  /** @type {(next: typeof aim) => void} */
  function take(next) {
    aim?.tile.classList.remove("aimed-before", "aimed-behind");
    aim = next;
    aim?.tile.classList.add(aim.behind ? "aimed-behind" : "aimed-before");
  }

  /** @type {(event: PointerEvent) => void} */
  function drag({ clientX, clientY, pointerId }) {
    if (press?.pointer !== pointerId) return;
    if (!press.dragged && Math.hypot(clientX - press.x, clientY - press.y) < LEAST) return;
    press.dragged = true;
    document.documentElement.classList.add("moving-images");
    const tile = document.elementFromPoint(clientX, clientY)?.closest(".tile");
    const shot = tile?.querySelector("a.shot");
    if (!(tile instanceof HTMLElement) || !(shot instanceof HTMLElement) || !root.contains(tile)) return take(null);
    const { left, width } = tile.getBoundingClientRect();
    take({ tile, index: Number(shot.dataset.index), behind: (clientX - left - width / 2) * forward() > 0 });
  }

  /** @type {(event: Event) => void} */
  function end({ type }) {
    if (!press) return;
    const [{ index, dragged }, at] = [press, aim];
    press = null;
    take(null);
    document.documentElement.classList.remove("moving-images");
    if (!dragged) return;
    // What follows at once opens nothing.
    addEventListener("click", stop, true);
    setTimeout(() => removeEventListener("click", stop, true));
    const id = grid.items[index]?.tile.id;
    if (at && id !== undefined && type === "pointerup") inTurn(() => moveTo(together(id), at.index + Number(at.behind)));
  }
  /** @type {(event: Event) => void} */
  const stop = (event) => (event.preventDefault(), event.stopPropagation());

  root.addEventListener("pointerdown", (event) => {
    const shot = closest(event, "a.shot");
    if (!shot || !album() || event.pointerType === "touch" || event.button !== 0 || event.shiftKey || event.ctrlKey || event.metaKey) return;
    press = { index: Number(shot.dataset.index), x: event.clientX, y: event.clientY, pointer: event.pointerId, dragged: false };
  });
  // The browser would drag the link.
  root.addEventListener("dragstart", (event) => press && event.preventDefault());
  addEventListener("pointermove", drag);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);

  // ---- keys ----

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey || isTyping(event.target)) return;
    if (!(event.target instanceof Element && event.target.matches("a.shot")) || !album()) return;
    /** @type {Record<string, (index: number) => number>} */
    const places = {
      ArrowRight: (index) => index + (forward() > 0 ? 2 : -1), ArrowLeft: (index) => index + (forward() > 0 ? -1 : 2),
      Home: () => 0, End: () => grid.items.length,
    };
    const place = places[event.key];
    if (!place) return;
    event.preventDefault();
    inTurn(async () => {
      const index = grid.current;
      const to = place(index);
      if (grid.items[index] && to >= 0 && to <= grid.items.length) await moveTo([grid.items[index].tile.id], to);
    });
  });

  return { isOwn: () => album() !== "", move };
}
