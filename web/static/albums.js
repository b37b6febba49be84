// Albums and saved searches: a list to open, one to choose from, and a name for a new one.

import { albumImages, albums, changeAlbum, createAlbum, deleteAlbum, find, image, search, seeAlbum, similarRegions, thumbnail } from "./api.js";
import { $, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { read, write } from "./state.js";
import { announce, toast } from "./toast.js";
import { t } from "./words.js";

/**
 * @typedef {object} Albums
 * @property {(ids: number[]) => Promise<void>} add to an album that is chosen or made
 * @property {(id: string, ids: number[]) => Promise<void>} remove
 * @property {(id: string, image: number) => Promise<void>} cover
 * @property {(name: string, search: { query?: object, find?: object, similar?: object, address: string }) => Promise<void>} saveSearch gives a search a name, and
 *   keeps it
 * @property {(state: Page.State) => Promise<string>} searchOf the name of the saved search that a state is of, if it is of one
 * @property {(id: string) => Promise<string>} nameOf the name of an album, or what stands for one that is not there any more
 *
 * @typedef {object} Purpose
 * @property {(album: Api.Album) => Promise<void>} [choose]
 * @property {(name: string) => Promise<void>} create
 */

/// `open(album)` shows what is in one, `gone(id)` is told of one that was deleted, `renamed()` of names that are others now.
/** @type {(on: { open: (album: Api.Album) => void, gone: (id: string) => void, renamed: () => void }) => Albums} */
export function setUpAlbums({ open, gone, renamed }) {
  const dialog = $("albums");
  /// What the dialog is for: to look at albums, or to do `choose(album)` or `create(name)` and close.
  /** @type {Purpose} */
  let purpose = { create: async () => {} };
  /** @type {Api.Album[]} */
  let known = [];

  /** @type {(title: string, how: Purpose & { name?: string, word?: string, list?: boolean }) => Promise<void>} */
  async function show(title, { choose, create, name = "", word = t("albumCreate"), list = true }) {
    purpose = { choose, create };
    $("albums-title").textContent = title;
    $("album-label").textContent = t(list ? "albumNew" : "albumName");
    $("album-name").value = name;
    $("album-create").textContent = word;
    $("album-list").hidden = !list;
    $("albums-none").hidden = true;
    $("album-list").replaceChildren();
    problem("");
    dialog.showModal();
    if (list) await refresh();
    else $("album-name").select();
  }

  /** @type {(text: string) => void} */
  const problem = (text) => ($("album-problem").textContent = text);
  /// Does something with the server; what goes wrong is said in the dialog.
  /** @type {(act: () => Promise<void>) => Promise<void>} */
  async function trying(act) {
    problem("");
    try {
      await act();
    } catch (error) {
      problem(explain(error));
    }
  }

  const load = async () => (known = (await albums()).albums);
  const refresh = () => trying(async () => {
    await load();
    // A saved search fills itself: nothing is added to it.
    const shown = purpose.choose ? known.filter((album) => !isSearch(album)) : known;
    $("album-list").replaceChildren(...shown.map(row));
    $("albums-none").hidden = shown.length > 0;
    showSearches(shown);
  });

  /// The best of what each saved search finds now stands for it. One after the other: there may be many.
  /** @type {(shown: Api.Album[]) => Promise<void>} */
  async function showSearches(shown) {
    for (const album of shown.filter((album) => isSearch(album) && album.cover === null)) {
      const place = /** @type {HTMLElement | null} */ ($("album-list").querySelector(`[data-album="${CSS.escape(album.id)}"] .cover`));
      if (!place || !dialog.open) return; // another list is shown
      const best = await bestOf(album).catch(() => null); // its sign stands for it
      if (best !== null) await showCover(place, best);
    }
  }

  /** @type {(album: Api.Album) => HTMLElement} */
  function row(album) {
    const { id, name, count, cover } = album;
    const fresh = album.new > 0 && h("span", { class: "fresh" }, t("albumFresh", { n: album.new }));
    const small = h("span", { class: "cover" }, icon(album.find || album.similar ? "region" : album.query ? "search" : "album"));
    const about = [isSearch(album) && t("albumKind"), count !== null && t("imageCount", { n: count })].filter(Boolean).join(" · ");
    const main = h("button", { class: "main", type: "button", on: { click: () => choose(album) } }, small,
      h("span", { class: "text" }, h("bdi", { class: "name" }, name), h("span", { class: "soft" }, about, " ", fresh)));
    const acts = purpose.choose ? [] : [act("edit", "albumRename", () => rename(item, album)), act("trash", "albumDelete", () => ask(item, album))];
    const item = h("li", { data: { album: id } }, main, acts);
    if (cover !== null) showCover(small, cover);
    return item;
  }

  /** @type {(name: Page.Icon, key: Page.Sentence, run: () => void) => HTMLButtonElement} */
  const act = (name, key, run) => h("button", { class: "round", type: "button", title: t(key), "aria-label": t(key), on: { click: run } }, icon(name));

  /** @type {(album: Api.Album) => Promise<void>} */
  async function choose(album) {
    const { choose: use } = purpose;
    if (use) return trying(() => use(album));
    dialog.close();
    if (isSearch(album)) seeAlbum(album.id).catch(() => {}); // its number of new images is all that is lost
    open(album);
  }

  /// A field in the place of an album's row.
  /** @type {(item: HTMLElement, album: Api.Album) => void} */
  function rename(item, album) {
    const field = h("input", { type: "text", dir: "auto", value: album.name, maxLength: 100, required: true, "aria-label": t("albumName") });
    const form = h("form", { class: "line" }, field, h("button", { class: "button strong" }, t("save")), h("button", { class: "button", type: "button", on: { click: refresh } }, t("cancelAct")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      trying(async () => {
        await changeAlbum(album.id, { name: field.value.trim() });
        toast(t("albumRenamed", { name: field.value.trim() }));
        await refresh();
        renamed();
        focusRow(album.id);
      });
    });
    item.replaceChildren(form);
    field.select();
  }

  /** @type {(item: HTMLElement, album: Api.Album) => void} */
  function ask(item, album) {
    const sure = h("button", { class: "button strong", type: "button" }, t("albumDelete"));
    sure.addEventListener("click", () => trying(async () => {
      await deleteAlbum(album.id);
      toast(t("albumDeleted", { name: album.name }));
      gone(album.id);
      await refresh();
      renamed();
      $("album-name").focus();
    }));
    const keep = h("button", { class: "button", type: "button", on: { click: async () => (await refresh(), focusRow(album.id)) } }, t("cancelAct"));
    const question = t("albumDeleteAsk", { name: album.name });
    item.replaceChildren(h("div", { class: "question" }, h("p", { dir: "auto" }, question), sure, keep));
    announce(question);
    keep.focus();
  }

  /** @type {(id: string) => void} */
  const focusRow = (id) => /** @type {HTMLElement | null} */ ($("album-list").querySelector(`[data-album="${CSS.escape(id)}"] .main`))?.focus();

  $("album-new").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = $("album-name").value.trim();
    if (name) trying(() => purpose.create(name));
  });
  $("albums-open").addEventListener("click", () => show(t("albums"), {
    create: async (name) => {
      await createAlbum({ name });
      $("album-name").value = "";
      toast(t("albumCreated", { name }));
      await refresh();
    },
  }));
  $("albums-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  /** @type {(id: string) => Promise<string>} */
  async function nameOf(id) {
    const find = () => known.find((album) => album.id === id)?.name;
    if (!find()) await load().catch(() => {}); // without its name, an album is still an album
    return find() ?? t("album");
  }

  /// The addresses of saved searches, by which they are known again: null until they were asked for.
  /** @type {Promise<unknown> | null} */
  let asked = null;
  /** @type {(state: Page.State) => Promise<string>} */
  async function searchOf(state) {
    await (asked ??= load()).catch(() => (asked = null));
    const address = placeOf(state);
    return known.find((album) => isSearch(album) && album.address !== null && placeOf(read(album.address)) === address)?.name ?? "";
  }

  return {
    searchOf,
    add: (ids) => show(t("albumAdd"), {
      choose: async (album) => {
        await albumImages(album.id, { add: ids });
        dialog.close(); // what is said within it would close with it
        toast(t("albumAdded", { n: ids.length, name: album.name }));
      },
      create: async (name) => {
        await createAlbum({ name, images: ids });
        dialog.close();
        toast(t("albumAdded", { n: ids.length, name }));
      },
    }),
    async remove(id, ids) {
      await albumImages(id, { remove: ids });
      toast(t("albumRemoved", { n: ids.length, name: await nameOf(id) }));
    },
    async cover(id, image) {
      await changeAlbum(id, { cover: image });
      toast(t("albumCovered", { name: await nameOf(id) }));
    },
    saveSearch: (name, search) => show(t("saveSearch"), {
      name, list: false, word: t("save"),
      create: async (name) => {
        await createAlbum({ name, ...search });
        await load();
        renamed();
        dialog.close();
        toast(t("searchSaved", { name }));
      },
    }),
    nameOf,
  };
}

/// An album that fills itself, with images, with those that show things, or with those that have a part like one.
/** @type {(album: Api.Album) => boolean} */
const isSearch = ({ query, find, similar }) => Boolean(query || find || similar);

/// The address of a state, however much of its results is unfolded.
/** @type {(state: Page.State) => string} */
const placeOf = (state) => write({ ...state, view: null, weak: false });

/// The first image that a saved search finds.
/** @type {(album: Api.Album) => Promise<number | null>} */
async function bestOf({ query, find: form, similar }) {
  const [ask, body] = form ? [find, form] : similar ? [similarRegions, similar] : [search, query];
  const { hits } = await ask({ ...(/** @type {object} */ (body)), limit: 1 });
  return hits[0]?.id ?? null;
}

/// The image that stands for an album, if it is still there.
/** @type {(place: HTMLElement, id: number) => Promise<void>} */
async function showCover(place, id) {
  const record = await image(id).catch(() => null);
  if (record) place.replaceChildren(h("img", { src: thumbnail(record, 160), alt: "" }));
}
