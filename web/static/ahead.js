// The start: the page with its words, and its first images, which need few of the modules. The others come after these.

import { $ } from "./dom.js";
import { Grid } from "./grid.js";
import { showImages } from "./images.js";
import { resultsOf } from "./results.js";
import { setUpScrubber } from "./scrubber.js";
import { Server } from "./server.js";
import { isTimeline, read } from "./state.js";
import { fill, loadWords } from "./words.js";

/// So long the other modules wait for the first images, in milliseconds.
const PATIENCE = 100;

const state = read(location.search);
const results = isTimeline(state) ? resultsOf(state) : null;
// What fails is asked for again by the page itself.
const first = results?.lookAhead?.(history.state?.place).catch(() => false) ?? Promise.resolve(false);
Server.lookAhead();
await loadWords();
fill($("page"));
$("unstarted").remove();
$("page").hidden = false;

/// What the grid tells the page of is said once the page is there.
export const grid = new Grid($("grid"), { near: () => {}, drawn: (top) => scrubber.render(top), failed: () => {}, isSelected: () => false });
export const scrubber = setUpScrubber({ grid });

let isLate = !results;
const late = new Promise((done) => setTimeout(() => done((isLate = true)), results ? PATIENCE : 0));
// Images that are late are for the page to show: something else may be asked for by then.
const shown = first.then((is) => is && !isLate && results && showImages(grid, state, results));
Promise.race([shown, late]).catch(() => {}).finally(startPage);

/// The other modules were named so that they all come at once.
function startPage() {
  for (const { href } of /** @type {NodeListOf<HTMLLinkElement>} */ (document.querySelectorAll('link[rel="soon"]'))) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href, fetchPriority: "low" }));
  }
  import("./app.js");
}
