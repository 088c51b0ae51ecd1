"""Errors, orders and precisions against those who define them, and what cannot be judged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.metrics import average_precision_score, root_mean_squared_error

from urbanlens.siam.metrics import FEWEST, attribute_metrics, interval, kendall, paired_ratio, rmse, score_metrics

NAMES = ("sea", "road", "trees", "ice", "sand")


def scores(count: int = 60, noise: float = 0.7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.normal(5, 1.5, count)
    return truth.round(1), truth + generator.normal(0, noise, count)


def attributes(count: int = 80, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three attributes with unknown cells; one that all images have, one that nobody has looked for."""
    generator = np.random.default_rng(seed)
    truth = (generator.random((count, 5)) < [0.5, 0.2, 0.7, 1.0, 0.5]).astype(np.float32)
    found = (0.5 * truth + generator.random((count, 5))) / 1.5
    truth[generator.random(truth.shape) < 0.1] = np.nan
    truth[:, 4] = np.nan
    return truth, found


def test_the_score_against_sklearn_and_scipy() -> None:
    truth, found = scores()
    answer = score_metrics(truth, found)
    assert answer["images"] == 60
    assert answer["rmse"] == pytest.approx(root_mean_squared_error(truth, found))
    assert answer["tau"] == pytest.approx(kendalltau(truth, found).statistic)
    assert answer["rmse_of_mean"] == pytest.approx(root_mean_squared_error(truth, np.full(60, truth.mean())))
    for name in ("rmse", "tau"):
        low, high = answer[f"{name}_interval"]
        assert low <= answer[name] <= high
        assert low < high


def test_identities_of_errors_and_orders() -> None:
    truth, found = scores()
    assert rmse(truth, truth) == 0
    assert rmse(truth, found) == rmse(found, truth)
    assert rmse(truth + 3, found + 3) == pytest.approx(rmse(truth, found))
    assert rmse(2 * truth, 2 * found) == pytest.approx(2 * rmse(truth, found))
    assert rmse(truth, truth + 0.25) == pytest.approx(0.25)
    assert kendall(found, found) == pytest.approx(1)
    assert kendall(found, -found) == pytest.approx(-1)
    assert kendall(truth, np.exp(found)) == pytest.approx(kendall(truth, found))


def test_images_without_a_score_change_nothing() -> None:
    truth, found = scores()
    more = np.append(truth, [np.nan, np.nan]), np.append(found, [1e9, np.nan])
    assert score_metrics(*more, seed=4) == score_metrics(truth, found, seed=4)
    assert score_metrics(np.full(3, np.nan), np.ones(3)) == {"images": 0}


def test_constant_predictions_have_no_order() -> None:
    truth, _ = scores()
    answer = score_metrics(truth, np.full(60, truth.mean()))
    assert answer["tau"] == 0
    assert answer["tau_interval"] == (0, 0)
    assert answer["rmse"] == pytest.approx(answer["rmse_of_mean"])
    assert kendall(np.ones(5), np.arange(5)) == 0
    assert kendall(np.ones(1), np.ones(1)) == 0


@pytest.mark.parametrize("count", [1, 2, FEWEST - 1])
def test_few_images_have_a_value_and_no_interval(count: int) -> None:
    truth, found = scores()
    answer = score_metrics(truth[:count], found[:count])
    assert answer["rmse"] == pytest.approx(rmse(truth[:count], found[:count]))
    assert answer["rmse_interval"] is answer["tau_interval"] is None
    labels, sure = attributes()
    assert attribute_metrics(labels[:9], sure[:9], NAMES)["mean_ap_interval"] is None
    json.dumps(answer, allow_nan=False)
    assert np.isfinite(score_metrics(truth[:FEWEST], found[:FEWEST])["rmse_interval"]).all()


