// The page: its state, what is asked for it, and who shows what comes back.

import { setUpAlbums } from "./albums.js";
import { ApiError, health, isCancelled } from "./api.js";
import { setUpBar } from "./bar.js";
import { watchConnection } from "./connection.js";
import { $, debounce, framed } from "./dom.js";
import { explain } from "./errors.js";
import { setUpFavourites } from "./favourites.js";
import { setUpFilters } from "./filters.js";
import { forgetFolders } from "./folders.js";
import { Grid } from "./grid.js";
import { setUpKeys } from "./keys.js";
import { boxesShown, showBoxes } from "./marks.js";
import { setUpMenu } from "./menu.js";
import { setUpPanel } from "./panel.js";
import { setUpPicking } from "./picking.js";
import { languageNote } from "./quality.js";
import { forget, resultsOf } from "./results.js";
import { setUpScrubber } from "./scrubber.js";
import { Selection } from "./selection.js";
import { setUpSelectionBar } from "./selectionbar.js";
import { EMPTY, canFind, exampleOf, isFiltered, isRanked, question, read, soundRelations, thingsOf, write } from "./state.js";
import { isUnfinished } from "./things.js";
import { announce, toast } from "./toast.js";
import { setUpViewer } from "./viewer.js";
import { fill, loadWords, t } from "./words.js";

/// After a key press, so long until the search; after a pause in typing, so long until it counts as a step back.
const TYPING = 150;
const STEP = 1500;
/// How often a loading model is asked after, and how long the page waits between looks at the server otherwise.
const LOADING = 400;
/// Hits that are laid out; beyond this the browser's own limits on heights come near.
const MOST = 200_000;

let state = read(location.search);
let results = null;
let server = { model: { state: "loading" }, library: "ready" };
let running = new AbortController();
let lastTyped = 0;
/// The address of what is shown, or on its way.
let shown = "";
/// The address that the results are of.
let settled = "";
/// A form that is typed becomes chips once the server has read it.
let finishing = false;

await loadWords();
fill(document);
$("unstarted").remove();
$("page").hidden = false;

const get = () => state;
const bar = setUpBar({ get, change });
const albums = setUpAlbums({
  open: ({ id, address }) => change({ ...EMPTY, ...(address ? read(address) : { album: id }) }),
  gone: (id) => state.album === id && change({ album: "" }),
  renamed: () => filters.render(),
});
const filters = setUpFilters({ get, change, albumName: (id) => albums.nameOf(id) });
const help = setUpMenu();
const selection = new Selection(framed(() => (grid.showSelection(selection.size), selectionBar.render())));
const grid = new Grid($("grid"), {
  near: () => loadMore(),
  drawn: (top) => scrubber.render(top),
  failed: (error) => error.code !== "offline" && !isCancelled(error) && toast(explain(error)),
  isSelected: (id) => selection.has(id),
});
const scrubber = setUpScrubber({ grid });
const picking = setUpPicking({ grid, selection, all: selectAll });
const favourites = setUpFavourites({
  tiles: () => grid.items.flatMap(({ tile, under }) => [tile, ...under]),
  changed: () => (grid.showFavourites(), changedElsewhere(state.favourite)),
});
const selectionBar = setUpSelectionBar({
  selection,
  on: {
    all: selectAll,
    similar: (ids) => change({ ...EMPTY, chips: ids.map((value) => ({ kind: "image", value, weight: 1 })) }),
    favourite: (ids) => favourites.toggle(ids),
    album: () => state.album,
    addToAlbum: (ids) => albums.add(ids),
    removeFromAlbum: async (ids) => (await albums.remove(state.album, ids), selection.clear(), changedElsewhere(true)),
    cover: (id) => albums.cover(state.album, id),
  },
});
const hrefOf = (id) => write({ ...state, view: id });
const viewer = setUpViewer({
  items: () => grid.items,
  hrefOf,
  on: {
    open: openImage,
    close: closeImage,
    near: () => loadMore(),
    ranked: () => isRanked(state),
    finding: () => state.find,
    things: () => thingNames(),
    languages: () => server.model.captions ?? [],
    region: (id, box) => {
      change({ ...EMPTY, find: true, chips: [{ kind: "image", value: id, weight: 1, box }] });
      $("results").focus({ preventScroll: true });
    },
    similar: (id) => change({ ...EMPTY, chips: [{ kind: "image", value: id, weight: 1 }] }),
    more: (id, weight) => addImage(id, weight),
    ask: (text) => change({ ...EMPTY, text }),
    hrefOfFilter: (filter) => write({ ...EMPTY, ...filter }),
    filter: (filter) => change({ ...EMPTY, ...filter }),
    search: () => (change({ view: null }), $("q").focus(), $("q").select()),
    help: () => help.open(),
  },
});
const panel = setUpPanel({ changed: libraryChanged });

