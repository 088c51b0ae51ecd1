"""The pixels of each object inside the masks of a whole collection, counted once and kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.errors import ImageError
from urbanlens.explain.collection_maps import CollectionMaps
from urbanlens.explain.masks import upsample_masks
from urbanlens.explain.objects import GRID, THRESHOLDS, ObjectCounts, count_objects
from urbanlens.progress import Progress, silent
from urbanlens.threads import READERS

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

KIND = "object-counts"


class Labels(Protocol):
    """Where the object of each pixel is known from: a collection, or what a segmentation network said about it."""

    @property
    def object_names(self) -> Mapping[int, str]:
        """The name of each object id."""

    def objects(self, image_id: str) -> NDArray[np.uint16] | None:
        """(H, W) object ids, 0 for unlabelled; None where nothing is known."""


def count_collection(
    collection: ImageCollection,
    maps: CollectionMaps,
    maps_key: ArtifactKey,
    *,
    labels: Labels | None = None,
    source: str = "",
    store: ArtifactStore,
    progress: Progress = silent,
) -> ObjectCounts:
    """Counts of all images, at `THRESHOLDS` on a square of 224 px; rows without labels are 0.

    Parameters
    ----------
    collection : a whole collection; or a view, which gets its rows
    maps, maps_key : masks of the whole collection and the key they are kept under
    labels, source : the objects, and a name for them in the key; None and "": the collection's own labels
    """
    whole = collection.whole
    given: Labels = whole if labels is None else labels
    objects = sorted(given.object_names)
    ids = whole.ids

    def compute(rows: range) -> Arrays:
        masks = upsample_masks(np.ascontiguousarray(maps.maps[rows.start : rows.stop]), GRID)
        with ThreadPoolExecutor(READERS) as pool:
            grids = list(pool.map(lambda row: _grid(given, ids[row]), rows))
        pixels = np.stack([np.zeros((GRID, GRID), np.uint16) if grid is None else grid for grid in grids])
        found = count_objects(masks, pixels, THRESHOLDS, objects)
        short = {name: getattr(found, name).astype(np.uint16) for name in ("total", "inside", "area")}
        return short | {"mass": found.mass.astype(np.float32), "whole": found.whole, "top": found.top.astype(np.int32)}

    key = counts_key(maps_key, given.object_names, source or own_labels(whole))
    arrays = in_chunks(store, key, len(whole), compute, progress=progress, what="counting objects in image")
    return _counts(arrays, objects).of(collection.positions)


def kept_counts(
    collection: ImageCollection,
    maps_key: ArtifactKey,
    *,
    names: Mapping[int, str] | None = None,
    source: str = "",
    store: ArtifactStore,
) -> ObjectCounts | None:
    """What `count_collection` gives, where it has been computed before; else None. Loads no torch."""
    names = collection.whole.object_names if names is None else names
    arrays = kept_arrays(store, counts_key(maps_key, names, source or own_labels(collection.whole)))
    return None if arrays is None else _counts(arrays, sorted(names)).of(collection.positions)


def own_labels(whole: ImageCollection) -> str:
    """A name for a collection's own labels that changes when they do."""
    return f"own-{whole.labels_fingerprint}"


def counts_key(maps_key: ArtifactKey, names: Mapping[int, str], source: str) -> ArtifactKey:
    """The key of kept counts: that of the masks, and what the objects are."""
    told = json.dumps(sorted(names.items()))
    parameters = {
        "maps": maps_key.digest, "objects": hashlib.sha256(told.encode()).hexdigest()[:20], "source": source,
        "grid": GRID, "thresholds": list(THRESHOLDS),
    }  # fmt: skip
    return ArtifactKey(KIND, maps_key.collection, maps_key.model, parameters)


def _counts(arrays: Arrays, objects: list[int]) -> ObjectCounts:
    return ObjectCounts(
        np.asarray(objects, np.int64), THRESHOLDS, GRID * GRID, arrays["total"], arrays["inside"], arrays["area"],
        arrays["mass"], arrays["whole"],
        arrays["top"].astype(np.int64),
    )  # fmt: skip


def _grid(labels: Labels, image_id: str) -> NDArray[np.uint16] | None:
    """An image's labels on the counting square, by the nearest pixel; None where it has none that can be read."""
    try:
        ids = labels.objects(image_id)
    except ImageError:
        return None
    if ids is None:
        return None
    rows = ((np.arange(GRID) + 0.5) * ids.shape[0] / GRID).astype(np.int64)
    columns = ((np.arange(GRID) + 0.5) * ids.shape[1] / GRID).astype(np.int64)
    return np.ascontiguousarray(ids[rows[:, None], columns[None, :]])
