// The library panel: folders, a running job, what was skipped, and the model.

import { failures, folders, jobEvents, jobs, startJob, stats, steerJob } from "./api.js";
import { setUpBrowse } from "./browse.js";
import { $, fileName, h, isPlain } from "./dom.js";
import { explain, told } from "./errors.js";
import { icon } from "./icons.js";
import { percent } from "./marks.js";
import { qualityTable } from "./quality.js";
import { rootRow } from "./roots.js";
import { setUpRuns } from "./runs.js";
import { announce } from "./toast.js";
import { language, number, size, span, t } from "./words.js";

/// Files after which the time that is left can be told: the first ones say little of those to come.
const TOLD = 20;

/** @type {Record<NonNullable<Api.Job["unit"]>, Page.Sentence>} */
const DONE = { files: "filesDone", labels: "labelsDone", images: "imagesDone" };

/** @type {(job: Api.Job) => boolean} */
const isOver = (job) => !["running", "paused"].includes(job.state);

/** @typedef {[name: string, value: string | null]} Fact */

/// What scores stand on. Who fitted them said so in words of their own, which are English.
/** @type {(said: string | null) => string} */
const fittedOn = (said) => (said === null ? t("scoresEstimated") : language === "en" ? said : t("scoresFitted"));

/// What runs the model: "cpu (avx512-bf16; not …)". Why nothing faster does is said in English.
/** @type {(backend: string) => string} */
const runsOn = (backend) => (language === "en" ? backend : backend.replace(/;[^)]*/, ""));

