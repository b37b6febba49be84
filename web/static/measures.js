// Sizes that the grid is laid out by.

/// Pixels of so many heights of the letters.
/** @type {(height: number) => number} */
export const inLetters = (height) => height * parseFloat(getComputedStyle(document.documentElement).fontSize);

/// A phone shows two or three images in a row, a wide screen seven or eight.
/** @type {(width: number) => number} */
export function rowHeight(width) {
  if (width < 600) return 128;
  if (width < 1400) return 190;
  return Math.min(190 + (width - 1400) / 14, 270);
}
