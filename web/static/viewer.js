// One image, large, with what is known of it.

import { ApiError, caption, downloadOf, isCancelled, large as largest, reveal, similar, thumbnail } from "./api.js";
import { copy } from "./copy.js";
import { detailsOf } from "./details.js";
import { $, calm, closest, fileName, h, isTyping } from "./dom.js";
import { Draw } from "./draw.js";
import { explain } from "./errors.js";
import { showFacts } from "./facts.js";
import { canFill, fillScreen, isFilled } from "./fullscreen.js";
import { icon } from "./icons.js";
import { ImageTags } from "./image_tags.js";
import { Layers } from "./layers.js";
import { around, bestOf } from "./marks.js";
import { OwnMarks } from "./own_marks.js";
import { setUpPopup } from "./popup.js";
import { isWorthSaying } from "./said.js";
import { canShare, share } from "./share.js";
import { toSidecars } from "./sidecars.js";
import { Slideshow } from "./slideshow.js";
import { announce, toast } from "./toast.js";
import { Video, moves, stillOf } from "./video.js";
import { clock, day, language, number, t } from "./words.js";
import { ENLARGED, Zoom } from "./zoom.js";

const LIKENESSES = 12;
/// Longer side of what is shown of a frame, in pixels.
const LARGE = 1600;
/// Milliseconds that an image stays open before the model is asked for words.
const UNHURRIED = 500;
const KEPT = "glimpse.facts";

