// How smoothly a library of 100,000 images moves: `npm run frames`. Its tiles are made up (timeline.mjs), its thumbnails are
// those of the bundled library. Real input events drag the strip of years and turn the wheel while the browser records what
// each frame costs. benches/RESULTS-page.md has what came out, and says what the columns are.

import { Agent, createServer, request } from "node:http";
import { loadavg } from "node:os";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { browserPath } from "./browser.mjs";
import { url } from "./harness.mjs";
import { answersOf, library } from "./timeline.mjs";

/// Milliseconds of a screen, and after a gesture until what it led to is there.
const SCREEN = 1000 / 60;
const AFTER = 600;
/// Events of a gesture: one that takes four seconds where every screen has its frame.
const STEPS = 240;
/// Visits whose start is measured; with GLIMPSE_STARTS nothing else is.
const STARTS = Number(process.env.GLIMPSE_STARTS ?? 9);
const ONLY_STARTS = "GLIMPSE_STARTS" in process.env;
const SIZES = [160, 320, 640];
const CATEGORIES = ["disabled-by-default-devtools.timeline", "devtools.timeline", "benchmark"];
/// What any page costs this browser on this machine: one tile and its image, and nothing else.
const EMPTY_PAGE = `<!doctype html><meta charset="utf-8"><title>empty</title><div id="grid"><div class="tile"><a><img src="/api/v1/images/1/thumbnail?size=320"></a></div></div>
<script>
const [image, ready] = [document.querySelector("img"), () => document.querySelector("a").classList.add("ready")];
image.complete ? ready() : image.addEventListener("load", ready);
</script>`;
const WINDOWS = [
  ["laptop, 1280 × 800", { viewport: { width: 1280, height: 800 } }],
  ["phone, 390 × 844 at 2x", { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true }],
];

/// Thumbnails of the bundled library, some of each size.
async function thumbnails() {
  const { hits } = await fetch(`${url}/api/v1/search`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"limit":24}' }).then((answer) => answer.json());
  const entries = SIZES.map(async (size) => [size, await Promise.all(hits.map(({ id }) => fetch(`${url}/api/v1/images/${id}/thumbnail?size=${size}`).then(async (answer) => ({ type: answer.headers.get("content-type"), bytes: Buffer.from(await answer.arrayBuffer()) }))))]);
  return Object.fromEntries(await Promise.all(entries));
}

/// A server with the made-up library, which takes the page from the real one.
async function startLibrary(images) {
  const answers = answersOf(library());
  const own = new URL(url);
  // As many connections as the browser would have.
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const server = createServer(async (asked, answer) => {
    const { pathname, searchParams } = new URL(asked.url, own);
    const [, id] = /\/images\/(\d+)\/thumbnail$/.exec(pathname) ?? [];
    if (id) {
      const some = images[searchParams.get("size")] ?? images[320];
      const { type, bytes } = some[id % some.length];
      return answer.writeHead(200, { "content-type": type, "cache-control": "max-age=3600" }).end(bytes);
    }
    if (answers[pathname]) {
      const parts = await asked.toArray();
      return answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answers[pathname](JSON.parse(Buffer.concat(parts)))));
    }
    if (pathname === "/empty") return answer.writeHead(200, { "content-type": "text/html" }).end(EMPTY_PAGE);
    if (pathname === "/api/v1/images") return answer.writeHead(200, { "content-type": "application/json" }).end('{"images":[]}');
    const headers = { ...asked.headers, host: own.host, origin: own.origin };
    const passed = request({ hostname: own.hostname, port: own.port, method: asked.method, path: asked.url, headers, agent }, (given) => (answer.writeHead(given.statusCode, given.rawHeaders), given.pipe(answer)));
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => (agent.destroy(), server.closeAllConnections(), server.close()) };
}

/// Moments from the start of the navigation, in the page: of the first tiles, and when all thumbnails in view are there. Said
/// on the console: to ask the page for them would make it slower.
function watchStart() {
  const seen = {};
  const look = () => {
    const tiles = [...document.querySelectorAll("#grid .tile")].filter((tile) => tile.getBoundingClientRect().top < innerHeight);
    if (tiles.length) seen.tiles ??= performance.now();
    if (!tiles.length || !tiles.every((tile) => tile.querySelector("a.ready"))) return requestAnimationFrame(look);
    seen.images = performance.now();
    console.debug(`started ${JSON.stringify(seen)}`);
  };
  requestAnimationFrame(look);
}

