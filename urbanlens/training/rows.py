"""Which images a classifier learns from, is chosen by, and is judged on."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from urbanlens.collection import ImageCollection
from urbanlens.collection.splits import LEAST, split_by_group, split_by_place, together
from urbanlens.embedding.joining import Rule, joining
from urbanlens.engine import prepare
from urbanlens.errors import CollectionError
from urbanlens.models.transform import square_pixels
from urbanlens.progress import Progress, silent

SPLITS = ("train", "val", "test")


MOST_OF_MEMORY = 0.7
"""The part of the machine's memory that decoded images may take."""

TABLE = "by the table's column split"


@dataclass(frozen=True)
class Rows:
    """N labelled images: where each is, and its class number (or whatever else is to be learnt of it, (N, ...))."""

    images: tuple[tuple[ImageCollection, str], ...]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def pixels(self, size: int, progress: Progress) -> Tensor:
        """All images decoded once: (N, 3, size, size) uint8; CollectionError where the memory is too small for them."""
        must_fit(len(self) * 3 * size**2, f"{len(self):,} images of {size} px")
        result = torch.empty(len(self), 3, size, size, dtype=torch.uint8)
        decode = _decoder(size)
        for start in range(0, len(self), 256):
            part = self.images[start : start + 256]
            result[start : start + 256] = prepare(part, decode)
            progress(min(start + 256, len(self)), len(self), f"decoding to {size} px, image")
        return result


def must_fit(needed: int, what: str) -> None:
    """CollectionError where so many bytes would fill the machine's memory."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > MOST_OF_MEMORY * there:
        raise CollectionError(
            f"{what} take {needed / 2**30:.0f} GB, and this machine has {there / 2**30:.0f} GB of memory: choose a "
            "smaller size, or a part of the collection"
        )


@dataclass(frozen=True)
class Missing:
    """A class that takes no part: its number of images, and why."""

    images: int
    why: str


@dataclass(frozen=True)
class Labelled:
    """What a classifier learns from.

    Attributes
    ----------
    classes : names of the K classes
    rows : images of each split
    marked : which test images carry a planted mark; None where the table has no such column
    split_by : how the images were shared out, in words
    cut : classes whose own series had to be cut into a training, a validation and a test part
    left_out : classes that were asked for and cannot be learnt
    joined : what is to be told of training images that joined their neighbours on the map; {} where none was to
    """

    classes: tuple[str, ...]
    rows: dict[str, Rows]
    marked: NDArray[np.bool_] | None
    split_by: str
    cut: tuple[str, ...]
    left_out: dict[str, Missing]
    joined: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """What a model's card says of it, as plain JSON; with a warning where the test may flatter."""
        told: dict[str, Any] = {
            "images": {split: len(part) for split, part in self.rows.items()},
            "split_by": self.split_by,
            "cut": list(self.cut),
            "left_out": {name: asdict(missing) for name, missing in self.left_out.items()},
        } | ({"joined": self.joined} if self.joined else {})
        if self.split_by != TABLE:
            # Whoever shows this network later must know which images it has not learnt from.
            told["test"] = [image_id for _, image_id in self.rows["test"].images]
        if self.cut:
            told["warning"] = (
                f"Most photographs of {', '.join(self.cut)} come from one series or place, which had to be cut into "
                "parts for training and testing: the network may know the camera or the day rather than the class, "
                "and will do worse on photographs from elsewhere."
            )
        return told


def _decoder(size: int) -> Callable[[tuple[ImageCollection, str]], Tensor]:
    return lambda image: torch.from_numpy(square_pixels(image[0].image(image[1]), size))


def labelled_rows(
    collection: ImageCollection, label: str, extra: ImageCollection | None = None, seed: int = 0, *,
    classes: Sequence[str] | None = None, largest: int | None = None, least: int = LEAST, group: str | None = None,
    neighbours: Rule | None = None, progress: Progress = silent,
) -> Labelled:  # fmt: skip
    """The images that take part, by split.

    Parameters
    ----------
    collection : its own column `split` counts, unless `group` is given or an import drew it without regard to classes;
        then whole places, series of files (`collection.splits.together`) and groups are given to a split
    label : column to learn; images without a label take no part
    extra : its labelled rows join the training images; where it has splits of its own, only those for training, so
        that no place of a test image is learnt
    seed : draws the splits where the collection has none
    classes : only these values; None: all
    largest : only so many of them, those with the most images
    least : a class with fewer images is left out, and so is one without images in each split
    group : column whose equal values stay in one split
    neighbours : images without a label that are near and alike enough join the training images, with their
        neighbour's label
    progress : told while the images are embedded for that

    Raises
    ------
    CollectionError
        Where a column is missing, or fewer than two classes remain, or no image joins although some should.
    """
    values = _texts(collection, label, "to learn")
    given = values.copy()
    counts = _counts(values, classes, largest, label)
    left_out = {name: Missing(count, f"fewer than {least}") for name, count in counts.items() if count < least}
    values[~np.isin(values, [name for name in counts if name not in left_out])] = ""
    splits, split_by, cut = splits_of(collection, values, group, seed)
    for name in sorted(set(values[values != ""].tolist())):
        empty = [split for split in SPLITS if not (splits[values == name] == split).any()]
        if empty:
            left_out[name] = Missing(counts[name], f"none for {' and '.join(empty)}")
    values[np.isin(values, list(left_out))] = ""
    known = tuple(name for name in counts if name not in left_out)
    if len(known) < 2:
        raise CollectionError(_too_few(collection, label, counts, left_out, least))
    joined: dict[str, Any] = {}
    if neighbours is not None:
        near = joining(collection, given, splits, neighbours, progress=progress)
        fits = np.isin(near.labels, known)
        values[near.rows[fits]], splits[near.rows[fits]] = near.labels[fits], "train"
        joined = near.told | {"images": int(fits.sum())}
    rows = {split: _rows(collection, values, known, splits == split) for split in SPLITS}
    table = collection.table
    marked = table["mark"].eq(True).to_numpy()[(splits == "test") & (values != "")] if "mark" in table else None
    if extra is not None:
        more = _texts(extra, label, "to learn")
        added = _rows(extra, more, known, np.isin(more, known) & trainable(extra))
        own = rows["train"]
        rows["train"] = Rows(own.images + added.images, torch.cat([own.labels, added.labels]))
    return Labelled(known, rows, marked, split_by, tuple(name for name in cut if name in known), left_out, joined)


