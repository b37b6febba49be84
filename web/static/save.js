// A text as a download.

import { h } from "./dom.js";

/** @type {(text: string, name: string, type: string) => void} */
export function saveText(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser needs it until it has begun
}
