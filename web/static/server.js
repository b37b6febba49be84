// What is known of the server: its library, its model, and the job that it is at.

import { health } from "./api.js";
import { $ } from "./dom.js";

/// How often a loading model is asked after, in milliseconds.
const LOADING = 400;

/// What was asked before there was a page to tell.
/** @type {Promise<Api.Health> | null} */
let ahead = null;

export class Server {
  /** @type {Pick<Api.Health, "model" | "library" | "allows" | "watching" | "region_tags"> & { job?: Api.Job | null }} */
  #known = { model: { state: "loading", name: null, captions: [] }, library: "ready" };
  #waiting = false;

  /// `on.job(job)` is told of the job that the server is at.
  /** @param {{ job: (job: Api.Job) => void }} on */
  constructor(on) {
    this.on = on;
  }

  /// Asks for what the page needs at once. An answer that fails is asked for again by the page itself.
  static lookAhead() {
    ahead = health();
    ahead.catch(() => (ahead = null));
  }

  get model() {
    return this.#known.model;
  }

  /// What clients may do beside looking: `{ trash, sidecars, reveal, roots }`.
  get allows() {
    return this.#known.allows ?? {};
  }

  /// Labels of parts of images are kept, and can be filtered by.
  get keepsTags() {
    return this.#known.region_tags === true;
  }

  /// The server follows its folders as they change.
  get isWatching() {
    return this.#known.watching === true;
  }

  get isLoading() {
    return this.model.state === "loading";
  }

  get isEmpty() {
    return this.#known.library === "empty";
  }

  async ask() {
    const asked = ahead ?? health();
    ahead = null;
    this.#known = await asked.catch(() => this.#known);
    // There is nothing to narrow down or to count.
    $("main").classList.toggle("nothing", this.isEmpty);
    if (this.#known.job) this.on.job(this.#known.job);
  }

  /// Calls `then` as soon as the model is there; once, however often it is waited for.
  /** @type {(then: () => void) => Promise<void>} */
  async waitForModel(then) {
    if (this.#waiting) return;
    this.#waiting = true;
    while ((await this.ask(), this.isLoading)) await new Promise((done) => setTimeout(done, LOADING));
    this.#waiting = false;
    then();
  }
}
