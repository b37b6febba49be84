// Handing an image to other programs, by the share sheet of the device.

import { isCancelled, original } from "./api.js";
import { fileName } from "./dom.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/// A file that is shared is held in memory, in bytes.
const LARGEST = 200e6;

/// Only pages of a safe address have it: https, or the machine itself.
export const canShare = () => typeof navigator.share === "function";

/// Shares the file, or its address where files are not taken.
/** @type {(record: Api.Image) => Promise<void>} */
export async function share(record) {
  const name = fileName(record.path);
  if (record.bytes > LARGEST) return toast(t("shareTooLarge"));
  try {
    const blob = await fetch(original(record)).then((answer) => answer.blob());
    const files = [new File([blob], name, { type: blob.type })];
    await navigator.share(navigator.canShare?.({ files }) ? { files } : { title: name, url: location.href });
  } catch (error) {
    if (!isCancelled(error)) toast(t("failed"));
  }
}
