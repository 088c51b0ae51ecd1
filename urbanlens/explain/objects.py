"""Object ratios: which objects a network looks at when it names a class.

"Deep Visual City Recognition Visualization" (2018), equation 1. Over the N^c images of class c::

    R_p^c = sum_i M_p,i / sum_i N_p,i

N_p,i are the pixels of object p in image i, M_p,i those of them inside the visual explanation (mask >= threshold).
Beside it stands the base rate, what masks of the same areas laid anywhere would get: with a_i the share of image i
that its mask covers, sum_i a_i N_p,i / sum_i N_p,i.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.errors import ModelError

GRID = 224
"""Side in px of the square on which pixels are counted, the papers' image size."""

FREQUENT_PX = 100
"""An object counts as frequent with more pixels an image than this, on average, at 224 px (the paper's bound)."""

LEAST_IMAGES = 10
"""With fewer images, neither an interval nor a verdict is told."""

MOST_KEPT = 20_000_000
"""Bootstrap weights are kept for the next threshold up to so many numbers: 80 MB."""

THRESHOLDS = tuple(round(0.1 * step, 1) for step in range(1, 10))
COLUMNS = (
    "class", "object", "ratio", "low", "high", "base", "lift", "lift_low", "lift_high", "inside", "total", "images",
)  # fmt: skip
Rows = NDArray[np.bool_] | NDArray[np.int64]


@dataclass(frozen=True)
class ObjectCounts:
    """Pixels of P objects in N images, and how many of them lie inside the masks at T thresholds.

    Attributes
    ----------
    objects : (P,) object ids, ascending, without 0 (unlabelled)
    thresholds : the T thresholds
    pixels : pixels of an image
    total : (N, P) pixels of each object
    inside : (N, P, T) those inside the mask
    area : (N, T) pixels of the mask, labelled or not
    mass : (N, P) sum of the mask over each object's pixels
    whole : (N,) sum of the mask over all pixels; 0 for an empty mask
    top : (N,) object at the mask's highest pixel; 0 for none, -1 for an empty mask
    """

    objects: NDArray[np.int64]
    thresholds: tuple[float, ...]
    pixels: int
    total: NDArray[np.integer[Any]]
    inside: NDArray[np.integer[Any]]
    area: NDArray[np.integer[Any]]
    mass: NDArray[np.float32]
    whole: NDArray[np.float32]
    top: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.total)

    def of(self, rows: Rows) -> ObjectCounts:
        """The same for some images, by number or by mask."""
        parts = {name: getattr(self, name)[rows] for name in ("total", "inside", "area", "mass", "whole", "top")}
        return replace(self, **parts)

    def at(self, threshold: float) -> int:
        """The number of a threshold; ModelError where it was not counted."""
        for position, known in enumerate(self.thresholds):
            if abs(known - threshold) < 1e-6:
                return position
        raise ModelError(f"pixels were not counted at threshold {threshold}: there are {self.thresholds}")

    def frequent(self, least: float = FREQUENT_PX) -> NDArray[np.bool_]:
        """(P,) objects with on average over `least` pixels an image at 224 px; scaled with the area."""
        scale = self.pixels / GRID**2
        return np.asarray(self.total.mean(0) > least * scale) if len(self) else np.zeros(len(self.objects), bool)


