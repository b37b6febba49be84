// Favourites written to sidecar files, and files shown in their folder, where the server allows it.

import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { findings } from "./axe.mjs";
import { allowing, idle, onPage, ready, tiles } from "./harness.mjs";

const shot = (page, n) => tiles(page).nth(n).locator("a.shot");
const act = (page) => page.locator("#selection").getByRole("menuitem", { name: "Write favourites to XMP sidecar files", exact: true });
const openExport = (page) => page.locator("#selection").getByRole("button", { name: "Export", exact: true }).click();
const write = async (page) => (await openExport(page), await act(page).click());
const said = (page, text) => page.locator(".toast", { hasText: text }).last().waitFor();
const recordOf = (page, n) => shot(page, n).evaluate((link) => fetch(`/api/v1/images/${new URL(link.href).searchParams.get("view")}`).then((answer) => answer.json()));
const favourites = (page, body) => page.evaluate((body) =>
  fetch("/api/v1/favourites", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }).then(({ ok }) => ok), body);

onPage("favourites of a selection are written to sidecar files once", { path: "/?q=umbrella" }, async (page) => {
  await tiles(page).nth(2).waitFor();
  const records = [await recordOf(page, 0), await recordOf(page, 1)];
  const sidecars = records[0].files.map((file) => `${file}.xmp`);
  assert.equal(records[0].rating, null);
  await favourites(page, { add: [records[0].id], remove: [records[1].id] });
  await page.reload();
  await ready(page);
  try {
    for (const n of [0, 1]) {
      await shot(page, n).focus();
      await page.keyboard.press("x");
    }
    await write(page);
    await said(page, `Sidecar files written: ${sidecars.length}`);
    for (const sidecar of sidecars) assert.match(await readFile(sidecar, "utf8"), /xmp:Rating="5"/);
    assert.deepEqual(await findings(page), []);
    await write(page);
    await said(page, "Nothing to write");
    await page.keyboard.press("Escape");
    await shot(page, 0).click();
    await page.locator("#facts", { hasText: "★★★★★" }).waitFor({ state: "attached" });
    await page.click("#further");
    await page.locator("#menu-sidecars").click();
    await said(page, "Nothing to write");
  } finally {
    await favourites(page, { remove: [records[0].id] });
    for (const sidecar of sidecars) await rm(sidecar, { force: true });
  }
});

onPage("what could not be written is named", async (page, { expect }) => {
  await page.route("**/api/v1/sidecars", (route) => route.fulfill({ json: { written: [], unchanged: 0, failed: [{ path: "/pictures/a.jpg", reason: "damaged" }] } }));
  await tiles(page).nth(0).waitFor();
  await shot(page, 0).focus();
  await page.keyboard.press("x");
  await write(page);
  await said(page, "Not written: 1. The first: /pictures/a.jpg");
  expect("api/v1/sidecars");
  await page.unroute("**/api/v1/sidecars");
  await page.route("**/api/v1/sidecars", (route) => route.fulfill({ status: 403, json: { code: "sidecars_not_allowed", message: "this server may not write sidecars" } }));
  await write(page);
  await said(page, "may not write sidecars");
});

for (const allowed of [true, false]) {
  onPage(`a server that ${allowed ? "allows it is" : "does not allow it is not"} asked to show a file in its folder`, async (page) => {
    await allowing(page, { trash: false, sidecars: allowed, reveal: allowed, roots: false });
    await page.reload();
    await ready(page);
    const asked = [];
    await page.route("**/api/v1/reveal", (route) => (asked.push(route.request().postDataJSON()), route.fulfill({ status: 204 })));
    await tiles(page).nth(0).waitFor();
    await idle(page);
    const { id } = await recordOf(page, 0);
    await shot(page, 0).focus();
    await page.keyboard.press("x");
    await openExport(page);
    assert.equal(await act(page).isVisible(), allowed);
    await page.keyboard.press("Escape"); // closes the menu
    assert.ok(await page.locator("#selection").isVisible(), "and not the selection");
    await page.keyboard.press("Escape");
    await shot(page, 0).click();
    await page.locator("#name", { hasText: "." }).waitFor({ state: "attached" });
    await page.click("#further");
    assert.deepEqual([await page.locator("#menu-reveal").isVisible(), await page.locator("#menu-sidecars").isVisible()], [allowed, allowed]);
    await page.keyboard.press("End");
    const last = await page.evaluate(() => document.activeElement?.id);
    assert.equal(last, allowed ? "menu-reveal" : await page.locator("#further-menu button:visible").last().getAttribute("id"), "keys pass over what is not shown");
    if (!allowed) return;
    assert.deepEqual(await findings(page), []);
    await page.keyboard.press("Enter");
    await said(page, "Shown in the file manager");
    assert.deepEqual(asked, [{ image: id }]);
  });
}
