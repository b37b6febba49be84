// Two images beside each other, large, moved and zoomed as one, so that the same part of both is seen.

import { large, thumbnail } from "./api.js";
import { closest, fileName, h } from "./dom.js";
import { icon } from "./icons.js";
import { clock, number, size, t } from "./words.js";

const MOST = 20;
/// Steps of the keys: shares of the frame, and factors.
const STEP = 0.12;
const FACTOR = 1.4;

/// Compares the first image of a group with another one, the second to begin with.
/** @type {(images: Api.Image[]) => void} */
export function openComparison(images) {
  const dialog = h("dialog", { class: "comparison", "aria-label": t("dupCompare") });
  const close = h("button", { class: "round", type: "button", title: t("close"), "aria-label": t("close"), on: { click: () => dialog.close() } }, icon("close"));
  const panes = h("div", { class: "panes", tabIndex: 0, role: "group", "aria-label": t("compareHelp") });
  const others = h("div", { class: "others", role: "group", "aria-label": t("dupCompare") });
  dialog.append(h("div", { class: "top" }, h("p", { class: "soft" }, t("compareHelp")), close), panes, others);
  /// How much larger than to fit, and how far from the middle, in shares of a frame.
  let at = { scale: 1, x: 0, y: 0 };

  /** @type {(other: Api.Image) => void} */
  function show(other) {
    panes.replaceChildren(pane(images[0]), pane(other));
    for (const button of /** @type {Iterable<HTMLElement>} */ (/** @type {unknown} */ (others.children))) button.setAttribute("aria-pressed", String(Number(button.dataset.id) === other.id));
    place();
  }

  /** @type {(record: Api.Image) => HTMLElement} */
  function pane(record) {
    const img = h("img", { alt: fileName(record.path), src: thumbnail(record, 640), draggable: false });
    const whole = new Image();
    whole.addEventListener("load", () => (img.src = whole.src), { once: true });
    whole.src = large(record);
    const length = record.duration && clock(record.duration);
    const facts = [`${number(record.width)} × ${number(record.height)}`, length, size(record.bytes), record.format.toUpperCase()].filter(Boolean).join(" · ");
    return h("figure", {}, h("div", { class: "frame" }, img), h("figcaption", {}, h("bdi", { class: "name" }, fileName(record.path)), h("span", { class: "soft" }, facts)));
  }

  function place() {
    const room = (at.scale - 1) / 2;
    at.x = Math.min(Math.max(at.x, -room), room);
    at.y = Math.min(Math.max(at.y, -room), room);
    for (const img of panes.querySelectorAll("img")) img.style.transform = `translate(${at.x * 100}%, ${at.y * 100}%) scale(${at.scale})`;
  }

  /// Zooms so that a point, in shares of a frame from its middle, stays where it is.
  /** @type {(factor: number, x?: number, y?: number) => void} */
  function zoom(factor, x = 0, y = 0) {
    const scale = Math.min(Math.max(at.scale * factor, 1), MOST);
    const by = scale / at.scale;
    at = { scale, x: x - (x - at.x) * by, y: y - (y - at.y) * by };
    place();
  }

  /** @type {(x: number, y: number) => void} */
  function move(x, y) {
    at = { ...at, x: at.x + x, y: at.y + y };
    place();
  }

  /// Where a pointer is in its frame, in shares from the middle.
  /** @type {(event: MouseEvent) => Page.Pixel} */
  function inFrame(event) {
    const frame = closest(event, ".frame") ?? panes;
    const { left, top, width, height } = frame.getBoundingClientRect();
    return { x: (event.clientX - left) / width - 0.5, y: (event.clientY - top) / height - 0.5 };
  }

  /** @type {Map<number, Page.Pixel>} */
  const pointers = new Map();
  panes.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, inFrame(event));
    panes.setPointerCapture(event.pointerId);
  });
  panes.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = inFrame(event);
    const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    pointers.set(event.pointerId, now);
    if (!other) return move(now.x - before.x, now.y - before.y);
    /** @type {(place: Page.Pixel) => number} */
    const spread = (place) => Math.max(Math.hypot(place.x - other.x, place.y - other.y), 0.01);
    zoom(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  });
  panes.addEventListener("pointerup", ({ pointerId }) => pointers.delete(pointerId));
  panes.addEventListener("pointercancel", ({ pointerId }) => pointers.delete(pointerId));
  panes.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = inFrame(event);
    zoom(2 ** Math.min(Math.max(-event.deltaY / 240, -1), 1), x, y);
  }, { passive: false });
  panes.addEventListener("dblclick", (event) => {
    const { x, y } = inFrame(event);
    zoom(at.scale > 1 ? 1 / MOST : 3, x, y);
  });
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => move(STEP, 0), ArrowRight: () => move(-STEP, 0), ArrowUp: () => move(0, STEP), ArrowDown: () => move(0, -STEP),
    "+": () => zoom(FACTOR), "=": () => zoom(FACTOR), "-": () => zoom(1 / FACTOR), 0: () => zoom(1 / MOST),
  };
  dialog.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  dialog.addEventListener("close", () => (cover(false), dialog.remove()), { once: true });

  others.hidden = images.length < 3;
  others.append(...images.slice(1).map((record) => h("button", {
    type: "button", data: { id: record.id }, title: fileName(record.path), "aria-label": t("compareWith", { name: fileName(record.path) }), on: { click: () => show(record) },
  }, h("img", { src: thumbnail(record, 160), alt: "" }))));
  document.body.append(dialog);
  cover(true);
  dialog.showModal();
  panes.focus();
  show(images[1]);
}

/// Covers the strip of the scroll bar, too, as the large view does.
/** @type {(is: boolean) => void} */
function cover(is) {
  const { style, classList, clientWidth } = document.documentElement;
  if (is) style.setProperty("--bar", `${innerWidth - clientWidth}px`);
  classList.toggle("viewing", is);
}
