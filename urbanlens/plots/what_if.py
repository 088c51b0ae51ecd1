"""What a visitor changes in an explanation by attributes, the score that follows, and a short text that carries it.

A score is its bias and the sum over attributes i and cells of T_i * A_i (Marcos et al., Semantically Interpretable
Activation Maps, 2019): A_i tells where attribute i is in one image, T_i how much it counts there. The browser does
the same sums in what_if_sums.js; a test holds both together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_SCALE = 2.0
MOST_VALUE = 1e6
"""Of a painted cell; longer numbers would need another spelling in an address."""

_HEAD = re.compile(r"1_([0-9]{1,4})x([0-9]{1,4})")
_PART = re.compile(r"([0-9]{1,4})(?:s([0-9]{1,3}))?(?:m(-?[0-9]{1,4})\.(-?[0-9]{1,4}))?((?:t[-.0-9e]+c[-.0-9]+)*)")
_PAINT = re.compile(r"t(-?[0-9]{1,7}(?:\.[0-9]{1,24})?(?:e-[0-9]{1,3})?)c([-.0-9]+)")
_RUN = re.compile(r"([0-9]{1,8})(?:-([0-9]{1,8}))?")


@dataclass(frozen=True)
class Change:
    """What is changed in one attribute.

    Parameters
    ----------
    scale : times its map, 0 to 2, kept in whole per cent; 0 switches it off.
    shift : cells that its map moves down and to the right; cells that come in from outside are 0.
    edits : painted cells of its template (row * side + column) and their values, kept to four digits.

    Raises
    ------
    ValueError
        A scale or a painted value that is out of bounds, or a cell below 0.
    """

    scale: float = 1.0
    shift: tuple[int, int] = (0, 0)
    edits: Mapping[int, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= MOST_SCALE:
            raise ValueError(f"scale is {self.scale}; give 0 (off) to {MOST_SCALE:g}")
        for cell, value in self.edits.items():
            if cell < 0 or not abs(value) <= MOST_VALUE:
                raise ValueError(f"cell {cell} is painted {value}; give a cell from 0, and at most {MOST_VALUE:g}")
        # Rounded here, so that what travels through an address is exactly what is computed with.
        object.__setattr__(self, "scale", round(float(self.scale), 2))
        object.__setattr__(self, "edits", {cell: float(f"{self.edits[cell]:.4g}") for cell in sorted(self.edits)})

    def __bool__(self) -> bool:
        return self.scale != 1 or self.shift != (0, 0) or bool(self.edits)


@dataclass(frozen=True)
class Changes:
    """What is changed in some attributes, by their number; attributes that are as they were are left out.

    Parameters
    ----------
    attributes : each changed attribute's number and its change.
    """

    attributes: Mapping[int, Change] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        kept = {number: self.attributes[number] for number in sorted(self.attributes) if self.attributes[number]}
        object.__setattr__(self, "attributes", kept)

    def __bool__(self) -> bool:
        return bool(self.attributes)

    def check(self, count: int, side: int) -> None:
        """ValueError where these changes are none of `count` attributes with maps of `side` by `side` cells."""
        for number, change in self.attributes.items():
            if not 0 <= number < count:
                raise ValueError(f"attribute {number} is changed; there are {count}, from 0")
            if max(map(abs, change.shift)) >= side:
                raise ValueError(f"attribute {number} moves by {change.shift}; at most {side - 1} cells either way")
            if change.edits and max(change.edits) >= side * side:
                raise ValueError(f"cell {max(change.edits)} is painted; a template has {side * side}, from 0")


def pack(changes: Changes, count: int, side: int) -> str:
    """The changes as a text of letters, digits, '_', '.' and '-' for an address; no changes are no text.

    `1_22x15_3s150m-2.1t0.05c7-9.20`: format 1, 22 attributes of 15 by 15 cells; attribute 3 counts 150 %, is moved 2
    cells up and 1 to the right, and its template is 0.05 in the cells 7, 8, 9 and 20.

    Raises
    ------
    ValueError
        Changes of other attributes or cells.
    """
    changes.check(count, side)
    parts = [_packed(number, change) for number, change in changes.attributes.items()]
    return "_".join([f"1_{count}x{side}", *parts]) if parts else ""


def unpack(text: str, count: int, side: int) -> Changes:
    """The changes in a text of `pack`; an empty text is none.

    Raises
    ------
    ValueError
        Anything else, changes of another number of attributes or cells among it.
    """
    if not text:
        return Changes()
    if len(text) > 64 + count * (64 + 40 * side * side):
        raise ValueError(f"a text of {len(text)} characters is longer than changes can be")
    head, _, rest = text.partition("x")
    size, _, parts = rest.partition("_")
    found = _HEAD.fullmatch(f"{head}x{size}")
    if found is None or [int(number) for number in found.groups()] != [count, side]:
        raise ValueError(f"these are no changes of {count} attributes with {side} by {side} cells")
    attributes: dict[int, Change] = {}
    for part in parts.split("_"):
        number, change = _unpacked(part, side * side)
        if not change or number <= max(attributes, default=-1):
            raise ValueError("an attribute is named without a change, twice, or out of order")
        attributes[number] = change
    changes = Changes(attributes)
    changes.check(count, side)
    return changes


def _packed(number: int, change: Change) -> str:
    values: dict[float, list[int]] = {}
    for cell, value in change.edits.items():
        values.setdefault(value, []).append(cell)
    scale = "" if change.scale == 1 else f"s{round(100 * change.scale)}"
    shift = "" if change.shift == (0, 0) else "m{}.{}".format(*change.shift)
    return f"{number}{scale}{shift}" + "".join(f"t{_number(value)}c{_runs(cells)}" for value, cells in values.items())


def _number(value: float) -> str:
    text = repr(value + 0.0)  # -0.0 becomes 0.0
    return text.removesuffix(".0")


def _runs(cells: Iterable[int]) -> str:
    """Ascending numbers, `7-9` for 7, 8 and 9."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and cell == runs[-1][1] + 1:
            runs[-1][1] = cell
        else:
            runs.append([cell, cell])
    return ".".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _unpacked(part: str, size: int) -> tuple[int, Change]:
    """An attribute's number and its change, in a template of `size` cells."""
    found = _PART.fullmatch(part)
    if found is None:
        raise ValueError(f"no change is written like this: {part[:60]!r}")
    number, scale, rows, columns, painted = found.groups()
    edits: dict[int, float] = {}
    paints = list(_PAINT.finditer(painted))
    if "".join(paint[0] for paint in paints) != painted:
        raise ValueError(f"no painted cells are written like this: {painted[:60]!r}")
    for paint in paints:
        for cell in _cells(paint[2], size):
            if cell in edits:
                raise ValueError(f"cell {cell} is painted twice")
            edits[cell] = float(paint[1])
    shift = (int(rows or 0), int(columns or 0))
    return int(number), Change(1.0 if scale is None else int(scale) / 100, shift, edits)


