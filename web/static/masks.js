// What every pixel of the open image shows: colours over it, a number for each label, and a legend that switches labels off
// and on. Loaded when it is asked for.

import { ApiError, isCancelled, segment } from "./api.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { percent } from "./marks.js";
import { announce, toast } from "./toast.js";
import { number, t } from "./words.js";

/// Pixels along the longer side of the map: finer than what the model sees, and quickly painted.
const SIZE = 512;
const KEPT = "glimpse.masks";
/// The smallest share of the image of a segment that carries the number of its label.
const NUMBERED = 0.004;
/// Commas of all scripts.
const COMMAS = /[,;\n，、،；؛]/;

/** @type {(text: string) => string[]} */
const labelsOf = (text) => [...new Set(text.split(COMMAS).map((part) => part.trim()).filter(Boolean))];

export class Masks {
  /** @type {HTMLElement | null} */
  #frame = null;
  /** @type {Page.Shown | null} */
  #image = null;
  /** @type {Api.Segmentation | null} */
  #found = null;
  /// The segment of each pixel of the map and 1, row by row; 0 for none.
  #pixels = new Uint16Array();
  #canvas = h("canvas", { class: "masks", "aria-hidden": "true" });
  #numbers = h("div", { class: "mask-numbers", "aria-hidden": "true" });
  /// Labels that are switched off, by name: they stay so on other images.
  /** @type {Set<string>} */
  #off = new Set();
  #wanted = false;
  #cancel = new AbortController();

