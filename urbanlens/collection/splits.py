"""Train, validation and test parts that share no place."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from urbanlens.collection.columns import SPLITS

M_PER_DEGREE = 111_195.0
"""Metres a degree of latitude, on a sphere of radius 6,371 km."""


def superblocks(lat: npt.ArrayLike, lon: npt.ArrayLike, *, cell_m: float = 250.0) -> npt.NDArray[np.int64]:
    """The square cell that each image lies in.

    Parameters
    ----------
    lat, lon
        (N,) WGS84 degrees.
    cell_m
        Side of a cell in metres.

    Returns
    -------
    cells
        (N,) cell numbers 0…; -1 where an image has no coordinates.
    """
    if not cell_m > 0:
        raise ValueError(f"cell_m is {cell_m}; it must be more than 0 metres")
    north = np.asarray(lat, np.float64)
    east = np.asarray(lon, np.float64)
    known = np.isfinite(north) & np.isfinite(east)
    cells = np.full(len(north), -1, np.int64)
    rows = np.floor(north[known] * M_PER_DEGREE / cell_m)
    # The width of a degree is taken at each row's own latitude, so that a row is cut into whole squares.
    scale = np.cos(np.radians(np.clip((rows + 0.5) * cell_m / M_PER_DEGREE, -89.9, 89.9)))
    columns = np.floor(east[known] * M_PER_DEGREE * scale / cell_m)
    if known.any():
        cells[known] = np.unique(np.stack([rows, columns], 1), axis=0, return_inverse=True)[1].ravel()
    return cells


def split_by_place(
    ids: Sequence[str],
    lat: npt.ArrayLike,
    lon: npt.ArrayLike,
    *,
    seed: int = 0,
    cell_m: float = 250.0,
    ratio: tuple[float, float, float] = (6, 2, 2),
) -> npt.NDArray[np.str_]:
    """Give each image to "train", "val" or "test", whole superblocks at a time.

    An image without coordinates is a place of its own. The same ids, places and seed give the same split.

    Returns
    -------
    splits
        (N,) text; the shares come as near to `ratio` as the blocks allow.
    """
    cells = superblocks(lat, lon, cell_m=cell_m)
    groups: dict[str, list[int]] = {}
    for row, (name, cell) in enumerate(zip(ids, cells, strict=True)):
        groups.setdefault(f"id {name}" if cell < 0 else f"cell {cell}", []).append(row)
    target = np.array(ratio, np.float64) / sum(ratio) * len(cells)
    filled = np.zeros(3)
    splits = np.full(len(cells), SPLITS[0], dtype="<U5")
    # Large blocks first, so that the small ones can even out the shares; equal ones in an order drawn by the seed.
    for key in sorted(groups, key=lambda key: (-len(groups[key]), _draw(seed, key))):
        part = int(np.argmax((target - filled) / np.maximum(target, 1e-9)))
        splits[groups[key]] = SPLITS[part]
        filled[part] += len(groups[key])
    return splits


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed} {key}".encode()).digest()
