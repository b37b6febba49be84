// Images of the grid that are dragged to another place of it: with a mouse at once, with a finger after it has rested on one.

import { thumbnail } from "./api.js";
import { closest, h } from "./dom.js";
import { stillOf } from "./video.js";
import { number } from "./words.js";

/// A press that moves less, in pixels, is a click.
const LEAST = 6;
/// Near an edge of the window the page moves, by this share of how far the pointer is beyond that line.
const EDGE = 70;
const SPEED = 0.2;
/// Sides of what is carried, as in the style sheet; a finger would hide it, so it is above.
const CARRIED = 72;
const ABOVE = 24;

/**
 * @typedef {object} Press
 * @property {number} index of the image that is dragged
 * @property {number} x
 * @property {number} y
 * @property {number} pointer
 * @property {boolean} dragged
 * @property {(() => void) | null} still what to do if a finger is lifted where it was
 */

/// `mayDrag()` says whether images can be moved, `carried(index)` which ones one takes along, and `drop(index, to)` is told that
/// the image at `index` was taken to before the one at `to`.
/**
 * @type {(page: { grid: Page.Grid, mayDrag: () => boolean, carried: (index: number) => number[], drop: (index: number, to: number) => void }) =>
 *   Page.ImageDrag}
 */
export function setUpImageDrag({ grid, mayDrag, carried, drop }) {
  const { root } = grid;
  /** @type {Press | null} */
  let press = null;
  /// The tile beside which it would come, and whether behind it.
  /** @type {{ tile: HTMLElement, index: number, behind: boolean } | null} */
  let aim = null;
  let at = { clientX: 0, clientY: 0 };
  const load = h("div", { class: "carried", "aria-hidden": "true" });

  const forward = () => (document.documentElement.dir === "rtl" ? -1 : 1);
  /** @type {(next: typeof aim) => void} */
  function take(next) {
    aim?.tile.classList.remove("aimed-before", "aimed-behind");
    aim = next;
    aim?.tile.classList.add(aim.behind ? "aimed-behind" : "aimed-before");
  }

  function look() {
    const { clientX, clientY } = at;
    const tile = document.elementFromPoint(clientX, clientY)?.closest(".tile");
    const shot = tile?.querySelector("a.shot");
    if (!(tile instanceof HTMLElement) || !(shot instanceof HTMLElement) || !root.contains(tile)) return take(null);
    const { left, width } = tile.getBoundingClientRect();
    take({ tile, index: Number(shot.dataset.index), behind: (clientX - left - width / 2) * forward() > 0 });
  }

  function place() {
    load.style.transform = `translate(${at.clientX - CARRIED / 2}px, ${at.clientY - CARRIED - ABOVE}px)`;
  }

  /// The first image of those that are moved, small, and their number.
  /** @type {(index: number) => void} */
  function pickUp(index) {
    const { tile } = grid.items[index];
    const count = carried(index).length;
    load.replaceChildren(h("img", { src: thumbnail(stillOf(tile), 160), alt: "", draggable: false }), ...(count > 1 ? [h("span", {}, number(count))] : []));
    document.body.append(load);
    document.documentElement.classList.add("moving-images");
    requestAnimationFrame(follow);
  }

  /// While the pointer rests near an edge, the page goes on moving.
  function follow() {
    if (!press?.dragged) return;
    const { clientY } = at;
    const beyond = Math.min(clientY - grid.header - EDGE, 0) + Math.max(clientY - innerHeight + EDGE, 0);
    if (beyond) (scrollBy(0, beyond * SPEED), look());
    requestAnimationFrame(follow);
  }

  /** @type {(event: PointerEvent) => void} */
  function move({ clientX, clientY, pointerId }) {
    if (press?.pointer !== pointerId) return;
    if (!press.dragged && Math.hypot(clientX - press.x, clientY - press.y) < LEAST) return;
    at = { clientX, clientY };
    if (!press.dragged) (press.dragged = true), pickUp(press.index);
    place();
    look();
  }

  /** @type {(event: Event) => void} */
  function end({ type }) {
    if (!press) return;
    const [{ index, dragged, still }, target] = [press, aim];
    press = null;
    take(null);
    load.remove();
    document.documentElement.classList.remove("moving-images");
    if (!dragged) return type === "pointerup" ? still?.() : undefined;
    // What follows at once opens nothing.
    addEventListener("click", stop, true);
    setTimeout(() => removeEventListener("click", stop, true));
    if (target && type === "pointerup") drop(index, target.index + Number(target.behind));
  }
  /** @type {(event: Event) => void} */
  const stop = (event) => (event.preventDefault(), event.stopPropagation());

  root.addEventListener("pointerdown", (event) => {
    const shot = closest(event, "a.shot");
    if (!shot || !mayDrag() || event.pointerType === "touch" || event.button !== 0 || event.shiftKey || event.ctrlKey || event.metaKey) return;
    press = { index: Number(shot.dataset.index), x: event.clientX, y: event.clientY, pointer: event.pointerId, dragged: false, still: null };
  });
  // The browser would drag the link.
  root.addEventListener("dragstart", (event) => press && event.preventDefault());
  addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);

  /// The page would move under a finger that drags. Only where images can be moved does it wait for an answer to that.
  /** @type {(event: TouchEvent) => void} */
  const hold = (event) => press && event.cancelable && event.preventDefault();
  let holds = false;

  return {
    grab(index, event, still) {
      if (!mayDrag()) return false;
      press = { index, x: event.clientX, y: event.clientY, pointer: event.pointerId, dragged: false, still };
      closest(event, "a.shot")?.focus({ preventScroll: true }); // it stays in the document, and with it the finger's events
      return true;
    },
    follow() {
      if (holds === mayDrag()) return;
      holds = mayDrag();
      if (holds) root.addEventListener("touchmove", hold, { passive: false });
      else root.removeEventListener("touchmove", hold);
    },
  };
}
