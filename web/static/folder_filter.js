// The filter by folders: one level of the tree at a time, with the way back above it. A folder stands for all below it.

import { counts } from "./counts.js";
import { breakable, h } from "./dom.js";
import { isBelow, nodeAt, treeOf } from "./folders.js";
import { icon } from "./icons.js";
import { number, t } from "./words.js";

/// Folders below a level from which a field to filter them is shown, and those that it lists at most.
const MANY = 12;
const LISTED = 200;

/// Fills the sheet. It opens where the first chosen folder is.
/** @type {Page.FillSheet} */
export async function fillFolders(body, { get, change }) {
  const found = await counts(get(), "folders");
  const root = found && treeOf(found.folders);
  if (!root) return body.replaceChildren(h("p", { class: "soft" }, t("nothingToChoose")));
  const [first] = get().folders;
  const chosen = first === undefined ? null : nodeAt(root, first);
  show(chosen?.parent ?? root);

  /** @type {(node: Page.TreeFolder, focus?: boolean) => void} */
  function show(node, focus) {
    const list = h("div", { class: "scroll" }, rowsOf(node.children.length ? node.children : [node], node));
    const field = below(node).length > MANY && narrow(node, list);
    body.replaceChildren(...[trail(node), field, list].filter((part) => part !== false));
    const first = /** @type {HTMLElement | null} */ (list.querySelector("input, button"));
    if (focus) (first ?? body.querySelector("button"))?.focus();
  }

  /// The folders above, each a way back.
  /** @type {(node: Page.TreeFolder) => HTMLElement} */
  function trail(node) {
    /** @type {Page.TreeFolder[]} */
    const parts = [];
    for (let at = /** @type {Page.TreeFolder | null} */ (node); at; at = at.parent) parts.unshift(at);
    return h("nav", { class: "crumbs", "aria-label": t("folders") }, parts.map((part) => h("button", {
      type: "button", dir: "auto", title: part.path, "aria-current": part === node ? "true" : undefined, on: { click: () => show(part, true) },
    }, part.name)));
  }

  /** @type {(node: Page.TreeFolder, list: HTMLElement) => HTMLInputElement} */
  function narrow(node, list) {
    const field = h("input", { type: "search", class: "narrow", placeholder: t("narrow"), "aria-label": t("narrow") });
    field.addEventListener("input", () => {
      const part = field.value.trim().toLocaleLowerCase();
      const found = part ? below(node).filter(({ path }) => path.slice(node.path.length).toLocaleLowerCase().includes(part)) : node.children;
      list.replaceChildren(...rowsOf(found.slice(0, LISTED), node));
    });
    return field;
  }

  /** @type {(nodes: Page.TreeFolder[], top: Page.TreeFolder) => HTMLElement[]} */
  function rowsOf(nodes, top) {
    const rows = nodes.map((node) => rowOf(node, top));
    const mark = () => rows.forEach(({ mark }) => mark());
    rows.forEach(({ box }) => box.addEventListener("change", mark));
    mark();
    return rows.map(({ row }) => row);
  }

  /// A folder to choose, and the way into it. What is below a chosen one is chosen with it.
  /** @type {(node: Page.TreeFolder, top: Page.TreeFolder) => { row: HTMLElement, box: HTMLInputElement, mark: () => void }} */
  function rowOf(node, top) {
    const box = h("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      const others = get().folders.filter((other) => !isBelow(other, node.path));
      change({ folders: box.checked ? [...others, node.path] : others });
    });
    const mark = () => {
      const { folders } = get();
      box.disabled = folders.some((other) => other !== node.path && isBelow(node.path, other));
      box.checked = box.disabled || folders.includes(node.path);
      box.indeterminate = !box.checked && folders.some((other) => isBelow(other, node.path));
    };
    // Of what lies deeper, the name comes first, and the way to it below.
    const way = node === top || !node.parent || node.parent === top ? "" : node.parent.path.slice(top.path.length).replace(/^[\\/]/, "");
    const into = node.children.length > 0 && node !== top && h("button", {
      class: "into", type: "button", title: node.path, "aria-label": t("openFolder", { name: node.name }), on: { click: () => show(node, true) },
    }, icon("right"));
    const label = h("label", { class: "choice", title: node.path }, box, h("span", { class: "text" }, h("bdi", { class: "name" }, node.name), way && h("bdi", { class: "soft path" }, breakable(way))), h("span", { class: "count" }, number(node.images)));
    return { row: h("div", { class: "folder" }, label, into), box, mark };
  }
}

/// All folders below one.
/** @type {(node: Page.TreeFolder) => Page.TreeFolder[]} */
const below = (node) => node.children.flatMap((child) => [child, ...below(child)]);
