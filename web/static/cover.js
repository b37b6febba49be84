// The image that stands for many.

import { thumbnail } from "./api.js";
import { withDetails } from "./details.js";

/// Puts a small copy of an image into an element, soon.
/** @type {(img: HTMLImageElement, id: number | null, size?: number) => HTMLImageElement} */
export function cover(img, id, size = 320) {
  if (id !== null) withDetails(id, (record) => (img.src = thumbnail(record, size)));
  return img;
}
