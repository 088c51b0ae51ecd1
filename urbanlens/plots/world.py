"""Coasts and borders of the world, true to about 5 km: ground for collections that bring no outlines of their own."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Polygon, box

FILE = Path(__file__).resolve().parents[2] / "static" / "world" / "world.json"


WIDE = 3.0
"""Degrees that a map must span for coasts and borders to help."""


def helps(bounds: tuple[float, float, float, float]) -> bool:
    """Whether a map of south, west, north, east is wide enough for coasts and borders."""
    south, west, north, east = bounds
    return max(north - south, east - west) > WIDE


@cache
def land() -> MultiPolygon:
    """The continents and islands."""
    polygons = [Polygon(rings[0], rings[1:]).buffer(0) for rings in _read()["land"]]
    return MultiPolygon([part for one in polygons for part in getattr(one, "geoms", [one])])


@cache
def borders() -> MultiLineString:
    """The borders of countries on land."""
    return MultiLineString([LineString(line) for line in _read()["borders"]])


@lru_cache(maxsize=8)
def lines(bounds: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Coasts and borders inside south, west, north, east: (M, 2) lon and lat, a row of NaN between two lines."""
    south, west, north, east = bounds
    sheet = box(west, south, east, north)
    coasts = [part.boundary.intersection(sheet) for part in land().geoms if part.intersects(sheet)]
    gap = np.full((1, 2), np.nan)
    pieces = [
        piece
        for geometry in [*coasts, borders().intersection(sheet)]
        for line in shapely.get_parts(shapely.line_merge(geometry))
        if line.geom_type == "LineString"
        for piece in (shapely.get_coordinates(line), gap)
    ]
    return np.concatenate(pieces) if pieces else np.zeros((0, 2))


def _read() -> dict[str, list[list[list[list[float]]]]]:
    read: dict[str, list[list[list[list[float]]]]] = json.loads(FILE.read_text())
    return read