  /// `on.things()` names what the page was asked for; `on.changed()` is told when masks come or go.
  /** @param {{ things: () => string[], changed: () => void }} on */
  constructor(on) {
    this.on = on;
    $("mask-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    const opacity = $("mask-opacity");
    opacity.value = localStorage.getItem(KEPT) ?? "60";
    opacity.addEventListener("input", () => {
      localStorage.setItem(KEPT, opacity.value);
      this.#showOpacity();
    });
    this.#showOpacity();
  }

  get shown() {
    return this.#wanted;
  }

  /// An image is open, or another one.
  /** @type {(frame: HTMLElement, image: Page.Shown) => void} */
  show(frame, image) {
    if (this.#frame === frame && this.#image?.id === image.id) return;
    this.clear();
    [this.#frame, this.#image] = [frame, image];
    if (this.#wanted) this.#ask();
  }

  /// No image is open.
  clear() {
    this.#cancel.abort();
    this.#frame = this.#image = null;
    this.#forget();
  }

  toggle() {
    this.#wanted = !this.#wanted;
    $("mask-panel").hidden = !this.#wanted;
    this.on.changed();
    if (this.#wanted) {
      if (!$("mask-words").value) $("mask-words").value = this.on.things().join(", ");
      this.#ask();
    } else {
      this.#cancel.abort();
      this.#forget();
      announce(t("masksHidden"));
    }
  }

  /// Shows the pixels of these labels, whatever was shown before.
  /** @type {(labels: string[]) => void} */
  ask(labels) {
    $("mask-words").value = labels.join(", ");
    this.#off.clear();
    if (this.#wanted) return void this.#ask();
    this.toggle();
  }

  #forget() {
    this.#canvas.remove();
    this.#numbers.remove();
    this.#found = null;
    this.#busy(false);
    this.#renderLegend();
  }

  /// Asks for the labels of the field, or those of the library.
  async #ask() {
    const [image, frame] = [this.#image, this.#frame];
    if (!image || !frame) return;
    this.#cancel.abort();
    this.#cancel = new AbortController();
    const { signal } = this.#cancel;
    const labels = labelsOf($("mask-words").value);
    this.#busy(true);
    try {
      const found = await segment({ image: image.id, labels, panoptic: true, size: SIZE, masks: "map" }, signal);
      if (signal.aborted) return;
      this.#found = found;
      this.#pixels = pixelsOf(found);
      frame.querySelector("img")?.after(this.#canvas, this.#numbers);
      this.#paint();
      this.#renderLegend();
      announce(this.#inWords(found));
    } catch (error) {
      if (isCancelled(error) || signal.aborted) return;
      // A library without keywords has no labels of its own.
      const unasked = !labels.length && error instanceof ApiError && error.code === "bad_request";
      toast(unasked ? t("masksWords") : explain(error));
      if (unasked) $("mask-words").focus();
    }
    this.#busy(false);
  }

  /** @type {(is: boolean) => void} */
  #busy(is) {
    $("mask-panel").classList.toggle("busy", is);
    $("mask-panel").setAttribute("aria-busy", String(is));
  }

  #showOpacity() {
    this.#canvas.style.opacity = String(Number($("mask-opacity").value) / 100);
  }

  /// Colours of the labels that are on, with light lines where segments meet.
  #paint() {
    const found = this.#found;
    const [height = 0, width = 0] = found?.segments[0]?.rle?.size ?? [];
    [this.#canvas.width, this.#canvas.height] = [width || 1, height || 1];
    const context = this.#canvas.getContext("2d");
    this.#numbers.replaceChildren();
    if (!found || !context || !width) return;
    const seen = found.segments.map(({ label }) => !this.#off.has(found.labels[label].label));
    const colours = found.segments.map(({ label }) => rgb(found.labels[label].colour ?? "#000000"));
    const image = context.createImageData(width, height);
    const isSeen = (/** @type {number} */ segment) => segment > 0 && seen[segment - 1];
    this.#pixels.forEach((segment, at) => {
      const [right, below] = [(at + 1) % width ? this.#pixels[at + 1] : segment, this.#pixels[at + width] ?? segment];
      const isEdge = (right !== segment && (isSeen(right) || isSeen(segment))) || (below !== segment && (isSeen(below) || isSeen(segment)));
      if (isEdge) image.data.set([255, 255, 255, 255], at * 4);
      else if (isSeen(segment)) image.data.set([...colours[segment - 1], 255], at * 4);
    });
    context.putImageData(image, 0, 0);
    this.#numbers.replaceChildren(...this.#marks(found, seen, width, height));
  }

  /// The number of its label in the middle of each segment.
  /** @type {(found: Api.Segmentation, seen: boolean[], width: number, height: number) => HTMLElement[]} */
  #marks(found, seen, width, height) {
    const ranks = ranked(found);
    return middles(this.#pixels, width, found.segments.length).flatMap((at, place) => {
      const { label, area } = found.segments[place];
      if (!seen[place] || area < NUMBERED || at === null) return [];
      const mark = numbered(ranks.indexOf(label), found.labels[label].colour);
      [mark.style.left, mark.style.top] = [`${((at % width) + 0.5) / width * 100}%`, `${(Math.floor(at / width) + 0.5) / height * 100}%`];
      return [mark];
    });
  }

  /// A button for each label that is there, the largest first.
  #renderLegend() {
    const found = this.#found;
    $("mask-none").hidden = !found;
    if (!found) return void $("mask-labels").replaceChildren();
    $("mask-none").textContent = ranked(found).length ? t("masksRest", { share: percent(found.unlabelled) }) : t("masksNothing");
    $("mask-labels").replaceChildren(...ranked(found).map((place, rank) => {
      const { label, area, colour } = found.labels[place];
      const button = h("button", { type: "button", class: "phrase", "aria-pressed": String(!this.#off.has(label)) },
        numbered(rank, colour), h("span", { dir: "auto" }, label), " ", h("span", { class: "soft" }, percent(area)));
      button.addEventListener("click", () => {
        if (!this.#off.delete(label)) this.#off.add(label);
        button.setAttribute("aria-pressed", String(!this.#off.has(label)));
        this.#paint();
      });
      return h("li", {}, button);
    }));
  }

  /** @type {(found: Api.Segmentation) => string} */
  #inWords(found) {
    const what = ranked(found).map((place) => `${found.labels[place].label} ${percent(found.labels[place].area)}`);
    return what.length ? t("masksShown", { what: what.join(", ") }) : t("masksNothing");
  }
}

/// Places of the labels that are there, the largest first.
/** @type {(found: Api.Segmentation) => number[]} */
function ranked({ labels }) {
  const there = labels.flatMap(({ area }, place) => (area > 0 ? [place] : []));
  return there.sort((a, b) => labels[b].area - labels[a].area);
}

/** @type {(rank: number, colour: string | null) => HTMLElement} */
function numbered(rank, colour) {
  const mark = h("span", { class: "swatch", "aria-hidden": "true", data: { n: number(rank + 1) } });
  mark.style.setProperty("--thing", colour ?? "#000000");
  return mark;
}

/** @type {(colour: string) => number[]} */
const rgb = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

/// The segment of each pixel and 1, row by row.
/** @type {(found: Api.Segmentation) => Uint16Array<ArrayBuffer>} */
function pixelsOf({ segments }) {
  const [height = 0, width = 0] = segments[0]?.rle?.size ?? [];
  const pixels = new Uint16Array(width * height);
  segments.forEach(({ rle }, place) => {
    let at = 0;
    runsOf(rle?.counts ?? "").forEach((run, turn) => {
      if (turn % 2) for (let i = at; i < at + run; i++) pixels[(i % height) * width + Math.floor(i / height)] = place + 1;
      at += run;
    });
  });
  return pixels;
}

/// Lengths of runs outside and inside, down the columns, from the letters of COCO: each number is the difference from the one two
/// places before, in letters of five bits, lowest first.
/** @type {(letters: string) => number[]} */
export function runsOf(letters) {
  /** @type {number[]} */
  const runs = [];
  for (let at = 0; at < letters.length;) {
    let [value, shift, letter] = [0, 0, 0];
    do {
      letter = letters.charCodeAt(at++) - 48;
      value |= (letter & 31) << shift;
      shift += 5;
    } while (letter & 32);
    if (letter & 16) value |= -1 << shift;
    runs.push(value + (runs.length > 2 ? runs[runs.length - 2] : 0));
  }
  return runs;
}

/// For each segment, its pixel that is nearest to the mean of all its pixels; none for one without.
/** @type {(pixels: Uint16Array, width: number, count: number) => (number | null)[]} */
function middles(pixels, width, count) {
  const sums = Array.from({ length: count }, () => ({ x: 0, y: 0, n: 0 }));
  pixels.forEach((segment, at) => {
    if (!segment) return;
    const sum = sums[segment - 1];
    sum.x += at % width;
    sum.y += Math.floor(at / width);
    sum.n += 1;
  });
  /** @type {(number | null)[]} */
  const nearest = sums.map(() => null);
  const distances = sums.map(() => Infinity);
  pixels.forEach((segment, at) => {
    if (!segment) return;
    const { x, y, n } = sums[segment - 1];
    const distance = Math.hypot((at % width) - x / n, Math.floor(at / width) - y / n);
    if (distance < distances[segment - 1]) [nearest[segment - 1], distances[segment - 1]] = [at, distance];
  });
  return nearest;
}
