"""What becomes of peers' graphs after they were built: opening, changes, churn, filters, single
queries.

    .venv/bin/python benches/peers/life.py --count 100000 [--dim 768] [--peers hnswlib,usearch,faiss]
    cargo bench --bench hnsw -- --life --count 100000          the same of ours
    cargo bench --bench hnsw -- --open --count 100000

The same vectors and the same steps as ours: three in thirteen are removed and as many others added,
one by one on one thread, and recall@10 is taken against the exact answer among those that are left.
faiss cannot delete from its HNSW, and usearch cannot filter from Python.
"""

import argparse
import pathlib
import tempfile
import time

import faiss
import hnswlib
import numpy
import usearch.index

from search import K, nearest, recall
from turns import run_bench, table

SHARES = (0.5, 0.1, 0.01, 0.001)


class Hnswlib:
    name = "hnswlib f32"

    def __init__(self, dim, m, ef_construction, count):
        self.dim, self.index = dim, hnswlib.Index(space="ip", dim=dim)
        self.index.init_index(count, M=m, ef_construction=ef_construction, random_seed=1, allow_replace_deleted=True)

    def add(self, ids, vectors, threads=-1):
        replace = threads == 1 and self.index.get_current_count() >= self.index.get_max_elements()
        self.index.add_items(vectors, ids, num_threads=threads, replace_deleted=replace)

    def remove(self, id):
        self.index.mark_deleted(id)

    def search(self, queries, ef, allowed=None):
        self.index.set_ef(ef)
        passes = None if allowed is None else (lambda id: allowed[id])
        return self.index.knn_query(queries, k=K, num_threads=1, filter=passes)[0]

    def reopen(self, path):
        self.index.save_index(path)
        start = time.perf_counter()
        hnswlib.Index(space="ip", dim=self.dim).load_index(path)
        return time.perf_counter() - start


class Usearch:
    def __init__(self, dim, m, ef_construction, count, dtype="f32"):
        self.name = f"usearch {dtype}"
        self.index = usearch.index.Index(
            ndim=dim, metric="cos", dtype=dtype, connectivity=m, expansion_add=ef_construction
        )

    def add(self, ids, vectors, threads=0):
        self.index.add(ids, vectors, threads=threads)

    def remove(self, id):
        self.index.remove(id)

    def search(self, queries, ef, allowed=None):
        self.index.expansion_search = ef
        return self.index.search(queries, K, threads=1).keys

    def reopen(self, path):
        self.index.save(path)
        start = time.perf_counter()
        usearch.index.Index.restore(path)
        return time.perf_counter() - start


class Faiss:
    name = "faiss SQ8"

    def __init__(self, dim, m, ef_construction, count):
        self.index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, m, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = ef_construction
        self.trained = False

    def add(self, ids, vectors, threads=0):
        if not self.trained:
            self.index.train(vectors)
            self.trained = True
        self.index.add(vectors)

    remove = None

    def search(self, queries, ef, allowed=None):
        faiss.omp_set_num_threads(1)
        more = {} if allowed is None else {"sel": faiss.IDSelectorBatch(numpy.flatnonzero(allowed))}
        return self.index.search(queries, K, params=faiss.SearchParametersHNSW(efSearch=ef, **more))[1]

    def reopen(self, path):
        faiss.write_index(self.index, path)
        start = time.perf_counter()
        faiss.read_index(path)
        return time.perf_counter() - start


PEERS = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "usearch-i8": lambda *shape: Usearch(*shape, dtype="i8"),
    "faiss": Faiss,
}


def rate(work, count):
    start = time.perf_counter()
    for at in range(count):
        work(at)
    return count / (time.perf_counter() - start)


def life(make, base, queries, options, folder):
    """One row: everything that is asked of a peer."""
    changes = len(base) * 3 // 13
    first = len(base) - changes
    peer = make(base.shape[1], options.m, options.ef_construction, first)
    peer.add(numpy.arange(first), base[:first])
    row = [peer.name, f"{peer.reopen(str(pathlib.Path(folder) / 'graph')):.2f}"]
    times = []
    for query in queries:
        start = time.perf_counter()
        peer.search(query[None], options.ef)
        times.append((time.perf_counter() - start) * 1e6)
    row.append(" / ".join(f"{numpy.percentile(times, share):.0f}" for share in (50, 95, 99)))
    for share in SHARES:
        if isinstance(peer, Usearch):
            row.append("-")
            continue
        allowed = numpy.random.default_rng(9).random(first) < share
        ids = numpy.flatnonzero(allowed)
        if len(ids) <= K:
            row.append("-")
            continue
        some = queries[:100]
        truth = ids[nearest(base[:first][allowed], some)]
        start = time.perf_counter()
        found = peer.search(some, options.ef, allowed)
        row.append(f"{recall(found, truth):.3f}, {len(some) / (time.perf_counter() - start):.0f}/s")
    if peer.remove is None:
        return row + ["-", "-", "-"]
    row.append(f"{rate(peer.remove, changes):.0f}")
    row.append(f"{rate(lambda at: peer.add(numpy.array([first + at]), base[first + at][None], 1), changes):.0f}")
    truth = changes + nearest(base[changes:], queries)
    return row + [f"{recall(peer.search(queries, options.ef), truth):.4f}"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--dim", type=int, default=768)
    arguments.add_argument("--queries", type=int, default=1000)
    arguments.add_argument("--data", default="clustered")
    arguments.add_argument("--m", type=int, default=16)
    arguments.add_argument("--ef", type=int, default=64)
    arguments.add_argument("--ef-construction", type=int, default=200)
    arguments.add_argument("--peers", type=lambda text: text.split(","), default=[*PEERS])
    options = arguments.parse_args()
    sizes = ["--count", options.count, "--dim", options.dim, "--queries", options.queries, "--data", options.data]
    with tempfile.TemporaryDirectory() as folder:
        run_bench("hnsw", "--write", folder, *sizes)
        base, queries = (numpy.load(pathlib.Path(folder) / name) for name in ("base.npy", "queries.npy"))
        rows = [life(PEERS[name], base, queries, options, folder) for name in options.peers]
    shares = [f"{100 * share:g} % pass: recall, queries/s" for share in SHARES]
    changes = ["removed/s", "added/s", f"recall@{K} after"]
    table(["index", "open, s", "one query, us: p50 / p95 / p99", *shares, *changes], rows)


if __name__ == "__main__":
    main()
