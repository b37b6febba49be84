// The one bar: what is typed, and a chip for each finished part of the question.

import { image, images, thumbnail, upload, uploaded } from "./api.js";
import { $, fileName, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { setUpReorder } from "./reorder.js";
import { cutAtSigns, thingsOf } from "./state.js";
import { countOf, firstRelation, relationChips, swatch } from "./things.js";
import { number, t } from "./words.js";
import { announce, toast } from "./toast.js";

const WEIGHTS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3];
const LARGEST = 32 << 20;
/// Images that the chip of many shows.
const SHOWN = 3;

/** @typedef {(chips: Page.Chip[], more?: Page.Changes) => void} Edit */

/// `change(changes, { typing })` is told what the user did; `get()` gives the state.
/** @type {(page: { get: Page.Get, change: Page.Change }) => { render: () => void, addImages: (files: File[]) => Promise<void> }} */
export function setUpBar({ get, change }) {
  const input = $("q");
  /** @type {Edit} */
  const edit = (chips, more = {}) => change({ chips, ...more });

  /// Makes the typed text a chip; the next part is wanted or not.
  const finish = (sign = 1) => {
    const { text, sign: own, chips } = get();
    if (!text.trim()) return change({ sign });
    edit([...chips, { kind: "text", value: text.trim(), weight: own }], { text: "", sign });
  };

  input.addEventListener("input", () => {
    const { text, sign, chips } = cutAtSigns({ ...get(), text: input.value });
    if (text === input.value) return change({ text }, { typing: true });
    edit(chips, { text, sign });
  });
  input.addEventListener("keydown", (event) => {
    const { chips, text } = get();
    if (event.key === "Backspace" && input.selectionStart === 0 && input.selectionEnd === 0 && chips.length) {
      event.preventDefault();
      const last = chips[chips.length - 1];
      const back = last.kind === "text" && !text ? { text: last.value, sign: Math.sign(last.weight) } : {};
      edit(chips.slice(0, -1), back);
    } else if (event.key === "ArrowLeft" && input.selectionStart === 0 && chips.length) {
      mains().at(-1)?.focus();
    }
  });
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    change({}, { now: true, finish: true });
    $("results").focus({ preventScroll: true });
  });
  $("add").addEventListener("click", () => (finish(1), input.focus()));
  $("without").addEventListener("click", () => (finish(-1), input.focus()));
  $("clear").addEventListener("click", () => (edit([], { text: "", sign: 1, relations: [] }), input.focus()));
  $("mode").addEventListener("click", () => (change({ find: !get().find }), input.focus()));
  $("relate").addEventListener("click", () => {
    if (get().text.trim()) finish(1);
    const relation = firstRelation(get());
    if (!relation) return;
    change({ relations: [...get().relations, relation] });
    [...$("chips").querySelectorAll(".relation")].at(-1)?.querySelectorAll("select")[1].focus();
  });
  // On a narrow screen all but the last line of the bar scrolls away; how high it is depends on the chips.
  const header = /** @type {HTMLElement} */ ($("search").closest("header"));
  new ResizeObserver(() => header.style.setProperty("--height", `${header.offsetHeight}px`)).observe(header);
  /** @type {(files: File[]) => Promise<void>} */
  const addImages = async (files) => {
    for (const file of files) {
      const chip = await send(file);
      if (chip) edit([...get().chips, chip], { view: null });
    }
  };
  setUpImages(addImages);
  setUpReorder($("chips"), ".main", (from, to) => reorder(from, to, get(), edit));
  return { render: () => render(get(), edit, change), addImages };
}

/// Images arrive by choice, by paste and by drop.
/** @type {(addAll: (files: File[]) => Promise<void>) => void} */
function setUpImages(addAll) {
  const choose = $("file");
  $("pick").addEventListener("click", () => choose.click());
  choose.addEventListener("change", () => {
    addAll([...(choose.files ?? [])]);
    choose.value = "";
  });
  /** @type {(data: DataTransfer | null) => File[]} */
  const imagesOf = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  document.addEventListener("paste", (event) => {
    const files = imagesOf(event.clipboardData);
    if (files.length) event.preventDefault();
    addAll(files);
  });
  let over = 0; // enter and leave come for every element on the way
  /** @type {(event: DragEvent) => boolean} */
  const carries = (event) => event.dataTransfer?.types.includes("Files") ?? false;
  /** @type {(by: number) => void} */
  const shown = (by) => $("drop").hidden = (over = by === 0 ? 0 : Math.max(0, over + by)) === 0;
  document.addEventListener("dragenter", (event) => carries(event) && shown(1));
  document.addEventListener("dragleave", (event) => carries(event) && shown(-1));
  document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    shown(0);
    const files = imagesOf(event.dataTransfer);
    if (!files.length) toast(t("notAnImage"));
    addAll(files);
  });
}