/// Opens the page in a browser that knows nothing of it. Gives the page and those moments; with `trace`, also what the main
/// thread did until then, in milliseconds by kind.
async function start(browser, options, address, { path = "/", trace = false } = {}) {
  const context = await browser.newContext({ ...options, baseURL: address, locale: "en-GB", serviceWorkers: "block" });
  const page = await context.newPage();
  await page.addInitScript(watchStart);
  const told = page.waitForEvent("console", { predicate: (message) => message.text().startsWith("started "), timeout: 60_000 });
  const open = async () => {
    await page.goto(path, { waitUntil: "commit" });
    return JSON.parse((await told).text().slice("started ".length));
  };
  if (!trace) return { context, page, moments: await open(), kinds: {} };
  let moments;
  const events = await traced(await context.newCDPSession(page), async () => void (moments = await open()));
  return { context, page, moments, kinds: startOf(events) };
}

/// Milliseconds of the page's main thread by kind of work.
function startOf(events) {
  const works = new Map();
  for (const { pid, tid, name } of events) if (["EvaluateScript", "FireAnimationFrame"].includes(name)) works.set(`${pid} ${tid}`, (works.get(`${pid} ${tid}`) ?? 0) + 1);
  const [main] = [...works].toSorted((a, b) => b[1] - a[1])[0];
  return byKind(events.filter(({ pid, tid }) => `${pid} ${tid}` === main), () => true);
}

/// Frames by the page's own clock, in milliseconds.
function watchFrames() {
  const times = (window.times = []);
  let last = performance.now();
  const step = (now) => {
    times.push(now - last);
    last = now;
    window.watching = requestAnimationFrame(step);
  };
  window.watching = requestAnimationFrame(step);
}

/// Moves the page by one event a frame, whatever a frame takes: so a busy machine has as much to do for each as an idle one.
async function gesture(page, session, mobile, name) {
  const eachFrame = async (send) => {
    for (let step = 0; step <= STEPS; step += 1) await send(step / STEPS);
  };
  if (name === "wheel") {
    const { width, height } = page.viewportSize();
    return eachFrame(() => session.send("Input.dispatchMouseEvent", { type: "mouseWheel", x: width / 3, y: height / 2, deltaX: 0, deltaY: 60 }));
  }
  if (mobile) {
    // Only a page that moves shows the handle.
    await page.evaluate(() => scrollBy(0, 10));
    await page.locator("#scrubber.moving .thumb").waitFor();
  }
  const box = await page.locator(mobile ? "#scrubber .thumb" : "#scrubber").boundingBox();
  const strip = await page.locator("#scrubber").boundingBox();
  const x = mobile ? box.x + box.width / 2 : strip.x + strip.width / 2;
  // Down to the end and half the way back.
  const y = (share) => strip.y + 4 + (strip.height - 8) * (share < 0.67 ? share / 0.67 : 1 - (share - 0.67) * 1.5);
  const send = (type, y) => (mobile
    ? session.send("Input.dispatchTouchEvent", { type: { down: "touchStart", move: "touchMove", up: "touchEnd" }[type], touchPoints: type === "up" ? [] : [{ x, y }] })
    : session.send("Input.dispatchMouseEvent", { type: { down: "mousePressed", move: "mouseMoved", up: "mouseReleased" }[type], x, y, button: "left", buttons: type === "up" ? 0 : 1, clickCount: 1 }));
  await send("down", mobile ? box.y + box.height / 2 : y(0));
  await eachFrame((share) => send("move", y(share)));
  await send("up", y(1));
}

/// Records what the browser does meanwhile.
async function traced(session, act) {
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: CATEGORIES, excludedCategories: ["*"] } });
  await act();
  const complete = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.end");
  await complete;
  return events;
}

