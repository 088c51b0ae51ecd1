"""Which images a classifier learns from, is chosen by, and is judged on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from urbanlens.collection import ImageCollection
from urbanlens.collection.splits import split_by_place
from urbanlens.engine import prepare
from urbanlens.errors import CollectionError
from urbanlens.models.transform import square_pixels
from urbanlens.progress import Progress

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Rows:
    """N labelled images: where each is, and its class number."""

    images: tuple[tuple[ImageCollection, str], ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, size: int, progress: Progress) -> Tensor:
        """All images decoded once: (N, 3, size, size) uint8."""
        result = torch.empty(len(self), 3, size, size, dtype=torch.uint8)
        decode = _decoder(size)
        for start in range(0, len(self), 256):
            part = self.images[start : start + 256]
            result[start : start + 256] = prepare(part, decode)
            progress(min(start + 256, len(self)), len(self), f"decoding to {size} px, image")
        return result


def _decoder(size: int) -> Callable[[tuple[ImageCollection, str]], Tensor]:
    return lambda image: torch.from_numpy(square_pixels(image[0].image(image[1]), size))


def labelled_rows(
    collection: ImageCollection, label: str, extra: ImageCollection | None, seed: int
) -> tuple[tuple[str, ...], dict[str, Rows], NDArray[np.bool_] | None]:
    """Class names, the rows of each split, and which test images carry a planted mark (None: no such column).

    Images without a label take no part. Splits are the table's own, or by place where it has none. The labelled
    rows of `extra` join the training images; where it has splits of its own, only those for training, so that no
    place of a test image is learnt.

    Raises
    ------
    CollectionError
        Where the column is missing, has fewer than two classes, or a class is absent from a split.
    """
    values = _labels(collection, label)
    classes = tuple(sorted({str(value) for value in values if value != ""}))
    if len(classes) < 2:
        raise CollectionError(
            f"the column {label!r} of {collection.name} has {len(classes)} class: a classifier needs at least two"
        )
    splits = _splits(collection, seed)
    rows = {split: _rows(collection, values, classes, splits == split) for split in SPLITS}
    _check(rows, classes, label)
    table = collection.table
    marked = table["mark"].eq(True).to_numpy()[(splits == "test") & (values != "")] if "mark" in table else None
    if extra is not None:
        more = _labels(extra, label)
        added = _rows(extra, more, classes, np.isin(more, classes) & _trainable(extra))
        own = rows["train"]
        rows["train"] = Rows(own.images + added.images, torch.cat([own.labels, added.labels]))
    return classes, rows, marked


def _labels(collection: ImageCollection, label: str) -> NDArray[np.str_]:
    """The label of each row as text; "" for none."""
    table = collection.table
    if label not in table:
        allowed = ", ".join(collection.columns.labels) or ", ".join(map(str, table.columns))
        raise CollectionError(f"{collection.name} has no column {label!r} to learn: it has {allowed}")
    return np.array(
        ["" if empty else str(value) for value, empty in zip(table[label], table[label].isna(), strict=True)]
    )


def _trainable(extra: ImageCollection) -> NDArray[np.bool_]:
    table = extra.table
    return table["split"].eq("train").to_numpy() if "split" in table else np.ones(len(extra), bool)


def _splits(collection: ImageCollection, seed: int) -> NDArray[np.str_]:
    table = collection.table
    if "split" in table and table["split"].notna().any():
        return np.array(table["split"].fillna("").astype(str))
    return split_by_place(collection.ids, table["lat"], table["lon"], seed=seed)


def _rows(
    collection: ImageCollection, values: NDArray[np.str_], classes: tuple[str, ...], mask: NDArray[np.bool_]
) -> Rows:
    chosen = np.flatnonzero(mask & (values != ""))
    ids = collection.ids
    images = tuple((collection, ids[row]) for row in chosen)
    return Rows(images, torch.tensor([classes.index(values[row]) for row in chosen], dtype=torch.long))


def _check(rows: dict[str, Rows], classes: tuple[str, ...], label: str) -> None:
    for split, part in rows.items():
        counts = torch.bincount(part.labels, minlength=len(classes)).tolist()
        empty = [name for name, count in zip(classes, counts, strict=True) if count == 0]
        if empty:
            raise CollectionError(
                f"no {split} image has {label} {', '.join(empty)}: every class needs train, val and test images; "
                "give the table a split column, or more images of that class from other places"
            )
