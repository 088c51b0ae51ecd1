"""The distance of distributions against loops, and figures of foretold votes against what is planted."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from urbanlens.aesthetics.metrics import (
    aesthetic_metrics,
    balanced_accuracy,
    emd,
    high_low_metrics,
    pearson,
    spearman,
)
from urbanlens.collection.votes import MARKS, mean_of
from urbanlens.training.aesthetic_tasks import emd as emd_loss

Array = NDArray[np.float64]


def by_arrays(found: Array, given: Array, r: float = 2.0) -> Array:
    return emd(found, given, r)


def by_tensors(found: Array, given: Array, r: float = 2.0) -> Array:
    return emd_loss(torch.from_numpy(found), torch.from_numpy(given), r).numpy()


def by_loops(found: Array, given: Array, r: float) -> Array:
    """The definition, bin by bin."""
    distances = []
    for one, other in zip(found, given, strict=True):
        left = right = total = 0.0
        for a, b in zip(one, other, strict=True):
            left, right = left + a, right + b
            total += abs(left - right) ** r
        distances.append((total / len(one)) ** (1 / r))
    return np.array(distances)


def drawn(count: int = 200, bins: int = 10, seed: int = 0) -> Array:
    """Distributions of every kind: wide ones, narrow ones, some with empty bins."""
    generator = np.random.default_rng(seed)
    parts = [generator.dirichlet(np.full(bins, alpha), count // 4) for alpha in (0.05, 0.3, 1, 20)]
    return np.concatenate(parts)


EMDS = pytest.mark.parametrize("distance", [by_arrays, by_tensors])
Distance = Callable[..., Array]


@EMDS
@pytest.mark.parametrize("r", [1, 2, 3])
@pytest.mark.parametrize("bins", [2, 10, 17])
def test_the_distance_is_its_definition(distance: Distance, r: float, bins: int) -> None:
    one, other = drawn(bins=bins), drawn(bins=bins, seed=1)
    least = 1e-12 ** (1 / r)  # a loss takes less for nothing
    assert np.allclose(distance(one, other, r), by_loops(one, other, r), atol=least)
    assert np.allclose(distance(one, other, r), distance(other, one, r), atol=1e-12)


@EMDS
@pytest.mark.parametrize("r", [1, 2])
def test_the_distance_is_greatest_between_the_two_ends(distance: Distance, r: float) -> None:
    first, last = np.eye(10)[[0]], np.eye(10)[[9]]
    greatest = 0.9 ** (1 / r)
    assert distance(first, last, r)[0] == pytest.approx(greatest)
    assert (distance(drawn(), drawn(seed=1), r) <= greatest).all()
    assert (distance(drawn(), drawn(), r) <= 1e-6).all()


@EMDS
def test_the_distance_knows_the_order_of_the_marks(distance: Distance) -> None:
    """A step is a tenth of the whole way by r = 1; what lies further is further."""
    ends = np.eye(10)
    steps = [distance(ends[[0]], ends[[mark]], 1)[0] for mark in range(10)]
    assert steps == pytest.approx(np.arange(10) / 10)
    one, other, third = drawn(), drawn(seed=1), drawn(seed=2)
    for r in (1, 2):
        assert (distance(one, third, r) <= distance(one, other, r) + distance(other, third, r) + 1e-9).all()


@EMDS
def test_distributions_of_other_shapes_have_no_distance(distance: Distance) -> None:
    for shape in ((5, 9), (4, 10)):
        with pytest.raises(ValueError):
            distance(drawn()[:5], np.full(shape, 0.1))


def test_ranks_and_correlations() -> None:
    truth = np.random.default_rng(0).normal(size=50)
    assert spearman(truth, np.exp(truth)) == pytest.approx(1)
    assert spearman(truth, -(truth**3)) == pytest.approx(-1)
    assert pearson(truth, 3 - 2 * truth) == pytest.approx(-1)
    assert pearson(truth, np.exp(truth)) < 0.99
    for measure in (spearman, pearson):
        assert measure(truth, np.ones(50)) == measure(np.ones(50), truth) == 0
        assert measure(truth[:1], truth[:1]) == measure(truth[:0], truth[:0]) == 0


def test_balanced_accuracy_by_hand() -> None:
    high = np.array([True, True, True, True, False])
    assert balanced_accuracy(high, np.array([True, True, True, False, False])) == (0.75 + 1) / 2
    assert balanced_accuracy(high, np.ones(5)) == balanced_accuracy(high, np.zeros(5)) == 0.5
    assert np.isnan(balanced_accuracy(np.ones(5), high))
    assert np.isnan(balanced_accuracy(np.zeros(0), np.zeros(0)))


def votes(means: Array) -> Array:
    """Shares of two marks whose mean is as wanted."""
    shares = np.zeros((len(means), 10))
    below = np.minimum(means.astype(int), 9)
    shares[np.arange(len(means)), below - 1] = 1 - (means - below)
    shares[np.arange(len(means)), below] = means - below
    assert np.allclose(mean_of(shares), means)
    return shares


def test_high_and_low_by_hand() -> None:
    shares = votes(np.array([2, 3, 4, 5, 6, 7, 8, 9] * 3, float))
    told = high_low_metrics(shares, np.array([0, 0.1, 0.2, 0.7, 0.4, 0.8, 0.9, 1] * 3))
    assert (told["images"], told["high"]) == (24, 12)
    assert told["accuracy"] == told["balanced_accuracy"] == 0.75
    assert told["base_rate"] == 0.5
    assert told["accuracy_interval"][0] < 0.75 < told["accuracy_interval"][1]
    called = np.array([False] * 4 + [True] * 4)
    assert high_low_metrics(shares[:8], np.zeros(8), called=called)["accuracy"] == 1
    assert high_low_metrics(shares[:8], np.zeros(8))["accuracy_interval"] is None
    assert json.loads(json.dumps(told)) == told | {
        name: list(told[name]) for name in ("accuracy_interval", "balanced_accuracy_interval")
    }
    alone = high_low_metrics(shares[:2], np.zeros(2))
    assert alone["accuracy"] == alone["base_rate"] == 1 and np.isnan(alone["balanced_accuracy"])
    assert np.isnan(high_low_metrics(shares[:0], np.zeros(0))["accuracy"])


def test_votes_that_are_foretold_exactly() -> None:
    generator = np.random.default_rng(0)
    shares, tags = drawn(40), generator.random((40, 2)) < 0.5
    told = aesthetic_metrics(shares, shares, shares.mean(0), tags, tags * 0.8 + 0.1, ("sea", "dusk"))
    assert told["emd"] == told["emd_ratio"] == 0
    assert told["emd_of_mean"] == pytest.approx(by_loops(np.tile(shares.mean(0), (40, 1)), shares, 2).mean())
    assert [told["spearman"], told["pearson"]] == pytest.approx([1, 1])
    assert told["accuracy"] == told["balanced_accuracy"] == 1
    assert told["tags"] == {"sea": 1, "dusk": 1}
    assert told["tags_mean_ap"] == 1
    assert told["tags_base_rate"] == {"sea": tags[:, 0].mean(), "dusk": tags[:, 1].mean()}
    json.dumps(told)


def test_votes_that_are_foretold_by_the_mean() -> None:
    """The baseline against itself; and noise, whose interval holds no order at all."""
    shares = drawn(80)
    usual = shares.mean(0)
    nothing = np.zeros((80, 0))
    told = aesthetic_metrics(shares, np.tile(usual, (80, 1)), usual, nothing, nothing, ())
    assert told["emd_ratio"] == 1
    assert told["emd_ratio_interval"] == (1, 1)
    assert told["spearman"] == 0
    assert "tags" not in told
    noise = aesthetic_metrics(shares, drawn(80, seed=9)[::-1], usual, nothing, nothing, ())
    assert noise["emd_ratio"] > 1
    assert noise["spearman_interval"][0] < 0 < noise["spearman_interval"][1]
    assert noise["emd_interval"][0] < noise["emd"] < noise["emd_interval"][1]


def test_the_called_marks_are_high_by_their_mean() -> None:
    shares, found = votes(np.array([3.0, 4, 6, 7])), votes(np.array([4.9, 5.1, 5.0, 9]))
    nothing = np.zeros((4, 0))
    told = aesthetic_metrics(shares, found, shares.mean(0), nothing, nothing, ())
    assert told["accuracy"] == 0.5
    assert told["high"] == 2
    assert MARKS.tolist() == list(range(1, 11))


@pytest.mark.filterwarnings("error")
def test_pictures_that_all_have_the_same_votes() -> None:
    """The mean foretells them exactly: there is nothing to be better than."""
    shares, nothing = np.tile(votes(np.array([6.5])), (20, 1)), np.zeros((20, 0))
    told = aesthetic_metrics(shares, drawn(20), shares.mean(0), nothing, nothing, ())
    assert told["emd_of_mean"] == 0 < told["emd"]
    assert np.isnan(told["emd_ratio"]) and told["emd_ratio_interval"] is None
