"""Mutants of searches and forms, as typed text and as JSON, sent to the server: no answer is a 500.

The server has a small library, so that what is read is also answered. Requests that follow the
description of the API are made by tests/schemathesis.sh; these do not follow it.
"""

import copy
import json
import time
import urllib.parse

from models import NUMBERS, leaves, one_image, put
from server import BUSY, Server

TEXTS = [
    "red bike - beach + \"old - town\"",
    "two dogs and no cat, ball left of dog",
    "at least 3 birds above a boat",
    "2:mountain + lake + 0.5:sunset",
    "猫と犬、3 to 5 Hunde − Katze",
    "\u202edog\u200d\ufe0f e\u0301 \0 \U0001f408",
]
PIECES = [" ", "\"", "\\", ",", " and ", " no ", " - ", " + ", "0", "99999999999", " left of ", "\ud7ff", "\u3000", "(", ":"]
BODIES = [
    ("search", {"terms": [{"text": "dog", "weight": 1}, {"image": 0}], "limit": 3, "mode": "hybrid"}),
    ("search", {"terms": [], "sort": "newest", "limit": 2}),
    (
        "find",
        {
            "things": [{"text": "dog", "at_least": 2, "at_most": 3}, {"text": "ball"}],
            "without": ["cat"],
            "relations": [{"first": 0, "is": "left-of", "second": 1}],
            "min_area": 0.1,
            "max_boxes": 3,
        },
    ),
    ("find", {"q": "two dogs and no cat", "limit": 3}),
    ("similar", {"image": 0, "limit": 3}),
    ("ground", {"image": 0, "texts": ["dog", "cat"], "all": True, "detail": 2, "heatmap": True}),
    ("segment", {"image": 0, "labels": ["dog", "sky"], "panoptic": True, "size": 64, "min_score": 0.1, "masks": "map"}),
    ("tag", {"labels": ["dog", "cat"], "limit": 2, "max_tags": 1, "min_score": 0.1}),
]


def run(bench):
    home = bench.folder("forms-home")
    bench.library(home, one_image(bench))
    with Server(bench, home) as server:
        for path, body in BODIES:
            status, answer = when_ready(server, f"/api/v1/{path}", body)
            bench.report.count("bodies answered as they are", status == 200)
            if status != 200:
                bench.report.finding(f"{path}: {status} {answer[:200]}", json.dumps(body))
        for number in range(bench.size):
            path, body, kind = typed(bench.random) if number % 2 else built(bench.random)
            status, answer = server.ask(path, body, kind=kind)
            bench.report.count("requests")
            bench.report.count(f"status {status}")
            if status == 0 or (status >= 500 and status not in BUSY):
                sent = body.decode("utf-8", "replace")[:500] if body else path[:500]
                bench.report.finding(f"{path[:60]}: {status} {answer[:200]}", sent)
            bench.report.progress(number + 1, bench.size)
        if "panicked" in server.said():
            bench.report.finding(f"a panic: {server.said()[-500:]}", "all requests of this seed")


def when_ready(server, path, body):
    """The answer to a body once the model is loaded."""
    for _ in range(150):
        status, answer = server.ask(path, body)
        if status not in BUSY:
            break
        time.sleep(0.2)
    return status, answer


def typed(random):
    """A search or a form as text in the address."""
    text = random.choice(TEXTS)
    for _ in range(random.choice([1, 3, 10])):
        at, kind = random.randrange(len(text) + 1), random.randrange(4)
        if kind == 0:
            text = text[:at] + random.choice(PIECES) * random.choice([1, 1, 50]) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + random.randrange(10) :]
        elif kind == 2:
            text = text[:at] + random.choice(TEXTS)[random.randrange(10) :]
        else:
            character = chr(random.choice([random.randrange(1, 0xD800), random.randrange(0xE000, 0x110000)]))
            text = text[:at] + character + text[at:]
    path = random.choice(["search", "find", "images", "facets"])
    name = random.choice(["q", "q", "q", "ids", "limit", "cursor", "depth"])
    return f"/api/v1/{path}?{name}={urllib.parse.quote(text[:3000])}", None, None


def built(random):
    """A JSON body with wrong values or broken syntax."""
    path, body = random.choice(BODIES)
    body = json.loads(json.dumps(body))
    for _ in range(random.choice([1, 2])):
        # A copy: a list that is put twice could hold itself.
        put(body, random.choice(leaves(body)), copy.deepcopy(random.choice(NUMBERS)))
    data = json.dumps(body).encode()
    if random.random() < 0.3:
        at = random.randrange(len(data))
        data = data[:at] + random.choice([b"", b"\xff", b"[" * 5000, b"\\ud800", b"1e999", b"\0"]) + data[at + 1 :]
    return f"/api/v1/{path}", data, "application/json"
