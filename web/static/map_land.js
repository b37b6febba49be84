// The map itself, drawn on a canvas: land, lakes, coasts and borders, and names of countries and cities. It comes from files of the
// page (made by `web/map`), so that no request tells anyone where images were taken.

import { loadNames } from "./cities.js";
import { worldX, worldY } from "./map_view.js";

/// From this zoom on, the finer outlines are drawn.
const FINE = 3.2;
/// Points closer than this on the screen are one.
const SAME = 0.6;
/// Lakes that are less wide, in pixels, are not drawn.
const LAKE = 3;
/// Cities that may be named at zoom 1; each step of zoom names more.
const NAMED = 14;
const DIGITS = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((digit, i) => [digit, i]));

/** @type {(name: string) => Promise<any>} */
const load = (name) => fetch(new URL(`map/${name}.json`, import.meta.url)).then((answer) => answer.json());

/**
 * @typedef {[left: number, top: number, right: number, bottom: number]} Box
 * @typedef {{ line: Float64Array, bounds: Box }} Line
 * @typedef {{ rings: Float64Array[], bounds: Box }} Shape
 * @typedef {{ coasts: Line[], borders: Line[], polygons: Shape[], lakes: Shape[] }} Level
 * @typedef {import("./cities.js").Names} Names
 * @typedef {{ water: string, land: string, coast: string, border: string, name: string, country: string, font: string }} Colours
 */

export class Land {
  /** @type {Record<string, Level>} */
  #levels = {};
  /** @type {Names | null} */
  #names = null;
  /// The cities as they name places, once they are there.
  /** @type {Names["cityNames"] | null} */
  cityNames = null;
  /** @type {Set<string>} */
  #asked = new Set();

  /// `came` is called when more can be drawn.
  /** @param {HTMLCanvasElement} canvas @param {() => void} came */
  constructor(canvas, came) {
    this.canvas = canvas;
    this.came = came;
    this.#load("world");
    this.#load("names");
  }

  /** @param {string} name */
  async #load(name) {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    const content = await (name === "names" ? loadNames() : load(name)).catch(() => this.#asked.delete(name) && null); // the map does without, and asks again
    if (!content) return;
    if (name === "names") [this.#names, this.cityNames] = [content, content.cityNames];
    else this.#levels[name] = readOutlines(content);
    this.came();
  }

