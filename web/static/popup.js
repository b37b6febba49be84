// A menu that a button opens: moved through with arrow keys, closed by a choice, by Escape, or by a press elsewhere.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/// Pixels between a button and its menu.
const GAP = 6;

/** @typedef {{ id?: string, label: Page.Sentence, word?: string, icon: Page.Icon, key?: string, act: (() => unknown) | false, fits?: () => unknown }} Choice */

/// Makes the menu of a button. `items` have a sentence (`label`, or `word` in its place), a sign (`icon`), a `key` that does the
/// same, and what they do (`act`); those without an act are left out, and those that do not fit (`fits`) when it is opened are not shown.
/** @type {(button: HTMLElement, menu: HTMLElement, items: Choice[]) => void} */
export function setUpPopup(button, menu, items) {
  menu.replaceChildren(...items.flatMap(({ label, id = label, word = t(label), icon: sign, key, act }) => !act ? [] :
    h("button", { type: "button", role: "menuitem", tabIndex: -1, id: `menu-${id}`, on: { click: () => (menu.hidePopover(), act()) } },
      icon(sign), h("span", {}, word), key && h("kbd", { "aria-hidden": "true" }, key))));
  const shown = () => [...menu.querySelectorAll("button")].filter(({ hidden }) => !hidden);
  button.addEventListener("click", () => {
    for (const { label, id = label, fits } of items) if (fits) menu.querySelector(`#menu-${id}`)?.toggleAttribute("hidden", !fits());
    menu.togglePopover();
  });
  menu.addEventListener("toggle", ({ newState }) => {
    button.setAttribute("aria-expanded", String(newState === "open"));
    if (newState !== "open") return;
    place(menu, button.getBoundingClientRect());
    shown()[0]?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const all = shown();
    const at = all.findIndex((button) => button === document.activeElement);
    /** @type {Record<string, number>} */
    const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const to = places[event.key];
    if (event.key === "Tab") menu.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    all.at(to % all.length)?.focus();
  });
}

/// Below its button, or above it where there is no room, and inside the window.
/** @type {(menu: HTMLElement, button: DOMRect) => void} */
function place(menu, { top, bottom, left, width }) {
  const below = bottom + GAP;
  const y = below + menu.offsetHeight <= innerHeight ? below : Math.max(top - GAP - menu.offsetHeight, 8);
  const x = Math.min(Math.max(left + width - menu.offsetWidth, 8), innerWidth - menu.offsetWidth - 8);
  [menu.style.top, menu.style.left] = [`${y}px`, `${x}px`];
}
