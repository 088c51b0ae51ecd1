"""Which images an aesthetic classifier learns from, and what people said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import (
    HIGH_LOW,
    MARK_NAMES,
    fault_texts,
    is_extreme,
    is_high,
    mean_of,
    tag_counts,
    tag_shares,
    tags_of,
    votes_of,
)
from urbanlens.errors import CollectionError
from urbanlens.training.rows import SPLITS, Rows, trainable
from urbanlens.training.sharing import by_split, enough, joined, rows_of, shared_out


@dataclass(frozen=True)
class Opinions:
    """What there is to learn.

    Attributes
    ----------
    rows : images of each split, with labels (N, 10 + T): the shares of the marks, then those of the tags
    tags : names of the T tags
    notes : what a model's card says of it
    """

    rows: dict[str, Rows]
    tags: tuple[str, ...]
    notes: dict[str, Any]


def opinions(
    collection: ImageCollection, extra: ImageCollection | None, group: str | None, seed: int, *,
    least_tagged: int | None,
) -> Opinions:  # fmt: skip
    """The images with votes, by split.

    Parameters
    ----------
    collection, extra, group, seed : as of `train_aesthetics`
    least_tagged : a tag of fewer training images is left out; None: no tags are wanted

    Raises
    ------
    CollectionError
        Where too few images have votes.
    """
    votes, tags = votes_of(collection), tags_of(collection)
    splits, split_by, test = shared_out(collection, group, seed)
    learnt = [tags[row] for row in np.flatnonzero(votes.known & (splits == "train"))]
    more = _further(extra) if extra is not None else None
    known = tag_counts(learnt if more is None else [*learnt, *more.tags])
    names = tuple(name for name, count in known.items() if least_tagged is not None and count >= least_tagged)
    if taken := sorted(set(names) & {*MARK_NAMES, *HIGH_LOW}):
        raise CollectionError(
            f"{collection.name} has a tag named {taken[0]!r}, which is what marks and maps are called: rename it"
        )
    rows = by_split(collection, _labels(votes.shares, tag_shares(tags, names)), votes.known, splits)
    if extra is not None and more is not None:
        labels = np.zeros((len(extra), len(MARK_NAMES) + len(names)), np.float32)
        labels[more.chosen] = _labels(more.shares, tag_shares(more.tags, names))
        rows["train"] = joined(rows["train"], rows_of(extra, labels, more.chosen))
    try:
        enough(rows, collection, "votes")
    except CollectionError as error:
        told = fault_texts(collection, votes)
        raise CollectionError(f"{error}{'; ' if told else ''}{'; '.join(told)}") from None
    notes: dict[str, Any] = {
        "images": {split: len(rows[split]) for split in SPLITS}, "split_by": split_by,
        "without_votes": int((~votes.known).sum()), "faults": fault_texts(collection, votes, most=10),
        "tags": {name: known[name] for name in names},
        "tags_left_out": {name: count for name, count in known.items() if name not in names},
        "mean_marks": _histogram(mean_of(rows["train"].labels[:, : len(MARK_NAMES)].double().numpy())),
    }  # fmt: skip
    return Opinions(rows, names, notes | ({"test": test} if test else {}))


class _Further(NamedTuple):
    """What is learnt from a further collection: which of its images, the shares of their marks, and their tags."""

    chosen: NDArray[np.bool_]
    shares: NDArray[np.float64]
    tags: list[tuple[str, ...]]


def _further(extra: ImageCollection) -> _Further:
    votes, tags = votes_of(extra), tags_of(extra)
    chosen = votes.known & trainable(extra)
    return _Further(chosen, votes.shares[chosen], [tags[row] for row in np.flatnonzero(chosen)])


def _labels(shares: NDArray[np.float64], tags: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([shares, tags], 1).astype(np.float32)


def _histogram(means: NDArray[np.float64]) -> dict[str, Any]:
    """How the mean marks are spread, and how many are high or extreme; plain JSON."""
    counts, edges = np.histogram(means, bins=36, range=(1, 10))
    high, extreme = np.asarray(is_high(means)), is_extreme(means)
    return {
        "counts": [int(count) for count in counts], "edges": [float(edge) for edge in edges], "images": len(means),
        "high": int(high.sum()), "low_extreme": int((extreme & ~high).sum()),
        "high_extreme": int((extreme & high).sum()),
    }  # fmt: skip
