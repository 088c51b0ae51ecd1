"""How beautiful groups of images are thought, the images of a district say, each mean with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.collection.votes import Votes, is_high
from urbanlens.siam.metrics import interval

Array = NDArray[Any]

WHOLE = "all images"
"""The group that the others are held against."""

COLUMNS = (
    "group", "images", "voted", "mean", "mean_low", "mean_high", "share_high", "share_high_low", "share_high_high",
    "foretold_images", "foretold", "foretold_low", "foretold_high",
)  # fmt: skip


def marks_by_group(
    groups: Mapping[str, NDArray[np.int64]], marks: Array, foretold: Array, *, seed: int = 0
) -> pd.DataFrame:
    """Mean marks of groups of images with their 95 % intervals, by drawing the images of each anew.

    Parameters
    ----------
    groups : numbers of each group's images; they may overlap
    marks : (N,) mean mark by the votes; NaN where nobody voted
    foretold : (N,) what a network says instead; NaN where it does not count

    Returns
    -------
    DataFrame
        group, images, voted (how many of them have votes), mean, mean_low, mean_high, share_high (of the voted ones,
        with a mean mark above 5) with its interval, foretold_images, foretold, foretold_low, foretold_high. NaN where
        there is no image, and for intervals where there are fewer than ten.
    """
    rows = []
    for name, members in groups.items():
        given, said = _known(marks[members]), _known(foretold[members])
        rows.append((
            name, len(members), len(given), *_mean(given, seed), *_mean(is_high(given), seed), len(said),
            *_mean(said, seed),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _known(values: Array) -> Array:
    return np.asarray(values[np.isfinite(values)])


def _mean(values: Array, seed: int) -> tuple[float, float, float]:
    """The mean and its interval; NaN where unknown."""
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    numbers = np.asarray(values, np.float64)
    bounds = interval(lambda rows: float(numbers[rows].mean()), len(numbers), seed=seed)
    return float(numbers.mean()), *(bounds or (float("nan"), float("nan")))


def spread_by_chance(votes: Votes) -> tuple[float, float]:
    """How far the images' spreads differ, and how far they would if only chance chose who voted.

    Both are standard deviations over the images with at least two voters. A spread s of n voters varies by
    sqrt((m4 - s^4) / (4 n s^2)), with m4 the fourth central moment of its marks.
    """
    known = votes.known & (np.nan_to_num(votes.counts).sum(1) >= 2) & (np.nan_to_num(votes.spread) > 0)
    if known.sum() < 2:
        return float("nan"), float("nan")
    shares, spread, mean = votes.shares[known], votes.spread[known], votes.mean[known]
    voters = votes.counts[known].sum(1)
    fourth = (shares * (np.arange(1, shares.shape[1] + 1) - mean[:, None]) ** 4).sum(1)
    chance = np.maximum(fourth - spread**4, 0) / (4 * voters * spread**2)
    return float(spread.std()), float(np.sqrt(chance.mean()))
