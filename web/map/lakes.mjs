// Lakes: those that lie in a country. Seas without an outlet, such as the Caspian, are coasts already.

import { inner, isInside } from "./inside.mjs";
import { arcsOf, polygonsOf, ringOf } from "./rings.mjs";
import { simplified } from "./simplify.mjs";

/// The lines of the lakes of a topology, and the rings of each lake as numbers of these lines. `lands` are the rings of
/// countries, the outer one of each first; lakes smaller than `least` square degrees are left out, and so are islands.
export function lakesOn(topology, lands, { area, least, areaOf }) {
  const arcs = arcsOf(topology);
  const lines = arcs.map((arc) => simplified(arc, area));
  const isLand = (place) => lands.some(([outer, ...holes]) => isInside(place, outer) && !holes.some((hole) => isInside(place, hole)));
  const numbers = new Map();
  const numbered = (i) => {
    const arc = i < 0 ? ~i : i;
    if (!numbers.has(arc)) numbers.set(arc, numbers.size);
    return i < 0 ? ~numbers.get(arc) : numbers.get(arc);
  };
  const lakes = [];
  for (const rings of topology.objects.lakes.geometries.flatMap(polygonsOf)) {
    const kept = rings.filter((ring) => areaOf(ringOf(ring, arcs)) >= least && ringOf(ring, lines).length > 3);
    if (kept[0] === rings[0] && isLand(inner(ringOf(rings[0], arcs)))) lakes.push(kept.map((ring) => ring.map(numbered)));
  }
  return { lines: [...numbers.keys()].map((i) => lines[i]), lakes };
}