/// What the browser's events are work for. Time of other ones, and of none, is "other".
const KINDS = {
  script: ["FunctionCall", "EvaluateScript", "TimerFire", "FireAnimationFrame", "EventDispatch", "RunMicrotasks", "v8.callFunction", "V8.GCScavenger", "MinorGC", "MajorGC", "BlinkGC.AtomicPhase", "XHRLoad", "ResourceReceivedData", "ResourceFinish", "ResourceSendRequest", "ResourceReceiveResponse"],
  style: ["UpdateLayoutTree", "ScheduleStyleRecalculation", "ParseAuthorStyleSheet"],
  layout: ["Layout", "InvalidateLayout", "IntersectionObserverController::computeIntersections"],
  paint: ["PrePaint", "Paint", "Layerize", "Commit", "UpdateLayer", "UpdateLayerTree", "CompositeLayers"],
  raster: ["RasterTask", "Rasterize"],
  decode: ["Decode Image", "Decode LazyPixelRef", "ImageDecodeTask", "Draw LazyPixelRef"],
};
const KIND_OF = new Map(Object.entries(KINDS).flatMap(([kind, names]) => names.map((name) => [name, kind])));

/// Milliseconds of the processor by kind of work: what each event took itself, without those within it.
function byKind(events, isMain) {
  const sums = {};
  const threads = {};
  for (const event of events) if (event.ph === "X" && event.dur !== undefined) (threads[`${event.pid} ${event.tid}`] ??= []).push(event);
  for (const thread of Object.values(threads)) {
    const main = isMain(thread[0]);
    const open = [];
    for (const event of thread.toSorted((a, b) => a.ts - b.ts || b.dur - a.dur)) {
      while (open.length && open.at(-1).ts + open.at(-1).dur <= event.ts) open.pop();
      const time = (event.tdur ?? event.dur) / 1000;
      const kind = KIND_OF.get(event.name) ?? (open.at(-1)?.kind || "other");
      const name = main || ["raster", "decode"].includes(kind) ? kind : "other threads";
      sums[name] = (sums[name] ?? 0) + time;
      const around = open.at(-1);
      if (around) sums[around.name] -= time;
      open.push({ ts: event.ts, dur: event.dur, kind: KIND_OF.has(event.name) ? kind : around?.kind, name });
    }
  }
  return sums;
}

/// Milliseconds of the processor that the page's main thread took for each frame, and what became of the frames.
function read(events) {
  const named = (name) => events.filter((event) => event.name === name);
  const moves = named("FireAnimationFrame");
  const tallies = new Map();
  for (const { pid, tid } of moves) tallies.set(`${pid} ${tid}`, (tallies.get(`${pid} ${tid}`) ?? 0) + 1);
  const [main] = [...tallies].toSorted((a, b) => b[1] - a[1])[0];
  const isMain = ({ pid, tid }) => `${pid} ${tid}` === main;
  const starts = moves.filter(isMain).map(({ ts }) => ts).toSorted((a, b) => a - b).filter((ts, i, all) => i === 0 || ts - all[i - 1] > 1000);
  const work = starts.map(() => 0);
  let at = 0;
  for (const task of events.filter((event) => isMain(event) && /^(RunTask|ThreadControllerImpl::RunTask)$/.test(event.name) && event.ph === "X").toSorted((a, b) => a.ts - b.ts)) {
    while (at + 1 < starts.length && starts[at + 1] <= task.ts + task.dur / 2) at += 1;
    work[at] += (task.tdur ?? task.dur) / 1000;
  }
  const page = Number(main.split(" ")[0]);
  const states = named("PipelineReporter").filter(({ pid, ph }) => pid === page && (ph === "b" || ph === "B"))
    .map(({ args }) => (args.chrome_frame_reporter ?? args.frame_reporter)?.state).filter(Boolean);
  const tally = (state) => states.filter((one) => one === state).length;
  const wanted = states.length - tally("STATE_NO_UPDATE_DESIRED");
  const kinds = byKind(events, isMain);
  return { work, dropped: wanted ? tally("STATE_DROPPED") / wanted : NaN, kinds: Object.fromEntries(Object.entries(kinds).map(([kind, ms]) => [kind, ms / work.length])) };
}

