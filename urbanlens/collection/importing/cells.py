"""Cells to numbers, places and lists; what does not fit is said row by row."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?", "<na>"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_SWAP_RANGE_DEG = 1.0
_FAR_DEG = 5.0


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN, or a word for it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return (isinstance(value, str) and value.strip().lower() in BLANKS) or type(value).__name__ in ("NAType", "NaTType")


def number(value: Any) -> float | None:
    """A cell as a finite number, a decimal comma included; NaN where blank, None where it is no number."""
    if is_blank(value):
        return math.nan
    if isinstance(value, str):
        text = value.strip()
        if _DECIMAL_COMMA.fullmatch(text):
            text = text.replace(",", ".")
        if "_" in text:
            return None
    elif isinstance(value, bool | np.bool_ | int | float | np.number):
        text = str(value if not isinstance(value, bool | np.bool_) else int(value))
    else:
        return None
    try:
        result = float(text)
    except ValueError:
        return None
    return result if math.isfinite(result) else None


def numbers(cells: Iterable[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(N,) numbers with NaN where blank or wrong, and (N,) which cells are neither number nor blank."""
    values = [number(cell) for cell in cells]
    wrong = np.array([value is None for value in values], bool)
    return np.array([math.nan if value is None else value for value in values], np.float64), wrong


def place_faults(lat: npt.NDArray[np.float64], lon: npt.NDArray[np.float64]) -> dict[int, str]:
    """Why a row's coordinates cannot be meant, by row: out of range, half missing, or swapped.

    Swapped ones are known by a latitude beyond 90 that would be a longitude, or by a place far from all others that
    lies among them when lat and lon change places.
    """
    faults: dict[int, str] = {}
    has_lat, has_lon = np.isfinite(lat), np.isfinite(lon)
    for row in np.flatnonzero(has_lat != has_lon):
        given, missing = ("latitude", "longitude") if has_lat[row] else ("longitude", "latitude")
        faults[int(row)] = f"it has a {given} and no {missing}: give both or neither"
    both = has_lat & has_lon
    for row in np.flatnonzero(both & ((np.abs(lat) > 90) | (np.abs(lon) > 180))):
        faults[int(row)] = _out_of_range(float(lat[row]), float(lon[row]))
    fine = both & (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
    if fine.sum() >= 5:
        middle_lat, middle_lon = float(np.median(lat[fine])), float(np.median(lon[fine]))
        far = (np.abs(lat - middle_lat) > _FAR_DEG) & (np.abs(lon - middle_lon) > _FAR_DEG)
        near = (np.abs(lon - middle_lat) < _SWAP_RANGE_DEG) & (np.abs(lat - middle_lon) < _SWAP_RANGE_DEG)
        for row in np.flatnonzero(fine & far & near):
            faults[int(row)] = (
                f"latitude {lat[row]:g} and longitude {lon[row]:g} look swapped: the other images lie around "
                f"latitude {middle_lat:.3f}, longitude {middle_lon:.3f}; exchange the two"
            )
    return faults


def _out_of_range(lat: float, lon: float) -> str:
    if max(abs(lat), abs(lon)) > 360:
        return f"({lat:g}, {lon:g}) are no degrees but projected metres: convert them to WGS84 (EPSG:4326)"
    if abs(lat) > 90:
        why = f"latitude {lat:g} is out of range: it goes from -90 to 90"
        swapped = (
            "; latitude and longitude look swapped: exchange the two" if abs(lon) <= 90 and abs(lat) <= 180 else ""
        )
        return why + (swapped if abs(lat) - 90 > 1 else "; correct it")
    return f"longitude {lon:g} is out of range: it goes from -180 to 180; correct it"


def votes(value: Any) -> list[int] | None:
    """Ten counts, of the marks 1 to 10, from a list, a JSON list or numbers parted by commas or blanks; else None."""
    parts = _items(value, r"[\s,;]+")
    counts = [number(part) for part in parts or []]
    if len(counts) != 10 or any(count is None or math.isnan(count) or count < 0 or count % 1 for count in counts):
        return None
    return [int(count or 0) for count in counts]


def tags(value: Any) -> list[str] | None:
    """Words from a list, a JSON list or text parted by commas, semicolons or bars; None where blank."""
    parts = _items(value, r"[,;|]+")
    return None if parts is None else [str(part).strip() for part in parts if str(part).strip()]


def _items(value: Any, pattern: str) -> list[Any] | None:
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    if is_blank(value):
        return None
    text = str(value).strip()
    if text.startswith("["):
        try:
            parsed = json.loads(text.replace("'", '"'))
        except ValueError:
            parsed = None
        if isinstance(parsed, list):
            return parsed
        text = text.strip("[]")
    return [part for part in re.split(pattern, text) if part]
