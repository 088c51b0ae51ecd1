"""The average residual: how far two networks look at different places.

"Deep Visual City Recognition Visualization" (2018), equation 2, for masks of H x W pixels::

    AR = |mask_1 - mask_2| / (H W), summed over pixels, then averaged over images
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays, kept_arrays
from urbanlens.errors import ModelError
from urbanlens.explain.masks import upsample_masks
from urbanlens.progress import Progress, silent

SIZE = 224
CHUNK = 64
KINDS = ("pair", "same", "shuffled", "random")
"""What a residual compares: two networks on each image; a network with itself; two networks, each on another image;
a network with random masks of the same coarseness."""


def average_residual(masks_a: ArrayLike, masks_b: ArrayLike) -> float:
    """Mean |a - b| over pixels and images.

    Parameters
    ----------
    masks_a, masks_b : (N, H, W) in [0, 1], as `upsample_masks` gives them

    Returns
    -------
    float
        In [0, 1]: 0 where both look at the same places; NaN for no image at all.
    """
    a, b = np.asarray(masks_a, np.float32), np.asarray(masks_b, np.float32)
    if a.shape != b.shape or a.ndim != 3:
        raise ModelError(f"masks of shapes {a.shape} and {b.shape} cannot be compared: both must be (N, H, W)")
    return float(np.abs(a - b).mean(dtype=np.float64)) if a.size else float("nan")


@dataclass(frozen=True)
class Residuals:
    """Residuals of each image for pairs of networks and for their controls.

    Attributes
    ----------
    values : (kind, network, network) -> (N,) residual of each image; kinds as in `KINDS`
    """

    values: Mapping[tuple[str, str, str], NDArray[np.float32]]

    def table(self, rows: NDArray[Any] | None = None) -> pd.DataFrame:
        """kind, a, b, ar (mean), low, high (its 95 % interval, from the standard error), images."""
        found = []
        for (kind, a, b), values in self.values.items():
            chosen = values if rows is None else values[rows]
            mean = float(chosen.mean()) if len(chosen) else float("nan")
            reach = 1.96 * float(chosen.std(ddof=1)) / len(chosen) ** 0.5 if len(chosen) > 1 else float("nan")
            found.append((kind, a, b, mean, mean - reach, mean + reach, len(chosen)))
        return pd.DataFrame(found, columns=["kind", "a", "b", "ar", "low", "high", "images"])


def residuals(
    maps: Mapping[str, NDArray[np.float32]], *, size: int = SIZE, seed: int = 0, progress: Progress = silent
) -> Residuals:
    """The residuals of every two networks on the same N images, with controls.

    Parameters
    ----------
    maps : raw maps (N, h, w) of each network, on the same images in the same order
    size : side in px of the masks that are compared
    seed : of the random masks, and of the unrelated images: a random ring in which each image gets its neighbour's

    Returns
    -------
    Residuals
        `pair` for every two networks; `shuffled` for the same two, the second on an unrelated image; `same` and
        `random` for each network.
    """
    names = list(maps)
    counts = {len(values) for values in maps.values()}
    if len(counts) > 1:
        raise ModelError(f"the networks explain {sorted(counts)} images: give maps of the same images")
    total = counts.pop() if counts else 0
    generator = np.random.default_rng(seed)
    other = np.empty(total, np.int64)
    ring = generator.permutation(total)
    other[ring] = np.roll(ring, 1)
    found: dict[tuple[str, str, str], list[NDArray[np.float32]]] = {}
    for start in range(0, total, CHUNK):
        rows = np.arange(start, min(start + CHUNK, total))
        here = {name: upsample_masks(maps[name][rows], size) for name in names}
        for name in names:
            noise = upsample_masks(generator.random(maps[name][rows].shape, np.float32), size)
            found.setdefault(("same", name, name), []).append(_each(here[name], here[name]))
            found.setdefault(("random", name, name), []).append(_each(here[name], noise))
        away = {name: upsample_masks(maps[name][other[rows]], size) for name in names[1:]}
        for a, b in combinations(names, 2):
            found.setdefault(("pair", a, b), []).append(_each(here[a], here[b]))
            found.setdefault(("shuffled", a, b), []).append(_each(here[a], away[b]))
        progress(int(rows[-1]) + 1, total, "comparing masks, image")
    return Residuals({key: np.concatenate(parts) for key, parts in found.items()})


def residuals_key(keys: Mapping[str, ArtifactKey], rows: NDArray[np.int64]) -> ArtifactKey:
    """What the residuals of some images under some networks' kept masks are kept under."""
    told = hashlib.sha256(np.ascontiguousarray(rows, np.int64).tobytes()).hexdigest()[:20]
    parameters = {"maps": {name: key.digest for name, key in keys.items()}, "rows": told, "size": SIZE}
    return ArtifactKey("residuals", next(iter(keys.values())).collection, parameters=parameters, seed=0)


def kept_residuals(store: ArtifactStore, key: ArtifactKey) -> Residuals | None:
    """Residuals that were computed before; else None."""
    arrays = kept_arrays(store, key)
    if arrays is None:
        return None
    names = [tuple(name) for name in store.manifest(key)["pairs"]]
    return Residuals({name: arrays["values"][:, column] for column, name in enumerate(names)})


def keep_residuals(store: ArtifactStore, key: ArtifactKey, found: Residuals) -> None:
    """Keep residuals, whole or not at all."""
    values = np.stack(list(found.values.values()), 1)
    keep_arrays(store, key, {"values": values}, pairs=[list(name) for name in found.values])


def _each(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) mean |a - b| of each image."""
    return np.asarray(np.abs(a - b).mean((1, 2)), np.float32)
