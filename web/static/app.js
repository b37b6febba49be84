// The page: its parts are made here, and told of each other.

import { grid, scrubber } from "./ahead.js";
import { setUpAlbumOrder } from "./album_order.js";
import { setUpAlbums } from "./albums.js";
import { hide, isCancelled, isOffline } from "./api.js";
import { setUpBar } from "./bar.js";
import { followLibrary } from "./changes.js";
import { watchConnection } from "./connection.js";
import { Display } from "./display.js";
import { $, closest, framed, isPlain } from "./dom.js";
import { explain } from "./errors.js";
import { setUpFavourites } from "./favourites.js";
import { forgive, sayMatch } from "./feedback.js";
import { setUpFilters } from "./filters.js";
import { forgetFolders } from "./folders.js";
import { keepPage, takeHanded } from "./installed.js";
import { setUpKeys } from "./keys.js";
import { lateViewer } from "./late_viewer.js";
import { boxesShown, showBoxes } from "./marks.js";
import { setUpMenu } from "./menu.js";
import { Navigation } from "./navigation.js";
import { Opening } from "./opening.js";
import { Pages } from "./pages.js";
import { setUpPanel } from "./panel.js";
import { setUpPicking } from "./picking.js";
import { Report } from "./report.js";
import { forget } from "./results.js";
import { Selection } from "./selection.js";
import { setUpSelectionBar } from "./selectionbar.js";
import { Server } from "./server.js";
import { forgetExamples, setUpSuggestions } from "./suggest.js";
import { EMPTY, askedAlone, canFind, chipsWith, exampleOf, filterOf, isRanked, likePart, question, read, regionQuestion, similarTo, sortOf, textsOf, write } from "./state.js";
import { announce, toast } from "./toast.js";
import { fill, t } from "./words.js";

/// What boxes are called that show something like a part of an image.
const MATCH = "match";

// What can be opened; the page itself has its words.
for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#page ~ *"))) fill(part);

// ---- what is shown ----

const navigation = new Navigation({ place: () => grid.place(), changed: follow, moved: followBack });
const { get, change } = navigation;
setUpSuggestions({ get, change });
const server = new Server({ job: (job) => panel.follow(job) });
const bar = setUpBar({ get, change });
const albums = setUpAlbums({
  open: ({ id, address }) => change({ ...EMPTY, ...(address ? read(address) : { album: id }) }),
  gone: (id) => get().album === id && change({ album: "" }),
  renamed: () => filters.render(),
});
const filters = setUpFilters({ get, change, keepsTags: () => server.keepsTags, albumName: (id) => albums.nameOf(id), searchName: (state) => albums.searchOf(state) });
const help = setUpMenu();
grid.on = {
  near: () => display.loadMore(),
  drawn: (top) => scrubber.render(top),
  failed: (error) => !isCancelled(error) && !isOffline(error) && toast(explain(error)),
  isSelected: (id) => selection.has(id),
};
const panel = setUpPanel({ changed: libraryChanged, allows: () => server.allows, hidden: () => change({ ...EMPTY, hidden: true }) });
const report = new Report({ change, panel, server, forgive: async (text) => (await forgive(text), collectionChanged(true)) });
const pages = new Pages({
  get, change,
  href: (changes) => write({ ...get(), ...changes }),
  follow: (event, act) => isPlain(event) && (event.preventDefault(), act()),
  view: (id) => opening.open(id),
  at: (at) => at !== get().at && navigation.step({ at }, history.state, { replace: true }),
  count: (text) => ($("count").textContent = text),
  filter: () => filterOf(get()),
  allows: () => server.allows,
  changed: () => (forget(), server.ask()),
  busy: (is) => $("main").setAttribute("aria-busy", String(is)),
});
const display = new Display({
  navigation, grid, server, report, pages,
  on: { others: () => (selection.clear(), picking.forget(), changes.seen()), rendered: () => (viewer.refresh(), order.follow()) },
});

