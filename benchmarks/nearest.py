"""The ten nearest of many images: our index, NumPy that compares all, and faiss's flat index, query by query in turn.

`python benchmarks/nearest.py` prints one JSON line; bounds: among 100,000 images within 20 ms (exact), among 1,000,000
within 5 ms at a recall@10 of .99. Medians over queries, in wall time and in CPU time of all threads; the load of the
machine stands beside them, since another job on the same cores slows all contenders down.

The images: real features are the demo's (3,100 rows of 320 numbers). Each row is a random mixture of one of them and
its four nearest neighbours, with noise of .37 of its length; so there are dense and sparse places as in real ones, and
of 3,100 such rows the similarities to the nearest and the tenth are close to the real ones' (`resembles`). Uniform
noise has no such places, and no lists can help it: what a search of a sixteenth of them would find stands beside.

The queries are new rows of the same kind; recall is also told for rows that lie between two (.7 and .3 of each, and
halfway), and for rows with noise of their own length, which is farther from any image than a template image should be.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait sleep, and count no CPU time
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from urbanlens.demo import open_demo
from urbanlens.embedding import kept_embedding
from urbanlens.embedding.index import NearestIndex
from urbanlens.embedding.nearest import unit_rows

Rows = NDArray[np.float32]
Found = NDArray[np.int64]

K, NEIGHBOURS, NOISE = 10, 4, 0.37
BLOCK = 20_000
BOUND_EXACT_MS, BOUND_LISTS_MS, BOUND_RECALL = 20.0, 5.0, 0.99


def resembling(real: Rows, count: int, seed: int) -> Rows:
    """Rows (count, D) of length 1 like real ones."""
    random = np.random.default_rng(seed)
    near = np.argsort(-(real @ real.T), axis=1)[:, : NEIGHBOURS + 1]
    rows = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, BLOCK):
        some = min(BLOCK, count - start)
        shares = random.dirichlet(np.ones(NEIGHBOURS + 1), some).astype(np.float32)
        mixed = np.einsum("nk,nkd->nd", shares, real[near[random.integers(0, len(real), some)]])
        rows[start : start + some] = noisy(unit_rows(mixed), NOISE, random)
    return rows


def noisy(rows: Rows, share: float, random: np.random.Generator) -> Rows:
    """Rows with noise of this share of their length, of length 1 again."""
    return unit_rows(rows + share / rows.shape[1] ** 0.5 * random.standard_normal(rows.shape, np.float32))


def similarities(rows: Rows, count: int = 3100) -> list[float]:
    """Medians of the similarity to the nearest and to the tenth of so many rows."""
    scores = rows[:count] @ rows[:count].T
    np.fill_diagonal(scores, -1)
    ordered = -np.sort(-scores, axis=1)
    return [round(float(np.median(ordered[:, rank])), 3) for rank in (0, K - 1)]


def exact(rows: Rows, queries: Rows) -> Found:
    """(Q, 10) the nearest rows by comparing all, part by part."""
    best, which = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(rows), 50_000):
        scores = queries @ rows[start : start + 50_000].T
        best = np.concatenate([best, scores], axis=1)
        numbers = np.arange(start, start + scores.shape[1])
        which = np.concatenate([which, np.broadcast_to(numbers, scores.shape)], axis=1)
        top = np.argpartition(-best, K, axis=1)[:, :K]
        best, which = np.take_along_axis(best, top, axis=1), np.take_along_axis(which, top, axis=1)
    return which


def recall(index: NearestIndex, rows: Rows, queries: Rows) -> float:
    """Share of the ten nearest that the index finds."""
    pairs = zip(exact(rows, queries), index.search(queries, K)[0], strict=True)
    return round(float(np.mean([np.isin(truth, found).mean() for truth, found in pairs])), 4)


def by_numpy(rows: Rows, query: Rows) -> Found:
    """All compared, the ten largest taken and sorted."""
    scores = rows @ query
    top = np.argpartition(-scores, K)[:K]
    return np.asarray(top[np.argsort(-scores[top])], np.int64)


def race(rows: Rows, queries: Rows, index: NearestIndex, faiss: Any) -> dict[str, Any]:
    """Medians of all contenders, each asked the same query before the next one comes."""
    contenders: dict[str, Callable[[Rows], Any]] = {
        "ours": lambda query: index.search(query, K),
        "numpy": lambda query: by_numpy(rows, query),
    }
    if faiss is not None:
        flat = faiss.IndexFlatIP(rows.shape[1])
        flat.add(rows)
        contenders["faiss_flat"] = lambda query: flat.search(query[None], K)
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    work: dict[str, list[float]] = {name: [] for name in contenders}
    for turn, query in enumerate(queries):
        for name, search in contenders.items():
            begun, worked = time.perf_counter(), time.process_time()
            search(query)
            if turn > 2:  # the first are to warm up
                wall[name].append(1000 * (time.perf_counter() - begun))
                work[name].append(1000 * (time.process_time() - worked))
    answer: dict[str, Any] = {}
    for name in contenders:
        answer[f"{name}_ms"] = round(statistics.median(wall[name]), 2)
        answer[f"{name}_cpu_ms"] = round(statistics.median(work[name]), 2)
        if name != "ours":
            ratios = [slow / fast for slow, fast in zip(wall[name], wall["ours"], strict=True)]
            answer[f"{name}_to_ours"] = round(statistics.median(ratios), 2)
    return answer


def measure(real: Rows, count: int, asked: int, faiss: Any) -> dict[str, Any]:
    """Everything about `count` rows."""
    random = np.random.default_rng(2)
    rows = resembling(real, count, 0)
    begun, worked = time.perf_counter(), time.process_time()
    index = NearestIndex(rows)
    built, built_cpu = time.perf_counter() - begun, time.process_time() - worked
    new, some, others = resembling(real, asked, 1), rows[random.integers(0, count, (2, asked))[0]], rows[:asked]
    kinds = {
        "new": new,
        "between": unit_rows(0.7 * some + 0.3 * others),
        "halfway": unit_rows(some + others),
        "far": noisy(new, 1.0, random),
    }
    return {
        "rows": count, "how": index.how, "build_s": round(built, 1), "build_cpu_s": round(built_cpu, 1),
        **race(rows, new, index, faiss), "similarities_3100": similarities(rows),
        "recall": {name: recall(index, rows, queries) for name, queries in kinds.items()},
    }  # fmt: skip


def measure_noise(count: int, asked: int, size: int) -> dict[str, Any]:
    """Rows of uniform noise, which the index is made to try lists on."""
    rows = unit_rows(np.random.default_rng(3).standard_normal((count, size), np.float32))
    index = NearestIndex(rows, exact_up_to=count // 2)
    plan = index.plan
    queries = unit_rows(np.random.default_rng(4).standard_normal((asked, size), np.float32))
    return {
        "rows": count, "how": index.how, "recall": recall(index, rows, queries),
        "recall_of_a_sixteenth_of_the_lists": None if plan is None else round(plan.recall, 4),
        **race(rows, queries, index, None),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exact", type=int, default=100_000, help="rows that are searched exactly")
    parser.add_argument("--lists", type=int, default=1_000_000, help="rows that are searched in lists; 0: none")
    parser.add_argument("--noise", type=int, default=60_000, help="rows of uniform noise; 0: none")
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2, help="of faiss; NumPy's are set by OMP_NUM_THREADS")
    arguments = parser.parse_args()
    real = kept_embedding(open_demo())
    if real is None:
        parser.error("the demo's embedding is missing: run `python -m urbanlens embed assets/demo`")
    try:
        faiss = import_module("faiss")
        faiss.omp_set_num_threads(arguments.threads)
    except ImportError:
        faiss = None
    asked = arguments.queries
    answer: dict[str, Any] = {
        "benchmark": "nearest", "dimensions": real.shape[1], "k": K, "cores": os.cpu_count(),
        "threads": arguments.threads, "numpy": np.__version__, "faiss": getattr(faiss, "__version__", None),
        "resembles": similarities(real), "bound_exact_ms": BOUND_EXACT_MS, "bound_lists_ms": BOUND_LISTS_MS,
        "bound_recall": BOUND_RECALL, "exact": measure(real, arguments.exact, asked, faiss),
    }  # fmt: skip
    if arguments.lists:
        answer["lists"] = measure(real, arguments.lists, asked, faiss)
    if arguments.noise:
        answer["noise"] = measure_noise(arguments.noise, asked, real.shape[1])
    answer["load"] = [round(load, 1) for load in os.getloadavg()]
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
