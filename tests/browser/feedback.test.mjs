// Answers that match and that do not: said of a selection, seen at once, and forgiven.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { onPage, ready, tiles } from "./harness.mjs";

const said = (page, text) => page.locator(".toast", { hasText: text }).last().waitFor();
const idOf = (tile) => tile.locator("a.shot").evaluate((link) => Number(new URL(link.href).searchParams.get("view")));
const shown = (page) => tiles(page).evaluateAll((all) => all.map((tile) => Number(new URL(tile.querySelector("a.shot").href).searchParams.get("view"))));
const menu = (page) => page.locator("#selection").getByRole("button", { name: "Match?" });
/// Images that are selected, near duplicates that a tile stands for included.
const selected = async (page) => {
  const count = page.locator("#selection .selected-count", { hasText: /\d/ }); // waits until it says how many
  return Number((await count.textContent()).match(/\d+/)[0]);
};
const selectFirst = async (page) => (await tiles(page).first().locator("a.shot").focus(), await page.keyboard.press("x"));

onPage("an answer that does not match is left out at once, and found again when that is forgiven", { path: "/?q=lighthouse" }, async (page) => {
  await ready(page);
  const first = await idOf(tiles(page).first());
  await selectFirst(page);
  const many = await selected(page);
  await menu(page).click();
  assert.deepEqual(await findings(page), []);
  await page.getByRole("menuitem", { name: "They do not match" }).click();
  await said(page, new RegExp(`^${many} left out of this search from now on`));
  try {
    await page.locator("#note-text", { hasText: new RegExp(`^${many} left out, as you said that`) }).waitFor();
    await page.waitForFunction((id) => ![...document.querySelectorAll("#grid a.shot")].some((link) => new URL(link.href).searchParams.get("view") === String(id)), first);
    assert.deepEqual(await findings(page), []);
  } finally {
    await page.getByRole("button", { name: "Show again" }).click();
  }
  await said(page, new RegExp(`^${many} shown again`));
  await page.waitForFunction((id) => [...document.querySelectorAll("#grid a.shot")].some((link) => new URL(link.href).searchParams.get("view") === String(id)), first);
  assert.equal((await shown(page))[0], first);
});

onPage("what matches is said with keys alone, and only of a text that is searched by itself", { path: "/?q=lighthouse" }, async (page) => {
  await ready(page);
  await selectFirst(page);
  const many = await selected(page);
  await menu(page).focus();
  await page.keyboard.press("Enter");
  await page.locator('[role="menuitem"]:focus', { hasText: "They match" }).waitFor();
  await page.keyboard.press("Enter");
  await said(page, new RegExp(`^${many} noted: this search always finds`));
  await page.evaluate(async () => {
    const at = "/api/v1/feedback";
    const of = async (body) => (await fetch(at, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).json();
    const { right } = await of({ text: "lighthouse" });
    if (right.length === 0) throw new Error("none is right");
    await of({ text: "lighthouse", unsaid: right });
  });
  for (const other of ["/", "/?find=1&q=lighthouse", "/?c=t:1:ship&q=lighthouse"]) {
    await page.goto(other);
    await ready(page);
    await selectFirst(page);
    await page.locator("#selection .selected-count").waitFor();
    assert.ok(await menu(page).isHidden(), other);
  }
});
