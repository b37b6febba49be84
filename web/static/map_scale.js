// The scale of the map: a bar that is a round distance long, in kilometres or miles as the reader's country has them.

import { MILE_KM, length, usesMiles } from "./words.js";

/// Pixels that the bar is long at most.
export const LONGEST = 110;
/// Metres around the equator, and metres of a mile and a foot.
const EQUATOR = 40_075_017;
const MILE = MILE_KM * 1000;
const FOOT = 0.3048;

/// Kilometres of a pixel at a latitude where the world is `scale` pixels wide.
/** @type {(scale: number, latitude: number) => number} */
export const kilometresOf = (scale, latitude) => (EQUATOR / 1000 / scale) * Math.cos((latitude * Math.PI) / 180);

/// The longest round distance whose bar is not too long where the middle of a view is: its width in pixels, and its name.
/** @type {(view: Page.View) => { width: number, name: string }} */
export function scaleOf({ scale, middle }) {
  const metre = scale / EQUATOR / Math.cos((middle.latitude * Math.PI) / 180); // in pixels
  const most = LONGEST / metre;
  /** @type {[unit: "mile" | "foot" | "kilometer" | "meter", metres: number]} */
  const [unit, metres] = usesMiles() ? (most < MILE ? ["foot", FOOT] : ["mile", MILE]) : most < 1000 ? ["meter", 1] : ["kilometer", 1000];
  const value = roundBelow(most / metres);
  return { width: value * metres * metre, name: length(value, unit) };
}

/// The largest of 1, 2, 5, 10, 20, ... that is not above a number.
/** @type {(value: number) => number} */
function roundBelow(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return step * ([5, 2].find((times) => times * step <= value) ?? 1);
}
