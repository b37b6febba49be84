// Favourites written to the XMP sidecars of images, where other programs see them as 5 stars.

import { writeSidecars } from "./api.js";
import { forgetDetails } from "./details.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/// Writes those of some images that are favourites, and says what was written. What could not be is named by its file.
/** @type {(ids: number[]) => Promise<void>} */
export async function toSidecars(ids) {
  announce(t("loading"));
  const { written, failed } = await writeSidecars(ids);
  forgetDetails(ids);
  const lines = [
    (written.length || !failed.length) && t(written.length ? "sidecarsWritten" : "sidecarsNone", { n: written.length }),
    failed.length && t("sidecarsFailed", { n: failed.length, path: failed[0].path }),
  ];
  toast(lines.filter(Boolean).join(" "));
}
