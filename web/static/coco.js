// Boxes of found images as COCO (its format of data), as the command line writes them.

/** @typedef {{ path: string, tile: Page.Tile }} Found */

/// The data set of found images: `things` are the names of what their boxes show, in the order of the question. Names of files
/// are relative to the folder that all have in common, with `/` between folders.
/** @type {(found: Found[], things: string[]) => object} */
export function cocoOf(found, things) {
  const names = relative(found.map(({ path }) => path));
  const images = found.map(({ tile }, i) => ({
    id: i + 1, file_name: names[i], width: tile.width, height: tile.height,
    // Of a video: when the frame that was looked at is shown.
    ...(typeof tile.start === "number" && { start: tile.start, end: tile.end }),
  }));
  const boxes = found.flatMap(({ tile }, i) => (tile.boxes ?? []).map((box) => ({ box, image: i + 1 })));
  const shown = [...new Set(boxes.map(({ box }) => box.thing))];
  const annotations = boxes.map(({ box: { thing, x, y, width, height, score }, image }, i) => ({
    id: i + 1, image_id: image, category_id: shown.indexOf(thing) + 1, bbox: [x, y, width, height],
    segmentation: [[x, y, x + width, y, x + width, y + height, x, y + height]], area: width * height, iscrowd: 0, score,
  }));
  const categories = shown.map((thing, i) => ({ id: i + 1, name: things[thing] ?? String(thing), supercategory: "" }));
  return { info: { description: "found by glimpse" }, licenses: [], images, annotations, categories };
}

/// Paths without the folders that they all lie in.
/** @type {(paths: string[]) => string[]} */
function relative(paths) {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const [first = []] = parts;
  const differs = first.findIndex((part, i) => parts.some((other) => other[i] !== part || i === other.length - 1));
  return parts.map((path) => path.slice(Math.max(differs, 0)).join("/"));
}
