// Short messages: shown for a while, and read aloud.

import { $, h } from "./dom.js";

const SHOWN = 4000;

export function toast(text) {
  const note = h("div", { class: "toast" }, text);
  $("toasts").append(note);
  setTimeout(() => note.remove(), SHOWN);
}

/// Says something to screen readers alone.
export function announce(text) {
  $("announcer").textContent = text;
}
