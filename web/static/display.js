// Result sets on the page: what the state asks for is asked, laid out in the grid, and loaded to its end.

import { ApiError, isCancelled } from "./api.js";
import { $, debounce } from "./dom.js";
import { explain } from "./errors.js";
import { showImages } from "./images.js";
import { forget, resultsOf } from "./results.js";
import { canFind, hasIdleImages, isRanked, thingsOf, write } from "./state.js";
import { isUnfinished } from "./things.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// After a key press, so long until the search, in milliseconds.
const TYPING = 150;
/// Hits that are laid out; beyond this the browser's own limits on heights come near.
const MOST = 200_000;

export class Display {
  /// The result set that is shown.
  /** @type {Page.ResultSet | null} */
  results = null;
  #running = new AbortController();
  /// The address of what is shown, or on its way, and the one that the results are of.
  #shown = "";
  #settled = "";
  /// A form that is typed becomes chips once the server has read it.
  #finishing = false;
  #loadingMore = false;
  #soon = debounce(() => this.show(), TYPING);

  /// `on.others()` is told that other images are shown, and `on.rendered()` that there may be more of them.
  /**
   * @param {{ navigation: Page.Navigation, grid: Page.Grid, server: Page.Server, report: Page.Report, pages: Page.Pages,
   *   on: { others: () => void, rendered: () => void } }} page
   */
  constructor({ navigation, grid, server, report, pages, on }) {
    this.navigation = navigation;
    this.grid = grid;
    this.server = server;
    this.report = report;
    this.pages = pages;
    this.on = on;
    $("weaker").addEventListener("click", () => {
      const y = scrollY;
      navigation.rememberPlace();
      navigation.step({ weak: true }, { y });
      this.show({ y });
    });
  }