def count_objects(
    masks: ArrayLike, labels: ArrayLike, thresholds: Sequence[float] = THRESHOLDS, objects: Sequence[int] | None = None
) -> ObjectCounts:
    """Count the pixels of each object, inside the masks and in all.

    Parameters
    ----------
    masks : (N, H, W) in [0, 1]
    labels : (N, H, W) object ids, 0 for unlabelled
    thresholds : a pixel is inside where mask >= threshold
    objects : ids to count; None: all that occur

    Raises
    ------
    ModelError
        Where the shapes differ.
    """
    shares, ids = np.asarray(masks, np.float32), np.asarray(labels)
    if shares.ndim != 3 or shares.shape != ids.shape:
        raise ModelError(
            f"masks of shape {shares.shape} do not fit labels of shape {ids.shape}: both must be (N, H, W)"
        )
    known = np.unique(ids[ids > 0]) if objects is None else np.unique(np.asarray(objects, np.int64))
    levels = np.asarray(sorted(thresholds), np.float32)
    steps, count, images = len(levels) + 1, len(known), len(ids)
    numbers = np.full(max(int(ids.max(initial=0)), int(known.max(initial=0))) + 1, count, np.int64)
    numbers[known] = np.arange(count)
    histogram = np.zeros((images, count + 1, steps), np.int64)
    mass, top = np.zeros((images, count + 1), np.float32), np.full(images, -1, np.int64)
    for row in range(images):
        share, number = shares[row].ravel(), numbers[ids[row].ravel()]
        cells = number * steps + np.searchsorted(levels, share, side="right")
        histogram[row] = np.bincount(cells, minlength=(count + 1) * steps).reshape(count + 1, steps)
        mass[row] = np.bincount(number, share, minlength=count + 1)
        if share.any():
            top[row] = ids[row].ravel()[share.argmax()]
    reached = histogram[..., ::-1].cumsum(-1)[..., ::-1]
    return ObjectCounts(
        known.astype(np.int64), tuple(sorted(thresholds)), int(np.prod(ids.shape[1:])), reached[:, :count, 0],
        reached[:, :count, 1:], reached[..., 1:].sum(1), mass[:, :count], mass.sum(1), top,
    )  # fmt: skip


