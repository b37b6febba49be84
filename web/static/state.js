// What the page shows, and the address that says the same: links, reload, back and forward all work.

import { language } from "./words.js";

/// Pages beside the library.
/** @type {Page.PageName[]} */
const PAGES = ["map", "tags", "duplicates"];
/** @type {Exclude<Page.State["sort"], "">[]} */
const SORTS = ["relevance", "newest", "oldest", "album"];
/** @type {Record<string, Page.Chip["kind"]>} */
const KINDS = { t: "text", i: "image", p: "upload" };
const LETTERS = { text: "t", image: "i", upload: "p" };
/// Images that stand for all of a selection when others like them are asked for: the mean of so many is close to that of
/// thousands, and fits into an address.
const MOST_EXAMPLES = 32;
/// How things can lie to each other.
/** @type {Api.Lies[]} */
export const LIES = ["left-of", "right-of", "above", "below", "inside", "larger-than", "smaller-than"];

/// Nothing asked: the whole library.
/** @type {Readonly<Page.State>} */
export const EMPTY = Object.freeze({
  text: "", // what is being typed
  sign: 1, // whether that is wanted
  chips: [], // finished parts: { kind, value, weight }, of things with { least, most }, of a part of an image with { box }
  find: false, // things and where they are, instead of images as a whole
  relations: [], // how things lie: { first, is, second }, things by their text
  area: 0, // smallest share of its image that a region covers, in percent
  sort: "",
  after: "",
  before: "",
  folders: [],
  cameras: [],
  formats: [],
  near: null, // taken around a place: { latitude, longitude, km }
  favourite: false, // only favourites
  hidden: false, // only images that are hidden everywhere else
  album: "", // only images of this album
  weak: false, // all weaker matches are unfolded
  lenses: [],
  tags: [], // keywords, one of which images have
  regionTags: [], // labels, one of which a part of an image shows
  box: null, // taken within a box on the map: { south, west, north, east }
  page: "", // a page beside the library: its map, its tags, its duplicates
  at: "", // what part of the map is shown, as map.js writes it
  view: null, // the image that is open
});

/** @type {(state: Page.State) => boolean} */
export const isRanked = (state) => state.chips.length > 0 || state.text.trim() !== "";
/// True if the images are those of the library, or some of them, by their date.
/** @type {(state: Page.State) => boolean} */
export const isTimeline = (state) => !state.page && !isRanked(state) && sortOf(state) !== "album";
/// The things that images must show.
/** @type {(state: { chips: Page.Chip[] }) => Page.TextChip[]} */
export const thingsOf = ({ chips }) => chips.filter((chip) => chip.kind === "text").filter(({ weight }) => weight > 0);
/// Every text that is asked for or left out, in order.
/** @type {(state: Page.State) => string[]} */
export const textsOf = ({ chips, text }) =>
  [...chips.filter((chip) => chip.kind === "text").map(({ value }) => value), text.trim()].filter(Boolean);
/// The text, if it is all that is asked for, of images as a whole.
/** @type {(state: Page.State) => string} */
export function askedAlone({ find, text, sign, chips }) {
  const parts = [...chips, ...(text.trim() ? [/** @type {Page.Chip} */ ({ kind: "text", value: text.trim(), weight: sign })] : [])];
  const [part] = parts;
  return !find && parts.length === 1 && part.kind === "text" && part.weight > 0 ? part.value : "";
}
/// The image, or part of one, that regions are to look like. It is looked for by itself.
/** @type {(state: Page.State) => Page.ImageChip | Page.UploadChip | undefined} */
export const exampleOf = ({ find, chips }) => (find ? chips.filter((chip) => chip.kind === "image" || chip.kind === "upload").find(({ weight }) => weight > 0) : undefined);
/// True if images together are asked for where things are found, which they cannot be.
/** @type {(state: Page.State) => boolean} */
export const hasIdleImages = ({ find, chips }) => find && chips.some(({ kind }) => kind === "images");
/// True if there is something to find, and not only something to leave out.
/** @type {(state: Page.State) => boolean} */
export const canFind = (state) =>
  Boolean(exampleOf(state) || thingsOf(state).length || (state.text.trim() && state.sign > 0));
/// Relations between things that are still there.
/** @type {(state: { chips: Page.Chip[], relations: Page.Relation[] }) => Page.Relation[]} */
export function soundRelations({ chips, relations }) {
  const texts = thingsOf({ chips }).map(({ value }) => value);
  return relations.filter(({ first, second }) => first !== second && texts.includes(first) && texts.includes(second));
}

