"""Pictures for a plane: thumbnails in one atlas, which of many points get one, and numbers for the browser."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageOps

LONGEST_SIDE = 16_383
"""Pixels along a side that WebP can hold."""


@dataclass(frozen=True)
class Atlas:
    """Square thumbnails side by side in one WebP, row after row.

    Parameters
    ----------
    data : the WebP file.
    cell : px along a thumbnail's side.
    columns : thumbnails in a row.
    count : thumbnails in all.
    """

    data: bytes
    cell: int
    columns: int
    count: int


def build_atlas(pictures: Iterable[Image.Image], cell: int = 64, quality: int = 80) -> Atlas:
    """Put the middle square of each picture into one atlas; the pictures are read one at a time.

    Parameters
    ----------
    cell : px along a thumbnail's side.
    quality : of the WebP, 1 to 100.

    Raises
    ------
    ValueError
        More or larger thumbnails than a WebP can hold.
    """
    if cell < 1:
        raise ValueError(f"cell is {cell} px; give 1 or more")
    tiles = [_tile(picture, cell) for picture in pictures]
    columns = max(1, math.ceil(math.sqrt(len(tiles))))
    rows = max(1, math.ceil(len(tiles) / columns))
    if columns * cell > LONGEST_SIDE:
        raise ValueError(
            f"{len(tiles)} pictures of {cell} px need {columns * cell} px a side, and a WebP holds {LONGEST_SIDE}: "
            f"at this size at most {(LONGEST_SIDE // cell) ** 2}"
        )
    sheet = Image.new("RGB", (columns * cell, rows * cell))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % columns * cell, number // columns * cell))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=quality, method=3)
    return Atlas(buffer.getvalue(), cell, columns, len(tiles))


def _tile(picture: Image.Image, cell: int) -> Image.Image:
    colour = picture.convert("RGB")
    factor = min(colour.size) // (3 * cell)
    return ImageOps.fit(colour.reduce(factor) if factor > 1 else colour, (cell, cell), Image.Resampling.LANCZOS)


def choose_pictured(points: ArrayLike, most: int = 500, seed: int = 0) -> NDArray[np.int64]:
    """Rows of the points that get a picture: all of a few, else a sample that covers the plane.

    The finest grid with at most `most` occupied cells gives one point a cell, drawn at random, so that thin places
    are shown as well as dense ones; what is left of `most` is drawn at random from the others.

    Parameters
    ----------
    points : (N, 2) positions; a point without one (NaN) gets no picture.

    Returns
    -------
    rows : (M,) ascending, M <= `most`.
    """
    plane = np.asarray(points, np.float64).reshape(-1, 2)
    placed = np.flatnonzero(np.isfinite(plane).all(axis=1))
    if len(placed) <= most:
        return placed.astype(np.int64)
    shuffled = np.random.default_rng(seed).permutation(placed)
    low, high = plane[placed].min(axis=0), plane[placed].max(axis=0)
    share = (plane[shuffled] - low) / max(float((high - low).max()), 1e-12)
    few, many = 1, max(2, math.ceil(2 * math.sqrt(most)) * 8)
    while many - few > 1:  # cells along a side; the more, the more of them are occupied
        middle = (few + many) // 2
        few, many = (middle, many) if len(_firsts(share, middle)) <= most else (few, middle)
    first = _firsts(share, few)[:most]
    rest = np.delete(np.arange(len(shuffled)), first)[: most - len(first)]
    return np.sort(shuffled[np.concatenate([first, rest])]).astype(np.int64)


def _firsts(share: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """Of each occupied cell of a grid of `side` by `side`, the first point in it."""
    cells = np.minimum((share * side).astype(np.int64), side - 1)
    return np.unique(cells[:, 0] * side + cells[:, 1], return_index=True)[1].astype(np.int64)


def room(places: ArrayLike) -> float:
    """Side of the largest squares that can stand upright at all of (N, 2) places without overlap; 1 for one place."""
    from scipy.spatial import cKDTree

    plane = np.asarray(places, np.float64).reshape(-1, 2)
    if len(plane) < 2:
        return 1.0
    distances, _ = cKDTree(plane).query(plane, k=2, p=np.inf)
    return float(distances[:, 1].min())


def pack_floats(values: ArrayLike) -> str:
    """Numbers, row by row, as base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def pack_rows(rows: ArrayLike) -> str:
    """Row numbers as base64 of little-endian int32."""
    return base64.b64encode(np.ascontiguousarray(rows, "<i4").tobytes()).decode()


def pack_classes(classes: ArrayLike) -> str:
    """Classes 0 to 254 as base64 of bytes; every other number becomes 255, which is drawn quietly."""
    numbers = np.asarray(classes, np.int64)
    known = (numbers >= 0) & (numbers < 255)
    return base64.b64encode(np.where(known, numbers, 255).astype(np.uint8).tobytes()).decode()


def pack_mask(rows: ArrayLike, count: int) -> str:
    """Which of `count` rows are meant, as base64 of one bit a row, the lowest bit first."""
    mask = np.zeros(count, bool)
    mask[np.asarray(rows, np.int64)] = True
    return base64.b64encode(np.packbits(mask, bitorder="little").tobytes()).decode()


def unpack_mask(text: str, count: int) -> tuple[int, ...]:
    """The rows of `pack_mask`, ascending.

    Raises
    ------
    ValueError
        No base64, or not the bits of `count` rows.
    """
    try:
        packed = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the selection is no base64") from error
    if len(packed) != (count + 7) // 8:
        raise ValueError(f"the selection has {len(packed)} bytes; {count} rows need {(count + 7) // 8}")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=count, bitorder="little")
    return tuple(np.flatnonzero(bits).tolist())
