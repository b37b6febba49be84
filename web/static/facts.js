// What is known of the open image. What can be filtered by is a link to all images that share it.

import { loadNames } from "./cities.js";
import { $, breakable, folderOf, h, isPlain } from "./dom.js";
import { trailOf } from "./folders.js";
import { icon } from "./icons.js";
import { STARS, starButtons, starsOf, tagButton } from "./own_marks.js";
import { placeName } from "./places.js";
import { roleOf } from "./roles.js";
import { moves } from "./video.js";
import { aperture, clock, distance, focalLength, inKm, moment, number, seconds, size, t } from "./words.js";

/// How far around a place other images count as taken there, in the reader's unit.
const AROUND = 10;
/// How near the map shows where an image was taken.
const ZOOM = 11;

/** @typedef {(text: string, changes: Page.Changes, as?: string) => HTMLElement} Link */

/// Shows the facts of a record. `match` says how well it fits what was asked for, if that is known; `hrefOf(filter)` gives
/// the address of all images that pass a filter, and `filter(filter)` shows them. `rate` and `tag` are there where the server
/// allows that. What had the focus has it again.
/** @type {(record: Api.Image, page: Page.FactActs) => void} */
export function showFacts(record, { match, hrefOf, filter, rate, tag }) {
  const focused = $("facts").contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement) : null;
  /** @type {Link} */
  const link = (text, changes, as = "fact-link") => h("a", {
    class: as, href: hrefOf(changes),
    on: { click: (event) => isPlain(event) && (event.preventDefault(), filter(changes)) },
  }, h("bdi", {}, text));
  const taken = record.taken?.slice(0, 10);
  /** @type {[icon: Page.Icon, label: Page.Sentence, value: Page.Child][]} */
  const rows = [
    ["calendar", "taken", record.taken && taken && link(moment(record.taken), { after: taken, before: taken })],
    ["lens", "camera", record.camera && link(record.camera, { cameras: [record.camera] })],
    ["aperture", "lens", record.lens && link(record.lens, { lenses: [record.lens] })],
    ["exposure", "exposure", exposureOf(record)],
    ["place", "placeTaken", record.place && placeOf(record, record.place, link)],
    ["history", "duration", moves(record) && h("bdi", {}, clock(Math.max(record.duration ?? 0, 1)))],
    ["star", "rating", rate ? starButtons(starsOf(record), rate) : starsOf(record) > 0 && starsShown(starsOf(record))],
    ["check", "match", match && h("bdi", {}, match)],
    ["file", "fileFact", h("bdi", {}, `${number(record.width)} × ${number(record.height)} · ${size(record.bytes)} · ${record.format.toUpperCase()}`)],
    ["folder", "folder", folderLinks(record.path, link)],
  ];
  const facts = rows.filter(([, , value]) => value).map(([name, label, value]) =>
    h("div", { class: "fact" }, icon(name), h("dt", {}, t(label)), h("dd", {}, value)));
  const others = record.files.filter((path) => path !== record.path);
  /** @type {(label: string, paths: HTMLElement[]) => HTMLElement | string} */
  const more = (label, paths) => (paths.length > 0 ? h("details", {}, h("summary", {}, label), h("ul", {}, paths)) : "");
  const copies = others.map((path) => h("li", {}, h("bdi", {}, breakable(path))));
  const companions = record.companions.map(({ path, role }) => h("li", {}, roleOf(role), ": ", h("bdi", {}, breakable(path))));
  const keywords = record.keywords.map((word) => link(word, { tags: [word] }, "keyword"));
  $("facts").replaceChildren(...[
    record.caption ? h("p", { class: "caption", dir: "auto" }, record.caption) : "",
    h("dl", {}, facts),
    keywords.length > 0 || tag ? h("div", { class: "keywords" }, keywords, tag && tagButton(tag)) : "",
    more(t("companions", { n: companions.length }), companions),
    more(t("alsoAt", { n: copies.length }), copies),
  ]);
  const { stars } = focused?.dataset ?? {};
  const again = stars ? `[data-stars="${stars}"]` : focused?.matches(".tags-of-one") ? ".tags-of-one" : "";
  if (again) /** @type {HTMLElement | null} */ ($("facts").querySelector(again))?.focus();
}

/// Where an image was taken: its place by name, all that was taken around it, and the place on the map. Of a district, the city
/// is named too, as the map does from afar, once that is known.
/** @type {(record: Api.Image, place: Api.Place, link: Link) => HTMLElement} */
function placeOf({ place_name: name, country }, { latitude, longitude }, link) {
  const km = inKm(AROUND);
  const near = { latitude, longitude, km };
  const degrees = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  const at = [latitude.toFixed(4), longitude.toFixed(4), ZOOM].join();
  const named = name && link(placeName({ name, country, latitude, longitude }), { near });
  if (named) {
    loadNames().then(({ cityNames }) => {
      const city = cityNames.cityOf({ name, latitude, longitude });
      const text = named.querySelector("bdi");
      if (text && city && city !== name) text.textContent = placeName({ name: `${name}, ${city}`, country, latitude, longitude });
    }, () => {}); // the place has its name
  }
  return h("div", {},
    named && h("div", {}, named),
    h("div", { class: name ? "soft" : "" }, name ? h("bdi", {}, degrees) : link(degrees, { near })),
    h("div", { class: "further" }, link(t("withinPlace", { distance: distance(km) }), { near }), " · ", link(t("onMap"), { page: "map", at }, "map-link")));
}

/// How the camera was set, as far as the file says.
/** @type {(record: Api.Image) => Page.Child} */
function exposureOf({ focal_length: focal, aperture: stop, exposure_time: time, iso }) {
  const parts = [stop ? aperture(stop) : "", time ? timeOf(time) : "", iso ? `ISO ${number(iso)}` : "", focal ? focalLength(focal) : ""].filter(Boolean);
  return parts.length > 0 && h("bdi", {}, parts.join(" · "));
}

/// Short times are fractions of a second, as cameras show them.
/** @type {(time: number) => string} */
const timeOf = (time) => (time < 0.4 ? t("secondPart", { n: Math.round(1 / time) }) : seconds(time));

/** @type {(full: number) => HTMLElement} */
function starsShown(full) {
  return h("span", { class: "stars", role: "img", "aria-label": t("ratingOf", { n: full, of: STARS }) }, "★".repeat(full) + "☆".repeat(STARS - full));
}

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
