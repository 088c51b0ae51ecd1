"""How far two label maps of the same images agree: pixel accuracy, intersection over union, recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.explain.segment import Segmented

IGNORED = 255
"""In maps of class numbers: a pixel that is not counted."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Pixels of N images by class.

    Attributes
    ----------
    names : K names of the classes
    right : (N, K) pixels of the class that were given it
    truth : (N, K) pixels of the class
    given : (N, K) counted pixels that were given the class
    """

    names: tuple[str, ...]
    right: Counts
    truth: Counts
    given: Counts

    @classmethod
    def of(
        cls, names: Sequence[str], pairs: Sequence[tuple[NDArray[Any], NDArray[Any]]] | Sequence[tuple[Counts, ...]]
    ) -> Agreement:
        """From what `count` gives for each image."""
        stacked = np.array(pairs, np.int64).reshape(-1, 3, len(names))
        return cls(tuple(names), stacked[:, 0], stacked[:, 1], stacked[:, 2])

    @property
    def accuracy(self) -> float:
        """Share of the counted pixels that were given their class; NaN where none was counted."""
        return _share(self.right.sum(), self.truth.sum())

    @property
    def base_rate(self) -> float:
        """The accuracy of always answering the most frequent class."""
        return _share(self.truth.sum(0).max(initial=0), self.truth.sum())

    @property
    def mean_iou(self) -> float:
        """Mean of the intersection over union, over the classes that occur."""
        return _mean(_iou(self.right.sum(0), self.truth.sum(0), self.given.sum(0)))

    def interval(self, draws: int = 400) -> dict[str, list[float]]:
        """95 % intervals of accuracy and mean IoU, by drawing the images anew (bootstrap).

        Pixels of one image are no independent witnesses, so whole images are drawn. A class that a draw lacks keeps
        the IoU that it has in all images: left out, the rarest and worst would make every draw look better.
        """
        chance = np.random.default_rng(0)
        images = len(self.truth)
        draws_of, usual = [], _iou(self.right.sum(0), self.truth.sum(0), self.given.sum(0))
        for _ in range(draws if images else 0):
            times = np.bincount(chance.integers(0, images, images), minlength=images)
            right, truth, given = times @ self.right, times @ self.truth, times @ self.given
            draws_of.append(
                (_share(right.sum(), truth.sum()), _mean(np.where(truth > 0, _iou(right, truth, given), usual)))
            )
        low, high = np.nanpercentile(draws_of, [2.5, 97.5], axis=0) if draws_of else np.tile([[0.0], [1.0]], 2)
        return {"accuracy": [float(low[0]), float(high[0])], "mean_iou": [float(low[1]), float(high[1])]}

    def to_json(self) -> dict[str, Any]:
        """All measures as plain JSON; classes without a pixel are left out."""
        right, truth, given = self.right.sum(0), self.truth.sum(0), self.given.sum(0)
        there = [number for number in np.argsort(-truth, kind="stable") if truth[number]]
        interval = self.interval()
        return {
            "accuracy": self.accuracy,
            "interval": interval["accuracy"],
            "mean_iou": self.mean_iou,
            "mean_iou_interval": interval["mean_iou"],
            "base_rate": self.base_rate,
            "images": len(self.truth),
            "share": {self.names[k]: _share(truth[k], truth.sum()) for k in there},
            "iou": {self.names[k]: _share(right[k], truth[k] + given[k] - right[k]) for k in there},
            "recall": {self.names[k]: _share(right[k], truth[k]) for k in there},
        }


def count(truth: NDArray[Any], given: NDArray[Any], classes: int) -> tuple[Counts, Counts, Counts]:
    """Pixels of one image by class: right, in truth, given.

    Parameters
    ----------
    truth : (H, W) class numbers; `IGNORED` is not counted
    given : (H, W) class numbers; what is no class counts as wrong
    classes : how many there are, K
    """
    counted = truth < classes
    truth, given = truth[counted], given[counted]
    right = np.bincount(truth[truth == given], minlength=classes)
    return right, np.bincount(truth, minlength=classes), np.bincount(given[given < classes], minlength=classes)


def labels_agreement(
    collection: ImageCollection, found: Segmented, *, progress: Progress = silent
) -> tuple[Agreement, float] | None:
    """A model's label maps against the collection's own, over the objects that both know by the same name.

    Only pixels of those objects are counted, at the size of the collection's labels; what the model answers there may
    be any object.

    Returns
    -------
    tuple
        The agreement, and the share of the labelled pixels that are counted; None where the collection, which may be
        a view, has no labels, or no object in common with the model.
    """
    theirs = {name.lower(): number for number, name in found.object_names.items()}
    shared = {number: name for number, name in collection.object_names.items() if name.lower() in theirs}
    names = [name for name, own in zip(collection.ids, collection.labelled, strict=True) if own]
    if not shared or not names:
        return None
    places = np.arange(len(shared))
    truth_of, given_of = np.full((2, 65536), IGNORED, np.int64) + len(shared)
    truth_of[list(shared)] = places
    given_of[[theirs[name.lower()] for name in shared.values()]] = places
    counts, labelled = [], 0
    for done, name in enumerate(names):
        progress(done, len(names), "comparing with the collection's labels, image")
        own, maps = collection.objects(name), found.objects(name)
        if own is None or maps is None:
            continue
        given = np.asarray(Image.fromarray(maps).resize(own.shape[::-1], Image.Resampling.NEAREST))
        counts.append(count(truth_of[own], given_of[given], len(shared)))
        labelled += int((own > 0).sum())
    agreement = Agreement.of(list(shared.values()), counts)
    return (agreement, float(agreement.truth.sum() / labelled)) if agreement.truth.sum() else None


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else float("nan")


def _iou(right: Counts, truth: Counts, given: Counts) -> NDArray[np.float64]:
    """(K,) intersection over union; NaN for a class without a pixel in truth."""
    return np.where(truth > 0, right / np.maximum(truth + given - right, 1), np.nan)


def _mean(values: NDArray[np.float64]) -> float:
    """Mean of what is a number; NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
