"""Do the maps mean anything? Whether a map's mean intensity goes with the beauty of the picture.

"The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers", section 4.4.4: a map that is
scaled to [0, 1] has a mean; if the map of "high" showed what is beautiful, beautiful pictures should have more of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.metrics import balanced_accuracy, pearson
from urbanlens.collection.votes import is_extreme, is_high
from urbanlens.explain.masks import upsample_masks
from urbanlens.siam.metrics import FEWEST, interval

Array = NDArray[Any]

GRID = 112
"""Side in px of the square that intensities are measured on."""

PART = 512
"""Maps that are enlarged at a time: all at once would fill the memory."""

PERMUTATIONS = 2000


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of intensity and mean mark over some images.

    Attributes
    ----------
    images : how many
    r : the correlation; NaN with fewer than `FEWEST` images
    interval : 95 %, by drawing the images anew
    p : share of shuffled orders whose correlation is as far from 0; NaN with fewer than `FEWEST` images
    """

    images: int
    r: float
    interval: tuple[float, float] | None
    p: float


@dataclass(frozen=True)
class MapTest:
    """What the intensity of maps tells of the mean mark.

    Attributes
    ----------
    everywhere, extremes : the correlation over all images, and over those with an extreme mean mark
    split : the intensity above which a picture is called high, chosen on other images; NaN where none could be chosen
    accuracy, accuracy_interval, balanced : how often that is right on the images judged
    base_rate : how often the more frequent answer is
    """

    everywhere: Correlation
    extremes: Correlation
    split: float
    accuracy: float
    accuracy_interval: tuple[float, float] | None
    balanced: float
    base_rate: float


def intensity(maps: Array) -> NDArray[np.float32]:
    """The mean (...) of maps (..., h, w), each scaled to [0, 1]; 0 of an empty one."""
    shape = maps.shape[:-2]
    single = np.asarray(maps, np.float32).reshape(-1, *maps.shape[-2:])
    parts = [upsample_masks(single[at : at + PART], GRID).mean((1, 2)) for at in range(0, max(len(single), 1), PART)]
    return np.concatenate(parts).reshape(shape).astype(np.float32)


def random_intensity(count: int, shape: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    """The intensities (count,) of maps of `shape` cells that chance drew."""
    return intensity(np.random.default_rng(seed).random((count, *shape), np.float32))


def correlation(values: Array, marks: Array, *, seed: int = 0) -> Correlation:
    """Pearson's r with its bootstrap interval and permutation p."""
    count = len(values)
    if count < FEWEST:
        return Correlation(count, float("nan"), None, float("nan"))
    r = pearson(values, marks)
    bounds = interval(lambda rows: pearson(values[rows], marks[rows]), count, resamples=1000, seed=seed)
    one, other = (np.asarray(column, float) - np.mean(column) for column in (values, marks))
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    generator = np.random.default_rng(seed)
    shuffled = np.array([one[generator.permutation(count)] @ other for _ in range(PERMUTATIONS)])
    beyond = int((np.abs(shuffled) >= abs(r) * length - 1e-12).sum()) if length else PERMUTATIONS
    return Correlation(count, r, bounds, (beyond + 1) / (PERMUTATIONS + 1))


def map_test(values: Array, marks: Array, judged: Array, chosen_on: Array, *, seed: int = 0) -> MapTest:
    """The whole test.

    Parameters
    ----------
    values : (N,) intensities; NaN where there is no map
    marks : (N,) mean marks; NaN where nobody voted
    judged : (N,) images that count
    chosen_on : (N,) other images, on which the splitting intensity is chosen; those of `judged` do not count
    """
    known = np.isfinite(values) & np.isfinite(marks)
    rows, others = np.flatnonzero(known & judged), np.flatnonzero(known & chosen_on & ~np.asarray(judged, bool))
    extreme = rows[is_extreme(marks[rows])]
    split, truth = _best_split(values[others], is_high(marks[others])), is_high(marks[rows])
    called = values[rows] > split
    right = called == truth
    fine = bool(len(rows)) and np.isfinite(split)
    return MapTest(
        correlation(values[rows], marks[rows], seed=seed), correlation(values[extreme], marks[extreme], seed=seed),
        split,
        float(right.mean()) if fine else float("nan"),
        interval(lambda drawn: float(right[drawn].mean()), len(rows), seed=seed) if fine else None,
        balanced_accuracy(truth, called) if fine else float("nan"),
        float(max(truth.mean(), 1 - truth.mean())) if len(rows) else float("nan"),
    )  # fmt: skip


def _best_split(values: Array, high: Array) -> float:
    """The intensity that parts high from low best by balanced accuracy; NaN without images of both."""
    if not high.any() or high.all():
        return float("nan")
    order = np.argsort(values, kind="stable")
    below_high, below_low = np.cumsum(high[order]) / high.sum(), np.cumsum(~high[order]) / (~high).sum()
    gain = below_low - below_high  # of calling what lies above high
    last = np.append(np.diff(values[order]) > 0, True)
    best = int(np.argmax(np.where(last, gain, -np.inf)))
    return float(values[order][best])
