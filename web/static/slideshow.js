// One image after another, by themselves: each stays a while once it is loaded. It can be paused, and ends with the view.

import { $, h } from "./dom.js";
import { fillScreen, isFilled } from "./fullscreen.js";
import { icon } from "./icons.js";
import { announce } from "./toast.js";
import { span, t } from "./words.js";

const SECONDS = [3, 5, 10, 30];
const USUAL = 5;
const KEPT = "glimpse.slideshow";
/// So long without a movement, in milliseconds, until the controls fade.
const STILL = 2500;

export class Slideshow {
  /** @type {Timer | undefined} */
  #timer;
  /** @type {Timer | undefined} */
  #still;
  #playing = false;
  /// Whether the screen was filled for the show, and not before.
  #filled = false;

  /// `on.step(by)` shows another image; `on.playing(is)` is told that the show is paused or goes on, and `on.end()` that it is over.
  /** @param {HTMLElement} dialog @param {{ step: (by: number) => void, playing: (is: boolean) => void, end: () => void }} on */
  constructor(dialog, on) {
    this.dialog = dialog;
    this.on = on;
    const seconds = $("slides-seconds");
    seconds.replaceChildren(...SECONDS.map((value) => h("option", { value }, span(value))));
    seconds.value = String(SECONDS.find((value) => String(value) === localStorage.getItem(KEPT)) ?? USUAL);
    seconds.addEventListener("change", () => (localStorage.setItem(KEPT, seconds.value), this.shown()));
    $("slides-pause").addEventListener("click", () => this.toggle());
    $("slides-previous").addEventListener("click", () => on.step(-1));
    $("slides-next").addEventListener("click", () => on.step(1));
    $("slides-end").addEventListener("click", () => this.end());
    for (const event of ["pointermove", "pointerdown", "keydown"]) dialog.addEventListener(event, () => this.active && this.#stir());
    // Leaving the full screen by the browser's own key is leaving the show.
    document.addEventListener("fullscreenchange", () => this.#filled && !isFilled() && this.end());
  }

  get active() {
    return this.dialog.classList.contains("showing");
  }

  start() {
    if (this.active) return;
    this.dialog.classList.add("showing");
    $("slides").hidden = false;
    if (!isFilled()) fillScreen(true).then(() => (this.#filled = this.active && isFilled()));
    $("stage").focus({ preventScroll: true });
    this.#play(true);
    this.#stir();
  }

  /// Pauses, or goes on.
  toggle() {
    if (this.active) this.#play(!this.#playing);
  }

  /** @type {(playing: boolean) => void} */
  #play(playing) {
    this.#playing = playing;
    $("slides-pause").replaceChildren(icon(playing ? "pause" : "play"));
    const label = t(playing ? "pause" : "resume");
    $("slides-pause").setAttribute("aria-label", label);
    $("slides-pause").title = label;
    if (!playing) announce(t("job_paused"));
    this.on.playing(playing);
    this.shown();
  }

  /// Another image is on its way.
  wait() {
    clearTimeout(this.#timer);
  }

  /// The image is there, and its time begins.
  shown() {
    this.wait();
    if (this.active && this.#playing) this.#timer = setTimeout(() => this.on.step(1), Number($("slides-seconds").value) * 1000);
  }

  end() {
    if (!this.active) return;
    this.wait();
    clearTimeout(this.#still);
    this.#playing = false;
    this.dialog.classList.remove("showing", "still");
    $("slides").hidden = true;
    if (this.#filled) fillScreen(false);
    this.#filled = false;
    this.on.end();
  }

  #stir() {
    this.dialog.classList.remove("still");
    clearTimeout(this.#still);
    this.#still = setTimeout(() => this.dialog.classList.add("still"), STILL);
  }
}
