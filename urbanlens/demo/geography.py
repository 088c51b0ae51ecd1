"""The lie of the land: two cities on a south coast, a river and a lake between them, far mountains in the north."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon
from shapely.prepared import PreparedGeometry, prep

from urbanlens.demo.geometry import along, ring, smooth
from urbanlens.demo.hashing import chance
from urbanlens.demo.scene import Point

WORLD = 1
"""The seed of the world itself. A build's own seed only chooses cameras and weather."""

METRES_LAT = 110_574.0
METRES_LON = 111_320.0
"""Metres a degree at 0 N 0 E."""

PROMENADE_M = 16.0


def to_wgs84(point: Point) -> tuple[float, float]:
    """Planar (east, north) in metres to (lat, lon) in degrees."""
    return (point[1] / METRES_LAT, point[0] / METRES_LON)


def to_plane(lat: float, lon: float) -> Point:
    """(lat, lon) in degrees to planar (east, north) in metres."""
    return (lon * METRES_LON, lat * METRES_LAT)


@dataclass(frozen=True)
class City:
    """A city's own frame: `u` runs along its quay, `v` inland."""

    name: str
    centre: Point
    rotation: float
    half_u: float = 1700.0
    low_v: float = -1400.0
    high_v: float = 1500.0

    def place(self, u: float, v: float) -> Point:
        """From the city's frame to the plane."""
        c, s = math.cos(math.radians(self.rotation)), math.sin(math.radians(self.rotation))
        return (self.centre[0] + u * c - v * s, self.centre[1] + u * s + v * c)

    def local(self, point: Point) -> Point:
        """From the plane to the city's frame."""
        c, s = math.cos(math.radians(self.rotation)), math.sin(math.radians(self.rotation))
        east, north = point[0] - self.centre[0], point[1] - self.centre[1]
        return (east * c + north * s, -east * s + north * c)

    def contains(self, point: Point, margin_m: float = 0.0) -> bool:
        """Whether a point lies inside, `margin_m` wider on each side."""
        u, v = self.local(point)
        return abs(u) <= self.half_u + margin_m and self.low_v - margin_m <= v <= self.high_v + margin_m


HANAMORI = City("Hanamori", (-4600.0, 350.0), 12.0)
STEELPORT = City("Steelport", (4600.0, 350.0), -8.0)
CITIES = (HANAMORI, STEELPORT)


@cache
def coast() -> tuple[Point, ...]:
    """The shoreline from west to east; land lies north of it. Straight quays at the cities."""
    line = [(-12000.0, -2300.0), (-8200.0, -2050.0), (-6900.0, -1750.0)]
    quay = HANAMORI.low_v - PROMENADE_M - 9.0
    line += [HANAMORI.place(-1720.0, quay), HANAMORI.place(1720.0, quay)]
    start, end = line[-1], STEELPORT.place(-1720.0, STEELPORT.low_v - PROMENADE_M - 9.0)
    for k in range(1, 40):
        share = k / 40
        east, north = along(start, end, share)
        bay = -330.0 * math.sin(math.pi * share) + 95.0 * math.sin(share * 17.0) * math.sin(math.pi * share)
        line.append((east, north + bay))
    line += [end, STEELPORT.place(1720.0, STEELPORT.low_v - PROMENADE_M - 9.0)]
    return (*line, (7300.0, -1600.0), (9000.0, -2000.0), (12000.0, -2300.0))


@cache
def _coast_columns() -> tuple[list[float], list[float]]:
    return [p[0] for p in coast()], [p[1] for p in coast()]


def shore_north(east: float) -> float:
    """The shoreline's northing at an easting."""
    easts, norths = _coast_columns()
    k = min(max(bisect_left(easts, east), 1), len(easts) - 1)
    share = (east - easts[k - 1]) / (easts[k] - easts[k - 1])
    return norths[k - 1] + (norths[k] - norths[k - 1]) * share


def in_sea(point: Point) -> bool:
    """Whether a point lies south of the shoreline."""
    return point[1] < shore_north(point[0])


LAKE_CENTRE: Point = (-620.0, 820.0)
LAKE = ring(LAKE_CENTRE, 250.0, 26, 1.55)
RIVER: tuple[Point, ...] = smooth((
    (420.0, 2750.0), (300.0, 2300.0), (-60.0, 1850.0), (-380.0, 1450.0), (-540.0, 1050.0), (-560.0, 600.0),
    (-300.0, 300.0), (60.0, 90.0), (260.0, -250.0), (180.0, -600.0), (330.0, -950.0), (390.0, -1320.0),
))  # fmt: skip
RIVER_M = 30.0
BEACH_M = 46.0

