// A small reverse proxy, as people put one in front of the server.

import { createServer, request } from "node:http";

/// Shows `target()` below `path` of an address of its own, which it gives. As nginx does by default, it takes the path
/// off and sends the server's own name as `Host`.
export async function startProxy({ path = "/", target }) {
  const proxy = createServer((asked, answer) => {
    if (!asked.url.startsWith(path)) return answer.writeHead(404).end("nothing here");
    const { hostname, port, host } = new URL(target());
    const headers = { ...asked.headers, host };
    const passed = request({ hostname, port, method: asked.method, path: `/${asked.url.slice(path.length)}`, headers }, (given) => {
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
