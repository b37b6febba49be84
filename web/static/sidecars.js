// Favourites and ratings written to the XMP sidecars of images. Other programs see a favourite as 5 stars.

import { writeSidecars } from "./api.js";
import { forgetDetails } from "./details.js";
import { sentenceOf } from "./errors.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// Writes those of some images that are favourites, and says what was written. What could not be is named by its file.
/** @type {(ids: number[]) => Promise<void>} */
export const toSidecars = (ids) => write(ids);

/// Writes a rating of 0 to 5 to the sidecars of some images, in the place of that which they have.
/** @type {(ids: number[], rating: number) => Promise<void>} */
export const rate = (ids, rating) => write(ids, rating);

/** @type {(ids: number[], rating?: number) => Promise<void>} */
async function write(ids, rating) {
  announce(t("loading"));
  const { written, failed } = await writeSidecars(ids, rating);
  forgetDetails(ids);
  const lines = [
    (written.length || !failed.length) && t(written.length ? "sidecarsWritten" : rating === undefined ? "sidecarsNone" : "rateSame", { n: written.length }),
    failed.length && t("sidecarsFailed", { n: failed.length, path: failed[0].path }),
    failed.length && sentenceOf(failed[0].reason, failed[0].reason_code),
  ];
  toast(lines.filter(Boolean).join(" "));
}
