// Order and filters: a row of buttons, each with a small sheet of choices.

import { counts } from "./counts.js";
import { $, closest, fileName, h } from "./dom.js";
import { fillFolders } from "./folder_filter.js";
import { icon } from "./icons.js";
import { boxesShown, showBoxes } from "./marks.js";
import { EMPTY, isFiltered, isRanked, sortOf } from "./state.js";
import { day, distance, inKm, number, t } from "./words.js";

/** @typedef {"date" | "folder" | "camera" | "lens" | "tag" | "regionTag" | "format" | "area" | "near"} SheetName */

const SORTS = /** @type {const} */ (["relevance", "newest", "oldest", "album"]);
/// Smallest shares of an image, in percent, that can be asked of regions.
const AREAS = [0, 1, 5, 20];
/// Distances around a place, in the unit of the reader.
const DISTANCES = [1, 10, 100];

/// `keepsTags()` is true if labels of parts of images are kept; `albumName(id)` gives the name of an album, later, and `searchName(state)` that of the saved search that a state is of, or none.
/**
 * @type {(page: { get: Page.Get, change: Page.Change, keepsTags: () => boolean, albumName: (id: string) => Promise<string>, searchName: (state: Page.State) => Promise<string> }) =>
 *   { render: () => void }}
 */
export function setUpFilters({ get, change, keepsTags, albumName, searchName }) {
  /** @type {Record<SheetName, Page.Sheet>} */
  const sheets = {
    date: { icon: "calendar", fill: dates, value: dateValue, empty: { after: "", before: "" } },
    folder: { icon: "folder", fill: fillFolders, value: manyValue("folders", fileName), empty: { folders: [] } },
    camera: { icon: "lens", fill: choices("cameras", (value) => value), value: manyValue("cameras", (value) => value), empty: { cameras: [] } },
    lens: { icon: "lens", fill: choices("lenses", (value) => value), value: manyValue("lenses", (value) => value), empty: { lenses: [] }, hidden: ({ lenses }) => !lenses.length },
    tag: { icon: "tag", fill: choices("tags", (value) => value), value: manyValue("tags", (value) => value), empty: { tags: [] }, hidden: ({ tags }) => !tags.length },
    regionTag: { icon: "region", fill: choices("regionTags", (value) => value), value: manyValue("regionTags", (value) => value), empty: { regionTags: [] }, hidden: (state) => !state.regionTags.length && !keepsTags() },
    format: { icon: "file", fill: choices("formats", (value) => value.toUpperCase()), value: manyValue("formats", (value) => value.toUpperCase()), empty: { formats: [] } },
    area: { icon: "size", fill: areas, value: ({ area }) => (area ? areaText(area) : ""), empty: { area: 0 }, hidden: ({ find }) => !find },
    near: { icon: "place", fill: distances, value: ({ near }) => (near ? t("within", { distance: distance(near.km) }) : ""), empty: { near: null }, hidden: ({ near }) => !near },
  };
  const sort = $("sort");
  sort.replaceChildren(...SORTS.map((value) => h("option", { value }, t(value === "album" ? "albumOrder" : value))));
  sort.addEventListener("change", () => change({ sort: SORTS[sort.selectedIndex] }));

  /** @type {{ name: SheetName, filter: HTMLElement, open: HTMLElement, label: HTMLElement, clear: HTMLElement, sheet: Page.Sheet }[]} */
  const buttons = [];
  for (const [name, sheet] of /** @type {[SheetName, Page.Sheet][]} */ (Object.entries(sheets))) {
    const id = `sheet-${name}`;
    const label = h("span", { class: "what" });
    const open = h("button", { class: "pill", type: "button", popoverTargetElement: null, "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": id }, icon(sheet.icon), label, icon("down"));
    const clear = h("button", { class: "unset", type: "button", hidden: true, "aria-label": t("removeFilter", { what: t(name) }), title: t("remove"),
      on: { click: () => change(sheet.empty) } }, icon("close"));
    const body = h("div", { class: "body" });
    const box = h("div", { id, class: "sheet", role: "dialog", "aria-label": t(name), hidden: true }, body);
    /** @type {(focus: boolean) => void} */
    const close = (focus) => {
      if (box.hidden) return;
      box.hidden = true;
      open.setAttribute("aria-expanded", "false");
      if (focus) open.focus();
    };
    open.addEventListener("click", async () => {
      if (!box.hidden) return close(true);
      box.hidden = false;
      open.setAttribute("aria-expanded", "true");
      body.replaceChildren(h("p", { class: "soft" }, t("loading")));
      await sheet.fill(body, { get, change, done: () => close(true) });
      keepInside(box);
      (body.querySelector("input") ?? body.querySelector("button"))?.focus();
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") (event.stopPropagation(), close(true));
    });
    /** @type {(place: EventTarget | null) => boolean} */
    const isInside = (place) => place instanceof Node && box.contains(place);
    document.addEventListener("pointerdown", (event) => !isInside(event.target) && !open.contains(closest(event, "*")) && close(false));
    box.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !isInside(relatedTarget) && close(false));
    const filter = h("div", { class: "filter" }, open, clear, box);
    buttons.push({ name, filter, open, label, clear, sheet });
    $("filters").append(filter);
  }
  const boxes = h("button", { class: "pill", type: "button", title: "b", on: { click: () => switchBoxes() } }, icon("region"), t("boxes"));
  $("filters").append(boxes);
  const favourite = h("button", { class: "pill favourites", type: "button", title: t("favourites"), "aria-label": t("favourites"),
    on: { click: () => change({ favourite: !get().favourite }) } }, icon("heart"), h("span", {}, t("favourites")));
  const album = setPill({ icon: "album", word: "album", leave: () => change({ album: "" }), nameOf: albumName });
  const saved = setPill({ icon: "bookmark", word: "albumKind", leave: () => change({ ...EMPTY }), nameOf: async (name) => name });
  const box = setPill({ icon: "map", word: "mapArea", leave: () => change({ box: null }) });
  const hidden = setPill({ icon: "hidden", word: "hidden", leave: () => change({ hidden: false }) });
  $("filters").append(favourite, box.element);
  // Where one is comes first.
  $("filters").prepend(album.element, saved.element, hidden.element);
  /** @type {() => void} */
  const renderBoxes = () => boxes.setAttribute("aria-pressed", String(boxesShown()));
  /// Whether what is shown is a saved search takes a question, after which something else may be shown.
  async function renderSaved() {
    const state = get();
    const name = state.page || !(isRanked(state) || isFiltered(state)) ? "" : await searchName(state);
    if (state === get()) saved.render(name);
  }
  const switchBoxes = () => (showBoxes(!boxesShown()), renderBoxes());

  return {
    render() {
      const state = get();
      sort.value = sortOf(state);
      sort.options[0].disabled = !isRanked(state);
      sort.options[3].hidden = sort.options[3].disabled = !state.album || isRanked(state);
      boxes.hidden = !state.find;
      favourite.setAttribute("aria-pressed", String(state.favourite));
      album.render(state.album);
      box.render(state.box ? "box" : "");
      hidden.render(state.hidden ? "hidden" : "");
      renderSaved();
      renderBoxes();
      for (const { name, filter, open, label, clear, sheet } of buttons) {
        filter.hidden = Boolean(sheet.hidden?.(state));
        const value = sheet.value(state);
        label.textContent = value || t(name);
        open.classList.toggle("set", Boolean(value));
        clear.hidden = !value;
      }
    },
  };
}

