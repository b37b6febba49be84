// Making elements, and small things that every module needs.

/// The element with an id.
/** @type {<K extends keyof PageElements>(id: K) => PageElements[K]} */
export const $ = (id) => /** @type {any} */ (document.getElementById(id));

/// An element with properties (`class`, `data`, `on`, and `aria-*` or `role` as attributes) and children.
/** @type {<K extends keyof HTMLElementTagNameMap>(tag: K, properties?: Page.Properties, ...children: Page.Child[]) => HTMLElementTagNameMap[K]} */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  const { class: className, data, on = {}, ...others } = properties;
  if (className) element.className = className;
  Object.assign(element.dataset, data);
  for (const [event, act] of Object.entries(on)) element.addEventListener(event, /** @type {EventListener} */ (act));
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in element && !name.includes("-") && name !== "list" && name !== "role") Object.assign(element, { [name]: value });
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  const parts = /** @type {(Node | string | false | null | undefined)[]} */ (children.flat(3));
  element.append(...parts.filter((part) => part !== null && part !== undefined && part !== false));
  return element;
}

/// Calls `act` once, `wait` milliseconds after the last call.
/** @type {<T extends unknown[]>(act: (...values: T) => unknown, wait: number) => ((...values: T) => void) & { cancel: () => void }} */
export function debounce(act, wait) {
  /** @type {Timer | undefined} */
  let timer;
  /** @param {Parameters<typeof act>} values */
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait, ...values);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/// Calls `act` at most once in a frame.
/** @type {(act: () => unknown) => () => void} */
export function framed(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      act();
    });
  };
}

/// Calls `act` when the next frame has been painted.
/** @type {(act: () => unknown) => unknown} */
export const painted = (act) => requestAnimationFrame(() => setTimeout(act));

/// True where a key press belongs to a field.
/** @type {(target: EventTarget | null) => boolean} */
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

/// True for a click that is not meant to open another tab or window.
/** @type {(event: MouseEvent) => boolean} */
export const isPlain = ({ ctrlKey, metaKey, shiftKey }) => !ctrlKey && !metaKey && !shiftKey;

/** @type {() => boolean} */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/// The last part of a path, whichever way its parts are divided.
/** @type {(path: string) => string} */
export const fileName = (path) => path.split(/[\\/]/).at(-1) ?? "";

/// A path that is broken into lines after its folders, and not inside their names.
/** @type {(path: string) => (string | HTMLElement)[]} */
export const breakable = (path) => path.split(/(?<=[\\/])/).flatMap((part) => [part, document.createElement("wbr")]).slice(0, -1);

/// All but the last part of a path.
/** @type {(path: string) => string} */
export const folderOf = (path) => path.slice(0, -fileName(path).length - 1);

/// The nearest element around the place of an event that a selector names.
/** @type {(event: Event, selector: string) => HTMLElement | null} */
export const closest = ({ target }, selector) => (target instanceof Element ? target.closest(selector) : null);
