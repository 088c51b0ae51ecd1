"""How far a plane can be believed: against scikit-learn, and at the ends of the scale."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as theirs
from sklearn.neighbors import NearestNeighbors

from urbanlens.embedding.quality import neighbourhood, neighbours_kept, trustworthiness


def noisy(count: int = 300, noise: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    rows = random.random((count, 6)) * [1, 1, 0.1, 0.1, 0.1, 0.1]
    return rows, rows[:, :2] + noise * random.random((count, 2))


@pytest.mark.parametrize("k", [1, 10, 40])
def test_trustworthiness_is_that_of_scikit_learn(k: int) -> None:
    rows, plane = noisy()
    assert trustworthiness(rows, plane, k) == pytest.approx(theirs(rows, plane, n_neighbors=k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 10, 250])
def test_kept_neighbours_are_the_shared_ones(k: int) -> None:
    rows, plane = noisy()
    near = [NearestNeighbors(n_neighbors=k).fit(space).kneighbors(return_distance=False) for space in (rows, plane)]
    shared = [len(set(high) & set(flat)) for high, flat in zip(*near, strict=True)]
    assert neighbours_kept(rows, plane, k) == pytest.approx(np.mean(shared) / k)


def test_the_ends_of_the_scale() -> None:
    rows, _ = noisy()
    assert trustworthiness(rows, rows) == 1
    assert neighbours_kept(rows, 5 * rows + 2) == 1
    random = np.random.default_rng(1).random((300, 2))
    assert trustworthiness(rows, random) == pytest.approx(0.5, abs=0.05)
    assert neighbours_kept(rows, random) == pytest.approx(10 / 299, abs=0.02)


def test_a_sample_comes_near_the_whole_and_is_the_same_for_the_same_seed() -> None:
    rows, plane = noisy(900)
    sampled = trustworthiness(rows, plane, sample=300, seed=3)
    assert sampled == trustworthiness(rows, plane, sample=300, seed=3)
    assert sampled != trustworthiness(rows, plane, sample=300, seed=4)
    assert sampled == pytest.approx(trustworthiness(rows, plane), abs=0.01)
    assert neighbours_kept(rows, plane, sample=300) == pytest.approx(neighbours_kept(rows, plane), abs=0.04)


def test_equal_rows_are_equally_near() -> None:
    """No plane can tell equal rows apart, so any of them is a nearest neighbour; also where points coincide."""
    rows = np.repeat(np.random.default_rng(0).random((3, 4)) * 100, 30, axis=0)
    plane = rows[:, :2] + np.random.default_rng(1).random((90, 2))
    assert trustworthiness(rows, plane) == 1
    assert neighbours_kept(rows, plane) == 1
    assert neighbours_kept(rows, rows[:, :2]) == 1


def test_wrong_requests_say_what_is_allowed() -> None:
    rows, plane = noisy(20)
    with pytest.raises(ValueError, match="half"):
        trustworthiness(rows, plane, 10)
    with pytest.raises(ValueError, match="fewer than there are"):
        neighbours_kept(rows, plane, 20)
    with pytest.raises(ValueError, match="N rows"):
        trustworthiness(rows, plane[1:])
    with pytest.raises(ValueError, match="1 image or more"):
        trustworthiness(rows, plane, 3, sample=0)


def test_both_measures_come_from_one_pass() -> None:
    rows, plane = np.random.default_rng(5).normal(size=(60, 5)), np.random.default_rng(6).normal(size=(60, 2))
    assert neighbourhood(rows, plane) == (trustworthiness(rows, plane), neighbours_kept(rows, plane))
    trust, kept = neighbourhood(rows[:15], plane[:15])
    assert np.isnan(trust) and kept == neighbours_kept(rows[:15], plane[:15])
