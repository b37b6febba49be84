// The folders of the library: which are above others, and what they hold.

import { folders } from "./api.js";
import { fileName, folderOf } from "./dom.js";

/** @type {Promise<string[]> | null} */
let roots = null;

/// The folders that were indexed may have changed.
/** @type {() => void} */
export const forgetFolders = () => (roots = null);

/// The folders from the root that was indexed down to the one that a file is in: `{ path, name }` of each. None if the
/// roots cannot be asked for.
/** @type {(file: string) => Promise<{ path: string, name: string }[]>} */
export async function trailOf(file) {
  roots ??= folders().then((known) => known.roots.map(({ path }) => bare(path)));
  const known = await roots.catch(() => ((roots = null), []));
  const root = known.filter((path) => isBelow(file, path)).toSorted((a, b) => b.length - a.length)[0];
  return root === undefined ? [] : between(root, folderOf(file));
}

/// A path without the separator that it may end with.
/** @type {(path: string) => string} */
const bare = (path) => path.replace(/(?<=.)[\\/]+$/, "");

/// True if a path is that of a folder, or of something in it.
/** @type {(path: string, folder: string) => boolean} */
export const isBelow = (path, folder) => path === folder || path.startsWith(`${folder}/`) || path.startsWith(`${folder}\\`) || folder === "/";

/// The folders from `top` to `folder`, both among them.
/** @type {(top: string, folder: string) => { path: string, name: string }[]} */
function between(top, folder) {
  const trail = [];
  for (let path = folder; path.length >= top.length; path = folderOf(path)) {
    trail.unshift({ path, name: fileName(path) || path });
    if (path === top || !folderOf(path)) break;
  }
  return trail;
}

/// A tree of folders, out of those that hold images themselves: `{ path, name, images, parent, children }`, where `images` are
/// those in it and below. What all have in common is the one root, which is given.
/** @type {(facets: Api.Facet[]) => Page.TreeFolder | null} */
export function treeOf(facets) {
  const top = commonFolder(facets.map(({ value }) => value));
  /** @type {Map<string, Page.TreeFolder>} */
  const nodes = new Map();
  /** @type {(path: string) => Page.TreeFolder} */
  const nodeOf = (path) => {
    const known = nodes.get(path);
    if (known) return known;
    /** @type {Page.TreeFolder} */
    const node = { path, name: fileName(path) || path, images: 0, parent: null, children: [] };
    nodes.set(path, node);
    if (path !== top) {
      node.parent = nodeOf(folderOf(path) || top);
      node.parent.children.push(node);
    }
    return node;
  };
  for (const { value, images } of facets) {
    for (let node = /** @type {Page.TreeFolder | null} */ (nodeOf(value)); node; node = node.parent) node.images += images;
  }
  return nodes.get(top) ?? null;
}

/// The folder that all are in.
/** @type {(paths: string[]) => string} */
function commonFolder(paths) {
  let common = paths[0] ?? "";
  while (common && !paths.every((path) => isBelow(path, common))) common = folderOf(common);
  return common;
}

/// The folder of a tree at a path.
/** @type {(root: Page.TreeFolder, path: string) => Page.TreeFolder | null} */
export function nodeAt(root, path) {
  /** @type {Page.TreeFolder | undefined} */
  let node = root;
  while (node && node.path !== path) node = node.children.find(({ path: child }) => isBelow(path, child));
  return node ?? null;
}
