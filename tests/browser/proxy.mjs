// A small reverse proxy, as people put one in front of the server.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join } from "node:path";

/// Kinds of the page's files, as `web/src/routes/page.rs` has them.
const KINDS = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webmanifest": "application/manifest+json",
};
/// Headers that belong to the server's body, not to that of a file in its place.
const OF_BODY = ["content-encoding", "content-length", "content-type", "etag", "transfer-encoding"];

/// Shows `target()` below `path` of an address of its own, which it gives. As nginx does by default, it takes the path
/// off and sends the server's own name as `Host`. With `files`, a folder, the page's files come from there.
export async function startProxy({ path = "/", target, files = "" }) {
  const proxy = createServer((asked, answer) => {
    if (!asked.url.startsWith(path)) return answer.writeHead(404).end("nothing here");
    const { hostname, port, host } = new URL(target());
    const headers = { ...asked.headers, host };
    const file = files && asked.method === "GET" && fileOf(asked.url.slice(path.length), files);
    if (file) delete headers["if-none-match"];
    // A connection that the server is about to close is not used again.
    const passed = request({ hostname, port, method: asked.method, path: `/${asked.url.slice(path.length)}`, headers, agent: false }, (given) => {
      if (file) return given.resume(), sendFile(file, given, answer);
      answer.writeHead(given.statusCode, given.rawHeaders);
      given.pipe(answer);
    });
    passed.on("error", () => answer.writeHead(502).end("the server is away"));
    answer.on("close", () => passed.destroy());
    asked.pipe(passed);
  });
  await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${proxy.address().port}${path}`, stop: () => (proxy.closeAllConnections(), proxy.close()) };
}

/// The file in `folder` that the server would send for an address, if it is one of the page's.
function fileOf(address, folder) {
  const { pathname } = new URL(address, "http://page/");
  const name = { "/": "index.html", "/api/docs": "docs.html" }[pathname] ?? /^\/static\/(.+)/.exec(pathname)?.[1];
  return name && join(folder, name);
}

/// A file, with those headers of the server that say what a browser may do with it.
async function sendFile(file, { headers }, answer) {
  if (!existsSync(file)) return answer.writeHead(404).end("the page has no such file");
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_BODY.includes(name)));
  answer.writeHead(200, { ...kept, "content-type": KINDS[extname(file)] }).end(await readFile(file));
}
