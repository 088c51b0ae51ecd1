"""Do masks point at what is known to matter? Each measure beside what a mask that looked anywhere would get."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from urbanlens.explain.objects import LEAST_IMAGES, ObjectCounts


def pointing(counts: ObjectCounts, objects: Sequence[int]) -> pd.DataFrame:
    """The pointing game and the mask's energy, image by image.

    Zhang et al., Top-down Neural Attention by Excitation Backprop, 2016 (pointing game); Wang et al., Score-CAM, 2020
    (energy): a hit is a mask whose highest pixel lies on a meant object; its energy is the share of the mask's sum
    that lies on them. A mask that looked anywhere gets, on average, their share of the image in both.

    Parameters
    ----------
    counts : of N images
    objects : ids of the objects that are meant

    Returns
    -------
    DataFrame
        area (share of the image that the objects cover), hit and energy, a row an image; hit and energy are NaN for
        an empty mask, all three where an image holds none of the objects.
    """
    chosen = np.isin(counts.objects, np.asarray(objects))
    pixels = counts.total[:, chosen].sum(1)
    none, empty = pixels == 0, counts.whole == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        energy = counts.mass[:, chosen].sum(1, dtype=np.float64) / counts.whole
    return pd.DataFrame({
        "area": np.where(none, np.nan, pixels / counts.pixels),
        "hit": np.where(none | empty, np.nan, np.isin(counts.top, np.asarray(objects)).astype(float)),
        "energy": np.where(none | empty, np.nan, energy),
    })  # fmt: skip


def mean_interval(values: ArrayLike) -> tuple[float, float, float, int]:
    """Mean of the known values, its 95 % interval from the standard error (NaN of fewer than 10), and their number."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan"), float("nan"), 0
    mean = float(known.mean())
    if len(known) < LEAST_IMAGES:
        return mean, float("nan"), float("nan"), len(known)
    reach = 1.96 * float(known.std(ddof=1)) / len(known) ** 0.5
    return mean, mean - reach, mean + reach, len(known)


def balanced_accuracy(confusion: ArrayLike, draws: int = 2_000, seed: int = 0) -> tuple[float, float]:
    """Accuracy with every class counted alike, and its chance limit.

    Parameters
    ----------
    confusion : (K, K), entry (i, j) counts images of class i that were called class j

    Returns
    -------
    value, limit
        The mean of the classes' recalls, over classes with images; and what it stays below in 97.5 % of `draws` random
        orders of the answers. A network whose value is above the limit knows something of some class. NaN without
        images.
    """
    counts = np.asarray(confusion, np.int64)
    if not counts.any():
        return float("nan"), float("nan")
    images = counts.sum(1)
    truth = np.repeat(np.arange(len(counts)), images)
    answers = np.concatenate([np.repeat(np.arange(len(counts)), row) for row in counts])
    order, weight = np.random.default_rng(seed), 1 / ((images > 0).sum() * images[truth])
    shuffled = [float(weight[truth == order.permutation(answers)].sum()) for _ in range(draws)]
    return float(weight[truth == answers].sum()), float(np.quantile(shuffled, 0.975))


def wilson_interval(successes: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share; (0, 1) where nothing was counted.

    Parameters
    ----------
    successes, total : counts
    z : standard normal quantile; 1.96 gives 95 %
    """
    if not total:
        return 0.0, 1.0
    share, squared = successes / total, z * z
    reach = z * sqrt(share * (1 - share) / total + squared / (4 * total**2))
    middle, scale = share + squared / (2 * total), 1 + squared / total
    # Of none or all, one end is exact; rounding must not move it.
    low = (middle - reach) / scale if successes else 0.0
    return low, (middle + reach) / scale if successes < total else 1.0
