// A rectangle that the mouse draws over the grid, from a place where no image is. It selects all images that it touches.

import { h } from "./dom.js";

/// The mouse has to move this far, so that a click is none.
const LEAST = 6;
/// Near an edge of the window the page moves, by this share of how far the mouse is beyond that line.
const EDGE = 60;
const SPEED = 0.35;

/** @type {(page: { grid: Page.Grid, selection: Page.Selection, done: () => void }) => void} */
export function setUpLasso({ grid, selection, done }) {
  const { root } = grid;
  const area = root.parentElement ?? root;
  const box = h("div", { class: "lasso", "aria-hidden": "true" });
  /// Where it began, in the grid; where the mouse is, in the window; what was selected before.
  /** @type {{ x: number, y: number } | null} */
  let begun = null;
  let mouse = { clientX: 0, clientY: 0 };
  /** @type {number[]} */
  let before = [];

  /** @type {(place: { clientX: number, clientY: number }) => { x: number, y: number }} */
  const inGrid = ({ clientX, clientY }) => {
    const { left, top } = root.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };

  function draw() {
    if (!begun) return;
    const { x, y } = inGrid(mouse);
    const [left, right] = [Math.min(begun.x, x), Math.max(begun.x, x)];
    const [top, bottom] = [Math.min(begun.y, y), Math.max(begun.y, y)];
    if (!box.isConnected) {
      if (Math.max(right - left, bottom - top) < LEAST) return;
      root.append(box);
      document.documentElement.classList.add("drawing-lasso");
    }
    Object.assign(box.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
    selection.replace([...before, ...grid.idsWithin({ left, top, right, bottom })]);
  }

  /// While the mouse rests near an edge, the page goes on moving.
  function move() {
    if (!begun) return;
    const beyond = Math.min(mouse.clientY - EDGE, 0) + Math.max(mouse.clientY - innerHeight + EDGE, 0);
    if (beyond && box.isConnected) (scrollBy(0, beyond * SPEED), draw());
    requestAnimationFrame(move);
  }

  function end() {
    if (!begun) return;
    begun = null;
    document.documentElement.classList.remove("drawing-lasso");
    if (!box.isConnected) return;
    box.remove();
    done();
  }

  area.addEventListener("pointerdown", (event) => {
    const onEmpty = event.target === area || event.target === root || (event.target instanceof Element && event.target.matches(".part, .part h2, .tiles"));
    if (event.pointerType !== "mouse" || event.button !== 0 || !onEmpty) return;
    event.preventDefault(); // no text is selected on the way
    [begun, mouse, before] = [inGrid(event), event, selection.ids];
    area.setPointerCapture(event.pointerId);
    move();
  });
  area.addEventListener("pointermove", (event) => begun && ((mouse = event), draw()));
  for (const stop of ["pointerup", "pointercancel", "lostpointercapture"]) area.addEventListener(stop, end);
}
