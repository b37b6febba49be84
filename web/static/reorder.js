// Parts of a row that are put into another order by dragging them, with a mouse or a finger.

/// A press that moves less, in pixels, is a click.
const LEAST = 6;

/// Parts are the elements in `row` with `data-index`, dragged by what matches `handle` in them. `moved(from, to)` is told of
/// their places.
/** @type {(row: HTMLElement, handle: string, moved: (from: number, to: number) => void) => void} */
export function setUpReorder(row, handle, moved) {
  /** @type {{ part: HTMLElement, x: number, y: number, pointer: number, dragged: boolean } | null} */
  let press = null;
  /// The part whose place it would take.
  /** @type {HTMLElement | null} */
  let target = null;

  const parts = () => [...row.querySelectorAll("[data-index]")].filter((part) => part instanceof HTMLElement);

  /** @type {(part: HTMLElement | null) => void} */
  function aim(part) {
    target?.classList.remove("aimed");
    target = part;
    target?.classList.add("aimed");
  }

  /** @type {(event: PointerEvent) => void} */
  function move({ clientX, clientY, pointerId }) {
    if (press?.pointer !== pointerId) return;
    const [dx, dy] = [clientX - press.x, clientY - press.y];
    if (!press.dragged && Math.hypot(dx, dy) < LEAST) return;
    press.dragged = true;
    press.part.classList.add("dragged");
    press.part.style.translate = `${dx}px ${dy}px`;
    const others = parts().filter((part) => part !== press?.part);
    aim(others.find((part) => {
      const { left, right, top, bottom } = part.getBoundingClientRect();
      return clientX >= left && clientX <= right && clientY >= top && clientY <= bottom;
    }) ?? null);
  }

  /** @type {(event: Event) => void} */
  function end({ type }) {
    if (!press) return;
    const { part, dragged } = press;
    const to = target;
    press = null;
    aim(null);
    part.classList.remove("dragged");
    part.style.translate = "";
    if (!dragged) return;
    // What follows at once is no click on the part.
    addEventListener("click", stop, true);
    setTimeout(() => removeEventListener("click", stop, true));
    if (to && type === "pointerup") moved(Number(part.dataset.index), Number(to.dataset.index));
  }

  /** @type {(event: Event) => void} */
  const stop = (event) => event.stopPropagation();

  row.addEventListener("pointerdown", (event) => {
    const place = event.target instanceof Element ? event.target.closest(handle)?.closest("[data-index]") : null;
    if (!(place instanceof HTMLElement) || event.button !== 0 || press) return;
    press = { part: place, x: event.clientX, y: event.clientY, pointer: event.pointerId, dragged: false };
  });
  addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end);
}
