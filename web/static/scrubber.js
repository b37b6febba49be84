// The strip at the edge of the timeline: years and months by where they are. Drag, click or arrow keys lead to a month.

import { $, h } from "./dom.js";
import { inLetters } from "./measures.js";
import { sectionAt } from "./sections.js";
import { t } from "./words.js";

/// Space that the name of a year needs, and a dot of a month, in heights of the letters.
const YEAR = 1.5;
const DOT = 0.55;
/// Space above and below the strip, as in the style sheet.
const [ABOVE, BELOW] = [12, 16];
/// Where only a handle shows, as in the style sheet, and half of its height.
const BARE = matchMedia("(pointer: coarse), (max-width: 600px)");
const HANDLE = 24;
/// It is worth its place from so many windows on.
const LONG = 2.5;
/// A finger finds it while the page moves, and so long after that.
const SHOWN = 1800;

/** @type {(page: { grid: Page.Grid }) => { render: (top: number) => void }} */
export function setUpScrubber({ grid }) {
  const thumb = h("div", { class: "thumb" });
  const bubble = h("div", { class: "bubble", hidden: true });
  const marks = h("div", { class: "marks-of-time" });
  const strip = h("div", { id: "scrubber", role: "slider", tabIndex: 0, hidden: true, "aria-orientation": "vertical", "aria-label": t("goToDate"), "aria-controls": "grid", "aria-valuemin": 0 }, marks, thumb, bubble);
  $("results").append(strip);
  /// What the marks were drawn for.
  let drawn = "";
  let dragging = false;
  /// The upper end of the strip in the window.
  let edge = 0;
  /** @type {Timer | undefined} */
  let hiding;

  /// How far the page moves from the first line of the grid to the last one, and how high the strip is. Nothing is measured
  /// for it: that would cost a layout in every frame.
  const way = () => Math.max(grid.height - innerHeight + grid.header, 1);
  const heightOf = () => innerHeight - edge - (BARE.matches ? HANDLE : BELOW);
  /// A handle stays below all that is above the grid where the page begins: the order can be chosen, banners be read.
  /// But half of the window is left to it.
  /** @type {(top: number) => number} */
  const edgeOf = (top) => (BARE.matches ? Math.round(Math.min(top + scrollY, innerHeight / 2)) + HANDLE : grid.wholeHeader + ABOVE);
  /// Moves the page so that the line `y` of the grid is below the header.
  /** @type {(y: number) => void} */
  const bring = (y) => scrollTo(0, scrollY - grid.top - grid.header + y);
  /// The month below the header, where `top` of the grid is above the window.
  /** @type {(top: number) => number} */
  const monthAt = (top) => Math.max(grid.sections.indexOf(sectionAt(grid.sections, top + grid.header + 1)), 0);

  /** @type {(share: number) => void} */
  const goTo = (share) => bring(share * way());

  /** @type {(index: number) => void} */
  function goToMonth(index) {
    const at = Math.min(Math.max(index, 0), grid.sections.length - 1);
    bring(grid.sections[at].y + 2);
    grid.draw();
  }

  /// Years, and dots for months, as far as there is room for them.
  /** @type {(height: number) => void} */
  function drawMarks(height) {
    const [forYear, forDot] = [inLetters(YEAR), inLetters(DOT)];
    const places = grid.sections.map(({ y, key }) => ({ at: (y / way()) * height, year: key.slice(0, 4), key }));
    /** @type {[name: string, place: { at: number, year: string }][]} */
    const parts = [];
    let [year, free] = ["", -Infinity];
    for (const place of places) {
      const named = place.year !== year && place.key !== "undated";
      if (named && place.at >= free && place.at <= height - forYear / 2) {
        parts.push(["year-mark", place]);
        free = place.at + forYear;
        year = place.year;
      } else if (place.at >= free && place.at < height - forDot / 2) {
        parts.push(["dot", place]);
        free = place.at + forDot;
      }
    }
    marks.replaceChildren(...parts.map(([name, { at, year }]) => {
      const mark = h("span", { class: name }, name === "dot" ? "" : year);
      mark.style.top = `${at}px`;
      return mark;
    }));
  }

  /** @type {(share: number) => void} */
  function say(share) {
    const section = sectionAt(grid.sections, share * way());
    if (bubble.textContent !== section.title) bubble.textContent = section.title;
    bubble.style.transform = `translateY(${share * heightOf()}px)`;
    bubble.hidden = false;
  }

  addEventListener("scroll", () => {
    if (strip.hidden) return;
    strip.classList.add("moving");
    clearTimeout(hiding);
    hiding = setTimeout(() => strip.classList.remove("moving"), SHOWN);
  }, { passive: true });

  // ---- mouse and finger ----

  /** @type {(event: PointerEvent) => number} */
  const shareAt = ({ clientY }) => Math.min(Math.max((clientY - strip.getBoundingClientRect().top) / heightOf(), 0), 1);
  strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    dragging = true;
    strip.setPointerCapture(event.pointerId);
    strip.classList.add("dragging");
    goTo(shareAt(event));
    say(shareAt(event));
  });
  strip.addEventListener("pointermove", (event) => {
    if (dragging) goTo(shareAt(event));
    if (dragging || event.pointerType === "mouse") say(shareAt(event));
  });
  const end = () => {
    dragging = false;
    strip.classList.remove("dragging");
    bubble.hidden = true;
  };
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) strip.addEventListener(name, () => (name !== "pointerleave" || !dragging) && end());

  // ---- keys ----

  /// The first month of the year before or after that of a month.
  /** @type {(index: number, step: 1 | -1) => number} */
  function yearFrom(index, step) {
    /** @type {(i: number) => string} */
    const year = (i) => grid.sections[i].key.slice(0, 4);
    let at = index;
    while (grid.sections[at + step] && year(at) === year(index)) at += step;
    if (step < 0) while (grid.sections[at - 1] && year(at - 1) === year(at)) at -= 1;
    return at;
  }
  /** @type {Record<string, (i: number) => number>} */
  const keys = {
    ArrowDown: (i) => i + 1, ArrowRight: (i) => i + 1, ArrowUp: (i) => i - 1, ArrowLeft: (i) => i - 1,
    PageDown: (i) => yearFrom(i, 1), PageUp: (i) => yearFrom(i, -1), Home: () => 0, End: () => grid.sections.length - 1,
  };
  strip.addEventListener("keydown", (event) => {
    const to = keys[event.key];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    goToMonth(to(monthAt(grid.top)));
  });

  return {
    /// After the page has moved, or the grid has changed: `top` of it is above the window.
    render(top) {
      const long = grid.sections.length > 1 && grid.height > LONG * innerHeight;
      const shown = $("results").classList.contains("timeline") && long;
      strip.hidden = !shown;
      if ($("results").classList.contains("scrubbed") !== shown) {
        $("results").classList.toggle("scrubbed", shown);
        return grid.layout(); // it takes some of the width, which is seen at once
      }
      if (!shown) return;
      // Places are in parts of pixels: the marks are not drawn anew for those.
      const next = edgeOf(-top);
      if (Math.abs(next - edge) > 1) edge = next;
      const height = heightOf();
      const now = [edge, height, grid.height, grid.sections.length, grid.sections[0].key].join();
      if (now !== drawn) {
        drawn = now;
        strip.style.top = `${edge}px`;
        strip.setAttribute("aria-valuemax", String(grid.sections.length - 1));
        drawMarks(height);
      }
      const share = Math.min(Math.max((top + grid.header) / way(), 0), 1);
      thumb.style.transform = `translateY(${share * height}px)`;
      const at = monthAt(top);
      if (strip.getAttribute("aria-valuenow") !== String(at) || strip.getAttribute("aria-valuetext") !== grid.sections[at].title) {
        strip.setAttribute("aria-valuenow", String(at));
        strip.setAttribute("aria-valuetext", grid.sections[at].title);
      }
    },
  };
}
