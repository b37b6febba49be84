// What the page shows, and the address that says the same: links, reload, back and forward all work.

const SORTS = ["relevance", "newest", "oldest"];
const KINDS = { t: "text", i: "image", p: "picture" };
const LETTERS = { text: "t", image: "i", picture: "p" };

/// Nothing asked: the whole library.
export const EMPTY = Object.freeze({
  text: "", // what is being typed
  sign: 1, // whether that is wanted
  chips: [], // finished parts: { kind, value, weight }
  sort: "",
  after: "",
  before: "",
  folders: [],
  cameras: [],
  formats: [],
  weak: false, // the weaker matches are unfolded
  view: null, // the picture that is open
});

export const isRanked = (state) => state.chips.length > 0 || state.text.trim() !== "";
export const isFiltered = (state) =>
  Boolean(state.after || state.before || state.folders.length || state.cameras.length || state.formats.length);

/// The order in use. Without a question there is no best match.
export const sortOf = (state) =>
  isRanked(state) ? state.sort || "relevance" : state.sort === "oldest" ? "oldest" : "newest";

export function read(address) {
  const from = new URLSearchParams(address);
  const chips = from.getAll("c").map(readChip).filter(Boolean);
  const q = from.get("q") ?? "";
  const view = Number(from.get("view"));
  return {
    text: q,
    sign: from.get("not") === "1" ? -1 : 1,
    chips,
    sort: SORTS.includes(from.get("sort")) ? from.get("sort") : "",
    after: from.get("after") ?? "",
    before: from.get("before") ?? "",
    folders: from.getAll("folder"),
    cameras: from.getAll("camera"),
    formats: from.getAll("format"),
    weak: from.get("weak") === "1",
    view: from.has("view") && Number.isSafeInteger(view) && view >= 0 ? view : null,
  };
}

/// `t:-1.5:text`, `i:1:17`, `p:1:KEY`
function readChip(text) {
  const [, letter, weight, value] = /^([tip]):(-?\d+(?:\.\d+)?):(.+)$/su.exec(text) ?? [];
  if (!letter || Number(weight) === 0) return null;
  return { kind: KINDS[letter], value: letter === "i" ? Number(value) : value, weight: Number(weight) };
}

export function write(state) {
  const to = new URLSearchParams();
  if (state.text.trim()) to.set("q", state.text);
  if (state.text.trim() && state.sign < 0) to.set("not", "1");
  for (const { kind, value, weight } of state.chips) to.append("c", `${LETTERS[kind]}:${weight}:${value}`);
  if (state.sort) to.set("sort", state.sort);
  if (state.after) to.set("after", state.after);
  if (state.before) to.set("before", state.before);
  for (const folder of state.folders) to.append("folder", folder);
  for (const camera of state.cameras) to.append("camera", camera);
  for (const format of state.formats) to.append("format", format);
  if (state.weak) to.set("weak", "1");
  if (state.view !== null) to.set("view", state.view);
  return `/${to.size ? `?${to}` : ""}`;
}

/// The body of a search for this state.
export function question(state) {
  const terms = state.chips.map(({ kind, value, weight }) => ({ [kind]: value, weight }));
  if (state.text.trim()) terms.push({ text: state.text.trim(), weight: state.sign });
  return {
    terms,
    sort: sortOf(state),
    all: state.weak && isRanked(state),
    filter: {
      ...(state.after && { after: state.after }),
      ...(state.before && { before: dayAfter(state.before) }),
      folders: state.folders,
      cameras: state.cameras,
      formats: state.formats,
    },
  };
}

/// People mean the last day too.
function dayAfter(day) {
  const next = new Date(`${day}T00:00:00Z`);
  next.setUTCDate(next.getUTCDate() + 1);
  return next.toISOString().slice(0, 10);
}
