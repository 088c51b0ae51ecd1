"""Which attributes go with a high score: how often each occurs in images of each score bracket.

Semantically Interpretable Activation Maps (2019), section 4.2 and figure 3: 90 images, ten of each bracket between
whole scores, with the attributes that people saw in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from urbanlens.siam.annotations import TWO_OF_THREE

BRACKETS = 5
"""Of equally many images, where whole numbers lie too far apart."""
MOST_BRACKETS = 12
SPAN = 3.0
"""Scores that span this much are cut at whole numbers."""

LEAST = 5
"""Images with and without an attribute, below which no interval of their difference is told."""

CO_OCCURRENCE = [
    "attribute", "low", "high", "bracket_images", "images", "having", "share", "base", "images_with", "images_without",
    "mean_with", "mean_without", "difference", "difference_low", "difference_high",
]  # fmt: skip

Floats = NDArray[np.float64]


def score_brackets(score: ArrayLike) -> Floats:
    """Edges that cut scores into brackets: [low, high), the last one closed; none where there is no score.

    More images than five, but no more than five different scores (marks, yes and no): a bracket each. Else, scores
    that span three or more: whole numbers, in steps so wide (1, 2, 5, 10 ...) that there are at most 12. Else five
    brackets of equally many images, or, where too many scores are alike for that, of equal width.
    """
    values = np.asarray(score, float)
    values = values[np.isfinite(values)]
    if not len(values):
        return np.zeros(0)
    different = np.unique(values)
    low, high = float(different[0]), float(different[-1])
    wide = high - low >= SPAN
    if len(different) <= BRACKETS and not (wide and len(values) <= BRACKETS):
        return np.array([low, *((different[1:] + different[:-1]) / 2), high])
    if wide:
        steps = (digit * 10.0**power for power in range(309) for digit in (1, 2, 5))
        step = next(width for width in steps if np.ceil(high / width) - np.floor(low / width) <= MOST_BRACKETS)
        return np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BRACKETS + 1)))
    return edges if len(edges) > BRACKETS // 2 else np.linspace(low, high, BRACKETS + 1)


def co_occurrence(present: ArrayLike, score: ArrayLike, names: Sequence[str], edges: ArrayLike) -> pd.DataFrame:
    """How often each attribute occurs in images of each score, and how much higher the score is where it does.

    Images without a score, or with one outside the edges, are left out.

    Parameters
    ----------
    present : (N, A) 1 (or a share above a half) there, 0 not there, NaN unknown
    score : (N,)
    names : (A,)
    edges : (B + 1,) ascending, as `score_brackets` gives them

    Returns
    -------
    DataFrame
        One row an attribute and bracket, the attributes that go with high scores first. Of the bracket: attribute,
        low, high, bracket_images, images (of these, where it is known whether the attribute is there), having (with
        it), share (having / images). Of the attribute, alike in its rows: base (share of all images), images_with,
        images_without, mean_with, mean_without, difference (with - without, in the score's unit), difference_low and
        difference_high: Welch's 95 % interval, NaN where fewer than 5 images have or lack the attribute. Of 33
        attributes that do not matter, one or two have an interval without 0.
    """
    there, scores, cuts = np.asarray(present, float), np.asarray(score, float), np.asarray(edges, float)
    if there.shape != (len(scores), len(names)):
        raise ValueError(f"present has the shape {there.shape}; give ({len(scores)}, {len(names)}): images, attributes")
    inside = np.isfinite(scores)
    if len(cuts):
        inside &= (scores >= cuts[0]) & (scores <= cuts[-1])
    there, scores = there[inside], scores[inside]
    place = np.searchsorted(cuts[1:-1], scores, side="right")
    found = []
    for name, column in zip(names, there.T, strict=True):
        whole = _difference(scores, column)
        for bracket, (low, high) in enumerate(pairwise(cuts)):
            part = column[place == bracket]
            known, having = int(np.isfinite(part).sum()), int((part > TWO_OF_THREE).sum())
            found.append([name, low, high, len(part), known, having, _ratio(having, known), *whole])
    table = pd.DataFrame(found, columns=CO_OCCURRENCE)
    return table.sort_values("difference", ascending=False, kind="stable", na_position="last", ignore_index=True)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _difference(score: Floats, there: Floats) -> list[float]:
    """The last columns of `CO_OCCURRENCE`, from `base`."""
    has = score[there > TWO_OF_THREE]
    lacks = score[there <= TWO_OF_THREE]
    means = [float(part.mean()) if len(part) else float("nan") for part in (has, lacks)]
    difference, low, high = means[0] - means[1], float("nan"), float("nan")
    if min(len(has), len(lacks)) >= LEAST:
        parts = [float(part.var(ddof=1)) / len(part) for part in (has, lacks)]
        error = sum(parts)
        freedom = error**2 / (parts[0] ** 2 / (len(has) - 1) + parts[1] ** 2 / (len(lacks) - 1)) if error else 1.0
        half = float(student.ppf(0.975, freedom)) * error**0.5
        low, high = difference - half, difference + half
    base = _ratio(len(has), len(has) + len(lacks))
    return [base, len(has), len(lacks), *means, difference, low, high]
