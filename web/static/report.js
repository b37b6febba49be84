// What the page says of a result set: how many images there are, a note, and what stands in the place of images.

import { ApiError } from "./api.js";
import { $ } from "./dom.js";
import { explain } from "./errors.js";
import { setUpInstead } from "./instead.js";
import { setUpMeant } from "./meant.js";
import { languageNote } from "./quality.js";
import { askedAlone, canFind, exampleOf, hasIdleImages, isFiltered, isRanked, textsOf, withoutFilters } from "./state.js";
import { announce } from "./toast.js";
import { t } from "./words.js";

export class Report {
  /// What the button of the note does.
  /** @type {(() => void) | undefined} */
  #act;
  #meant;
  #instead;

  /// `change` is told what the user wants, `panel` shows the library, `server` says what is known of it, and `forgive(text)`
  /// forgets which answers were said to be wrong.
  /** @param {{ change: Page.Change, panel: Page.Panel, server: Page.Server, forgive: (text: string) => unknown }} page */
  constructor({ change, panel, server, forgive }) {
    this.forgive = forgive;
    this.change = change;
    this.panel = panel;
    this.server = server;
    /** @type {(text: string) => void} */
    const findThings = (text) => change({ find: true, chips: [], text, sign: 1 }, { finish: true });
    this.#meant = setUpMeant({ change, things: (text) => $("note").hidden && this.note(t("asksThings"), [t("findThings"), () => findThings(text)]) });
    this.#instead = setUpInstead((text) => (change({ chips: [], relations: [], text, sign: 1 }, { finish: true }), $("results").focus({ preventScroll: true })));
    $("empty-clear").addEventListener("click", () => change(withoutFilters));
    $("empty-regions").addEventListener("click", () => panel.makeRegions());
    $("empty-add").addEventListener("click", () => panel.open());
    $("note-more").addEventListener("click", () => this.#act?.());
  }

  /// The state that is asked for, before anything comes back.
  /** @type {(state: Page.State) => void} */
  begin(state) {
    const texts = textsOf(state);
    document.title = texts.length ? `${texts.join(" + ")} – Glimpse` : "Glimpse";
    this.#meant.ask(null);
    const known = isRanked(state) || isFiltered(state);
    this.#instead("");
    const unsaved = state.find && !canFind(state);
    $("save-search").hidden = unsaved || !known || Boolean(state.album) || state.chips.some(({ kind }) => kind === "upload");
  }

  /// A page beside the library, which says more of itself.
  /** @type {(state: Page.State) => void} */
  page({ page }) {
    document.title = page ? `${t(page)} – Glimpse` : "Glimpse";
    $("save-search").hidden = true;
    $("count").textContent = $("stacked").textContent = "";
    this.#meant.ask(null);
    this.#instead("");
    this.note("");
  }

  /// What was found, in numbers and notes. `words` if it was asked of the words alone.
  /** @type {(state: Page.State, results: Page.ResultSet, how: { words: boolean }) => void} */
  found(state, results, { words }) {
    const { accepted, searched, ranked, tiles, withoutRegions, asThings, nothingParticular, gone, saidWrong } = results;
    const line = ranked ? t("matches", { n: accepted, searched }) : isFiltered(state) ? t("pass", { n: accepted }) : t("imageCount", { n: accepted });
    $("count").textContent = line;
    // Nothing is like a box of an image, which may hold nothing particular.
    const isAlone = nothingParticular || (accepted === 0 && tiles.length > 0 && exampleOf(state)?.box !== undefined);
    const closest = isAlone ? t("nothingInBox") : `${t("closest")} ${t("imageCount", { n: tiles.length })}`;
    announce(ranked && accepted === 0 ? (tiles.length ? `${line}. ${closest}` : t("nothingFound")) : line);
    const texts = textsOf(state).join(" ");
    this.#meant.ask(state, { known: Boolean(asThings) });
    this.#instead(ranked && accepted === 0 && !words && !exampleOf(state) ? texts : "");
    if (words) return this.note(t("modelLoading"));
    if (gone) return this.note(t("examplesGone", { n: gone }));
    if (saidWrong) return this.note(t("saidWrong", { n: saidWrong }), [t("unhide"), () => this.forgive(askedAlone(state))]);
    if (isAlone) return this.note(t("nothingInBox"));
    if (withoutRegions) return this.note(t("someWithoutRegions", { n: withoutRegions }), [t("makeRegions"), this.panel.makeRegions]);
    if (asThings) return this.note(t("asksThings"), [t("findThings"), () => this.change({ find: true, chips: [], text: asThings, sign: 1 }, { finish: true })]);
    if (hasIdleImages(state)) return this.note(t("thingsOfOne"));
    if (exampleOf(state) && texts) return this.note(t("regionAlone"));
    this.note(languageNote(texts, this.server.model.name), [t("aboutModel"), this.panel.open]);
  }

  /// What stands beside, below or in the place of the images of a result set.
  /** @type {(state: Page.State, results: Page.ResultSet, items: { length: number }) => void} */
  ends(state, results, items) {
    const stacked = results.stacked(items);
    $("stacked").textContent = stacked ? `· ${t("stacked", { n: stacked })}` : "";
    const { ranked } = results;
    $("weaker").hidden = !results.hasMore;
    $("weaker").textContent = t(results.tiles.some(({ strength }) => strength === "weak") ? "showMore" : "showClosest");
    $("empty").hidden = items.length > 0;
    if (items.length > 0) return;
    const nothing = ranked ? "nothingFound" : isFiltered(state) ? "nothingPasses" : "nothingYet";
    $("empty-title").textContent = t(nothing);
    $("empty-advice").textContent = ranked ? t("nothingAdvice") : nothing === "nothingYet" ? t("addFirst") : "";
    $("empty-clear").hidden = !isFiltered(state);
    $("empty-regions").hidden = true;
    $("empty-add").hidden = nothing !== "nothingYet";
  }

  /// Says something beside the results, and what can be done about it.
  /** @type {(text: string, more?: [label?: string, act?: () => void]) => void} */
  note(text, [label, act] = []) {
    $("note").hidden = !text;
    $("note-text").textContent = text;
    $("note-more").hidden = !act;
    $("note-more").textContent = label ?? "";
    this.#act = act;
  }

  /// What went wrong, in the place of the images. Gives whether it is only too early, as the model is not there yet.
  /** @type {(error: unknown) => boolean} */
  problem(error) {
    const { code, message, reason } = error instanceof ApiError ? error : { code: "", message: "", reason: null };
    const empty = code === "not_ready" && this.server.isEmpty;
    const early = code === "not_ready" && !empty && this.server.isLoading;
    const bare = code === "no_regions";
    $("count").textContent = empty ? t("imageCount", { n: 0 }) : "";
    $("stacked").textContent = "";
    $("weaker").hidden = true;
    $("empty").hidden = false;
    this.note("");
    $("empty-title").textContent = t(empty ? "nothingYet" : bare ? "noRegions" : early ? "loading" : reason === "examples_gone" ? "nothingFound" : "failed");
    $("empty-advice").textContent = empty ? t("addFirst") : bare ? t("noRegionsAdvice") : early ? t("modelNotYet") : explain(error);
    if (code === "no_thing") ($("empty-title").textContent = message), ($("empty-advice").textContent = "");
    $("empty-clear").hidden = true;
    $("empty-regions").hidden = !bare;
    $("empty-add").hidden = !empty;
    announce($("empty-title").textContent);
    return early;
  }
}
