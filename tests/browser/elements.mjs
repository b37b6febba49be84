// Writes down the elements that the page has by their ids, so that its scripts are checked against them.

import { readFile, writeFile } from "node:fs/promises";

const from = (name) => new URL(`../../web/${name}`, import.meta.url);
const pages = await Promise.all(["static/index.html", "static/docs.html"].map((name) => readFile(from(name), "utf8")));
const found = pages.flatMap((page) => [...page.matchAll(/<(\w+)\b[^>]*?\sid="([\w-]+)"/g)]);
const lines = found.map(([, tag, id]) => `  ${JSON.stringify(id)}: HTMLElementTagNameMap["${tag}"];`).sort();
await writeFile(from("types/elements.d.ts"), [
  "// Made from the pages by `npm run check` in tests/browser.",
  "",
  "/// Every element that has an id.",
  "interface PageElements {",
  ...new Set(lines),
  "}",
  "",
].join("\n"));
