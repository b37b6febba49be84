// A video in the large view, or an animation: one of its frames is shown, with what was found in it, until it is played. Its shots
// lie below it.

import { framesOf, original, thumbnail } from "./api.js";
import { $, calm, h } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./toast.js";
import { clock, t } from "./words.js";

/// Longer side of the frame that is shown, in pixels.
const LARGE = 1600;

/// A record, or a tile, that moves.
/** @type {(shown: { kind?: Api.Kind } | null | undefined) => boolean} */
export const moves = (shown) => shown?.kind === "video" || shown?.kind === "animation";

/// The image that stands for a tile: of a video, the frame that was found.
/** @type {(tile: { id: number, content: string, frame?: number | null, frame_content?: string | null }) => { id: number, content: string }} */
export const stillOf = ({ id, content, frame, frame_content: own }) => (frame != null && own ? { id: frame, content: own } : { id, content });

export class Video {
  /** @type {Page.Moving | null} */
  #record = null;
  /** @type {Api.Frame[]} */
  #frames = [];
  /// The frame that is shown, or that was last, and whether the video has taken its place.
  #at = 0;
  #moving = false;
  /** @type {HTMLElement | null} */
  #stage = null;
  /** @type {HTMLVideoElement | HTMLImageElement | null} */
  #player = null;
  #button = h("button", { class: "play", type: "button", on: { click: () => this.play() } }, icon("play"));

