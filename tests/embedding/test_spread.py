import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from urbanlens.embedding.spread import grid_size, spread


def cells_of(places: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """Whole numbers of cells, from the upper left."""
    half = max(columns - 1, rows - 1, 1) / 2
    return np.rint(places * half + (np.array([columns, rows]) - 1) / 2).astype(int)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 400), aspect=st.floats(0.2, 5), seed=st.integers(0, 99))
def test_every_point_has_a_cell_of_its_own(count: int, aspect: float, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(count, 2)) * [3, 0.1]
    columns, rows = grid_size(count, aspect)
    places = spread(points, aspect=aspect)
    cells = cells_of(places, columns, rows)
    assert places.dtype == np.float32 and places.shape == (count, 2)
    assert len(np.unique(cells, axis=0)) == count <= columns * rows
    assert (cells >= 0).all() and (cells < [columns, rows]).all()
    back = cells - (np.array([columns, rows]) - 1) / 2
    np.testing.assert_allclose(places, back / max(columns - 1, rows - 1, 1) * 2, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(2, 600), seed=st.integers(0, 99))
def test_the_order_of_the_rows_does_not_matter(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    points, order = random.normal(size=(count, 2)), random.permutation(count)
    np.testing.assert_array_equal(spread(points)[order], spread(points[order]))


def test_clusters_stay_together() -> None:
    """Four heaps fill the four quarters of the grid: most of a picture's neighbours are of its own heap."""
    random = np.random.default_rng(1)
    heap = np.repeat(np.arange(4), 225)
    points = np.array([(0, 0), (1, 0), (0, 1), (1, 1)])[heap] + random.normal(0, 0.08, (900, 2))
    places = spread(points)
    distances = np.abs(places[:, None] - places[None]).max(axis=2)
    nearest = np.argsort(distances, axis=1)[:, 1:9]
    assert (heap[nearest] == heap[:, None]).mean() > 0.9
    assert (np.sign(places) == np.sign(points - 0.5)).all(axis=1).mean() > 0.97


def test_a_grid_keeps_its_places_but_for_scale() -> None:
    """Points that are a grid already are left in peace."""
    x, y = np.meshgrid(np.arange(20), np.arange(20))
    points = np.column_stack([x.ravel(), y.ravel()])
    np.testing.assert_allclose(spread(points), (points - 9.5) / 9.5, atol=1e-6)


def test_two_thousand_points_take_seconds_at_most() -> None:
    points = np.random.default_rng(0).standard_t(2, size=(2000, 2))
    started = time.process_time()
    places = spread(points)
    assert time.process_time() - started < 3
    assert len(np.unique(places, axis=0)) == 2000


def test_beyond_the_sweeps_points_are_apart_as_well() -> None:
    places = spread(np.random.default_rng(0).normal(size=(7000, 2)), aspect=2)
    assert len(np.unique(places, axis=0)) == 7000
    assert np.abs(places[:, 1]).max() < 0.55


def test_few_and_equal_points() -> None:
    assert spread(np.zeros((0, 2))).shape == (0, 2)
    np.testing.assert_array_equal(spread([[3, 4]]), [[0, 0]])
    assert len(np.unique(spread(np.zeros((50, 2))), axis=0)) == 50


@pytest.mark.parametrize(
    ("points", "aspect", "match"),
    [(np.zeros((4, 3)), 1, "N points by 2"), ([[0, np.nan]], 1, "no position"), ([[0, 0]], 0, "above 0")],
)
def test_what_cannot_be_spread(points: object, aspect: float, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        spread(points, aspect=aspect)  # type: ignore[arg-type]