  /// Draws what a view shows. Names keep clear of `taken` boxes, in pixels: `[left, top, right, bottom]`.
  /** @type {(view: Page.View, taken: Box[]) => void} */
  draw(view, taken) {
    const { canvas } = this;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const colours = coloursOf(canvas);
    const context = canvas.getContext("2d");
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.water;
    context.fillRect(0, 0, view.width, view.height);
    if (view.zoom >= FINE) this.#load("detail");
    const level = (view.zoom >= FINE && this.#levels.detail) || this.#levels.world || this.#levels.detail;
    if (level) drawOutlines(context, level, view, colours);
    if (this.#names) drawNames(context, this.#names, view, colours, taken);
  }
}

/** @type {(element: HTMLElement) => Colours} */
function coloursOf(element) {
  const style = getComputedStyle(element);
  /** @type {(name: string) => string} */
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return { water: colour("water"), land: colour("land"), coast: colour("coast"), border: colour("border"), name: colour("name"), country: colour("country"), font: style.fontFamily };
}

// ---- outlines ----

/// Reads the numbers of an arc: `digits` of web/map/make.mjs. Gives places in the projection, x and y in turn.
/** @type {(text: string, steps: number) => Float64Array} */
function readArc(text, steps) {
  /** @type {number[]} */
  const places = [];
  const at = [0, 0];
  let [value, shift, axis] = [0, 0, 0];
  for (const digit of text) {
    const bits = DIGITS.get(digit) ?? 0;
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    at[axis] += value & 1 ? ~(value >> 1) : value >> 1;
    if (axis === 1) places.push(worldX(at[0] / steps), worldY(at[1] / steps));
    [value, shift, axis] = [0, 0, 1 - axis];
  }
  return Float64Array.from(places);
}

/** @type {(line: Float64Array) => Box} */
function boundsOf(line) {
  /** @type {Box} */
  const bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < line.length; i += 2) {
    bounds[0] = Math.min(bounds[0], line[i]);
    bounds[1] = Math.min(bounds[1], line[i + 1]);
    bounds[2] = Math.max(bounds[2], line[i]);
    bounds[3] = Math.max(bounds[3], line[i + 1]);
  }
  return bounds;
}

/// A ring out of arcs, going on beyond the 180th meridian. One that goes round the earth is closed over the pole.
/** @type {(numbers: number[], arcs: Float64Array[]) => Float64Array} */
function readRing(numbers, arcs) {
  /** @type {number[]} */
  const ring = [];
  for (const number of numbers) {
    const arc = arcs[number < 0 ? ~number : number];
    const count = arc.length / 2;
    let shift = 0;
    for (let i = 0; i < count; i += 1) {
      const at = 2 * (number < 0 ? count - 1 - i : i);
      if (i === 0 && ring.length) shift = Math.round(ring[ring.length - 2] - arc[at]);
      ring.push(arc[at] + shift, arc[at + 1]);
    }
  }
  const end = ring[ring.length - 2];
  if (Math.abs(end - ring[0]) > 0.5) ring.push(end, 1, ring[0], 1);
  return Float64Array.from(ring);
}

/** @type {(file: { steps: number, arcs: string[], coasts: number[], borders: number[], polygons: number[][][], lakes: number[][][] }) => Level} */
function readOutlines({ steps, arcs, coasts, borders, polygons, lakes }) {
  const lines = arcs.map((arc) => readArc(arc, steps));
  /** @type {(line: Float64Array) => Line} */
  const withBounds = (line) => ({ line, bounds: boundsOf(line) });
  /** @type {(numbers: number[][]) => Shape} */
  const shape = (numbers) => {
    const rings = numbers.map((ring) => readRing(ring, lines));
    return { rings, bounds: boundsOf(rings[0]) };
  };
  return {
    coasts: coasts.map((i) => withBounds(lines[i])),
    borders: borders.map((i) => withBounds(lines[i])),
    polygons: polygons.map(shape),
    lakes: lakes.map(shape),
  };
}

/// Calls `use` for each repetition of what has these bounds that can be seen, with its distance in worlds.
/** @type {(view: Page.View, bounds: Box, use: (shift: number) => void) => void} */
function eachSeen({ x, y, scale, width, height }, [left, top, right, bottom], use) {
  const [halfX, halfY] = [width / 2 / scale, height / 2 / scale];
  if (bottom < y - halfY || top > y + halfY) return;
  for (let shift = Math.ceil(x - halfX - right); left + shift <= x + halfX; shift += 1) use(shift);
}

/** @type {(context: CanvasRenderingContext2D, level: Level, view: Page.View, colours: Colours) => void} */
function drawOutlines(context, level, view, colours) {
  context.lineJoin = "round";
  /** @type {(shapes: Shape[], fill: string, line: string, width: number) => void} */
  const fill = (shapes, fill, line, width) => {
    [context.fillStyle, context.strokeStyle, context.lineWidth] = [fill, line, width];
    for (const { rings, bounds } of shapes) {
      eachSeen(view, bounds, (shift) => {
        context.beginPath();
        for (const ring of rings) traceRing(context, ring, view, shift);
        context.fill("evenodd");
        context.stroke();
      });
    }
  };
  fill(level.polygons, colours.land, colours.land, 0.7); // the line covers the seams between countries
  fill(level.lakes.filter(({ bounds }) => (bounds[2] - bounds[0]) * view.scale > LAKE), colours.water, colours.coast, 0.8);
  /** @type {(lines: Line[], colour: string, width: number) => void} */
  const stroke = (lines, colour, width) => {
    [context.strokeStyle, context.lineWidth] = [colour, width];
    context.beginPath();
    for (const { line, bounds } of lines) eachSeen(view, bounds, (shift) => traceLine(context, line, view, shift));
    context.stroke();
  };
  stroke(level.borders, colours.border, 1);
  stroke(level.coasts, colours.coast, 1);
}

/// A ring that is cut at the edges of the map: far beyond them a canvas is not exact.
/** @type {(context: CanvasRenderingContext2D, ring: Float64Array, view: Page.View, shift: number) => void} */
function traceRing(context, ring, view, shift) {
  const { x, y, scale, width, height } = view;
  const left = width / 2 - (x - shift) * scale;
  const top = height / 2 - y * scale;
  /** @type {number[]} */
  let points = [];
  let [lastX, lastY] = [NaN, NaN];
  for (let i = 0; i < ring.length; i += 2) {
    const [px, py] = [ring[i] * scale + left, ring[i + 1] * scale + top];
    if (Math.abs(px - lastX) < SAME && Math.abs(py - lastY) < SAME) continue;
    points.push(px, py);
    [lastX, lastY] = [px, py];
  }
  const room = 20;
  points = cut(cut(cut(cut(points, 0, -room, 1), 0, width + room, -1), 1, -room, 1), 1, height + room, -1);
  for (let i = 0; i < points.length; i += 2) {
    if (i === 0) context.moveTo(points[0], points[1]);
    else context.lineTo(points[i], points[i + 1]);
  }
  if (points.length) context.closePath();
}

/// The part of a ring on one side of a line along an axis (Sutherland and Hodgman, 1974).
/** @type {(points: number[], axis: 0 | 1, edge: number, side: 1 | -1) => number[]} */
function cut(points, axis, edge, side) {
  /** @type {number[]} */
  const kept = [];
  const count = points.length;
  for (let i = 0; i < count; i += 2) {
    const j = (i + 2) % count;
    const [a, b] = [(points[i + axis] - edge) * side, (points[j + axis] - edge) * side];
    if (a >= 0) kept.push(points[i], points[i + 1]);
    if (a >= 0 === b >= 0) continue;
    const share = a / (a - b);
    kept.push(points[i] + (points[j] - points[i]) * share, points[i + 1] + (points[j + 1] - points[i + 1]) * share);
  }
  return kept;
}

/** @type {(context: CanvasRenderingContext2D, line: Float64Array, view: Page.View, shift: number) => void} */
function traceLine(context, line, view, shift) {
  const { x, y, scale, width, height } = view;
  const left = width / 2 - (x - shift) * scale;
  const top = height / 2 - y * scale;
  let [lastX, lastY] = [line[0] * scale + left, line[1] * scale + top];
  let down = false;
  for (let i = 2; i < line.length; i += 2) {
    const [px, py] = [line[i] * scale + left, line[i + 1] * scale + top];
    const isLast = i === line.length - 2;
    if (!isLast && Math.abs(px - lastX) < SAME && Math.abs(py - lastY) < SAME) continue;
    const isOutside = (px < 0 && lastX < 0) || (px > width && lastX > width) || (py < 0 && lastY < 0) || (py > height && lastY > height);
    if (isOutside) down = false;
    else {
      if (!down) context.moveTo(lastX, lastY);
      context.lineTo(px, py);
      down = true;
    }
    [lastX, lastY] = [px, py];
  }
}

// ---- names ----

/** @type {(context: CanvasRenderingContext2D, names: Names, view: Page.View, colours: Colours, taken: Box[]) => void} */
function drawNames(context, { countries, cities }, view, colours, taken) {
  const boxes = [...taken];
  context.lineJoin = "round";
  context.textBaseline = "middle";
  context.strokeStyle = colours.land;
  context.lineWidth = 3;
  const degree = view.scale / 360;
  context.textAlign = "center";
  context.font = `600 12px ${colours.font}`;
  context.fillStyle = colours.country;
  for (const { name, longitude, latitude, size } of countries) {
    const wide = (Math.sqrt(size) / Math.cos((latitude * Math.PI) / 180)) * degree;
    if (wide < 44 || wide > 3000) continue;
    write(context, boxes, view, name, view.place(longitude, latitude), 0);
  }
  const named = Math.min(NAMED * 2.6 ** (view.zoom - 1), cities.length);
  context.font = `500 12px ${colours.font}`;
  context.fillStyle = colours.name;
  for (let i = 0; i < named; i += 1) {
    const place = view.place(cities[i].longitude, cities[i].latitude);
    if (!write(context, boxes, view, cities[i].name, place, 12)) continue;
    context.beginPath();
    context.arc(place[0], place[1], 2.2, 0, 2 * Math.PI);
    context.fill();
  }
}

/// Writes a name at a place, or `below` it, if there is room.
/** @type {(context: CanvasRenderingContext2D, boxes: Box[], view: Page.View, text: string, at: [number, number], below: number) => boolean} */
function write(context, boxes, { width, height }, text, [x, y], below) {
  if (x < 0 || y < 0 || x > width || y > height) return false;
  const half = context.measureText(text).width / 2 + 3;
  /** @type {Box} */
  const box = [x - half, y + Math.min(below - 8, -4), x + half, y + below + 8];
  if (boxes.some(([left, top, right, bottom]) => box[0] < right && box[2] > left && box[1] < bottom && box[3] > top)) return false;
  boxes.push(box);
  context.strokeText(text, x, y + below);
  context.fillText(text, x, y + below);
  return true;
}
