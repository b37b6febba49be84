// New images while somebody looks: a server that follows its folders says when the library has changed. Where images are in
// the order of their dates, new ones appear; results of a search stay as they are until somebody wants the new ones.

import { libraryEvents } from "./api.js";
import { $ } from "./dom.js";
import { announce } from "./toast.js";
import { t } from "./words.js";

/// Changes that come close together are shown together, in milliseconds.
const PAUSE = 2000;

/// `changed()` is told that answers may be others now, and `mayShow()` says whether they may be shown at once; `show()` shows
/// them when they are asked for.
/** @type {(on: { changed: () => void, mayShow: () => boolean, show: () => void }) => { listen: (wanted: boolean) => void, seen: () => void }} */
export function followLibrary({ changed, mayShow, show }) {
  let wanted = false;
  /** @type {EventSource | null} */
  let source = null;
  /** @type {Api.LibraryChange | null} */
  let known = null;
  /// Images when they were last shown.
  let shown = 0;
  /** @type {Timer | 0} */
  let timer = 0;

  document.addEventListener("visibilitychange", follow);
  $("fresh-show").addEventListener("click", () => (seen(), show()));

  /// A page that nobody sees holds no connection: browsers open few to one server.
  function follow() {
    if (wanted === Boolean(source) && !document.hidden) return;
    source?.close();
    source = null;
    if (!wanted || document.hidden) return;
    source = libraryEvents();
    source.addEventListener("library", ({ data }) => heard(JSON.parse(data)));
  }

  /** @type {(now: Api.LibraryChange) => void} */
  function heard(now) {
    const before = known;
    known = now;
    if (!before) shown = now.images;
    else if (before.revision !== now.revision) timer ||= setTimeout(settle, PAUSE);
  }

  function settle() {
    timer = 0;
    changed();
    if (mayShow()) (seen(), show());
    else if (known && known.images > shown && $("fresh").hidden) {
      $("fresh").hidden = false;
      announce(t("newImages"));
    }
  }

  /// What is shown is what the library has now.
  function seen() {
    shown = known?.images ?? shown;
    $("fresh").hidden = true;
  }

  return { listen: (now) => ((wanted = now), follow()), seen };
}