// ---- the state and its address ----

const searchSoon = debounce(() => showResults(), TYPING);

/// The user wants something else. While one types, the address follows without a step for every letter.
function change(changes, { typing = false, now = false, finish = false } = {}) {
  const before = state;
  state = { ...state, weak: false, ...changes };
  state.relations = soundRelations(state);
  finishing = finish && state.find && state.sign > 0 && state.text.trim() !== "";
  if (before.view !== null && !("view" in changes)) state.view = null;
  const address = write(state);
  const pause = Date.now() - lastTyped > STEP;
  if (typing) lastTyped = Date.now();
  if (address !== (location.search || "./")) {
    if (typing && !pause) history.replaceState({ y: 0 }, "", address);
    else (rememberScroll(), history.pushState({ y: 0 }, "", address));
  }
  bar.render();
  filters.render();
  if (state.view === null) viewer.close();
  if (typing) {
    if (state.find && isUnfinished(state.text)) return searchSoon.cancel(); // the rest is still to come
    $("main").setAttribute("aria-busy", "true");
    return searchSoon();
  }
  searchSoon.cancel();
  if (!now || shown !== write({ ...state, view: null })) showResults();
  else finishForm();
}

/// What was typed as a form becomes its parts: things with counts, things to leave out, relations.
function finishForm() {
  if (!finishing || !results?.form || settled !== write({ ...state, view: null })) return;
  finishing = false;
  const { things, without = [], relations = [] } = results.form;
  const text = (value, weight, count) => ({ kind: "text", value, weight, ...count });
  const count = ({ at_least: least, at_most: most = null }) => (least > 1 || most !== null ? { least, most } : {});
  const parts = [...things.map((thing) => text(thing.text, 1, count(thing))), ...without.map((value) => text(value, -1))];
  const images = state.chips.filter(({ kind }) => kind !== "text");
  const lies = relations.map(({ first, is, second }) => ({ first: things[first].text, is, second: things[second].text }));
  change({ chips: [...images, ...parts], text: "", relations: lies, weak: state.weak });
}

/// The names of what is asked for, as boxes and heatmaps refer to them.
function thingNames() {
  if (results?.form && state.find) return results.form.things.map(({ text }) => text);
  const typed = state.sign > 0 && state.text.trim() ? [state.text.trim()] : [];
  return [...thingsOf(state).map(({ value }) => value), ...typed].slice(0, 8);
}

/// Where the page is: the image at the upper edge says it better than a height, which changes as more is loaded.
const where = () => ({ y: scrollY, place: grid.place() });
const rememberScroll = () => history.replaceState({ ...history.state, ...where() }, "");
history.scrollRestoration = "manual";
addEventListener("scroll", debounce(() => state.view === null && rememberScroll(), 150), { passive: true });
addEventListener("popstate", () => {
  const next = read(location.search);
  const same = write({ ...next, view: null }) === write({ ...state, view: null });
  const from = state.view;
  [state, finishing] = [next, false];
  bar.render();
  filters.render();
  if (!same) showResults(history.state ?? {});
  if (state.view !== null) viewer.open(state.view);
  else if (from !== null) (viewer.close(), focusImage(from));
});

// ---- results ----

