// What is known of the open image. What can be filtered by is a link to all images that share it.

import { $, breakable, folderOf, h } from "./dom.js";
import { trailOf } from "./folders.js";
import { icon } from "./icons.js";
import { moment, number, size, t } from "./words.js";

/// How far around a place other images count as taken there, in kilometres.
export const AROUND_KM = 10;

/** @typedef {(text: string, changes: Page.Changes) => HTMLElement} Link */

/// Shows the facts of a record. `match` says how well it fits what was asked for, if that is known; `hrefOf(filter)` gives
/// the address of all images that pass a filter, and `filter(filter)` shows them; `ask(text)` searches for a keyword.
/** @type {(record: Api.Image, page: Page.FactActs) => void} */
export function showFacts(record, { match, hrefOf, filter, ask }) {
  /** @type {Link} */
  const link = (text, changes) => h("a", {
    class: "fact-link", href: hrefOf(changes),
    on: { click: (event) => isPlain(event) && (event.preventDefault(), filter(changes)) },
  }, h("bdi", {}, text));
  const near = record.place && { latitude: record.place.latitude, longitude: record.place.longitude, km: AROUND_KM };
  const taken = record.taken?.slice(0, 10);
  /** @type {[icon: Page.Icon, label: Page.Sentence, value: Page.Child][]} */
  const rows = [
    ["calendar", "taken", record.taken && taken && link(moment(record.taken), { after: taken, before: taken })],
    ["lens", "camera", record.camera && link(record.camera, { cameras: [record.camera] })],
    ["place", "placeTaken", near && link(`${near.latitude.toFixed(4)}, ${near.longitude.toFixed(4)}`, { near })],
    ["check", "match", match && h("bdi", {}, match)],
    ["file", "fileFact", h("bdi", {}, `${number(record.width)} × ${number(record.height)} · ${size(record.bytes)} · ${record.format.toUpperCase()}`)],
    ["folder", "folder", folderLinks(record.path, link)],
  ];
  const facts = rows.filter(([, , value]) => value).map(([name, label, value]) =>
    h("div", { class: "fact" }, icon(name), h("dt", {}, t(label)), h("dd", {}, value)));
  const others = record.files.filter((path) => path !== record.path);
  const keywords = record.keywords.map((word) => h("button", { class: "keyword", type: "button", dir: "auto", on: { click: () => ask(word) } }, word));
  $("facts").replaceChildren(...[
    record.caption ? h("p", { class: "caption", dir: "auto" }, record.caption) : "",
    h("dl", {}, facts),
    keywords.length > 0 ? h("div", { class: "keywords" }, keywords) : "",
    others.length > 0 ? h("details", {}, h("summary", {}, t("alsoAt", { n: others.length })), h("ul", {}, others.map((path) => h("li", {}, h("bdi", {}, breakable(path)))))) : "",
  ]);
}

/// True for a click that is not meant to open another tab or window.
/** @type {(event: MouseEvent) => boolean} */
const isPlain = ({ ctrlKey, metaKey, shiftKey }) => !ctrlKey && !metaKey && !shiftKey;

/// The folders from the library's root down to a file, each a link; they come as soon as the roots are known.
/** @type {(path: string, link: Link) => HTMLElement} */
function folderLinks(path, link) {
  const folders = h("span", { class: "trail", title: path }, h("bdi", {}, breakable(folderOf(path))));
  trailOf(path).then((trail) => {
    const parts = trail.flatMap((folder) => [link(folder.name, { folders: [folder.path] }), " / ", document.createElement("wbr")]);
    if (trail.length) folders.replaceChildren(...parts.slice(0, -2));
  });
  return folders;
}
