// Simplifying lines: the points that change their shape least are left out first (Visvalingam and Whyatt, 1993).

/// The line without points whose triangle with their neighbours is smaller than `area`, in square degrees as they are at
/// that latitude. Its ends stay, so that lines that meet still do.
export function simplified(line, area) {
  if (area === 0 || line.length < 4) return line;
  const points = line.map(([longitude, latitude]) => ({ longitude, latitude, x: longitude * Math.cos((latitude * Math.PI) / 180), y: latitude }));
  points.forEach((point, i) => Object.assign(point, { before: points[i - 1], after: points[i + 1] }));
  const heap = new Heap();
  for (const point of points.slice(1, -1)) heap.push(Object.assign(point, { area: triangle(point) }));
  let least = 0;
  for (let point = heap.pop(); point; point = heap.pop()) {
    // A point that became flat because of its neighbour counts no less than that one did.
    least = Math.max(least, point.area);
    if (least >= area) break;
    point.gone = true;
    point.before.after = point.after;
    point.after.before = point.before;
    for (const near of [point.before, point.after]) {
      if (near.before && near.after) heap.change(near, Math.max(triangle(near), least));
    }
  }
  const closed = line[0][0] === line.at(-1)[0] && line[0][1] === line.at(-1)[1];
  const kept = points.filter(({ gone }) => !gone);
  // A ring needs three corners: an island stays one.
  if (closed && kept.length < 4) return [0, 1, 2].map((i) => line[Math.floor((i * (line.length - 1)) / 3)]).concat([line.at(-1)]);
  return kept.map(({ longitude, latitude }) => [longitude, latitude]);
}

function triangle({ before: a, x, y, after: b }) {
  return Math.abs((a.x - x) * (b.y - y) - (b.x - x) * (a.y - y)) / 2;
}

/// A binary heap of points by their area, which knows where each lies.
class Heap {
  points = [];

  push(point) {
    point.place = this.points.push(point) - 1;
    this.#up(point);
  }

  pop() {
    const [top, last] = [this.points[0], this.points.pop()];
    if (top && top !== last) {
      this.#put(last, 0);
      this.#down(last);
    }
    return top;
  }

  change(point, area) {
    point.area = area;
    this.#up(point);
    this.#down(point);
  }

  #put(point, place) {
    this.points[place] = point;
    point.place = place;
  }

  #swap(a, b) {
    const [i, j] = [a.place, b.place];
    this.#put(a, j);
    this.#put(b, i);
  }

  #up(point) {
    while (point.place > 0) {
      const parent = this.points[(point.place - 1) >> 1];
      if (parent.area <= point.area) return;
      this.#swap(point, parent);
    }
  }

  #down(point) {
    for (;;) {
      const children = [this.points[2 * point.place + 1], this.points[2 * point.place + 2]].filter(Boolean);
      const least = children.toSorted((a, b) => a.area - b.area)[0];
      if (!least || least.area >= point.area) return;
      this.#swap(point, least);
    }
  }
}
