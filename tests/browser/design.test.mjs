// The style sheets keep to web/DESIGN.md.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../web/static/style/", import.meta.url);
const sheets = await Promise.all((await readdir(folder)).map(async (name) => [name, await readFile(new URL(name, folder), "utf8")]));
const rules = sheets.flatMap(([name, text]) => text.replace(/\/\*[^]*?\*\//g, "").split(/[;{}]/).map((rule) => [name, rule.trim()]));
const tokens = new Set(rules.filter(([, rule]) => rule.startsWith("--")).map(([, rule]) => rule.split(":")[0]));
const set = (await Promise.all(["grid.js", "tile.js", "viewer.js", "zoom.js", "panel.js", "bar.js"].map((name) => readFile(new URL(`../${name}`, folder), "utf8")))).join();

/// Colours that are data, and not those of the page: tokens of one sheet, and the scale of heatmaps.
const DATA = /^--|rgb\(68 1 84\)/;

test("colours are tokens", () => {
  const wrong = rules.filter(([name, rule]) => name !== "base.css" && /#[0-9a-f]{3,8}\b|rgb\(/i.test(rule.replace(/^[^:]*:/, "")) && rule.includes(":") && !DATA.test(rule) && !rule.includes("#add"));
  assert.deepEqual(wrong, []);
});

test("letters have the sizes and weights of the scale", () => {
  const sizes = rules.filter(([, rule]) => /^font-size:/.test(rule) && !/^font-size: (var\(--|calc\(1[23]px \/ var\(--scale|\.\d+em)/.test(rule));
  const weights = rules.filter(([, rule]) => /^font-weight:/.test(rule) && !/^font-weight: (400|600|700)$/.test(rule));
  assert.deepEqual([...sizes, ...weights], []);
});

test("corners are those of the scale", () => {
  const allowed = /^(0|2px|50%|inherit|var\(--corner[\w-]*\)|calc\(4px \/ var\(--scale, 1\)\)|\.3em| )+$/;
  const wrong = rules.filter(([, rule]) => rule.startsWith("border-radius:") && !allowed.test(rule.slice("border-radius:".length)));
  assert.deepEqual(wrong, []);
});

test("every token that is used is there", () => {
  const used = rules.flatMap(([name, rule]) => [...rule.matchAll(/var\((--[\w-]+)/g)].map(([, token]) => [name, token]));
  const missing = used.filter(([, token]) => !tokens.has(token) && !set.includes(`"${token}"`));
  assert.deepEqual(missing, []);
});

test("DESIGN.md names every shared token", async () => {
  const page = await readFile(new URL("../../DESIGN.md", folder), "utf8");
  const [, root] = /:root \{([^]*?)\n\}/.exec(sheets.find(([name]) => name === "base.css")[1]);
  const shared = [...root.matchAll(/^ {2}(--[\w-]+):/gm)].map(([, token]) => token);
  const unnamed = shared.filter((token) => !page.includes(`\`${token}\``) && !/-tint$|^--shade|^--space-[1-5]$/.test(token));
  assert.ok(shared.length > 30);
  assert.deepEqual(unnamed, []);
});

test("the form for the token has the tokens of the page", async () => {
  const form = await readFile(new URL("../../src/routes/token.html", folder), "utf8");
  const base = sheets.find(([name]) => name === "base.css")[1];
  const own = [...form.matchAll(/^ +(--[\w-]+: [^;]+;)/gm)].map(([, token]) => token);
  assert.ok(own.length > 15);
  assert.deepEqual(own.filter((token) => !base.includes(token)), []);
  const [, rules] = /:root \{[^]*?\n {4}\}([^]*)<\/style>/.exec(form);
  assert.doesNotMatch(rules, /#[0-9a-f]{3,8}\b|rgb\(/i, "and no others");
});
