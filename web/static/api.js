// Questions to the server. A failed one throws an ApiError with the server's code, and its own message and hint.

/// Where the API is. A reverse proxy may show the page below any path, so nothing begins at the root of the site.
const API = new URL("../api/v1/", import.meta.url);
/** @type {(path: string) => string} */
const addressOf = (path) => new URL(path, API).href;
/// Answers of a reverse proxy whose server is away.
const AWAY = [502, 503, 504];

export class ApiError extends Error {
  /** @param {Api.Problem} problem */
  constructor({ code, message, hint, reason_code, word, limit }) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.reason = reason_code ?? null;
    /// The word, and the most that is allowed, that the reason is about.
    this.about = { ...(word != null && { word }), ...(limit != null && { limit }) };
  }
}

/// True for a question to a server that is away; the page says so elsewhere.
/** @type {(error: unknown) => boolean} */
export const isOffline = (error) => error instanceof ApiError && error.code === "offline";

/// True for a question that was taken back.
/** @type {(error: unknown) => boolean} */
export const isCancelled = (error) => error instanceof Error && error.name === "AbortError";

/**
 * @typedef {object} Options
 * @property {Page.Query} [query]
 * @property {object} [body] sent as JSON
 * @property {Blob} [raw] sent as it is
 * @property {AbortSignal} [signal]
 * @property {(answer: Response) => Promise<unknown>} [read] reads an answer that is no JSON
 */
/** @type {(method: string, path: string, options?: Options) => Promise<any>} */
async function ask(method, path, { query = {}, body, raw, signal, read } = {}) {
  const known = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== "") known.set(name, String(value));
  const address = addressOf(`${path}${known.size ? `?${known}` : ""}`);
  const headers = new Headers({ Accept: "application/json" });
  /** @type {RequestInit} */
  const options = { method, signal: signal ?? null, headers };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    headers.set("Content-Type", "application/json");
  } else if (raw) {
    options.body = raw;
    headers.set("Content-Type", raw.type.startsWith("image/") ? raw.type : "application/octet-stream");
  }
  let response;
  try {
    response = (await early(method, path, options.body)) ?? (await fetch(address, options));
  } catch (error) {
    if (isCancelled(error)) throw error;
    throw offline();
  }
  if (read && response.ok) return read(response);
  if (response.status === 204) return null;
  const answer = await response.json().catch((error) => {
    if (isCancelled(error)) throw error;
    if (AWAY.includes(response.status)) throw offline();
    return { code: "internal", message: response.statusText };
  });
  if (!response.ok) throw new ApiError(answer);
  return answer;
}

/// What was asked before there were modules.
/** @type {(method: string, path: string, body: BodyInit | null | undefined) => Promise<Response | null> | undefined} */
const early = (method, path, body) => (body instanceof Blob ? undefined : globalThis.early?.(method, `api/v1/${path}`, body?.toString()));

/// Tells the page that the server is away, too.
function offline() {
  dispatchEvent(new Event("glimpse:offline"));
  return new ApiError({ code: "offline", message: "" });
}

/// Asks again while the server is busy, a few times.
/** @type {<T>(act: () => Promise<T>, signal?: AbortSignal, tries?: number) => Promise<T>} */
async function patiently(act, signal, tries = 4) {
  for (let wait = 300; ; wait *= 2) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "busy" || --tries === 0) throw error;
      await new Promise((done) => setTimeout(done, wait));
      signal?.throwIfAborted();
    }
  }
}

/// Images whose files are read at a time to write their sidecars.
const SIDECARS_AT_ONCE = 100;

