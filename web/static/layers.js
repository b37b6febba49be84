// What lies over the open image: boxes around what was found, heatmaps, one for each thing, and masks.

import { ground, heatmap, isCancelled } from "./api.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { boxesShown, makeMarks, percent, placeInWords, showBoxes, worthMarking } from "./marks.js";
import { swatch } from "./things.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// No image is open.
/** @type {Page.Shown} */
const NONE = { id: -1, width: 1, height: 1, content: "" };

export class Layers {
  /** @type {HTMLElement | null} */
  #frame = null;
  /** @type {Page.Shown} */
  #image = NONE;
  /** @type {string[]} */
  #things = [];
  /** @type {Api.Box[] | null} */
  #boxes = null;
  /** @type {HTMLElement | null} */
  #heat = null;
  #wanted = false;
  #thing = 0;
  /// The thing whose heatmap is on its way.
  /** @type {number | null} */
  #pending = null;
  #cancel = new AbortController();
  /// Once they were asked for.
  /** @type {import("./masks.js").Masks | null} */
  #masks = null;

  /// `on.focus(box, image)` is told to look at a box.
  /** @param {{ focus: (box: Page.Spot, image: Page.Sides) => void }} on */
  constructor(on) {
    this.on = on;
  }

  /// An image is open: `things` are the names of what was asked for, and `boxes` where it was found, if that is known; else
  /// it is looked for if `ask`.
  /** @type {(frame: HTMLElement, image: Page.Shown, what: { things: string[], boxes: Api.Box[] | null, ask: boolean }) => void} */
  show(frame, image, { things, boxes, ask }) {
    const same = this.#frame === frame && String(things) === String(this.#things);
    if (!same) this.clear();
    [this.#frame, this.#image, this.#things] = [frame, image, things];
    if (boxes || !same) this.#boxes = boxes && worthMarking(boxes);
    this.#thing = Math.min(this.#thing, Math.max(things.length - 1, 0));
    this.#renderBoxes();
    this.#renderBar();
    if (this.#wanted && !this.#heat) this.#drawHeat();
    if (!same && ask && !boxes && things.length) this.#ground();
    this.#masks?.show(frame, image);
  }

  clear() {
    this.#cancel.abort();
    this.#cancel = new AbortController();
    this.#heat?.remove();
    this.#masks?.clear();
    this.#frame = this.#boxes = this.#heat = this.#pending = null;
    [this.#image, this.#things] = [NONE, []];
  }

  async toggleBoxes() {
    if ($("boxes").hidden) return nothingMarked();
    const shown = !boxesShown() || this.#boxes === null;
    showBoxes(shown);
    this.#renderBar();
    if (!shown) return announce(t("boxesHidden"));
    if (this.#boxes === null) await this.#ground();
    const boxes = /** @type {Api.Box[] | null} */ (this.#boxes);
    if (boxes) announce(boxes.length ? t("regionCount", { n: boxes.length }) : t("noBoxes"));
  }

  /// Asks for boxes where the search was not for regions.
  async #ground() {
    const { signal } = this.#cancel;
    try {
      const { things } = await ground({ image: this.#image.id, texts: this.#things }, signal);
      if (signal.aborted) return;
      this.#boxes = things.flatMap(({ boxes }) => boxes);
      this.#renderBoxes();
      this.#renderBar();
      if (!this.#boxes.length) toast(t("noBoxes"));
    } catch (error) {
      complain(error);
    }
  }

  toggleHeat() {
    if ($("heat").hidden) return nothingMarked();
    this.#wanted = !this.#wanted;
    if (this.#wanted) this.#drawHeat();
    else (this.#heat?.remove(), (this.#heat = null));
    this.#renderBar();
    announce(t(this.#wanted ? "heatShown" : "heatHidden", { what: this.#things[this.#thing] }));
  }

  async toggleMasks() {
    const masks = await this.#loadMasks();
    if (this.#frame) masks.show(this.#frame, this.#image);
    masks.toggle();
  }

  /// Shows the pixels of these labels.
  /** @type {(labels: string[]) => Promise<void>} */
  async showMasks(labels) {
    const masks = await this.#loadMasks();
    if (this.#frame) masks.show(this.#frame, this.#image);
    masks.ask(labels);
  }

  async #loadMasks() {
    const { Masks } = await import("./masks.js");
    return (this.#masks ??= new Masks({ things: () => this.#things, changed: () => this.#renderBar() }));
  }

  /** @type {(thing: number) => void} */
  #choose(thing) {
    this.#thing = thing;
    this.#renderBar();
    if (this.#wanted) this.#drawHeat();
  }

  async #drawHeat() {
    const [{ signal }, thing, frame] = [this.#cancel, this.#thing, this.#frame];
    if (!this.#things.length || this.#pending === thing) return;
    this.#pending = thing;
    $("layers").classList.add("busy");
    try {
      const png = await heatmap(this.#image.id, this.#things[thing], signal);
      if (signal.aborted || thing !== this.#thing || !this.#wanted) return;
      const address = URL.createObjectURL(png);
      const next = h("img", { class: "heat", alt: "", draggable: false });
      next.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
      next.src = address;
      this.#heat?.remove();
      this.#heat = next;
      frame?.querySelector("img")?.after(next);
    } catch (error) {
      if (!isCancelled(error)) this.#wanted = false;
      complain(error);
      this.#renderBar();
    } finally {
      if (this.#pending === thing && !signal.aborted) this.#pending = null;
      $("layers").classList.toggle("busy", this.#pending !== null);
    }
  }

  #renderBoxes() {
    this.#frame?.querySelector(".marks")?.remove();
    if (this.#boxes?.length) this.#frame?.append(makeMarks(this.#boxes, this.#image, { things: this.#things, labels: true }));
    $("finds").hidden = !this.#boxes?.length;
    $("find-lines").replaceChildren(...this.#lines());
  }

  #renderBar() {
    const [asked, found] = [this.#things.length > 0, Boolean(this.#boxes?.length)];
    $("boxes").hidden = !asked && !found;
    $("heat").hidden = !asked;
    $("boxes").setAttribute("aria-pressed", String(boxesShown() && this.#boxes !== null));
    $("heat").setAttribute("aria-pressed", String(this.#wanted && asked));
    $("masks").setAttribute("aria-pressed", String(this.#masks?.shown ?? false));
    this.#renderPhrases(this.#wanted && this.#things.length > 1 ? this.#things : []);
    $("legend").hidden = !this.#wanted || !asked;
    $("legend").setAttribute("aria-label", t("heatLegend", { what: this.#things[this.#thing] ?? "" }));
  }

  /// A button for each thing that there is a map of. They stay as long as their things do, and so does the focus on them.
  /** @type {(things: string[]) => void} */
  #renderPhrases(things) {
    const box = $("phrases");
    box.hidden = !things.length;
    const key = JSON.stringify(things);
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(...things.map((text, thing) =>
        h("button", { type: "button", class: "phrase", on: { click: () => this.#choose(thing) } }, swatch(thing), h("span", { dir: "auto" }, text))));
    }
    [...box.children].forEach((button, thing) => button.setAttribute("aria-pressed", String(thing === this.#thing)));
  }

  /// What was found, in words, each line a way to look at it.
  #lines() {
    const image = this.#image;
    return (this.#boxes ?? []).map((box) => {
      const what = this.#things[box.thing];
      const words = [what, percent(box.score), placeInWords(box, image)].filter(Boolean);
      const several = this.#things.length > 1;
      return h("li", {}, h("button", { type: "button", class: "found", on: { click: () => this.on.focus(box, image) } },
        several && swatch(box.thing), h("span", { dir: "auto" }, words.join(" · "))));
    });
  }
}

const nothingMarked = () => toast(t("nothingMarked", { regions: t("regions") }));

/** @type {(error: unknown) => void} */
function complain(error) {
  if (!isCancelled(error)) toast(explain(error));
}
