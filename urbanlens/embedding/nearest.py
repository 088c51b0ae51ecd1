"""The images that look most like a given one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCK = 512
SLACK = 5e-5
"""More than a product of two rows of length 1 is ever off in float32."""

Found = tuple[NDArray[np.int64], NDArray[np.float32]]


def nearest(query: ArrayLike, features: ArrayLike, k: int = 10) -> Found:
    """The `k` rows of `features` with the largest cosine similarity to each query, best first.

    Parameters
    ----------
    query : (D,) or (Q, D) vectors, of any length.
    features : (N, D) vectors, of any length. Who asks again and again about many rows is served better by
        `urbanlens.embedding.index.NearestIndex`.
    k : how many to return; cut to N.

    Returns
    -------
    index, similarity : each (k,) for one query or (Q, k) for several; equal similarities in the order of the rows.

    Raises
    ------
    ValueError
        `k` below 1, or vectors of different dimensions.
    """
    rows = np.asarray(features, np.float32)
    queries, single = check_queries(query, rows.shape, k)
    queries, rows = unit_rows(queries), unit_rows(rows)
    k = min(k, len(rows))
    index = np.empty((len(queries), k), np.int64)
    similarity = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ rows.T
        for number, rough in enumerate(scores, start=start):
            index[number], similarity[number] = best(rough, rows, queries[number], k)
    return (index[0], similarity[0]) if single else (index, similarity)


def check_queries(query: ArrayLike, shape: tuple[int, ...], k: int) -> tuple[NDArray[np.float32], bool]:
    """Queries as a table (Q, D), and whether it was a single one; ValueError where they do not fit rows of `shape`."""
    queries = np.asarray(query, np.float32)
    if k < 1:
        raise ValueError(f"k is {k}; ask for at least 1 nearest image")
    if len(shape) != 2 or queries.ndim not in (1, 2) or queries.shape[-1] != shape[1]:
        raise ValueError(
            f"query has shape {queries.shape} and features {shape}; both need the same last dimension: "
            "embed them with the same network"
        )
    return np.atleast_2d(queries), queries.ndim == 1


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (N, D) scaled to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def best(
    rough: NDArray[np.float32], rows: NDArray[np.float32], query: NDArray[np.float32], k: int,
    numbers: NDArray[np.int64] | None = None,
) -> Found:  # fmt: skip
    """The k best of some rows, whose similarities are known to within rounding.

    A product of matrices rounds equal rows differently, by where they lie in it. So all rows that may be among the k
    best are compared once more, each by itself: equal rows are equal again, and come in their order.

    Parameters
    ----------
    rough : (M,) similarities
    rows : (N, D) of length 1
    query : (D,) of length 1
    k : at most M
    numbers : (M,) which rows these are, ascending; None: all N
    """
    if not k:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    limit = np.partition(rough, len(rough) - k)[len(rough) - k] - SLACK
    hopeful = np.flatnonzero(rough >= limit)
    if numbers is not None:
        hopeful = numbers[hopeful]
    exact = np.einsum("nd,d->n", rows[hopeful].astype(np.float64), query.astype(np.float64))
    order = np.argsort(-exact, kind="stable")[:k]
    return hopeful[order].astype(np.int64), exact[order].astype(np.float32)
