// The page: its state lives in the address, so that links, reload, back and forward all work.

import { image, search, stats, thumbnail } from "./api.js";
import { append, fileName } from "./grid.js";
import { words } from "./words.js";

const $ = (id) => document.getElementById(id);
const PAGE = 60;

let running = new AbortController();
let next = null;

/// What the address asks for. Without a question, the newest pictures are listed.
function asked() {
  const address = new URLSearchParams(location.search);
  const [q, like] = [address.get("q") ?? "", address.get("like") ?? ""];
  const ranked = q !== "" || like !== "";
  return { q, like, ranked, sort: address.get("sort") ?? (ranked ? "relevance" : "newest"), all: address.has("all") };
}

function go(changes) {
  const { q, like, sort, all } = { ...asked(), ...changes };
  const address = new URLSearchParams();
  if (q) address.set("q", q);
  if (like) address.set("like", like);
  if (sort !== "relevance" && (q || like)) address.set("sort", sort);
  if (all) address.set("all", "1");
  history.pushState(null, "", `/${address.size ? `?${address}` : ""}`);
  window.scrollTo(0, 0);
  show();
}

async function show() {
  const state = asked();
  $("q").value = state.q;
  $("sort").value = state.sort;
  $("sort").disabled = !state.ranked;
  $("all").checked = state.all;
  $("all").disabled = !state.ranked;
  document.title = state.q ? `${state.q} – Glimpse` : "Glimpse";
  running.abort();
  running = new AbortController();
  next = null;
  $("status").textContent = words.searching;
  showLiked(state.like, running.signal);
  await load(state, running.signal, true);
}

async function showLiked(id, signal) {
  $("like").hidden = true;
  if (!id) return;
  const liked = await image(id).catch(() => null);
  if (!liked || signal.aborted) return;
  $("like-picture").src = thumbnail(liked, 160);
  $("like-name").textContent = fileName(liked);
  $("like").hidden = false;
}

async function load(state, signal, first) {
  const { q, like, ranked, sort, all } = state;
  try {
    const page = await search({ q, like, sort, all, limit: PAGE, cursor: next ?? undefined }, signal);
    if (first) $("grid").replaceChildren();
    append($("grid"), page.hits, ranked);
    next = page.next;
    $("more").hidden = next === null;
    const empty = first && page.hits.length === 0;
    say(empty, words.nothing, ranked ? words.nothingAdvice(page.searched) : "");
    $("status").textContent = empty ? "" : ranked ? words.matches(page.accepted, page.searched) : words.library(page.searched);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (first) $("grid").replaceChildren();
    $("more").hidden = true;
    $("status").textContent = "";
    const title = error.code === "not_ready" ? words.noLibrary : words.failed;
    say(true, title, [error.message, error.hint].filter(Boolean).join(" – "));
  }
}

function say(visible, title, advice) {
  $("empty").hidden = !visible;
  $("empty-title").textContent = visible ? title : "";
  $("empty-advice").textContent = visible ? advice : "";
}

async function loadMore() {
  if (next === null || $("more").disabled) return;
  $("more").disabled = true;
  await load(asked(), running.signal, false);
  $("more").disabled = false;
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  go({ q: $("q").value.trim(), like: "", sort: "relevance" });
});
$("sort").addEventListener("change", (event) => go({ sort: event.target.value }));
$("all").addEventListener("change", (event) => go({ all: event.target.checked }));
$("more").addEventListener("click", loadMore);
$("grid").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-like]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go({ q: "", like: link.dataset.like, sort: "relevance" });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    $("q").focus();
  }
});
window.addEventListener("popstate", show);
new IntersectionObserver(([seen]) => seen.isIntersecting && loadMore(), { rootMargin: "600px" }).observe($("more"));

show();
stats().then((numbers) => ($("library").textContent = words.footer(numbers))).catch(() => {});
