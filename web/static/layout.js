// Justified rows: images side by side at one height, filling the width, in their own order.

/// Ratios beyond these are cropped: a panorama would leave nothing of its neighbours.
export const NARROWEST = 0.45;
export const WIDEST = 3.2;

/// Places images of the given width-to-height `ratios`. Gives `boxes` (x, y, width, height of each) and `rows` (first
/// image, one past the last, y, height), and the height of all.
/** @type {(ratios: number[], width: number, target: number, gap: number) => Page.Layout} */
export function justify(ratios, width, target, gap) {
  const boxes = new Float32Array(ratios.length * 4);
  /** @type {Page.Row[]} */
  const rows = [];
  let y = 0;
  let from = 0;
  let sum = 0;
  /** @type {(to: number, height: number) => void} */
  const place = (to, height) => {
    let x = 0;
    for (let i = from; i < to; i++) {
      const across = clamp(ratios[i]) * height;
      boxes.set([x, y, across, height], i * 4);
      x += across + gap;
    }
    rows.push({ from, to, y, height });
    y += height + gap;
    from = to;
    sum = 0;
  };
  /// Height at which `count` images of ratios that sum up to `sum` fill the width.
  /** @type {(sum: number, count: number) => number} */
  const filling = (sum, count) => (width - gap * (count - 1)) / sum;
  for (let i = 0; i < ratios.length; i++) {
    const ratio = clamp(ratios[i]);
    const [with_, without] = [filling(sum + ratio, i + 1 - from), i > from ? filling(sum, i - from) : Infinity];
    if (with_ > target) {
      sum += ratio;
      continue;
    }
    // This image brings the row below the target: break before or after it, whichever is nearer.
    if (without / target < target / with_) {
      place(i, without);
      sum = ratio;
      if (filling(sum, 1) <= target) place(i + 1, filling(sum, 1));
    } else {
      place(i + 1, with_);
    }
  }
  // The last row keeps the usual height instead of being stretched.
  if (from < ratios.length) place(ratios.length, Math.min(target, filling(sum, ratios.length - from)));
  return { boxes, rows, height: Math.max(0, y - gap) };
}

/// Makes room for a line above each row in which a day begins. `starts` are the first images of days. Gives the layout with
/// `days`: place and width of the line of each of these images.
/** @type {(layout: Page.Layout, starts: number[], lead: number, width: number) => Page.Layout} */
export function withDays({ boxes, rows, height }, starts, lead, width) {
  const days = new Map();
  let [next, shift] = [0, 0];
  const moved = rows.map((row) => {
    /** @type {number[]} */
    const begins = [];
    while (next < starts.length && starts[next] < row.to) begins.push(starts[next++]);
    if (begins.length) shift += lead;
    const y = row.y + shift;
    for (let i = row.from; i < row.to; i++) boxes[i * 4 + 1] = y;
    begins.forEach((start, i) => {
      const [x, end] = [boxes[start * 4], i + 1 < begins.length ? boxes[begins[i + 1] * 4] : width];
      days.set(start, { x, y: y - lead, width: end - x });
    });
    return { ...row, y, lead: begins.length ? lead : 0 };
  });
  return { boxes, rows: moved, height: height + shift, days };
}

/** @type {(ratio: number) => number} */
const clamp = (ratio) => Math.min(Math.max(ratio || 1, NARROWEST), WIDEST);

/// The first of `rows` that ends below `y`.
/** @type {(rows: Page.Row[], y: number) => number} */
export function rowAt(rows, y) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].y + rows[middle].height < y) low = middle + 1;
    else high = middle;
  }
  return low;
}
