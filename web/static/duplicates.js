// Images that are nearly the same, side by side: which to keep, and what becomes of the others. A page of its own, loaded when
// it is opened.

import { duplicates, large, thumbnail, trash } from "./api.js";
import { openComparison } from "./compare.js";
import { copy } from "./copy.js";
import { breakable, fileName, folderOf, h } from "./dom.js";
import { explain, told } from "./errors.js";
import { icon } from "./icons.js";
import { roleOf } from "./roles.js";
import { announce, toast } from "./toast.js";
import { clock, day, number, size, t } from "./words.js";

export const style = "duplicates";

/// Groups of an answer.
const STEP = 20;
/// How alike images are, as their smallest cosine.
/** @type {[word: Page.Sentence, cosine: number][]} */
const ALIKE = [["dupSame", 0.99], ["dupVery", 0.97], ["dupSimilar", 0.93]];
const USUAL = 0.97;

/// Opens the page in an element; `host` is the page around it, as pages.js has it.
/** @type {(root: HTMLElement, host: Page.Host) => Page.Opened} */
export function open(root, host) {
  const mayTrash = host.allows().trash === true;
  const list = h("div", { class: "groups" });
  const more = h("button", { class: "fold", type: "button", hidden: true, on: { click: () => load() } }, t("showMore"));
  const none = h("div", { class: "empty", hidden: true }, h("h2", {}, t("dupNone")));
  const alike = h("select", {}, ALIKE.map(([word, cosine]) => h("option", { value: String(cosine), selected: cosine === USUAL }, t(word))));
  alike.addEventListener("change", () => (list.replaceChildren(), load()));
  root.append(h("div", { class: "duplicates" }, h("h2", { class: "title" }, t("duplicates")),
    h("div", { class: "intro" }, h("p", {}, t("dupIntro")), h("label", {}, t("dupAlike"), " ", alike)),
    !mayTrash && h("p", { class: "note" }, t("dupNotAllowed")), list, more, none));
  let closed = false;
  let asked = 0;

  async function load() {
    const mine = (asked += 1);
    host.busy(true);
    more.disabled = true;
    try {
      const { groups, total } = await duplicates({ min_cosine: alike.value, limit: STEP, offset: list.children.length });
      if (closed || mine !== asked) return;
      list.append(...groups.map(({ images }) => card(images)));
      tell(total);
    } catch (error) {
      if (!closed) toast(explain(error));
    } finally {
      more.disabled = false;
      if (mine === asked) host.busy(false);
    }
  }

  let total = 0;
  /** @type {(all: number) => void} */
  function tell(all) {
    total = all;
    nameGroups();
    host.count(t("dupGroups", { n: all }));
    none.hidden = all > 0;
    more.hidden = list.children.length >= all;
  }

  /// Groups are told apart by their numbers.
  function nameGroups() {
    const groups = /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll(".group"));
    groups.forEach((group, i) => group.setAttribute("aria-label", `${t("alike", { n: Number(group.dataset.images) })}, ${t("placeOf", { n: i + 1, count: total })}`));
  }

  /// A group: its images, the best one first and kept unless said otherwise.
  /** @type {(images: Api.Image[]) => HTMLElement} */
  function card(images) {
    const kept = new Set([images[0].id]);
    const act = h("button", { class: "button strong", type: "button" });
    const compare = h("button", { class: "button", type: "button", on: { click: () => openComparison(images) } }, icon("compare"), t("dupCompare"));
    const problem = h("p", { class: "problem", role: "alert" });
    const others = () => images.filter(({ id }) => !kept.has(id));
    const figures = images.map((record, i) => figure(record, i === 0, kept, render));
    const element = h("section", { class: "group", data: { images: images.length } }, h("div", { class: "members" }, figures), h("div", { class: "acts" }, act, compare, problem));
    function render() {
      const n = others().length;
      act.textContent = t(mayTrash ? "dupTrash" : "dupCopy", { n });
      // One of them stays.
      act.disabled = n === 0 || n === images.length;
      problem.textContent = n === images.length ? t("dupKeepOne") : "";
    }
    act.addEventListener("click", async () => {
      const gone = others();
      if (!mayTrash) return copy(gone.flatMap(({ files }) => files).join("\n"), t("pathsCopied", { n: gone.length }));
      const sure = await isSure(gone);
      if (!sure) return;
      act.disabled = true;
      try {
        const { moved, failed } = await trash(gone.map(({ id }) => id), sure === "all");
        if (moved.length) toast(t("dupMoved", { n: moved.length }));
        const stay = images.filter(({ id, files }) => kept.has(id) || failed.some(({ path }) => files.includes(path)));
        replace(element, stay);
        if (failed.length) element.isConnected && announce(t("failed"));
        host.changed();
        if (failed.length) note(stay, failed);
      } catch (error) {
        problem.textContent = explain(error);
        act.disabled = false;
      }
    });
    render();
    return element;
  }

  /// What could not be moved is said below what is left of its group, or beside the groups if nothing is.
  /** @type {(stay: Api.Image[], failed: Api.Trashed["failed"]) => void} */
  function note(stay, failed) {
    const lines = failed.map(({ path, reason, reason_code }) => h("div", { class: "problem" }, h("bdi", {}, path), ": ", told(reason, reason_code)));
    (list.querySelector(`[data-first="${stay[0].id}"] .acts`) ?? list).append(...lines);
  }

  /// A group with fewer images, or none.
  /** @type {(element: HTMLElement, images: Api.Image[]) => void} */
  function replace(element, images) {
    const next = element.nextElementSibling ?? element.previousElementSibling;
    if (images.length > 1) {
      const left = card(images);
      left.dataset.first = String(images[0].id);
      element.replaceWith(left);
      nameGroups();
      left.querySelector("button")?.focus();
      return;
    }
    element.remove();
    tell(total - 1);
    (/** @type {HTMLElement | null | undefined} */ (next?.querySelector(".acts button")) ?? alike).focus();
    if (!list.children.length && total > 0) load();
  }

  const started = load();
  return {
    started,
    update() {},
    close() {
      closed = true;
    },
  };
}