/// A filter that is chosen elsewhere, and left here. `nameOf(value)` gives what it is called, later.
/**
 * @type {(pill: { icon: Page.Icon, word: Page.Sentence, leave: () => void, nameOf?: (value: string) => Promise<string> }) =>
 *   { element: HTMLElement, render: (value: string) => Promise<void> }}
 */
function setPill({ icon: sign, word, leave, nameOf = async () => "" }) {
  const name = h("bdi", { class: "what" });
  const clear = h("button", { class: "unset", type: "button", "aria-label": t("removeFilter", { what: t(word) }), title: t("remove"), on: { click: leave } }, icon("close"));
  const element = h("div", { class: "filter", hidden: true }, h("span", { class: "pill set" }, icon(sign), name), clear);
  let shown = "";
  /** @type {(value: string) => Promise<void>} */
  const render = async (value) => {
    element.hidden = !value;
    shown = value;
    name.textContent = value ? t(word) : "";
    const found = value && (await nameOf(value));
    if (found && shown === value) name.textContent = found;
  };
  return { element, render };
}

/// Sheets open below their button, but never beyond the window.
/** @type {(box: HTMLElement) => void} */
function keepInside(box) {
  box.style.translate = "";
  const { left, right } = box.getBoundingClientRect();
  const shift = right > innerWidth - 8 ? innerWidth - 8 - right : left < 8 ? 8 - left : 0;
  if (shift) box.style.translate = `${shift}px 0`;
}

