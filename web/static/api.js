// Questions to the server. A failed one throws an ApiError with the server's code, and its own message and hint.

/// Where the API is. A reverse proxy may show the page below any path, so nothing begins at the root of the site.
const API = new URL("../api/v1/", import.meta.url);
const addressOf = (path) => new URL(path, API).href;
/// Answers of a reverse proxy whose server is away.
const AWAY = [502, 503, 504];

export class ApiError extends Error {
  constructor({ code, message, hint }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/// True for a question that was taken back.
export const isCancelled = (error) => error?.name === "AbortError";

async function ask(method, path, { query = {}, body, raw, signal, read } = {}) {
  const known = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const address = addressOf(`${path}${known.length ? `?${new URLSearchParams(known)}` : ""}`);
  const options = { method, signal, headers: { Accept: "application/json" } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  } else if (raw) {
    options.body = raw;
    options.headers["Content-Type"] = raw.type.startsWith("image/") ? raw.type : "application/octet-stream";
  }
  let response;
  try {
    response = await fetch(address, options);
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

/// Tells the page that the server is away, too.
function offline() {
  dispatchEvent(new Event("glimpse:offline"));
  return new ApiError({ code: "offline", message: "" });
}

/// Asks again while the server is busy, a few times.
async function patiently(act, signal, tries = 4) {
  for (let wait = 300; ; wait *= 2) {
    try {
      return await act();
    } catch (error) {
      if (error.code !== "busy" || --tries === 0) throw error;
      await new Promise((done) => setTimeout(done, wait));
      signal?.throwIfAborted();
    }
  }
}

export const search = (body, signal) => patiently(() => ask("POST", "search", { body, signal }), signal);
/// How many images each month has, and the images of one month as columns.
export const timeline = (body, signal) => patiently(() => ask("POST", "timeline", { body, signal }), signal);
export const timelineTiles = (body, signal) => patiently(() => ask("POST", "timeline/tiles", { body, signal }), signal);
export const find = (body, signal) => patiently(() => ask("POST", "find", { body, signal }), signal);
export const similarRegions = (body, signal) => patiently(() => ask("POST", "similar", { body, signal }), signal);
export const ground = (body, signal) => patiently(() => ask("POST", "ground", { body, signal }), signal);
export const caption = (body, signal) => patiently(() => ask("POST", "caption", { body, signal }), signal);
export const regions = (id, signal) => ask("GET", `images/${id}/regions`, { signal });
/// An image to lay over another: how much each place of it shows of a text.
export const heatmap = (id, text, signal) =>
  patiently(() => ask("GET", `images/${id}/heatmap`, { query: { text }, signal, read: (answer) => answer.blob() }), signal);
export const similar = (id, query, signal) => ask("GET", `images/${id}/similar`, { query, signal });
export const images = (ids, signal) => ask("GET", "images", { query: { ids: ids.join(",") }, signal });
export const image = (id) => ask("GET", `images/${id}`);
export const upload = (file) => patiently(() => ask("POST", "uploads", { raw: file }));
export const health = () => ask("GET", "health");
export const stats = () => ask("GET", "stats");
export const facets = (query, signal) => ask("GET", "facets", { query, signal });
export const folders = () => ask("GET", "folders");
export const jobs = () => ask("GET", "jobs");
export const startJob = (order) => ask("POST", "jobs", { body: order });
export const steerJob = (id, act) => ask("POST", `jobs/${id}/${act}`);
export const failures = (id, offset) => ask("GET", `jobs/${id}/failures`, { query: { offset } });
export const jobEvents = (id) => new EventSource(addressOf(`jobs/${id}/events`));

/// Images of one request: with more, its body could be larger than the server takes.
const AT_ONCE = 10_000;
const inParts = (ids) => Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, i) => ids.slice(i * AT_ONCE, (i + 1) * AT_ONCE));

/// What is known of images, as a text: `paths`, `json` (a record in each line) or `csv`.
export async function exportText(ids, format) {
  const parts = [];
  for (const images of inParts(ids)) {
    const text = await patiently(() => ask("POST", "export", { body: { images, format }, read: (answer) => answer.text() }));
    parts.push(format === "csv" && parts.length ? text.slice(text.indexOf("\n") + 1) : text);
  }
  return parts.join("");
}

/// Makes images favourites, or takes that back.
export async function favourites(ids, wanted) {
  for (const part of inParts(ids)) await ask("POST", "favourites", { body: { [wanted ? "add" : "remove"]: part } });
}

export const albums = () => ask("GET", "albums");
export const changeAlbum = (id, body) => ask("POST", `albums/${id}`, { body });
export const deleteAlbum = (id) => ask("DELETE", `albums/${id}`);
export const seeAlbum = (id) => ask("POST", `albums/${id}/seen`, { body: {} });
/// An album of images, or with `query` and `address`, a saved search, which fills itself.
export async function createAlbum({ images = [], ...body }) {
  const [first = [], ...others] = inParts(images);
  const album = await ask("POST", "albums", { body: { ...body, images: first } });
  for (const part of others) await albumImages(album.id, { add: part });
  return album;
}
/// Changes which images an album has: `add`, `remove`.
export async function albumImages(id, { add = [], remove = [] }) {
  for (const part of inParts(add)) await ask("POST", `albums/${id}/images`, { body: { add: part } });
  for (const part of inParts(remove)) await ask("POST", `albums/${id}/images`, { body: { remove: part } });
}

/// Sends a form as a page does, for an answer that the browser saves. It asks first whether the server is there: what
/// the browser says of one that is not would take the place of the page.
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
export const thumbnail = ({ id, content }, size) => addressOf(`images/${id}/thumbnail?size=${size}&v=${content}`);
export const original = ({ id, content }) => addressOf(`images/${id}/original?v=${content}`);
export const downloadOf = ({ id }) => addressOf(`images/${id}/original?download=true`);
export const uploaded = (key) => addressOf(`uploads/${key}/thumbnail`);