/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Page>} */
export const search = (body, signal) => patiently(() => ask("POST", "search", { body, signal }), signal);
/// How many images each month has, and the images of one month as columns.
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Timeline>} */
export const timeline = (body, signal) => patiently(() => ask("POST", "timeline", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Tiles>} */
export const timelineTiles = (body, signal) => patiently(() => ask("POST", "timeline/tiles", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.FoundPage>} */
export const find = (body, signal) => patiently(() => ask("POST", "find", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.FoundPage>} */
export const similarRegions = (body, signal) => patiently(() => ask("POST", "similar", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Grounding>} */
export const ground = (body, signal) => patiently(() => ask("POST", "ground", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Segmentation>} */
export const segment = (body, signal) => patiently(() => ask("POST", "segment", { body, signal }), signal);
/** @type {(body: object, signal?: AbortSignal) => Promise<Api.Captions>} */
export const caption = (body, signal) => patiently(() => ask("POST", "caption", { body, signal }), signal);
/** @type {(id: number, signal?: AbortSignal) => Promise<Api.Regions>} */
export const regions = (id, signal) => ask("GET", `images/${id}/regions`, { signal });
/// An image to lay over another: how much each place of it shows of a text.
/** @type {(id: number, text: string, signal?: AbortSignal) => Promise<Blob>} */
export const heatmap = (id, text, signal) =>
  patiently(() => ask("GET", `images/${id}/heatmap`, { query: { text }, signal, read: (answer) => answer.blob() }), signal);
/** @type {(id: number, query: { limit: number }, signal?: AbortSignal) => Promise<Api.Similar>} */
export const similar = (id, query, signal) => ask("GET", `images/${id}/similar`, { query, signal });
/// The labels of an image that are kept with the index, at two levels: of the image, and of its regions.
/** @type {(id: number, signal?: AbortSignal) => Promise<Api.ImageTags>} */
export const imageTags = (id, signal) => ask("GET", `images/${id}/tags`, { signal });
/** @type {(ids: number[], signal?: AbortSignal) => Promise<Api.Images>} */
export const images = (ids, signal) => ask("GET", "images", { query: { ids: ids.join(",") }, signal });
/** @type {(id: number) => Promise<Api.Image>} */
export const image = (id) => ask("GET", `images/${id}`);
/** @type {(file: File) => Promise<Api.Upload>} */
export const upload = (file) => patiently(() => ask("POST", "uploads", { raw: file }));
/// The frames of a video or an animation, of which each stands for a shot; of an image that does not move, itself.
/** @type {(id: number, signal?: AbortSignal) => Promise<Api.Frames>} */
export const framesOf = (id, signal) => ask("GET", `images/${id}/frames`, { signal });
/** @type {() => Promise<Api.Health>} */
export const health = () => ask("GET", "health");
/** @type {() => Promise<Api.Stats>} */
export const stats = () => ask("GET", "stats");
/// What the empty bar can offer, or what a text may have meant.
/** @type {(body: { text: string, language: string }, signal?: AbortSignal) => Promise<Api.Suggestions>} */
export const suggest = (body, signal) => patiently(() => ask("POST", "suggest", { body, signal }), signal);
/// Images with a place, those close together as one.
/** @type {(body: { filter: object, box: Api.GeoBox | null, zoom: number }, signal?: AbortSignal) => Promise<Api.Clusters>} */
export const clustersOf = (body, signal) => patiently(() => ask("POST", "map", { body, signal }), signal);
/** @type {(query: Page.Query, signal?: AbortSignal) => Promise<Api.Tags>} */
export const tags = (query, signal) => ask("GET", "tags", { query, signal });
/** @type {(query: Page.Query, signal?: AbortSignal) => Promise<Api.Groups>} */
export const duplicates = (query, signal) => ask("GET", "duplicates", { query, signal });
/// Moves the files of images to the trash of the server's machine, `companions` too if that is wanted.
/** @type {(images: number[], companions: boolean) => Promise<Api.Trashed>} */
export const trash = (images, companions) => ask("POST", "trash", { body: { images, companions } });
/// Shows the file of an image in the file manager of the server's machine, which is this one.
/** @type {(image: number) => Promise<null>} */
export const reveal = (image) => ask("POST", "reveal", { body: { image } });
/// Writes favourites to the XMP sidecars of images, or a rating of 0 to 5, in parts that a server is done with before anybody
/// gives up.
/** @type {(ids: number[], rating?: number) => Promise<Api.Sidecars>} */
export async function writeSidecars(ids, rating) {
  /** @type {Api.Sidecars} */
  const all = { written: [], unchanged: 0, failed: [] };
  for (let at = 0; at < ids.length; at += SIDECARS_AT_ONCE) {
    /** @type {Api.Sidecars} */
    const { written, unchanged, failed } = await ask("POST", "sidecars", { body: { images: ids.slice(at, at + SIDECARS_AT_ONCE), rating } });
    all.written.push(...written);
    all.unchanged += unchanged;
    all.failed.push(...failed);
  }
  return all;
}
/** @type {(query: Record<string, string | undefined>, signal?: AbortSignal) => Promise<Api.Facets>} */
export const facets = (query, signal) => ask("GET", "facets", { query, signal });
/** @type {() => Promise<Api.Folders>} */
export const folders = () => ask("GET", "folders");
/// Folders of the server's machine that could be indexed, below one, or to begin with.
/** @type {(path: string | null) => Promise<Api.Browse>} */
export const browse = (path) => ask("GET", "browse", { query: { path } });
/// Takes a folder out of the library. Its files stay.
/** @type {(path: string) => Promise<unknown>} */
export const removeRoot = (path) => ask("DELETE", "roots", { query: { path } });
/// Keeps no tags of parts any more.
/** @type {() => Promise<unknown>} */
export const dropPartTags = () => ask("DELETE", "region-tags");
/** @type {(query: { limit: number }) => Promise<Api.Runs>} */
export const runs = (query) => ask("GET", "runs", { query });
/** @type {() => Promise<Api.Jobs>} */
export const jobs = () => ask("GET", "jobs");
/** @type {(order: { kind?: Api.JobKind, roots?: string[], regions?: boolean }) => Promise<Api.Job>} */
export const startJob = (order) => ask("POST", "jobs", { body: order });
/** @type {(id: number, act: string) => Promise<Api.Job>} */
export const steerJob = (id, act) => ask("POST", `jobs/${id}/${act}`);
/** @type {(id: number, offset: number) => Promise<Api.Failures>} */
export const failures = (id, offset) => ask("GET", `jobs/${id}/failures`, { query: { offset } });
/** @type {(id: number) => EventSource} */
export const jobEvents = (id) => new EventSource(addressOf(`jobs/${id}/events`));

/** @type {() => EventSource} */
export const libraryEvents = () => new EventSource(addressOf("events"));

/// Images of one request: with more, its body could be larger than the server takes.
const AT_ONCE = 10_000;
/** @type {(ids: number[]) => number[][]} */
const inParts = (ids) => Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, i) => ids.slice(i * AT_ONCE, (i + 1) * AT_ONCE));

/// What is known of images, as a text: `paths`, `json` (a record in each line) or `csv`.
/** @type {(ids: number[], format: "paths" | "json" | "csv") => Promise<string>} */
export async function exportText(ids, format) {
  /** @type {string[]} */
  const parts = [];
  for (const images of inParts(ids)) {
    const text = await patiently(() => ask("POST", "export", { body: { images, format }, read: (answer) => answer.text() }));
    parts.push(format === "csv" && parts.length ? text.slice(text.indexOf("\n") + 1) : text);
  }
  return parts.join("");
}

/// Makes images favourites, or takes that back.
/** @type {(ids: number[], wanted: boolean) => Promise<void>} */
export async function favourites(ids, wanted) {
  for (const part of inParts(ids)) await ask("POST", "favourites", { body: { [wanted ? "add" : "remove"]: part } });
}

/// Hides images everywhere but among the hidden ones, or takes that back.
/** @type {(ids: number[], wanted: boolean) => Promise<void>} */
export async function hide(ids, wanted) {
  for (const part of inParts(ids)) await ask("POST", "hidden", { body: { [wanted ? "add" : "remove"]: part } });
}

/// Says of images that they show what a text asks for (`right`), do not (`wrong`), or nothing any more (`unsaid`).
/** @type {(text: string, said: "right" | "wrong" | "unsaid", ids: number[]) => Promise<void>} */
export async function giveFeedback(text, said, ids) {
  for (const part of inParts(ids)) await ask("POST", "feedback", { body: { text, [said]: part } });
}
/// What was said of the answers to a text.
/** @type {(text: string) => Promise<{ right: number[], wrong: number[] }>} */
export const feedback = (text) => ask("POST", "feedback", { body: { text } });

/// Gives images tags, or takes tags away that were given so.
/** @type {(ids: number[], changes: { add?: string[], remove?: string[] }) => Promise<void>} */
export async function changeTags(ids, changes) {
  for (const images of inParts(ids)) await ask("POST", "tags", { body: { images, ...changes } });
}

/** @type {() => Promise<Api.Albums>} */
export const albums = () => ask("GET", "albums");
/** @type {(id: string, body: { name?: string, cover?: number }) => Promise<Api.Album>} */
export const changeAlbum = (id, body) => ask("POST", `albums/${id}`, { body });
/** @type {(id: string) => Promise<null>} */
export const deleteAlbum = (id) => ask("DELETE", `albums/${id}`);
/** @type {(id: string) => Promise<Api.Album>} */
export const seeAlbum = (id) => ask("POST", `albums/${id}/seen`, { body: {} });
/// An album of images, or with `query` (`find` for things in images, `similar` for regions like one) and `address`, a saved search, which fills itself.
/** @type {(album: { name: string, images?: number[], query?: object, find?: object, similar?: object, address?: string }) => Promise<Api.Album>} */
export async function createAlbum({ images = [], ...body }) {
  const [first = [], ...others] = inParts(images);
  const album = await ask("POST", "albums", { body: { ...body, images: first } });
  for (const part of others) await albumImages(album.id, { add: part });
  return album;
}
/// Moves images of an album behind another of its images, or to its beginning.
/** @type {(id: string, order: number[], after: number | null) => Promise<Api.Album>} */
export const orderAlbum = (id, order, after) => ask("POST", `albums/${id}/images`, { body: { order, after } });
/// Changes which images an album has: `add`, `remove`.
/** @type {(id: string, changes: { add?: number[], remove?: number[] }) => Promise<void>} */
export async function albumImages(id, { add = [], remove = [] }) {
  for (const part of inParts(add)) await ask("POST", `albums/${id}/images`, { body: { add: part } });
  for (const part of inParts(remove)) await ask("POST", `albums/${id}/images`, { body: { remove: part } });
}

/// Sends a form as a page does, for an answer that the browser saves. It asks first whether the server is there: what
/// the browser says of one that is not would take the place of the page.
/** @type {(path: string, fields: Record<string, string>) => Promise<void>} */
export async function postForm(path, fields) {
  await health();
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: addressOf(path), hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

/// The address of a thumbnail; with its content hash, so that browsers may keep it.
/** @type {(image: { id: number, content: string }, size: number) => string} */
export const thumbnail = ({ id, content }, size) => addressOf(`images/${id}/thumbnail?size=${size}&v=${content}`);
/** @type {(image: { id: number, content: string }) => string} */
export const original = ({ id, content }) => addressOf(`images/${id}/original?v=${content}`);
/// The address of an image as large as a browser can show it. Browsers turn an original as its own file says, not as a
/// sidecar does.
/** @type {(record: { id: number, content: string, shown_by_browsers?: boolean, orientation?: number | null }) => string} */
export const large = (record) => (record.shown_by_browsers && !record.orientation ? original(record) : thumbnail(record, 1600));
/** @type {(image: { id: number }) => string} */
export const downloadOf = ({ id }) => addressOf(`images/${id}/original?download=true`);
/** @type {(key: string) => string} */
export const uploaded = (key) => addressOf(`uploads/${key}/thumbnail`);
