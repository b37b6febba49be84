"""The server under load, with slow, silent and greedy clients, and files that have become pipes.

Whatever the others do, a simple question (`/api/v1/health`) must be answered in time, no answer may
be an error of the server (500), and the server must stop when it is asked to.
"""

import json
import os
import re
import shutil
import signal
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import image_files

# Longest time for a simple question under load, in seconds.
PATIENCE = 20
# The same where others are connected, but ask nothing: less than a connection may take to send its
# head.
ALONE = 4
# What a server that is asked too much may say.
BUSY = (503, 504)


class Server:
    """`glimpse serve` on a free port, stopped at the end."""

    def __init__(self, bench, home, *args):
        self.bench = bench
        self.log_path = os.path.join(bench.scratch, "serve.log")
        self.log = open(self.log_path, "w+", encoding="utf-8", errors="replace")
        self.process = bench.glimpse.start(
            home, "serve", "--no-open", "--port", "0", *args, stdout=self.log, stderr=self.log
        )
        self.url = self.wait_for_url()
        self.port = int(self.url.rsplit(":", 1)[1])
        self.wait_for_model()

    def wait_for_url(self):
        end = time.monotonic() + 120 * self.bench.glimpse.patience
        while time.monotonic() < end and self.process.poll() is None:
            if found := re.search(r"http://[0-9.:]+", self.said()):
                return found.group()
            time.sleep(0.02)
        self.process.kill()
        raise RuntimeError(f"the server did not start: {self.said()}")

    def wait_for_model(self):
        """Until then searches are refused, as they should be, and would count as answered busy."""
        end = time.monotonic() + 120 * self.bench.glimpse.patience
        while self.get_json("/api/v1/health")["model"]["state"] == "loading":
            if time.monotonic() > end:
                raise RuntimeError(f"the model is not loaded: {self.said()}")
            time.sleep(0.02)

    def said(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def ask(self, path, body=None, timeout=PATIENCE, kind="application/json"):
        """Status and body; status 0 if there was no answer."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=body, headers={"Content-Type": kind} if body else {})
        try:
            with urllib.request.urlopen(request, timeout=timeout * self.bench.glimpse.patience) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError as error:
            return 0, str(error).encode()

    def get_json(self, path, body=None):
        """The answer to a request that must succeed; a server that is still loading is asked again."""
        for _ in range(200):
            status, answer = self.ask(path, body)
            if status not in BUSY:
                break
            time.sleep(0.1)
        if not 200 <= status < 300:
            raise RuntimeError(f"{path}: {status} {answer[:300]}")
        return json.loads(answer)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def memory(self):
        """Bytes that the process holds now (Linux)."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except Exception:
                self.process.kill()
        self.process.wait()
        self.log.close()


def run(bench):
    """`bench.size` is the number of seconds of load, and a tenth of the number of hostile clients."""
    images = bench.folder("server-images")
    for name in ("Kitchen", "Garten"):
        shutil.copytree(os.path.join(bench.images, name), os.path.join(images, name))
    home = bench.folder("server-home")
    bench.library(home, images)
    # More images for the jobs of the server.
    for i in range(20 * bench.size):
        with open(os.path.join(images, f"{i}.bmp"), "wb") as file:
            file.write(image_files.noise(bench.random))
    with Server(bench, home) as server:
        parts = [healthy, load, slow_clients, silent_clients, event_streams, unread_files, pipes, broken_requests, healthy]
        for done, part in enumerate(parts, 1):
            part(bench, server, images)
            if server.process.poll() is not None:
                bench.report.finding(f"the server ended in {part.__name__}: {server.said()[-500:]}", part.__name__)
                return
            bench.report.progress(done, len(parts))
        bench.report.peak("memory at the end, MB", server.memory() / 1e6)
        stop(bench, server)
    if "panicked" in server.said():
        bench.report.finding(f"a panic: {server.said()[-500:]}", "all parts in order")
    verify = bench.glimpse.run(home, "verify")
    if verify.code != 0:
        bench.report.finding(f"verify afterwards: {verify.out} {verify.err}", "all parts in order")


def healthy(bench, server, _images, how="at rest"):
    """The simple question, with its time."""
    start = time.monotonic()
    is_loaded = how in ("under load", "with a dead drive")
    status, body = server.ask("/api/v1/health", timeout=PATIENCE if is_loaded else ALONE)
    seconds = time.monotonic() - start
    bench.report.count("simple questions")
    bench.report.peak(f"slowest simple question, {how}, s", seconds)
    if status != 200:
        bench.report.finding(f"health: {status} {body[:200]} after {seconds:.1f} s", how)


def load(bench, server, images):
    """Clients of all kinds of questions while a job indexes."""
    server.get_json("/api/v1/jobs", {"roots": [images]})
    besieged(bench, server, lambda end, number: client(bench, server, end, number), "under load")


def besieged(bench, server, client, how):
    """Runs 16 clients for `bench.size` seconds, each given the end and its number, and asks the
    simple question meanwhile.
    """
    end = time.monotonic() + bench.size
    threads = [threading.Thread(target=client, args=(end, number)) for number in range(16)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        healthy(bench, server, None, how)
        time.sleep(0.5)
    for thread in threads:
        thread.join()


def client(bench, server, end, number):
    words = ["red bike", "dog", "2:mountain + lake", "two cats", "зима", "a" * 300, "- -", "'", "\u202e"]
    turn = number
    while time.monotonic() < end:
        turn += 1
        query = urllib.parse.quote(words[turn % len(words)])
        image = turn % 130
        paths = [
            f"/api/v1/search?q={query}",
            f"/api/v1/images/{image}/thumbnail?size=320",
            f"/api/v1/images/{image}/original",
            f"/api/v1/find?q={query}",
            f"/api/v1/images/{image}/similar",
            f"/api/v1/images/{image}/regions",
            "/api/v1/stats",
            "/api/v1/facets",
            f"/api/v1/images?ids={image},{image + 1}",
        ]
        path = paths[(turn // len(words) + turn) % len(paths)]
        status, body = server.ask(path, timeout=120)
        bench.report.count("requests under load")
        if status in BUSY:
            bench.report.count("answered busy")
        elif status >= 500 or status == 0:
            bench.report.finding(f"{path}: {status} {body[:200]}", "under load")


def slow_clients(bench, server, images):
    """Clients that send one byte of a request at a time, and then stay."""
    request = b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
    clients = many_connections(bench, server)
    for byte in request[: 4 * bench.size]:
        for each in clients:
            send(each, bytes([byte]))
        time.sleep(0.05)
    with_guests(bench, server, images, clients, "among slow clients")


def silent_clients(bench, server, images):
    """Connections over which nothing is ever sent."""
    with_guests(bench, server, images, many_connections(bench, server), "among silent clients")


def event_streams(bench, server, images):
    """Streams of the events of a job that stands still, read by nobody."""
    for i in range(40 * bench.size):
        with open(os.path.join(images, f"more {i}.bmp"), "wb") as file:
            file.write(image_files.noise(bench.random))
    end_jobs(server)
    number = server.get_json("/api/v1/jobs", {"roots": [images]})["id"]
    server.get_json(f"/api/v1/jobs/{number}/pause", b"")
    if (state := server.get_json(f"/api/v1/jobs/{number}")["state"]) != "paused":
        raise RuntimeError(f"the job is {state}: it has to stand still for its streams to stay")
    clients = many_connections(bench, server)
    for each in clients:
        send(each, f"GET /api/v1/jobs/{number}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answers = [each.recv(12)[9:] for each in clients]
    kept, refused = answers.count(b"200"), answers.count(b"503")
    bench.report.count("event streams that stay open", kept)
    bench.report.count("event streams refused", refused)
    if kept == 0 or kept + refused != len(clients):
        bench.report.finding(f"event streams: {kept} of {len(clients)} open, {refused} refused", "streams")
    with_guests(bench, server, images, clients, "among event streams")
    end_jobs(server)


def end_jobs(server):
    """Cancels the job that is under way, if one is, and waits until it has ended."""
    while under_way := [job["id"] for job in server.get_json("/api/v1/jobs")["jobs"] if job["state"] in ("running", "paused")]:
        server.ask(f"/api/v1/jobs/{under_way[0]}/cancel", b"")
        time.sleep(0.1)


def unread_files(bench, server, images):
    """Clients that ask for files and archives and do not read them: others are served, or told
    that the server is busy.
    """
    hits = server.get_json("/api/v1/search?q=&sort=newest&limit=200")["hits"]
    body = json.dumps({"images": [hit["id"] for hit in hits]}).encode()
    clients = many_connections(bench, server)
    for number, each in enumerate(clients):
        if number % 10 == 0:
            head = f"POST /api/v1/archive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            send(each, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        else:
            image = hits[number % len(hits)]["id"]
            send(each, f"GET /api/v1/images/{image}/original HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    with_guests(bench, server, images, clients, "among clients that do not read")


def many_connections(bench, server):
    clients = []
    for _ in range(10 * bench.size):
        try:
            clients.append(server.connect())
        except OSError:
            bench.report.count("connections refused")
    bench.report.count("hostile connections", len(clients))
    return clients


def with_guests(bench, server, images, clients, how):
    for _ in range(3):
        healthy(bench, server, images, how)
    for each in clients:
        each.close()


def send(client, data):
    try:
        client.send(data)
    except OSError:
        pass  # cut off, which is a right answer to a slow client


def pipes(bench, server, images):
    """Files of the library that have become pipes: opening one for reading waits for ever."""
    hits = server.get_json("/api/v1/search?q=&sort=newest&limit=50")["hits"]
    for root, _, names in os.walk(images):
        for name in sorted(names)[:20]:
            os.remove(os.path.join(root, name))
            os.mkfifo(os.path.join(root, name))
    start = time.monotonic()
    for hit in hits:
        for what in ("original", "thumbnail?size=1600"):
            status, body = server.ask(f"/api/v1/images/{hit['id']}/{what}")
            bench.report.count("requests for files, some of them pipes")
            if status == 0 or (status >= 500 and status not in BUSY):
                bench.report.finding(f"{what} of a pipe: {status} {body[:200]}", "pipes")
    bench.report.peak("all pipes, s", time.monotonic() - start)
    healthy(bench, server, images, "after pipes")


def broken_requests(bench, server, images):
    """Requests that are cut off, too long, or ambiguous: each is refused or the connection closed."""
    head = b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n"
    requests = [
        b"\0" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        head + b"Content-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n{",
        head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"GET /static/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/v1/images/%00/original HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ]
    for number, request in enumerate(requests):
        with server.connect() as client:
            send(client, request)
            try:
                client.shutdown(socket.SHUT_WR)
                answer = client.recv(200)
            except OSError:
                answer = b""
            bench.report.count("broken requests")
            if re.match(rb"HTTP/1\.1 (2|500)", answer) and number != 2:
                bench.report.finding(f"broken request {number}: {answer[:100]}", request[:100].decode("latin-1"))
    deep = b'{"text":' + b"[" * 100_000
    status, body = server.ask("/api/v1/search", deep)
    if not 400 <= status < 500:
        bench.report.finding(f"deep JSON: {status} {body[:200]}", "POST /api/v1/search with 100,000 [")
    status, body = server.ask("/api/v1/uploads", image_files.png_head(60000, 60000), kind="image/png")
    if not 400 <= status < 500:
        bench.report.finding(f"a bomb by upload: {status} {body[:200]}", "POST /api/v1/uploads")
    healthy(bench, server, images, "after broken requests")


def stop(bench, server):
    start = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(60 * bench.glimpse.patience)
        bench.report.peak("stops in, s", time.monotonic() - start)
        if code not in (0, 130, 143, -signal.SIGTERM):
            bench.report.finding(f"exit {code} at SIGTERM: {server.said()[-300:]}", "stop")
    except Exception:
        bench.report.finding("no end within 60 s of SIGTERM", "stop")
        server.process.kill()