def test_an_interval_is_that_of_the_mean() -> None:
    """Of the mean of many draws it is what the normal approximation says."""
    values = np.random.default_rng(0).normal(3, 2, 400)
    found = interval(lambda rows: float(values[rows].mean()), 400, resamples=2000)
    error = values.std() / 20
    assert found == pytest.approx((values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.02)
    assert interval(lambda rows: 1.5, 20) == (1.5, 1.5)
    assert interval(lambda rows: float("nan"), 20) is None


def test_the_seed_decides() -> None:
    truth, found = scores()
    assert score_metrics(truth, found, seed=3) == score_metrics(truth, found, seed=3)
    assert score_metrics(truth, found, seed=3)["rmse_interval"] != score_metrics(truth, found, seed=4)["rmse_interval"]
    labels, sure = attributes()
    assert attribute_metrics(labels, sure, NAMES, seed=3) == attribute_metrics(labels, sure, NAMES, seed=3)


def test_ratios_are_of_the_same_images() -> None:
    truth, theirs = scores(300)
    ours = truth + 0.8 * (theirs - truth)
    answer = paired_ratio(truth, ours, theirs)
    assert answer["images"] == 300
    assert answer["rmse_ratio"] == pytest.approx(0.8)
    assert answer["rmse_ratio_interval"] == pytest.approx((0.8, 0.8))  # an image that is hard is so for both
    assert answer["tau_ratio"] == pytest.approx(kendall(truth, ours) / kendall(truth, theirs))
    low, high = answer["tau_ratio_interval"]
    assert 1 < low <= answer["tau_ratio"] <= high
    same = paired_ratio(truth, theirs, theirs)
    assert same["rmse_ratio_interval"] == same["tau_ratio_interval"] == (1, 1)


def test_a_paired_interval_covers_equally_good_networks() -> None:
    covered = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        truth = generator.normal(5, 1.5, 80)
        ours, theirs = truth + generator.normal(0, 0.7, (2, 80))
        low, high = paired_ratio(truth, ours, theirs, seed, resamples=100)["rmse_ratio_interval"]
        covered += low <= 1 <= high
    assert covered >= 33


def test_ratios_that_nobody_knows() -> None:
    truth, found = scores()
    gaps = found.copy()
    gaps[3] = np.nan
    rest = np.arange(60) != 3
    assert paired_ratio(truth, gaps, found, 2) == paired_ratio(truth[rest], found[rest], found[rest], 2)
    few = paired_ratio(truth[: FEWEST - 1], found[: FEWEST - 1], found[: FEWEST - 1])
    assert few["rmse_ratio"] == 1
    assert few["rmse_ratio_interval"] is few["tau_ratio_interval"] is None
    perfect = paired_ratio(truth, found, truth)
    assert perfect["rmse_ratio"] is perfect["rmse_ratio_interval"] is None
    flat = paired_ratio(truth, found, np.ones(60))
    assert flat["tau_ratio"] is flat["tau_ratio_interval"] is None
    for answer in (few, perfect, flat, paired_ratio(truth[:0], found[:0], found[:0])):
        json.dumps(answer, allow_nan=False)
    assert paired_ratio(truth, found, found + 1, 3) == paired_ratio(truth, found, found + 1, 3)


def test_the_callers_chance_is_left_alone() -> None:
    np.random.seed(0)
    expected = np.random.random(3)
    np.random.seed(0)
    score_metrics(*scores())
    assert np.array_equal(np.random.random(3), expected)


def test_attributes_against_sklearn() -> None:
    truth, found = attributes()
    answer = attribute_metrics(truth, found, NAMES)
    for i, name in enumerate(NAMES[:3]):
        known = np.isfinite(truth[:, i])
        expected = average_precision_score(truth[known, i], found[known, i])
        assert answer["average_precision"][name] == pytest.approx(expected)
        assert answer["base_rate"][name] == pytest.approx(np.nanmean(truth[:, i]))
        assert answer["average_precision"][name] > answer["base_rate"][name]
    judged = list(NAMES[:3])
    assert answer["mean_ap"] == pytest.approx(np.mean([answer["average_precision"][name] for name in judged]))
    assert answer["mean_base_rate"] == pytest.approx(np.mean([answer["base_rate"][name] for name in judged]))
    low, high = answer["mean_ap_interval"]
    assert low <= answer["mean_ap"] <= high


def test_attributes_that_all_or_no_images_have_are_not_judged() -> None:
    truth, found = attributes()
    truth[:, 1] = np.where(np.isfinite(truth[:, 1]), 0, np.nan)
    answer = attribute_metrics(truth, found, NAMES)
    assert answer["not_judged"] == ["road", "ice", "sand"]
    assert [answer["average_precision"][name] for name in answer["not_judged"]] == [None] * 3
    assert [answer["base_rate"][name] for name in answer["not_judged"]] == [0, 1, None]
    alone = attribute_metrics(truth[:, [0, 2]], found[:, [0, 2]], ("sea", "trees"))
    for name in ("mean_ap", "mean_base_rate", "mean_ap_interval"):
        assert answer[name] == alone[name]


def test_nothing_to_judge() -> None:
    answer = attribute_metrics(np.ones((20, 2)), np.random.default_rng(0).random((20, 2)), NAMES[:2])
    assert answer["mean_ap"] is answer["mean_ap_interval"] is answer["mean_base_rate"] is None
    assert answer["not_judged"] == list(NAMES[:2])
    empty = attribute_metrics(np.zeros((0, 2)), np.zeros((0, 2)), NAMES[:2])
    assert empty["not_judged"] == list(NAMES[:2])
    assert empty["base_rate"] == {"sea": None, "road": None}


def test_perfect_and_constant_answers() -> None:
    truth, _ = attributes()
    perfect = attribute_metrics(truth, np.nan_to_num(truth), NAMES)
    assert perfect["mean_ap"] == pytest.approx(1)
    assert perfect["mean_ap_interval"] == pytest.approx((1, 1))
    constant = attribute_metrics(truth, np.full(truth.shape, 0.4), NAMES)
    for name in NAMES[:3]:
        assert constant["average_precision"][name] == pytest.approx(constant["base_rate"][name])


def test_what_is_unknown_counts_for_nothing() -> None:
    truth, found = attributes()
    changed = np.where(np.isfinite(truth), found, 1 - found)
    assert attribute_metrics(truth, changed, NAMES) == attribute_metrics(truth, found, NAMES)


def test_a_card_can_hold_both() -> None:
    told = score_metrics(*scores()) | attribute_metrics(*attributes(), NAMES)
    assert json.loads(json.dumps(told))["average_precision"] == told["average_precision"]
