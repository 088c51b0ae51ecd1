"""Components of masks against those of the full matrix, and that the matrix is never made."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torch.nn import functional

from urbanlens.embedding.masks import mask_components, mask_rows, upsampler
from urbanlens.explain import upsample_masks


def maps_of(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """Peaked maps of very different heights, the first empty, the second flat, the last two alike."""
    random = np.random.default_rng(seed)
    maps = random.random((count, height, width)) ** 4 * 10.0 ** random.integers(-5, 6, (count, 1, 1))
    maps[0], maps[1], maps[-1] = 0, 7, maps[-2]
    return maps.astype(np.float32)


def full(maps: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    return upsample_masks(maps, size).reshape(len(maps), -1).astype(np.float64)


SHAPES = [
    (7, 7, 224),
    (14, 14, 96),
    (6, 6, 100),
    (4, 9, (50, 61)),
    (1, 5, (10, 20)),
    (5, 1, 12),
    (8, 8, 5),  # smaller than the map
    (3, 3, 3),
]


@pytest.mark.parametrize(("height", "width", "size"), SHAPES)
def test_products_and_distances_are_those_of_the_masks(height: int, width: int, size: int | tuple[int, int]) -> None:
    maps = maps_of(40, height, width)
    masks, rows = full(maps, size), mask_rows(maps, size).astype(np.float64)
    assert rows.shape[1] <= height * width
    scale = float((masks**2).sum(axis=1).max())
    np.testing.assert_allclose(rows @ rows.T, masks @ masks.T, atol=1e-5 * scale)
    np.testing.assert_allclose(pdist(rows), pdist(masks), rtol=1e-4, atol=1e-5 * scale**0.5)


@pytest.mark.parametrize(("height", "width", "size"), SHAPES)
def test_components_are_those_of_the_full_matrix(height: int, width: int, size: int | tuple[int, int]) -> None:
    maps = maps_of(40, height, width)
    masks = full(maps, size)
    masks -= masks.mean(axis=0)
    _, values, axes = np.linalg.svd(masks, full_matrices=False)
    kept = min(4, len(axes))
    found = mask_components(maps, size, kept)
    expected = masks @ axes[:kept].T
    expected *= np.sign((expected * found.rows).sum(axis=0))  # an axis may point either way
    np.testing.assert_allclose(found.rows, expected, atol=2e-4 * np.abs(expected).max())
    np.testing.assert_allclose(found.explained, values[:kept] ** 2 / (values**2).sum(), atol=1e-4)


def test_all_components_keep_all_distances() -> None:
    maps = maps_of(60, 7, 7)
    found = mask_components(maps)
    assert found.rows.shape == (60, 50)
    assert found.rows.dtype == np.float32
    assert (found.rows[:, 49] == 0).all()  # 7 x 7 cells have 49 axes
    assert found.explained.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.explained) <= 1e-7).all()
    expected = pdist(full(maps, 224))
    differ = expected > 1e-3
    np.testing.assert_allclose(pdist(found.rows)[differ], expected[differ], rtol=1e-3)


def test_height_and_offset_of_a_map_do_not_matter() -> None:
    maps = maps_of(20, 7, 7)[2:]
    np.testing.assert_allclose(mask_rows(maps * 1000), mask_rows(maps), atol=1e-3)
    low, high = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    level = (maps - low) / (high - low)
    np.testing.assert_allclose(mask_rows(level + 3), mask_rows(level), atol=1e-3)


def test_empty_and_flat_maps_are_one_point() -> None:
    rows = mask_rows(maps_of(5, 7, 7))
    assert (rows[:2] == 0).all()
    assert (np.abs(rows[2:]).sum(axis=1) > 0).all()
    found = mask_components(np.zeros((4, 7, 7)))
    assert (found.rows == 0).all()
    assert (found.explained == 0).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_masks_than_components(count: int) -> None:
    maps = maps_of(9, 7, 7)[4 : 4 + count]
    found = mask_components(torch.from_numpy(maps), 64, 50)
    assert found.rows.shape == (count, 50)
    assert found.explained.shape == (50,)
    np.testing.assert_allclose(found.rows[:, count:], 0, atol=1e-5)
    if count:
        np.testing.assert_allclose(pdist(found.rows), pdist(full(maps, 64)), rtol=1e-4)


@pytest.mark.parametrize(("cells", "pixels"), [(1, 4), (4, 1), (5, 5), (7, 224), (14, 61), (9, 4)])
def test_the_upsampler_is_that_of_torch(cells: int, pixels: int) -> None:
    weights = upsampler(cells, pixels)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    each = torch.eye(cells)[:, None]
    expected = functional.interpolate(each, pixels, mode="linear", align_corners=False)[:, 0].T
    np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_wrong_requests_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"\(N, h, w\)"):
        mask_components(np.zeros((4, 7)))
    with pytest.raises(ValueError, match="NaN"):
        mask_components(np.full((4, 7, 7), np.nan))
    with pytest.raises(ValueError, match="at least 1 px"):
        mask_components(np.zeros((4, 7, 7)), 0)
    with pytest.raises(ValueError, match="at least 1 axis"):
        mask_components(np.zeros((4, 7, 7)), components=0)


def test_the_masks_are_never_made_and_torch_is_not_loaded() -> None:
    maps = maps_of(2000, 7, 7)
    tracemalloc.start()
    mask_components(maps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6  # the masks would be 401 MB
    code = "import sys, urbanlens.embedding.masks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