/** @type {(file: File) => Promise<Page.UploadChip | void>} */
async function send(file) {
  if (file.size > LARGEST) return toast(t("imageTooLarge"));
  $("search").classList.add("sending");
  try {
    const { key } = await upload(file);
    return { kind: "upload", value: key, weight: 1 };
  } catch (error) {
    toast(explain(error));
  } finally {
    $("search").classList.remove("sending");
  }
}

/** @type {(state: Page.State, edit: Edit, change: Page.Change) => void} */
function render(state, edit, change) {
  const { text, sign, chips, find } = state;
  const input = $("q");
  if (input.value !== text) input.value = text;
  input.placeholder = t(chips.length ? "placeholderMore" : find ? "placeholderFind" : "placeholder");
  $("sign").hidden = sign > 0;
  $("add").hidden = $("without").hidden = !text.trim();
  $("clear").hidden = !text.trim() && !chips.length;
  $("mode").setAttribute("aria-pressed", String(find));
  const things = new Set(thingsOf(state).map(({ value }) => value));
  $("relate").hidden = !find || things.size + (text.trim() && sign > 0 ? 1 : 0) < 2;
  const focused = focusedPart();
  const parts = chips.map((chip, index) => makeChip(chip, index, state, edit));
  $("chips").replaceChildren(...parts, ...(find ? relationChips(state, change) : []));
  focusPart(focused, chips.length);
}

/// Every chip's own button.
/** @type {() => HTMLElement[]} */
const mains = () => [...$("chips").querySelectorAll("button")].filter((button) => button.matches(".main"));

/** @typedef {{ index: string | undefined, relation: string | undefined, place: number }} Focused */

/// Puts a chip into another place. The order says nothing of the search, but things are numbered by it.
/** @type {(from: number, to: number, state: Page.State, edit: Edit) => void} */
function reorder(from, to, { chips }, edit) {
  if (to < 0 || to >= chips.length) return;
  edit(chips.toSpliced(from, 1).toSpliced(to, 0, chips[from]));
  const main = mains()[to];
  main?.focus();
  announce([main?.querySelector(".label")?.textContent, t("placeOf", { n: to + 1, count: chips.length })].join(" "));
}

/// What has the focus among the chips, which are made anew: the chip, or the relation, and the place in it.
/** @type {() => Focused | null} */
function focusedPart() {
  const element = document.activeElement;
  const chip = /** @type {HTMLElement | null | undefined} */ (element?.closest("#chips .chip"));
  if (!chip) return null;
  const { index, relation } = chip.dataset;
  return { index, relation, place: [...chip.querySelectorAll("button, select")].findIndex((part) => part === element) };
}

/** @type {(focused: Focused | null, count: number) => void} */
function focusPart(focused, count) {
  if (!focused) return;
  const { index, relation, place } = focused;
  const last = Math.min(Number(index ?? relation), count - 1);
  const chip = $("chips").querySelector(relation === undefined ? `.chip[data-index="${last}"]` : `.chip[data-relation="${relation}"]`);
  const parts = /** @type {NodeListOf<HTMLElement> | undefined} */ (chip?.querySelectorAll("button, select"));
  (parts?.[place] ?? parts?.[0] ?? $("q")).focus();
}