def _cells(text: str, size: int) -> Iterable[int]:
    for run in text.split("."):
        found = _RUN.fullmatch(run)
        if found is None:
            raise ValueError(f"no cells are written like this: {run[:60]!r}")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise ValueError(f"the cells {run} run backwards")
        if last >= size:  # before anything is made of it: the text comes from an address
            raise ValueError(f"cell {last} is painted; a template has {size}, from 0")
        yield from range(first, last + 1)


def apply(maps: ArrayLike, templates: ArrayLike, changes: Changes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The (A, c, c) maps and templates after the changes, as new arrays.

    Raises
    ------
    ValueError
        Arrays of other shapes, or changes that do not fit them.
    """
    where, counts = checked(maps, templates)
    count, side = where.shape[:2]
    changes.check(count, side)
    for number, change in changes.attributes.items():
        where[number] = change.scale * _shifted(where[number], *change.shift)
        counts[number].flat[list(change.edits)] = list(change.edits.values())
    return where, counts


def contributions(maps: ArrayLike, templates: ArrayLike, changes: Changes | None = None) -> NDArray[np.float64]:
    """(A,) what each attribute adds to the score; with the bias they sum to it.

    Raises
    ------
    ValueError
        As `apply`.
    """
    where, counts = apply(maps, templates, changes or Changes())
    each: NDArray[np.float64] = (where * counts).sum(axis=(1, 2))
    return each


def checked(maps: ArrayLike, templates: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as new float64 arrays of float32 numbers, which are what the browser gets.

    Raises
    ------
    ValueError
        They are not (A, c, c), alike and finite.
    """
    where, counts = (np.asarray(values, np.float32).astype(np.float64) for values in (maps, templates))
    if where.ndim != 3 or where.shape[1] != where.shape[2] or not where.size:
        raise ValueError(f"maps have the shape {where.shape}; give (attributes, cells, cells), as many down as across")
    if counts.shape != where.shape:
        raise ValueError(f"templates have the shape {counts.shape}; give that of the maps, {where.shape}")
    if not (np.isfinite(where).all() and np.isfinite(counts).all()):
        raise ValueError("maps and templates hold numbers that are not finite")
    return where, counts


def decimals(span: float) -> int:
    """Digits after the point with which scores are printed that differ by at most `span`."""
    return int(np.clip(math.ceil(2.5 - math.log10(span)), 0, 6)) if span > 0 else 2


def _shifted(values: NDArray[np.float64], down: int, right: int) -> NDArray[np.float64]:
    rows, columns = values.shape
    moved = np.zeros_like(values)
    moved[max(0, down) : rows + min(0, down), max(0, right) : columns + min(0, right)] = values[
        max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)
    ]
    return moved
