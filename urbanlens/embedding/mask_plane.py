"""The masks of one network laid out in a plane, with how far the plane can be believed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays, kept_arrays
from urbanlens.embedding.masks import COMPONENTS, SIZE, mask_components
from urbanlens.embedding.projection import Method, project
from urbanlens.embedding.quality import neighbourhood
from urbanlens.progress import Progress, silent

KIND = "mask-plane"
NEIGHBOURS = 10
FINEST = 28


@dataclass(frozen=True)
class MaskPlane:
    """M masks in a plane.

    Attributes
    ----------
    points : (M, 2), about 2 wide
    explained : share of the masks' variance that the components hold which the layout starts from
    trust : trustworthiness at 10 neighbours, in [0, 1]: near in the plane means near as masks
    kept : share of each mask's 10 nearest that are among its 10 nearest in the plane
    method, seed : of the layout
    """

    points: NDArray[np.float32]
    explained: float
    trust: float
    kept: float
    method: Method
    seed: int

    @property
    def chance(self) -> float:
        """`kept` of a random plane."""
        return min(1.0, NEIGHBOURS / max(len(self.points) - 1, 1))


def mask_plane(
    maps: NDArray[np.float32], maps_key: ArtifactKey, rows: NDArray[np.int64], *, method: Method = "tsne",
    seed: int = 0, store: ArtifactStore, progress: Progress = silent,
) -> MaskPlane:  # fmt: skip
    """PCA of the masks to 50 components, then t-SNE or UMAP: "Deep Visual City Recognition Visualization" (2018).

    Parameters
    ----------
    maps : (N, h, w) raw maps of a whole collection
    maps_key : what they are kept under
    rows : (M,) numbers of the images to lay out; those with an empty mask belong nowhere and should be left out
    """
    found = kept_mask_plane(maps_key, rows, method=method, seed=seed, store=store)
    if found is not None:
        return found
    reduced = mask_components(pooled(maps[rows]), SIZE, COMPONENTS)
    points = project(reduced.rows, method, seed, progress=progress)
    near = (np.nan, np.nan)
    if len(rows) > NEIGHBOURS:
        near = neighbourhood(reduced.rows, points, NEIGHBOURS, seed=seed)
    quality = np.array([float(reduced.explained.sum()), *near])
    keep_arrays(store, _key(maps_key, rows, method, seed), {"points": points, "quality": quality})
    return MaskPlane(points, *_told(quality), method, seed)


def pooled(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps averaged over blocks until no side has more than `FINEST` cells: finer ones take too long to lay out."""
    factor = -(-max(maps.shape[1:]) // FINEST)
    if factor < 2:
        return maps
    count, height, width = maps.shape
    low, wide = height // factor, width // factor
    blocks = maps[:, : low * factor, : wide * factor].reshape(count, low, factor, wide, factor)
    return np.asarray(blocks.mean((2, 4)), np.float32)


def kept_mask_plane(
    maps_key: ArtifactKey, rows: NDArray[np.int64], *, method: Method = "tsne", seed: int = 0, store: ArtifactStore
) -> MaskPlane | None:
    """What `mask_plane` gives, where it has been computed before; else None."""
    arrays = kept_arrays(store, _key(maps_key, rows, method, seed))
    if arrays is None:
        return None
    return MaskPlane(arrays["points"], *_told(arrays["quality"]), method, seed)


def _told(quality: NDArray[np.float64]) -> tuple[float, float, float]:
    explained, trust, kept = map(float, quality)
    return explained, trust, kept


def _key(maps_key: ArtifactKey, rows: NDArray[np.int64], method: Method, seed: int) -> ArtifactKey:
    told = hashlib.sha256(np.ascontiguousarray(rows, np.int64).tobytes()).hexdigest()[:20]
    parameters = {"maps": maps_key.digest, "rows": told, "method": method, "size": SIZE, "components": COMPONENTS}
    return ArtifactKey(KIND, maps_key.collection, maps_key.model, parameters, seed)