  /// `on.still(frame)` is told that a frame is shown, by itself or in the place of the video, and `on.changed()` that the video
  /// plays or has stopped.
  /** @param {HTMLElement} dialog @param {{ still: (frame: Api.Frame) => void, changed: () => void }} on */
  constructor(dialog, on) {
    this.dialog = dialog;
    this.on = on;
    $("shots").addEventListener("keydown", (event) => this.#key(event));
  }

  /// Something that moves is open.
  get active() {
    return this.#record !== null;
  }

  get isPlaying() {
    return this.#moving && !(this.#player instanceof HTMLVideoElement && this.#player.paused);
  }

  /// The frame of the shot that is shown, or that the video is in; null as long as none is known.
  get frame() {
    return this.#frames[this.#at] ?? null;
  }

  /// A video is open in `stage`, at a frame if one was found. Its shots follow as soon as they are known.
  /** @type {(stage: HTMLElement, record: Page.Moving, found: number | null, signal: AbortSignal) => Promise<void>} */
  async open(stage, record, found, signal) {
    this.close();
    [this.#record, this.#stage] = [record, stage];
    this.dialog.classList.add("of-video");
    stage.append(this.#button);
    this.#sayMoment(record.start ?? 0);
    const { frames } = await framesOf(record.id, signal);
    if (signal.aborted || this.#record !== record) return;
    this.#frames = frames;
    this.#at = Math.max(frames.findIndex(({ id }) => id === found), 0);
    this.#fillShots(found);
    this.#mark();
  }

  close() {
    this.#stop();
    this.#button.remove();
    $("shots").replaceChildren();
    $("shots").hidden = true;
    this.dialog.classList.remove("of-video", "cannot-play");
    [this.#record, this.#stage, this.#frames, this.#at] = [null, null, [], 0];
  }

  /// Plays on, or stops where it is.
  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  pause() {
    if (this.#player instanceof HTMLVideoElement) this.#player.pause();
    else if (this.#moving) this.showFrame(this.#at);
  }

  /// Plays from where it was stopped, or from the frame that is shown; without sound in a slideshow.
  /** @type {(how?: { muted?: boolean }) => void} */
  play({ muted = false } = {}) {
    const record = this.#record;
    if (!record || !this.#stage) return;
    const start = this.#frames[this.#at]?.start ?? record.start ?? 0;
    const player = this.#player ?? (record.kind === "video" ? this.#makeVideo(record, start) : h("img", { class: "player", src: original(record), alt: "" }));
    if (!player.isConnected) this.#stage.append(player);
    this.#player = player;
    this.#show(true);
    if (!(player instanceof HTMLVideoElement)) return;
    player.muted = muted;
    player.play().catch(() => {}); // a browser that does not let it shows its own button
    if (!muted) player.focus({ preventScroll: true });
  }

  /// Shows a frame: in the video, if it plays, else as an image with what was found in it.
  /** @type {(place: number) => void} */
  showFrame(place) {
    const frame = this.#frames[place];
    if (!frame) return;
    this.#at = place;
    if (this.#player instanceof HTMLVideoElement) this.#player.currentTime = frame.start;
    if (!(this.#player instanceof HTMLVideoElement) || this.#player.paused) {
      this.#show(false);
      this.#sayMoment(frame.start);
      this.on.still(frame);
    }
    this.#mark();
    announce(this.#label(place));
  }

  /// The frame of the shot that the video is in, if it is shown and not its frame.
  settle() {
    if (!this.#moving) return;
    this.pause();
    this.showFrame(this.#at);
  }

  // ---- playing ----

  /** @type {(record: Page.Moving, start: number) => HTMLVideoElement} */
  #makeVideo(record, start) {
    const video = h("video", { class: "player", controls: true, playsInline: true, preload: "auto", "aria-label": t("video") });
    video.addEventListener("loadedmetadata", () => (video.currentTime = this.#frames[this.#at]?.start ?? start), { once: true });
    for (const event of ["play", "pause", "ended"]) video.addEventListener(event, () => this.#player === video && (this.#mark(), this.on.changed()));
    video.addEventListener("timeupdate", () => this.#follow(video.currentTime));
    video.addEventListener("error", () => this.#player === video && this.#refuse());
    video.poster = thumbnail(this.#frames[this.#at] ?? record, LARGE);
    video.src = original(record);
    return video;
  }

  /// This browser cannot play it: the frames are still there.
  #refuse() {
    this.#stop();
    this.dialog.classList.add("cannot-play");
    const note = h("p", { class: "cannot", role: "alert" }, t("cannotPlay"));
    this.#stage?.querySelector(".cannot")?.remove();
    this.#stage?.append(note);
    this.#button.remove();
    $("download").focus();
  }

  #stop() {
    const player = this.#player;
    this.#player = null;
    if (player instanceof HTMLVideoElement) {
      player.pause();
      player.removeAttribute("src"); // nothing more is loaded
      player.load();
    }
    player?.remove();
    this.#show(false);
  }

  /** @type {(moving: boolean) => void} */
  #show(moving) {
    this.#moving = moving;
    this.dialog.classList.toggle("moving", moving);
    this.#button.hidden = moving;
    if (this.#player) this.#player.hidden = !moving;
    this.on.changed();
  }

  /// Marks the shot that the video is in.
  /** @type {(time: number) => void} */
  #follow(time) {
    const place = this.#frames.findLastIndex(({ start }) => start <= time + 0.05);
    if (!this.#moving || place < 0 || place === this.#at) return;
    this.#at = place;
    this.#mark();
  }

  /** @type {(time: number) => void} */
  #sayMoment(time) {
    const label = time > 0 ? t("playFrom", { time: clock(time) }) : t("play");
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
  }

  // ---- shots ----

  /** @type {(place: number) => string} */
  #label(place) {
    return t("shotAt", { n: place + 1, count: this.#frames.length, time: clock(this.#frames[place].start) });
  }

  /** @type {(found: number | null) => void} */
  #fillShots(found) {
    const shots = $("shots");
    shots.hidden = this.#frames.length < 2;
    shots.replaceChildren(...this.#frames.map((frame, place) => h("button", {
      class: frame.id === found ? "shot-of found-shot" : "shot-of", type: "button", "aria-label": this.#label(place), title: this.#label(place), data: { place },
      on: { click: () => this.showFrame(place) },
    }, h("img", { src: thumbnail(frame, 160), alt: "", loading: "lazy", draggable: false }), h("bdi", { dir: "ltr", "aria-hidden": "true" }, clock(frame.start)))));
  }

  #mark() {
    const buttons = /** @type {HTMLElement[]} */ ([...$("shots").children]);
    buttons.forEach((button, place) => {
      button.tabIndex = place === this.#at ? 0 : -1;
      if (place === this.#at) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    });
    const now = buttons[this.#at];
    if (!now || $("shots").hidden) return;
    // Only the strip moves, not what is around it.
    const [strip, shot] = [$("shots").getBoundingClientRect(), now.getBoundingClientRect()];
    const by = shot.left + shot.width / 2 - strip.left - strip.width / 2;
    if (shot.left < strip.left || shot.right > strip.right) $("shots").scrollBy({ left: by, behavior: calm() ? "auto" : "smooth" });
  }

  /** @type {(event: KeyboardEvent) => void} */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const forward = document.documentElement.dir === "rtl" ? -1 : 1;
    /** @type {Record<string, number>} */
    const places = { ArrowRight: this.#at + forward, ArrowLeft: this.#at - forward, Home: 0, End: this.#frames.length - 1 };
    const place = places[event.key];
    if (place === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.#frames[place]) return;
    this.showFrame(place);
    /** @type {HTMLElement | undefined} */ ([...$("shots").querySelectorAll("button")][place])?.focus();
  }
}