  get #state() {
    return this.navigation.state;
  }

  /// The address of the state, whichever image of it is open.
  get #address() {
    return write({ ...this.#state, view: null });
  }

  // ---- what is wanted ----

  /// The user wants something else: what is `typing` may go on; `now` is said of what may be shown already; a form is read
  /// to its end with `finish`.
  /** @type {(how: Page.How) => void} */
  follow({ typing = false, now = false, finish = false }) {
    const { find, sign, text } = this.#state;
    this.#finishing = finish && find && sign > 0 && text.trim() !== "";
    if (typing) {
      if (find && isUnfinished(text)) return this.#soon.cancel(); // the rest is still to come
      $("main").setAttribute("aria-busy", "true");
      return this.#soon();
    }
    this.#soon.cancel();
    if (!now || this.#shown !== this.#address) this.show();
    else this.#finishForm();
  }

  /// What is typed stays as it is.
  leaveForm() {
    this.#finishing = false;
  }

  /// What was typed as a form becomes its parts: things with counts, things to leave out, relations.
  #finishForm() {
    if (!this.#finishing || !this.results?.form || this.#settled !== this.#address) return;
    this.#finishing = false;
    const { things, without, relations } = this.results.form;
    /** @type {(value: string, weight: number, count?: { least?: number, most?: number | null }) => Page.TextChip} */
    const text = (value, weight, count) => ({ kind: "text", value, weight, ...count });
    /** @type {(thing: Api.Thing) => { least?: number, most?: number | null }} */
    const count = ({ at_least: least, at_most: most = null }) => (least > 1 || most !== null ? { least, most } : {});
    const parts = [...things.map((thing) => text(thing.text, 1, count(thing))), ...(without ?? []).map((value) => text(value, -1))];
    const images = this.#state.chips.filter(({ kind }) => kind !== "text");
    const lies = (relations ?? []).map(({ first, is, second }) => ({ first: things[first].text, is, second: things[second].text }));
    this.navigation.change({ chips: [...images, ...parts], text: "", relations: lies, weak: this.#state.weak });
  }

  /// The names of what is asked for, as boxes and heatmaps refer to them.
  thingNames() {
    const state = this.#state;
    if (this.results?.form && state.find) return this.results.form.things.map(({ text }) => text);
    const typed = state.sign > 0 && state.text.trim() ? [state.text.trim()] : [];
    return [...thingsOf(state).map(({ value }) => value), ...typed].slice(0, 8);
  }

  // ---- showing ----

  /// Shows what the state asks for, scrolled to a place in it, or to `y`.
  /** @type {(where?: Page.Where) => Promise<void>} */
  async show({ y = 0, place = null } = {}) {
    const { grid, report, server } = this;
    const state = this.#state;
    this.#running.abort();
    this.#running = new AbortController();
    const { signal } = this.#running;
    this.#soon.cancel();
    const asked = (this.#shown = this.#address);
    if (state.page) return this.#showPage(state, signal);
    this.pages.leave();
    // Words alone answer while the model loads; images have to wait for it.
    const onlyText = isRanked(state) && !state.find && state.chips.every(({ kind }) => kind === "text");
    const words = server.isLoading && onlyText;
    const wanted = resultsOf(state, { words });
    report.begin(state);
    $("main").setAttribute("aria-busy", "true");
    try {
      if (state.find && isRanked(state) && !canFind(state)) throw new ApiError({ code: "no_thing", message: t(hasIdleImages(state) ? "thingsOfOne" : "lessNeedsMore") });
      if (!wanted.started) await wanted.load(signal, place);
      // As far as the place that was left.
      while (y > 0 && !wanted.complete && this.#estimatedHeight(wanted) < y + innerHeight) await wanted.load(signal);
      if (signal.aborted) return;
      if (this.#settled !== asked) this.on.others();
      [this.results, this.#settled] = [wanted, asked];
      this.render();
      report.found(this.#state, wanted, { words });
      // When all above the images is as high as it stays.
      if (!place || !grid.restore(place)) scrollTo(0, y);
      grid.draw();
      this.#finishForm();
      if (words) this.#waitForModel();
      this.#loadRest(signal);
    } catch (error) {
      if (isCancelled(error) || signal.aborted) return;
      // A form that cannot be read is no reason to take away what is there, and a server that is away is waited for.
      const code = error instanceof ApiError ? error.code : "";
      if (state.find && ["bad_form", "bad_request"].includes(code) && this.results) return report.note(explain(error));
      if (code === "offline" && this.results) return;
      this.results = null;
      grid.show([], { key: "" });
      if (report.problem(error)) this.#waitForModel();
    } finally {
      if (!signal.aborted) $("main").setAttribute("aria-busy", "false");
    }
  }

  /// Shows a page beside the library in the place of its images.
  /** @type {(state: Page.State, signal: AbortSignal) => Promise<void>} */
  async #showPage(state, signal) {
    this.on.others();
    this.report.page(state);
    $("main").setAttribute("aria-busy", "true");
    await this.pages.show(state);
    if (!signal.aborted) $("main").setAttribute("aria-busy", "false");
  }

  /// Shows the same again, as the library, or what is known of it, has changed. The place stays.
  again() {
    forget();
    return this.show(this.navigation.where());
  }

  /// Asks again with the model as soon as it is there.
  #waitForModel() {
    this.server.waitForModel(() => this.again());
  }

  /// From images that are laid out, what all loaded ones will need.
  /** @type {(wanted: Page.ResultSet) => number} */
  #estimatedHeight({ tiles }) {
    const { results, grid } = this;
    const perTile = results?.tiles.length ? grid.root.clientHeight / results.expected : 60;
    return tiles.length * Math.max(perTile, 20);
  }

  /// Lays out what is loaded.
  render() {
    const { results } = this;
    if (!results) return;
    const items = showImages(this.grid, this.#state, results);
    this.report.ends(this.#state, results, items);
    this.on.rendered();
  }

  // ---- more of the same ----

  async loadMore() {
    const { results } = this;
    if (!results || results.complete || this.#loadingMore || results.tiles.length >= MOST) return;
    this.#loadingMore = true;
    const { signal } = this.#running;
    try {
      if ((await results.load(signal)) && results === this.results && !signal.aborted) this.render();
    } catch (error) {
      if (!isCancelled(error)) toast(explain(error));
    } finally {
      this.#loadingMore = false;
    }
  }

  /// The rest follows in quiet moments, so that the scroll bar is right and every place can be reached at once.
  /** @type {(signal: AbortSignal) => Promise<void>} */
  async #loadRest(signal) {
    while (this.results && !this.results.complete && !signal.aborted && this.results.tiles.length < MOST) {
      await new Promise((done) => (window.requestIdleCallback ?? setTimeout)(done, { timeout: 1000 }));
      if (!this.results || signal.aborted) return; // another question came meanwhile
      const before = this.results.tiles.length;
      await this.loadMore();
      if (this.results?.tiles.length === before && !this.#loadingMore) return;
    }
  }

  /// Numbers of all that was found, whether it is loaded or not; null if something else is shown by then.
  /** @type {() => Promise<number[] | null>} */
  async allIds() {
    const { results } = this;
    const { signal } = this.#running;
    const ids = results && (await results.ids(signal));
    if (!ids || results !== this.results || signal.aborted) return null;
    this.render(); // more may have been loaded
    return ids;
  }

  /// Spreads a stack out, or lays it together.
  /** @type {(id: number, index: number) => void} */
  toggleStack(id, index) {
    const spread = this.results?.spread;
    if (!spread?.delete(id)) spread?.add(id);
    this.render();
    this.grid.focus(index);
  }
}
