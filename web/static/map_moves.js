// Moving a map by mouse, finger, wheel and keys, and drawing a box on it.

import { closest } from "./dom.js";

/// Pixels that a pointer moves before that is no click.
const STILL = 5;
/// Pixels that an arrow key moves the map, and steps of zoom.
const STEP = 90;
const ZOOM = 0.7;

/**
 * @typedef {{ from: Page.Pixel, to: Page.Pixel }} Band
 * @typedef {object} Parts
 * @property {HTMLElement} frame
 * @property {HTMLElement} band
 * @property {Page.View} view
 * @property {{ box: (box: Page.Pixel & Page.Sides) => void, end: () => void, all: () => void }} on
 */

/// Lets people move a view. `surface` takes the keys; `band` is shown as the box that is drawn. `on.box(box)` is called with
/// one that was drawn, in pixels, `on.end()` when drawing ends, `on.all()` shows everything.
/** @type {(map: Parts) => { draw: (wanted: boolean) => void, isDrawing: () => boolean, zoom: (steps: number) => void }} */
export function setUpMoves({ frame, band, view, on }) {
  /** @type {Map<number, Page.Pixel>} */
  const pointers = new Map();
  let drawing = false;
  /** @type {Band | null} */
  let drawn = null;
  let dragged = false;

  /** @type {(event: MouseEvent) => Page.Pixel} */
  const inFrame = (event) => {
    const { left, top } = frame.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  /** @type {(wanted: boolean) => void} */
  function draw(wanted) {
    drawing = wanted;
    drawn = null;
    band.hidden = true;
    frame.classList.toggle("drawing", wanted);
    if (!wanted) on.end();
  }

  frame.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button !== 0 || closest(event, ".map-tools, .map-here")) return;
    pointers.set(event.pointerId, inFrame(event));
    view.stop();
    if (pointers.size === 1 && (drawing || event.shiftKey)) {
      drawing = true;
      drawn = { from: inFrame(event), to: inFrame(event) };
      frame.setPointerCapture(event.pointerId);
    } else drawn = null;
  });

  frame.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = inFrame(event);
    if (drawn) {
      drawn.to = now;
      dragged ||= Math.hypot(now.x - drawn.from.x, now.y - drawn.from.y) >= STILL;
      return showBand(drawn);
    }
    if (!dragged && pointers.size === 1 && Math.hypot(now.x - before.x, now.y - before.y) < STILL) return;
    dragged = true;
    frame.setPointerCapture(event.pointerId);
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    pointers.set(event.pointerId, now);
    if (!others.length) return view.moveBy(now.x - before.x, now.y - before.y);
    const [other] = others;
    /** @type {(place: Page.Pixel) => number} */
    const spread = (place) => Math.max(Math.hypot(place.x - other.x, place.y - other.y), 1);
    /** @type {(place: Page.Pixel) => Page.Pixel} */
    const middle = (place) => ({ x: (place.x + other.x) / 2, y: (place.y + other.y) / 2 });
    view.moveBy(middle(now).x - middle(before).x, middle(now).y - middle(before).y);
    view.zoomBy(Math.log2(spread(now) / spread(before)), middle(now).x, middle(now).y);
  });

  /** @type {(event: PointerEvent) => void} */
  const leave = (event) => {
    const ended = pointers.delete(event.pointerId);
    if (!ended || !drawn) return;
    const box = boxOf(drawn);
    const isBox = event.type === "pointerup" && dragged && box.width > 2 * STILL && box.height > 2 * STILL;
    draw(false);
    if (isBox) on.box(box);
  };
  frame.addEventListener("pointerup", leave);
  frame.addEventListener("pointercancel", leave);
  // The end of a drag is no click on what lies there.
  frame.addEventListener("click", (event) => dragged && event.detail > 0 && (event.stopPropagation(), event.preventDefault(), (dragged = false)), true);
  frame.addEventListener("dblclick", (event) => {
    if (closest(event, "button")) return;
    const { x, y } = inFrame(event);
    view.zoomBy(1, x, y);
  });
  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = inFrame(event);
    const lines = event.deltaMode === 1 ? 20 : 1;
    // A pinch on a touch pad comes as a wheel with Ctrl, in small steps.
    view.zoomBy(Math.min(Math.max((-event.deltaY * lines) / (event.ctrlKey ? 60 : 240), -1), 1), x, y);
  }, { passive: false });

  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => view.moveBy(STEP, 0), ArrowRight: () => view.moveBy(-STEP, 0), ArrowUp: () => view.moveBy(0, STEP), ArrowDown: () => view.moveBy(0, -STEP),
    "+": () => view.zoomBy(ZOOM), "=": () => view.zoomBy(ZOOM), "-": () => view.zoomBy(-ZOOM), 0: on.all,
  };
  frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && drawing) return event.stopPropagation(), draw(false);
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });

  /** @type {(band: Band) => void} */
  function showBand(shown) {
    const { x, y, width, height } = boxOf(shown);
    band.hidden = false;
    Object.assign(band.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  }

  return { draw, isDrawing: () => drawing, zoom: (by) => view.zoomBy(by * ZOOM) };
}

/** @type {(band: Band) => Page.Pixel & Page.Sides} */
const boxOf = ({ from, to }) => ({ x: Math.min(from.x, to.x), y: Math.min(from.y, to.y), width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) });
