"""Named polygons on the map: read from GeoJSON, written to GeoJSON, and packed into a web address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon, mapping

from urbanlens.collection.region_text import pack, unpack
from urbanlens.errors import RegionError

MAX_BYTES = 50_000_000
MAX_NAME = 80
_NAME_KEYS = ("name", "Name", "NAME", "title", "district", "id")


@dataclass(frozen=True)
class Region:
    """A named polygon or multipolygon, x = lon and y = lat in WGS84 degrees.

    Attributes
    ----------
    kind
        What it is: city, district, rural, …; "" where unknown.
    note
        What was repaired when it was read; "" where nothing was.
    """

    name: str
    geometry: Any
    kind: str = ""
    note: str = ""


def read_regions(source: bytes | Path | str | Mapping[str, Any]) -> list[Region]:
    """Read GeoJSON: a FeatureCollection, a feature or a bare geometry; polygons and multipolygons, holes kept.

    A boundary that crosses itself is repaired, and the region's `note` says so; features that are no polygons are
    left out, which the first region's note says.

    Parameters
    ----------
    source
        A file, its bytes, or the parsed object.

    Raises
    ------
    RegionError
        No JSON, no GeoJSON, no polygon in it, or coordinates that are no longitudes and latitudes; the text names
        the file and the feature.
    """
    data, where = _load(source)
    regions: list[Region] = []
    others: list[str] = []
    for number, feature in enumerate(_features(data, where), start=1):
        spot = f"{where}, feature {number}"
        if not isinstance(feature, Mapping):
            raise RegionError(f"{spot} is {feature!r:.60}, not a GeoJSON feature")
        geometry = feature.get("geometry")
        if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
            kind = geometry.get("type") if isinstance(geometry, Mapping) else None
            others.append(f"feature {number} is a {kind or 'feature without a geometry'}")
            continue
        properties = feature.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        shape, note = _polygon(geometry, spot)
        named = next((str(properties[key]) for key in _NAME_KEYS if properties.get(key) not in (None, "")), "")
        regions.append(Region(named or f"Region {number}", shape, str(properties.get("kind") or ""), note))
    told = "; ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    if not regions:
        found = f": {told}" if others else ""
        raise RegionError(f"{where} has no polygon{found}; give a GeoJSON with at least one Polygon or MultiPolygon")
    if others:
        note = f"{where}: only polygons were taken; {told}"
        regions[0] = replace(regions[0], note=f"{regions[0].note}; {note}" if regions[0].note else note)
    return regions


def _load(source: bytes | Path | str | Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    if isinstance(source, Mapping):
        return source, "the GeoJSON"
    where = "the GeoJSON" if isinstance(source, bytes) else Path(source).name
    try:
        raw = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise RegionError(f"{where} cannot be read ({error}): give a GeoJSON file") from error
    if len(raw) > MAX_BYTES:
        raise RegionError(f"{where} has {len(raw):,} bytes; at most {MAX_BYTES:,} are read: simplify its polygons")
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RegionError(f"{where} is no JSON ({error}): give a GeoJSON file") from error
    if not isinstance(data, Mapping):
        raise RegionError(f"{where} is a JSON {type(data).__name__}, not a GeoJSON object")
    return data, where


def _features(data: Mapping[str, Any], where: str) -> list[Any]:
    kind = data.get("type")
    if kind == "FeatureCollection":
        features = data.get("features")
        if not isinstance(features, list) or not features:
            raise RegionError(f"{where} has no features: draw or export at least one polygon")
        return features
    if kind == "Feature":
        return [data]
    if kind in ("Polygon", "MultiPolygon"):
        return [{"geometry": data}]
    raise RegionError(f"{where} has the type {kind!r}; allowed are FeatureCollection, Feature, Polygon, MultiPolygon")


def _polygon(geometry: Mapping[str, Any], where: str) -> tuple[Any, str]:
    try:
        shape = shapely.force_2d(shapely.geometry.shape(geometry))
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
        raise RegionError(f"{where}: its coordinates are no rings of [lon, lat] pairs ({error})") from error
    if shape.is_empty:
        raise RegionError(f"{where}: its polygon has no corners")
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise RegionError(f"{where}: its coordinates are not all finite numbers")
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise RegionError(
            f"{where}: its coordinates go from ({west:g}, {south:g}) to ({east:g}, {north:g}), which are no "
            "longitudes and latitudes: export it as WGS84 (EPSG:4326), longitude first"
        )
    if shape.is_valid:
        return shape, ""
    reason = shapely.is_valid_reason(shape)
    repaired = only_polygons(shapely.make_valid(shape))
    if repaired.is_empty or repaired.area == 0:
        raise RegionError(f"{where}: its boundary encloses nothing ({reason}): draw it again")
    return repaired, f"{where}: the boundary crossed itself or overlapped ({reason}) and was repaired"


def only_polygons(shape: Any) -> Any:
    """The polygons of any geometry as one Polygon or MultiPolygon; an empty Polygon where it has none."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [
        part
        for item in getattr(shape, "geoms", [])
        for part in getattr(item, "geoms", [item])
        if part.geom_type == "Polygon" and part.area > 0
    ]
    return parts[0] if len(parts) == 1 else (MultiPolygon(parts) if parts else Polygon())


def to_geojson(regions: Iterable[Region]) -> dict[str, Any]:
    """A FeatureCollection with the properties `name` and `kind`, coordinates rounded to a centimetre."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"name": region.name, "kind": region.kind},
                "geometry": _rounded(mapping(region.geometry)),
            }
            for region in regions
        ],
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


def encode_region(region: Region) -> str:
    """A region as text for a web address: only letters, digits and `-_.~`, under 1,500 characters.

    Corners are kept to about a metre (finer for tiny regions); a boundary of many corners is simplified until it
    fits. Name (at most 80 characters) and kind travel with it.
    """
    return pack(region.name[:MAX_NAME], region.kind[:MAX_NAME], region.geometry)


def decode_region(text: str) -> Region:
    """The region that `encode_region` packed; RegionError where the text is none."""
    name, kind, shape = unpack(text)
    if not shape.is_valid:
        shape = only_polygons(shapely.make_valid(shape))
    if shape.is_empty or shape.area == 0:
        raise RegionError(f"the region {name!r} in the address encloses nothing: draw it again on the map")
    west, south, east, north = shape.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise RegionError(f"the region {name!r} in the address lies outside of the world: draw it again on the map")
    return Region(name, shape, kind)
