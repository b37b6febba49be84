// Why something came to nothing is said in the language of the page, whose text has no English but what is opened for it.

import assert from "node:assert/strict";
import { findings } from "./axe.mjs";
import { onPage, ready } from "./harness.mjs";

const JOB = {
  id: 9, state: "failed", roots: ["/bilder"], found: 3, found_all: true, done: 3, counts: { failed: 1, skipped: 2 }, rate: 0, eta: null,
  seconds: 1, failures: 3, error: "/home/glimpse: in use by another glimpse process", reason_code: "in_use",
};
const FAILURES = [
  { path: "/bilder/leer.jpg", skipped: true, reason: "the file is empty", reason_code: "empty_file" },
  { path: "/bilder/geheim.jpg", skipped: false, reason: "Permission denied (os error 13)", reason_code: "not_permitted" },
  { path: "/bilder/neu.jpg", skipped: false, reason: "a reason of a newer server", reason_code: "never_heard_of" },
];

async function served(page) {
  await page.route("**/api/v1/jobs", (route) => route.fulfill(route.request().method() === "POST" ? { status: 202, json: JOB } : { json: { jobs: [JOB] } }));
  await page.route("**/api/v1/jobs/9", (route) => route.fulfill({ json: JOB }));
  await page.route("**/api/v1/jobs/9/failures**", (route) => route.fulfill({ json: { failures: FAILURES, total: FAILURES.length } }));
  const run = { began: "2026-05-03T10:00:00Z", ended: "2026-05-03T10:02:05Z", by: "server", roots: [], seen: 0, added: 0, removed: 0, failed: 0 };
  await page.route("**/api/v1/runs**", (route) => route.fulfill({ json: { runs: [{ ...run, outcome: "failed", message: "No space left on device", reason_code: "drive_full" }] } }));
}

async function openLibrary(page) {
  await served(page);
  await page.goto("/");
  await ready(page);
  await page.click("#library");
  await page.locator("#job-problem", { hasText: /\S/ }).waitFor();
  await page.click("#failures summary");
  await page.locator("#failure-list li").nth(2).waitFor();
  await page.click("#runs summary");
  await page.locator("#run-list .problem").waitFor();
}

for (const [locale, wanted] of [
  ["de-DE", ["Ein anderes Glimpse hat die Bibliothek offen", "Die Datei ist leer", "Das System lässt Glimpse dort nicht lesen", "Etwas ist schiefgegangen", "Das Laufwerk ist voll"]],
  ["ja-JP", ["別の Glimpse がライブラリーを開いています", "ファイルが空です", "システムが Glimpse の読み書きを許可していません", "問題が発生しました", "ドライブの空きがありません"]],
  ["ar-EG", ["المكتبة مفتوحة في نسخة أخرى", "الملف فارغ", "لا يسمح النظام", "حدث خطأ ما", "محرك الأقراص ممتلئ"]],
]) {
  onPage(`${locale}: a failed job, its files and past runs say why in that language`, { path: "about:blank", locale }, async (page) => {
    await openLibrary(page);
    const said = [await page.innerText("#job-problem"), ...await page.locator("#failure-list li .soft").allInnerTexts(), await page.innerText("#run-list .problem")];
    assert.equal(said.length, wanted.length);
    for (const [i, part] of wanted.entries()) {
      assert.ok(said[i].includes(part), `${part}: ${said[i]}`);
      assert.doesNotMatch(said[i], /in use|empty|denied|newer|space left/, "the server's words are not shown unless they are opened");
    }
    assert.deepEqual(await findings(page), []);
    await page.locator("#failure-list li summary").first().click();
    await page.locator("#failure-list bdi[lang=en]", { hasText: "the file is empty" }).waitFor();
  });
}

onPage("in English the server's own words are said, which tell more", { path: "about:blank" }, async (page) => {
  await openLibrary(page);
  assert.equal(await page.innerText("#job-problem"), JOB.error);
  assert.deepEqual(await page.locator("#failure-list li .soft").allInnerTexts(), FAILURES.map(({ reason }) => reason));
  assert.equal(await page.locator("#failure-list details").count(), 0);
});

onPage("an answer that is refused says why in the language of the page", { path: "about:blank", locale: "de-DE" }, async (page, { expect }) => {
  expect("api/v1/search");
  await page.route("**/api/v1/search", (route) => route.fulfill({ status: 503, json: { code: "not_ready", message: "in use", reason_code: "in_use" } }));
  await page.goto("/?q=zoo");
  await page.locator("#empty-advice", { hasText: "Ein anderes Glimpse hat die Bibliothek offen" }).waitFor();
});
