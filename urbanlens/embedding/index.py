"""An index of many images: built once, then asked again and again for those that look most like a given one.

Up to 100,000 rows, and wherever faiss is missing, the search is exact. It reads the rows on their first principal
axes alone. With x, y two rows of length 1, x', y' what they are on these axes, and r, s the lengths of what is left::

    x'.y' - r s  <=  x.y  <=  x'.y' + r s

so few rows can be among the best, and only those are compared in full.

Above, the rows are sorted into lists of which a search visits a few (`lists`); what these give is compared in full.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays, kept_arrays
from urbanlens.embedding.lists import ASKED, BLOCK, FEWEST, Lists, NoFaissError, Plan, make_plan
from urbanlens.embedding.nearest import SLACK, Found, best, check_queries, unit_rows
from urbanlens.progress import Progress, silent

Rows = NDArray[np.float32]
Mask = NDArray[np.bool_]

EXACT_UP_TO = 100_000
AXES = 64
"""Principal axes that an exact search reads; the first 64 of the 320 hold .92 of the demo's squared lengths."""
SAMPLE = 20_000
"""Rows that the axes are found from."""


class NearestIndex:
    """Which of N images look most like a given one, by cosine similarity.

    Parameters
    ----------
    features : (N, D) vectors of any length; a row of zeros stands for an image that cannot be read, and is never found
    plan : that of an index of the same rows, which spares the time that making lists takes
    exact_up_to : rows up to which the search is exact; it always is up to 1,024
    seed : of what the lists are made from
    progress : told while lists are made; may raise `Cancelled`

    Attributes
    ----------
    how : how it searches, in words
    plan : the lists; None where there are none

    Raises
    ------
    ValueError
        No (N, D) table, a number that is missing or infinite, or a plan of other rows.
    """

    def __init__(
        self, features: ArrayLike, *, plan: Plan | None = None, exact_up_to: int = EXACT_UP_TO, seed: int = 0,
        progress: Progress = silent,
    ) -> None:  # fmt: skip
        given = np.asarray(features, np.float32)
        if given.ndim != 2:
            raise ValueError(f"features have shape {given.shape}; give a table of N images by D numbers")
        lengths = np.sqrt(np.einsum("nd,nd->n", given, given))
        if not np.isfinite(lengths).all():
            raise ValueError("a feature is missing or infinite; give rows of zeros for images that cannot be read")
        self._there: Mask = lengths > 0
        self._count = int(self._there.sum())
        whole = np.abs(lengths[self._there] - 1).max(initial=0) < SLACK / 10
        self._rows = np.ascontiguousarray(given) if whole else unit_rows(given)
        self.how = "exactly"
        self.plan: Plan | None = None
        self._exact_up_to = exact_up_to
        self._lists = self._sorted(plan, seed, progress) if self._count > max(exact_up_to, FEWEST) else None
        self._axes = _Axes(self._rows) if self._lists is None else None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> Rows:
        """(N, D) the vectors with length 1, rows of zeros as they were."""
        return self._rows

    @property
    def nbytes(self) -> int:
        """About how much memory it takes; lists hold the rows once more, in half precision."""
        return self._rows.nbytes + (self._axes.nbytes if self._axes is not None else self._rows.nbytes // 2)

    @property
    def exact(self) -> bool:
        """Whether nothing is ever missed."""
        return self._lists is None

    def search(self, query: ArrayLike, k: int = 10, rows: Mask | None = None) -> Found:
        """The `k` images most similar to each query, best first; equal similarities in the order of the rows.

        Parameters
        ----------
        query : (D,) or (Q, D) vectors of any length
        k : how many; cut to the images that may be found
        rows : (N,) which may be found; None: all

        Returns
        -------
        index, similarity : each (k,) for one query or (Q, k) for several

        Raises
        ------
        ValueError
            `k` below 1, vectors of another dimension, or a mask that does not fit.
        """
        queries, single = check_queries(query, self._rows.shape, k)
        allowed, count = self._allowed(rows)
        k = min(k, count)
        found = [self._one(one, k, allowed, count) for one in unit_rows(queries)]
        if single:
            return found[0]
        index = np.array([numbers for numbers, _ in found], np.int64).reshape(len(found), k)
        return index, np.array([similarity for _, similarity in found], np.float32).reshape(len(found), k)

    def _allowed(self, rows: Mask | None) -> tuple[Mask | None, int]:
        """Which rows may be found, None for all that there are, and how many."""
        if rows is not None:
            allowed = self._there & check_mask(rows, len(self))
            return allowed, int(allowed.sum())
        return (None if self._count == len(self) else self._there), self._count

    def _one(self, query: Rows, k: int, allowed: Mask | None, count: int) -> Found:
        if not k:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if self._axes is not None:
            return self._axes.search(self._rows, query, k, allowed)
        numbers = np.zeros(0, np.int64)
        if self._lists is not None and count > self._exact_up_to:
            numbers = self._lists.search(query, k, None if count == self._count else allowed)
        if len(numbers) < k:  # few may be found, or too few were
            numbers = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        return best(_products(self._rows, numbers, query), self._rows, query, k, numbers)

    def _sorted(self, plan: Plan | None, seed: int, progress: Progress) -> Lists | None:
        """The rows in lists, or None where they are better compared one by one; says which in `how`."""
        numbers = np.flatnonzero(self._there)
        if plan is not None and len(plan.list_of) != len(numbers):
            raise ValueError(
                f"the plan sorts {len(plan.list_of):,} images and here are {len(numbers):,}: build the index without it"
            )
        try:
            self.plan = plan or make_plan(self._rows, numbers, seed=seed, progress=progress)
            if not self.plan.visited:
                self.how = "exactly: these images form no groups that a faster search could follow"
                return None
            lists = Lists(self._rows, numbers, self.plan)
        except NoFaissError as error:
            self.how = f"exactly: {error}"
            return None
        visited, count = self.plan.visited, len(self.plan.centres)
        self.how = f"in {visited} of {count:,} lists, which find {self.plan.recall:.1%} of the {ASKED} nearest"
        return lists


def open_index(
    features: ArrayLike, store: ArtifactStore, key: ArtifactKey, *, exact_up_to: int = EXACT_UP_TO,
    progress: Progress = silent,
) -> NearestIndex:  # fmt: skip
    """An index whose lists, where it needs any, are made once and read from `store` the next time.

    Parameters
    ----------
    features : (N, D), of which `key` tells everything that they depend on
    exact_up_to : rows up to which the search is exact
    progress : told while lists are made; may raise `Cancelled`
    """
    rows = np.asarray(features, np.float32)
    kept = kept_arrays(store, key) if len(rows) > exact_up_to else None
    plan = None if kept is None else Plan.of(kept)
    index = NearestIndex(rows, plan=plan, exact_up_to=exact_up_to, progress=progress)
    if index.plan is not None and plan is None:
        keep_arrays(store, key, index.plan.arrays(), how=index.how)
    return index


def needs_lists(features: Rows, exact_up_to: int = EXACT_UP_TO) -> bool:
    """Whether an index of features (N, D) has to make lists before it can be asked, which takes minutes."""
    return int(np.any(features, axis=1).sum()) > max(exact_up_to, FEWEST) and find_spec("faiss") is not None


def check_mask(rows: Mask, count: int) -> Mask:
    """The same mask; ValueError where it is not one truth value for each of `count` images."""
    mask = np.asarray(rows)
    if mask.dtype != np.bool_ or mask.shape != (count,):
        raise ValueError(
            f"rows is of type {mask.dtype} and shape {mask.shape}; give one truth value for each of {count:,} images"
        )
    return mask


class _Axes:
    """Rows on their first principal axes, and the lengths of what is left of them."""

    def __init__(self, rows: Rows) -> None:
        some = rows[:: max(1, len(rows) // SAMPLE)].astype(np.float64)
        self._axes = np.ascontiguousarray(np.linalg.eigh(some.T @ some)[1][:, ::-1][:, :AXES], np.float32)
        self._flat = rows @ self._axes
        self._left = np.sqrt(np.maximum(1 - np.einsum("nd,nd->n", self._flat, self._flat), 0)) + SLACK

    @property
    def nbytes(self) -> int:
        return self._flat.nbytes

    def search(self, rows: Rows, query: Rows, k: int, allowed: Mask | None) -> Found:
        """The k best of the allowed rows, of which there are k or more."""
        flat = query @ self._axes
        near = self._flat @ flat
        if allowed is not None:
            near[~allowed] = -np.inf
        guessed = np.argpartition(near, len(near) - k)[len(near) - k :]
        limit = float((rows[guessed] @ query).min()) - SLACK
        left = np.sqrt(max(float(query @ query - flat @ flat), 0.0)) + SLACK
        hopeful = np.flatnonzero(near + left * self._left >= limit)
        return best(_products(rows, hopeful, query), rows, query, k, hopeful)


def _products(rows: Rows, numbers: NDArray[np.int64], query: Rows) -> Rows:
    """Similarities (M,) of some rows to a query, in parts so that copies stay small."""
    if 4 * len(numbers) > len(rows):  # copying them would take longer than comparing all
        return np.asarray((rows @ query)[numbers], np.float32)
    parts = [rows[numbers[start : start + BLOCK]] @ query for start in range(0, len(numbers), BLOCK)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
