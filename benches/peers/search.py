"""Our scan and graph beside NumPy, hnswlib, usearch, faiss and hnsw_rs: the same vectors, the same
run, each in its turn.

    python -m venv .venv && .venv/bin/pip install -r benches/peers/requirements.txt
    .venv/bin/python benches/peers/search.py --count 100000 [--data uniform | --data vectors.npy] [--peers hnswlib,faiss]

Recall is measured by NumPy's exact f32 inner products. Everything runs on one thread and on all.
The last table gives the rate at which each reaches a recall, drawn straight between the two nearest
widths of search (`ef`).

Where its memory lies made a fifth of a program's rate on the virtual machine that was measured, and
whoever is built first gets the worst of it. So a comparison is two runs, one with `--ours-last`.
"""

import argparse
import os
import pathlib
import resource
import tempfile
import time

import faiss
import hnswlib
import numpy
import usearch.index

from turns import Ours, run_bench, table, take_turns

K = 10


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


class Peer:
    """Builds, and answers all queries at once."""

    def __init__(self, name, base, build, search):
        before, start = resident(), time.perf_counter()
        self.name, self.index, self.search = name, build(base), search
        self.build_seconds = time.perf_counter() - start
        self.bytes = (resident() - before) // len(base)

    def run(self, queries, ef, threads):
        start = time.perf_counter()
        found = self.search(self.index, queries, ef, threads)
        return time.perf_counter() - start, found


def hnswlib_build(m, ef_construction):
    def build(base):
        index = hnswlib.Index(space="ip", dim=base.shape[1])
        index.init_index(max_elements=len(base), M=m, ef_construction=ef_construction, random_seed=1)
        index.add_items(base, num_threads=os.cpu_count())
        return index

    return build


def hnswlib_search(index, queries, ef, threads):
    index.set_ef(ef)
    return index.knn_query(queries, k=K, num_threads=threads)[0]


def usearch_build(m, ef_construction, dtype):
    def build(base):
        index = usearch.index.Index(
            ndim=base.shape[1], metric="cos", dtype=dtype, connectivity=m, expansion_add=ef_construction
        )
        index.add(numpy.arange(len(base)), base, threads=os.cpu_count())
        return index

    return build


def usearch_search(index, queries, ef, threads):
    index.expansion_search = ef
    return index.search(queries, K, threads=threads).keys


def faiss_build(m, ef_construction, quantised):
    def build(base):
        dim, metric = base.shape[1], faiss.METRIC_INNER_PRODUCT
        if quantised:
            index = faiss.IndexHNSWSQ(dim, faiss.ScalarQuantizer.QT_8bit, m, metric)
        else:
            index = faiss.IndexHNSWFlat(dim, m, metric)
        index.hnsw.efConstruction = ef_construction
        faiss.omp_set_num_threads(os.cpu_count())
        index.train(base)
        index.add(base)
        return index

    return build


def faiss_search(index, queries, ef, threads):
    faiss.omp_set_num_threads(threads)
    index.hnsw.efSearch = ef
    return index.search(queries, K)[1]


def rate_at(points, wanted):
    """Queries/s at a recall; `points` are (recall, queries/s) by rising width."""
    best = None
    for (low, slow), (high, fast) in zip(points, points[1:]):
        if low < wanted <= high:
            rate = slow + (fast - slow) * (wanted - low) / (high - low)
            best = max(best or 0, rate)
    if points[0][0] >= wanted:
        best = max(best or 0, points[0][1])
    return best


def nearest(base, queries):
    """The true ten of each query, by f32; some queries at a time, so that millions of scores fit
    into memory.
    """
    best = [numpy.argpartition(-(queries[at : at + 50] @ base.T), K, axis=1)[:, :K] for at in range(0, len(queries), 50)]
    return numpy.concatenate(best)


def recall(found, truth):
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / truth.size


