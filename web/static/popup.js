// A menu that a button opens: moved through with arrow keys, closed by a choice, by Escape, or by a press elsewhere.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./words.js";

/** @typedef {{ label: Page.Sentence, icon: Page.Icon, key?: string, act: (() => unknown) | false, fits?: () => unknown }} Choice */

/// Makes the menu of a button. `items` have a word (`label`), a sign (`icon`), a `key` that does the same, and what they do
/// (`act`); those without an act are left out, and those that do not fit (`fits`) when it is opened are not shown.
/** @type {(button: HTMLElement, menu: HTMLElement, items: Choice[]) => void} */
export function setUpPopup(button, menu, items) {
  menu.replaceChildren(...items.flatMap(({ label, icon: sign, key, act }) => !act ? [] :
    h("button", { type: "button", role: "menuitem", tabIndex: -1, id: `menu-${label}`, on: { click: () => (menu.hidePopover(), act()) } },
      icon(sign), h("span", {}, t(label)), key && h("kbd", { "aria-hidden": "true" }, key))));
  const shown = () => [...menu.querySelectorAll("button")].filter(({ hidden }) => !hidden);
  button.addEventListener("click", () => {
    for (const { label, fits } of items) if (fits) menu.querySelector(`#menu-${label}`)?.toggleAttribute("hidden", !fits());
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

/// Below its button, and inside the window.
/** @type {(menu: HTMLElement, button: DOMRect) => void} */
function place(menu, { bottom, left, width }) {
  const x = Math.min(Math.max(left + width - menu.offsetWidth, 8), innerWidth - menu.offsetWidth - 8);
  [menu.style.top, menu.style.left] = [`${bottom + 6}px`, `${x}px`];
}
