// The one bar: what is typed, and a chip for each finished part of the question.

import { image, thumbnail, upload, uploaded } from "./api.js";
import { $, fileName, h } from "./dom.js";
import { icon } from "./icons.js";
import { number, t } from "./words.js";
import { toast } from "./toast.js";

const WEIGHTS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3];
const LARGEST = 32 << 20;

/// `on.change(changes, { typing })` is told what the user did; `get()` gives the state.
export function setUpBar({ get, change }) {
  const input = $("q");
  const edit = (chips, more = {}) => change({ chips, ...more });

  /// Makes the typed text a chip; the next part is wanted or not.
  const finish = (sign = 1) => {
    const { text, sign: own, chips } = get();
    if (!text.trim()) return change({ sign });
    edit([...chips, { kind: "text", value: text.trim(), weight: own }], { text: "", sign });
  };

  input.addEventListener("input", () => {
    // As on the command line: ` + ` and ` - ` end a part and say whether the next one is wanted.
    const parts = /^(.*?)(?:^|\s)([+\-−])\s(.*)$/su.exec(input.value);
    if (!parts) return change({ text: input.value }, { typing: true });
    const [, before, operator, after] = parts;
    const { chips, sign: own } = get();
    const done = before.trim() ? [...chips, { kind: "text", value: before.trim(), weight: own }] : chips;
    edit(done, { text: after, sign: operator === "+" ? 1 : -1 });
  });
  input.addEventListener("keydown", (event) => {
    const { chips, text } = get();
    if (event.key === "Backspace" && input.selectionStart === 0 && input.selectionEnd === 0 && chips.length) {
      event.preventDefault();
      const last = chips.at(-1);
      const back = last.kind === "text" && !text ? { text: last.value, sign: Math.sign(last.weight) } : {};
      edit(chips.slice(0, -1), back);
    } else if (event.key === "ArrowLeft" && input.selectionStart === 0 && chips.length) {
      $("chips").querySelector(".chip:last-of-type .main")?.focus();
    }
  });
  $("search").addEventListener("submit", (event) => {
    event.preventDefault();
    change({}, { now: true });
    $("results").focus({ preventScroll: true });
  });
  $("add").addEventListener("click", () => (finish(1), input.focus()));
  $("without").addEventListener("click", () => (finish(-1), input.focus()));
  $("clear").addEventListener("click", () => (edit([], { text: "", sign: 1 }), input.focus()));
  setUpPictures(async (file) => {
    const chip = await send(file);
    if (chip) edit([...get().chips, chip], { view: null });
  });
  return { render: () => render(get(), edit) };
}

/// Pictures arrive by choice, by paste and by drop.
function setUpPictures(add) {
  const choose = $("file");
  $("pick").addEventListener("click", () => choose.click());
  choose.addEventListener("change", () => {
    for (const file of choose.files) add(file);
    choose.value = "";
  });
  const picturesOf = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));
  document.addEventListener("paste", (event) => {
    const files = picturesOf(event.clipboardData);
    if (files.length) event.preventDefault();
    files.forEach(add);
  });
  let over = 0; // enter and leave come for every element on the way
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  const shown = (by) => $("drop").hidden = (over = by === 0 ? 0 : Math.max(0, over + by)) === 0;
  document.addEventListener("dragenter", (event) => carries(event) && shown(1));
  document.addEventListener("dragleave", (event) => carries(event) && shown(-1));
  document.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    shown(0);
    const files = picturesOf(event.dataTransfer);
    if (!files.length) toast(t("notAPicture"));
    files.forEach(add);
  });
}

async function send(file) {
  if (file.size > LARGEST) return toast(t("pictureTooLarge"));
  $("search").classList.add("sending");
  try {
    const { key } = await upload(file);
    return { kind: "picture", value: key, weight: 1 };
  } catch (error) {
    toast([error.message || t("offline"), error.hint].filter(Boolean).join(" – "));
  } finally {
    $("search").classList.remove("sending");
  }
}

function render({ text, sign, chips }, edit) {
  const input = $("q");
  if (input.value !== text) input.value = text;
  input.placeholder = chips.length ? t("placeholderMore") : t("placeholder");
  $("sign").hidden = sign > 0;
  $("add").hidden = $("without").hidden = !text.trim();
  $("clear").hidden = !text.trim() && !chips.length;
  const focused = $("chips").contains(document.activeElement) ? document.activeElement.closest(".chip")?.dataset.index : null;
  $("chips").replaceChildren(...chips.map((chip, index) => makeChip(chip, index, chips, edit)));
  if (focused !== null) $("chips").children[Math.min(focused, chips.length - 1)]?.querySelector(".main")?.focus();
}

function makeChip(chip, index, chips, edit) {
  const replace = (changes) => edit(chips.map((other) => (other === chip ? { ...chip, ...changes } : other)));
  const remove = () => edit(chips.filter((other) => other !== chip));
  const flip = () => replace({ weight: -chip.weight });
  const [wanted, size] = [chip.weight > 0, Math.abs(chip.weight)];
  const step = (by) => {
    const at = WEIGHTS.reduce((best, weight, i) => (Math.abs(weight - size) < Math.abs(WEIGHTS[best] - size) ? i : best), 0);
    const next = WEIGHTS[Math.min(Math.max(at + by, 0), WEIGHTS.length - 1)];
    replace({ weight: next * Math.sign(chip.weight) });
  };
  const keys = { ArrowUp: () => step(1), ArrowDown: () => step(-1), "+": () => wanted || flip(), "-": () => wanted && flip(), Delete: remove, Backspace: remove };
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
        const others = [...$("chips").querySelectorAll(".main")];
        (others[index + move[event.key]] ?? $("q")).focus();
      },
    },
  }, h("span", { class: "mark", "aria-hidden": "true" }, wanted ? "+" : "−"), label);
  const name = (what) => {
    label.textContent = what;
    main.title = t("chipHelp");
    main.setAttribute("aria-label", t(wanted ? "chipWith" : "chipWithout", { what, weight: number(size) }));
  };
  if (chip.kind === "text") name(chip.value);
  else picture(chip, label, name);
  const weight = h("button", { class: "weight", type: "button", title: t("chipWeight"), "aria-label": t("chipWeightOf", { weight: number(size) }),
    on: { click: () => step(size >= 3 ? -WEIGHTS.length : 1), contextmenu: (event) => (event.preventDefault(), step(-1)) } }, `×${number(size)}`);
  const close = h("button", { class: "remove", type: "button", title: t("remove"), "aria-label": t("remove"), on: { click: remove } }, icon("close"));
  return h("span", { class: `chip ${wanted ? "with" : "without"} ${chip.kind}`, role: "group", data: { index } }, main, weight, close);
}

/// The chip of a picture shows it, and says its name when that is known.
function picture(chip, label, name) {
  const small = h("img", { alt: "", width: 28, height: 28 });
  const gone = () => (small.remove(), label.closest(".chip")?.classList.add("gone"), name(t("pictureForgotten")));
  small.addEventListener("error", gone, { once: true });
  if (chip.kind === "picture") {
    small.src = uploaded(chip.value);
    name(t("yourPicture"));
  } else {
    name(t("picture", { n: chip.value }));
    image(chip.value).then((record) => {
      name(fileName(record.path));
      small.src = thumbnail(record, 160);
    }, gone);
  }
  label.before(small);
}