/// `get.items()` gives the images that can be stepped through; `on` says what the user wants of one.
/** @param {{ items: () => Page.Item[], hrefOf: (id: number) => string, on: Page.ViewerActs }} page */
export function setUpViewer({ items, hrefOf, on }) {
  const dialog = $("viewer");
  const stage = $("stage");
  const zoom = new Zoom(stage, { swipe: (by) => step(by) });
  /** @type {(part: Page.Spot, whole: Page.Sides) => boolean} */
  const lookAt = ({ x, y, width, height }, whole) =>
    zoom.show({ x: x / whole.width, y: y / whole.height, width: width / whole.width, height: height / whole.height });
  /** @type {(box: Page.Shares) => Page.Spot} */
  const inPixels = ([left, top, right, bottom]) => {
    const whole = record ?? { width: 1, height: 1 };
    const [x, y] = [Math.round(left * whole.width), Math.round(top * whole.height)];
    return { x, y, width: Math.max(Math.round(right * whole.width) - x, 1), height: Math.max(Math.round(bottom * whole.height) - y, 1) };
  };
  const layers = new Layers({ focus: lookAt });
  const imageTags = new ImageTags({
    frame: () => stage.querySelector(".frame"),
    areas: (labels) => (video.settle(), layers.showMasks(labels)),
    hrefOf: on.hrefOfFilter, filter: on.filter,
  });
  const draw = new Draw($("drawbar"), {
    words: () => on.languages().length > 0 && ((box) => words({ image: Number(lookedAt()), box: inPixels(box) }, cancel.signal).then(({ text }) => text)),
    search: (box) => {
      const { x, y, width, height } = inPixels(box);
      const image = lookedAt();
      if (image !== null) on.region(image, [x, y, width, height]);
    },
    end: () => (dialog.classList.remove("drawn-on"), dialog.open && $("draw").focus()),
  });
  /** @type {number | null} */
  let id = null;
  /** @type {Api.Image | null} */
  let record = null;
  let cancel = new AbortController();

  /// What leads to a moment of a video that is not among the images of the grid.
  /** @type {Page.Tile | null} */
  let led = null;
  const video = new Video(dialog, {
    still: (frame) => showFrame(frame),
    changed: () => dialog.classList.toggle("playing", video.isPlaying),
  });
  /// What is looked at: the open image, or the frame of the open video.
  const lookedAt = () => video.frame?.id ?? items()[placeOf()]?.tile.frame ?? id;

  const placeOf = () => items().findIndex((item) => item?.tile.id === id);
  const slides = new Slideshow(dialog, {
    step: (by) => step(by),
    playing: (is) => video.active && !calm() && (is ? video.play({ muted: true }) : video.pause()),
    end: () => id !== null && (open(id, { again: true }), $("further").focus()),
  });
  /** @type {(by: number) => void} */
  const step = (by) => {
    const [list, place] = [items(), placeOf()];
    const to = place + by;
    // A slideshow begins anew after its last image.
    const wrapped = slides.active && (to < 0 || to >= list.length) ? list.at(by > 0 ? 0 : -1) : undefined;
    const next = list[to] ?? wrapped;
    if (next && place >= 0) on.open(next.tile.id, { replace: true });
    if (list.length - placeOf() < 20) on.near();
  };

  /** @type {(next: number, how?: { again?: boolean }) => Promise<void>} */
  async function open(next, { again = false } = {}) {
    if (id === next && dialog.open && !dialog.classList.contains("gone") && !again) return;
    slides.wait();
    id = next;
    cancel.abort();
    cancel = new AbortController();
    const { signal } = cancel;
    if (!dialog.open) show();
    draw.end();
    video.close();
    record = null;
    zoom.upright();
    dialog.classList.remove("gone");
    $("said").hidden = true;
    imageTags.clear();
    const place = placeOf();
    const item = items()[place];
    const tile = item?.tile ?? (led?.id === next ? led : undefined);
    showPlace(place);
    showImage(tile, tile?.boxes);
    showMatch(tile);
    try {
      const known = await detailsOf(next);
      if (signal.aborted) return;
      record = known;
      showImage({ ...known, ...(moves(known) && tile && { frame: tile.frame, frame_content: tile.frame_content, start: tile.start }) }, tile?.boxes);
      showRecord(known, item);
      preload(place);
      const shots = moves(known) ? showVideo({ ...known, start: tile?.start ?? known.start }, tile, signal) : undefined;
      if (slides.active) return void (await shots);
      const still = tile ? stillOf(tile).id : next;
      await Promise.all([shots, showSimilar(still, signal), describe(still, signal), imageTags.show(still, signal).catch(() => {})]);
    } catch (error) {
      if (!isCancelled(error) && !signal.aborted) showProblem(error);
    }
  }

  function show() {
    const { style, classList, clientWidth } = document.documentElement;
    style.setProperty("--bar", `${innerWidth - clientWidth}px`);
    classList.add("viewing");
    dialog.showModal();
  }

  function close() {
    if (!dialog.open) return;
    id = record = null;
    cancel.abort();
    slides.end();
    draw.end();
    video.close();
    layers.clear();
    imageTags.clear();
    dialog.classList.remove("gone");
    dialog.close();
    stage.replaceChildren();
    document.documentElement.classList.remove("viewing");
  }

  /** @type {(place: number) => void} */
  function showPlace(place) {
    const count = items().length;
    $("place").textContent = place < 0 ? "" : t("placeOf", { n: place + 1, count });
    $("previous").disabled = place <= 0;
    $("next").disabled = place < 0 || place >= count - 1;
  }

  /// Shows what is known of the image, as far as that is: first a small copy, then the whole. Of a video, this is a frame.
  /** @type {(tile: Page.Shown | undefined, boxes?: Api.Box[] | null) => void} */
  function showImage(tile, boxes = null) {
    if (!tile) return layers.clear(), stage.replaceChildren();
    const still = stillOf(tile);
    let frame = /** @type {HTMLElement | null} */ (stage.firstElementChild);
    if (!frame || frame.dataset.id !== String(tile.id)) {
      const img = h("img", { alt: "", draggable: false, width: tile.width, height: tile.height });
      img.src = thumbnail(still, 640);
      frame = h("div", { class: "frame", data: { id: tile.id } }, img);
      frame.style.setProperty("--ratio", String(tile.width / tile.height));
      frame.style.setProperty("--wide", `${tile.width * ENLARGED}px`);
      const left = slides.active ? stage.querySelector(".frame") : null;
      stage.replaceChildren(frame, ...(left ? [left] : []));
      if (left) fadeOut(left);
    }
    layers.show(frame, { ...tile, ...still }, { things: on.things(), boxes, ask: on.finding() && !slides.active });
    const img = frame.querySelector("img");
    const { content, format } = tile;
    if (!content || !format || !img) return;
    img.alt = tile.caption || fileName(tile.path ?? "");
    enlarge(img, moves(tile) ? thumbnail(still, LARGE) : largest({ ...tile, content }));
  }

  /// Puts the large image into the place of the small one, once it is there.
  /** @type {(img: HTMLImageElement, address: string) => void} */
  function enlarge(img, address) {
    img.dataset.large = address;
    const large = new Image();
    large.addEventListener("load", () => img.isConnected && img.dataset.large === address && ((img.src = large.src), slides.shown()), { once: true });
    large.addEventListener("error", () => slides.shown(), { once: true });
    large.src = address;
  }

  /// A video, or an animation: its shots, and what plays it. Without anything to look at, an animation moves at once.
  /** @type {(moving: Page.Moving, tile: Page.Tile | undefined, signal: AbortSignal) => Promise<void>} */
  async function showVideo(moving, tile, signal) {
    const frame = /** @type {HTMLElement | null} */ (stage.querySelector(".frame"));
    if (!frame) return;
    const opened = video.open(frame, moving, tile?.frame ?? null, signal);
    const atOnce = !calm() && (slides.active || (moving.kind === "animation" && !on.things().length));
    if (atOnce) video.play({ muted: true });
    await opened;
  }

  /// Another frame of the video takes the place of the one before, with what is found in it.
  /** @type {(still: Api.Frame) => void} */
  function showFrame(still) {
    const frame = /** @type {HTMLElement | null} */ (stage.querySelector(".frame"));
    const img = frame?.querySelector("img");
    if (!frame || !img || !record) return;
    img.src = thumbnail(still, 640);
    enlarge(img, thumbnail(still, LARGE));
    layers.clear();
    const tile = items()[placeOf()]?.tile;
    const boxes = tile?.frame === still.id ? tile.boxes ?? null : null;
    layers.show(frame, { ...record, ...still }, { things: on.things(), boxes, ask: on.finding() && !slides.active });
    zoom.reset();
  }

  /// The image before, over the one that takes its place.
  /** @type {(frame: Element) => void} */
  function fadeOut(frame) {
    frame.classList.add("leaving");
    frame.addEventListener("animationend", () => frame.remove(), { once: true });
  }

  /// Looks at what was found: the best box of each thing.
  /** @type {(tile: Page.Tile | undefined) => void} */
  function showMatch(tile) {
    const best = bestOf(tile?.boxes ?? []);
    if (tile && best.length && !slides.active) lookAt(around(best), tile);
    else zoom.reset();
  }

  /// The neighbours, so that stepping is instant.
  /** @type {(place: number) => void} */
  function preload(place) {
    for (const near of [items()[place + 1], items()[place - 1]]) {
      if (near) new Image().src = thumbnail(stillOf(near.tile), 640);
    }
  }

  /** @type {(record: Api.Image, item: Page.Item | undefined) => void} */
  function showRecord(record, item) {
    $("name").textContent = fileName(record.path);
    const lasting = moves(record) && t("lasting", { what: t(record.kind === "video" ? "video" : "animation"), time: clock(record.duration ?? 0) });
    announce([fileName(record.path), lasting, $("place").textContent].filter(Boolean).join(", "));
    showKnown(record, item);
    $("download").href = downloadOf(record);
    showFavourite(record);
    dialog.setAttribute("aria-label", record.taken ? day(record.taken) : fileName(record.path));
  }

  /** @type {(record: Api.Image, item: Page.Item | undefined) => void} */
  function showKnown(record, item) {
    const match = item && on.ranked() && t("matchFact", { word: t(`${item.tile.strength}Match`), share: number(Math.round(item.tile.score * 100)) });
    showFacts(record, { match, hrefOf: on.hrefOfFilter, filter: on.filter, ...marks.offered() });
  }
  const marks = new OwnMarks({
    record: () => record, allows: on.allows, tagged: on.tagged, changed: (known) => showKnown((record = known), items()[placeOf()]),
  });

  /** @type {(record: Api.Image) => void} */
  function showFavourite({ favourite }) {
    const label = t(favourite ? "unfavourite" : "favourite");
    $("love").setAttribute("aria-pressed", String(favourite));
    $("love").setAttribute("aria-label", label);
    $("love").title = label;
  }

  async function toggleFavourite() {
    const asked = record;
    if (!asked) return;
    try {
      await on.favourite(asked.id, !asked.favourite);
      if (asked === record) showFavourite(asked);
    } catch (error) {
      toast(explain(error));
    }
  }

  /** @type {(asked: number) => Promise<void>} */
  async function showInFolder(asked) {
    try {
      await reveal(asked);
      toast(t("revealed"));
    } catch (error) {
      toast(explain(error));
    }
  }

  /** @type {(asked: number) => Promise<void>} */
  async function writeSidecar(asked) {
    try {
      await toSidecars([asked]);
      const known = await detailsOf(asked);
      if (id === asked && record) showRecord((record = known), items()[placeOf()]);
    } catch (error) {
      toast(explain(error));
    }
  }

  /** @type {(id: number, signal: AbortSignal) => Promise<void>} */
  async function showSimilar(id, signal) {
    $("likenesses").replaceChildren();
    $("likeness").hidden = true;
    const { hits } = await similar(id, { limit: LIKENESSES }, signal);
    $("likeness").hidden = hits.length === 0;
    $("likenesses").replaceChildren(...hits.map((tile, i) => {
      const link = h("a", { href: hrefOf(tile.id), "aria-label": t("similarImage", { n: i + 1 }), data: { open: tile.id } });
      link.append(h("img", { src: thumbnail(stillOf(tile), 160), alt: "", loading: "lazy" }));
      link.addEventListener("click", () => (led = tile));
      return link;
    }));
  }

  /// What the model says of the image, or of a part of it, if it can.
  /** @type {(body: { image: number, box?: Page.Spot }, signal: AbortSignal) => Promise<{ text?: string, probability?: number }>} */
  async function words(body, signal) {
    const languages = on.languages();
    if (!languages.length) return {};
    const spoken = languages.includes(language) ? { language } : {};
    const { captions } = await caption({ ...spoken, ...body }, signal);
    return captions[0] ?? {};
  }

  /** @type {(id: number, signal: AbortSignal) => Promise<void>} */
  async function describe(id, signal) {
    await new Promise((done) => setTimeout(done, UNHURRIED)); // nothing is said of images that are only stepped over
    if (signal.aborted) return;
    /** @type {{ text?: string, probability?: number }} */
    const said = await words({ image: id }, signal).catch(() => ({})); // an image does without
    const { text = "", probability = 0 } = said;
    // What it says of images that it does not understand is misleading.
    if (signal.aborted || !isWorthSaying({ text, probability })) return;
    $("said").hidden = false;
    $("said-text").textContent = text;
  }

  /// An image that cannot be shown: why, where it would be, and the way back. Nothing can be done with it.
  /** @type {(error: unknown) => void} */
  function showProblem(error) {
    const gone = error instanceof ApiError && error.code === "not_found";
    const text = gone ? t("imageGone") : explain(error);
    const back = h("button", { class: "button strong", type: "button", on: { click: () => on.close() } }, t("backToAll"));
    const again = !gone && h("button", { class: "button", type: "button", on: { click: () => id !== null && open(id) } }, t("retry"));
    layers.clear();
    stage.replaceChildren(h("div", { class: "lost", role: "alert" }, icon("warn"), h("p", {}, text), h("div", { class: "choices" }, again, back)));
    $("facts").replaceChildren();
    $("name").textContent = "";
    $("finds").hidden = $("likeness").hidden = true;
    dialog.classList.add("gone");
    back.focus();
  }

  function toggleFacts(shown = dialog.classList.contains("bare")) {
    dialog.classList.toggle("bare", !shown);
    $("info").setAttribute("aria-pressed", String(shown));
    localStorage.setItem(KEPT, shown ? "1" : "0");
  }

  function startDrawing() {
    video.settle();
    const frame = stage.querySelector("div");
    if (!record || !frame) return;
    zoom.reset();
    dialog.classList.add("drawn-on");
    draw.begin(frame, record);
    makeRoom();
  }

  /// While one draws, or looks at masks, the image ends above the bar, whose content may change.
  function makeRoom() {
    const bar = draw.active ? $("drawbar") : $("mask-panel");
    const below = stage.getBoundingClientRect().bottom - bar.getBoundingClientRect().top;
    if (draw.active || !bar.hidden) stage.style.setProperty("--below", `${below + 8}px`);
  }
  const room = new ResizeObserver(makeRoom);
  [stage, $("drawbar"), $("layers")].forEach((part) => room.observe(part));

  /** @type {(act: (id: number) => void) => () => void} */
  const ofImage = (act) => () => id !== null && act(id);
  /// The same with what is looked at, which may be a frame of a video.
  /** @type {(act: (id: number) => void) => () => void} */
  const ofLooked = (act) => () => {
    const image = lookedAt();
    if (image !== null) act(image);
  };
  const acts = {
    close: () => on.close(), previous: () => step(-1), next: () => step(1), info: () => toggleFacts(),
    like: ofLooked((id) => on.more(id, 1)), unlike: ofLooked((id) => on.more(id, -1)), alike: ofLooked(on.similar), love: toggleFavourite, zoom: () => zoom.toggle(),
    boxes: () => (video.settle(), layers.toggleBoxes()), heat: () => (video.settle(), layers.toggleHeat()), draw: startDrawing,
    masks: () => (video.settle(), layers.toggleMasks()),
  };
  for (const [name, act] of Object.entries(acts)) $(/** @type {keyof typeof acts} */ (name)).addEventListener("click", act);
  const further = {
    slideshow: () => record && slides.start(), full: () => fillScreen(!isFilled()), turn: () => zoom.turn(), copy: () => record && copy(record.path),
  };
  setUpPopup($("further"), $("further-menu"), [
    { label: "slideshow", icon: "play", key: "p", act: further.slideshow },
    { label: "fullScreen", icon: "full", key: "v", act: canFill() && further.full },
    { label: "rotate", icon: "turn", key: "t", act: further.turn },
    { label: "copyPath", icon: "copy", key: "c", act: further.copy },
    { label: "share", icon: "share", act: canShare() && (() => record && share(record)) },
    { label: "tagThese", icon: "tag", key: "g", act: () => marks.tag(), fits: () => on.allows().tag },
    { label: "sidecars", icon: "sidecar", act: ofImage(writeSidecar), fits: () => on.allows().sidecars },
    { label: "reveal", icon: "folder", act: ofImage(showInFolder), fits: () => on.allows().reveal },
  ]);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (draw.active) draw.end();
    else if (slides.active) slides.end();
    else if ($("mask-panel").contains(document.activeElement)) (acts.masks(), $("masks").focus());
    else on.close();
  });
  dialog.addEventListener("click", (event) => {
    const link = closest(event, "a[data-open]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    on.open(Number(link.dataset.open), { replace: false });
  });
  const forward = () => (document.documentElement.dir === "rtl" ? -1 : 1);
  /** @type {Record<string, () => unknown>} */
  const keys = {
    ArrowLeft: () => (zoom.isOwn ? zoom.move(80, 0) : step(-forward())),
    ArrowRight: () => (zoom.isOwn ? zoom.move(-80, 0) : step(forward())),
    ArrowUp: () => zoom.isOwn && zoom.move(0, 80),
    ArrowDown: () => zoom.isOwn && zoom.move(0, -80),
    "+": () => zoom.by(1.4), "=": () => zoom.by(1.4), "-": () => zoom.by(1 / 1.4), 0: () => zoom.reset(),
    z: acts.zoom, i: acts.info, s: acts.alike, m: acts.like, l: acts.unlike, c: further.copy, v: further.full, t: further.turn, p: () => (slides.active ? slides.end() : further.slideshow()), d: () => $("download").click(),
    b: acts.boxes, f: acts.love, h: acts.heat, k: acts.masks, r: acts.draw, g: () => marks.tag(),
    1: () => marks.toggle(1), 2: () => marks.toggle(2), 3: () => marks.toggle(3), 4: () => marks.toggle(4), 5: () => marks.toggle(5),
    " ": () => video.toggle(), "?": () => on.help(), "/": () => on.search(),
  };
  /// A slideshow has keys of its own.
  /** @type {Record<string, () => unknown>} */
  const SHOWN_KEYS = { " ": () => slides.toggle(), ArrowLeft: () => step(-forward()), ArrowRight: () => step(forward()), p: keys.p, v: keys.v };
  /// What a video that has the focus does itself.
  const OF_VIDEO = [" ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
  /// What an image that is gone still answers to.
  const WITHOUT = ["ArrowLeft", "ArrowRight", "?", "/"];
  dialog.addEventListener("keydown", (event) => {
    if (dialog.classList.contains("gone") && !WITHOUT.includes(event.key)) return;
    if (draw.active || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " && event.target instanceof HTMLButtonElement) return;
    if (event.target instanceof HTMLVideoElement && OF_VIDEO.includes(event.key)) return; // a video has keys of its own
    if (event.key === " " && !slides.active && !video.active) return; // it moves the facts
    const act = (slides.active ? SHOWN_KEYS : keys)[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) (event.preventDefault(), act());
  });
  toggleFacts(localStorage.getItem(KEPT) ? localStorage.getItem(KEPT) === "1" : matchMedia("(min-width: 900px)").matches);
  return { open, close, current: () => id, refresh: () => dialog.open && showPlace(placeOf()) };
}
