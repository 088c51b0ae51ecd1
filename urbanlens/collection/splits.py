"""Train, validation and test parts that share no place, and no series of photographs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from urbanlens.collection.columns import SPLITS

SHARES = (0.6, 0.2, 0.2)
"""How much of the images each split is to hold."""

LEAST = 6
"""A class of fewer images cannot be shared out among three splits in a way that says anything."""

_NUMBER = re.compile(r"(?:[\W_]+[A-Za-z]{0,2})?\d+(?=$|[\W_])(?!.*\d(?:$|[\W_])).*$")
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


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed} {key}".encode()).digest()


def series_of(path: str) -> str:
    """What the photographs of one film or one walk share: their folder, and the file's name without its last number.

    `images/a/0006R0_f00930.jpg` and `images/a/0006R0_f00990.jpg` are both of `images/a/0006R0`; a name in which no word
    ends with a number is a series of its own.
    """
    file = PurePosixPath(path)
    return str(file.parent / (_NUMBER.sub("", file.stem) or "*"))


def together(
    paths: Sequence[str], lat: npt.ArrayLike, lon: npt.ArrayLike, given: Sequence[str] | None = None
) -> npt.NDArray[np.str_]:
    """Which images must not be torn apart, because each nearly shows what the other does.

    Parameters
    ----------
    paths
        (N,) files, with their folders.
    lat, lon
        (N,) WGS84 degrees, NaN where unknown.
    given
        (N,) names of groups that somebody made, "" for none.

    Returns
    -------
    groups
        (N,) text: "given …" where a group is given; else "place …", the superblock, where coordinates are known; else
        "series …" by the file's name.
    """
    cells = superblocks(lat, lon)
    names = given if given is not None else [""] * len(paths)
    return np.array(
        [
            f"given {name}" if name else f"place {cell}" if cell >= 0 else f"series {series_of(path)}"
            for path, cell, name in zip(paths, cells, names, strict=True)
        ],
        dtype=str,
    )


def split_by_group(
    groups: Sequence[str] | npt.NDArray[np.str_],
    labels: Sequence[str] | npt.NDArray[np.str_],
    paths: Sequence[str],
    *,
    seed: int = 0,
    least: float = 0.5,
) -> tuple[npt.NDArray[np.str_], list[str]]:
    """Give whole groups to "train", "val" or "test", so that each class comes near to 6:2:2.

    Where that leaves a split with less than `least` of its share of a class, half as a rule, or with nothing of it (as
    when all its images are of one film), the images of this class are cut instead: ordered by group and name, the first
    are for training, the next for validation, the last for test. So the test images still have no neighbour that was
    learnt: between them lies the validation part.

    Parameters
    ----------
    groups, labels
        (N,) text; an image whose label is "" belongs to no class, and follows its group.
    paths
        (N,) files; numbers in them count as numbers.

    Returns
    -------
    splits, cut
        (N,) text, and the names of the classes that were cut.
    """
    groups, labels = np.asarray(groups, dtype=str), np.asarray(labels, dtype=str)
    part_of: dict[str, int] = {}
    names, counts = np.unique(labels[labels != ""], return_counts=True)
    members = {name: labels == name for name in names[np.argsort(counts, kind="stable")]}
    for inside in members.values():
        _deal(groups[inside], part_of, seed)
    splits = np.array([SPLITS[part_of.get(group, 0)] for group in groups.tolist()], dtype="<U5")
    cut = []
    for name, inside in members.items():
        shares = np.array([np.mean(splits[inside] == split) for split in SPLITS])
        if (shares < np.maximum(least * np.array(SHARES), 1e-9)).any():
            cut.append(str(name))
            rows = sorted(map(int, np.flatnonzero(inside)), key=lambda row: (str(groups[row]), _natural(paths[row])))
            first = max(1, min(round(SHARES[0] * len(rows)), len(rows) - 2))
            second = max(first + 1, min(round((SHARES[0] + SHARES[1]) * len(rows)), len(rows) - 1))
            for part, block in enumerate((rows[:first], rows[first:second], rows[second:])):
                splits[block] = SPLITS[part]
    return splits, sorted(cut)


def split_by_place(
    paths: Sequence[str], lat: npt.ArrayLike, lon: npt.ArrayLike, *, seed: int = 0
) -> npt.NDArray[np.str_]:
    """Give each image to "train", "val" or "test", whole places and series (`together`) at a time.

    The same files, places and seed give the same split; the shares come as near to 6:2:2 as the groups allow. Only
    where these are fewer than three are the images cut in their order, as a class of one series is (`split_by_group`).

    Returns
    -------
    splits
        (N,) text.
    """
    groups = together(paths, lat, lon)
    return split_by_group(groups, ["all"] * len(groups), paths, seed=seed, least=0)[0]


def evenly(rows: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """So many of some rows, or all where there are fewer, as far apart as can be: nobody chose them."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return np.asarray(rows[places])


def _deal(groups: npt.NDArray[np.str_], part_of: dict[str, int], seed: int) -> None:
    """Note in `part_of` the split of each group of a class that has none yet, the largest first."""
    found, counts = np.unique(groups, return_counts=True)
    sizes = dict(zip(map(str, found), map(int, counts), strict=True))
    target, filled = np.array(SHARES) * len(groups), np.zeros(3)
    for group in sorted(sizes, key=lambda group: (group not in part_of, -sizes[group], _draw(seed, group))):
        part = part_of.setdefault(group, int(np.argmax((target - filled) / target)))
        filled[part] += sizes[group]


def _natural(path: str) -> list[tuple[int, str]]:
    """A key by which `facade_2` comes before `facade_10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path)]
