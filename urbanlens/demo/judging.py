"""Networks judged against what the demo world is known to contain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from urbanlens.explain.masks import upsample_masks
from urbanlens.explain.objects import LEAST_IMAGES, ObjectCounts, ratio_table
from urbanlens.explain.trust import mean_interval, pointing

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

PLANTED: Mapping[str, Mapping[str, int]] = {
    "Hanamori": {"signboard": 44, "fence": 33},
    "Steelport": {"skyscraper": 49, "earth": 14},
}
"""What was planted in each city: the object's name and id. Signboards stand for their kanji."""

CORNER = 0.15
"""Side of the lower right corner that the planted mark lies in, as a share of the image's side."""


def prevalence(counts: ObjectCounts, classes: NDArray[Any]) -> pd.DataFrame:
    """The share of each class's images that hold each object: a row an object, a column a class."""
    from urbanlens.demo.taking import PRESENT

    present = counts.total >= PRESENT * counts.pixels
    shares = {name: present[classes == name].mean(0) for name in sorted(set(classes.tolist()))}
    return pd.DataFrame(shares, index=counts.objects)


def planted_table(
    counts: ObjectCounts, classes: NDArray[Any], threshold: float, names: Mapping[int, str], *, seed: int = 0
) -> pd.DataFrame:
    """Where R puts the planted objects: did the network find them?

    Parameters
    ----------
    counts : of N images of the two cities
    classes : (N,) city of each

    Returns
    -------
    DataFrame
        class, object, own and other (share of the images of this and of the other city that hold it), ratio, base,
        lift, lift_low, lift_high, rank (of its lift among the city's frequent objects), of (their number), found
        (whether the interval of the lift lies above 0); each city's most telling object first.
    """
    rates = prevalence(counts, classes)
    ratios = ratio_table(counts, classes, threshold, frequent=True, seed=seed)
    rows = []
    for city, objects in PLANTED.items():
        table = ratios[ratios["class"] == city].reset_index(drop=True)
        for name, number in objects.items():
            own, others = _rates(rates, city, number)
            at = table.index[table["object"] == number]
            told = table.loc[at[0]] if len(at) else pd.Series(dtype=float)
            rows.append({
                "class": city, "object": names.get(number, name), "own": own, "other": others,
                **{key: told.get(key, np.nan) for key in ("ratio", "base", "lift", "lift_low", "lift_high")},
                "rank": int(at[0]) + 1 if len(at) else 0, "of": len(table),
                "found": bool(len(at)) and bool(told["lift_low"] > 0) and bool(told["images"] >= LEAST_IMAGES),
                "images": int(told.get("images", 0)),
            })  # fmt: skip
    table = pd.DataFrame(rows)
    order = (table["other"] - table["own"]).groupby(table["class"]).rank()
    return table.assign(order=order).sort_values(["class", "order"]).drop(columns="order").reset_index(drop=True)


def _rates(rates: pd.DataFrame, city: str, number: int) -> tuple[float, float]:
    if number not in rates.index:
        return float("nan"), float("nan")
    others = rates.loc[number].drop(city, errors="ignore")
    own = float(rates.loc[number, city]) if city in rates else float("nan")
    return own, float(others.max()) if len(others) else float("nan")


def rank_correlation(
    counts: ObjectCounts, classes: NDArray[Any], threshold: float, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Does R rank objects as the truth does? Spearman's rho of the lift with the difference in prevalence.

    Returns
    -------
    DataFrame
        class, rho, p (share of random orders that correlate at least as strongly), objects (their number).
    """
    rates = prevalence(counts, classes)
    ratios = ratio_table(counts, classes, threshold, frequent=True, resamples=1, seed=seed)
    generator = np.random.default_rng(seed)
    rows = []
    for city in rates:
        table = ratios[ratios["class"] == city]
        told = np.array([np.subtract(*_rates(rates, city, int(number))) for number in table["object"]], float)
        lift = table["lift"].to_numpy(float)
        if len(table) < 4 or not np.isfinite(told).all() or np.ptp(told) == 0 or np.ptp(lift) == 0:
            rows.append((city, float("nan"), float("nan"), len(table)))
            continue
        # Spearman's rho is Pearson's r of the ranks; a random order permutes them.
        a, b = (rankdata(values) - (len(table) + 1) / 2 for values in (lift, told))
        scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
        rho = float(a @ b) / scale
        chance = generator.permuted(np.tile(a, (resamples, 1)), axis=1) @ b / scale
        rows.append((city, rho, float((1 + np.sum(chance >= rho - 1e-12)) / (1 + resamples)), len(table)))
    return pd.DataFrame(rows, columns=["class", "rho", "p", "objects"])


def pointing_table(counts: ObjectCounts, classes: NDArray[Any]) -> pd.DataFrame:
    """Hits and energy on each city's planted objects, beside the share of the image that they cover.

    Returns
    -------
    DataFrame
        class, measure (hit, energy), mean, low, high (its 95 % interval), area (what a mask that looks anywhere gets),
        images.
    """
    rows = []
    for city, objects in PLANTED.items():
        told = pointing(counts.of(classes == city), list(objects.values()))
        for measure in ("hit", "energy"):
            mean, low, high, images = mean_interval(told[measure])
            area = float(told["area"][told[measure].notna()].mean()) if images else float("nan")
            rows.append((city, measure, mean, low, high, area, images))
    return pd.DataFrame(rows, columns=["class", "measure", "mean", "low", "high", "area", "images"])


def corner_table(maps: NDArray[np.float32], marked: NDArray[np.bool_]) -> pd.DataFrame:
    """How bright the masks of one city are in the corner of the planted mark, with the mark and without it.

    Parameters
    ----------
    maps : (N, h, w) raw maps
    marked : (N,) which images carry the mark

    Returns
    -------
    DataFrame
        images_with (the mark, or none), mean, low, high (mean mask in the corner and its 95 % interval), whole (mean
        mask over the whole image), images.
    """
    size = 96
    start = size - round(CORNER * size)
    corner, whole = np.zeros(len(maps)), np.zeros(len(maps))
    for first in range(0, len(maps), 256):
        rows = slice(first, first + 256)
        masks = upsample_masks(np.ascontiguousarray(maps[rows]), size)
        corner[rows], whole[rows] = masks[:, start:, start:].mean((1, 2)), masks.mean((1, 2))
    rows_ = [
        (name, *mean_interval(corner[chosen])[:3], float(whole[chosen].mean()) if chosen.any() else float("nan"),
         int(chosen.sum()))
        for name, chosen in (("the mark", marked), ("no mark", ~marked))
    ]  # fmt: skip
    return pd.DataFrame(rows_, columns=["images_with", "mean", "low", "high", "whole", "images"])


def demo_rows(collection: ImageCollection, split: str = "test") -> NDArray[np.bool_]:
    """(N,) which images belong to a city and to a split."""
    table = collection.table
    return np.asarray((table["split"] == split) & table["city"].notna())
