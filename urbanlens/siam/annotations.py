"""What is known of the images: their attributes, and the score that is to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.collection.columns import ATTRIBUTE_PREFIX
from urbanlens.collection.votes import read_votes
from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

VOTES_MEAN, VOTES_VARIANCE = "votes.mean", "votes.variance"
"""Scores that are computed from a column of votes."""

TWO_OF_THREE = 0.5
"""An attribute is there where more than half of the workers say so: of SUN Attributes' three, two."""


def attribute_names(collection: ImageCollection) -> list[str]:
    """The collection's attributes, without the prefix that their columns have."""
    return [column.removeprefix(ATTRIBUTE_PREFIX) for column in collection.columns.attributes]


def attribute_values(collection: ImageCollection, names: Sequence[str] | None = None) -> NDArray[np.float32]:
    """The share of each attribute in each image, or of the workers who saw it: (N, A) in [0, 1], NaN where unknown.

    Parameters
    ----------
    names : of attributes; None: all of `attribute_names`

    Raises
    ------
    CollectionError
        Where the collection has no such attribute, or a value is no share; with the row.
    """
    known = dict(zip(attribute_names(collection), collection.columns.attributes, strict=True))
    if not known:
        raise CollectionError(
            f"{collection.name} has no attributes: its table needs columns such as {ATTRIBUTE_PREFIX}trees with 0, 1 "
            "or shares between them"
        )
    wanted = list(known) if names is None else list(names)
    if unknown := [name for name in wanted if name not in known]:
        raise CollectionError(f"{collection.name} has no attribute {', '.join(unknown)}: it has {', '.join(known)}")
    columns = [_numbers(collection, known[name]) for name in wanted]
    values = np.stack(columns, 1) if columns else np.zeros((len(collection), 0))
    wrong = np.argwhere((values < 0) | (values > 1))
    if len(wrong):
        row, column = wrong[0]
        raise CollectionError(
            f"{collection.name}, row {row + 1} ({collection.ids[row]}): the attribute {wanted[column]} is "
            f"{values[row, column]:g}; it must lie between 0 and 1, or be empty where nobody looked"
        )
    return values.astype(np.float32)


def score_names(collection: ImageCollection) -> list[str]:
    """What can be explained: score columns, and the mean and the variance of the votes."""
    votes = [VOTES_MEAN, VOTES_VARIANCE] if collection.columns.votes else []
    return [*collection.columns.scores, *votes]


def score_values(collection: ImageCollection, name: str) -> NDArray[np.float32]:
    """The score of each image, (N,), NaN where unknown.

    Parameters
    ----------
    name : one of `score_names`; `votes.mean` and `votes.variance` are those of the marks 1 to 10 that were given

    Raises
    ------
    CollectionError
        Where the collection has no such score.
    """
    column = collection.columns.votes
    if name in (VOTES_MEAN, VOTES_VARIANCE) and column is not None:
        return _of_votes(collection.table[column], name)
    if name not in collection.table or name not in collection.columns.scores:
        known = ", ".join(score_names(collection)) or "none: its table needs a column of numbers, or of votes"
        raise CollectionError(f"{collection.name} has no score {name!r}: it has {known}")
    return _numbers(collection, name).astype(np.float32)


def _of_votes(cells: pd.Series, name: str) -> NDArray[np.float32]:
    votes = read_votes(cells)
    return np.asarray(votes.mean if name == VOTES_MEAN else votes.spread**2, np.float32)


def _numbers(collection: ImageCollection, column: str) -> NDArray[np.float64]:
    values = pd.to_numeric(collection.table[column], errors="coerce").to_numpy(np.float64)
    spoiled = np.flatnonzero(np.isnan(values) & collection.table[column].notna().to_numpy())
    if len(spoiled):
        row = int(spoiled[0])
        raise CollectionError(
            f"{collection.name}, row {row + 1} ({collection.ids[row]}): {column} is "
            f"{collection.table[column].iat[row]!r}, which is no number: correct it, or leave it empty"
        )
    return np.where(np.isfinite(values), values, np.nan)