def object_ratio(
    masks: ArrayLike, labels: ArrayLike, classes: Sequence[Any], *, threshold: float = 0.5,
    names: Mapping[int, str] | None = None, frequent: bool = False, resamples: int = 1000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """R_p^c of each object in each class, with its base rate and 95 % intervals.

    Parameters
    ----------
    masks : (N, H, W) in [0, 1], as `upsample_masks` gives them
    labels : (N, H, W) object ids, 0 for unlabelled
    classes : (N,) class of each image
    threshold : a pixel is inside the visual explanation where mask >= threshold
    names : names of the object ids; None leaves the ids
    frequent : leave out objects with 100 pixels or less an image of the class (at 224 px, scaled with the area)
    resamples, seed : of the bootstrap over images

    Returns
    -------
    DataFrame
        class, object, ratio, low, high (interval of the ratio), base (base rate), lift (ratio - base), lift_low,
        lift_high, inside and total (pixels), images (with the object); by class, the greatest lift first.
    """
    counts = count_objects(masks, labels, (threshold,))
    return ratio_table(counts, classes, threshold, names=names, frequent=frequent, resamples=resamples, seed=seed)


def ratio_table(
    counts: ObjectCounts, classes: Sequence[Any] | NDArray[Any], threshold: float = 0.5, *,
    names: Mapping[int, str] | None = None, frequent: bool = False, resamples: int = 1000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """`object_ratio` from counted pixels."""
    of_image = np.asarray(classes)
    if of_image.shape != (len(counts),):
        raise ModelError(f"{of_image.size} classes for {len(counts)} images: give the class of each image")
    parts = [
        _class_table(counts.of(of_image == name), name, threshold, names or {}, frequent, resamples, seed)
        for name in sorted(set(of_image.tolist()))
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _class_table(
    counts: ObjectCounts, name: Any, threshold: float, names: Mapping[int, str], frequent: bool, resamples: int,
    seed: int,
) -> pd.DataFrame:  # fmt: skip
    present = np.flatnonzero(counts.frequent() if frequent else counts.total.sum(0) > 0)
    ratio, base = ratios(counts, threshold, np.ones((1, len(counts))), present)
    drawn = bootstrap_weights(len(counts), resamples, seed)
    ratio_all, base_all = ratios(counts, threshold, drawn, present)
    low, high = _interval(ratio_all)
    lift_low, lift_high = _interval(ratio_all - base_all)
    ids = [int(number) for number in counts.objects[present]]
    table = pd.DataFrame({
        "class": name, "object": [names.get(number, number) for number in ids], "ratio": ratio[0], "low": low,
        "high": high, "base": base[0], "lift": ratio[0] - base[0], "lift_low": lift_low, "lift_high": lift_high,
        "inside": counts.inside[:, present, counts.at(threshold)].sum(0), "total": counts.total[:, present].sum(0),
        "images": (counts.total[:, present] > 0).sum(0),
    }, columns=list(COLUMNS))  # fmt: skip
    return table.sort_values("lift", ascending=False, kind="stable")


def ratios(
    counts: ObjectCounts, threshold: float, weights: NDArray[Any], objects: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R and its base rate under weights of the images.

    Parameters
    ----------
    weights : (B, N), how often each image counts in each of B samples
    objects : numbers of the objects wanted, rows of `counts.objects`

    Returns
    -------
    (B, P) each; NaN where a sample does not hold the object.
    """
    at = counts.at(threshold)
    weights = weights.astype(np.float32, copy=False)
    total = counts.total[:, objects].astype(np.float32)
    inside = counts.inside[:, objects, at].astype(np.float32)
    area = counts.area[:, at].astype(np.float32) / counts.pixels
    sums = (weights @ total).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (weights @ inside).astype(np.float64) / sums
        base = (weights @ (area[:, None] * total)).astype(np.float64) / sums
    return np.where(sums > 0, ratio, np.nan), np.where(sums > 0, base, np.nan)


def bootstrap_weights(images: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """(resamples, images): how often each image is drawn, with replacement; the same array for the same arguments."""
    return (_drawn if images * resamples <= MOST_KEPT else _drawn.__wrapped__)(images, resamples, seed)


@lru_cache(maxsize=4)
def _drawn(images: int, resamples: int, seed: int) -> NDArray[np.float32]:
    if images == 0:
        return np.zeros((resamples, 0), np.float32)
    drawn = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)
    weights = drawn.astype(np.float32)
    weights.flags.writeable = False
    return weights


def _interval(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % percentile interval of each column; NaN where no sample has a value."""
    low, high = np.full(samples.shape[1], np.nan), np.full(samples.shape[1], np.nan)
    for column in np.flatnonzero(np.isfinite(samples).any(0)):
        low[column], high[column] = np.nanpercentile(samples[:, column], [2.5, 97.5])
    return low, high


def ratio_difference(
    counts: ObjectCounts, first: Rows, second: Rows, threshold: float = 0.5, *,
    names: Mapping[int, str] | None = None, resamples: int = 1000, seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """R^A - R^B of the objects that occur in both groups of images, with 95 % bootstrap intervals.

    Only objects that are in `LEAST_IMAGES` images or more of each group: with fewer, an interval says nothing.

    Returns
    -------
    DataFrame
        object, a, b (the two ratios), difference, low, high, images_a, images_b (with the object); the greatest
        difference first.
    """
    a, b = counts.of(first), counts.of(second)
    many = ((a.total > 0).sum(0) >= LEAST_IMAGES) & ((b.total > 0).sum(0) >= LEAST_IMAGES)
    both = np.flatnonzero(many & (a.frequent() | b.frequent()))
    values, samples = [], []
    for part, shift in ((a, 0), (b, 1)):
        values.append(ratios(part, threshold, np.ones((1, len(part))), both)[0][0])
        samples.append(ratios(part, threshold, bootstrap_weights(len(part), resamples, seed + shift), both)[0])
    low, high = _interval(samples[0] - samples[1])
    ids = [int(number) for number in counts.objects[both]]
    table = pd.DataFrame({
        "object": [(names or {}).get(number, number) for number in ids], "a": values[0], "b": values[1],
        "difference": values[0] - values[1], "low": low, "high": high,
        "images_a": (a.total[:, both] > 0).sum(0), "images_b": (b.total[:, both] > 0).sum(0),
    })  # fmt: skip
    return table.sort_values("difference", ascending=False, kind="stable", ignore_index=True)
