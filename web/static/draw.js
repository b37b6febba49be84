// Drawing a box on the open image to search for what is in it: with a mouse, a finger, or keys; a tap takes the region
// that the image was indexed with, and another tap the next larger one.

import { isCancelled, regions } from "./api.js";
import { closest, debounce, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { announce, toast } from "./toast.js";
import { number, t } from "./words.js";

/// Shares of the image: what a key moves by, and the smallest side.
const STEP = 0.02;
const LEAST = 0.02;
/// A press that moves less, in pixels, is a tap.
const TAP = 6;
/** @type {Record<string, [dx: number, dy: number]>} */
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
/// Where the box is at first.
/** @type {Page.Shares} */
const START = [0.25, 0.25, 0.75, 0.75];

/** @typedef {Page.Shares} Shares */
/** @typedef {(box: Shares) => Promise<string | undefined>} Describe */
/** @typedef {{ id: number, point: [number, number], fixed: [number, number], inside: boolean, box: Shares, x: number, y: number, moved: boolean }} Press */

const CORNERS = ["nw", "ne", "sw", "se"];

/** @type {(value: number, low: number, high: number) => number} */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

export class Draw {
  /// The box, and the frame of the image that it is drawn on.
  area = h("div");
  /** @type {HTMLElement} */
  #frame = this.area;
  /** @type {HTMLElement | null} */
  #layer = null;
  /** @type {Shares} */
  #box = START;
  /** @type {Shares[]} */
  #stored = [];
  /** @type {Press | null} */
  #press = null;

  /// `on.search(box)` gets the box in shares; `on.words()` gives a way to describe one, if there is one; `on.end()` is told
  /// when drawing is over.
  /**
   * @param {HTMLElement} bar
   * @param {{ search: (box: Shares) => void, words: () => false | Describe, end: () => void }} on
   */
  constructor(bar, on) {
    this.bar = bar;
    this.on = on;
    this.say = debounce(() => this.active && announce(this.#words()), 400);
  }

  get active() {
    return this.#layer !== null;
  }

  /// Begins to draw on an image, with a box in its middle that keys can move.
  /** @type {(frame: HTMLElement, record: { id: number }) => void} */
  begin(frame, record) {
    this.end();
    this.#frame = frame;
    this.area = h("div", { class: "selection", tabIndex: 0, role: "application", "aria-describedby": "draw-help" },
      CORNERS.map((corner) => h("i", { class: `corner ${corner}`, data: { corner } })));
    this.#layer = h("div", { class: "drawing" }, this.area);
    this.#layer.addEventListener("pointerdown", this.#down);
    this.#layer.addEventListener("pointermove", this.#move);
    this.#layer.addEventListener("pointerup", this.#up);
    this.#layer.addEventListener("pointercancel", this.#up);
    this.#layer.addEventListener("dblclick", (event) => event.stopPropagation());
    this.area.addEventListener("keydown", this.#key);
    frame.append(this.#layer);
    /** @type {(label: Page.Sentence, name: Page.Icon, act: () => unknown, kind?: string) => HTMLButtonElement} */
    const button = (label, name, act, kind = "") => h("button", { class: `button ${kind}`, type: "button", on: { click: act } }, icon(name), t(label));
    const words = this.on.words();
    this.bar.replaceChildren(
      h("p", { id: "draw-help" }, t("drawHelp"), " ", h("span", { class: "keys-only" }, t("drawKeys"))),
      button("searchRegion", "search", () => this.#search(), "strong"),
      ...(words ? [button("describe", "caption", () => this.#describe(words))] : []),
      button("cancelDrawing", "close", () => this.end()));
    this.bar.hidden = false;
    this.#put(START);
    this.area.focus({ preventScroll: true });
    this.#stored = [];
    // What a tap takes; without regions there is nothing to tap.
    regions(record.id).then(({ regions, width, height }) => {
      /** @type {(region: Page.Spot) => Shares} */
      const share = ({ x, y, width: w, height: h }) => [x / width, y / height, (x + w) / width, (y + h) / height];
      const boxes = regions.toSorted((a, b) => a.width * a.height - b.width * b.height).map(share);
      this.#stored = boxes.filter((box, at) => boxes.findIndex((other) => String(other) === String(box)) === at);
    }, () => {});
  }

  end() {
    if (!this.#layer) return;
    this.#layer.remove();
    this.#layer = this.#press = null;
    this.bar.hidden = true;
    this.say.cancel();
    this.on.end();
  }

  #search() {
    const box = this.#box;
    this.end();
    this.on.search(box);
  }

  /// What the model says of the part takes the place of the help.
  /** @type {(words: Describe) => Promise<void>} */
  async #describe(words) {
    try {
      const text = await words(this.#box);
      const help = this.bar.querySelector("#draw-help");
      if (this.active && help) help.textContent = text || t("noWords");
      announce(help?.textContent ?? "");
    } catch (error) {
      if (!isCancelled(error)) toast(explain(error));
    }
  }

  /** @type {(box: Shares) => void} */
  #put([left, top, right, bottom]) {
    this.#box = [left, top, right, bottom];
    const { style } = this.area;
    [style.left, style.top] = [`${left * 100}%`, `${top * 100}%`];
    [style.width, style.height] = [`${(right - left) * 100}%`, `${(bottom - top) * 100}%`];
    this.area.setAttribute("aria-label", this.#words());
  }

  #words() {
    const [left, top, right, bottom] = this.#box;
    /** @type {(value: number) => string} */
    const share = (value) => number(Math.round(value * 100));
    return t("regionAt", { left: share(left), top: share(top), width: share(right - left), height: share(bottom - top) });
  }

  /** @type {(place: { clientX: number, clientY: number }) => [number, number]} */
  #at({ clientX, clientY }) {
    const { left, top, width, height } = this.#frame.getBoundingClientRect();
    return [clamp((clientX - left) / width, 0, 1), clamp((clientY - top) / height, 0, 1)];
  }

  /** @type {(event: PointerEvent) => void} */
  #down = (event) => {
    if (event.button !== 0 || this.#press) return;
    event.stopPropagation();
    this.#layer?.setPointerCapture(event.pointerId);
    const point = this.#at(event);
    const [left, top, right, bottom] = this.#box;
    const corner = closest(event, ".corner")?.dataset.corner;
    // A corner stays opposite to the one that is pulled; the box as a whole is moved by its inside.
    /** @type {[number, number] | undefined} */
    const fixed = corner ? [corner.includes("w") ? right : left, corner.includes("n") ? bottom : top] : undefined;
    const inside = event.target === this.area && !fixed;
    this.#press = { id: event.pointerId, point, fixed: fixed ?? point, inside, box: this.#box, x: event.clientX, y: event.clientY, moved: false };
  };

  /** @type {(event: PointerEvent) => void} */
  #move = (event) => {
    const press = this.#press;
    if (!press || press.id !== event.pointerId) return;
    event.stopPropagation();
    press.moved ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > TAP;
    if (!press.moved) return;
    const [x, y] = this.#at(event);
    if (press.inside) return this.#put(moved(press.box, x - press.point[0], y - press.point[1]));
    const [fx, fy] = press.fixed;
    this.#put([Math.min(x, fx), Math.min(y, fy), Math.max(x, fx), Math.max(y, fy)]);
  };

  /** @type {(event: PointerEvent) => void} */
  #up = (event) => {
    const press = this.#press;
    if (!press || press.id !== event.pointerId) return;
    event.stopPropagation();
    this.#press = null;
    if (!press.moved && event.type === "pointerup") this.#take(press.point);
    const [left, top, right, bottom] = this.#box;
    if (right - left < LEAST || bottom - top < LEAST) this.#put(press.box);
    this.area.focus({ preventScroll: true });
    announce(this.#words());
  };

  /// The smallest stored region at a point; if that is taken already, the next larger one.
  /** @type {(point: [number, number]) => void} */
  #take([x, y]) {
    const here = this.#stored.filter(([left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom);
    /** @type {(box: Shares) => boolean} */
    const same = (box) => box.every((value, side) => Math.abs(value - this.#box[side]) < 1e-4);
    const next = here[(here.findLastIndex(same) + 1) % here.length];
    if (next) this.#put(next);
  }

  /** @type {(event: KeyboardEvent) => void} */
  #key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [dx, dy] = MOVES[event.key] ?? [0, 0];
    const act = event.key === "Enter" ? () => this.#search() : event.key === "Escape" ? () => this.end() : null;
    if (!act && !dx && !dy) return;
    event.preventDefault();
    event.stopPropagation();
    if (act) return act();
    const [left, top, right, bottom] = this.#box;
    if (event.shiftKey) this.#put([left, top, clamp(right + dx, left + LEAST, 1), clamp(bottom + dy, top + LEAST, 1)]);
    else this.#put(moved(this.#box, dx, dy));
    this.say();
  };
}

/// A box moved, but not beyond the image.
/** @type {(box: Shares, dx: number, dy: number) => Shares} */
function moved([left, top, right, bottom], dx, dy) {
  const [x, y] = [clamp(dx, -left, 1 - right), clamp(dy, -top, 1 - bottom)];
  return [left + x, top + y, right + x, bottom + y];
}