/// One image, what speaks for it, and whether it is kept.
/** @type {(record: Api.Image, best: boolean, kept: Set<number>, changed: () => void) => HTMLElement} */
function figure(record, best, kept, changed) {
  const box = h("input", { type: "checkbox", checked: kept.has(record.id) });
  const name = fileName(record.path);
  const element = h("figure", {}, h("a", { class: "shown", href: large(record), target: "_blank", rel: "noopener" }, h("img", { src: thumbnail(record, 640), alt: name, loading: "lazy", width: record.width, height: record.height })),
    best && h("span", { class: "best" }, icon("check"), t("dupBest")),
    h("figcaption", {},
      h("label", { class: "choice" }, box, h("span", {}, t("dupKeep")), h("span", { class: "hidden" }, ": ", h("bdi", {}, name))),
      h("p", { class: "about" }, factsOf(record)),
      h("p", { class: "soft path", title: record.path }, h("bdi", {}, breakable(folderOf(record.path)), "/", h("wbr"), name)),
      record.files.length > 1 && h("p", { class: "soft" }, t("alsoAt", { n: record.files.length - 1 }))));
  const render = () => element.classList.toggle("goes", !box.checked);
  box.addEventListener("change", () => {
    if (box.checked) kept.add(record.id);
    else kept.delete(record.id);
    render();
    changed();
  });
  render();
  return element;
}

/** @type {(record: Api.Image) => string} */
const factsOf = ({ width, height, duration, bytes, format, taken }) =>
  [`${number(width)} × ${number(height)}`, duration && clock(duration), size(bytes), format.toUpperCase(), taken && day(taken)].filter(Boolean).join(" · ");

/// Asks whether files are to go to the trash, and whether `all` that belong to them go too, which nobody has to think of.
/** @type {(images: Api.Image[]) => Promise<"" | "files" | "all">} */
function isSure(images) {
  const files = images.flatMap(({ files }) => files);
  const companions = images.flatMap((image) => image.companions);
  const all = h("input", { type: "checkbox" });
  /** @type {(path: string) => HTMLElement} */
  const line = (path) => h("bdi", {}, breakable(path));
  const dialog = h("dialog", { class: "sheet-dialog question", "aria-labelledby": "trash-title" });
  /** @type {(sure: boolean) => () => void} */
  const answer = (sure) => () => dialog.close(sure ? "yes" : "");
  const cancel = h("button", { class: "button", type: "button", autofocus: true, on: { click: answer(false) } }, t("cancelAct"));
  dialog.append(h("h2", { id: "trash-title" }, t("dupAsk", { n: files.length })), h("p", {}, t("dupAskAdvice")),
    h("ul", { class: "rows", tabIndex: 0, "aria-label": t("files") }, files.map((path) => h("li", {}, line(path)))),
    ...(companions.length > 0 ? [
      h("label", { class: "choice" }, all, h("span", {}, t("dupCompanions", { n: companions.length }))),
      h("ul", { class: "rows", tabIndex: 0, "aria-label": t("dupCompanions", { n: companions.length }) }, companions.map(({ path, role }) => h("li", {}, roleOf(role), ": ", line(path)))),
    ] : []),
    h("div", { class: "acts" }, h("button", { class: "button strong", type: "button", on: { click: answer(true) } }, icon("trash"), t("dupMove")), cancel));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => dialog.addEventListener("close", () => {
    dialog.remove();
    done(dialog.returnValue !== "yes" ? "" : all.checked ? "all" : "files");
  }, { once: true }));
}