/// Shows what the state asks for, scrolled to a place in it, or to `y`.
async function showResults({ y = 0, place = null } = {}) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  searchSoon.cancel();
  const asked = (shown = write({ ...state, view: null }));
  // Words alone answer while the model loads; images have to wait for it.
  const onlyText = isRanked(state) && !state.find && state.chips.every(({ kind }) => kind === "text");
  const words = server.model.state === "loading" && onlyText;
  const wanted = resultsOf(state, { words });
  document.title = titleOf(state);
  $("save-search").hidden = state.find || !(isRanked(state) || isFiltered(state)) || Boolean(state.album) || state.chips.some(({ kind }) => kind === "upload");
  $("main").setAttribute("aria-busy", "true");
  try {
    if (state.find && isRanked(state) && !canFind(state)) throw new ApiError({ code: "no_thing", message: t("lessNeedsMore") });
    if (!wanted.started) await wanted.load(signal, place);
    // As far as the place that was left.
    while (y > 0 && !wanted.complete && estimatedHeight(wanted) < y + innerHeight) await wanted.load(signal);
    if (signal.aborted) return;
    if (settled !== asked) (selection.clear(), picking.forget());
    [results, settled] = [wanted, asked];
    render();
    say(words);
    // When all above the images is as high as it stays.
    if (!place || !grid.restore(place)) scrollTo(0, y);
    grid.draw();
    finishForm();
    if (words) waitForModel();
    loadRest(signal);
  } catch (error) {
    if (isCancelled(error) || signal.aborted) return;
    // A form that cannot be read is no reason to take away what is there, and a server that is away is waited for.
    if (state.find && ["bad_form", "bad_request"].includes(error.code) && results) return note(explain(error));
    if (error.code === "offline" && results) return;
    results = null;
    grid.show([], { key: "" });
    showProblem(error);
  } finally {
    if (!signal.aborted) $("main").setAttribute("aria-busy", "false");
  }
}

/// From images that are laid out, what all loaded ones will need.
function estimatedHeight(wanted) {
  const perTile = results?.tiles.length ? grid.root.clientHeight / results.expected : 60;
  return wanted.tiles.length * Math.max(perTile, 20);
}

function render() {
  const items = results.items();
  const sections = results.sections(items);
  const key = `${write({ ...state, view: null })}`;
  $("results").classList.toggle("timeline", !results.ranked);
  const things = results.form?.things.map(({ text }) => text) ?? [];
  const { ranked, sort } = results;
  const more = Math.max(0, results.expected - results.tiles.length);
  grid.show(sections, { key, ranked, worded: ranked && sort !== "relevance", things, hrefOf, more });
  viewer.refresh();
  const stacked = results.stacked(items);
  $("stacked").textContent = stacked ? `· ${t("stacked", { n: stacked })}` : "";
  renderEnds(items.length);
}

/// Albums or favourites changed: result sets that are kept may be others now, and what is shown if it depends on them.
function changedElsewhere(visible) {
  forget();
  if (visible) showResults(where());
}

let loadingMore = false;

async function loadMore() {
  if (!results || results.complete || loadingMore || results.tiles.length >= MOST) return;
  loadingMore = true;
  const [asked, { signal }] = [results, running];
  try {
    if ((await asked.load(signal)) && asked === results && !signal.aborted) render();
  } catch (error) {
    if (!isCancelled(error)) toast(explain(error));
  } finally {
    loadingMore = false;
  }
}

/// The rest follows in quiet moments, so that the scroll bar is right and every place can be reached at once.
async function loadRest(signal) {
  while (results && !results.complete && !signal.aborted && results.tiles.length < MOST) {
    await new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 1000 }));
    if (!results || signal.aborted) return; // another question came meanwhile
    const before = results.tiles.length;
    await loadMore();
    if (results?.tiles.length === before && !loadingMore) return;
  }
}

