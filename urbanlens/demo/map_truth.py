"""Do SIAM's maps lie on the things? On the demo's test images, against the true maps of the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays, kept_arrays
from urbanlens.demo.templates import correlations, derangements
from urbanlens.errors import ModelError
from urbanlens.explain.trust import mean_interval
from urbanlens.siam.metrics import interval

if TYPE_CHECKING:
    from pathlib import Path

    from urbanlens.collection import ImageCollection
    from urbanlens.models.card import ModelCard

KIND = "siam-places"
BATCH = 32
COVERED = 0.01
"""The share of a picture above which an attribute's map is judged."""

FEWEST = 10
"""Images below which an attribute does not count in the mean of all."""

KINDS = ("siam", "prior", "shuffled")
Array = NDArray[np.float32]
Told = tuple[float, tuple[float, float] | None]


@dataclass(frozen=True)
class MapTruth:
    """Pearson correlations over the cells of N test images with the true map; NaN where an attribute is not there.

    Attributes
    ----------
    names : of the A attributes
    siam : (N, A) of SIAM's map
    prior : (N, A) of the attribute's mean true map over the training images: the same place in every image
    shuffled : (N, A) of SIAM's map of another test image in which the attribute is
    """

    names: tuple[str, ...]
    siam: Array
    prior: Array
    shuffled: Array

    def table(self) -> pd.DataFrame:
        """A row an attribute: how many images show it, and mean, low and high (95 %) of each of `KINDS`."""
        rows = []
        for i, name in enumerate(self.names):
            row: dict[str, Any] = {"attribute": name, "images": int(np.isfinite(self.siam[:, i]).sum())}
            for kind in KINDS:
                row[kind], row[f"{kind}_low"], row[f"{kind}_high"], _ = mean_interval(getattr(self, kind)[:, i])
            rows.append(row)
        return pd.DataFrame(rows)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(A,) which attributes enough images show."""
        return np.asarray(np.isfinite(self.siam).sum(0) >= FEWEST)

    def mean(self, kind: str, less: str | None = None, *, seed: int = 0) -> Told:
        """The mean over attributes of their means, and its 95 % interval from bootstrap draws of whole images.

        Parameters
        ----------
        kind, less : of `KINDS`; with `less`, how much more `kind` reaches on the same images
        """
        values = getattr(self, kind) - (getattr(self, less) if less else 0)
        values = values[:, self.judged].astype(np.float64)
        if not values.size:
            return float("nan"), None

        known = np.isfinite(values)
        both = np.concatenate([np.where(known, values, 0.0), known], 1)

        def measure(rows: NDArray[np.int64]) -> float:
            sums, counts = np.split(np.bincount(rows, minlength=len(both)) @ both, 2)
            return float((sums[counts > 0] / counts[counts > 0]).mean())

        return measure(np.arange(len(values))), interval(measure, len(values), seed=seed)


def kept_map_truth(collection: ImageCollection, card: ModelCard, *, store: ArtifactStore) -> MapTruth | None:
    """What `map_truth` gives, where it has been computed before; else None. Loads no torch."""
    arrays = kept_arrays(store, _key(collection, card))
    return None if arrays is None else MapTruth(card.classes, *(arrays[kind] for kind in KINDS))


def map_truth(collection: ImageCollection, folder: Path, *, store: ArtifactStore) -> MapTruth:
    """The correlations of a SIAM in `folder` on the demo's test images, kept in `store`; a quarter of a minute.

    Raises
    ------
    ModelError
        Where the network is no SIAM, or its maps have other cells than the true ones.
    """
    from urbanlens.demo.making import attribute_maps
    from urbanlens.models import load_model
    from urbanlens.models.card import ModelCard

    whole, card = collection.whole, ModelCard.read(folder)
    if (found := kept_map_truth(whole, card, store=store)) is not None:
        return found
    if card.task != "attributes":
        raise ModelError(f"{card.name} answers {card.task} and draws no attributes: give a SIAM")
    true, names = attribute_maps(whole)
    side, crop = int(card.options["map_size"]), int(card.options["crop"])
    if side != true.shape[-1] or set(card.classes) - set(names):
        raise ModelError(
            f"{card.name} has other attributes or cells than the demo's true maps: they cannot be compared"
        )
    first = (side - crop) // 2
    true = true[:, [names.index(name) for name in card.classes]]
    true = true[..., first : first + crop, first : first + crop]
    split = np.asarray(whole.table["split"])
    found = compared(card.classes, _drawn(whole.where(split == "test"), load_model(folder)), true[split == "test"],
                     true[split == "train"].mean(0, dtype=np.float64))  # fmt: skip
    keep_arrays(store, _key(whole, card), {kind: getattr(found, kind) for kind in KINDS}, attributes=list(card.classes))
    return found


def compared(
    names: Sequence[str], found: NDArray[Any], true: NDArray[Any], prior: NDArray[Any], *, seed: int = 0
) -> MapTruth:
    """Found maps against true ones.

    Parameters
    ----------
    names : (A,)
    found, true : (N, A, c, c); the true ones as shares in 0..255
    prior : (A, c, c) the mean true maps of other images
    seed : of which other image's map each true map is compared with
    """
    count, attributes = true.shape[:2]
    there = true.mean((2, 3), dtype=np.float64) / 255 > COVERED
    found, true = found.reshape(count, attributes, -1), true.reshape(count, attributes, -1)
    kept = {kind: np.full((count, attributes), np.nan, np.float32) for kind in KINDS}
    for i in range(attributes):
        rows = np.flatnonzero(there[:, i])
        kept["siam"][rows, i] = correlations(found[rows, i], true[rows, i])
        kept["prior"][rows, i] = correlations(prior[i].reshape(1, -1), true[rows, i])
        for order in derangements(len(rows), 1, seed):
            kept["shuffled"][rows, i] = correlations(found[rows[order], i], true[rows, i])
    return MapTruth(tuple(names), **kept)


def _drawn(test: ImageCollection, model: Any) -> Array:
    """(N, A, c, c) SIAM's maps of a view's images."""
    import torch

    parts = []
    with torch.inference_mode():
        for start in range(0, len(test), BATCH):
            pixels = [model.transform(test.image(name)) for name in test.ids[start : start + BATCH]]
            parts.append(model.module.cropped(model.module.maps(torch.stack(pixels))).float().cpu().numpy())
    return np.concatenate(parts)


def _key(collection: ImageCollection, card: ModelCard) -> ArtifactKey:
    whole = collection.whole
    test = whole.where(np.asarray(whole.table["split"] == "test"))
    return ArtifactKey(KIND, test.fingerprint, card.weights_digest, {"names": list(card.classes), "covered": COVERED})
