// What lies inside a ring.

/// A place well inside a ring: of a grid of places in it, the one that is farthest from its line.
export function inner(ring) {
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

export function isInside([x, y], ring) {
  let inside = false;
  ring.forEach(([x1, y1], i) => {
    const [x2, y2] = ring[(i + 1) % ring.length];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}
