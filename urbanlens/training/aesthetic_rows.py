"""Which images an aesthetic classifier learns from, and what people said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import MARK_NAMES, fault_texts, tag_counts, tag_shares, tags_of, votes_of
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
    learnt = votes.known & (splits == "train")
    known = tag_counts([tags[row] for row in np.flatnonzero(learnt)])
    names = tuple(name for name, count in known.items() if least_tagged is not None and count >= least_tagged)
    if taken := sorted(set(names) & set(MARK_NAMES)):
        raise CollectionError(
            f"{collection.name} has a tag named {taken[0]!r}, which is what marks are called: rename it"
        )
    rows = by_split(collection, _labels(votes.shares, tag_shares(tags, names)), votes.known, splits)
    if extra is not None:
        more = votes_of(extra)
        labels = _labels(more.shares, tag_shares(tags_of(extra), names))
        rows["train"] = joined(rows["train"], rows_of(extra, labels, more.known & trainable(extra)))
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
        "mean_marks": _histogram(votes.mean[learnt]),
    }  # fmt: skip
    return Opinions(rows, names, notes | ({"test": test} if test else {}))


def _labels(shares: NDArray[np.float64], tags: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([shares, tags], 1).astype(np.float32)


def _histogram(means: NDArray[np.float64]) -> dict[str, list[float]]:
    counts, edges = np.histogram(means, bins=36, range=(1, 10))
    return {"counts": [int(count) for count in counts], "edges": [float(edge) for edge in edges]}
