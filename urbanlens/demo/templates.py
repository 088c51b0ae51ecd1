"""The templates that the demo's scores were made with, and how far found ones agree with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.demo import rules

SIDES = len(rules.BANDS)
LEAST = 0.01


@dataclass(frozen=True)
class Agreement:
    """Signs of found templates against planted ones, over the cells where the planted one is not 0.

    Attributes
    ----------
    cells : how many those are
    share : of them that have the right sign
    by_chance : the share that the planted templates of other attributes get, a random pairing: its mean
    table : attribute, cells, share, a row each planted attribute
    """

    cells: int
    share: float
    by_chance: float
    table: pd.DataFrame


def planted_templates(names: Sequence[str], side: int, crop: int | None = None) -> NDArray[np.float32]:
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
    names: Sequence[str], templates: NDArray[np.float32], side: int, *, least: float = LEAST, draws: int = 200,
    seed: int = 0,
) -> Agreement:  # fmt: skip
    """How many cells have the planted sign; one that is as good as 0 has none, and so is not right.

    Parameters
    ----------
    names, templates : (A,), (A, c, c) as found
    side : cells along a map of the whole picture
    least : a cell below this share of its template's greatest one is as good as 0
    draws, seed : of random pairings of found and planted templates, for the baseline
    """
    planted = planted_templates(names, side, templates.shape[-1])
    meant = planted != 0
    greatest = np.abs(templates).max((1, 2), keepdims=True)
    signs = np.where(np.abs(templates) >= least * greatest, np.sign(templates), 0)
    right = (signs == np.sign(planted)) & meant
    used = np.flatnonzero(meant.any((1, 2)))
    generator = np.random.default_rng(seed)
    chance = []
    for _ in range(draws if len(used) else 0):
        other = planted[generator.permutation(used)]
        chance.append(((signs[used] == np.sign(other)) & (other != 0)).sum() / (other != 0).sum())
    table = pd.DataFrame({
        "attribute": [names[int(i)] for i in used],
        "cells": meant[used].sum((1, 2)),
        "share": right[used].sum((1, 2)) / meant[used].sum((1, 2)),
    })  # fmt: skip
    total = int(meant.sum())
    share = float(right.sum() / total) if total else float("nan")
    return Agreement(total, share, float(np.mean(chance)) if chance else float("nan"), table)


def band_means(templates: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(A, 3) the mean of templates in the top, middle and bottom band of the picture."""
    crop = templates.shape[-1]
    first = (side - crop) // 2
    band = ((np.arange(first, first + crop) + 0.5) / side * SIDES).astype(int)
    return np.stack([templates[:, band == one].mean((1, 2)) for one in range(SIDES)], 1)
