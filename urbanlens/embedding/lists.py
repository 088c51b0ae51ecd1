"""Many rows in lists of rows that lie together, of which a search visits a few.

The lists are faiss's (IVF: J. Sivic, A. Zisserman, Video Google, 2003): k-means gives centres, each row goes to the
list of its nearest centre, and a search visits the lists whose centres are nearest to the query. How many is found
out on rows that the centres were not made from: so many that the lower end of the 95 % interval of recall@10 is at
least .99, both for such rows and for points that lie between two of them. Four times as many are visited then, since a
template image may lie farther from all images than these do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.chunks import Arrays
from urbanlens.embedding.nearest import unit_rows
from urbanlens.errors import UrbanLensError
from urbanlens.progress import Progress, silent

Rows = NDArray[np.float32]
Numbers = NDArray[np.int64]

ROUNDS = 8
"""Of k-means."""
A_LIST = 50
"""Rows for each list that the centres are found from."""
BLOCK = 50_000
TRIALS, ASKED = 256, 10
"""Held-out rows that try how many lists are enough, and the nearest of which they must find RECALL."""
FEWEST = 4 * TRIALS
"""Rows up to which there is nothing to try lists with."""
RECALL = 0.99
MOST = 16
"""Where these rows need more than one in MOST lists, lists save nothing."""
SPARE = 4
"""How many times as many lists are visited as these rows need."""
MORE = 16
"""Rows beyond k that the lists give: they hold float16, which may change the order of the last."""
WHAT = "sorting the images into lists"


@dataclass(frozen=True)
class Plan:
    """How rows are sorted into lists.

    Attributes
    ----------
    centres : (L, D) float32, of length 1
    list_of : (M,) int32, the list of each row
    visited : how many lists a search visits; 0: so many that lists are of no use
    recall : share of the 10 nearest of held-out rows that are then found
    """

    centres: Rows
    list_of: NDArray[np.int32]
    visited: int
    recall: float

    def arrays(self) -> Arrays:
        """To be kept."""
        return {
            "centres": self.centres, "list_of": self.list_of, "visited": np.array(self.visited),
            "recall": np.array(self.recall),
        }  # fmt: skip

    @classmethod
    def of(cls, arrays: Arrays) -> Plan:
        """From what was kept."""
        return cls(arrays["centres"], arrays["list_of"], int(arrays["visited"]), float(arrays["recall"]))


class Lists:
    """Rows in lists. They are held as float16, so who needs exact similarities compares what is found once more.

    Parameters
    ----------
    rows : (N, D) of length 1
    numbers : (M,) which rows the lists hold, ascending
    plan : of these M rows
    """

    def __init__(self, rows: Rows, numbers: Numbers, plan: Plan) -> None:
        faiss = faiss_module()
        size, self._count = rows.shape[1], len(plan.centres)
        self._visited = plan.visited
        self._centres = faiss.IndexFlatIP(size)
        self._centres.add(plan.centres)
        half, inner = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        self._index = faiss.IndexIVFScalarQuantizer(self._centres, size, self._count, half, inner, False)
        self._index.train(plan.centres)
        for start in range(0, len(numbers), BLOCK):
            which = np.ascontiguousarray(numbers[start : start + BLOCK], np.int64)
            where = np.ascontiguousarray(plan.list_of[start : start + BLOCK], np.int64)
            some = np.ascontiguousarray(rows[which])
            pointers = (faiss.swig_ptr(array) for array in (some, which, where))
            self._index.add_core(len(which), *pointers)

    def search(self, query: Rows, k: int, allowed: NDArray[np.bool_] | None = None) -> Numbers:
        """Numbers of the k best rows and 16 more, ascending; fewer where the lists visited hold no more.

        Parameters
        ----------
        query : (D,) of length 1
        k : how many
        allowed : (N,) which rows may be found; the fewer they are, the more lists are visited
        """
        faiss = faiss_module()
        if allowed is None:
            found = self.many(query[None], k + MORE, self._visited)[0]
            return np.sort(found[found >= 0])
        share = allowed.sum() / max(1, self._index.ntotal)
        visited = min(self._count, int(np.ceil(self._visited / max(share, 1e-9))))
        chosen = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        settings = faiss.SearchParametersIVF(nprobe=visited, sel=chosen)
        found = self._index.search(query[None], k + MORE, params=settings)[1][0]
        return np.sort(found[found >= 0])

    def many(self, queries: Rows, k: int, visited: int) -> Numbers:
        """Numbers (Q, k) of about the k best rows for each query, in no order; -1 where there are fewer."""
        settings = faiss_module().SearchParametersIVF(nprobe=min(visited, self._count))
        return np.asarray(self._index.search(queries, k, params=settings)[1], np.int64)


class NoFaissError(UrbanLensError, ImportError):
    """The package that makes lists is not installed."""


def faiss_module() -> Any:
    """faiss, loaded when it is needed; NoFaissError where it is not installed."""
    try:
        return import_module("faiss")
    except ImportError:
        raise NoFaissError(
            "faiss is not installed; `pip install faiss-cpu` makes many images faster to search"
        ) from None


def make_plan(rows: Rows, numbers: Numbers, *, seed: int = 0, progress: Progress = silent) -> Plan:
    """Find centres, sort rows into the lists, and find out how many must be visited.

    Parameters
    ----------
    rows : (N, D) of length 1
    numbers : (M,) which rows are sorted, ascending
    seed : of the rows that the centres are made from, and of those that try them
    progress : told some ten times and more; may raise `Cancelled`
    """
    count = max(1, round(2 * len(numbers) ** 0.5))
    blocks = -(-len(numbers) // BLOCK)
    total = ROUNDS + 2 * blocks
    order = np.random.default_rng(seed).permutation(numbers)
    trials, learnt = order[:TRIALS], np.sort(order[TRIALS : TRIALS + A_LIST * count])
    centres = _centres(rows[learnt], count, seed, lambda done: progress(done, total, WHAT))
    quantizer = faiss_module().IndexFlatIP(rows.shape[1])
    quantizer.add(centres)
    list_of = np.empty(len(numbers), np.int32)
    for done in range(blocks):
        progress(ROUNDS + done, total, WHAT)
        part = slice(done * BLOCK, (done + 1) * BLOCK)
        list_of[part] = quantizer.search(rows[numbers[part]], 1)[1][:, 0]
    between = unit_rows(0.7 * rows[trials] + 0.3 * rows[order[-len(trials) :]])
    queries, own = np.concatenate([rows[trials], between]), np.concatenate([trials, trials])
    truth = _truth(rows, numbers, queries, own, lambda done: progress(ROUNDS + blocks + done, total, WHAT))
    visited, recall = _enough(Lists(rows, numbers, Plan(centres, list_of, 1, 0.0)), count, queries, truth)
    progress(total, total, WHAT)
    return Plan(centres, list_of, visited, recall)


def _centres(rows: Rows, count: int, seed: int, tell: Callable[[int], None]) -> Rows:
    """Means of k-means on the sphere, (count, D), made round by round so that it can be stopped."""
    faiss, centres = faiss_module(), None
    for done in range(ROUNDS):
        tell(done)
        means = faiss.Kmeans(
            rows.shape[1], count, niter=1, spherical=True, seed=seed, min_points_per_centroid=1,
            max_points_per_centroid=A_LIST,
        )  # fmt: skip
        means.train(rows, init_centroids=centres)
        centres = np.array(means.centroids, np.float32)
    assert centres is not None  # there is at least one round
    return centres


def _truth(rows: Rows, numbers: Numbers, queries: Rows, own: Numbers, tell: Callable[[int], None]) -> Numbers:
    """Numbers (Q, 10) of the rows nearest to each query, in no order; the row that it was made from left out."""
    best, which = np.zeros((len(queries), 0), np.float32), np.zeros((len(queries), 0), np.int64)
    for done, start in enumerate(range(0, len(numbers), BLOCK)):
        tell(done)
        part = numbers[start : start + BLOCK]
        scores = queries @ rows[part].T
        scores[own[:, None] == part] = -np.inf
        best = np.concatenate([best, scores], axis=1)
        which = np.concatenate([which, np.broadcast_to(part, scores.shape)], axis=1)
        top = np.argpartition(-best, ASKED - 1, axis=1)[:, :ASKED]
        best, which = np.take_along_axis(best, top, axis=1), np.take_along_axis(which, top, axis=1)
    return which


def _enough(lists: Lists, count: int, queries: Rows, truth: Numbers) -> tuple[int, float]:
    """How many lists are visited, and the recall that this gives; 0 where so many are needed that they save nothing."""
    visited, recall = 1, 0.0
    while visited * MOST <= count:
        kinds = _shares(lists, queries, truth, visited)
        recall = min(float(kind.mean()) for kind in kinds)
        if all(kind.mean() - 1.96 * kind.std() / len(kind) ** 0.5 >= RECALL for kind in kinds):
            visited *= SPARE
            return visited, min(float(kind.mean()) for kind in _shares(lists, queries, truth, visited))
        visited *= 2
    return 0, recall


def _shares(lists: Lists, queries: Rows, truth: Numbers, visited: int) -> list[NDArray[np.float64]]:
    """Of each query, the share of its 10 nearest that are found; the two kinds of queries apart."""
    found = lists.many(queries, ASKED + 1 + MORE, visited)
    return np.split((truth[:, :, None] == found[:, None, :]).any(axis=2).mean(axis=1), 2)
