"""More labelled images for a training: those that join their neighbours, and how far their labels can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.embedding.neighbours import Pairs, Rows, joined, metres_to, pairs
from urbanlens.errors import CollectionError
from urbanlens.explain.trust import wilson_interval
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

HELD_OUT = ("val", "test")


@dataclass(frozen=True)
class Rule:
    """When an image joins: taken within `within_m` metres, and a cosine similarity of at least `similarity`."""

    within_m: float = 30.0
    similarity: float = 0.8

    def __post_init__(self) -> None:
        if not (isfinite(self.within_m) and self.within_m > 0 and -1 <= self.similarity <= 1):
            raise CollectionError(
                f"neighbours within {self.within_m:g} m that are alike to {self.similarity:g}: the distance is more "
                "than 0 m, the similarity lies between -1 and 1; 30 and 0.8 are a beginning"
            )


def trainable(
    collection: ImageCollection, labels: ArrayLike, splits: ArrayLike, table: pd.DataFrame, apart_m: float
) -> NDArray[np.bool_]:
    """Which of the images that join may be learnt from, so that nothing of the places of the test is learnt.

    A joined image has the split of its neighbour. It may be learnt from where that is "train", where no split of its
    own says otherwise, and where no labelled image of validation or test was taken within `apart_m` of it.

    Parameters
    ----------
    labels, splits : (N,) text, "" for none
    table : of `joined`, J rows

    Returns
    -------
    fine : (J,)
    """
    names, own = np.asarray(labels, str), np.asarray(splits, str)
    image, neighbour = table["image"].to_numpy(np.int64), table["neighbour"].to_numpy(np.int64)
    fine = np.isin(own[image], ("train", "")) & (own[neighbour] == "train")
    held_out = np.flatnonzero(collection.located & (names != "") & np.isin(own, HELD_OUT))
    if len(held_out) and len(image):
        fine &= metres_to(collection, image, held_out) > apart_m
    return np.asarray(fine, bool)


@dataclass(frozen=True)
class Agreement:
    """How often the rule gives an image the label that it has, where that was hidden from it.

    Attributes
    ----------
    asked, answered, right : images whose label was hidden, that the rule gives any label to, and their own
    contradicting : those that it gives none because neighbours contradict each other
    base_rate : what always saying the commonest label would get right of the answered ones; NaN of none
    by_chance : what the label of any labelled image, instead of a neighbour's, would; NaN of none
    """

    asked: int
    answered: int
    right: int
    contradicting: int
    base_rate: float
    by_chance: float

    @property
    def share(self) -> float:
        """Right ones of the answered; NaN of none."""
        return self.right / self.answered if self.answered else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval of `share`; (0, 1) of none."""
        return wilson_interval(self.right, self.answered)


def agreement(hidden: Pairs, labels: ArrayLike, d_m: float, s: float, truth: ArrayLike | None = None) -> Agreement:
    """Judge the rule by images whose label is known.

    Parameters
    ----------
    hidden : of `pairs` with `asking=labels != ""`, each as if its own label were hidden; or of images whose label
        really was hidden
    labels : (N,) text, which the rule goes by
    truth : (N,) text, which it is judged by; None: the same. Images that have none are not counted.
    """
    names = np.asarray(labels, str)
    both = np.concatenate([names, names if truth is None else np.asarray(truth, str)])
    codes, found = pd.factorize(both.astype(object))
    codes = np.where(both == "", -1, codes)
    by, own = codes[: len(names)], codes[len(names) :]
    given, torn = hidden.decided(by, d_m, s)
    given, torn = given[own[hidden.image[given]] >= 0], torn[own[torn] >= 0]
    image, answer = hidden.image[given], by[hidden.neighbour[given]]
    counts = np.bincount(by[by >= 0], minlength=len(found))
    # An image whose label is known is no random neighbour of itself.
    expected = (counts[own[image]] - (by[image] == own[image])) / np.maximum(counts.sum() - (by[image] >= 0), 1)
    commonest = np.bincount(own[image], minlength=1).max()
    return Agreement(
        asked=int((own[hidden.asked] >= 0).sum()),
        answered=len(image),
        right=int((answer == own[image]).sum()),
        contradicting=len(torn),
        base_rate=float(commonest / len(image)) if len(image) else float("nan"),
        by_chance=float(expected.mean()) if len(image) else float("nan"),
    )