/** @type {(state: Page.State) => boolean} */
export const isFiltered = (state) =>
  Boolean((state.find && state.area) || state.after || state.before || state.near || state.box || state.folders.length || state.lenses.length || state.tags.length || state.regionTags.length || state.cameras.length || state.formats.length || state.favourite || state.hidden || state.album);

/// What is to change so that nothing is filtered.
/** @type {Page.Changes} */
export const withoutFilters = Object.freeze(
  { after: "", before: "", folders: [], cameras: [], formats: [], lenses: [], tags: [], regionTags: [], near: null, box: null, area: 0, favourite: false, hidden: false, album: "" });

/// Like these images, and nothing else.
/** @type {(ids: number[]) => Page.State} */
export const similarTo = (ids) => ({
  ...EMPTY, chips: [ids.length === 1 ? { kind: "image", value: ids[0], weight: 1 } : { kind: "images", value: spread(ids, MOST_EXAMPLES), of: ids.length, weight: 1 }],
});
/// So many of a list at most, as far apart as can be.
/** @type {(ids: number[], most: number) => number[]} */
function spread(ids, most) {
  const length = Math.min(ids.length, most);
  return Array.from({ length }, (_, i) => ids[Math.floor(((i + 0.5) * ids.length) / length)]);
}
/// Regions like a part of an image.
/** @type {(id: number, box: Page.Rect) => Page.State} */
export const likePart = (id, box) => ({ ...EMPTY, find: true, chips: [{ kind: "image", value: id, weight: 1, box }] });
/// The chips with more, or less, like an image; null if there would be nothing but that to leave out.
/** @type {(state: Page.State, id: number, weight: number) => Page.Chip[] | null} */
export function chipsWith({ chips, text }, id, weight) {
  const others = chips.filter((chip) => !(chip.kind === "image" && chip.value === id));
  if (weight < 0 && !text.trim() && !others.some((chip) => chip.weight > 0)) return null;
  return [...others, { kind: "image", value: id, weight: weight < 0 ? -0.5 : 1 }];
}

/// The order in use. Without a question there is no best match, and only without one an album has its own order.
/** @type {(state: Page.State) => Exclude<Page.State["sort"], "">} */
export function sortOf(state) {
  const { sort, album } = state;
  if (isRanked(state)) return sort === "album" ? "relevance" : sort || "relevance";
  if (album && (sort === "" || sort === "album")) return "album";
  return sort === "oldest" ? "oldest" : "newest";
}

/// How far down the answer goes: a few sure matches are followed by the closest others in any case.
/** @type {(state: Page.State) => "usual" | "all"} */
const depthOf = ({ weak }) => (weak ? "all" : "usual");

