"""How well a score and attributes are found, each with its interval and beside what needs no network at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau
from sklearn.metrics import average_precision_score

RESAMPLES = 400
FEWEST = 10
"""Images below which no interval is told."""


def rmse(truth: NDArray[Any], found: NDArray[Any]) -> float:
    """Root mean square error."""
    return float(np.sqrt(np.mean((np.asarray(truth, float) - np.asarray(found, float)) ** 2)))


def kendall(truth: NDArray[Any], found: NDArray[Any]) -> float:
    """Kendall's tau-b: how far two orders agree, -1 to 1; 0 where one of them has no order at all."""
    value = float(kendalltau(truth, found).statistic) if len(truth) > 1 else 0.0
    return value if np.isfinite(value) else 0.0


def interval(
    measure: Callable[[NDArray[np.int64]], float], count: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """The 95 % interval of a measure of `count` images, from bootstrap draws of whole images; None where unknown.

    Parameters
    ----------
    measure : rows -> value
    """
    if count < FEWEST:
        return None
    generator = np.random.default_rng(seed)
    values = np.array([measure(generator.integers(0, count, count)) for _ in range(resamples)])
    return _middle(values)


def _middle(values: NDArray[np.float64]) -> tuple[float, float] | None:
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def score_metrics(truth: NDArray[Any], found: NDArray[Any], *, seed: int = 0) -> dict[str, Any]:
    """RMSE and Kendall's tau with their intervals; beside them the RMSE of always answering the mean; plain JSON."""
    known = np.isfinite(truth)
    truth, found = np.asarray(truth, float)[known], np.asarray(found, float)[known]
    if not len(truth):
        return {"images": 0}
    return {
        "images": len(truth),
        "rmse": rmse(truth, found),
        "rmse_interval": interval(lambda rows: rmse(truth[rows], found[rows]), len(truth), seed=seed),
        "rmse_of_mean": float(truth.std()),
        "tau": kendall(truth, found),
        "tau_interval": interval(lambda rows: kendall(truth[rows], found[rows]), len(truth), seed=seed),
    }


def paired_ratio(
    truth: NDArray[Any], ours: NDArray[Any], theirs: NDArray[Any], seed: int = 0, *, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """How ours compares with theirs on the same images; plain JSON.

    Both intervals come from one bootstrap: an image that is hard for one is mostly hard for the other, so this tells
    more than whether their own intervals overlap.

    Returns
    -------
    dict
        images (whose score all three know), rmse_ratio and tau_ratio (ours / theirs; None where theirs is 0), and
        their 95 % intervals (None where unknown).
    """
    known = np.isfinite(truth) & np.isfinite(ours) & np.isfinite(theirs)
    true, mine, other = (np.asarray(values, float)[known] for values in (truth, ours, theirs))
    count, generator = len(true), np.random.default_rng(seed)

    def ratios(rows: NDArray[np.int64]) -> list[float]:
        pairs = [(measure(true[rows], mine[rows]), measure(true[rows], other[rows])) for measure in (rmse, kendall)]
        return [ours / theirs if theirs else float("nan") for ours, theirs in pairs]

    draws = resamples if count >= FEWEST else 0
    drawn = np.array([ratios(generator.integers(0, count, count)) for _ in range(draws)]).reshape(-1, 2)
    whole = ratios(np.arange(count)) if count else [float("nan")] * 2
    answer: dict[str, Any] = {"images": count}
    for i, name in enumerate(("rmse_ratio", "tau_ratio")):
        answer[name] = whole[i] if np.isfinite(whole[i]) else None
        answer[f"{name}_interval"] = _middle(drawn[:, i]) if answer[name] is not None else None
    return answer


def attribute_metrics(
    truth: NDArray[Any], found: NDArray[Any], names: Sequence[str], *, seed: int = 0
) -> dict[str, Any]:
    """Average precision of each attribute, and their mean with its interval; plain JSON.

    Parameters
    ----------
    truth : (N, A) 1 there, 0 not there, NaN unknown
    found : (N, A) how surely each is there
    names : (A,)

    Returns
    -------
    dict
        average_precision by name (None for an attribute that all or no images have), base_rate by name (what a random
        order gets), mean_ap, mean_ap_interval, mean_base_rate, not_judged (names).
    """
    single = {name: _precision(truth[:, i], found[:, i]) for i, name in enumerate(names)}
    judged = [i for i, name in enumerate(names) if single[name] is not None]
    rates = {name: _rate(truth[:, i]) for i, name in enumerate(names)}

    def mean(rows: NDArray[np.int64]) -> float:
        values = [_precision(truth[rows, i], found[rows, i]) for i in judged]
        return float(np.mean([value for value in values if value is not None] or [np.nan]))

    return {
        "average_precision": single,
        "base_rate": rates,
        "mean_ap": float(np.mean([single[names[i]] for i in judged])) if judged else None,
        "mean_ap_interval": interval(mean, len(truth), resamples=100, seed=seed) if judged else None,
        "mean_base_rate": float(np.mean([rates[names[i]] for i in judged])) if judged else None,
        "not_judged": [name for name in names if single[name] is None],
    }


def _rate(truth: NDArray[Any]) -> float | None:
    known = truth[np.isfinite(truth)]
    return float(known.mean()) if len(known) else None


def _precision(truth: NDArray[Any], found: NDArray[Any]) -> float | None:
    known = np.isfinite(truth)
    right = truth[known] > 0.5
    if not right.any() or right.all():
        return None
    return float(average_precision_score(right, found[known]))
