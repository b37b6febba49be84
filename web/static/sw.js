// Keeps the files of the page, so that it opens, and says so, while the server is away. What is in the library is not kept.
// This is a service worker: it stands between the page and the server.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/// Another one whenever a file of the page is another one: the server puts it here.
const VERSION = "{version}";
/// The server may stand below any path.
const PAGE = new URL("../", worker.location.href);
const LANGUAGE = new URL(worker.location.href).searchParams.get("language") ?? "en";
/// Copies of this version, and images that other programs handed over.
const KEPT = `glimpse ${PAGE.pathname} ${VERSION} ${LANGUAGE}`;
const HANDED = `glimpse ${PAGE.pathname} handed`;
/// What a reverse proxy answers while its server is away.
const AWAY = [502, 503, 504];
/// A server that takes longer, in milliseconds, counts as away if there is a copy.
const PATIENCE = 4000;

worker.addEventListener("install", (event) => event.waitUntil(keep()));
worker.addEventListener("activate", (event) => event.waitUntil(forget()));
worker.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const path = pathOf(url);
  if (method === "POST" && path === "share") event.respondWith(take(event.request));
  else if (method === "GET" && path === "") event.respondWith(fromServer(event.request, PAGE.href));
  else if (method === "GET" && path?.startsWith("static/")) event.respondWith(fromServer(event.request, new URL(path, PAGE).href));
});

/// An address as seen from the page, without what is asked of it; none for one of another place.
/** @type {(address: string) => string | undefined} */
function pathOf(address) {
  const { origin, pathname } = new URL(address);
  return origin === PAGE.origin && pathname.startsWith(PAGE.pathname) ? pathname.slice(PAGE.pathname.length) : undefined;
}

/// Takes a copy of the page, of all files that it names, and of its words.
async function keep() {
  const page = await fetch(PAGE, { cache: "no-cache" });
  if (!page.ok) throw new Error(`the server answers ${page.status}`);
  const named = [...(await page.clone().text()).matchAll(/(?:href|src)="(static\/[^"]+)"/g)].map(([, path]) => path);
  const files = new Set([...named, `static/words/${LANGUAGE}.json`]);
  const copies = await caches.open(KEPT);
  await copies.addAll([...files].map((path) => new Request(new URL(path, PAGE), { cache: "no-cache" })));
  await copies.put(PAGE, page);
  await worker.skipWaiting();
}

/// Throws copies of other versions away.
async function forget() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(`glimpse ${PAGE.pathname} `) && name !== KEPT && name !== HANDED);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/// What the server has, or the copy if the server is away.
/** @type {(request: Request, name: string) => Promise<Response>} */
async function fromServer(request, name) {
  const copy = await caches.match(name, { cacheName: KEPT });
  if (!copy) return fetch(request);
  const asked = fetch(request).then((answer) => (AWAY.includes(answer.status) ? copy : answer), () => copy);
  const waited = new Promise((done) => setTimeout(done, PATIENCE, copy));
  return Promise.race([asked, waited]);
}

/// Another program hands something over. Images wait for the page, which fetches them; a text or an address is searched for.
/** @type {(request: Request) => Promise<Response>} */
async function take(request) {
  const form = await request.formData();
  const images = form.getAll("image").filter((part) => part instanceof File).filter(({ size }) => size > 0);
  const text = ["text", "title", "url"].map((name) => form.get(name)).find(Boolean);
  if (images.length) {
    const handed = await caches.open(HANDED);
    const name = (/** @type {number} */ i) => new URL(`handed/${i}`, PAGE);
    await Promise.all(images.map((image, i) => handed.put(name(i), new Response(image, { headers: { "Content-Type": image.type } }))));
    return Response.redirect(new URL("?handed=1", PAGE), 303);
  }
  return Response.redirect(new URL(text ? `?q=${encodeURIComponent(String(text))}` : "./", PAGE), 303);
}
