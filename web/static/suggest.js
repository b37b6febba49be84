// What the empty bar offers: recent searches, and words that this library answers. A listbox that the field controls, as the
// ARIA pattern of a combobox has it: the focus stays in the field, the arrow keys move a mark through the list.

import { suggest } from "./api.js";
import { $, closest, h } from "./dom.js";
import { icon } from "./icons.js";
import { forgetSearch, forgetSearches, recentSearches, rememberSearch } from "./recent.js";
import { read } from "./state.js";
import { announce } from "./toast.js";
import { language, t } from "./words.js";

/** @typedef {{ element: HTMLElement, choose: () => void, forget?: () => void }} Offer */

/// Recent searches that are offered.
const OFFERED = 6;

/// `get()` gives the state, `change(changes)` is told what was chosen.
/** @type {(page: { get: Page.Get, change: Page.Change }) => void} */
export function setUpSuggestions({ get, change }) {
  const field = $("q");
  const list = h("div", { id: "suggestions", role: "listbox", "aria-label": t("suggestions") });
  const clear = h("button", { class: "link", type: "button", on: { click: forgetAll } }, t("recentClear"));
  const box = h("div", { class: "suggestions", hidden: true }, list, clear);
  $("search").append(box);
  field.setAttribute("aria-controls", list.id);
  /// What the list offers, in its order: `{ element, choose, forget }`.
  /** @type {Offer[]} */
  let offers = [];
  let marked = -1;

  const isOpen = () => !box.hidden;
  const isWanted = () => document.activeElement === field && !field.value && !get().chips.length;

  async function open() {
    if (isOpen() || !isWanted()) return;
    show([]);
    const examples = get().find ? [] : await examplesOf();
    const isLate = !isWanted() || (!isOpen() && recentSearches().length > 0);
    if (isLate || !examples.length) return;
    const at = marked; // the recent ones stay first
    show(examples);
    mark(at);
  }

  function close() {
    box.hidden = true;
    field.setAttribute("aria-expanded", "false");
    mark(-1);
  }

  /** @type {string[]} */
  let shown = [];
  /** @type {(examples: string[]) => void} */
  function show(examples) {
    shown = examples;
    const recent = recentSearches().slice(0, OFFERED).map(recentOffer);
    offers = [...recent, ...examples.map(exampleOffer)];
    offers.forEach(({ element }, i) => (element.id = `suggestion-${i}`));
    list.replaceChildren(...[group("recentSearches", "recent", recent), group("suggestionsHere", "examples", offers.slice(recent.length))].filter((part) => part !== null));
    clear.hidden = !recent.length;
    box.hidden = !offers.length;
    field.setAttribute("aria-expanded", String(isOpen()));
    mark(-1);
  }

  /** @type {(title: Page.Sentence, name: string, offers: Offer[]) => HTMLElement | null} */
  function group(title, name, offers) {
    if (!offers.length) return null;
    const heading = h("div", { id: `suggestions-${name}`, class: "heading", role: "presentation" }, t(title));
    return h("div", { class: name, role: "group", "aria-labelledby": heading.id }, heading, offers.map(({ element }) => element));
  }

  /** @type {(search: import("./recent.js").Recent) => Offer} */
  function recentOffer({ address, text, find }) {
    const { text: typed, sign, chips, find: things, relations } = read(address);
    const choose = () => change({ text: typed, sign, chips, find: things, relations }, { finish: true });
    const forget = () => {
      const at = marked;
      forgetSearch(address);
      show(shown);
      announce(t("recentRemoved", { what: text }));
      if (isOpen() && at >= 0) mark(Math.min(at, offers.length - 1));
    };
    // Fingers and mice have a sign to press; keys have Delete.
    const cross = h("span", { class: "forget", title: t("remove"), "aria-hidden": "true" }, icon("close"));
    const element = option(choose, icon(find ? "region" : "history"), h("bdi", { class: "name" }, text), cross);
    element.setAttribute("aria-description", t("recentDelete"));
    cross.addEventListener("click", (event) => (event.stopPropagation(), forget()));
    return { element, choose, forget };
  }

  /** @type {(text: string) => Offer} */
  function exampleOffer(text) {
    const choose = () => change({ text, sign: 1 });
    return { element: option(choose, h("bdi", { class: "name" }, text)), choose };
  }

  /** @type {(choose: () => void, ...content: Node[]) => HTMLElement} */
  function option(choose, ...content) {
    return h("div", { class: "offer", role: "option", "aria-selected": "false", on: { click: () => take(choose) } }, content);
  }

  /** @type {(choose: () => void) => void} */
  function take(choose) {
    close();
    choose();
    rememberSearch(get());
    $("results").focus({ preventScroll: true });
  }

  /** @type {(at: number) => void} */
  function mark(at) {
    marked = at;
    offers.forEach(({ element }, i) => element.setAttribute("aria-selected", String(i === at)));
    if (at < 0) return field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-activedescendant", offers[at].element.id);
    offers[at].element.scrollIntoView({ block: "nearest" });
  }

  function forgetAll() {
    forgetSearches();
    field.focus();
    show(shown);
    announce(t("recentCleared"));
  }

  /** @type {Record<string, () => unknown>} */
  const keys = {
    ArrowDown: () => mark(marked + 1 < offers.length ? marked + 1 : -1),
    ArrowUp: () => mark(marked < 0 ? offers.length - 1 : marked - 1),
    Escape: close,
    Enter: () => marked >= 0 && take(offers[marked].choose),
    Delete: () => marked >= 0 && offers[marked].forget?.(),
  };
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && event.altKey) return open();
    if (!isOpen() || !keys[event.key] || event.isComposing) return;
    if (["Enter", "Delete"].includes(event.key) && marked < 0) return event.key === "Enter" && close();
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  // The page itself puts the focus here when it starts: nobody has asked for anything then.
  field.addEventListener("focus", () => document.documentElement.dataset.ready && open());
  field.addEventListener("click", open);
  field.addEventListener("input", () => (field.value ? close() : open()));
  box.addEventListener("pointerdown", (event) => !clear.contains(closest(event, "button")) && event.preventDefault()); // the field keeps the focus
  /** @type {(event: FocusEvent) => unknown} */
  const leaves = ({ relatedTarget }) => !box.contains(/** @type {Node | null} */ (relatedTarget)) && relatedTarget !== field && close();
  field.addEventListener("blur", leaves);
  box.addEventListener("focusout", leaves);
  box.addEventListener("keydown", (event) => event.key === "Escape" && (event.stopPropagation(), field.focus(), close()));

  // A search counts as made when it is sent, or when one of its images is opened.
  $("search").addEventListener("submit", () => rememberSearch(get()));
  $("grid").addEventListener("click", (event) => closest(event, "a.shot") && rememberSearch(get()));
}

/** @type {Promise<string[]> | null} */
let known = null;
/// Words that this library answers, asked for once. A server that cannot tell leaves the list to recent searches.
/** @type {() => Promise<string[]>} */
export function examplesOf() {
  return (known ??= suggest({ text: "", language }).then(({ examples }) => examples, (error) => {
    if (["offline", "not_ready", "busy"].includes(error.code)) known = null;
    return [];
  }));
}

/// The library may have other words now.
export const forgetExamples = () => (known = null);
