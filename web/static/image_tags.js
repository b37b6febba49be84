// What the open image shows, by labels that are kept with the index: of the image as a whole, of its parts, each with the boxes
// that show it, and a way to those of its pixels.

import { imageTags } from "./api.js";
import { $, h, isPlain } from "./dom.js";
import { icon } from "./icons.js";
import { makeMarks, percent } from "./marks.js";
import { t } from "./words.js";

/// Most labels of a level.
const MOST = 24;

/** @typedef {{ label: string, boxes: Api.Box[] }} Part */

export class ImageTags {
  /** @type {HTMLElement | null} */
  #marks = null;
  /// The part whose boxes stay until they are put away.
  /** @type {HTMLElement | null} */
  #pinned = null;

  /// `on.frame()` gives what the image is shown in, `on.areas(labels)` shows the pixels of labels, and `on.hrefOf(filter)` and
  /// `on.filter(filter)` lead to all images that are asked for so.
  /** @param {{ frame: () => HTMLElement | null, areas: (labels: string[]) => void, hrefOf: (filter: Page.Changes) => string, filter: (filter: Page.Changes) => void }} on */
  constructor(on) {
    this.on = on;
  }

  clear() {
    this.#peek(null);
    this.#pinned = null;
    $("image-tags").hidden = true;
    $("tag-levels").replaceChildren();
  }

  /// Shows the labels of an image, if there are any.
  /** @type {(id: number, signal: AbortSignal) => Promise<void>} */
  async show(id, signal) {
    this.clear();
    const found = await imageTags(id, signal);
    if (signal.aborted || !found.kept) return;
    const wholes = found.image.slice(0, MOST).map(({ label, score }) => this.#whole(label, score));
    const parts = partsOf(found).slice(0, MOST);
    const labels = [...new Set([...parts.map(({ label }) => label), ...found.image.map(({ label }) => label)])].slice(0, MOST);
    if (!labels.length) return;
    const areas = h("button", { class: "button", type: "button", on: { click: () => this.on.areas(labels) } }, icon("masks"), t("showAreas"));
    $("tag-levels").replaceChildren(...[
      level(t("tagsOfImage"), wholes),
      level(t("tagsOfParts"), parts.map((part) => this.#part(part, found))),
      areas,
    ].filter((part) => part !== null));
    $("image-tags").hidden = false;
  }

  /// A label of the whole image, which leads to the images that it is searched with.
  /** @type {(label: string, score: number) => HTMLElement} */
  #whole(label, score) {
    return this.#link(label, percent(score), { chips: [{ kind: "text", value: label, weight: 1 }] });
  }

  /// A label of parts of the image: it leads to the images that show such a thing, and its boxes are seen while it is pointed at,
  /// has the focus, or is held on to.
  /** @type {(part: Part, image: Page.Sides) => HTMLElement} */
  #part({ label, boxes }, image) {
    const times = boxes.length > 1 ? ` × ${boxes.length}` : "";
    const link = this.#link(label, `${percent(boxes[0].score)}${times}`, { find: true, chips: [{ kind: "text", value: label, weight: 1 }] });
    const marks = () => makeMarks(boxes.map((box) => ({ ...box, thing: 0 })), image, { things: [label], labels: true });
    const where = t("showWhere", { what: label });
    const pin = h("button", { class: "pin", type: "button", "aria-pressed": "false", "aria-label": where, title: where }, icon("region"));
    const isPinned = () => this.#pinned === pin;
    pin.addEventListener("click", () => {
      this.#pinned?.setAttribute("aria-pressed", "false");
      this.#pinned = isPinned() ? null : pin;
      pin.setAttribute("aria-pressed", String(isPinned()));
      this.#peek(isPinned() ? marks() : null);
    });
    const row = h("span", { class: "part-tag" }, link, pin);
    const look = () => !this.#pinned && this.#peek(marks());
    const leave = () => !this.#pinned && this.#peek(null);
    row.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && look());
    row.addEventListener("pointerleave", leave);
    row.addEventListener("focusin", look);
    row.addEventListener("focusout", leave);
    return row;
  }

  /** @type {(label: string, more: string, changes: Page.Changes) => HTMLElement} */
  #link(label, more, changes) {
    return h("a", {
      class: "keyword", href: this.on.hrefOf(changes),
      on: { click: (event) => isPlain(event) && (event.preventDefault(), this.on.filter(changes)) },
    }, h("bdi", {}, label), " ", h("span", { class: "soft" }, more));
  }

  /// Shows boxes in place of those before.
  /** @type {(marks: HTMLElement | null) => void} */
  #peek(marks) {
    this.#marks?.remove();
    this.#marks = marks;
    if (!marks) return;
    marks.classList.add("peek");
    this.on.frame()?.append(marks);
  }
}

/// Labels of a level under its name; none if there are no labels.
/** @type {(name: string, labels: HTMLElement[]) => HTMLElement | null} */
function level(name, labels) {
  if (!labels.length) return null;
  return h("div", { class: "tag-level" }, h("h4", {}, name), h("div", { class: "keywords" }, labels));
}

/// The regions of each label together, the surest first.
/** @type {(found: Api.ImageTags) => Part[]} */
function partsOf({ regions }) {
  /** @type {Map<string, Api.Box[]>} */
  const parts = new Map();
  for (const { label, ...box } of regions) parts.set(label, [...(parts.get(label) ?? []), { ...box, thing: 0 }]);
  return [...parts].map(([label, boxes]) => ({ label, boxes }));
}
