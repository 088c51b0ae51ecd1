"""The templates that the demo's scores were made with, and how far found ones agree with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.demo import rules
from urbanlens.explain.trust import mean_interval

SIDES = len(rules.BANDS)
LEAST = 0.01
COLUMNS = ("attribute", "cells", "share", "constant", "correlation")

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """Found templates against planted ones: their signs where the planted one is not 0, and where they are strong.

    The planted signs hardly change from place to place, so the signs alone say little of where: `constant` tells.

    Attributes
    ----------
    cells : how many have a planted weight
    share : of them that have the right sign
    constant : the share that templates without a place reach, of each attribute's majority sign everywhere
    by_chance : the share that the planted templates of other attributes get: the mean of random pairings
    correlation : Pearson's, of found and planted template over all cells, the mean of the attributes that have places
    correlation_interval : its 95 % interval over these attributes; None of fewer than 10
    correlation_by_chance : what the planted templates of other attributes get, the mean of random pairings, and what
        97.5 % of the pairings stay below
    spill : mean |T| where an attribute weighs nothing, relative to where it weighs something, of the attributes that
        have both; 1 for templates without a place
    table : attribute, cells, share, constant, correlation, a row each planted attribute
    """

    cells: int
    share: float
    constant: float
    by_chance: float
    correlation: float
    correlation_interval: tuple[float, float] | None
    correlation_by_chance: tuple[float, float]
    spill: float
    table: pd.DataFrame

    @property
    def changing(self) -> list[str]:
        """Attributes that are good in one place and bad in another: no template without a place has their signs."""
        return list(self.table.loc[self.table["constant"] < 1, "attribute"])


def planted_templates(names: Sequence[str], side: int, crop: int | None = None) -> Array:
    """(A, c, c) the weight of an attribute's share in each cell's band; 0 for attributes that do not count.

    Parameters
    ----------
    names : (A,)
    side : cells along a map of the whole picture
    crop : c, cells along its middle part; None: the whole
    """
    crop = crop or side
    first = (side - crop) // 2
    band = (np.arange(first, first + crop) + 0.5) / side * SIDES
    rows = rules.weight_matrix(names)[:, band.astype(int)]
    return np.repeat(rows[:, :, None], crop, axis=2).astype(np.float32)


def sign_agreement(
    names: Sequence[str], templates: Array, side: int, *, least: float = LEAST, draws: int = 200, seed: int = 0
) -> Agreement:
    """How many cells have the planted sign, and whether templates are strong where the planted ones are.

    A cell that is as good as 0 has no sign, and so is not right.

    Parameters
    ----------
    names, templates : (A,), (A, c, c) as found; only the spill depends on their scales: give `typical` ones
    side : cells along a map of the whole picture
    least : a cell below this share of its template's greatest one is as good as 0
    draws, seed : of random pairings of found and planted templates of other attributes, for the baselines
    """
    planted = planted_templates(names, side, templates.shape[-1])
    used = np.flatnonzero((planted != 0).any((1, 2)))
    none = float("nan")
    if not len(used):
        return Agreement(0, none, none, none, none, None, (none, none), none, pd.DataFrame(columns=list(COLUMNS)))
    found, true = (values[used].reshape(len(used), -1).astype(np.float64) for values in (templates, planted))
    signs = np.where(np.abs(found) >= least * np.abs(found).max(1, keepdims=True), np.sign(found), 0)
    # Of each found template with each planted one; the diagonal is what is asked, the others are the baseline.
    hits = ((signs[:, None] == np.sign(true)) & (true != 0)).sum(2)
    alike = correlations(found[:, None], true[None])
    cells, majority = (true != 0).sum(1), np.maximum((true > 0).sum(1), (true < 0).sum(1))
    pairings, rows = derangements(len(used), draws, seed), np.arange(len(used))
    total, right, own = int(cells.sum()), hits.diagonal(), alike.diagonal()
    mean, low, high, count = mean_interval(own)
    by_chance = np.nanmean(alike[rows, pairings], axis=1) if len(pairings) and count else np.array([none])
    table = pd.DataFrame({
        "attribute": [names[int(i)] for i in used], "cells": cells, "share": right / cells,
        "constant": majority / cells, "correlation": own,
    })  # fmt: skip
    return Agreement(
        total, float(right.sum() / total), float(majority.sum() / total),
        float((hits[rows, pairings].sum(1) / total).mean()) if len(pairings) else none,
        mean, (low, high) if np.isfinite(low) else None,
        (float(by_chance.mean()), float(np.quantile(by_chance, 0.975))), _spill(found, true), table,
    )  # fmt: skip


def correlations(found: NDArray[Any], true: NDArray[Any]) -> NDArray[np.float64]:
    """(...) Pearson's along the last axes; NaN where the true one is the same everywhere, 0 where the found one is."""
    found, true = (np.asarray(values, np.float64) for values in (found, true))
    found, true = (values - values.mean(-1, keepdims=True) for values in (found, true))
    lengths = [np.sqrt((values**2).sum(-1)) for values in (found, true)]
    size = np.broadcast_to(lengths[0], np.broadcast_shapes(*(one.shape for one in lengths))) * lengths[1]
    answer = np.divide((found * true).sum(-1), size, out=np.zeros(size.shape), where=size > 0)
    return np.where(np.broadcast_to(lengths[1], size.shape) > 0, answer, np.nan)


def derangements(count: int, draws: int, seed: int) -> NDArray[np.int64]:
    """(draws, count) random orders in which nothing stays in its place; (0, count) where there is none."""
    generator = np.random.default_rng(seed)
    found: list[NDArray[np.int64]] = []
    while count > 1 and len(found) < draws:
        order = generator.permutation(count)
        if (order != np.arange(count)).all():
            found.append(order)
    return np.array(found, np.int64).reshape(-1, count)


def _spill(found: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    both = (true == 0).any(1)
    size, meant = np.abs(found[both]), true[both] != 0
    inside = sum(float(one[here].mean()) for one, here in zip(size, meant, strict=True))
    outside = sum(float(one[~here].mean()) for one, here in zip(size, meant, strict=True))
    return outside / inside if inside else float("nan")


def band_means(templates: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(A, 3) the mean of templates in the top, middle and bottom band of the picture."""
    crop = templates.shape[-1]
    first = (side - crop) // 2
    band = ((np.arange(first, first + crop) + 0.5) / side * SIDES).astype(int)
    return np.stack([templates[:, band == one].mean((1, 2)) for one in range(SIDES)], 1)
