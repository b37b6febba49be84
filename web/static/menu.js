// The page's own settings: its language, light or dark; and the help on keys.

import { $, h } from "./dom.js";
import { LANGUAGES, choose, langOf, language, t } from "./words.js";

const THEME = "glimpse.theme";

/// Keys and what they do; the help shows them.
/** @type {[title: Page.Sentence, keys: [key: string, what: Page.Sentence][]][]} */
const KEYS = [
  ["keysEverywhere", [["/", "keySearch"], ["?", "keyHelp"], ["Esc", "keyEscape"]]],
  ["keysGrid", [["← → ↑ ↓", "keyMove"], ["Home End", "keyEnds"], ["Enter", "keyOpen"], ["u", "keyStack"], ["Ctrl Shift ← →", "keyOrder"]]],
  ["keysSelection", [["Space x", "select"], ["Shift ← → ↑ ↓", "keyRange"], ["Ctrl A", "selectAll"], ["Esc", "selectNone"]]],
  ["keysImage", [["s", "similar"], ["m", "moreLike"], ["l", "lessLike"], ["f", "favourite"], ["c", "copyPath"], ["d", "download"], ["b", "boxes"]]],
  ["keysViewer", [["← →", "keyStep"], ["+ − 0", "keyZoom"], ["z", "keyZoomTo"], ["i", "facts"], ["f", "favourite"], ["b", "boxes"], ["h", "heatmap"], ["k", "masks"], ["r", "drawRegion"], ["g", "tagThese"], ["1 – 5", "rating"], ["t", "rotate"], ["v", "fullScreen"], ["p", "slideshow"], ["Space", "keyPlay"], ["← → Home End", "keyShot"]]],
  ["keysDrawing", [["← → ↑ ↓", "keyMoveBox"], ["Shift ← → ↑ ↓", "keySizeBox"], ["Enter", "searchRegion"]]],
  ["keysChips", [["↑ ↓", "chipWeight"], ["Shift ← →", "keyReorder"], ["+ −", "keyFlip"], ["Del", "remove"], ["a + b − c", "keyParts"]]],
];

export function setUpMenu() {
  const themes = $("theme");
  themes.replaceChildren(.../** @type {const} */ (["auto", "light", "dark"]).map((value) => h("option", { value }, t(`theme_${value}`))));
  themes.value = localStorage.getItem(THEME) ?? "auto";
  themes.addEventListener("change", () => {
    localStorage.setItem(THEME, themes.value);
    showTheme(themes.value); // of theme.js
  });
  const languages = $("language");
  languages.replaceChildren(...Object.entries(LANGUAGES).map(([value, name]) => h("option", { value, lang: langOf(value) }, name)));
  languages.value = language;
  languages.addEventListener("change", () => choose(languages.value));

  const dialog = $("help");
  $("keys").replaceChildren(...KEYS.map(([title, keys]) =>
    h("section", {}, h("h3", {}, t(title)), h("dl", {}, keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, t(what))])))));
  $("settings").addEventListener("click", () => dialog.showModal());
  $("help-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  return { open: () => dialog.showModal() };
}
