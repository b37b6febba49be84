// Draws the icons that devices ask for, out of the page's own: `npm run icons`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";

const from = (name) => new URL(`../../web/static/${name}`, import.meta.url);
const icon = await readFile(from("icon.svg"), "utf8");
const [, blue] = /<rect[^>]*fill="(#\w+)"/.exec(icon);
/// Devices cut a maskable icon to any shape within its edges, and lay iOS's on black where it is transparent: both are filled,
/// and what is drawn keeps to the circle that is never cut.
const ICONS = [
  { name: "192", side: 192 },
  { name: "512", side: 512 },
  { name: "maskable", side: 512, share: 0.8, ground: blue },
  { name: "apple", side: 180, ground: blue },
];

const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu"] });
await mkdir(from("icons"), { recursive: true });
for (const { name, side, share = 1, ground = "transparent" } of ICONS) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  await page.setContent(`<style>body { margin: 0; background: ${ground}; display: grid; place-items: center; height: 100vh }
    svg { width: ${share * 100}%; display: block }</style>${icon}`);
  await writeFile(from(`icons/${name}.png`), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
