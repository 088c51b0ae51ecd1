"""Which pixel labels a segmenter learns from: the images of each split, and the objects that are frequent enough."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from urbanlens.collection import ImageCollection
from urbanlens.collection.splits import split_by_place
from urbanlens.engine import prepare
from urbanlens.errors import CollectionError
from urbanlens.explain.agreement import IGNORED
from urbanlens.progress import Progress
from urbanlens.training.rows import SPLITS, Rows

COUNTED = 400
"""Images that the frequencies of the objects are taken from."""


def labelled_images(collection: ImageCollection, extra: ImageCollection | None, seed: int) -> dict[str, Rows]:
    """The images with pixel labels, by split; those of `extra` join the training images.

    Splits are the table's own, or by place where it has none. Of an `extra` with a split column only the training
    rows are taken, so that no place of a test image is learnt.

    Raises
    ------
    CollectionError
        Where a split has no image with pixel labels.
    """
    table = collection.table
    if "split" in table and table["split"].notna().any():
        splits = np.array(table["split"].fillna("").astype(str))
    else:
        splits = split_by_place(list(table["path"]), table["lat"], table["lon"], seed=seed)
    rows = {split: _rows(collection, splits == split) for split in SPLITS}
    empty = [split for split, part in rows.items() if not len(part)]
    if empty:
        raise CollectionError(
            f"{collection.name} has no pixel labels for {', '.join(empty)}: a segmenter learns from "
            f"{collection.described.objects}/IMAGE_ID.png, and needs images of at least three places"
        )
    if extra is not None:
        chosen = extra.table["split"].eq("train").to_numpy() if "split" in extra.table else np.ones(len(extra), bool)
        images = rows["train"].images + _rows(extra, chosen).images
        rows["train"] = Rows(images, torch.zeros(len(images), dtype=torch.long))
    return rows


def frequent_objects(rows: Rows, least: float) -> NDArray[np.int64]:
    """Ids of the objects that cover at least the share `least` of the labelled pixels, ascending.

    Counted on `COUNTED` images spread over the rows; 0, unlabelled, is no object.

    Raises
    ------
    CollectionError
        Where fewer than two objects are frequent enough.
    """
    counts = np.zeros(65536, np.int64)
    for row in np.unique(np.linspace(0, len(rows) - 1, min(COUNTED, len(rows))).astype(int)):
        collection, name = rows.images[row]
        counts += np.bincount(_ids(collection, name).ravel(), minlength=65536)
    counts[0] = 0
    chosen = np.flatnonzero(counts >= max(1.0, least * counts.sum()))
    if not 2 <= len(chosen) < IGNORED:
        raise CollectionError(
            f"{len(chosen)} objects cover {least:.2%} of the labelled pixels or more: a segmenter needs between 2 and "
            f"{IGNORED - 1}; label more images, or ask for another share"
        )
    return chosen


def object_names(collections: Sequence[ImageCollection], ids: NDArray[np.int64]) -> tuple[str, ...]:
    """A name for each object; the id where it has none, or where two objects have the same."""
    known = {number: name for part in reversed(collections) for number, name in part.object_names.items()}
    names = [known.get(int(number)) or f"object {number}" for number in ids]
    return tuple(
        name if names.count(name) == 1 else f"{name} ({number})" for name, number in zip(names, ids, strict=True)
    )


def label_maps(rows: Rows, ids: NDArray[np.int64], size: int, progress: Progress) -> Tensor:
    """Class numbers of all images, (N, size, size) uint8: places in `ids`, or `IGNORED` for anything else."""
    classes = np.full(65536, IGNORED, np.uint8)
    classes[ids] = np.arange(len(ids))

    def small(image: tuple[ImageCollection, str]) -> Tensor:
        maps = Image.fromarray(classes[_ids(*image)]).resize((size, size), Image.Resampling.NEAREST)
        return torch.from_numpy(np.array(maps))

    result = torch.empty(len(rows), size, size, dtype=torch.uint8)
    for start in range(0, len(rows), 256):
        result[start : start + 256] = prepare(rows.images[start : start + 256], small)
        progress(min(start + 256, len(rows)), len(rows), f"reading labels at {size} px, image")
    return result


def _rows(collection: ImageCollection, mask: NDArray[np.bool_]) -> Rows:
    ids = collection.ids
    images = tuple((collection, ids[row]) for row in np.flatnonzero(mask & collection.labelled))
    return Rows(images, torch.zeros(len(images), dtype=torch.long))


def _ids(collection: ImageCollection, name: str) -> NDArray[np.uint16]:
    """The labels of an image that has them."""
    ids = collection.objects(name)
    if ids is None:
        raise CollectionError(f"the pixel labels of {name!r} in {collection.name} are gone: put the file back")
    return ids