def _counts(values: NDArray[np.str_], classes: Sequence[str] | None, largest: int | None, label: str) -> dict[str, int]:
    """The classes that are asked for, by name, each with its number of images."""
    names, sizes = np.unique(values[values != ""], return_counts=True)
    counts = dict(zip(names.tolist(), sizes.tolist(), strict=True))
    if classes is not None:
        unknown = [name for name in classes if name not in counts]
        if unknown:
            raise CollectionError(f"no image has {label} {', '.join(unknown)}: there are {_listed(counts)}")
        counts = {name: counts[name] for name in sorted(set(classes))}
    if largest is not None:
        if largest < 2:
            raise CollectionError(f"the {largest} largest classes are too few to tell apart: give at least 2")
        first = sorted(counts, key=lambda name: (-counts[name], name))[:largest]
        counts = {name: counts[name] for name in sorted(first)}
    return counts


def _too_few(
    collection: ImageCollection, label: str, counts: dict[str, int], left_out: dict[str, Missing], least: int
) -> str:
    why = "; ".join(f"{name}: {missing.why}" for name, missing in left_out.items() if not missing.why.startswith("few"))
    return (
        f"a classifier needs at least two classes, each of {least} images or more with some for train, val and test; "
        f"the column {label!r} of {collection.name} has {_listed(counts) or 'none'}{f' ({why})' if why else ''}: "
        "add images, or choose another column"
    )


def _listed(counts: dict[str, int], most: int = 12) -> str:
    """`Boston 119, Paris 52, …`, the largest first."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    more = f" and {len(names) - most} smaller ones" if len(names) > most else ""
    return ", ".join(f"{name} {counts[name]}" for name in names[:most]) + more


def _texts(collection: ImageCollection, column: str, purpose: str) -> NDArray[np.str_]:
    """The values of a column as text; "" for none."""
    table = collection.table
    if column not in table:
        allowed = ", ".join(collection.columns.labels) or ", ".join(map(str, table.columns))
        raise CollectionError(f"{collection.name} has no column {column!r} {purpose}: it has {allowed}")
    return collection.texts(column)


def trainable(extra: ImageCollection) -> NDArray[np.bool_]:
    """(N,) the images of a further collection that may be learnt from: its training part, where it has one."""
    table = extra.table
    return table["split"].eq("train").to_numpy() if "split" in table else np.ones(len(extra), bool)


def splits_of(
    collection: ImageCollection, values: NDArray[np.str_], group: str | None, seed: int
) -> tuple[NDArray[np.str_], str, list[str]]:
    """The split of each image, how it was found, and the classes that had to be cut."""
    table = collection.table
    if group is None and _has_splits(collection.whole):
        return np.array(table["split"].fillna("").astype(str), str), TABLE, []
    given = list(_texts(collection, group, "to keep together")) if group is not None else None
    groups = together(list(table["path"]), table["lat"], table["lon"], given)
    splits, cut = split_by_group(groups, values, list(table["path"]), seed=seed)
    kinds = Counter(name.split(" ", 1)[0] for name in groups[values != ""].tolist())
    says = {"given": f"equal {group}", "place": "places 250 m wide", "series": "files of one series by their names"}
    parts = [f"{text} ({kinds[kind]} images)" for kind, text in says.items() if kinds[kind]]
    return splits, f"in whole groups: {', '.join(parts)}", cut


def _has_splits(whole: ImageCollection) -> bool:
    """Whether somebody chose the splits: an import's own are drawn anew, as they know no classes."""
    table = whole.table
    if "split" not in table or not table["split"].notna().any():
        return False
    drawn = split_by_place(list(table["path"]), table["lat"], table["lon"])
    return not np.array_equal(table["split"].fillna("").astype(str).to_numpy(str), drawn)


def _rows(
    collection: ImageCollection, values: NDArray[np.str_], classes: tuple[str, ...], mask: NDArray[np.bool_]
) -> Rows:
    chosen = np.flatnonzero(mask & (values != ""))
    ids = collection.ids
    images = tuple((collection, ids[row]) for row in chosen)
    return Rows(images, torch.tensor([classes.index(values[row]) for row in chosen], dtype=torch.long))
