"""How a collection's images are shared out between training, validation and test, for all that is not a class."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray

from urbanlens.collection import ImageCollection
from urbanlens.errors import CollectionError
from urbanlens.training.rows import SPLITS, TABLE, Rows, splits_of

FEWEST = 20
"""Labelled images that training needs at least."""


def shared_out(
    collection: ImageCollection, group: str | None, seed: int
) -> tuple[NDArray[np.str_], str, list[str] | None]:
    """The split of each image, in words how it was found, and the test images where nobody else knows them.

    All images are shared out, whether they have labels or not: so an image that is for testing the score never is one
    that the attributes were learnt from, nor one that the baseline learnt. Where a table names images for training and
    none for validation, a tenth of them, drawn by their names, is taken for it.
    """
    splits, split_by, _ = splits_of(collection, np.full(len(collection), "all"), group, seed)
    splits = _with_validation(collection, splits)
    test = None if split_by == TABLE else [collection.ids[row] for row in np.flatnonzero(splits == "test")]
    return splits, split_by, test


def _with_validation(collection: ImageCollection, splits: NDArray[np.str_]) -> NDArray[np.str_]:
    train = np.flatnonzero(splits == "train")
    if (splits == "val").any() or not len(train):
        return splits
    order = sorted(train, key=lambda row: hashlib.sha256(collection.ids[row].encode()).digest())
    found = splits.copy()
    found[order[: max(2, len(train) // 10)]] = "val"
    return found


def enough(rows: dict[str, Rows], collection: ImageCollection, what: str) -> None:
    """CollectionError where there is too little to learn from or to judge by."""
    counts = {split: len(part) for split, part in rows.items()}
    if counts["train"] < FEWEST or min(counts.values()) < 2:
        told = ", ".join(f"{count} for {split}" for split, count in counts.items())
        raise CollectionError(
            f"{collection.name} has too few images with {what}: {told}; training needs {FEWEST}, "
            "validation and test 2 each"
        )


def by_split(
    collection: ImageCollection, labels: NDArray[np.float32], known: NDArray[np.bool_], splits: NDArray[np.str_]
) -> dict[str, Rows]:
    """The images of each split whose labels (N, ...) are known."""
    return {split: rows_of(collection, labels, known & (splits == split)) for split in SPLITS}


def rows_of(collection: ImageCollection, labels: NDArray[np.float32], chosen: NDArray[np.bool_]) -> Rows:
    """Some images with their labels (N, ...)."""
    images = tuple((collection, collection.ids[row]) for row in np.flatnonzero(chosen))
    return Rows(images, torch.from_numpy(labels[chosen]))


def joined(one: Rows, other: Rows) -> Rows:
    """The images of both."""
    return Rows(one.images + other.images, torch.cat([one.labels, other.labels]))