// ---- what is selected ----

const selection = new Selection(framed(() => (grid.showSelection(selection.size), selectionBar.render())));
const picking = setUpPicking({ grid, selection, all: selectAll, grab: (...press) => order.grab(...press) });
const favourites = setUpFavourites({
  tiles: loadedTiles,
  changed: () => (grid.showFavourites(), collectionChanged(get().favourite)),
});
const order = setUpAlbumOrder({
  grid, selection,
  album: () => (sortOf(get()) === "album" && !get().page ? get().album : ""),
  moved: () => display.again(),
});
const selectionBar = setUpSelectionBar({
  selection,
  on: {
    all: selectAll,
    similar: (ids) => change(similarTo(ids)),
    favourite: (ids) => favourites.toggle(ids),
    album: () => get().album,
    allows: () => server.allows,
    ordered: () => order.isOwn(),
    moveFirst: order.moveFirst,
    moveBy: order.moveBy,
    boxed,
    tag: async (ids) => (await import("./tag_images.js")).openTags(ids, () => (forgetExamples(), collectionChanged(get().tags.length > 0))),
    asked: () => askedAlone(get()),
    matches: async (ids, match) => (await sayMatch(askedAlone(get()), ids, match), selection.clear(), collectionChanged(true)),
    hidden: () => get().hidden,
    hide: async (ids, hidden) => (await hide(ids, hidden), toast(hiddenNow(ids.length, hidden)), selection.clear(), collectionChanged(true)),
    addToAlbum: (ids) => albums.add(ids),
    removeFromAlbum: async (ids) => (await albums.remove(get().album, ids), selection.clear(), collectionChanged(true)),
    cover: (id) => albums.cover(get().album, id),
  },
});

/** @type {() => Page.Tile[]} */
function loadedTiles() {
  return grid.items.flatMap(({ tile, under }) => [tile, ...under]);
}

/// Hits with boxes, and what these show: things by their names, or parts like that which was asked with.
/** @type {() => Page.Boxed | null} */
function boxed() {
  const tiles = get().find ? loadedTiles().filter(({ boxes = [] }) => boxes.length > 0) : [];
  const things = display.thingNames();
  return tiles.length ? { tiles, things: things.length ? things : [MATCH] } : null;
}

/** @type {(n: number, hidden: boolean) => string} */
function hiddenNow(n, hidden) {
  return hidden ? t("hiddenNow", { n, library: t("library"), hidden: t("hidden") }) : t("unhidden", { n });
}

/// Selects all that was found, whether it is loaded or not.
/** @type {() => Promise<void>} */
async function selectAll() {
  $("selection").setAttribute("aria-busy", "true");
  try {
    const ids = await display.allIds();
    if (!ids) return;
    selection.replace(ids);
    announce(t("selected", { n: ids.length }));
  } catch (error) {
    if (!isCancelled(error)) toast(explain(error));
  } finally {
    $("selection").setAttribute("aria-busy", "false");
  }
}

// ---- one image ----

