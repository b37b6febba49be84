// The state of the page, and its steps in the browser's history.

import { debounce } from "./dom.js";
import { read, soundRelations, write } from "./state.js";

/// What leads from another page back to the library, as it changes what is searched for.
const SEARCH = ["text", "chips", "find"];
/// After a pause in typing of so many milliseconds, more of it counts as a step of its own.
const STEP = 1500;
/// So long after the page has moved last, its place is remembered.
const STILL = 150;

export class Navigation {
  /** @type {Page.State} */
  state = read(location.search);
  #lastTyped = 0;

  /// `on.place()` says what is at the upper edge of the images; `on.changed(how)` is told that the user wants something
  /// else, and `on.moved(before)` that a step back or forward led away from the state `before`.
  /** @param {{ place: () => Page.Place | null, changed: (how: Page.How) => void, moved: (before: Page.State) => void }} on */
  constructor(on) {
    this.on = on;
    history.scrollRestoration = "manual";
    addEventListener("scroll", debounce(() => this.state.view === null && this.rememberPlace(), STILL), { passive: true });
    addEventListener("popstate", () => {
      const before = this.state;
      this.state = read(location.search);
      on.moved(before);
    });
  }

  /** @type {Page.Get} */
  get = () => this.state;

  /// The user wants something else. While one types, the address follows without a step for every letter. What else `how`
  /// says is passed on.
  /** @type {Page.Change} */
  change = (changes, how = {}) => {
    const before = this.state;
    /** @type {Page.Changes} */
    const page = SEARCH.some((part) => part in changes) ? { page: "", at: "" } : {};
    this.state = { ...before, weak: false, ...page, ...changes };
    this.state.relations = soundRelations(this.state);
    if (before.view !== null && !("view" in changes)) this.state.view = null;
    const address = write(this.state);
    const paused = Date.now() - this.#lastTyped > STEP;
    if (how.typing) this.#lastTyped = Date.now();
    if (address !== (location.search || "./")) {
      if (how.typing && !paused) history.replaceState({ y: 0 }, "", address);
      else (this.rememberPlace(), history.pushState({ y: 0 }, "", address));
    }
    this.on.changed(how);
  };

  /// A step that shows more or less of the same. `kept` is what the browser keeps with it.
  /** @type {(changes: Page.Changes, kept: object | null, how?: { replace?: boolean }) => void} */
  step(changes, kept, { replace = false } = {}) {
    this.state = { ...this.state, ...changes };
    history[replace ? "replaceState" : "pushState"](kept, "", write(this.state));
  }

  /// Where the page is: the image at the upper edge says it better than a height, which changes as more is loaded.
  where() {
    return { y: scrollY, place: this.on.place() };
  }

  rememberPlace() {
    history.replaceState({ ...history.state, ...this.where() }, "");
  }
}
