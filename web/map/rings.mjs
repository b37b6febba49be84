// Lines of a topology that may cross the 180th meridian: there they go on beyond it instead of jumping to the other side.

/// The line without jumps: each point is less than half the earth from the one before it.
export function unwrapped(line) {
  let shift = 0;
  return line.map(([longitude, latitude], i) => {
    if (i > 0) shift -= 360 * Math.round((longitude - line[i - 1][0]) / 360);
    return [longitude + shift, latitude];
  });
}

/// Arcs in degrees, out of the steps of a topology.
export function arcsOf({ arcs, transform: { scale, translate } }) {
  return arcs.map((arc) => {
    let [x, y] = [0, 0];
    return unwrapped(arc.map(([dx, dy]) => ((x += dx), (y += dy), [x * scale[0] + translate[0], y * scale[1] + translate[1]])));
  });
}

/// The points of a ring, out of the arcs that it consists of; `~i` stands for an arc that is gone through backwards.
export const ringOf = (ring, arcs) => unwrapped(ring.flatMap((i) => (i < 0 ? arcs[~i].toReversed() : arcs[i])));

export const polygonsOf = ({ type, arcs }) => (type === "Polygon" ? [arcs] : type === "MultiPolygon" ? arcs : []);
