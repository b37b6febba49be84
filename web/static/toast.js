// Short messages: shown for a while, or read aloud.

import { $, h } from "./dom.js";

const SHOWN = 4000;
/// A screen reader notices words that come after their place does.
const SETTLED = 60;

/// The topmost dialog, or the page. What lies below a dialog is neither seen nor read.
/** @type {() => HTMLElement} */
export const topmost = () => [.../** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))].at(-1) ?? document.body;

/** @type {(element: HTMLElement) => HTMLElement} */
function place(element) {
  const top = topmost();
  if (element.parentElement !== top) top.append(element);
  return element;
}

/** @type {(text: string) => void} */
export function toast(text) {
  const note = h("div", { class: "toast" }, text);
  place($("toasts")).append(note);
  setTimeout(() => note.remove(), SHOWN);
  announce(text);
}

/** @type {Timer | undefined} */
let saying;

/// Says something to screen readers alone.
/** @type {(text: string) => void} */
export function announce(text) {
  place($("announcer"));
  clearTimeout(saying);
  saying = setTimeout(() => ($("announcer").textContent = text), SETTLED);
}
