"""The test of the maps: a planted relation is found, none is found in noise, and what is unknown stays unknown."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import pearsonr

from urbanlens.aesthetics.map_test import (
    GRID,
    PERMUTATIONS,
    _best_split,
    correlation,
    intensity,
    map_test,
    random_intensity,
)
from urbanlens.collection.votes import HIGH_ABOVE, is_extreme
from urbanlens.explain.masks import upsample_masks
from urbanlens.siam.metrics import FEWEST

LEAST_P = 1 / (PERMUTATIONS + 1)


def planted(count: int = 200, noise: float = 0.02, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Intensities that follow mean marks, with some noise."""
    generator = np.random.default_rng(seed)
    marks = generator.uniform(2, 8, count)
    return (0.05 * marks + noise * generator.normal(size=count)).astype(np.float32), marks


def halves(count: int) -> tuple[np.ndarray, np.ndarray]:
    judged = np.arange(count) % 2 == 0
    return judged, ~judged


def test_intensity_is_the_mean_of_the_mask() -> None:
    maps = np.random.default_rng(0).random((3, 2, 5, 7), np.float32) ** 3
    found = intensity(maps)
    assert found.shape == (3, 2)
    assert found.dtype == np.float32
    for row in range(3):
        assert np.allclose(found[row], upsample_masks(maps[row], GRID).mean((1, 2)))
    assert np.allclose(intensity(9 * maps), found, atol=1e-5)
    assert intensity(maps[0, 0]).shape == ()
    assert ((found > 0) & (found < 1)).all()


def test_a_map_that_points_nowhere_has_no_intensity() -> None:
    assert intensity(np.zeros((4, 7, 7))).tolist() == [0] * 4
    assert intensity(np.full((1, 7, 7), 3.0)).tolist() == [0]
    assert intensity(np.zeros((0, 2, 7, 7))).shape == (0, 2)


def test_half_of_a_map() -> None:
    cells = np.zeros((1, 8, 8), np.float32)
    cells[0, :4] = 2
    assert intensity(cells)[0] == pytest.approx(0.5, abs=1e-6)


def test_chance_is_drawn_by_its_seed() -> None:
    one, again, other = (random_intensity(60, (7, 7), seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one.shape == (60,)
    assert 0.4 < one.mean() < 0.6
    assert len(random_intensity(0, (7, 7))) == 0


def test_a_planted_relation_is_found() -> None:
    values, marks = planted()
    found = correlation(values, marks)
    assert found.r == pytest.approx(pearsonr(values, marks).statistic, abs=1e-6)
    assert found.r > 0.95
    assert found.interval is not None
    assert found.interval[0] < found.r < found.interval[1]
    assert found.interval[0] > 0.9
    assert found.p == LEAST_P
    assert found.images == 200
    against = correlation(-values, marks)
    assert against.r == pytest.approx(-found.r)
    assert against.p == LEAST_P
    assert correlation(marks, marks).r == pytest.approx(1)
    assert asdict(correlation(values, marks)) == asdict(found)


def test_noise_goes_with_nothing() -> None:
    marks = planted()[1]
    found = correlation(np.random.default_rng(5).random(200), marks)
    assert abs(found.r) < 0.15
    assert found.p > 0.05
    assert found.interval is not None
    assert found.interval[0] < 0 < found.interval[1]


def test_p_is_that_of_noise_where_there_is_none_but_noise() -> None:
    """Over many draws, p below a tenth comes in about a tenth of them."""
    generator = np.random.default_rng(0)
    small = [correlation(generator.random(12), generator.random(12)).p for _ in range(40)]
    assert all(LEAST_P <= p <= 1 for p in small)
    assert 0 <= np.mean(np.array(small) < 0.1) < 0.3
    assert 0.3 < np.mean(small) < 0.7


@pytest.mark.parametrize("which", ["values", "marks"])
def test_what_is_the_same_everywhere_goes_with_nothing(which: str) -> None:
    values, marks = planted(40)
    same = np.full(40, 0.3, np.float32)
    found = correlation(same, marks) if which == "values" else correlation(values, same)
    assert (found.r, found.p) == (0, 1)


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1])
def test_of_a_few_images_nothing_is_said(count: int) -> None:
    values, marks = planted(count)
    found = correlation(values, marks)
    assert (found.images, found.interval) == (count, None)
    assert np.isnan(found.r) and np.isnan(found.p)
    assert np.isfinite(correlation(*planted(FEWEST)).r)


