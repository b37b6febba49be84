// Short messages: shown for a while, or read aloud.

import { $, h } from "./dom.js";

const SHOWN = 4000;
/// A screen reader notices words that come after their place does.
const SETTLED = 60;

/// The topmost dialog, or the page. What lies below a dialog is neither seen nor read.
export const topmost = () => [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;

function place(element) {
  const top = topmost();
  if (element.parentElement !== top) top.append(element);
  return element;
}

export function toast(text) {
  const note = h("div", { class: "toast" }, text);
  place($("toasts")).append(note);
  setTimeout(() => note.remove(), SHOWN);
  announce(text);
}

let saying = 0;

/// Says something to screen readers alone.
export function announce(text) {
  place($("announcer"));
  clearTimeout(saying);
  saying = setTimeout(() => ($("announcer").textContent = text), SETTLED);
}