/// What stands below the images, or in their place.
function renderEnds(count) {
  const { ranked } = results;
  $("weaker").hidden = !results.hasMore;
  $("weaker").textContent = t(results.tiles.some(({ strength }) => strength === "weak") ? "showMore" : "showClosest");
  $("empty").hidden = count > 0;
  if (count > 0) return;
  const nothing = ranked ? "nothingFound" : isFiltered(state) ? "nothingPasses" : "nothingYet";
  $("empty-title").textContent = t(nothing);
  $("empty-advice").textContent = ranked ? t("nothingAdvice") : nothing === "nothingYet" ? t("addFirst") : "";
  $("empty-clear").hidden = !isFiltered(state);
  $("empty-regions").hidden = true;
  $("empty-add").hidden = nothing !== "nothingYet";
}

function say(words) {
  const { accepted, searched, ranked, tiles, withoutRegions, asThings, nothingParticular } = results;
  const line = ranked ? t("matches", { n: accepted, searched }) : isFiltered(state) ? t("pass", { n: accepted }) : t("imageCount", { n: accepted });
  $("count").textContent = line;
  announce(ranked && accepted === 0 ? (tiles.length ? `${line}. ${t("closest")} ${t("imageCount", { n: tiles.length })}` : t("nothingFound")) : line);
  const texts = [state.text, ...state.chips.filter(({ kind }) => kind === "text").map(({ value }) => value)].join(" ").trim();
  if (words) return note(t("modelLoading"));
  if (nothingParticular) return note(t("nothingInBox"));
  if (withoutRegions) return note(t("someWithoutRegions", { n: withoutRegions }), [t("makeRegions"), panel.makeRegions]);
  if (asThings) return note(t("asksThings"), [t("findThings"), () => change({ find: true, chips: [], text: asThings, sign: 1 }, { finish: true })]);
  if (exampleOf(state) && texts) return note(t("regionAlone"));
  note(languageNote(texts, server.model.name), [t("aboutModel"), panel.open]);
}

let noted = null;

/// Says something beside the results, and what can be done about it.
function note(text, [label, act] = []) {
  $("note").hidden = !text;
  $("note-text").textContent = text;
  $("note-more").hidden = !act;
  $("note-more").textContent = label ?? "";
  noted = act;
}

function showProblem(error) {
  const empty = error.code === "not_ready" && server.library === "empty";
  const early = error.code === "not_ready" && !empty && server.model.state === "loading";
  const bare = error.code === "no_regions";
  $("count").textContent = empty ? t("imageCount", { n: 0 }) : "";
  $("stacked").textContent = "";
  $("weaker").hidden = true;
  $("empty").hidden = false;
  note("");
  $("empty-title").textContent = t(empty ? "nothingYet" : bare ? "noRegions" : early ? "loading" : "failed");
  $("empty-advice").textContent = empty ? t("addFirst") : bare ? t("noRegionsAdvice") : early ? t("modelNotYet") : explain(error);
  if (error.code === "no_thing") ($("empty-title").textContent = error.message), ($("empty-advice").textContent = "");
  $("empty-clear").hidden = true;
  $("empty-regions").hidden = !bare;
  $("empty-add").hidden = !empty;
  announce($("empty-title").textContent);
  if (early) waitForModel();
}

function titleOf({ text, chips }) {
  const parts = [...chips.filter(({ kind }) => kind === "text").map(({ value }) => value), text.trim()].filter(Boolean);
  return parts.length ? `${parts.join(" + ")} – Glimpse` : "Glimpse";
}

$("weaker").addEventListener("click", () => {
  const y = scrollY;
  state = { ...state, weak: true };
  rememberScroll();
  history.pushState({ y }, "", write(state));
  showResults({ y });
});
$("empty-clear").addEventListener("click", () => change({ after: "", before: "", folders: [], cameras: [], formats: [], near: null, area: 0, favourite: false, album: "" }));
$("save-search").addEventListener("click", () => {
  const address = write({ ...state, view: null });
  albums.saveSearch(titleOf(state).replace(/( – )?Glimpse$/, ""), { query: question(state), address });
});
$("empty-regions").addEventListener("click", () => panel.makeRegions());
$("empty-add").addEventListener("click", () => panel.open());
$("note-more").addEventListener("click", () => noted?.());

