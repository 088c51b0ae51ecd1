"""The world as a map: districts, cities and rural areas as regions; roads, water and woods as outlines."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import LineString, MultiLineString, MultiPoint, MultiPolygon, Polygon, box, mapping
from shapely.ops import unary_union, voronoi_diagram

from urbanlens.demo.geography import (
    CITIES,
    LAKE,
    METRES_LAT,
    METRES_LON,
    PROMENADE_M,
    RIVER,
    ROADS,
    VILLAGES,
    WOODS,
    City,
    coast,
    shore_north,
)
from urbanlens.demo.streets import DISTRICT_NAMES, centre_lines, grid

if TYPE_CHECKING:
    from urbanlens.collection.regions import Region

SOUTH_SHORE_NORTH = -640.0


def to_degrees(shape: Any) -> Any:
    """A planar shape in WGS84 degrees, x = lon and y = lat."""
    return shapely.transform(shape, lambda corners: corners / (METRES_LON, METRES_LAT))


@cache
def districts(city: City) -> dict[tuple[str, str], Any]:
    """(name, kind) -> planar polygon of each district; the waterfront reaches to the quay's edge."""
    parts: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for block in grid(city.name).blocks:
        parts[block.district, block.kind].append(Polygon(block.corners).buffer(0.05, join_style="mitre"))
    low = city.low_v - PROMENADE_M - 9.0
    corners = [city.place(*p) for p in ((-1700, low), (1700, low), (1700, city.low_v + 1), (-1700, city.low_v + 1))]
    parts[DISTRICT_NAMES[city.name]["waterfront"], "waterfront"].append(Polygon(corners))
    return {key: unary_union(shapes).simplify(0.5) for key, shapes in parts.items()}


def regions() -> list[Region]:
    """Districts, cities and rural areas."""
    from urbanlens.collection.regions import Region

    found = []
    outlines = []
    for city in CITIES:
        for (name, kind), shape in districts(city).items():
            found.append(Region(name, to_degrees(shape), kind))
        outlines.append(unary_union(list(districts(city).values())).buffer(1.0).buffer(-1.0))
        found.append(Region(city.name, to_degrees(outlines[-1].simplify(2.0)), "city"))
    shore = [(-2930.0, shore_north(-2930.0)), *(p for p in coast() if -2930 < p[0] < 2950)]
    land = Polygon([*shore, (2950.0, shore_north(2950.0)), (2950.0, 2700.0), (-2930.0, 2700.0)])
    land = land.difference(unary_union(outlines))
    south = box(-4000, -4000, 4000, SOUTH_SHORE_NORTH)
    found.append(Region("South Shore", to_degrees(_largest(land.intersection(south))), "rural"))
    places = MultiPoint([place for _, place in VILLAGES])
    for part in voronoi_diagram(places, box(-4000, -4000, 4000, 4000)).geoms:
        name = next(name for name, place in VILLAGES if part.contains(MultiPoint([place])))
        area = _largest(part.intersection(land).difference(south))
        found.append(Region(name, to_degrees(area), "rural"))
    return found


def _largest(shape: Any) -> Any:
    return max(getattr(shape, "geoms", [shape]), key=lambda part: part.area)


FAR_M = 60_000.0
"""How far the sea goes on, beyond all that a map of the cities shows."""


def outlines() -> dict[str, Any]:
    """GeoJSON of sea, lake, river, woods, parks, coast and roads, one feature a layer, in the order of drawing."""
    line = [p for p in coast() if abs(p[0]) <= 8300]
    (west, first), (east, last) = line[0], line[-1]
    sea = Polygon([*line, (east + FAR_M, last), (east + FAR_M, -FAR_M), (west - FAR_M, -FAR_M), (west - FAR_M, first)])
    streets = {"avenues": [], "streets": []}  # type: dict[str, list[LineString]]
    for city in CITIES:
        for points, width, _ in centre_lines(city.name):
            streets["avenues" if width > 11 else "streets"].append(LineString(points).simplify(2.0))
    parks = [shape for city in CITIES for (_, kind), shape in districts(city).items() if kind == "park"]
    layers: list[tuple[str, str, Any]] = [
        ("sea", "sea", sea),
        ("woods", "woods", MultiPolygon([Polygon(outline) for outline in WOODS])),
        ("park", "park", unary_union(parks)),
        ("river", "river", LineString(RIVER).difference(sea).simplify(1.0)),
        ("lake", "lake", Polygon(LAKE).buffer(30).buffer(-30)),
        ("coast", "coast", LineString(line)),
        ("roads", "streets", MultiLineString(streets["streets"])),
        ("roads", "avenues", MultiLineString(streets["avenues"])),
        ("roads", "country roads", MultiLineString([LineString(road) for road in ROADS])),
    ]
    features = [
        {"type": "Feature", "properties": {"layer": layer, "name": name}, "geometry": _rounded(to_degrees(shape))}
        for layer, name, shape in layers
    ]
    return {"type": "FeatureCollection", "features": features}


def _rounded(shape: Any) -> Any:
    def walk(value: Any) -> Any:
        return round(value, 6) if isinstance(value, float) else [walk(item) for item in value]

    described = mapping(shape)
    return {"type": described["type"], "coordinates": walk(described["coordinates"])}
