// Sizes that the grid is laid out by.

/// Heights in heights of the letters, as in the style sheet: a section's heading with the space around it, and the line of a day.
const HEADING = 3.25;
const DAY = 1.6;

/// Pixels of so many heights of the letters.
/** @type {(height: number) => number} */
export const inLetters = (height) => height * parseFloat(getComputedStyle(document.documentElement).fontSize);

export const headingHeight = () => inLetters(HEADING);
export const dayHeight = () => inLetters(DAY);

/// What a grid of this width is laid out by, in pixels.
/** @type {(width: number) => Page.Measures} */
export function measuresOf(width) {
  const narrow = width < 600;
  return { width, target: rowHeight(width), gap: narrow ? 3 : 6, heading: headingHeight(), lead: dayHeight(), between: narrow ? 14 : 22 };
}

/// A phone shows two or three images in a row, a wide screen seven or eight.
/** @type {(width: number) => number} */
function rowHeight(width) {
  if (width < 600) return 128;
  if (width < 1400) return 190;
  return Math.min(190 + (width - 1400) / 14, 270);
}