/// `changed` is called when the library has changed; `allows` says what the server lets the page do, and `hidden` shows images that
/// are hidden.
/** @type {(on: { changed: () => void, allows: () => Partial<Api.Allows>, hidden: () => void }) => Page.Panel} */
export function setUpPanel({ changed, allows, hidden }) {
  const dialog = $("panel");
  /** @type {Api.Job | null} */
  let job = null;
  /** @type {EventSource | null} */
  let source = null;
  let seen = 0;

  $("library").addEventListener("click", open);
  $("panel-close").addEventListener("click", () => dialog.close());
  $("hidden-open").addEventListener("click", (event) => isPlain(event) && (event.preventDefault(), dialog.close(), hidden()));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const folderBrowser = setUpBrowse({ field: $("folder-path"), button: $("browse"), root: $("folder-browser"), problem: $("folder-problem") });
  const pastRuns = setUpRuns({ details: $("runs"), list: $("run-list"), again: (roots) => (begin(roots), $("panel").scrollTo(0, 0)) });
  $("add-folder").addEventListener("submit", async (event) => {
    event.preventDefault();
    const path = $("folder-path").value.trim();
    if (path && (await begin([path]))) ($("folder-path").value = ""), folderBrowser.close();
  });
  $("update").addEventListener("click", () => begin());

  /** @type {(roots?: string[], order?: { kind?: Api.JobKind, regions?: boolean }) => Promise<boolean>} */
  async function begin(roots = [], order = {}) {
    $("folder-problem").textContent = "";
    try {
      follow(await startJob(roots.length ? { roots, ...order } : order));
      renderLibrary();
      return true;
    } catch (error) {
      $("folder-problem").textContent = explain(error);
      return false;
    }
  }

  /// Follows a job to its end.
  /** @type {(next: Api.Job) => void} */
  function follow(next) {
    if (job?.id === next.id && !isOver(job)) return;
    source?.close();
    job = next;
    seen = next.counts.indexed;
    renderJob();
    if (isOver(job)) return;
    const events = jobEvents(job.id);
    let before = next;
    source = events;
    events.addEventListener("job", ({ data }) => {
      /** @type {Api.Job} */
      const now = JSON.parse(data);
      job = now;
      renderJob();
      if (now.counts.indexed - seen >= 200) {
        seen = now.counts.indexed;
        changed();
        if (dialog.open) renderLibrary();
      }
      const wasOver = isOver(before);
      before = now;
      if (!isOver(now)) return;
      events.close();
      if (!wasOver) announce(t(`job_${now.state}`));
      changed();
      pastRuns.refresh();
      if (dialog.open) renderLibrary();
    });
  }

  async function open() {
    $("hidden-open").hidden = !allows().hide;
    if (!dialog.open) dialog.showModal();
    renderJob();
    await renderLibrary();
    if (!job) {
      const latest = await jobs().then(({ jobs: [first] }) => first, () => null);
      if (latest && !job) follow(latest);
    }
  }

  async function renderLibrary() {
    const [tree, numbers] = await Promise.all([folders().catch(() => null), stats().catch(() => null)]);
    $("update").disabled = !tree?.roots.length;
    const known = tree?.roots ?? [];
    const roots = [...known, ...newRoots(known)];
    const gone = () => (changed(), renderLibrary(), $("folder-path").focus());
    $("roots").replaceChildren(...roots.map((root) => rootRow(root, { mayGo: allows().roots === true, gone })));
    // A list that scrolls is reached by keys, in itself if nothing in it is.
    $("roots").tabIndex = $("roots").querySelector("button") ? -1 : 0;
    $("no-roots").hidden = roots.length > 0;
    $("about-library").hidden = $("about-model").hidden = !numbers;
    if (!numbers) return;
    /** @type {Fact[]} */
    const facts = [
      [t("images"), number(numbers.images)],
      [t("files"), number(numbers.files)],
      [t("missingFiles"), numbers.missing ? number(numbers.missing) : null],
      [t("onDisk"), size(numbers.disk_bytes)],
      [t("model"), numbers.model.name],
    ];
    /** @type {Fact[]} */
    const technical = [
      [t("searchedBy"), t(`searchedBy_${numbers.searched_by}`)],
      [t("runsOn"), runsOn(numbers.model.backend)],
      [t("scores"), fittedOn(numbers.scores_fitted_on)],
    ];
    /** @type {(facts: Fact[]) => HTMLElement[]} */
    const list = (facts) => facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, h("bdi", {}, value))]);
    $("numbers").replaceChildren(...list(facts));
    $("technical").replaceChildren(...list(technical));
    $("quality").replaceChildren(...qualityTable(numbers.model.name));
    if (!numbers.regions) return;
    const { showPartTags } = await import("./part_tags.js");
    const dropped = async () => (changed(), await renderLibrary(), $("part-tags").querySelector("button")?.focus());
    showPartTags(numbers, { started: (begun) => (follow(begun), dialog.scrollTo(0, 0)), dropped });
  }

  /// Folders that the running job adds: the library has them once it has read them.
  /** @type {(known: Api.Folder[]) => { path: string, images: number | null, present: boolean }[]} */
  function newRoots(known) {
    /** @type {(path: string) => string} */
    const bare = (path) => path.replace(/[\\/]+$/, "");
    /** @type {(path: string) => boolean} */
    const isNew = (path) => !known.some((root) => `${path}/`.startsWith(`${bare(root.path)}/`) || path.startsWith(`${bare(root.path)}\\`));
    const added = job && !isOver(job) ? job.roots.map(bare).filter(isNew) : [];
    return added.map((path) => ({ path, images: null, present: true }));
  }

  function renderJob() {
    const box = $("job");
    box.hidden = !job;
    const going = job && !isOver(job) ? job : null;
    const share = going?.found ? Math.min(going.done / going.found, 1) : 0;
    $("library").classList.toggle("busy", Boolean(going));
    $("library").style.setProperty("--share", String(share));
    const isTagging = job?.kind === "tag_regions";
    banner(isTagging ? null : going, share); // results are whole while it tags
    if (!job) return;
    const { roots, failures, kind } = job;
    $("job-state").textContent = t(isTagging && job.state === "running" ? "job_tagging" : `job_${job.state}`);
    const left = [
      going && !going.found_all ? t("filesCounting", { n: job.done }) : t(DONE[job.unit ?? "files"], { n: job.done, found: job.found }),
      going?.found_all && percent(share),
      going && !isTagging && going.rate > 0 && t("rate", { rate: number(Math.round(going.rate * 10) / 10) }),
      going && going.eta !== null && going.done >= TOLD && t("eta", { time: span(going.eta) }),
      !going && t("took", { time: span(job.seconds) }),
    ];
    $("job-line").textContent = left.filter(Boolean).join(" · ");
    const meter = $("job-meter");
    meter.hidden = !going;
    if (job.found_all) meter.value = share;
    else meter.removeAttribute("value");
    const outcomes = /** @type {[keyof Api.Counts, number][]} */ (Object.entries(job.counts));
    const counts = outcomes.filter(([, n]) => n > 0).map(([name, n]) => h("li", {}, t(`count_${name}`, { n })));
    $("job-counts").replaceChildren(...counts);
    $("job-problem").replaceChildren(...(job.error ? told(job.error, job.reason_code) : []));
    /** @type {(name: string, label: Page.Sentence, sign: Page.Icon) => HTMLButtonElement} */
    const act = (name, label, sign) => h("button", { type: "button", on: { click: () => steer(name) } }, icon(sign), t(label));
    $("job-acts").replaceChildren(...[
      job.state === "running" && act("pause", "pause", "pause"),
      job.state === "paused" && act("resume", "resume", "play"),
      going && act("cancel", "cancel", "stop"),
      ["cancelled", "failed"].includes(job.state) && h("button", { type: "button", on: { click: () => begin(roots, { kind }) } }, icon("play"), t("startAgain")),
      !going && failures > 0 && act("retry", "retry", "retry"),
    ].filter((button) => button !== false && button !== null));
    renderFailures(job);
  }

  /** @type {(name: string) => Promise<void>} */
  async function steer(name) {
    if (!job) return;
    try {
      const answer = await steerJob(job.id, name);
      if (name === "retry") follow(answer);
    } catch (error) {
      $("job-problem").textContent = explain(error);
    }
  }

  const list = $("failures");
  list.addEventListener("toggle", () => list.open && loadFailures());
  /// Failures that are listed, and the job that they are of.
  /** @type {{ job: number | null, count: number, total: number }} */
  let listed = { job: null, count: 0, total: 0 };

  /** @type {(job: Api.Job) => void} */
  function renderFailures(job) {
    list.hidden = !job.failures;
    $("failures-title").textContent = t("failures", { n: job.failures });
    if (list.open && isOver(job) && (listed.job !== job.id || listed.total !== job.failures)) loadFailures();
  }

  /// Lists failures: all that were listed before, or some more.
  /** @type {(more?: boolean) => Promise<void>} */
  async function loadFailures(more = false) {
    if (!job) return;
    const { id } = job;
    const from = more && listed.job === id ? listed.count : 0;
    const answer = await failures(id, from).catch(() => null);
    if (!answer) return;
    /** @type {(failure: Api.Failure) => HTMLElement} */
    const line = ({ path, reason, reason_code }) =>
      h("li", {}, h("span", { class: "name", title: path }, h("bdi", {}, fileName(path))), h("div", { class: "soft" }, told(reason, reason_code)));
    const lines = answer.failures.map(line);
    $("failure-list").querySelector(".link")?.closest("li")?.remove();
    if (from) $("failure-list").append(...lines);
    else $("failure-list").replaceChildren(...lines);
    listed = { job: id, count: from + lines.length, total: answer.total };
    const left = answer.total - listed.count;
    if (left > 0) $("failure-list").append(h("li", {}, h("button", { class: "link", type: "button", on: { click: () => loadFailures(true) } }, t("andMore", { n: left }))));
    if (from) ($("failure-list").querySelector("button") ?? list.querySelector("summary"))?.focus();
  }

  /** @type {(going: Api.Job | null, share: number) => void} */
  function banner(going, share) {
    $("banner").hidden = !going;
    if (!going) return;
    const part = going.found_all ? t("incompleteShare", { share: number(Math.floor(share * 100)) }) : t("incomplete", { n: going.done });
    $("banner-text").textContent = going.state === "paused" ? t("incompletePaused") : part;
  }

  $("banner-open").addEventListener("click", open);
  /// Lets images that were indexed without regions get them.
  const makeRegions = () => (open(), begin([], { regions: true }));
  return { open, follow, makeRegions };
}