const viewer = lateViewer(async () => (await import("./viewer.js")).setUpViewer({
  items: () => (get().page ? [] : grid.items),
  hrefOf: (id) => write({ ...get(), view: id }),
  on: {
    open: (id, options) => opening.open(id, options),
    close: () => opening.close(),
    near: () => display.loadMore(),
    ranked: () => isRanked(get()),
    finding: () => get().find,
    things: () => display.thingNames(),
    languages: () => server.model.captions ?? [],
    allows: () => server.allows,
    tagged: () => (forgetExamples(), collectionChanged(get().tags.length > 0)),
    region: (id, box) => (change(likePart(id, box)), $("results").focus({ preventScroll: true })),
    similar: (id) => change(similarTo([id])),
    more: addImage,
    favourite: (id, wanted) => favourites.set([id], wanted),
    hrefOfFilter: (filter) => write({ ...EMPTY, ...filter }),
    filter: (filter) => change({ ...EMPTY, ...filter }),
    search: () => (change({ view: null }), $("q").focus(), $("q").select()),
    help: () => help.open(),
  },
}), () => get().view);
if (get().view !== null) viewer.load();
$("grid").addEventListener("click", (event) => {
  const heart = closest(event, "button[data-favourite]");
  const stack = closest(event, "button[data-stack]");
  if (heart) toggleFavourite(Number(heart.dataset.favourite));
  else if (stack) display.toggleStack(Number(stack.dataset.stack), Number(stack.dataset.index));
});
const opening = new Opening({ navigation, grid, viewer });
setUpKeys({
  grid,
  on: {
    help: () => help.open(),
    clear: () => (get().text || get().chips.length ? change({ ...EMPTY }) : $("q").blur()),
    stack: (id, index) => display.toggleStack(id, index),
    similar: (id) => change(similarTo([id])),
    more: addImage,
    favourite: toggleFavourite,
    boxes: () => filters.render(),
  },
});

/// More or less like an image: it becomes a part of the question, or stops being one.
/** @type {(id: number, weight: number) => void} */
function addImage(id, weight) {
  const chips = chipsWith(get(), id, weight);
  if (chips) change({ chips, view: null });
  else toast(t("lessNeedsMore"));
}

/** @type {(id: number) => void} */
function toggleFavourite(id) {
  favourites.toggle([id]).catch((error) => toast(explain(error)));
}

// ---- what changes ----

/// The user wants something else.
/** @type {(how: Page.How) => void} */
function follow(how) {
  bar.render();
  filters.render();
  if (get().view === null) viewer.close();
  display.follow(how);
}

for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("a[data-page]"))) {
  link.addEventListener("click", (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    link.closest("dialog")?.close();
    // Filters are those of what was shown before.
    const page = /** @type {Page.PageName} */ (link.dataset.page);
    change({ text: "", sign: 1, chips: [], relations: [], find: false, page, at: "" });
  });
}

/// A step back or forward.
/** @type {(before: Page.State) => void} */
function followBack(before) {
  display.leaveForm();
  bar.render();
  filters.render();
  if (write({ ...before, view: null }) !== write({ ...get(), view: null })) display.show(history.state ?? {});
  opening.follow(before.view);
}

/// Albums or favourites changed: result sets that are kept may be others now, and what is shown if it depends on them.
/** @type {(visible: boolean) => void} */
function collectionChanged(visible) {
  forget();
  if (visible) display.again();
}

function libraryChanged() {
  forget();
  forgetFolders();
  forgetExamples();
  server.ask();
  if (get().view === null && scrollY < 200) display.again();
}

const changes = followLibrary({
  changed: () => (forget(), forgetFolders(), forgetExamples()),
  mayShow: () => !get().page && !isRanked(get()) && get().view === null && !selection.size && !document.querySelector("dialog[open]"),
  show: () => display.again(),
});

$("save-search").addEventListener("click", () => {
  const state = get();
  const regions = state.find && canFind(state);
  const asked = !regions ? { query: question(state) } : { [exampleOf(state) ? "similar" : "find"]: regionQuestion(state) };
  albums.saveSearch(textsOf(state).join(" + "), { ...asked, address: write({ ...state, view: null }) });
});
watchConnection({
  back: async () => {
    forget();
    await server.ask();
    await display.again();
    const { view } = get();
    if (view !== null && $("viewer").classList.contains("gone")) viewer.open(view);
  },
});

// ---- the start ----

showBoxes(boxesShown());
bar.render();
filters.render();
await server.ask();
if (server.keepsTags) filters.render();
await display.show(history.state ?? {});
changes.listen(server.isWatching);
const { view } = get();
if (view !== null) viewer.open(view);
else if (!matchMedia("(pointer: coarse)").matches) $("q").focus({ preventScroll: true });
viewer.load();
document.documentElement.dataset.ready = "1";
await bar.addImages(await takeHanded());
await keepPage();
