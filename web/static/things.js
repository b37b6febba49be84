// Parts of a question about regions: how many of a thing, and how things lie to each other.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { LIES, soundRelations, thingsOf } from "./state.js";
import { number, t } from "./words.js";

/// The end of a form that more must follow: a sign, a word of the form's own, a count, a quotation mark that is not closed.
const OPEN_END = /(?:[,，、،&!]|(?:^|\s)(?:and|no|without|left|right|above|below|inside|larger|smaller|of|than|or|more|at|least|most|exactly|to|\d+\+?))\s*$/i;
/** @type {(text: string) => boolean} */
export const isUnfinished = (text) => OPEN_END.test(text) || text.split('"').length % 2 === 0;

/// Counts that can be chosen, as least and most. Signs say them in every language.
/** @type {readonly (readonly [least: number, most: number | null])[]} */
const COUNTS = [[1, null], [2, null], [3, null], [5, null], [1, 1], [2, 2], [3, 3], [1, 2]];

/** @type {(least: number, most: number | null) => string} */
function countText(least, most) {
  if (most === null) return `${number(least)}+`;
  if (least === most) return `= ${number(least)}`;
  return least === 1 ? `≤ ${number(most)}` : `${number(least)}–${number(most)}`;
}

/// Chooses how many regions must show the thing of a chip.
/** @type {(chip: Page.TextChip, replace: (count: { weight: number, least: number, most: number | null }) => void) => HTMLSelectElement} */
export function countOf({ value, least = 1, most = null }, replace) {
  const known = COUNTS.some(([a, b]) => a === least && b === most);
  const options = known ? COUNTS : [...COUNTS, /** @type {const} */ ([least, most])];
  const select = h("select", { class: "many", title: t("howMany"), "aria-label": t("howManyOf", { what: value }) },
    options.map(([a, b]) => h("option", { value: `${a}-${b ?? ""}`, selected: a === least && b === most }, countText(a, b))));
  select.addEventListener("change", () => {
    const [a, b] = select.value.split("-");
    replace({ weight: 1, least: Number(a), most: b ? Number(b) : null });
  });
  return select;
}

/// A mark that tells a thing from others, in the bar as on images: a number on a colour. The style sheet shows the number,
/// so that it is no part of a name.
/** @type {(place: number) => HTMLElement} */
export const swatch = (place) => h("span", { class: `swatch thing-${place % 8}`, "aria-hidden": "true", data: { n: number(place + 1) } });

/// A chip for each relation: this thing, how it lies, that thing.
/** @type {(state: Page.State, change: Page.Change) => HTMLElement[]} */
export function relationChips(state, change) {
  const relations = soundRelations(state);
  const texts = thingsOf(state).map(({ value }) => value);
  return relations.map((relation, index) => {
    /** @type {(next: Page.Relation) => void} */
    const put = (next) => change({ relations: relations.map((other) => (other === relation ? next : other)) });
    /** @type {(side: "first" | "second", other: "first" | "second") => HTMLSelectElement} */
    const thing = (side, other) => choose(t("thing"), texts.map((text) => /** @type {const} */ ([text, text])), relation[side], (value) =>
      put(value === relation[other] ? { ...relation, [side]: value, [other]: relation[side] } : { ...relation, [side]: value }));
    const lies = choose(t("lies"), LIES.map((is) => /** @type {const} */ ([is, t(`lies_${is}`)])), relation.is, (is) => put({ ...relation, is }));
    const remove = () => change({ relations: relations.filter((other) => other !== relation) });
    return h("span", { class: "chip relation", role: "group", "aria-label": t("lies"), data: { relation: index } },
      thing("first", "second"), lies, thing("second", "first"),
      h("button", { class: "remove", type: "button", title: t("remove"), "aria-label": t("remove"), on: { click: remove } }, icon("close")));
  });
}

/**
 * @template {string} T
 * @param {string} label
 * @param {(readonly [value: T, text: string])[]} options
 * @param {T} value
 * @param {(value: T) => void} use
 */
function choose(label, options, value, use) {
  const select = h("select", { "aria-label": label },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  select.addEventListener("change", () => use(/** @type {T} */ (select.value)));
  return select;
}

/// A relation to begin with: of the last two things that have none yet, or of the last two.
/** @type {(state: Page.State) => Page.Relation | null} */
export function firstRelation(state) {
  const texts = [...new Set(thingsOf(state).map(({ value }) => value))];
  const taken = soundRelations(state).flatMap(({ first, second }) => [first, second]);
  const free = texts.filter((text) => !taken.includes(text));
  const [first, second] = free.length > 1 ? free.slice(-2) : texts.slice(-2);
  return second === undefined ? null : { first, is: "left-of", second };
}
