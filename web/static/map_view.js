// What part of the earth a map shows, in the Mercator projection: the world is a square of 1, from its north-western corner.

import { calm } from "./dom.js";

/// Pixels that the world is wide at zoom 0. Each step doubles it.
const WORLD = 512;
const MOST_ZOOM = 18;
/// Where the square ends, in degrees north and south.
const EDGE = 85.05113;
/// Milliseconds of a flight, and pixels that are left free around what is flown to.
const FLIGHT = 450;
const MARGIN = 60;

/** @type {(longitude: number) => number} */
export const worldX = (longitude) => longitude / 360 + 0.5;
/** @type {(latitude: number) => number} */
export function worldY(latitude) {
  const sine = Math.sin((Math.min(Math.max(latitude, -EDGE), EDGE) * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}
/** @type {(x: number) => number} */
const longitudeOf = (x) => (x - 0.5) * 360;
/** @type {(y: number) => number} */
const latitudeOf = (y) => (Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) * 180) / Math.PI;
/// The same meridian between -180 and 180.
/** @type {(longitude: number) => number} */
const turned = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180;

/** @typedef {{ x: number, y: number, zoom: number }} Aim where a view goes */

export class View {
  x = 0.5;
  y = 0.4;
  zoom = 0;
  width = 1;
  height = 1;
  #flight = 0;

  /// `moved` is called after every move, at most as often as the screen is drawn by who calls.
  /** @param {() => void} moved */
  constructor(moved) {
    this.moved = moved;
  }

  /// Pixels that the world is wide.
  get scale() {
    return WORLD * 2 ** this.zoom;
  }

  /// The whole world is as wide as the map at least.
  get leastZoom() {
    return Math.log2(this.width / WORLD);
  }

  /** @type {(width: number, height: number) => void} */
  resize(width, height) {
    [this.width, this.height] = [Math.max(width, 1), Math.max(height, 1)];
    this.#settle();
  }

  /// Where a place is on the map, in pixels; of its repetitions, the one nearest to the middle.
  /** @type {(longitude: number, latitude: number) => [x: number, y: number]} */
  place(longitude, latitude) {
    const x = worldX(longitude);
    const nearest = x + Math.round(this.x - x);
    return [this.width / 2 + (nearest - this.x) * this.scale, this.height / 2 + (worldY(latitude) - this.y) * this.scale];
  }

  /// The box of what lies between two points of the map, in degrees; `west > east` crosses the 180th meridian.
  /** @type {(left: number, top: number, right: number, bottom: number) => Api.GeoBox} */
  boxOf(left, top, right, bottom) {
    /** @type {(at: number) => number} */
    const x = (at) => this.x + (at - this.width / 2) / this.scale;
    /** @type {(at: number) => number} */
    const y = (at) => Math.min(Math.max(this.y + (at - this.height / 2) / this.scale, 0), 1);
    const [north, south] = [latitudeOf(y(top)), latitudeOf(y(bottom))];
    const all = x(right) - x(left) > 0.999; // rounding may take a little of the whole
    return { south, west: all ? -180 : turned(longitudeOf(x(left))), north, east: all ? 180 : turned(longitudeOf(x(right))) };
  }

  /// The box of what is shown, and of a share of its size around it.
  /** @type {(around?: number) => Api.GeoBox} */
  box(around = 0) {
    const [wide, high] = [this.width * around, this.height * around];
    return this.boxOf(-wide, -high, this.width + wide, this.height + high);
  }

  /** @returns {Page.MapPart} */
  get middle() {
    return { latitude: latitudeOf(this.y), longitude: turned(longitudeOf(this.x)), zoom: this.zoom };
  }

  /** @type {(part: Page.MapPart) => void} */
  show({ latitude, longitude, zoom }) {
    this.stop();
    Object.assign(this, { x: worldX(longitude), y: worldY(latitude), zoom });
    this.#settle();
  }

  /** @type {(dx: number, dy: number) => void} */
  moveBy(dx, dy) {
    this.stop();
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.#settle();
  }

  /// Zooms by steps, so that a point of the map stays where it is.
  /** @type {(steps: number, left?: number, top?: number) => void} */
  zoomBy(steps, left = this.width / 2, top = this.height / 2) {
    this.stop();
    this.#zoomTo(this.zoom + steps, left, top);
  }

  /** @type {(zoom: number, left: number, top: number) => void} */
  #zoomTo(zoom, left, top) {
    const [dx, dy] = [left - this.width / 2, top - this.height / 2];
    const [x, y] = [this.x + dx / this.scale, this.y + dy / this.scale];
    this.zoom = this.#allowed(zoom);
    [this.x, this.y] = [x - dx / this.scale, y - dy / this.scale];
    this.#settle();
  }

  /** @type {(zoom: number) => number} */
  #allowed(zoom) {
    return Math.min(Math.max(zoom, this.leastZoom), MOST_ZOOM);
  }

  #settle() {
    this.zoom = this.#allowed(this.zoom);
    this.x -= Math.floor(this.x);
    const half = this.height / 2 / this.scale;
    this.y = half > 0.5 ? 0.5 : Math.min(Math.max(this.y, half), 1 - half);
    this.moved();
  }

  /// The view that shows a box as a whole.
  /** @type {(box: Api.GeoBox) => Aim} */
  around({ south, west, north, east }) {
    const [left, right] = [worldX(west), worldX(east) + (west > east ? 1 : 0)];
    const [top, bottom] = [worldY(north), worldY(south)];
    /** @type {(size: number, span: number) => number} */
    const fits = (size, span) => Math.log2(Math.max(size - 2 * MARGIN, 40) / WORLD / Math.max(span, 1e-9));
    const zoom = Math.min(fits(this.width, right - left), fits(this.height, bottom - top), 14);
    return { x: (left + right) / 2, y: (top + bottom) / 2, zoom: this.#allowed(zoom) };
  }

  /// Moves to what shows a box, step by step.
  /** @type {(box: Api.GeoBox, how?: { at?: Aim }) => void} */
  fly(box, { at = this.around(box) } = {}) {
    this.stop();
    const from = { x: this.x, y: this.y, zoom: this.zoom };
    const to = { ...at, x: at.x + Math.round(from.x - at.x) };
    const begun = performance.now();
    const length = calm() ? 1 : FLIGHT;
    /** @type {(now: number) => void} */
    const step = (now) => {
      const share = Math.min(Math.max((now - begun) / length, 0), 1);
      const eased = 1 - (1 - share) ** 3;
      /** @type {(key: "x" | "y" | "zoom") => number} */
      const between = (key) => from[key] + (to[key] - from[key]) * eased;
      // Places move with the scale, so that the way is straight on the screen.
      const zoom = between("zoom");
      const span = 2 ** -to.zoom - 2 ** -from.zoom;
      const way = Math.abs(span) < 1e-12 ? eased : (2 ** -zoom - 2 ** -from.zoom) / span;
      Object.assign(this, { zoom, x: from.x + (to.x - from.x) * way, y: from.y + (to.y - from.y) * way });
      if (share < 1) this.#flight = requestAnimationFrame(step);
      this.#settle();
    };
    this.#flight = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.#flight);
  }
}
