// Images on the map: those close together are one button, with a cover and their number.

import { cover } from "./cover.js";
import { h } from "./dom.js";
import { placeName } from "./places.js";
import { number, t } from "./words.js";

/// Pixels between the middles of two buttons.
const APART = 58;
/// Half of a button's size, as names on the map keep clear of it.
const HALF = 30;

/// Clusters of the server's cells, joined where they would cover each other on the map of a view: `{ x, y }` in pixels beside
/// what the server says, the largest first.
/** @type {(clusters: Api.Cluster[], view: Page.View) => Page.Group[]} */
export function gathered(clusters, view) {
  /** @type {Page.Group[]} */
  const groups = [];
  for (const cluster of clusters.toSorted((a, b) => b.images - a.images)) {
    const [x, y] = view.place(cluster.longitude, cluster.latitude);
    const near = groups.find((group) => Math.hypot(group.x - x, group.y - y) < APART && Math.abs(group.bounds.west - cluster.bounds.west) < 180);
    if (!near) groups.push({ ...cluster, x, y, places: new Set([placeName(cluster)]) });
    else Object.assign(near, { images: near.images + cluster.images, bounds: joined(near.bounds, cluster.bounds), places: near.places.add(placeName(cluster)) });
  }
  return groups;
}

/** @type {(a: Api.GeoBox, b: Api.GeoBox) => Api.GeoBox} */
export const joined = (a, b) => ({
  south: Math.min(a.south, b.south), west: Math.min(a.west, b.west), north: Math.max(a.north, b.north), east: Math.max(a.east, b.east),
});

/** @typedef {{ element: HTMLButtonElement, count: HTMLElement }} Button */

/// The buttons. `open(cluster)` is called for one that is pressed.
export class Clusters {
  /** @type {Page.Group[]} */
  groups = [];
  /** @type {Map<number, Button>} */
  #buttons = new Map();

  /** @param {HTMLElement} root @param {(group: Page.Group) => void} open */
  constructor(root, open) {
    this.root = root;
    this.open = open;
  }

  /** @type {(groups: Page.Group[]) => void} */
  show(groups) {
    this.groups = groups;
    /** @type {Map<number, Button>} */
    const buttons = new Map();
    // In the order in which one reads.
    for (const group of groups.toSorted((a, b) => Math.round((a.y - b.y) / HALF) || a.x - b.x)) {
      const button = this.#buttons.get(group.id) ?? this.#make(group.id);
      this.#name(button, group);
      buttons.set(group.id, button);
    }
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this.#buttons = buttons;
    const kept = [...this.root.children];
    const wanted = [...buttons.values()].map(({ element }) => element);
    if (wanted.length !== kept.length || wanted.some((element, i) => element !== kept[i])) this.root.replaceChildren(...wanted);
    if (this.root.contains(focused)) focused?.focus({ preventScroll: true });
  }

  /** @type {(id: number) => Button} */
  #make(id) {
    const img = h("img", { alt: "", width: 56, height: 56, draggable: false });
    const count = h("span", { class: "many" });
    const element = h("button", { class: "cluster", type: "button" }, cover(img, id, 160), count);
    return { element, count };
  }

  /** @type {(button: Button, group: Page.Group) => void} */
  #name({ element, count }, group) {
    const others = group.places.size - 1;
    const where = others > 0 ? `${placeName(group)} ${t("andMore", { n: others })}` : placeName(group);
    const what = `${where}: ${t("imageCount", { n: group.images })}`;
    element.setAttribute("aria-label", what);
    element.title = what;
    element.onclick = () => this.open(group);
    count.textContent = group.images > 1 ? number(group.images) : "";
  }

  /// Puts the buttons where their places are now.
  /** @type {(view: Page.View) => void} */
  place(view) {
    for (const group of this.groups) {
      const [x, y] = view.place(group.longitude, group.latitude);
      const element = this.#buttons.get(group.id)?.element;
      if (!element) continue;
      const isSeen = x > -HALF && y > -HALF && x < view.width + HALF && y < view.height + HALF;
      element.hidden = !isSeen;
      element.style.translate = `${x - HALF}px ${y - HALF}px`;
      [group.x, group.y] = [x, y];
    }
  }

  /// Boxes that the buttons take.
  /** @returns {[left: number, top: number, right: number, bottom: number][]} */
  get boxes() {
    return this.groups.map(({ x, y }) => [x - HALF, y - HALF, x + HALF, y + HALF]);
  }

  /// Those that lie in the view.
  /** @type {(view: Page.View) => Page.Group[]} */
  seen({ width, height }) {
    return this.groups.filter(({ x, y }) => x >= 0 && y >= 0 && x <= width && y <= height);
  }
}
