// Names of places on earth.

import { language } from "./words.js";

/** @type {Intl.DisplayNames | null} */
let lands = null;

/// The name of a country by its code (ISO 3166-1 alpha-2), if it has one in the language of the page.
/** @type {(code: string) => string} */
export function landName(code) {
  lands ??= new Intl.DisplayNames(language, { type: "region", fallback: "none" });
  try {
    return lands.of(code) ?? "";
  } catch {
    return ""; // no code at all
  }
}

/// The name of a place: its city and country, or its degrees.
/** @type {(place: { name: string | null, country: string | null, latitude: number, longitude: number }) => string} */
export const placeName = ({ name, country, latitude, longitude }) =>
  [name, country && landName(country)].filter(Boolean).join(", ") || `${latitude.toFixed(3)}, ${longitude.toFixed(3)}`;