def curves(
    found: Pairs, hidden: Pairs, labels: ArrayLike, d_m: float, s: float, *, distances: Sequence[float],
    similarities: Sequence[float],
) -> pd.DataFrame:  # fmt: skip
    """What either threshold does while the other stays.

    Parameters
    ----------
    found, hidden : pairs of the images without a label, and of labelled ones as in `agreement`
    distances, similarities : where to look; no distance above the `within_m` of the pairs

    Returns
    -------
    DataFrame
        over ("distance" or "similarity"), value, joining, contradicting, answered, share, low, high, base_rate,
        by_chance
    """
    rows = []
    steps = [("distance", d, d, s) for d in distances] + [("similarity", value, d_m, value) for value in similarities]
    for over, value, d, alike in steps:
        judged = agreement(hidden, labels, d, alike)
        low, high = judged.interval
        joins, torn = found.decided(labels, d, alike)
        rows.append({
            "over": over, "value": float(value), "joining": len(joins), "contradicting": len(torn),
            "answered": judged.answered, "share": judged.share, "low": low, "high": high,
            "base_rate": judged.base_rate, "by_chance": judged.by_chance,
        })  # fmt: skip
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Joining:
    """What a training takes: J rows of a collection, the label that each joins with, and what a card says of it."""

    rows: Rows
    labels: NDArray[np.str_]
    told: dict[str, Any]


def joining(
    collection: ImageCollection, labels: ArrayLike, splits: ArrayLike, rule: Rule, *, progress: Progress = silent
) -> Joining:
    """The images without a label that a training may learn from as well.

    Only training images give their label, and only `trainable` images take it.

    Parameters
    ----------
    labels : (N,) text, "" for none: all that are known, also of classes that are not learnt
    splits : (N,) text, "" for none
    progress : told while the images are embedded

    Raises
    ------
    CollectionError
        Where none joins; the text says why.
    """
    from urbanlens.embedding.features import embed

    names, own = np.asarray(labels, str), np.asarray(splits, str)
    asking = (names == "") & np.isin(own, ("train", ""))
    if not asking.any() or not collection.located[asking].any():
        raise CollectionError(
            f"{collection.name}: {int((names == '').sum()):,} images have no label, and none of them is outside the "
            "validation and test parts and has coordinates: no image can join its neighbours; leave --neighbours out"
        )
    features = embed(collection, progress=progress)
    learnt = np.where(own == "train", names, "")
    found = pairs(collection, learnt, features, within_m=rule.within_m, asking=asking)
    table = joined(found, learnt, rule.within_m, rule.similarity)
    fine = trainable(collection, names, own, table, rule.within_m)
    if not fine.any():
        raise CollectionError(
            f"{collection.name}: no image without a label lies within {rule.within_m:g} m of a labelled training image "
            f"and is alike to {rule.similarity:g}, away from the validation and the test{_closest(found)}: give "
            "--neighbours a larger distance or a smaller similarity, or leave it out"
        )
    judged = agreement(
        pairs(collection, learnt, features, within_m=rule.within_m, asking=learnt != ""), learnt,
        rule.within_m, rule.similarity,
    )  # fmt: skip
    low, high = judged.interval
    told: dict[str, Any] = {
        "within_m": rule.within_m, "similarity": rule.similarity, "images": int(fine.sum()),
        "near_held_out": int((~fine).sum()),
        "contradicting": len(found.decided(learnt, rule.within_m, rule.similarity)[1]),
        "agreement": {"images": judged.answered, "share": judged.share if judged.answered else None,
                      "interval": [low, high], "base_rate": judged.base_rate if judged.answered else None},
    }  # fmt: skip
    return Joining(table["image"].to_numpy(np.int64)[fine], table["label"].to_numpy(str)[fine], told)


def _closest(found: Pairs) -> str:
    """What came nearest to joining, for a message."""
    if len(found):
        return f"; the most alike within that distance: {found.similarity.max():.2f}"
    return f"; the nearest lies {found.nearest_m:,.1f} m away" if isfinite(found.nearest_m) else ""
