// Copying a text. Browsers give the clipboard to secure addresses alone; elsewhere a selection is copied.

import { toast, topmost } from "./toast.js";
import { h } from "./dom.js";
import { t } from "./words.js";

/// Copies a text and says so, or shows it to be copied by hand.
/** @type {(text: string, said?: string) => Promise<void>} */
export async function copy(text, said = t("copied")) {
  const copied = await write(text);
  toast(copied ? said : text);
}

/** @type {(text: string) => Promise<boolean>} */
async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

/** @type {(text: string) => boolean} */
function copySelection(text) {
  const focused = document.activeElement;
  const field = h("textarea", { class: "hidden", readOnly: true, value: text });
  topmost().append(field); // what lies below a dialog cannot be selected
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return copied;
}
