"""How well the beauty of pictures is foretold, each figure with its interval and beside what needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from urbanlens.collection.votes import is_high, mean_of
from urbanlens.siam.metrics import attribute_metrics, interval

Array = NDArray[Any]


def emd(found: Array, given: Array, r: float = 2.0) -> NDArray[np.float64]:
    """Earth mover's distance (N,) of distributions (N, K) over ordered bins: ((1/K) sum_k |CDF - CDF'|^r)^(1/r)."""
    away = np.abs(np.cumsum(found, 1, dtype=np.float64) - np.cumsum(given, 1, dtype=np.float64))
    return np.asarray((away**r).mean(1) ** (1 / r))


def spearman(truth: Array, found: Array) -> float:
    """Spearman's rank correlation; 0 where one of the two is the same everywhere."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(found) == 0:
        return 0.0
    return float(spearmanr(truth, found).statistic)


def pearson(truth: Array, found: Array) -> float:
    """Pearson's correlation; 0 where one of the two is the same everywhere."""
    if len(truth) < 2 or np.ptp(truth) == 0 or np.ptp(found) == 0:
        return 0.0
    return float(np.corrcoef(np.asarray(truth, float), np.asarray(found, float))[0, 1])


def balanced_accuracy(high: Array, called_high: Array) -> float:
    """The mean of the shares of high and of low pictures that are called so; by chance 0.5. NaN without one of both."""
    high, called = np.asarray(high, bool), np.asarray(called_high, bool)
    if not high.any() or high.all():
        return float("nan")
    return float((called[high].mean() + (~called[~high]).mean()) / 2)


def high_low_metrics(shares: Array, high: Array, *, called: Array | None = None, seed: int = 0) -> dict[str, Any]:
    """How well high is told from low; plain JSON.

    Parameters
    ----------
    shares : (N, 10) of the voters who gave each mark
    high : (N,) how surely a network calls each picture high
    called : (N,) whether it does; None: above one half
    """
    truth = is_high(mean_of(shares))
    found = np.asarray(high) > 0.5 if called is None else np.asarray(called, bool)
    count = len(truth)
    right = truth == found
    return {
        "images": count,
        "accuracy": float(right.mean()) if count else float("nan"),
        "accuracy_interval": interval(lambda rows: float(right[rows].mean()), count, seed=seed),
        "base_rate": float(max(truth.mean(), 1 - truth.mean())) if count else float("nan"),
        "balanced_accuracy": balanced_accuracy(truth, found),
        "balanced_accuracy_interval": interval(
            lambda rows: balanced_accuracy(truth[rows], found[rows]), count, seed=seed
        ),
        "high": int(truth.sum()),
    }


def aesthetic_metrics(
    shares: Array, found: Array, usual: Array, tags: Array, found_tags: Array, names: Sequence[str], *, seed: int = 0
) -> dict[str, Any]:
    """How well votes and tags are foretold; plain JSON.

    Parameters
    ----------
    shares, found : (N, 10) shares of the voters who gave each mark, and what a network foretells
    usual : (10,) the mean distribution of the training images, the baseline
    tags, found_tags : (N, T) whether an image has a tag, and how surely a network says so
    names : of the T tags
    """
    count, truth, marks = len(shares), mean_of(shares), mean_of(found)
    ours, baseline = emd(found, shares), emd(np.broadcast_to(usual, np.shape(shares)), shares)
    told = high_low_metrics(shares, marks, called=is_high(marks), seed=seed)

    def over_baseline(rows: Array) -> float:
        usual_distance = float(baseline[rows].mean())
        return float(ours[rows].mean()) / usual_distance if usual_distance else float("nan")

    told |= {
        "emd": float(ours.mean()),
        "emd_interval": interval(lambda rows: float(ours[rows].mean()), count, seed=seed),
        "emd_of_mean": float(baseline.mean()),
        "emd_ratio": over_baseline(np.arange(count)),
        "emd_ratio_interval": interval(over_baseline, count, seed=seed),
        "spearman": spearman(truth, marks),
        "spearman_interval": interval(lambda rows: spearman(truth[rows], marks[rows]), count, seed=seed),
        "pearson": pearson(truth, marks),
    }
    if not len(names):
        return told
    per_tag = attribute_metrics(np.asarray(tags, float), np.asarray(found_tags), tuple(names), seed=seed)
    renamed = {"average_precision": "tags", "base_rate": "tags_base_rate", "mean_ap": "tags_mean_ap",
               "mean_ap_interval": "tags_mean_ap_interval", "mean_base_rate": "tags_mean_base_rate"}  # fmt: skip
    return told | {ours_: per_tag[theirs] for theirs, ours_ in renamed.items() if theirs in per_tag}
