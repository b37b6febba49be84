// What one gives the open image: a rating, where the server may write it, and tags of one's own.

import { detailsOf } from "./details.js";
import { h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { rate } from "./sidecars.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// Most stars of a rating.
export const STARS = 5;

/// A button for each star; that of the rating that is there takes it away.
/** @type {(rating: number, give: (stars: number) => unknown) => HTMLElement} */
export function starButtons(rating, give) {
  const buttons = Array.from({ length: STARS }, (_, place) => {
    const stars = place + 1;
    const label = t("ratingOf", { n: stars, of: STARS });
    const is = stars === rating;
    return h("button", {
      type: "button", class: "star", title: is ? t("rateNone") : label, "aria-label": label, "aria-pressed": String(is), data: { stars },
      on: { click: () => give(is ? 0 : stars) },
    }, stars <= rating ? "★" : "☆");
  });
  return h("span", { class: "stars", role: "group", "aria-label": t("rating") }, buttons);
}

/// A button that opens the tags of the image.
/** @type {(open: () => unknown) => HTMLElement} */
export const tagButton = (open) =>
  h("button", { type: "button", class: "keyword tags-of-one", title: t("tagThese"), "aria-label": `${t("tags")}: ${t("tagThese")}`, on: { click: open } }, icon("tag"), t("tags"));

export class OwnMarks {
  /// `record()` is the open image, `changed(record)` shows what is known of it now; `tagged()` tells the page.
  /** @param {{ record: () => Api.Image | null, allows: () => Partial<Api.Allows>, tagged: () => void, changed: (record: Api.Image) => void }} page */
  constructor(page) {
    this.page = page;
    this.busy = false;
  }

  /// What the server lets one give, for the facts to offer.
  /** @type {() => { rate: ((stars: number) => unknown) | null, tag: (() => unknown) | null }} */
  offered() {
    const { rate, tag } = this.page.allows();
    return { rate: rate ? (stars) => this.rate(stars) : null, tag: tag ? () => this.tag() : null };
  }

  /// By a key, the rating that is there is taken away as by its button.
  /** @type {(stars: number) => unknown} */
  toggle(stars) {
    const record = this.page.record();
    return record && this.offered().rate?.(starsOf(record) === stars ? 0 : stars);
  }

  /** @type {(stars: number) => Promise<void>} */
  async rate(stars) {
    const asked = this.page.record();
    if (!asked || this.busy) return;
    this.busy = true;
    try {
      await rate([asked.id], stars);
      await this.#refresh(asked.id);
    } catch (error) {
      toast(explain(error));
    } finally {
      this.busy = false;
    }
  }

  async tag() {
    const asked = this.page.record();
    if (!asked || !this.offered().tag) return;
    try {
      const { openTags } = await import("./tag_images.js");
      await openTags([asked.id], () => (this.page.tagged(), this.#refresh(asked.id)));
    } catch (error) {
      toast(explain(error));
    }
  }

  /** @type {(id: number) => Promise<void>} */
  async #refresh(id) {
    const known = await detailsOf(id);
    if (this.page.record()?.id === id) this.page.changed(known);
  }
}

/// Stars of a rating; a rejected image, which others rate -1, has none.
/** @type {(record: { rating: number | null }) => number} */
export const starsOf = ({ rating }) => Math.min(Math.max(Math.round(rating ?? 0), 0), STARS);
