"""The images that look most like a given one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCK = 512


def nearest(query: ArrayLike, features: ArrayLike, k: int = 10) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `k` rows of `features` with the largest cosine similarity to each query, best first.

    Parameters
    ----------
    query : (D,) or (Q, D) vectors, of any length.
    features : (N, D) vectors, of any length.
    k : how many to return; cut to N.

    Returns
    -------
    index, similarity : each (k,) for one query or (Q, k) for several; equal similarities in the order of the rows.

    Raises
    ------
    ValueError
        `k` below 1, or vectors of different dimensions.
    """
    queries, rows = np.asarray(query, np.float32), np.asarray(features, np.float32)
    if k < 1:
        raise ValueError(f"k is {k}; ask for at least 1 nearest image")
    if rows.ndim != 2 or queries.ndim not in (1, 2) or queries.shape[-1] != rows.shape[1]:
        raise ValueError(
            f"query has shape {queries.shape} and features {rows.shape}; both need the same last dimension: "
            "embed them with the same network"
        )
    single = queries.ndim == 1
    queries, rows = unit_rows(np.atleast_2d(queries)), unit_rows(rows)
    k = min(k, len(rows))
    index = np.empty((len(queries), k), np.int64)
    similarity = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ rows.T
        chosen = _largest(scores, k)
        index[start : start + BLOCK] = chosen
        similarity[start : start + BLOCK] = np.take_along_axis(scores, chosen, axis=1)
    return (index[0], similarity[0]) if single else (index, similarity)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows (N, D) scaled to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Columns (Q, k) of the largest scores of each row, best first, ties by column."""
    if k >= scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    chosen = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)
