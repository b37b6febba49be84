// Making elements, and small things that every module needs.

/// The element with an id.
export const $ = (id) => document.getElementById(id);

/// An element with properties (`class`, `data`, `on`, and `aria-*` or `role` as attributes) and children.
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (name in element && !name.includes("-") && name !== "list" && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// Calls `act` once, `wait` milliseconds after the last call.
export function debounce(act, wait) {
  let timer = 0;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait, ...values);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/// Calls `act` at most once in a frame.
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

/// True where a key press belongs to a field.
export const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/// The last part of a path, whichever way its parts are divided.
export const fileName = (path) => path.split(/[\\/]/).pop();

/// A path that is broken into lines after its folders, and not inside their names.
export const breakable = (path) => path.split(/(?<=[\\/])/).flatMap((part) => [part, document.createElement("wbr")]).slice(0, -1);

/// All but the last part of a path.
export const folderOf = (path) => path.slice(0, -fileName(path).length - 1);