const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(Math.floor(values.length * share), values.length - 1)];
const shareOf = (values, is) => `${((100 * values.filter(is).length) / values.length).toFixed(1)} %`;

test("how smoothly 100,000 images move", { timeout: 600_000 }, async () => {
  const images = await thumbnails();
  const made = await startLibrary(images);
  const browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
  console.log(`Chromium ${browser.version()}, load ${loadavg()[0].toFixed(1)}\n`);
  console.log("| window | gesture | frames | p50 ms | p95 ms | over 25 ms | dropped | main thread p50 ms | p95 ms | over 16.7 ms |");
  console.log("|---|---|---|---|---|---|---|---|---|---|");
  const [starts, costs, begun] = [[], [], []];
  for (const [name, options] of WINDOWS) {
    // In turn, so that both meet the machine as busy.
    const all = { "/": [], "/empty": [] };
    for (let i = 0; i < STARTS; i++) {
      for (const path of Object.keys(all)) {
        const { context, moments } = await start(browser, options, made.url, { path });
        all[path].push(moments);
        await context.close();
      }
    }
    const of = (path, moment) => [0, 0.5].map((share) => at(all[path].map((moments) => moments[moment]), share).toFixed(0)).join(" to ");
    starts.push(`| ${name} | ${of("/", "tiles")} | ${of("/", "images")} | ${of("/empty", "images")} |`);
    for (const path of Object.keys(all)) {
      const visits = [];
      for (let i = 0; i < Math.min(STARTS, 5); i++) {
        const { context, kinds } = await start(browser, options, made.url, { path, trace: true });
        visits.push(kinds);
        await context.close();
      }
      begun.push([`${name}, ${path === "/" ? "the page" : "empty page"}`, (kind) => at(visits.map((kinds) => kinds[kind] ?? 0), 0.5)]);
    }
    if (ONLY_STARTS) continue;
    const { context, page } = await start(browser, options, made.url);
    for (const what of ["years", "wheel"]) {
      const session = await context.newCDPSession(page);
      await page.evaluate(() => scrollTo(0, 0));
      await page.waitForTimeout(AFTER);
      const events = await traced(session, async () => {
        await page.evaluate(watchFrames);
        await gesture(page, session, options.isMobile, what);
        await page.waitForTimeout(AFTER);
        await page.evaluate(() => cancelAnimationFrame(window.watching));
      });
      const times = (await page.evaluate(() => window.times)).slice(2);
      const { work, dropped, kinds } = read(events);
      costs.push([name, what, kinds]);
      const ms = (values, share) => at(values, share).toFixed(1);
      console.log(`| ${name} | ${what === "years" ? "strip of years dragged" : "wheel, 60 px an event"} | ${times.length} | ${ms(times, 0.5)} | ${ms(times, 0.95)} | ${shareOf(times, (time) => time > 25)} | ${(100 * dropped).toFixed(1)} % | ${ms(work, 0.5)} | ${ms(work, 0.95)} | ${shareOf(work, (time) => time > SCREEN)} |`);
      await session.detach();
    }
    await context.close();
  }
  const columns = ["script", "style", "layout", "paint", "other", "decode", "raster"];
  console.log(`\n| ms a frame, on average | ${columns.join(" | ")} |\n|---${"|---".repeat(columns.length)}|`);
  for (const [name, what, kinds] of costs) console.log(`| ${name}, ${what} | ${columns.map((kind) => (kinds[kind] ?? 0).toFixed(1)).join(" | ")} |`);
  console.log(`\n| window | first tiles, ms after the start of the navigation, least to median of ${STARTS} | all thumbnails in view | an empty page's one image |\n|---|---|---|---|\n${starts.join("\n")}`);
  const parts = ["script", "style", "layout", "paint", "other"];
  console.log(`\n| main thread until all thumbnails are there, ms, median | ${parts.join(" | ")} |\n|---${"|---".repeat(parts.length)}|`);
  for (const [name, ms] of begun) console.log(`| ${name} | ${parts.map((kind) => ms(kind).toFixed(0)).join(" | ")} |`);
  await browser.close();
  made.stop();
});
