// Names on the map: where a country's name stands, and which cities are shown first.

import { inner } from "./inside.mjs";
import { ringOf } from "./rings.mjs";

/// The code of a country's outline, with the place of its name and its size in square degrees; none for what has no code.
export function labelOf(country, polygons, arcs) {
  if (!country.id) return null;
  const rings = polygons.map(([outer]) => ringOf(outer, arcs));
  const sized = rings.map((ring) => ({ ring, area: signedArea(ring) })).toSorted((a, b) => Math.abs(b.area) - Math.abs(a.area));
  const [longitude, latitude] = inner(sized[0].ring);
  const size = sized.reduce((sum, { area }) => sum + Math.abs(area), 0) * Math.cos((latitude * Math.PI) / 180);
  return { id: country.id, longitude: ((longitude + 540) % 360) - 180, latitude, size };
}

function signedArea(ring) {
  return ring.reduce((sum, [x, y], i) => sum + x * ring[(i + 1) % ring.length][1] - ring[(i + 1) % ring.length][0] * y, 0) / 2;
}

const rounded = (degrees) => Math.round(degrees * 100) / 100;

/// The names: of countries their codes, since browsers name them in every language, largest first; of cities the names
/// themselves, in columns, the most looked for first.
export function names(countries, known, cities, most) {
  const codes = new Map(Object.values(known).map(({ iso, isonumeric }) => [Number(isonumeric), iso]));
  const named = countries.filter(({ id }) => codes.has(Number(id))).toSorted((a, b) => b.size - a.size);
  const capitals = new Set(Object.values(known).map(({ iso, capital }) => `${iso} ${capital}`));
  // A capital is looked for more than its size says.
  const rank = ({ name, countrycode, population }) => population * (capitals.has(`${countrycode} ${name}`) ? 3 : 1);
  const largest = Object.values(cities).toSorted((a, b) => rank(b) - rank(a)).slice(0, most);
  return {
    countries: named.map(({ id, longitude, latitude, size }) => [codes.get(Number(id)), rounded(longitude), rounded(latitude), rounded(size)]),
    cities: largest.map(({ name }) => name),
    places: largest.map(({ longitude, latitude }) => [rounded(longitude), rounded(latitude)]),
  };
}