/** @type {(key: Page.ListFilter, show: (value: string) => string) => (state: Page.State) => string} */
const manyValue = (key, show) => (state) => {
  const [first, ...others] = state[key];
  return first === undefined ? "" : others.length ? `${show(first)} +${number(others.length)}` : show(first);
};

/** @type {(state: Page.State) => string} */
function dateValue({ after, before }) {
  const year = after.slice(0, 4);
  if (after && after === before) return day(`${after}T00:00:00`);
  if (after === `${year}-01-01` && before === `${year}-12-31`) return year;
  return after && before ? `${day(`${after}T00:00:00`)} – ${day(`${before}T00:00:00`)}`
    : after ? t("since", { day: day(`${after}T00:00:00`) }) : before ? t("until", { day: day(`${before}T00:00:00`) }) : "";
}

/** @type {(key: Exclude<Page.ListFilter, "folders">, show: (value: string) => string) => Page.FillSheet} */
const choices = (key, show) => async (body, { get, change }) => {
  const counted = key === "regionTags" ? "region_tags" : key;
  const found = await counts(get(), key);
  if (!found?.[counted]?.length) return body.replaceChildren(h("p", { class: "soft" }, t("nothingToChoose")));
  const rows = found[counted].map(({ value, images }) => {
    const box = h("input", { type: "checkbox", checked: get()[key].includes(value) });
    box.addEventListener("change", () => {
      const others = get()[key].filter((other) => other !== value);
      change({ [key]: box.checked ? [...others, value] : others });
    });
    return h("label", { class: "choice", title: value }, box, h("span", { class: "name", dir: "auto" }, show(value)), h("span", { class: "count" }, number(images)));
  });
  body.replaceChildren(h("div", { class: "scroll" }, rows));
};

/** @type {(share: number) => string} */
const areaText = (share) => t("areaAtLeast", { share: number(share) });

/** @type {Page.FillSheet} */
async function areas(body, { get, change }) {
  const known = AREAS.includes(get().area) ? AREAS : [...AREAS, get().area];
  body.replaceChildren(...known.map((area) => {
    const choice = h("input", { type: "radio", name: "area", checked: get().area === area });
    choice.addEventListener("change", () => change({ area }));
    return h("label", { class: "choice" }, choice, h("span", { class: "name" }, area ? areaText(area) : t("areaAny")));
  }));
}

/// How far around a place, which is chosen from an image that was taken there.
/** @type {Page.FillSheet} */
async function distances(body, { get, change }) {
  const usual = DISTANCES.map(inKm);
  const now = get().near?.km ?? usual[0];
  body.replaceChildren(...(usual.includes(now) ? usual : [...usual, now]).map((km) => {
    const choice = h("input", { type: "radio", name: "near", checked: get().near?.km === km });
    choice.addEventListener("change", () => {
      const { near } = get();
      if (near) change({ near: { ...near, km } });
    });
    return h("label", { class: "choice" }, choice, h("span", { class: "name" }, t("within", { distance: distance(km) })));
  }));
}

/** @type {Page.FillSheet} */
async function dates(body, { get, change, done }) {
  const found = await counts(get(), "date");
  const fields = /** @type {const} */ (["after", "before"]).map((key) => {
    const input = h("input", { type: "date", name: key, min: found?.first_taken?.slice(0, 10), max: found?.last_taken?.slice(0, 10) });
    input.addEventListener("change", () => (change({ [key]: input.value }), show()));
    return { key, input };
  });
  const years = (found?.years ?? []).toReversed().map(({ value, images }) => {
    // Chosen again, it is taken back.
    const choose = () => {
      change(dateValue(get()) === value ? { after: "", before: "" } : { after: `${value}-01-01`, before: `${value}-12-31` });
      show();
      done();
    };
    return h("button", { class: "year", type: "button", data: { year: value }, on: { click: choose } }, value, h("span", { class: "count" }, number(images)));
  });
  /// What is chosen, in the fields and among the years alike.
  const show = () => {
    for (const { key, input } of fields) input.value = get()[key];
    for (const year of years) year.setAttribute("aria-pressed", String(dateValue(get()) === year.dataset.year));
  };
  show();
  const labels = fields.map(({ key, input }) => h("label", { class: "field" }, t(key), input));
  body.replaceChildren(h("div", { class: "fields" }, labels), h("div", { class: "years" }, years));
}