/** @type {(chip: Page.Chip, index: number, state: Page.State, edit: Edit) => HTMLElement} */
function makeChip(chip, index, state, edit) {
  const { chips, find } = state;
  /** @type {(changes: { weight: number, least?: number, most?: number | null } | { value: number[] }) => void} */
  const replace = (changes) => edit(chips.map((other) => (other === chip ? /** @type {Page.Chip} */ ({ ...chip, ...changes }) : other)));
  const remove = () => edit(chips.filter((other) => other !== chip));
  const flip = () => replace({ weight: -chip.weight });
  const [wanted, size] = [chip.weight > 0, Math.abs(chip.weight)];
  /** @type {(by: number) => void} */
  const step = (by) => {
    if (find) return;
    const at = WEIGHTS.reduce((best, weight, i) => (Math.abs(weight - size) < Math.abs(WEIGHTS[best] - size) ? i : best), 0);
    const next = WEIGHTS[Math.min(Math.max(at + by, 0), WEIGHTS.length - 1)];
    replace({ weight: next * Math.sign(chip.weight) });
  };
  /** @type {Record<string, () => unknown>} */
  const keys = { ArrowUp: () => step(1), ArrowDown: () => step(-1), "+": () => wanted || flip(), "-": () => wanted && flip(), Delete: remove, Backspace: remove };
  /** @type {Record<string, number>} */
  const move = { ArrowLeft: -1, ArrowRight: 1 };
  const label = h("span", { class: "label", dir: "auto" });
  const main = h("button", {
    class: "main", type: "button",
    on: {
      click: flip,
      wheel: (event) => (event.preventDefault(), step(event.deltaY < 0 ? 1 : -1)),
      keydown: (event) => {
        if (keys[event.key]) (event.preventDefault(), keys[event.key]());
        if (!(event.key in move)) return;
        if (event.shiftKey) return reorder(index, index + move[event.key], state, edit);
        (mains()[index + move[event.key]] ?? $("q")).focus();
      },
    },
  }, find && wanted && chip.kind === "text" ? swatch(thingsOf(state).indexOf(chip)) : h("span", { class: "mark", "aria-hidden": "true" }, wanted ? "+" : "−"), label);
  /** @type {(what: string) => void} */
  const name = (what) => {
    label.textContent = what;
    main.title = t(find ? "thingHelp" : "chipHelp");
    const sentence = find ? (wanted ? "thingWith" : "thingWithout") : wanted ? "chipWith" : "chipWithout";
    main.setAttribute("aria-label", t(sentence, { what, weight: number(size) }));
  };
  if (chip.kind === "text") name(chip.value);
  else if (chip.kind === "images") showImages(chip, label, main, name);
  else showImage(chip, label, name);
  const weight = () => h("button", { class: "weight", type: "button", title: t("chipWeight"), "aria-label": t("chipWeightOf", { weight: number(size) }),
    on: { click: () => step(size >= 3 ? -WEIGHTS.length : 1), contextmenu: (event) => (event.preventDefault(), step(-1)) } }, `×${number(size)}`);
  const close = h("button", { class: "remove", type: "button", title: t("remove"), "aria-label": t("remove"), on: { click: remove } }, icon("close"));
  const amount = !find ? weight() : wanted && chip.kind === "text" && countOf(chip, replace);
  return h("span", { class: `chip ${wanted ? "with" : "without"} ${chip.kind}`, role: "group", data: { index } }, main, amount, close);
}

/// The chip of an image, or a part of one, shows it, and says its name when that is known.
/** @type {(chip: Page.ImageChip | Page.UploadChip, label: HTMLElement, name: (what: string) => void) => void} */
function showImage(chip, label, name) {
  const small = h("img", { alt: "", width: 28, height: 28, draggable: false });
  const shown = chip.box ? h("span", { class: "part" }, small) : small;
  const gone = () => (shown.remove(), label.closest(".chip")?.classList.add("gone"), name(t("imageForgotten")));
  small.addEventListener("error", gone, { once: true });
  if (chip.kind === "upload") {
    small.src = uploaded(chip.value);
    name(t("yourImage"));
  } else {
    name(t("image", { n: chip.value }));
    image(chip.value).then((record) => {
      name(chip.box ? t("partOf", { what: fileName(record.path) }) : fileName(record.path));
      if (chip.box) crop(small, chip.box, record);
      small.src = thumbnail(record, chip.box ? 320 : 160);
    }, gone);
  }
  label.before(shown);
}

/// The chip of many images shows some of them, and says how many are meant. Those that are gone are left out by the server, which
/// says so with its answer; a chip of which all are gone shows that it asks for nothing.
/** @type {(chip: Page.ImagesChip, label: HTMLElement, main: HTMLElement, name: (what: string) => void) => void} */
function showImages({ value, of }, label, main, name) {
  name(t("similarToMany", { n: of }));
  if (value.length < of) main.title = `${t("similarSample", { n: value.length })}\n${main.title}`;
  const fan = h("span", { class: "fan" });
  label.before(fan);
  images(value).then(({ images: records }) => {
    if (!records.length) label.closest(".chip")?.classList.add("gone");
    fan.append(...records.slice(0, SHOWN).map((record) => h("img", { alt: "", width: 28, height: 28, draggable: false, src: thumbnail(record, 160) })));
  }, () => {}); // without its images, the chip still says what it is
}

/// Shows a part of an image, which is as wide as the window it is seen through allows.
/** @type {(image: HTMLElement, box: Page.Rect, whole: Page.Sides) => void} */
function crop(image, [x, y, width, height], whole) {
  const scale = 28 / Math.min(width, height);
  const { style } = image;
  [style.width, style.height] = [`${whole.width * scale}px`, `${whole.height * scale}px`];
  style.translate = `${-(x + width / 2) * scale + 14}px ${-(y + height / 2) * scale + 14}px`;
}
