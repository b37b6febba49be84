// Starts the bundled demonstration on a free port and runs all tests against it.
//
//     npm ci && npm test [-- FILE...]
//     npm test -- --shards=2            half of the files at once, each half against a server of its own
//     npm run firefox                   the few tests that a stock Firefox runs, too
//     npm run shots                     the pictures of the README
//     npm run frames                    how smoothly 100,000 images move
//
// GLIMPSE_BIN names the program (default: the release build), CHROMIUM the browser. GLIMPSE_STATIC names a folder, such
// as ../../web/static: the page's files come from there, so that a change of the page needs no build of the program.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startProxy } from "./proxy.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const program = process.env.GLIMPSE_BIN ?? join(here, "../../target/release/glimpse");
const files = process.env.GLIMPSE_STATIC && resolve(process.env.GLIMPSE_STATIC);

const isShards = (argument) => argument.startsWith("--shards=");
const shards = Number(process.argv.find(isShards)?.split("=")[1] ?? 1);
const given = process.argv.slice(2).filter((argument) => !isShards(argument));
const tested = given.length ? given : [join(here, "*.test.mjs")];

const codes = await Promise.all(Array.from({ length: shards }, (_, index) => runShard(index + 1)));
process.exitCode = Math.max(...codes);

/// Runs one of the shards of the tests and gives its exit code. What the first one prints is seen as it comes, what
/// the others print, when they have ended.
async function runShard(index) {
  const server = await startServer();
  try {
    const options = ["--test", "--test-concurrency=1", "--test-reporter=spec", `--test-shard=${index}/${shards}`];
    const tests = spawn(process.execPath, [...options, ...tested], {
      cwd: here,
      env: { ...process.env, ...server.env },
      shell: tested[0].includes("*"),
      stdio: index === 1 ? "inherit" : ["ignore", "pipe", "inherit"],
    });
    let printed = "";
    tests.stdout?.setEncoding("utf8").on("data", (text) => (printed += text));
    const [code] = await once(tests, "close");
    process.stdout.write(printed);
    return code ?? 1;
  } finally {
    await server.stop();
  }
}

/// The demonstration in a folder of its own, behind reverse proxies whose addresses it has to know: at the root of an
/// address, below a path, and one for the tests themselves if the page's files come from a folder.
async function startServer() {
  const home = await mkdtemp(join(tmpdir(), "glimpse-browser-"));
  let target = "";
  const paths = files ? ["/", "/glimpse/", "/"] : ["/", "/glimpse/"];
  const proxies = await Promise.all(paths.map((path) => startProxy({ path, target: () => target, files })));
  const publicUrls = proxies.map(({ url }) => url);
  const server = spawn(program, ["demo", "--serve", "--no-open", "--port", "0", "--allow-root", tmpdir(), "--allow-trash", "--allow-sidecars",
    "--public-url", publicUrls.join()], {
    env: { ...process.env, GLIMPSE_HOME: home, GLIMPSE_TOKEN: undefined, XDG_DATA_HOME: home }, // which holds the trash
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(server, "exit");
  const stop = async () => {
    proxies.forEach(({ stop }) => stop());
    server.kill("SIGINT");
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  try {
    target = await address(server);
  } catch (error) {
    await stop();
    throw error;
  }
  const env = {
    GLIMPSE_URL: (publicUrls[2] ?? target).replace(/\/$/, ""),
    GLIMPSE_PICTURES: join(home, "demo/pictures"),
    GLIMPSE_TRASH: join(home, "Trash"),
    GLIMPSE_PROXY: publicUrls[0],
    GLIMPSE_PROXY_BELOW: publicUrls[1],
  };
  return { env, stop };
}

/// The address that the server prints when it answers.
function address(server) {
  return new Promise((found, failed) => {
    let text = "";
    server.stderr.on("data", (data) => {
      text += data;
      const [address] = /http:\/\/[^\s/]+/.exec(text) ?? [];
      if (address) found(address);
    });
    server.on("error", failed);
    server.on("exit", (code) => failed(new Error(`${program} ended with ${code}: ${text}`)));
  });
}
