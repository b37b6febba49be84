// Selecting in the grid: by click and key with Shift and Ctrl, by a long press, and with a lasso.

import { $, closest, isTyping } from "./dom.js";
import { setUpLasso } from "./lasso.js";
import { announce } from "./toast.js";
import { t } from "./words.js";

/// A finger that rests this long on an image selects it, unless it moves further than this.
const LONG = 450;
const STILL = 10;

/// `all` selects everything that was found; `grab` takes an image that a finger rests on along with it, where that can be.
/// Handlers come before those that open images, and stop what they handled.
/** @type {(page: { grid: Page.Grid, selection: Page.Selection, all: () => void, grab: Page.ImageDrag["grab"] }) => { forget: () => void }} */
export function setUpPicking({ grid, selection, all, grab }) {
  const { root } = grid;
  /// The image that was selected or left last, where a range begins: its number, as indexes change while others are loaded.
  /** @type {number | null} */
  let anchor = null;

  const said = () => announce(t("selected", { n: selection.size }));
  /** @type {(index: number) => void} */
  const toggle = (index) => {
    selection.toggle(grid.idsAt(index));
    anchor = grid.items[index].tile.id;
    said();
  };
  /// Selects all images from the anchor to `index`. Those that are not loaded yet are loaded first.
  /** @type {(index: number) => Promise<void>} */
  const extend = async (index) => {
    const known = grid.items.findIndex((item) => item?.tile.id === anchor);
    const from = known < 0 ? grid.current : known;
    if (known < 0) anchor = grid.items[from].tile.id;
    selection.add(await grid.idsBetween(Math.min(from, index), Math.max(from, index)));
    said();
  };

  // ---- mouse ----

  root.addEventListener("click", async (event) => {
    const part = closest(event, "button.pick-all");
    if (part) return selection.toggle(await grid.idsOf(part.dataset.section ?? "")), said();
    const mark = closest(event, "button.pick");
    const shot = closest(event, "a.shot");
    const selects = event.shiftKey || event.ctrlKey || event.metaKey || selection.size > 0;
    if (pressed || mark || (shot && selects)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    if (pressed) return (pressed = false); // the finger that rested on an image is lifted
    const picked = mark ?? (selects ? shot : null);
    if (!picked) return;
    const index = Number(picked.dataset.index);
    if (event.shiftKey) extend(index);
    else toggle(index);
  }, true);
  // Shift and a click would select text between the two places.
  root.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());

  setUpLasso({ grid, selection, done: said });

  // ---- touch ----

  /** @type {Timer | undefined} */
  let pressing;
  let pressed = false;
  /** @type {{ x: number, y: number } | null} */
  let start = null;
  const letGo = () => clearTimeout(pressing);
  root.addEventListener("pointerdown", (event) => {
    letGo();
    pressed = false;
    const shot = closest(event, "a.shot");
    start = event.pointerType === "touch" && event.isPrimary && shot ? { x: event.clientX, y: event.clientY } : null;
    if (!start || !shot) return;
    pressing = setTimeout(() => {
      pressed = true;
      navigator.vibrate?.(12);
      const index = Number(shot.dataset.index);
      // What is selected already may be meant to be dragged with all the rest.
      const known = selection.has(grid.items[index].tile.id);
      if (!known) toggle(index);
      const taken = grab(index, event, () => known && toggle(index));
      if (known && !taken) toggle(index);
    }, LONG);
  });
  root.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (start && Math.hypot(clientX - start.x, clientY - start.y) > STILL) letGo();
  });
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, letGo);
  // In place of the browser's menu for links.
  root.addEventListener("contextmenu", (event) => start && event.preventDefault());

  // ---- keys ----

  /// Selects nothing. The bar goes, and the focus with it, back to the image that was touched last.
  function leave() {
    if ($("selection").contains(document.activeElement)) grid.focus(grid.current);
    selection.clear();
  }
  // Its own button for that, when it was pressed by a key.
  $("selection").addEventListener("click", ({ detail }) => detail === 0 && !selection.size && leave());

  const arrows = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
  document.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    /** @type {(act: () => unknown) => void} */
    const handled = (act) => (event.preventDefault(), event.stopImmediatePropagation(), act());
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "a" && !$("main").dataset.page) return handled(all);
    if (command || event.altKey) return;
    if (event.key === "Escape" && document.querySelector(":popover-open")) return; // it closes that
    if (event.key === "Escape" && selection.size) return handled(() => (leave(), said()));
    if (!(event.target instanceof Element && event.target.matches("a.shot"))) return;
    if (event.key === " " || event.key.toLowerCase() === "x") return handled(() => (event.shiftKey ? extend : toggle)(grid.current));
    if (event.shiftKey && arrows.includes(event.key)) {
      anchor ??= grid.items[grid.current].tile.id;
      setTimeout(() => extend(grid.current)); // once the focus has moved
    }
  }, true);

  return {
    /// Other images are shown: indexes mean others now.
    forget: () => (anchor = null),
  };
}
