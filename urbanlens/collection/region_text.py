"""Polygons as short text: Google's polyline scheme (deltas, zigzag, 5-bit groups) in the base64url alphabet."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from urbanlens.errors import RegionError

MAX_TEXT = 1500
PRECISIONS = (5, 6, 7)
"""Digits after the point: 5 is 1.1 m at the equator. The text's first character is the number used."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_POLYGON, _FIELD = "~", "."
_MAX_INPUT = 20_000


def pack(name: str, kind: str, shape: Any) -> str:
    """`<precision>.<name>.<kind>.<rings>`; rings are parted by ".", polygons by "~"."""
    if shape.geom_type not in ("Polygon", "MultiPolygon") or shape.is_empty:
        raise RegionError(f"a region is a polygon or multipolygon with corners, not {shape.geom_type}")
    precision = _precision(shape)
    head = _FIELD.join([str(precision), _encode_text(name), _encode_text(kind), ""])
    for candidate in _simpler(shape, 10.0**-precision):
        text = head + _encode_shape(candidate, precision)
        if len(text) < MAX_TEXT:
            return text
    raise RegionError(f"the region {name!r} does not fit into an address: give it a shorter name or simpler boundary")


def _precision(shape: Any) -> int:
    """The fewest digits that still draw the region's mean width in at least 64 steps."""
    west, south, east, north = shape.bounds
    width = shape.area / max(east - west, north - south, 1e-12)
    return next((digits for digits in PRECISIONS if width * 10**digits >= 64), PRECISIONS[-1])


def _simpler(shape: Any, step: float) -> Iterator[Any]:
    """The shape, then ever coarser ones; its smallest parts and holes go last of all, then its hull is left."""
    yield shape
    west, south, east, north = shape.bounds
    extent = max(east - west, north - south)
    tolerance = step
    while tolerance < extent / 50:
        yield shape.simplify(tolerance, preserve_topology=True)
        tolerance *= 1.6
    coarse = shape.simplify(extent / 50, preserve_topology=True)
    parts = sorted(getattr(coarse, "geoms", [coarse]), key=lambda part: -part.area)
    count = len(parts)
    while count >= 1:
        yield MultiPolygon([Polygon(part.exterior) for part in parts[:count]])
        count = count * 2 // 3
    yield shape.convex_hull.simplify(extent / 50)
    yield shape.envelope


def _encode_shape(shape: Any, precision: int) -> str:
    return _POLYGON.join(
        _FIELD.join(_encode_ring(ring, precision) for ring in (polygon.exterior, *polygon.interiors))
        for polygon in getattr(shape, "geoms", [shape])
    )


def _encode_ring(ring: Any, precision: int) -> str:
    corners = np.rint(shapely.get_coordinates(ring)[:-1] * 10**precision).astype(np.int64)
    deltas = np.diff(corners, axis=0, prepend=np.zeros((1, 2), np.int64))
    return "".join(_encode_number(int(value)) for value in deltas.ravel())


def _encode_number(value: int) -> str:
    value = (-value << 1) - 1 if value < 0 else value << 1
    text = ""
    while value >= 32:
        text += _LETTERS[32 | (value & 31)]
        value >>= 5
    return text + _LETTERS[value]


def _encode_text(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode().rstrip("=")


def unpack(text: str) -> tuple[str, str, Any]:
    """Name, kind and geometry of a packed region; RegionError where the text is none."""
    fields = text.split(_FIELD, 3) if isinstance(text, str) else []
    if len(fields) != 4 or len(text) > _MAX_INPUT or fields[0] not in [str(digits) for digits in PRECISIONS]:
        raise RegionError("the address holds no region that can be read: choose it again on the map")
    try:
        name, kind = _decode_text(fields[1]), _decode_text(fields[2])
        polygons = [
            Polygon(rings[0], rings[1:])
            for part in fields[3].split(_POLYGON)
            if (rings := [_decode_ring(ring, int(fields[0])) for ring in part.split(_FIELD)])
        ]
    except (ValueError, KeyError, binascii.Error, shapely.errors.ShapelyError) as error:
        raise RegionError("the region in the address is damaged: choose it again on the map") from error
    return name, kind, polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def _decode_ring(text: str, precision: int) -> Any:
    values: list[int] = []
    value = shift = 0
    for letter in text:
        bits = _VALUES[letter]
        value |= (bits & 31) << shift
        shift += 5
        if shift > 60:
            raise ValueError("a number is too long")
        if bits < 32:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    if shift or len(values) % 2 or len(values) < 6:
        raise ValueError("a ring is cut short")
    return np.cumsum(np.array(values, np.int64).reshape(-1, 2), axis=0) / 10**precision


def _decode_text(text: str) -> str:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
