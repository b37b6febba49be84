// Starts the bundled demonstration on a free port and runs all tests against it.
//
//     npm ci && npm test [-- FILE...]
//     npm run firefox                   the few tests that a stock Firefox runs, too
//     npm run shots                     the pictures of the README
//     npm run frames                    how smoothly 100,000 images move
//
// GLIMPSE_BIN names the program (default: the release build), CHROMIUM the browser. GLIMPSE_STATIC names a folder, such
// as ../../web/static: the page's files come from there, so that a change of the page needs no build of the program.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startProxy } from "./proxy.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.GLIMPSE_BIN ?? join(here, "../../target/release/glimpse");
const home = await mkdtemp(join(tmpdir(), "glimpse-browser-"));

/// Reverse proxies, whose addresses the server has to know: at the root of an address, below a path, and one for the
/// tests themselves if the page's files come from a folder.
let target = "";
const files = process.env.GLIMPSE_STATIC && resolve(process.env.GLIMPSE_STATIC);
const paths = files ? ["/", "/glimpse/", "/"] : ["/", "/glimpse/"];
const proxies = await Promise.all(paths.map((path) => startProxy({ path, target: () => target, files })));
const publicUrls = proxies.map(({ url }) => url);
const server = spawn(program, ["demo", "--serve", "--no-open", "--port", "0", "--allow-root", tmpdir(), "--allow-trash", "--allow-sidecars",
  "--public-url", publicUrls.join()], {
  env: { ...process.env, GLIMPSE_HOME: home, GLIMPSE_TOKEN: undefined, XDG_DATA_HOME: home }, // which holds the trash
  stdio: ["ignore", "ignore", "pipe"],
});

/// The address that the server prints when it answers.
const url = new Promise((found, failed) => {
  let text = "";
  server.stderr.on("data", (data) => {
    text += data;
    const [address] = /http:\/\/[^\s/]+/.exec(text) ?? [];
    if (address) found(address);
  });
  server.on("exit", (code) => failed(new Error(`${program} ended with ${code}: ${text}`)));
});

const tested = process.argv.length > 2 ? process.argv.slice(2) : [join(here, "*.test.mjs")];
const options = ["--test", "--test-concurrency=1", "--test-reporter=spec"];
let code = 1;
try {
  target = await url;
  const tests = spawn(process.execPath, [...options, ...tested], {
    cwd: here,
    env: { ...process.env, GLIMPSE_URL: (publicUrls[2] ?? target).replace(/\/$/, ""), GLIMPSE_PICTURES: join(home, "demo/pictures"), GLIMPSE_TRASH: join(home, "Trash"), GLIMPSE_PROXY: publicUrls[0], GLIMPSE_PROXY_BELOW: publicUrls[1] },
    shell: tested[0].includes("*"),
    stdio: "inherit",
  });
  code = await new Promise((done) => tests.on("exit", done));
} finally {
  proxies.forEach(({ stop }) => stop());
  server.removeAllListeners("exit");
  server.kill("SIGINT");
  await new Promise((done) => server.on("exit", done));
  await rm(home, { recursive: true, force: true });
}
process.exitCode = code;