/// Selects all that was found, whether it is loaded or not.
async function selectAll() {
  if (!results) return;
  const [asked, { signal }] = [results, running];
  $("selection").setAttribute("aria-busy", "true");
  try {
    const ids = await asked.ids(signal);
    if (asked !== results || signal.aborted) return;
    render(); // more may have been loaded
    selection.replace(ids);
    announce(t("selected", { n: ids.length }));
  } catch (error) {
    if (!isCancelled(error)) toast(explain(error));
  } finally {
    $("selection").setAttribute("aria-busy", "false");
  }
}

// ---- one image ----

function openImage(id, { replace = false } = {}) {
  if (state.view === null) rememberScroll();
  state = { ...state, view: id };
  history[replace ? "replaceState" : "pushState"]({ ...history.state, ...where(), opened: !replace || history.state?.opened }, "", write(state));
  grid.loadBeside(id);
  viewer.open(id);
}

/// Back where the image was opened, or to the page that a link to an image belongs to.
function closeImage() {
  const id = state.view;
  if (history.state?.opened) return history.back();
  state = { ...state, view: null };
  history.replaceState(history.state, "", write(state));
  viewer.close();
  focusImage(id);
}

function focusImage(id) {
  const index = grid.items.findIndex((item) => item?.tile.id === id);
  if (index >= 0) grid.focus(index);
}

/// More or less like an image: it becomes a part of the question, or stops being one.
function addImage(id, weight) {
  const others = state.chips.filter((chip) => !(chip.kind === "image" && chip.value === id));
  if (weight < 0 && !state.text.trim() && !others.some((chip) => chip.weight > 0)) return toast(t("lessNeedsMore"));
  change({ chips: [...others, { kind: "image", value: id, weight: weight < 0 ? -0.5 : 1 }], view: null });
}

$("grid").addEventListener("click", (event) => {
  const heart = event.target.closest("button[data-favourite]");
  if (heart) return toggleFavourite(Number(heart.dataset.favourite));
  const stack = event.target.closest("button[data-stack]");
  if (stack) return toggleStack(Number(stack.dataset.stack), Number(stack.dataset.index));
  const shot = event.target.closest("a.shot");
  if (!shot || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  openImage(grid.items[Number(shot.dataset.index)].tile.id);
});

const toggleFavourite = (id) => favourites.toggle([id]).catch((error) => toast(explain(error)));

function toggleStack(id, index) {
  if (!results.spread.delete(id)) results.spread.add(id);
  render();
  grid.focus(index);
}

setUpKeys({
  grid,
  on: {
    help: () => help.open(),
    clear: () => (state.text || state.chips.length ? change({ ...EMPTY }) : $("q").blur()),
    stack: toggleStack,
    similar: (id) => change({ ...EMPTY, chips: [{ kind: "image", value: id, weight: 1 }] }),
    more: addImage,
    favourite: toggleFavourite,
    boxes: () => filters.render(),
  },
});

// ---- the server ----

async function askServer() {
  server = await health().catch(() => server);
  // There is nothing to narrow down or to count.
  $("main").classList.toggle("nothing", server.library === "empty");
  if (server.job) panel.follow(server.job);
  return server;
}

let waiting = false;

/// Asks again with the model as soon as it is there.
async function waitForModel() {
  if (waiting) return;
  waiting = true;
  while ((await askServer()).model.state === "loading") await new Promise((done) => setTimeout(done, LOADING));
  waiting = false;
  forget();
  showResults(where());
}

function libraryChanged() {
  forget();
  forgetFolders();
  askServer();
  if (state.view === null && scrollY < 200) showResults(where());
}

watchConnection({
  back: async () => {
    forget();
    await askServer();
    await showResults(where());
    if (state.view !== null && $("viewer").classList.contains("gone")) viewer.open(state.view);
  },
});

showBoxes(boxesShown());
bar.render();
filters.render();
await askServer();
await showResults(history.state ?? {});
if (state.view !== null) viewer.open(state.view);
if (!matchMedia("(pointer: coarse)").matches && state.view === null) $("q").focus({ preventScroll: true });
document.documentElement.dataset.ready = "1";