def test_the_whole_test_on_planted_truth() -> None:
    values, marks = planted(400)
    judged, others = halves(400)
    found = map_test(values, marks, judged, others)
    assert found.everywhere.images == 200
    assert found.extremes.images == is_extreme(marks[judged]).sum() < 200
    assert found.extremes.r > found.everywhere.r > 0.95
    assert found.split == pytest.approx(0.05 * HIGH_ABOVE, abs=0.02)
    assert found.accuracy > 0.9
    assert found.balanced > 0.9
    assert found.accuracy_interval is not None
    assert found.accuracy_interval[0] <= found.accuracy <= found.accuracy_interval[1]
    assert found.base_rate == pytest.approx(max((marks[judged] > 5).mean(), (marks[judged] <= 5).mean()))
    noise = map_test(np.random.default_rng(2).random(400), marks, judged, others)
    assert noise.everywhere.p > 0.05
    assert noise.balanced < 0.6


def test_the_split_never_sees_the_images_that_are_judged() -> None:
    values, marks = planted(100)
    judged, others = halves(100)
    found = map_test(values, marks, judged, others)
    upset = values.copy()
    upset[judged] = np.random.default_rng(0).random(50)
    assert map_test(upset, marks, judged, others).split == found.split
    # Images that are for both count as judged alone.
    assert map_test(upset, marks, judged, np.ones(100, bool)).split == found.split
    assert np.isnan(map_test(values, marks, judged, judged).split)
    moved = values.copy()
    moved[others] += 1
    assert map_test(moved, marks, judged, others).split == pytest.approx(found.split + 1)


def test_images_without_a_map_or_votes_do_not_count() -> None:
    values, marks = planted(60)
    judged, others = halves(60)
    values[:10], marks[5:15] = np.nan, np.nan
    known = np.arange(60) >= 15
    found = map_test(values, marks, judged, others)
    alone = map_test(values[known], marks[known], judged[known], others[known])
    assert asdict(found) == asdict(alone)
    assert found.everywhere.images == (judged & known).sum()


def test_where_no_split_can_be_chosen() -> None:
    values, marks = planted(60)
    judged, others = halves(60)
    for chosen_on in (np.zeros(60, bool), others & (marks > 5), others & (marks <= 5)):
        found = map_test(values, marks, judged, chosen_on)
        assert np.isnan(found.split) and np.isnan(found.accuracy) and np.isnan(found.balanced)
        assert found.accuracy_interval is None
        assert found.everywhere.r > 0.9
        assert 0.5 <= found.base_rate <= 1
    none = map_test(values, marks, np.zeros(60, bool), others)
    assert np.isnan(none.accuracy) and np.isnan(none.base_rate) and np.isnan(none.everywhere.r)
    assert none.everywhere.images == 0


def test_the_best_split_against_trying_each() -> None:
    generator = np.random.default_rng(0)
    for _ in range(60):
        values = generator.integers(0, 8, 20) / 8  # many are equal
        high = generator.random(20) < 0.5
        if not high.any() or high.all():
            continue

        def gained(split: float, values: np.ndarray = values, high: np.ndarray = high) -> float:
            return float((values[high] > split).mean() - (values[~high] > split).mean())

        split = _best_split(values, high)
        assert split in values
        assert gained(split) == pytest.approx(max(gained(one) for one in values))
    assert np.isnan(_best_split(np.ones(3), np.ones(3, bool)))
    assert np.isnan(_best_split(np.ones(0), np.ones(0, bool)))