/// Cuts what is typed at bare ` + ` and ` - `, as the command line does: what is before a sign
/// becomes a chip, the sign says whether the rest is wanted. In double quotes signs are text.
/** @type {(typed: Pick<Page.State, "text" | "sign" | "chips">) => Pick<Page.State, "text" | "sign" | "chips">} */
export function cutAtSigns({ text, sign, chips }) {
  for (;;) {
    const [, before, operator, after] = /^((?:[^"]|"[^"]*")*?)(?:^|\s)([+\-−])\s(.*)$/su.exec(text) ?? [];
    if (!operator) return { text, sign, chips };
    if (before.trim()) chips = [...chips, { kind: "text", value: before.trim(), weight: sign }];
    [text, sign] = [after, operator === "+" ? 1 : -1];
  }
}

/** @type {(address: string) => Page.State} */
export function read(address) {
  const from = new URLSearchParams(address);
  const { text, sign, chips } = cutAtSigns({
    text: from.get("q") ?? "",
    sign: from.get("not") === "1" ? -1 : 1,
    chips: from.getAll("c").map(readChip).filter((chip) => chip !== null),
  });
  const view = Number(from.get("view"));
  return {
    text,
    sign,
    chips,
    find: from.get("find") === "1",
    relations: from.getAll("rel").map((text) => readRelation(text, chips)).filter((relation) => relation !== null),
    area: Math.min(Math.max(Number(from.get("area")) || 0, 0), 100),
    sort: SORTS.find((sort) => sort === from.get("sort")) ?? "",
    after: from.get("after") ?? "",
    before: from.get("before") ?? "",
    folders: from.getAll("folder"),
    cameras: from.getAll("camera"),
    formats: from.getAll("format"),
    lenses: from.getAll("lens"),
    tags: from.getAll("tag"),
    regionTags: from.getAll("shows"),
    near: readNear(from.get("near") ?? ""),
    box: readBox(from.get("place") ?? ""),
    favourite: from.get("favourite") === "1",
    hidden: from.get("hidden") === "1",
    album: from.get("album") ?? "",
    weak: from.get("weak") === "1",
    page: PAGES.find((page) => page === from.get("page")) ?? "",
    at: from.get("at") ?? "",
    view: from.has("view") && Number.isSafeInteger(view) && view >= 0 ? view : null,
  };
}

/// `52.52,13.405,10`: degrees north and east, and kilometres.
/** @type {(text: string) => Page.Near | null} */
function readNear(text) {
  const [latitude, longitude, km, ...more] = text.split(",").map(Number);
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && km > 0 && km <= 1000 && !more.length;
  return isPlace ? { latitude, longitude, km } : null;
}

/// `52.3,13.1,52.7,13.8`: a box from its southern and western to its northern and eastern edge, in degrees.
/** @type {(text: string) => Api.GeoBox | null} */
function readBox(text) {
  const [south, west, north, east, ...more] = text.split(",").map(Number);
  const isBox = south >= -90 && south <= north && north <= 90 && Math.abs(west) <= 180 && Math.abs(east) <= 180 && !more.length;
  return isBox ? { south, west, north, east } : null;
}

/** @type {(box: Api.GeoBox) => string} */
const writeBox = ({ south, west, north, east }) => [south, west, north, east].map((degrees) => Number(degrees.toFixed(5))).join();

/// The box around a place, as far as the poles and the 180th meridian.
/** @type {(near: Page.Near) => { south: number, north: number, west: number, east: number }} */
function boxAround({ latitude, longitude, km }) {
  const high = km / 111.2; // kilometres of a degree
  const wide = high / Math.max(Math.cos((latitude * Math.PI) / 180), 0.01);
  return {
    south: Math.max(latitude - high, -90), north: Math.min(latitude + high, 90),
    west: Math.max(longitude - wide, -180), east: Math.min(longitude + wide, 180),
  };
}

/// `t:-1.5:text`, `i:1:17`, `p:1:KEY`; with a count, `n:2-:text` or `n:1-3:text`; a part of an image, `r:17:x,y,w,h`; images
/// that stand for 40, `s:1:40:3.17.25`.
/** @type {(text: string) => Page.Chip | null} */
function readChip(text) {
  const [, least, most, thing] = /^n:(\d+)-(\d*):(.+)$/su.exec(text) ?? [];
  if (thing) return { kind: "text", value: thing, weight: 1, least: Number(least), most: most ? Number(most) : null };
  const [, id, box] = /^r:(\d+):(\d+(?:,\d+){3})$/.exec(text) ?? [];
  if (id && box) {
    const [x, y, width, height] = box.split(",").map(Number);
    return { kind: "image", value: Number(id), weight: 1, box: [x, y, width, height] };
  }
  const [, together, of, members] = /^s:(-?\d+(?:\.\d+)?):(\d+):(\d+(?:\.\d+)*)$/.exec(text) ?? [];
  if (members && Number(together) !== 0) {
    const ids = members.split(".").map(Number).slice(0, MOST_EXAMPLES);
    return { kind: "images", value: ids, of: Math.max(Number(of), ids.length), weight: Number(together) };
  }
  const [, letter = "", weight, value = ""] = /^([tip]):(-?\d+(?:\.\d+)?):(.+)$/su.exec(text) ?? [];
  const kind = KINDS[letter];
  if (!kind || Number(weight) === 0) return null;
  return kind === "text" || kind === "upload" ? { kind, value, weight: Number(weight) } : { kind: "image", value: Number(value), weight: Number(weight) };
}

/** @type {(chip: Page.Chip) => string} */
function writeChip(chip) {
  if (chip.kind === "images") return `s:${chip.weight}:${chip.of}:${chip.value.join(".")}`;
  const { kind, value, weight, least, most, box } = chip;
  if (box) return `r:${value}:${box}`;
  if (weight > 0 && least !== undefined) return `n:${least}-${most ?? ""}:${value}`;
  return `${LETTERS[kind]}:${weight}:${value}`;
}

/// `0.left-of.1`, both being places among the things.
/** @type {(text: string, chips: Page.Chip[]) => Page.Relation | null} */
function readRelation(text, chips) {
  const [first, lies, second] = text.split(".");
  const texts = thingsOf({ chips }).map(({ value }) => value);
  const [a, is, b] = [texts[Number(first)], LIES.find((known) => known === lies), texts[Number(second)]];
  return a !== undefined && is && b !== undefined ? { first: a, is, second: b } : null;
}

/// Relations by the places of their things, as addresses and the server have them.
/** @type {(state: Page.State) => Api.Relation[]} */
function placed(state) {
  const texts = thingsOf(state).map(({ value }) => value);
  return soundRelations(state).map(({ first, is, second }) => ({ first: texts.indexOf(first), is, second: texts.indexOf(second) }));
}

/// The address of a state, relative to the page.
/** @type {(state: Page.State) => string} */
export function write(state) {
  const to = new URLSearchParams();
  if (state.text.trim()) to.set("q", state.text);
  if (state.text.trim() && state.sign < 0) to.set("not", "1");
  if (state.find) to.set("find", "1");
  for (const chip of state.chips) to.append("c", writeChip(chip));
  for (const { first, is, second } of placed(state)) to.append("rel", `${first}.${is}.${second}`);
  if (state.area) to.set("area", String(state.area));
  if (state.sort) to.set("sort", state.sort);
  if (state.after) to.set("after", state.after);
  if (state.before) to.set("before", state.before);
  for (const folder of state.folders) to.append("folder", folder);
  for (const camera of state.cameras) to.append("camera", camera);
  for (const format of state.formats) to.append("format", format);
  if (state.near) to.set("near", `${state.near.latitude},${state.near.longitude},${state.near.km}`);
  for (const lens of state.lenses) to.append("lens", lens);
  for (const tag of state.tags) to.append("tag", tag);
  for (const label of state.regionTags) to.append("shows", label);
  if (state.box) to.set("place", writeBox(state.box));
  if (state.favourite) to.set("favourite", "1");
  if (state.hidden) to.set("hidden", "1");
  if (state.album) to.set("album", state.album);
  if (state.weak) to.set("weak", "1");
  if (state.page) to.set("page", state.page);
  if (state.page && state.at) to.set("at", state.at);
  if (state.view !== null) to.set("view", String(state.view));
  return to.size ? `?${to}` : "./";
}

/// What a chip asks for. Images together count as much as one: it is their mean that is asked for.
/** @type {(chip: Page.Chip) => object[]} */
const termsOf = (chip) => chip.kind === "images"
  ? chip.value.map((image) => ({ image, weight: chip.weight / chip.value.length }))
  : [{ [chip.kind]: chip.value, weight: chip.weight }];

/// The body of a search for this state.
/** @type {(state: Page.State) => Page.Question} */
export function question(state) {
  /** @type {object[]} */
  const terms = state.chips.flatMap(termsOf);
  if (state.text.trim()) terms.push({ text: state.text.trim(), weight: state.sign });
  return { terms, sort: sortOf(state), depth: depthOf(state), filter: filterOf(state) };
}

/// The body of a question about regions: things, or regions like one.
/** @type {(state: Page.State) => Page.Question} */
export function regionQuestion(state) {
  const common = { min_area: state.area / 100, depth: depthOf(state), sort: sortOf(state), filter: filterOf(state) };
  const example = exampleOf(state);
  if (example) {
    const [x, y, width, height] = example.box ?? [];
    return { [example.kind]: example.value, ...(example.box && { box: { x, y, width, height } }), ...common };
  }
  const [wanted, q] = [state.sign > 0, state.text.trim()];
  const without = state.chips.filter(({ kind, weight }) => kind === "text" && weight < 0).map(({ value }) => value);
  return {
    ...(q && wanted && { q, language }),
    things: thingsOf(state).map(({ value, least, most }) => ({ text: value, at_least: least ?? 1, at_most: most ?? null })),
    without: q && !wanted ? [...without, q] : without,
    relations: placed(state),
    ...common,
  };
}

/// What is asked of images besides the question.
/** @type {(state: Page.State) => Page.Filter} */
export function filterOf(state) {
  const place = state.box ?? (state.near && boxAround(state.near));
  return {
    ...(state.after && { after: state.after }),
    ...(state.before && { before: dayAfter(state.before) }),
    folders: state.folders,
    cameras: state.cameras,
    formats: state.formats,
    ...(state.lenses.length && { lenses: state.lenses }),
    ...(state.tags.length && { tags: state.tags }),
    ...(state.regionTags.length && { region_tags: state.regionTags }),
    ...(place && { place }),
    ...(state.favourite && { favourite: true }),
    ...(state.hidden && { hidden: true }),
    ...(state.album && { album: state.album }),
  };
}

/// People mean the last day too.
/** @type {(day: string) => string} */
function dayAfter(day) {
  const next = new Date(`${day}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}
