// Every sentence of the page that is not in index.html.

const count = new Intl.NumberFormat();
const plural = (n, one, many) => `${count.format(n)} ${n === 1 ? one : many}`;

export const words = {
  searching: "Searching…",
  strength: { strong: "Strong", likely: "Likely", weak: "Weak" },
  score: (score) => `${Math.round(score * 100)} %`,
  similar: "Similar",
  similarTo: (name) => `Pictures similar to ${name}`,
  original: (name, taken) => (taken ? `${name}, taken ${taken}` : name),
  weaker: "Weaker matches: less sure from here on",
  library: (n) => plural(n, "picture", "pictures"),
  matches: (n, searched) => `${plural(n, "match", "matches")} among ${plural(searched, "picture", "pictures")}`,
  nothing: "Nothing found",
  nothingAdvice: (searched) =>
    `None of ${plural(searched, "picture", "pictures")} shows this clearly enough. Try other words, or show weaker matches too.`,
  noLibrary: "No pictures yet",
  failed: "That did not work",
  offline: "The server does not answer. Is `glimpse serve` still running?",
  footer: (stats) =>
    `${plural(stats.images, "picture", "pictures")} in ${plural(stats.files, "file", "files")} · model ${stats.model.name} · everything stays on this machine`,
};
