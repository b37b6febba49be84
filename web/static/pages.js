// Pages beside the library: each a module that is loaded when it is opened, and takes the place of the images.

import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { t } from "./words.js";

/// How each page is loaded. Its module gives `open(root, host)`, which gives `{ started, update(), close() }`, and the name of
/// its `style` sheet. The filters are of use on some of them.
/** @type {Record<Page.PageName, () => Promise<Page.Module>>} */
const PAGES = {
  map: () => import("./map.js"),
  tags: () => import("./tags.js"),
  duplicates: () => import("./duplicates.js"),
};

export class Pages {
  #root = h("div", { id: "elsewhere", hidden: true });
  /** @type {"" | Page.PageName} */
  #name = "";
  /** @type {Page.Opened | null} */
  #open = null;

  /// `host` is what pages may use: `get`, `change`, `href` and `follow` of addresses, `filter()`, `view(id)`, `at(text)`,
  /// `count(text)`, `busy(is)`, `allows()`, and `changed()` for when images of the library have gone.
  /** @param {Page.Host} host */
  constructor(host) {
    this.host = host;
    $("results").after(this.#root);
  }

  /// Shows the page of a state, or what changed in it.
  /** @param {Page.State} state */
  async show({ page }) {
    if (page === this.#name) return this.#open?.update();
    this.leave();
    if (!page) return;
    this.#name = page;
    $("main").dataset.page = page;
    this.#root.hidden = false;
    this.#mark();
    scrollTo(0, 0);
    try {
      const module = await PAGES[page]();
      await loadStyle(module.style);
      if (this.#name !== page) return;
      this.#open = module.open(this.#root, this.host);
      await this.#open.started;
    } catch (error) {
      if (this.#name === page) this.#root.replaceChildren(h("div", { class: "empty" }, h("h2", {}, t("failed")), h("p", {}, explain(error))));
    }
  }

  /// Back to the library.
  leave() {
    if (!this.#name) return;
    this.#open?.close();
    this.#open = null;
    this.#name = "";
    delete $("main").dataset.page;
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#mark();
  }

  #mark() {
    for (const link of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("a[data-page]"))) {
      if (link.dataset.page === this.#name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    // Duplicates are reached by way of the library.
    if (this.#name === "duplicates") $("library").setAttribute("aria-current", "true");
    else $("library").removeAttribute("aria-current");
  }
}

/** @type {Map<string, Promise<unknown>>} */
const styles = new Map();
/// A style sheet, once.
/** @type {(name: string) => Promise<unknown>} */
function loadStyle(name) {
  if (!styles.has(name)) {
    const sheet = h("link", { rel: "stylesheet", href: new URL(`style/${name}.css`, import.meta.url).href });
    styles.set(name, new Promise((done) => ["load", "error"].forEach((event) => sheet.addEventListener(event, done))));
    document.head.append(sheet);
  }
  return styles.get(name) ?? Promise.resolve();
}
