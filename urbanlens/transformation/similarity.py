"""How much a template image looks like a natural one: the error E(I', I_j) of the way from a template to a street.

Features are compared by the cosine of their angle, a template's once it is freed of what a generator adds to every
image (`Shift`); pixels by structural similarity (`ssim`). Of features or thumbnails alike, the larger the similarity
the smaller the error: E = 1 - similarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import keep_arrays, kept_arrays
from urbanlens.embedding.index import NearestIndex, check_mask, needs_lists, open_index
from urbanlens.embedding.nearest import Found, nearest, unit_rows
from urbanlens.errors import ModelError
from urbanlens.explain.trust import wilson_interval
from urbanlens.progress import Progress, part_of, silent
from urbanlens.transformation.looks import (
    CLASSIFIER,
    FEATURES,
    LITE0,
    PIXELS,
    SIMILARITIES,
    Features,
    Similarity,
    check_name,
    collection_features,
    kept_features,
    looks_key,
    picture_features,
    result_store,
)  # fmt: skip
from urbanlens.transformation.ssim import SIDE, ssim

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

__all__ = [
    "CLASSIFIER",
    "FEATURES",
    "LITE0",
    "PIXELS",
    "SIMILARITIES",
    "Features",
    "Rate",
    "Shift",
    "Similarity",
    "collection_features",
    "collection_index",
    "counterparts",
    "kept_features",
    "kept_index",
    "make_index",
    "measure_shift",
    "own_class_rate",
    "picture_features",
    "shift_key",
    "shifted",
    "ssim",
]

SHIFT_KIND, INDEX_KIND = "similarity-shift", "similarity-index"
BLOCK = 64

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shift:
    """What a generator adds to every image, as a similarity sees it.

    Attributes
    ----------
    similarity : the name of the similarity
    difference : (D,) mean of the reconstructions' features minus those of the real images they reconstruct
    pairs : from how many images
    """

    similarity: str
    difference: Features
    pairs: int

    def keep(self, store: ArtifactStore, key: ArtifactKey) -> None:
        """Write it under a `shift_key`."""
        keep_arrays(store, key, {"difference": self.difference}, similarity=self.similarity, pairs=self.pairs)

    @classmethod
    def kept(cls, store: ArtifactStore, key: ArtifactKey) -> Shift | None:
        """What was written; None where nothing was."""
        arrays = kept_arrays(store, key)
        if arrays is None:
            return None
        told = store.manifest(key)
        return cls(told["similarity"], np.asarray(arrays["difference"], np.float32), int(told["pairs"]))


def measure_shift(reconstructions: Features, reals: Features, name: str) -> Shift:
    """The mean difference that a generator makes, on images that it did not learn from.

    Parameters
    ----------
    reconstructions, reals : (n, D) features of pictures; pairs of which one could not be read are left out
    name : of the similarity whose features they are

    Raises
    ------
    ModelError
        Where they do not pair up, none can be read, or the similarity compares pixels, which have no shift.
    """
    if name not in FEATURES:
        check_name(name)
        raise ModelError(f"{name} compares no features, so there is no shift to measure: leave it out")
    if reconstructions.shape != reals.shape or reals.ndim != 2:
        raise ModelError(
            f"{reconstructions.shape} features of reconstructions and {reals.shape} of real images do not pair up: "
            "give the same images in the same order"
        )
    both = reconstructions.any(axis=1) & reals.any(axis=1)
    if not both.any():
        raise ModelError("no pair of a reconstruction and its real image can be read: give some validation images")
    difference = unit_rows(reconstructions[both]).mean(axis=0) - unit_rows(reals[both]).mean(axis=0)
    return Shift(name, np.asarray(difference, np.float32), int(both.sum()))


def shifted(features: Features, shift: Shift | None) -> Features:
    """A generator's images (n, D) as if they were real ones: rows of length 1, freed of the shift; None: of nothing.

    Rows of zeros stay zero.
    """
    rows = unit_rows(np.asarray(features, np.float32))
    if shift is None:
        return rows
    if rows.shape[1] != len(shift.difference):
        raise ModelError(
            f"features of {rows.shape[1]} numbers and a shift of {len(shift.difference)}: "
            f"give features of {shift.similarity}, of the network that the shift was measured with"
        )
    return np.where(rows.any(axis=1, keepdims=True), unit_rows(rows - shift.difference), np.float32(0))


def shift_key(
    fingerprint: str, generator: str, name: str, *, size: int = 128,
    model: LoadedModel | ModelCard | Path | str | None = None,
) -> ArtifactKey:  # fmt: skip
    """Under what a shift is kept.

    Parameters
    ----------
    fingerprint : of the collection whose validation images it was measured on
    generator : digest of the generator's weights
    name, size, model : as of `kept_features`
    """
    looks = looks_key(fingerprint, name, size=size, model=model)
    return ArtifactKey(SHIFT_KIND, fingerprint, generator, {**looks.parameters, "network": looks.model})


def counterparts(query: NDArray[Any], features: Features | NearestIndex, rows: Mask, k: int) -> Found:
    """The images that a template image is nearest to.

    Parameters
    ----------
    query : (D,) features of the template image; or the picture itself, (P, P, 3), to compare pixels by SSIM
    features : (N, D) of all images, as `collection_features` gives them; or an index of them, see `collection_index`,
        which is faster where there are many or one asks often
    rows : (N,) which images may be found: a region, a class, all; without the source itself. An image that cannot be
        read is never found
    k : how many; fewer where fewer may be found

    Returns
    -------
    index, similarity : (k,) rows, the most similar first; equal ones in the order of the rows

    Raises
    ------
    ValueError
        `k` below 1, a mask that does not fit, or features of another similarity than the query's.
    """
    if isinstance(features, NearestIndex):
        return features.search(np.asarray(query, np.float32), k, rows)
    table, asked = np.asarray(features), np.asarray(query)
    allowed = np.flatnonzero(check_mask(rows, len(table)) & table.any(axis=1))
    if not _are_thumbnails(table) and asked.ndim == 1:
        found, similarity = nearest(asked, table[allowed], k)
        return allowed[found], similarity
    picture = asked.reshape(SIDE, SIDE) if asked.shape == (SIDE * SIDE,) else asked
    if not _are_thumbnails(table) or picture.ndim == 1:
        raise ValueError(
            f"query has shape {asked.shape} and features {table.shape}: give the query's features by the same "
            f"similarity; a picture goes with collection_features(collection, {PIXELS!r})"
        )
    if k < 1:
        raise ValueError(f"k is {k}; ask for at least 1 nearest image")
    values = ssim(picture, table[allowed].reshape(-1, SIDE, SIDE))
    order = np.argsort(-values, kind="stable")[:k]
    return allowed[order].astype(np.int64), values[order]


def collection_index(
    collection: ImageCollection, name: str, features: Features, *, size: int = 128,
    model: LoadedModel | ModelCard | Path | str | None = None, store: ArtifactStore | None = None,
    progress: Progress = silent,
) -> NearestIndex:  # fmt: skip
    """An index of the whole collection's features; above 100,000 images its lists are made once and kept.

    Parameters
    ----------
    features : (N, D) what `collection_features` gives for the whole collection
    name, size, model, store : as there
    progress : told while lists are made; may raise Cancelled
    """
    if name not in FEATURES:
        check_name(name)
        raise ModelError(f"{name} compares pictures one by one and has no index: give `counterparts` its thumbnails")
    key = _index_key(collection, name, size, model)
    return open_index(features, result_store(collection, store), key, progress=progress)


def make_index(
    collection: ImageCollection, name: str, *, size: int = 128,
    model: LoadedModel | Path | str | None = None, store: ArtifactStore | None = None,
    engine: Engine | None = None, progress: Progress = silent,
) -> NearestIndex | Features:  # fmt: skip
    """What `counterparts` looks through: looks at the whole collection and makes its index, as far as that is new.

    Parameters are those of `collection_features`.
    """
    whole = collection.whole
    features = collection_features(whole, name, size=size, model=model, store=store, engine=engine, progress=progress)
    if name not in FEATURES:
        return features
    last = part_of(progress, len(whole) - 1, 1, len(whole), "image")
    return collection_index(whole, name, features, size=size, model=model, store=store, progress=last)


def kept_index(
    collection: ImageCollection, name: str, *, size: int = 128,
    model: LoadedModel | ModelCard | Path | str | None = None, store: ArtifactStore | None = None,
) -> NearestIndex | Features | None:  # fmt: skip
    """What `make_index` gives, where that was done before; else None. Loads no torch.

    None, too, where the images were looked at, but are so many that lists are still to be made.
    """
    whole, store = collection.whole, result_store(collection, store)
    features = kept_features(whole, name, size=size, model=model, store=store)
    if features is None or name not in FEATURES:
        return features
    if needs_lists(features) and store.find(_index_key(whole, name, size, model)) is None:
        return None
    return collection_index(whole, name, features, size=size, model=model, store=store)


def _index_key(
    collection: ImageCollection, name: str, size: int, model: LoadedModel | ModelCard | Path | str | None
) -> ArtifactKey:
    looks = looks_key(collection.whole.fingerprint, name, size=size, model=model)
    return ArtifactKey(INDEX_KIND, looks.collection, looks.model, looks.parameters)


@dataclass(frozen=True)
class Rate:
    """A share of images, with its 95 % interval (Wilson)."""

    share: float
    low: float
    high: float
    images: int


def own_class_rate(
    features: Features, labels: NDArray[np.int64], rows: Mask, among: Mask | None = None
) -> Rate:  # fmt: skip
    """How often a real image's nearest other image has its own class: what a template image can reach at best.

    Parameters
    ----------
    features : (N, D) of `collection_features`
    labels : (N,) number of each image's class, -1 where it has none
    rows : (N,) the images that are asked about: test images. Those without a class, or that cannot be read, do not
        count
    among : (N,) the images that may be nearest; None: all that have a class

    Raises
    ------
    ValueError
        Where labels or masks do not fit the features.
    """
    if labels.shape != (len(features),):
        raise ValueError(f"{labels.shape} labels for {len(features):,} images: give one number each, -1 for none")
    known = (labels >= 0) & features.any(axis=1)
    asked = np.flatnonzero(check_mask(rows, len(features)) & known)
    pool = np.flatnonzero(known if among is None else check_mask(among, len(features)) & known)
    own = 0
    counted = asked if len(pool) > 1 else asked[:0]
    for start in range(0, len(counted), BLOCK):
        some = counted[start : start + BLOCK]
        own += int((labels[_nearest_others(features, some, pool)] == labels[some]).sum())
    low, high = wilson_interval(own, len(counted))
    return Rate(own / len(counted) if len(counted) else float("nan"), low, high, len(counted))


def _nearest_others(features: Features, asked: NDArray[np.int64], pool: NDArray[np.int64]) -> NDArray[np.int64]:
    """(M,) the row of the pool, of which there are two or more, that each asked row is nearest to, itself left out."""
    if _are_thumbnails(features):
        thumbnails = features.reshape(-1, SIDE, SIDE)
        others = thumbnails[pool]
        scores = np.stack([ssim(thumbnails[row], others) for row in asked])
    else:
        scores = unit_rows(features[asked]) @ unit_rows(features[pool]).T
    scores[asked[:, None] == pool] = -np.inf
    return np.asarray(pool[scores.argmax(axis=1)], np.int64)


def _are_thumbnails(features: NDArray[Any]) -> bool:
    """Whether features are those of `pixels`; no network of `MODELS` has so many for a picture."""
    return features.ndim == 2 and features.shape[1] == SIDE * SIDE
