"""Crops of planted maps: where the box lies, and what bringing it to a ratio of sides keeps."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.aesthetics.crops import LEAST_PX, RATIOS, Box, average_box, map_box, too_small, with_ratio
from urbanlens.explain.masks import crop_box, upsample_masks

TURNS = 300


def sides(box: Box) -> tuple[int, int]:
    return box[2] - box[0], box[3] - box[1]


def inside(box: Box, size: tuple[int, int]) -> bool:
    left, top, right, bottom = box
    return 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]


def drawn_box(generator: np.random.Generator) -> tuple[Box, tuple[int, int]]:
    """A box, and the size of the picture that it lies in."""
    width, height = (int(side) for side in generator.integers(1, 400, 2))
    left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
    right, bottom = int(generator.integers(left, width)) + 1, int(generator.integers(top, height)) + 1
    return (left, top, right, bottom), (width, height)


def test_a_bright_part_is_found() -> None:
    cells = np.zeros((8, 8), np.float32)
    cells[2:4, 5:7] = 3
    box = map_box(cells, (160, 80))
    assert box is not None
    left, top, right, bottom = box
    # Half of the height is reached half a cell from the middle of the outer bright cells.
    assert (left, right) == pytest.approx((100, 140), abs=1)
    assert (top, bottom) == pytest.approx((20, 40), abs=1)
    assert map_box(7 * cells, (160, 80)) == box
    tighter, wider = map_box(cells, (160, 80), 0.9), map_box(cells, (160, 80), 0.1)
    assert tighter is not None and wider is not None
    assert wider[0] < left < tighter[0] and tighter[3] < bottom < wider[3]


def test_the_box_is_that_of_the_mask() -> None:
    generator = np.random.default_rng(0)
    for _ in range(40):
        cells = generator.random((int(generator.integers(1, 9)), int(generator.integers(2, 9))), np.float32)
        size = (int(generator.integers(8, 90)), int(generator.integers(8, 90)))
        mask = upsample_masks(cells[None], (size[1], size[0]))[0]
        for threshold in (0.2, 0.5, 1.0):
            box = map_box(cells, size, threshold)
            assert box == crop_box(mask, threshold)
            assert box is not None and inside(box, size)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "cells",
    [np.zeros((7, 7)), np.full((7, 7), 5.0), np.full((3, 4), 1e-20), 5 + 1e-7 * np.eye(7), np.zeros((0, 0))],
    ids=["empty", "flat", "flat and low", "rounding", "no cells"],
)
def test_a_map_that_points_nowhere_has_no_box(cells: np.ndarray, threshold: float) -> None:
    assert map_box(cells, (70, 60), threshold) is None


def test_ratios_are_held_to_a_pixel() -> None:
    generator = np.random.default_rng(1)
    for _ in range(TURNS):
        box, size = drawn_box(generator)
        for ratio in RATIOS.values():
            found = with_ratio(box, ratio, size)
            assert inside(found, size), (box, size, ratio)
            if ratio is None:
                assert found == box
                continue
            width, height = sides(found)
            assert abs(width - height * ratio) <= 0.5 + 0.5 * ratio + 1e-9 or min(width, height) == 1, (
                box,
                size,
                ratio,
            )


def test_a_box_that_fits_is_contained_and_no_larger_than_it_must_be() -> None:
    generator, fitted = np.random.default_rng(2), 0
    for _ in range(TURNS):
        box, size = drawn_box(generator)
        for ratio in filter(None, RATIOS.values()):
            left, top, right, bottom = with_ratio(box, ratio, size)
            width, height = (
                max(box[2] - box[0], (box[3] - box[1]) * ratio),
                max(box[3] - box[1], (box[2] - box[0]) / ratio),
            )
            if width > size[0] or height > size[1]:
                # The largest in the picture: one side is the picture's own.
                assert right - left == size[0] or bottom - top == size[1], (box, size, ratio)
                continue
            fitted += 1
            assert left <= box[0] and top <= box[1] and box[2] <= right and box[3] <= bottom, (box, size, ratio)
            assert abs(right - left - width) <= 0.5 and abs(bottom - top - height) <= 0.5, (box, size, ratio)
            grown = (left, top, right, bottom)
            again = with_ratio(grown, ratio, size)
            assert abs(sides(again)[0] - sides(grown)[0]) <= 1 and abs(sides(again)[1] - sides(grown)[1]) <= 1
    assert fitted > TURNS


def test_the_centre_is_kept_where_the_edges_let_it() -> None:
    assert with_ratio((40, 45, 60, 55), 1.0, (100, 100)) == (40, 40, 60, 60)
    assert with_ratio((0, 45, 10, 85), 1.0, (100, 100)) == (0, 45, 40, 85)
    assert with_ratio((90, 0, 100, 50), 1.0, (100, 100)) == (50, 0, 100, 50)
    assert with_ratio((0, 20, 100, 30), 1.0, (100, 50)) == (25, 0, 75, 50)
    assert with_ratio((10, 10, 26, 19), 16 / 9, (100, 50)) == (10, 10, 26, 19)


def test_half_way_between_two_boxes() -> None:
    assert average_box((0, 10, 20, 30), (10, 20, 40, 30)) == (5, 15, 30, 30)
    assert average_box((1, 2, 9, 8), (1, 2, 9, 8)) == (1, 2, 9, 8)
    generator = np.random.default_rng(3)
    for _ in range(TURNS):
        one, size = drawn_box(generator)
        other = tuple(int(side) for side in np.sort(generator.integers(0, min(size), 2)).repeat(2)[[0, 0, 2, 2]])
        other = (other[0], other[1], other[2] + 1, other[3] + 1)
        middle = average_box(one, other)
        assert inside(middle, size)
        assert average_box(other, one) == middle
        assert all(min(a, b) <= m <= max(a, b) for a, b, m in zip(one, other, middle, strict=True))


def test_crops_that_are_no_picture_any_more() -> None:
    assert LEAST_PX == 32
    for box in ((0, 0, 31, 200), (5, 5, 300, 36), (0, 0, 1, 1)):
        width, height = sides(box)
        assert too_small(box) == (
            f"the crop would be {width} x {height} px, with a side below 32 px: lower the threshold, or take a larger "
            "picture"
        )
    for box in ((0, 0, 32, 200), (5, 5, 300, 37), (9, 9, 41, 41)):
        assert too_small(box) == ""
