// The keywords of the library, with how many images have each, and one of these. A page of its own, loaded when it is opened.

import { tags } from "./api.js";
import { cover } from "./cover.js";
import { debounce, h } from "./dom.js";
import { explain } from "./errors.js";
import { isFiltered } from "./state.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

export const style = "tags";

/// Tags that are asked for, and those that are listed at once.
const MOST = 10_000;
const LISTED = 300;

/// Opens the page in an element; `host` is the page around it, as pages.js has it.
/** @type {(root: HTMLElement, host: Page.Host) => Page.Opened} */
export function open(root, host) {
  const field = h("input", { type: "search", class: "narrow", placeholder: t("tagsFilter"), "aria-label": t("tagsFilter") });
  const list = h("ul", { class: "tag-list" });
  const more = h("button", { class: "fold", type: "button", hidden: true, on: { click: () => show(listed + LISTED, true) } }, t("showMore"));
  const title = h("h2");
  const advice = h("p");
  const none = h("div", { class: "empty", hidden: true }, title, advice);
  root.append(h("div", { class: "tags" }, field, list, more, none));
  /** @type {Api.Tags["tags"]} */
  let known = [];
  let listed = LISTED;
  let closed = false;
  let asked = 0;

  async function load() {
    const mine = (asked += 1);
    const { after, before, folders, cameras, formats, favourite, hidden, album, region_tags: shown = [] } = host.filter();
    /** @type {(values: string[]) => string | undefined} */
    const one = (values) => (values.length === 1 ? values[0] : undefined);
    host.busy(true);
    try {
      const query = { after, before, folder: one(folders), camera: one(cameras), region_tag: one(shown), format: one(formats), favourite, hidden, album, limit: MOST };
      const answer = await tags(query);
      if (closed || mine !== asked) return;
      known = answer.tags;
      show();
    } catch (error) {
      if (!closed && mine === asked) toast(explain(error));
    } finally {
      if (mine === asked) host.busy(false);
    }
  }

  /// Lists tags whose name has what is typed, the most frequent ones first.
  function show(count = LISTED, goOn = false) {
    const part = field.value.trim().toLocaleLowerCase();
    const found = part ? known.filter(({ tag }) => tag.toLocaleLowerCase().includes(part)) : known;
    const from = goOn ? listed : 0;
    listed = count;
    const rows = found.slice(from, listed).map(row);
    if (goOn) list.append(...rows);
    else list.replaceChildren(...rows);
    if (goOn) rows[0]?.querySelector("a")?.focus();
    more.hidden = found.length <= listed;
    host.count(t("tagsCount", { n: found.length }));
    none.hidden = found.length > 0;
    field.hidden = known.length === 0;
    title.textContent = t(part || isFiltered(host.get()) ? "tagsNoneSo" : "tagsNone");
    advice.textContent = part || known.length ? "" : t("tagsAdvice");
  }

  /** @type {(tag: Api.Tags["tags"][number]) => HTMLElement} */
  function row({ tag, images, cover: id }) {
    /** @type {Page.Changes} */
    const changes = { page: "", tags: [tag] };
    return h("li", {}, h("a", { class: "tag", href: host.href(changes), on: { click: (event) => host.follow(event, () => host.change(changes)) } },
      h("span", { class: "cover" }, cover(h("img", { alt: "", width: 160, height: 160, loading: "lazy" }), id)),
      h("span", { class: "text" }, h("bdi", { class: "name" }, tag), h("span", { class: "soft" }, t("imageCount", { n: images })))));
  }

  field.addEventListener("input", () => show());
  field.addEventListener("input", debounce(() => announce(t("tagsCount", { n: list.children.length })), 600));
  const started = load();
  return {
    started,
    update: load,
    close() {
      closed = true;
    },
  };
}
