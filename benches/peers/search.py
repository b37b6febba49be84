"""Our scan and graph beside NumPy, hnswlib and usearch: the same vectors, the same run, each in its turn.

    python -m venv .venv && .venv/bin/pip install -r benches/peers/requirements.txt
    .venv/bin/python benches/peers/search.py --count 100000

Recall is measured by NumPy's exact f32 inner products. Everything runs on one thread and on all.
"""

import argparse
import os
import pathlib
import resource
import tempfile
import time

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


def recall(found, truth):
    return sum(len(set(f) & set(t)) for f, t in zip(found, truth)) / truth.size


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--dim", type=int, default=768)
    arguments.add_argument("--queries", type=int, default=1000)
    arguments.add_argument("--m", type=int, default=16)
    arguments.add_argument("--ef-construction", type=int, default=200)
    arguments.add_argument("--efs", type=lambda text: [int(ef) for ef in text.split(",")], default=[32, 64, 128, 256])
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()

    sizes = ["--count", options.count, "--dim", options.dim, "--queries", options.queries]
    with tempfile.TemporaryDirectory() as folder:
        run_bench("hnsw", "--write", folder, *sizes)
        base, queries = (numpy.load(pathlib.Path(folder) / name) for name in ("base.npy", "queries.npy"))
    truth = numpy.argsort(-(queries @ base.T), axis=1)[:, :K]

    # One after the other: each builds with all threads.
    m, ef_construction = options.m, options.ef_construction
    ours = Ours("hnsw", *sizes, "--m", m, "--ef-construction", ef_construction)
    peers = [
        Peer("hnswlib f32", base, hnswlib_build(m, ef_construction), hnswlib_search),
        Peer("usearch f32", base, usearch_build(m, ef_construction, "f32"), usearch_search),
        Peer("usearch int8", base, usearch_build(m, ef_construction, "i8"), usearch_search),
    ]
    facts = ours.facts
    print(f"{options.count} x {options.dim}, M {m}, ef_construction {ef_construction}, {os.cpu_count()} threads\n")
    rows = [("ours (hnsw_rs, int8)", f"{facts['build_s']:.1f}", facts["scan_bytes"] + facts["graph_bytes_measured"])]
    rows += [(peer.name, f"{peer.build_seconds:.1f}", peer.bytes) for peer in peers]
    table(["index", "build, s", "bytes a vector, vectors included"], rows)

    for threads in (1, os.cpu_count()):
        names, parts, recalls = [], [], {}

        def part(name, run):
            def timed():
                seconds, found = run()
                recalls[name] = recall(found, truth)
                return seconds

            names.append(name)
            parts.append(timed)

        def ask(ef):
            answer = ours.ask(ef, threads)
            return answer["seconds"], answer["ids"]

        part("ours, exact scan (int8)", lambda: ask(0))
        if threads > 1:
            part("NumPy, exact (f32, all queries in one product)", lambda: numpy_exact(base, queries))
        for ef in options.efs:
            part(f"ours, graph, ef {ef}", lambda ef=ef: ask(ef))
            for peer in peers:
                part(f"{peer.name}, ef {ef}", lambda ef=ef, peer=peer: peer.run(queries, ef, threads))
        rates = [len(queries) / seconds for seconds in take_turns(parts, options.rounds)]
        rows = [(name, f"{recalls[name]:.4f}", f"{rate:.0f}") for name, rate in zip(names, rates)]
        table([f"search, {threads} thread{'s' * (threads > 1)}", "recall@10", "queries/s"], rows)
    ours.close()


def numpy_exact(base, queries):
    start = time.perf_counter()
    scores = queries @ base.T
    best = numpy.argpartition(-scores, K, axis=1)[:, :K]
    return time.perf_counter() - start, best


if __name__ == "__main__":
    main()
