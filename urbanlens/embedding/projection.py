"""An embedding laid out in a plane, so that a person can look at it."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.embedding.principal import principal
from urbanlens.embedding.tsne import tsne
from urbanlens.progress import Progress, silent

Method = Literal["pca", "tsne", "umap"]
METHODS: tuple[Method, ...] = ("pca", "tsne", "umap")
PLANE_FILE = "plane.npy"
AXES = 50
"""Principal components that t-SNE and UMAP start from."""


def project(
    features: ArrayLike, method: Method = "pca", seed: int = 0, *, progress: Progress = silent
) -> NDArray[np.float32]:
    """Lay (N, D) features out in a plane.

    Parameters
    ----------
    features : (N, D) embedding.
    method : `pca` at once, axes of largest spread (linear); `tsne` and `umap` keep neighbours together and take
        seconds for thousands of images.
    seed : of the layout; the same seed gives the same plane.
    progress : told by `tsne` as it goes on, by `umap` before and after; what it raises ends the work.

    Returns
    -------
    plane : (N, 2) float32, centred, the wider axis about 2 wide.

    Raises
    ------
    ValueError
        An unknown method, or features that are no (N, D) table.
    """
    rows = np.asarray(features, np.float32)
    if rows.ndim != 2:
        raise ValueError(f"features have shape {rows.shape}; give a table of N images by D numbers")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; known are {', '.join(METHODS)}")
    if len(rows) < 3:
        return _tidy(np.column_stack([np.arange(len(rows)), np.zeros(len(rows))]))
    if method == "pca" or len(rows) < 10:
        return _tidy(principal(rows, 2))
    reduced = principal(rows, min(AXES, rows.shape[1]))
    if method == "tsne":
        return _tidy(tsne(reduced, seed, progress))
    progress(0, 1, "laying the images out")
    plane = _tidy(_umap(reduced, seed))
    progress(1, 1, "laying the images out")
    return plane


def kept_projection(
    store: ArtifactStore,
    collection: str,
    features: ArrayLike,
    method: Method = "umap",
    seed: int = 0,
    *,
    compute: bool = True,
    progress: Progress = silent,
) -> NDArray[np.float32] | None:
    """`project` of a whole collection, read from `store` or computed and kept there.

    Parameters
    ----------
    collection : the collection's fingerprint.
    compute : False answers None instead of computing what is not there yet.
    progress : as of `project`.
    """
    rows = np.asarray(features, np.float32)
    parameters: dict[str, str | int] = {"method": method, "rows": len(rows), "dimensions": rows.shape[-1]}
    if method == "tsne":
        parameters["by"] = "openTSNE"  # planes of an earlier version were scikit-learn's
    key = ArtifactKey("projection", collection, "efficientnet-lite0", parameters, seed)
    folder = store.find(key)
    if folder is not None:
        return np.asarray(np.load(folder / PLANE_FILE, allow_pickle=False), np.float32)
    if not compute:
        return None
    plane = project(rows, method, seed, progress=progress)
    with store.write(key) as folder:
        np.save(folder / PLANE_FILE, plane)
    return plane


def _umap(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    with warnings.catch_warnings():  # umap says that a fixed seed means one thread, which is what is wanted
        warnings.simplefilter("ignore")
        from umap import UMAP  # compiles for seconds on its first import

        layout = UMAP(n_neighbors=min(15, len(rows) - 1), min_dist=0.1, metric="cosine", random_state=seed, n_jobs=1)
        return np.asarray(layout.fit_transform(rows), np.float32)


def _tidy(plane: NDArray[np.floating]) -> NDArray[np.float32]:
    """Centred and scaled to about [-1, 1]."""
    flat = np.asarray(plane, np.float32).reshape(-1, 2)
    if not len(flat):
        return flat
    flat = flat - (flat.max(axis=0) + flat.min(axis=0)) / 2
    return np.asarray(flat / max(float(np.abs(flat).max()), 1e-9), np.float32)