_WOODS: tuple[tuple[Point, ...], ...] = (
    ((-2350.0, 1250.0), (-1700.0, 1050.0), (-1180.0, 1500.0), (-900.0, 2150.0), (-1250.0, 2600.0), (-2450.0, 2550.0)),
    ((950.0, -880.0), (1500.0, -820.0), (2150.0, -620.0), (2200.0, -150.0), (1650.0, 120.0), (1020.0, -210.0)),
    ((420.0, 520.0), (900.0, 420.0), (1080.0, 800.0), (700.0, 1020.0)),
)
WOODS = tuple(smooth(outline, closed=True) for outline in _WOODS)

VILLAGES: tuple[tuple[str, Point], ...] = (
    ("Ashbourne", (-1560.0, 120.0)), ("Millbrook", (560.0, 230.0)), ("Larkfield", (1750.0, 780.0)),
)  # fmt: skip

_ROADS: tuple[tuple[Point, ...], ...] = (
    ((-2930.0, 380.0), (-2500.0, 300.0), (-2050.0, 150.0), (-1560.0, 120.0), (-1050.0, 20.0), (-500.0, 90.0),
     (0.0, 260.0), (560.0, 230.0), (1000.0, 330.0), (1350.0, 560.0), (1750.0, 780.0), (2250.0, 720.0),
     (2950.0, 560.0)),
    ((-1560.0, 120.0), (-1640.0, 560.0), (-1450.0, 900.0), (-1300.0, 1250.0), (-800.0, 1500.0), (-200.0, 1980.0),
     (250.0, 1930.0), (700.0, 1650.0), (1200.0, 1300.0), (1500.0, 1080.0), (1750.0, 780.0)),
    ((560.0, 230.0), (620.0, -150.0), (800.0, -420.0), (860.0, -800.0), (700.0, -1020.0), (-100.0, -1010.0),
     (-900.0, -930.0), (-1500.0, -560.0), (-1560.0, 120.0)),
)  # fmt: skip
ROADS = tuple(smooth(road) for road in _ROADS)
ROAD_M = 6.5


@lru_cache(maxsize=200_000)
def in_woods(point: Point) -> bool:
    """Whether a point stands in one of the forests."""
    return any(
        west < point[0] < east and south < point[1] < north and wood.contains(ShapelyPoint(point))
        for (west, south, east, north), wood in _woods()
    )


@cache
def _woods() -> tuple[tuple[tuple[float, ...], PreparedGeometry], ...]:
    return tuple((Polygon(outline).bounds, prep(Polygon(outline))) for outline in WOODS)


def in_water(point: Point, margin_m: float = 0.0) -> bool:
    """Whether a point lies in the sea, the lake or the river, `margin_m` wider on each side."""
    if point[1] < shore_north(point[0]) + margin_m:
        return True
    east, north = (point[0] - LAKE_CENTRE[0]) / (387.5 + margin_m), (point[1] - LAKE_CENTRE[1]) / (250.0 + margin_m)
    if math.hypot(east, north) < 1.0:
        return True
    return line_distance(RIVER, point) < RIVER_M / 2 + margin_m


def line_distance(line: tuple[Point, ...], point: Point) -> float:
    """Metres from a point to a line."""
    corners = np.asarray(line)
    start, along_ = corners[:-1], corners[1:] - corners[:-1]
    share = np.clip(((point - start) * along_).sum(1) / (along_**2).sum(1), 0.0, 1.0)
    return float(np.hypot(*(start + share[:, None] * along_ - point).T).min())


def road_distance(point: Point) -> float:
    """Metres to the middle of the nearest country road."""
    return min(line_distance(road, point) for road in ROADS)


@cache
def mountains() -> tuple[tuple[Point, float, float], ...]:
    """Far peaks in the north: (place, height, half width), metres."""
    dice = chance(WORLD, "mountains")
    peaks = []
    for k in range(26):
        east = -15000.0 + 1200.0 * k + dice.uniform(-400, 400)
        peaks.append(((east, 8500.0 + dice.uniform(-1500, 3500)), dice.uniform(800, 2300), dice.uniform(1400, 2600)))
    return tuple(peaks)


def countryside_contains(point: Point) -> bool:
    """Whether a point is on rural land between the cities."""
    return (
        -2900.0 < point[0] < 2950.0
        and point[1] < 2700.0
        and not any(city.contains(point, 25.0) for city in CITIES)
        and not in_sea(point)
    )
