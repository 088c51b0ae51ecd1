"""The crop that a map suggests: the box round what lies above a threshold, brought to a ratio of sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.explain.masks import FLAT, crop_box, upsample_masks

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in px, right and bottom not included."""

RATIOS: Mapping[str, float | None] = {"free": None, "1:1": 1.0, "4:3": 4 / 3, "3:2": 3 / 2, "16:9": 16 / 9}
"""Width by height."""

LEAST_PX = 32
"""A crop with a shorter side is no picture any more."""


def map_box(cells: NDArray[Any], size: tuple[int, int], threshold: float = 0.5) -> Box | None:
    """The smallest box round all of a map that reaches a threshold; None for a map that is empty, or flat.

    Parameters
    ----------
    cells : (h, w), a raw map
    size : (width, height) of the picture in px
    threshold : of the map scaled to [0, 1]
    """
    if not cells.size or cells.max() - cells.min() <= FLAT * abs(cells.max()):
        return None
    width, height = size
    mask = upsample_masks(np.asarray(cells, np.float32)[None], (height, width))[0]
    return crop_box(mask, threshold) if (mask >= threshold).any() else None


def average_box(one: Box, other: Box) -> Box:
    """The box whose sides lie half-way between those of two."""
    left, top, right, bottom = ((a + b) // 2 for a, b in zip(one, other, strict=True))
    return left, top, right, bottom


def with_ratio(box: Box, ratio: float | None, size: tuple[int, int]) -> Box:
    """The smallest box of a ratio (width / height) round a box; where the picture is too small, the largest in it.

    It keeps its centre as far as the picture's edges (size: width, height) let it.
    """
    if ratio is None:
        return box
    left, top, right, bottom = box
    width, height = max(right - left, (bottom - top) * ratio), max(bottom - top, (right - left) / ratio)
    shrink = min(1.0, size[0] / width, size[1] / height)
    wide, tall = (max(1, min(round(side * shrink), most)) for side, most in zip((width, height), size, strict=True))
    x = min(max(round((left + right - wide) / 2), 0), size[0] - wide)
    y = min(max(round((top + bottom - tall) / 2), 0), size[1] - tall)
    return x, y, x + wide, y + tall


def too_small(box: Box) -> str:
    """Why a box makes no picture, in words; "" where it does."""
    width, height = box[2] - box[0], box[3] - box[1]
    if min(width, height) >= LEAST_PX:
        return ""
    return (
        f"the crop would be {width} x {height} px, with a side below {LEAST_PX} px: lower the threshold, or take a "
        "larger picture"
    )
