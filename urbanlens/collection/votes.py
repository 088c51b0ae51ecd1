"""What the crowd said of the images: how many gave each mark from 1 to 10, and tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    from urbanlens.collection.collection import ImageCollection

MARKS = np.arange(1, 11)
"""The marks that a voter may give."""

MARK_NAMES = tuple(f"mark {mark}" for mark in MARKS)
"""The first classes of a network that tells marks and tags; its tags follow."""

HIGH_LOW = ("low", "high")
"""The classes of a network that tells high from low beauty, in their order."""

HIGH_ABOVE = 5.0
"""A picture is high where its mean mark is above."""

_TIE = 1e-5
"""How far rounding may take a mean of exactly 5, which is not high, or one on the edge of the middle."""

MIDDLE = (4.5, 6.5)
"""Mean marks outside are extreme."""

LISTS = (list, tuple, np.ndarray)
"""What a cell with several values may be."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Votes:
    """The votes of N images.

    Attributes
    ----------
    counts : (N, 10) how many voters gave each mark of 1 to 10; NaN where nobody voted, or the votes make no sense
    faults : row number and reason of votes that make no sense
    """

    counts: Array
    faults: tuple[tuple[int, str], ...] = ()

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether anybody voted."""
        return np.asarray(np.isfinite(self.counts).all(axis=1))

    @cached_property
    def shares(self) -> Array:
        """(N, 10) share of the voters who gave each mark; NaN where nobody voted."""
        return np.asarray(self.counts / self.counts.sum(1, keepdims=True))

    @cached_property
    def mean(self) -> Array:
        """(N,) mean mark; NaN where nobody voted."""
        return mean_of(self.shares)

    @property
    def high(self) -> NDArray[np.bool_]:
        """(N,) whether the mean mark is high; False where nobody voted."""
        return np.asarray(is_high(self.mean))

    @cached_property
    def spread(self) -> Array:
        """(N,) standard deviation of the marks; NaN where nobody voted."""
        return spread_of(self.shares)


def mean_of(shares: NDArray[Any]) -> Array:
    """The mean mark (N,) of shares (N, 10) that sum to 1."""
    return np.asarray(shares @ MARKS, np.float64)


def spread_of(shares: NDArray[Any]) -> Array:
    """The standard deviation of the marks (N,) of shares (N, 10) that sum to 1."""
    away = (MARKS - mean_of(shares)[:, None]) ** 2
    return np.asarray(np.sqrt((shares * away).sum(1)), np.float64)


def is_high(means: Any) -> Any:
    """Whether mean marks, a number, an array or a tensor, are high; false for NaN."""
    return means > HIGH_ABOVE + _TIE


def is_extreme(means: Any) -> Any:
    """Whether mean marks, an array or a tensor, lie outside of `MIDDLE`; false for NaN."""
    return (means < MIDDLE[0] - _TIE) | (means > MIDDLE[1] + _TIE)


def votes_of(collection: ImageCollection) -> Votes:
    """The votes of a collection's images; CollectionError where it has no column of votes."""
    column = collection.columns.votes
    if column is None:
        raise CollectionError(
            f"{collection.name} has no votes: its table needs a column `votes` of lists, with how many people gave "
            "each mark from 1 to 10"
        )
    return read_votes(collection.table[column])


def read_votes(cells: pd.Series[Any]) -> Votes:
    """The votes of a table's column."""
    counts = np.full((len(cells), len(MARKS)), np.nan)
    faults = []
    for row, cell in enumerate(cells):
        if _is_empty(cell):
            continue
        if fault := _fault(cell):
            faults.append((row, fault))
        else:
            counts[row] = cell
    return Votes(counts, tuple(faults))


def _is_empty(cell: Any) -> bool:
    return not len(cell) if isinstance(cell, LISTS) else cell is None or cell is pd.NA or bool(cell != cell)


def _fault(cell: object) -> str:
    """Why this cannot be ten counts; "" where it can."""
    if not isinstance(cell, LISTS):
        return f"its votes are {cell!r:.60} where a list of ten counts is needed"
    given = list(cell)
    if len(given) != len(MARKS):
        return f"it has {len(given)} counts of votes where {len(MARKS)} are needed, one for each mark from 1 to 10"
    try:
        counts = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        counts = np.zeros(0)
    if counts.shape != MARKS.shape:
        return f"its votes are {given!r:.60} where ten numbers are needed"
    if not np.isfinite(counts).all() or (counts < 0).any():
        return f"its votes are {given!r:.60} where ten counts from 0 on are needed"
    return "" if counts.sum() > 0 else "its ten counts of votes are all 0: nobody voted"


def fault_texts(collection: ImageCollection, votes: Votes, most: int = 3) -> list[str]:
    """The first faults in words, each with its row and image, and how many more there are."""
    told = [f"row {row + 1} ({collection.ids[row]}): {why}" for row, why in votes.faults[:most]]
    more = len(votes.faults) - len(told)
    return told + ([f"and {more:,} more such rows"] if more > 0 else [])


def tags_of(collection: ImageCollection) -> list[tuple[str, ...]]:
    """The tags of each image, each once; () where it has none, or the collection has no column of tags."""
    column = collection.columns.tags
    if column is None:
        return [()] * len(collection)
    return [
        tuple(dict.fromkeys(str(tag) for tag in cell if tag is not None)) if isinstance(cell, LISTS) else ()
        for cell in collection.table[column]
    ]


def tag_counts(tags: Sequence[Sequence[str]]) -> dict[str, int]:
    """How many images have each tag, the most frequent first."""
    counts = Counter(tag for row in tags for tag in row)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def tag_shares(tags: Sequence[Sequence[str]], names: Sequence[str]) -> NDArray[np.float32]:
    """(N, T) equal shares of each image's tags among `names`, which sum to 1; 0 in all where it has none of them."""
    number = {name: column for column, name in enumerate(names)}
    there = np.zeros((len(tags), len(names)), np.float32)
    for row, given in enumerate(tags):
        there[row, [number[tag] for tag in given if tag in number]] = 1
    return np.asarray(there / np.maximum(there.sum(1, keepdims=True), 1), np.float32)
