// Choosing a folder of the machine that runs Glimpse: a level of its folders at a time, which fills the field above.

import { browse } from "./api.js";
import { fileName, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { announce } from "./toast.js";
import { number, t } from "./words.js";

/** @typedef {{ field: HTMLInputElement, button: HTMLElement, root: HTMLElement, problem: HTMLElement }} Parts */

/// Makes the browser of a field. `button` opens and closes it; what goes wrong is said in `problem`.
/** @type {(parts: Parts) => { close: () => void }} */
export function setUpBrowse({ field, button, root, problem }) {
  const up = h("button", { class: "up", type: "button", on: { click: () => go(parent) } }, icon("up"), t("folderUp"));
  const here = h("bdi", { class: "here" });
  const list = h("ul", { class: "rows" });
  root.append(h("div", { class: "line" }, up, here), list);
  /** @type {string | null} */
  let parent = null;
  let asked = 0;

  button.addEventListener("click", () => (root.hidden ? open() : close()));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // only this closes, and not the dialog around it
    event.stopPropagation();
    close();
    button.focus();
  });

  function open() {
    root.hidden = false;
    button.setAttribute("aria-expanded", "true");
    go(field.value.trim() || null, { typed: true });
  }

  function close() {
    root.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }

  /// Shows the folders of one, or those where one can begin. What was typed may be no folder: then one begins anew.
  /** @type {(path: string | null, how?: { typed?: boolean }) => Promise<void>} */
  async function go(path, { typed = false } = {}) {
    const mine = (asked += 1);
    problem.textContent = "";
    list.setAttribute("aria-busy", "true");
    try {
      const answer = await browse(path);
      if (mine === asked) show(answer, typed);
    } catch (error) {
      if (mine !== asked) return;
      if (typed && path) return go(null, { typed });
      problem.textContent = explain(error);
    } finally {
      if (mine === asked) list.setAttribute("aria-busy", "false");
    }
  }

  /** @type {(answer: Api.Browse, typed: boolean) => void} */
  function show({ path, parent: above, folders }, typed) {
    parent = above;
    here.textContent = path ? fileName(path) || path : "";
    here.title = path ?? "";
    up.hidden = !path;
    if (path) field.value = path;
    list.replaceChildren(...(folders.length ? folders.map(row) : [h("li", { class: "soft" }, t("folderEmpty"))]));
    if (!typed) (list.querySelector("button") ?? up).focus();
    announce(path ? t("folderOpened", { name: fileName(path) || path }) : t("folders"));
  }

  /** @type {(folder: Api.Browse["folders"][number]) => HTMLElement} */
  const row = ({ name, path, images }) => h("li", {}, h("button", { class: "enter", type: "button", title: path, on: { click: () => go(path) } },
    icon("folder"), h("bdi", { class: "name" }, name), images > 0 && h("span", { class: "count" }, number(images)), icon("right")));

  return { close };
}
