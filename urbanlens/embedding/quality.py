"""How far a plane can be believed: whether neighbours in it are neighbours by their features.

J. Venna, S. Kaski, Neighborhood preservation in nonlinear projection methods, 2001. With U_k(i) the k nearest of
image i in the plane and r(i, j) the place of j among the others by distance of features, 1 for the nearest::

    trustworthiness = 1 - 2 / (N k (2N - 3k - 1)) * sum_i sum_{j in U_k(i)} max(0, r(i, j) - k)
    neighbours kept = 1 / (N k) * sum_i #{j in U_k(i): r(i, j) <= k}

Rows that are equally far share the better place: no plane can tell them apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.embedding.tsne import without_self

SAMPLE = 5_000
BLOCK = 256
ROUNDING = 1e-12
"""Squared distances that differ by less, relative to the longest row's square, count as equal."""


def trustworthiness(high: ArrayLike, plane: ArrayLike, k: int = 10, sample: int = SAMPLE, seed: int = 0) -> float:
    """Whether neighbours in the plane are near by their features: 1 where all are, about 0.5 for a random plane.

    Parameters
    ----------
    high : (N, D) features, compared by Euclidean distance.
    plane : (N, 2) or any (N, d) layout of them.
    k : neighbours of each image, below N / 2.
    sample : exact up to so many images; above, the mean over so many drawn at random, each against all N.
    seed : of the draw.

    Raises
    ------
    ValueError
        Tables of different lengths, `k` out of range, `sample` below 1.
    """
    trust, _ = neighbourhood(high, plane, k, sample, seed)
    if np.isnan(trust):
        count = len(np.asarray(high))
        raise ValueError(f"k is {k} for {count} images; trustworthiness needs fewer neighbours than half of them")
    return trust


def neighbours_kept(high: ArrayLike, plane: ArrayLike, k: int = 10, sample: int = SAMPLE, seed: int = 0) -> float:
    """The share of the k nearest in the plane that are among the k nearest by features.

    Parameters and errors are those of `trustworthiness`, but `k` may be anything below N.
    """
    return neighbourhood(high, plane, k, sample, seed)[1]


def neighbourhood(
    high: ArrayLike, plane: ArrayLike, k: int = 10, sample: int = SAMPLE, seed: int = 0
) -> tuple[float, float]:
    """`trustworthiness`, NaN where `k` is half of the images or more, and `neighbours_kept`, for the work of one."""
    ranks, count = _ranks(high, plane, k, sample, seed)
    worst = k * (2 * count - 3 * k - 1) / 2
    trust = 1 - np.maximum(ranks - k, 0).sum(axis=1).mean() / worst if 2 * k < count else np.nan
    return float(trust), float((ranks <= k).mean())


def _ranks(high: ArrayLike, plane: ArrayLike, k: int, sample: int, seed: int) -> tuple[NDArray[np.int64], int]:
    """r(i, j) of the k nearest in the plane of each image looked at, (n, k), and N."""
    rows, flat = np.asarray(high, np.float64), np.asarray(plane, np.float64)
    if rows.ndim != 2 or flat.ndim != 2 or len(rows) != len(flat):
        raise ValueError(f"features have shape {rows.shape}, the plane {flat.shape}; give two tables of N rows")
    count = len(rows)
    if not 1 <= k < count:
        raise ValueError(f"k is {k} for {count} images; ask for 1 neighbour or more, fewer than there are images")
    if sample < 1:
        raise ValueError(f"sample is {sample}; look at 1 image or more")
    own = np.arange(count)
    if count > sample:
        own = np.sort(np.random.default_rng(seed).choice(count, sample, replace=False))
    near = _nearest_in_plane(flat, own, k)
    rows = rows - rows.mean(axis=0)
    lengths = (rows**2).sum(axis=1)
    slack = ROUNDING * float(lengths.max())
    ranks = np.empty((len(own), k), np.int64)
    for start in range(0, len(own), BLOCK):
        some = slice(start, start + BLOCK)
        square = lengths[own[some], None] + lengths - 2 * rows[own[some]] @ rows.T
        square[np.arange(len(square)), own[some]] = np.inf
        limits = np.take_along_axis(square, near[some], axis=1) - slack
        ranks[some] = np.stack([(square < limit[:, None]).sum(axis=1) for limit in limits.T], axis=1) + 1
    return ranks, count


def _nearest_in_plane(flat: NDArray[np.float64], own: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The k nearest (n, k) of the images `own`, themselves left out."""
    from scipy.spatial import cKDTree

    far, near = cKDTree(flat).query(flat[own], k + 1)
    return without_self(own, np.asarray(near, np.int64), far)[0]
