// The library panel: folders, a running job, what was skipped, and the model.

import { failures, folders, jobEvents, jobs, startJob, stats, steerJob } from "./api.js";
import { $, breakable, fileName, h } from "./dom.js";
import { explain } from "./errors.js";
import { icon } from "./icons.js";
import { percent } from "./marks.js";
import { qualityTable } from "./quality.js";
import { announce } from "./toast.js";
import { number, size, span, t } from "./words.js";

const isOver = (job) => !["running", "paused"].includes(job.state);

/// `on.changed` is called when the library has changed.
export function setUpPanel({ changed }) {
  const dialog = $("panel");
  let job = null;
  let source = null;
  let seen = 0;

  $("library").addEventListener("click", open);
  $("panel-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  $("add-folder").addEventListener("submit", async (event) => {
    event.preventDefault();
    const path = $("folder-path").value.trim();
    if (path && (await begin([path]))) $("folder-path").value = "";
  });
  $("update").addEventListener("click", () => begin());

  async function begin(roots = [], order = {}) {
    $("folder-problem").textContent = "";
    try {
      follow(await startJob({ roots, ...order }));
      renderLibrary();
      return true;
    } catch (error) {
      $("folder-problem").textContent = explain(error);
      return false;
    }
  }

  /// Follows a job to its end.
  function follow(next) {
    if (job?.id === next.id && !isOver(job)) return;
    source?.close();
    job = next;
    seen = next.counts.indexed;
    renderJob();
    if (isOver(job)) return;
    source = jobEvents(job.id);
    source.addEventListener("job", ({ data }) => {
      const before = job;
      job = JSON.parse(data);
      renderJob();
      if (job.counts.indexed - seen >= 200) {
        seen = job.counts.indexed;
        changed();
        if (dialog.open) renderLibrary();
      }
      if (!isOver(job)) return;
      source.close();
      if (!isOver(before)) announce(t(`job_${job.state}`));
      changed();
      if (dialog.open) renderLibrary();
    });
  }

  async function open() {
    if (!dialog.open) dialog.showModal();
    renderJob();
    await renderLibrary();
    if (!job) {
      const latest = (await jobs().catch(() => ({ jobs: [] }))).jobs[0];
      if (latest && !job) follow(latest);
    }
  }

  async function renderLibrary() {
    const [tree, numbers] = await Promise.all([folders().catch(() => null), stats().catch(() => null)]);
    $("update").disabled = !tree?.roots.length;
    const roots = [...(tree?.roots ?? []), ...newRoots(tree?.roots ?? [])];
    $("roots").replaceChildren(...roots.map(({ path, images, present }) =>
      h("li", {}, icon(present ? "folder" : "warn"),
        h("span", { class: "name", title: path }, h("strong", {}, h("bdi", {}, fileName(path) || path)), h("span", { class: "soft path" }, h("bdi", {}, present ? breakable(path) : t("notReachable", { path })))),
        h("span", { class: "count" }, images === null ? "…" : number(images)))));
    $("no-roots").hidden = roots.length > 0;
    $("about-library").hidden = $("about-model").hidden = !numbers;
    if (!numbers) return;
    const facts = [
      [t("images"), number(numbers.images)],
      [t("files"), number(numbers.files)],
      [t("missingFiles"), numbers.missing ? number(numbers.missing) : null],
      [t("onDisk"), size(numbers.disk_bytes)],
      [t("model"), numbers.model.name],
    ];
    const technical = [
      [t("searchedBy"), numbers.search],
      [t("runsOn"), numbers.model.backend],
      [t("scores"), numbers.scores_fitted_on ?? t("scoresEstimated")],
    ];
    const list = (facts) => facts.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, h("bdi", {}, value))]);
    $("numbers").replaceChildren(...list(facts));
    $("technical").replaceChildren(...list(technical));
    $("quality").replaceChildren(...qualityTable(numbers.model.name));
  }

  /// Folders that the running job adds: the library has them once it has read them.
  function newRoots(known) {
    const bare = (path) => path.replace(/[\\/]+$/, "");
    const isNew = (path) => !known.some((root) => `${path}/`.startsWith(`${bare(root.path)}/`) || path.startsWith(`${bare(root.path)}\\`));
    const added = job && !isOver(job) ? job.roots.map(bare).filter(isNew) : [];
    return added.map((path) => ({ path, images: null, present: true }));
  }

  function renderJob() {
    const box = $("job");
    box.hidden = !job;
    const going = job && !isOver(job);
    const share = going && job.found ? Math.min(job.done / job.found, 1) : 0;
    $("library").classList.toggle("busy", Boolean(going));
    $("library").style.setProperty("--share", share);
    banner(going, share);
    if (!job) return;
    $("job-state").textContent = t(`job_${job.state}`);
    const left = [
      going && !job.found_all ? t("filesCounting", { n: job.done }) : t("filesDone", { n: job.done, found: job.found }),
      going && job.found_all && percent(share),
      going && job.rate > 0 && t("rate", { rate: number(Math.round(job.rate * 10) / 10) }),
      going && job.eta !== null && t("eta", { time: span(job.eta) }),
      !going && t("took", { time: span(job.seconds) }),
    ];
    $("job-line").textContent = left.filter(Boolean).join(" · ");
    const meter = $("job-meter");
    meter.hidden = !going;
    if (job.found_all) meter.value = share;
    else meter.removeAttribute("value");
    const counts = Object.entries(job.counts).filter(([, n]) => n > 0).map(([name, n]) => h("li", {}, t(`count_${name}`, { n })));
    $("job-counts").replaceChildren(...counts);
    $("job-problem").textContent = job.error ?? "";
    const act = (name, label, sign) => h("button", { type: "button", on: { click: () => steer(name) } }, icon(sign), t(label));
    $("job-acts").replaceChildren(...[
      job.state === "running" && act("pause", "pause", "pause"),
      job.state === "paused" && act("resume", "resume", "play"),
      going && act("cancel", "cancel", "stop"),
      ["cancelled", "failed"].includes(job.state) && h("button", { type: "button", on: { click: () => begin(job.roots) } }, icon("play"), t("startAgain")),
      !going && job.failures > 0 && act("retry", "retry", "retry"),
    ].filter(Boolean));
    renderFailures();
  }

  async function steer(name) {
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
  let listed = { job: null, count: 0, total: 0 };

  function renderFailures() {
    list.hidden = !job.failures;
    $("failures-title").textContent = t("failures", { n: job.failures });
    if (list.open && isOver(job) && (listed.job !== job.id || listed.total !== job.failures)) loadFailures();
  }

  /// Lists failures: all that were listed before, or some more.
  async function loadFailures(more = false) {
    const from = more && listed.job === job.id ? listed.count : 0;
    const answer = await failures(job.id, from).catch(() => null);
    if (!answer) return;
    const line = ({ path, reason }) =>
      h("li", {}, h("span", { class: "name", title: path }, h("bdi", {}, fileName(path))), h("span", { class: "soft" }, h("bdi", {}, reason)));
    const lines = answer.failures.map(line);
    $("failure-list").querySelector(".link")?.closest("li").remove();
    if (from) $("failure-list").append(...lines);
    else $("failure-list").replaceChildren(...lines);
    listed = { job: job.id, count: from + lines.length, total: answer.total };
    const left = answer.total - listed.count;
    if (left > 0) $("failure-list").append(h("li", {}, h("button", { class: "link", type: "button", on: { click: () => loadFailures(true) } }, t("andMore", { n: left }))));
    if (from) ($("failure-list").querySelector(".link") ?? list.firstElementChild).focus();
  }

  function banner(going, share) {
    $("banner").hidden = !going;
    if (!going) return;
    const part = job.found_all ? t("incompleteShare", { share: number(Math.floor(share * 100)) }) : t("incomplete", { n: job.done });
    $("banner-text").textContent = job.state === "paused" ? t("incompletePaused") : part;
  }

  $("banner-open").addEventListener("click", open);
  /// Lets images that were indexed without regions get them.
  const makeRegions = () => (open(), begin([], { regions: true }));
  return { open, follow, makeRegions };
}
