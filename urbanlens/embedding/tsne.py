"""t-SNE: a plane in which neighbours stay neighbours.

L. van der Maaten, G. Hinton, Visualizing Data using t-SNE, 2008. With p_ij the chance that images i and j are
neighbours by their features, Gaussian with a width that gives each image `perplexity` of them, the plane y minimises::

    KL(P || Q) = sum_ij p_ij log(p_ij / q_ij),      q_ij ~ 1 / (1 + |y_i - y_j|^2)

Computed by openTSNE: forces by Barnes-Hut for few images, by interpolation and FFT (Linderman et al. 2019) for many.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from urbanlens.embedding.principal import principal
from urbanlens.progress import Progress, silent

PERPLEXITY = 30.0
EARLY, MAIN = 250, 500
"""Steps with the attraction exaggerated, which sorts the groups apart, and after it."""
EXAGGERATION = 12.0
EVERY = 10
"""Steps from one report of progress to the next."""
FFT_FROM = 10_000
"""Images above which the forces are interpolated."""
THREADS_FROM = 5_000
"""Images above which a step is long enough that threads gain more than they spend on waiting for each other."""
EXACT_UP_TO = 100_000
"""Images up to which the neighbours are found exactly: fewer CPU seconds than an index needs to be built."""
BLOCK = 1024
WHAT = "laying the images out"


def tsne(rows: NDArray[np.float32], seed: int = 0, progress: Progress = silent) -> NDArray[np.float32]:
    """Lay (N, D) rows out in a plane by t-SNE, from their principal components.

    Parameters
    ----------
    rows : (N, D), N >= 4.
    seed : of what separates equal rows, and of the index of neighbours above 100,000 rows.
    progress : told some hundred times; what it raises, `Cancelled` above all, ends the work.

    Returns
    -------
    plane : (N, 2) float32; up to 100,000 rows, the same for the same seed.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    threads = -1 if len(rows) > THREADS_FROM else 1
    searches = -(-len(rows) // BLOCK)
    total = searches + EARLY + MAIN
    perplexity = min(PERPLEXITY, (len(rows) - 1) / 3)
    index = _neighbours(rows, int(3 * perplexity), seed, progress, total)
    affinities = PerplexityBasedNN(perplexity=perplexity, knn_index=index, n_jobs=threads)
    plane = TSNEEmbedding(
        _start(rows, seed),
        affinities,
        negative_gradient_method="fft" if len(rows) > FFT_FROM else "bh",
        random_state=seed,
        n_jobs=threads,
    )
    done = searches
    for steps, exaggeration in ((EARLY, EXAGGERATION), (MAIN, None)):

        def report(step: int, _error: float, _plane: object, before: int = done) -> None:
            progress(before + step, total, WHAT)

        plane.optimize(
            steps,
            exaggeration=exaggeration,
            momentum=0.8,
            inplace=True,
            propagate_exception=True,
            callbacks=[report],
            callbacks_every_iters=EVERY,
        )
        done += steps
    return np.asarray(plane, np.float32)


def _neighbours(rows: NDArray[np.float32], k: int, seed: int, progress: Progress, total: int) -> object:
    """The index of openTSNE that knows the k nearest of each row, itself left out."""
    from openTSNE.nearest_neighbors import Annoy, PrecomputedNeighbors

    if len(rows) > EXACT_UP_TO:
        progress(0, total, WHAT)
        return Annoy(rows, k, n_jobs=-1, random_state=seed)
    from sklearn.neighbors import NearestNeighbors

    finder = NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(rows)
    index = np.empty((len(rows), k), np.int64)
    distance = np.empty((len(rows), k), np.float64)
    for number, start in enumerate(range(0, len(rows), BLOCK)):
        progress(number, total, WHAT)
        own = np.arange(start, min(start + BLOCK, len(rows)))
        far, near = finder.kneighbors(rows[own])
        index[own], distance[own] = without_self(own, near, far)
    return PrecomputedNeighbors(index, distance)


def without_self(
    own: NDArray[np.int64], near: NDArray[np.int64], far: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """k of the k + 1 nearest (n, k + 1) of the rows `own`: not the row itself.

    Among rows that are equal the row itself need not come first, nor at all; then the farthest goes.
    """
    other = near != own[:, None]
    other[other.all(axis=1), -1] = False
    return near[other].reshape(len(own), -1), far[other].reshape(len(own), -1)


def _start(rows: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """The principal plane, tiny as t-SNE wants it, with what keeps equal rows apart."""
    plane = principal(rows, 2).astype(np.float64)
    spread = plane[:, 0].std()
    plane *= 1e-4 / spread if spread > 0 else 0
    return plane + np.random.default_rng(seed).normal(0, 1e-6, plane.shape)
