// Names on the map: where a country's name stands, and which cities are shown first.

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

/// A place well inside a ring: of a grid of places in it, the one that is farthest from its line.
function inner(ring) {
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const wide = Math.cos(((south + north) / 2 * Math.PI) / 180);
  const corners = ring.filter((_, i) => i % Math.ceil(ring.length / 800) === 0);
  let best = { place: [(west + east) / 2, (south + north) / 2], distance: -1 };
  for (let i = 1; i < 40; i += 1) {
    for (let j = 1; j < 40; j += 1) {
      const place = [west + ((east - west) * i) / 40, south + ((north - south) * j) / 40];
      if (!isInside(place, corners)) continue;
      // Names are wider than high.
      const distance = Math.min(...corners.map(([x, y]) => Math.hypot(((x - place[0]) * wide) / 2, y - place[1])));
      if (distance > best.distance) best = { place, distance };
    }
  }
  return best.place;
}

function isInside([x, y], ring) {
  let inside = false;
  ring.forEach(([x1, y1], i) => {
    const [x2, y2] = ring[(i + 1) % ring.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
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
