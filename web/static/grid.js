// Pictures as rows of tiles.

import { original, thumbnail } from "./api.js";
import { words } from "./words.js";

const node = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

export const fileName = (image) => image.path.split(/[\\/]/).pop();

const day = (taken) => taken && new Date(`${taken}Z`).toLocaleDateString(undefined, { dateStyle: "medium", timeZone: "UTC" });

/// One picture. `ranked` is false when pictures are listed and not searched for: then a score says nothing.
function tile(hit, ranked) {
  const name = fileName(hit);
  const taken = day(hit.taken);
  const picture = node("img", {
    src: thumbnail(hit, 320),
    srcset: `${thumbnail(hit, 320)} 1x, ${thumbnail(hit, 640)} 2x`,
    alt: hit.caption || words.original(name, taken),
    width: hit.width,
    height: hit.height,
    loading: "lazy",
    decoding: "async",
  });
  const match = ranked
    ? node("span", { className: `match ${hit.strength}`, title: words.score(hit.score), textContent: words.strength[hit.strength] })
    : node("span", { textContent: taken ?? "" });
  const similar = node("a", { href: `?like=${hit.id}`, textContent: words.similar, ariaLabel: words.similarTo(name) });
  similar.dataset.like = hit.id;
  const facts = node("div", { className: "facts" },
    node("span", { className: "name", textContent: name, title: hit.path }),
    node("span", { className: "line" }, match, similar));
  const item = node("li", { className: "tile" },
    node("a", { href: original(hit), target: "_blank", rel: "noopener" }, picture), facts);
  item.style.setProperty("--ratio", Math.min(Math.max(hit.width / hit.height, 0.5), 2.5));
  return item;
}

/// Appends a page of hits, with a line above the first weak one.
export function append(grid, hits, ranked) {
  for (const hit of hits) {
    if (ranked && hit.strength === "weak" && !grid.querySelector(".divider")) {
      grid.append(node("li", { className: "divider", textContent: words.weaker }));
    }
    grid.append(tile(hit, ranked));
  }
}
