// The map of the library: where its images were taken. A page of its own, loaded when it is opened.

import { clustersOf, isCancelled } from "./api.js";
import { cover } from "./cover.js";
import { debounce, framed, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { Clusters, gathered, joined } from "./map_clusters.js";
import { Land } from "./map_land.js";
import { setUpMoves } from "./map_moves.js";
import { LONGEST, kilometresOf, scaleOf } from "./map_scale.js";
import { View } from "./map_view.js";
import { placeName } from "./places.js";
import { filterOf } from "./state.js";
import { t } from "./words.js";

export const style = "map";

/// Milliseconds after a move until the server is asked, and the address follows.
const SETTLED = 160;
/// A share of the map that is asked for around it, so that small moves show what is there at once.
const AROUND = 0.4;
/// Cells that are asked for are smaller by so many steps of zoom than those that are shown, and no larger than a city: so
/// a button stands where most of its images are, and has the name of that place.
const FINER = 3;
const LEAST = 8;
/// Degrees around images that were all taken at one place.
const CLOSE = 0.0005;
/// Pixels that the scale is high.
const SCALE = 20;
/// Places that are listed beside the map.
const LISTED = 100;

/// Opens the map in an element; `host` is the page around it, as pages.js has it.
/** @type {(root: HTMLElement, host: Page.Host) => Page.Opened} */
export function open(root, host) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const surface = h("div", { class: "map-surface", tabIndex: 0, role: "application", "aria-label": t("mapHelp") });
  const buttons = h("div", { class: "map-clusters", role: "group", "aria-label": t("mapClusters") });
  const band = h("div", { class: "map-band", hidden: true });
  /** @type {(name: Page.Icon, key: Page.Sentence, act: () => void) => HTMLButtonElement} */
  const tool = (name, key, act) => h("button", { class: "map-tool", type: "button", title: t(key), "aria-label": t(key), on: { click: act } }, icon(name));
  const drawer = tool("draw", "mapBox", () => drawBox());
  drawer.setAttribute("aria-pressed", "false");
  const tools = h("div", { class: "map-tools", role: "group", "aria-label": t("map") },
    tool("plus", "zoomIn", () => moves.zoom(1)), tool("minus", "zoomOut", () => moves.zoom(-1)), tool("full", "mapAll", () => showAll()), drawer);
  const here = h("button", { class: "button strong map-here", type: "button", hidden: true, on: { click: () => filter(view.box()) } });
  const empty = h("p", { class: "map-empty", role: "status", hidden: true });
  const scale = h("p", { class: "map-scale", "aria-hidden": "true" });
  const frame = h("div", { class: "map-frame" }, canvas, surface, buttons, band, tools, here, empty, scale, h("p", { class: "map-source" }, "Natural Earth · GeoNames"));
  const list = h("ul", { class: "map-places" });
  root.append(h("div", { class: "map" }, frame, h("aside", { class: "map-list", "aria-label": t("mapPlaces") }, h("h2", {}, t("mapPlaces")), list)));

  const view = new View(() => moved());
  const land = new Land(canvas, () => {
    if (ready && answer) show(answer.clusters); // by the names that came
    else draw();
  });
  const clusters = new Clusters(buttons, openCluster);
  const moves = setUpMoves({
    frame, band, view,
    on: {
      all: () => showAll(),
      end: () => drawer.setAttribute("aria-pressed", "false"),
      box: ({ x, y, width, height }) => filter(view.boxOf(x, y, x + width, y + height)),
    },
  });
  /// What the server said last, and for which question.
  /** @type {{ box: Api.GeoBox, clusters: Api.Cluster[] } | null} */
  let answer = null;
  let asked = "";
  let running = new AbortController();
  let ready = false;
  /// Images with a place, wherever they are; as far as known.
  let all = 1;
  let closed = false;
  /// What lies on the map, in pixels of it: names keep clear of that.
  /** @type {[left: number, top: number, right: number, bottom: number][]} */
  let controls = [];

  const draw = framed(() => {
    if (closed || !ready) return;
    clusters.place(view);
    land.draw(view, [...clusters.boxes, ...controls]);
    const { width, name } = scaleOf(view);
    scale.style.width = `${width}px`;
    if (scale.textContent !== name) scale.textContent = name;
  });
  const settle = debounce(() => {
    if (closed) return;
    host.at(written(view.middle));
    load();
  }, SETTLED);
  function moved() {
    draw();
    if (ready) settle();
  }

  function drawBox() {
    moves.draw(!moves.isDrawing());
    drawer.setAttribute("aria-pressed", String(moves.isDrawing()));
    surface.focus();
  }

  /// The images of a box, as rows.
  /** @type {(box: Api.GeoBox) => void} */
  const filter = (box) => host.change({ page: "", at: "", near: null, box });

  /** @type {(group: Page.Group) => void} */
  function openCluster({ id, images, bounds }) {
    if (images === 1) return host.view(id);
    const at = view.around(bounds);
    if (at.zoom > view.zoom + 0.4) view.fly(bounds, { at });
    else filter(padded(bounds));
  }

  async function showAll() {
    const { bounds } = (await ask(null, 0).catch(() => null)) ?? {};
    if (bounds && !closed) view.fly(padded(bounds));
  }

  /** @type {(box: Api.GeoBox | null, zoom: number, signal?: AbortSignal) => Promise<Api.Clusters>} */
  const ask = (box, zoom, signal) => clustersOf({ filter: filterOf({ ...host.get(), near: null, box: null }), box, zoom }, signal);

  /// Asks for what is shown, unless the last answer says it already.
  async function load() {
    const zoom = Math.min(Math.max(Math.floor(view.zoom) + FINER, LEAST), 18);
    const question = JSON.stringify([filterOf(host.get()), zoom]);
    if (question === asked && answer && holds(answer.box, view.box())) return show(answer.clusters);
    running.abort();
    running = new AbortController();
    const { signal } = running;
    host.busy(true);
    try {
      const box = view.box(AROUND);
      const { clusters: found } = await ask(box, zoom, signal);
      if (signal.aborted || closed) return;
      [answer, asked] = [{ box, clusters: found }, question];
      show(found);
    } catch (error) {
      if (!isCancelled(error)) say(explain(error));
    } finally {
      if (!signal.aborted) host.busy(false);
    }
  }

  /** @type {(clusters: Api.Cluster[]) => void} */
  function show(answered) {
    const found = answered.map((cluster) => land.cityNames?.named(cluster, kilometresOf(view.scale, cluster.latitude)) ?? cluster);
    clusters.show(gathered(found, view));
    draw();
    const seen = clusters.seen(view);
    const images = seen.reduce((sum, group) => sum + group.images, 0);
    host.count(t("imageCount", { n: images }));
    here.hidden = images === 0;
    here.textContent = t("mapHere", { n: images });
    say(images ? "" : t(all ? "mapNoneHere" : "mapNone"));
    listPlaces(found);
  }

  /** @type {(text: string) => void} */
  function say(text) {
    empty.textContent = text;
    empty.hidden = !text;
  }

  /// The same as a list: cells of the same city are one place.
  /** @type {(clusters: Api.Cluster[]) => void} */
  function listPlaces(found) {
    /** @type {Map<string, Api.Cluster>} */
    const places = new Map();
    for (const cluster of found) {
      const [x, y] = view.place(cluster.longitude, cluster.latitude);
      if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
      const name = placeName(cluster);
      const known = places.get(name);
      places.set(name, known ? { ...known, images: known.images + cluster.images, bounds: joined(known.bounds, cluster.bounds) } : cluster);
    }
    const largest = [...places].toSorted(([, a], [, b]) => b.images - a.images).slice(0, LISTED);
    list.replaceChildren(...largest.map(([name, place]) => h("li", {},
      h("a", { class: "map-place", href: host.href({ page: "", at: "", near: null, box: padded(place.bounds) }), on: { click: (event) => host.follow(event, () => filter(padded(place.bounds))) } },
        h("span", { class: "cover" }, cover(h("img", { alt: "", width: 44, height: 44 }), place.id, 160)),
        h("span", { class: "text" }, h("bdi", { class: "name" }, name), h("span", { class: "soft" }, t("imageCount", { n: place.images })))))));
  }

  const size = new ResizeObserver(() => {
    const { left: x, top: y } = frame.getBoundingClientRect();
    const [buttons, bar] = [tools, scale].map((part) => part.getBoundingClientRect());
    controls = [
      [buttons.left - x, buttons.top - y, buttons.right - x, buttons.bottom - y],
      // How long the bar is depends on the zoom.
      [Math.min(bar.left, bar.right - LONGEST) - x, bar.bottom - SCALE - y, Math.max(bar.right, bar.left + LONGEST) - x, bar.bottom - y],
    ];
    view.resize(frame.clientWidth, frame.clientHeight);
  });
  size.observe(frame);
  const theme = new MutationObserver(() => draw());
  theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", draw);

  async function begin() {
    view.resize(frame.clientWidth, frame.clientHeight);
    const at = readAt(host.get().at);
    if (at) view.show(at);
    else {
      host.busy(true);
      const { bounds, count = all } = (await ask(null, 0).catch((error) => say(explain(error)))) ?? {};
      if (closed) return;
      all = count;
      if (bounds) {
        Object.assign(view, view.around(padded(bounds)));
        view.resize(frame.clientWidth, frame.clientHeight);
      }
    }
    ready = true;
    draw();
    await load();
  }
  const started = begin();

  return {
    started,
    /// The filters changed, or one went back to another part of the map.
    update() {
      const at = readAt(host.get().at);
      if (at && host.get().at !== written(view.middle)) view.show(at);
      else if (ready) load();
    },
    close() {
      closed = true;
      running.abort();
      view.stop();
      settle.cancel();
      size.disconnect();
      theme.disconnect();
      scheme.removeEventListener("change", draw);
    },
  };
}

