// Names of countries and cities for the map and the large view, from a file of the page: loaded once, when a place is shown.

import { CityNames } from "./map_names.js";
import { landName } from "./places.js";

/**
 * @typedef {{ name: string, longitude: number, latitude: number }} Name
 * @typedef {{ countries: (Name & { size: number })[], cities: Name[], cityNames: CityNames }} Names
 */

/** @type {Promise<Names> | null} */
let names = null;

/// The names; asked for again if they did not come.
export const loadNames = () => (names ??= load());

async function load() {
  try {
    const answer = await fetch(new URL("map/names.json", import.meta.url));
    return readNames(await answer.json());
  } catch (error) {
    names = null;
    throw error;
  }
}

/** @type {(file: { countries: [code: string, longitude: number, latitude: number, size: number][], cities: string[], places: [number, number][] }) => Names} */
function readNames({ countries, cities, places }) {
  const named = cities.map((name, i) => ({ name, longitude: places[i][0], latitude: places[i][1] }));
  return {
    countries: countries.map(([code, longitude, latitude, size]) => ({ name: landName(code), longitude, latitude, size })),
    cities: named,
    cityNames: new CityNames(named),
  };
}
