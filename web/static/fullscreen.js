// The whole screen for the page, where the browser gives it.

/// Not on phones by Apple, for instance.
export const canFill = () => document.fullscreenEnabled === true;

export const isFilled = () => document.fullscreenElement !== null;

/// Takes the screen, or gives it back. A browser may refuse; then the page stays as it is.
/** @type {(wanted: boolean) => Promise<void>} */
export async function fillScreen(wanted) {
  if (!canFill() || wanted === isFilled()) return;
  await (wanted ? document.documentElement.requestFullscreen() : document.exitFullscreen()).catch(() => {});
}