/** @type {(part: Page.MapPart) => string} */
const written = ({ latitude, longitude, zoom }) => [latitude.toFixed(4), longitude.toFixed(4), zoom.toFixed(2)].join();

/// `52.52,13.405,11`: degrees north and east, and the zoom.
/** @type {(text: string) => Page.MapPart | null} */
function readAt(text) {
  const [latitude, longitude, zoom] = text.split(",").map(Number);
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && Math.abs(zoom) <= 20;
  return isPlace ? { latitude, longitude, zoom } : null;
}

/** @type {(box: Api.GeoBox) => Api.GeoBox} */
const padded = ({ south, west, north, east }) => ({
  south: Math.max(south - CLOSE, -90), west: Math.max(west - CLOSE, -180), north: Math.min(north + CLOSE, 90), east: Math.min(east + CLOSE, 180),
});

/// True if a box lies in another.
/** @type {(outer: Api.GeoBox, inner: Api.GeoBox) => boolean} */
function holds(outer, inner) {
  /** @type {(box: Api.GeoBox) => boolean} */
  const isRound = ({ west, east }) => west <= -180 && east >= 180;
  const within = isRound(outer) || (!isRound(inner) && [inner.west, inner.east].every((longitude) =>
    (outer.west <= outer.east ? longitude >= outer.west && longitude <= outer.east : longitude >= outer.west || longitude <= outer.east)));
  return within && inner.south >= outer.south && inner.north <= outer.north;
}