PEERS = {
    "hnswlib": ("hnswlib f32", hnswlib_build, (), hnswlib_search),
    "usearch": ("usearch f32", usearch_build, ("f32",), usearch_search),
    "usearch-i8": ("usearch int8", usearch_build, ("i8",), usearch_search),
    "faiss": ("faiss f32", faiss_build, (False,), faiss_search),
    "faiss-sq8": ("faiss SQ8", faiss_build, (True,), faiss_search),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    names = lambda text: [name for name in text.split(",") if name]
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--dim", type=int, default=768)
    arguments.add_argument("--queries", type=int, default=1000)
    arguments.add_argument("--data", default="clustered")
    arguments.add_argument("--m", type=int, default=16)
    arguments.add_argument("--ef-construction", type=int, default=200, help="of the peers; ours has its own default")
    arguments.add_argument("--efs", type=lambda text: [int(ef) for ef in text.split(",")], default=[16, 32, 64, 128, 256])
    arguments.add_argument("--peers", type=names, default=[*PEERS, "hnsw_rs"])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--ours-last", action="store_true", help="build the peers first: whose memory comes from where matters")
    options = arguments.parse_args()

    sizes = ["--count", options.count, "--dim", options.dim, "--queries", options.queries, "--data", options.data]
    with tempfile.TemporaryDirectory() as folder:
        run_bench("hnsw", "--write", folder, *sizes)
        base, queries = (numpy.load(pathlib.Path(folder) / name) for name in ("base.npy", "queries.npy"))
    truth = nearest(base, queries)

    # One after the other: each builds with all threads.
    m, ef_construction, threads_of_all = options.m, options.ef_construction, os.cpu_count()
    ours, peers = {}, []

    def build_ours():
        ours["ours (int8)"] = Ours("hnsw", *sizes, "--m", m)
        if "hnsw_rs" in options.peers:
            more = ["--m", m, "--ef-construction", ef_construction, "--engine", "hnsw_rs"]
            ours["hnsw_rs (int8)"] = Ours("hnsw", *sizes, *more)

    def build_peers():
        for name in options.peers:
            if name in PEERS:
                label, build, more, search = PEERS[name]
                peers.append(Peer(label, base, build(m, ef_construction, *more), search))

    for build in (build_peers, build_ours) if options.ours_last else (build_ours, build_peers):
        build()
    print(f"{len(base)} x {base.shape[1]} ({options.data}), M {m}, {threads_of_all} threads\n")
    rows = []
    for name, bench in ours.items():
        facts = bench.facts
        rows.append((name, facts["ef_construction"], f"{facts['build_s']:.1f}", facts["scan_bytes"] + facts["graph_bytes_stated"], facts["graph_bytes_stated"]))
    for peer in peers:
        width = 1 if "int8" in peer.name or "SQ8" in peer.name else 4
        rows.append((peer.name, ef_construction, f"{peer.build_seconds:.1f}", peer.bytes, peer.bytes - width * base.shape[1]))
    table(["index", "ef_construction", "build, s", "bytes a vector", "without the vector"], rows)

    for threads in (1, threads_of_all):
        names, parts, recalls = [], [], {}

        def part(name, run):
            def timed():
                seconds, found = run()
                recalls[name] = recall(found, truth)
                return seconds

            names.append(name)
            parts.append(timed)

        def ask(bench, ef):
            answer = bench.ask(ef, threads)
            return answer["seconds"], answer["ids"]

        for ef in options.efs:
            for name, bench in ours.items():
                part((name, ef), lambda ef=ef, bench=bench: ask(bench, ef))
            for peer in peers:
                part((peer.name, ef), lambda ef=ef, peer=peer: peer.run(queries, ef, threads))
        seconds = take_turns(parts, options.rounds)
        # Scans have turns of their own: whoever came after one would find the caches empty.
        parts.clear()
        scan = ours["ours (int8)"]
        part(("exact scan (int8)", 0), lambda: ask(scan, 0))
        if threads > 1 and len(base) <= 500_000:
            part(("NumPy, exact (f32, one product)", 0), lambda: numpy_exact(base, queries))
        seconds += take_turns(parts, options.rounds)
        rates = [len(queries) / time_taken for time_taken in seconds]
        plural = f"{threads} thread{'s' * (threads > 1)}"
        rows = [(*name, f"{recalls[name]:.4f}", f"{rate:.0f}") for name, rate in zip(names, rates)]
        table([f"search, {plural}", "ef", "recall@10", "queries/s"], rows)
        curves = {}
        for name, rate in zip(names, rates):
            curves.setdefault(name[0], []).append((recalls[name], rate))
        shown = lambda rate: "not reached" if rate is None else f"{rate:.0f}"
        rows = [(name, *(shown(rate_at(points, wanted)) for wanted in (0.9, 0.95, 0.99))) for name, points in curves.items()]
        table([f"queries/s, {plural}", "at recall 0.90", "0.95", "0.99"], rows)
    for bench in ours.values():
        bench.close()


def numpy_exact(base, queries):
    start = time.perf_counter()
    scores = queries @ base.T
    best = numpy.argpartition(-scores, K, axis=1)[:, :K]
    return time.perf_counter() - start, best


if __name__ == "__main__":
    main()
