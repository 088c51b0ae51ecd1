"""Regions: read from odd GeoJSON, written, packed into an address and back."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box, mapping

from urbanlens.collection.regions import Region, decode_region, encode_region, read_regions, to_geojson
from urbanlens.errors import RegionError


def geojson(*shapes: Any, **properties: object) -> bytes:
    features = [{"type": "Feature", "properties": properties, "geometry": mapping(shape)} for shape in shapes]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


DONUT = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
TWO = MultiPolygon([box(0, 0, 1, 1), box(2, 2, 3, 3)])
BOW = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def test_holes_and_multipolygons_are_kept() -> None:
    donut, two = read_regions(geojson(DONUT, TWO, name="x", kind="park"))
    assert donut.geometry.equals(DONUT) and not donut.geometry.contains(shapely.Point(1.5, 1.5))
    assert two.geometry.equals(TWO) and (two.kind, two.note) == ("park", "")


def test_a_self_intersection_is_repaired_and_said() -> None:
    (bow,) = read_regions(geojson(BOW))
    assert bow.geometry.is_valid and bow.geometry.area == pytest.approx(2)
    assert "feature 1" in bow.note and "repaired" in bow.note and bow.name == "Region 1"


def test_a_feature_a_bare_geometry_a_bom_and_a_file_are_read(tmp_path: Path) -> None:
    bare = json.dumps(mapping(DONUT)).encode()
    file = tmp_path / "r.geojson"
    file.write_bytes(b"\xef\xbb\xbf" + bare)
    assert read_regions(bare)[0].geometry.equals(read_regions(file)[0].geometry)
    assert read_regions({"type": "Feature", "properties": None, "geometry": mapping(DONUT)})[0].geometry.equals(DONUT)


def test_heights_are_dropped_and_points_beside_polygons_left_out() -> None:
    high = Polygon([(0, 0, 5), (1, 0, 5), (1, 1, 5)])
    (region,) = read_regions(geojson(shapely.Point(0, 0), high))
    assert not region.geometry.has_z


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe\x00", "is no JSON"),
        (b"[1, 2]", "is a JSON list"),
        (b'{"type": "Topology"}', "has the type 'Topology'"),
        (b'{"type": "FeatureCollection", "features": []}', "has no features"),
        (b'{"type": "FeatureCollection"}', "has no features"),
        (b'{"type": "FeatureCollection", "features": [7]}', "feature 1 is 7"),
        (geojson(shapely.Point(0, 0)), "no polygon: feature 1 is a Point"),
        (geojson(shapely.LineString([(0, 0), (1, 1)])), "no polygon"),
        (geojson(box(500_000, 4_000_000, 500_100, 4_000_100)), "no longitudes and latitudes"),
        (geojson(Polygon([(0, 0), (1, 1), (2, 2)])), "encloses nothing"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [1, "a"], [1, 1]]]}', "feature 1: its coordinates"),
        (b'{"type": "Polygon", "coordinates": []}', "feature 1"),
        (b'{"type": "Polygon"}', "feature 1"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}', "feature 1"),
        (b'{"type": "Polygon", "coordinates": [[[0, 0], [1, NaN], [1, 1]]]}', "feature 1"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_region_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RegionError, match=message):
        read_regions(data)


def test_geojson_round_trip() -> None:
    regions = [Region("Ålesund / ö", DONUT, "city"), Region("two", TWO)]
    again = read_regions(json.dumps(to_geojson(regions)).encode())
    assert [(r.name, r.kind) for r in again] == [(r.name, r.kind) for r in regions]
    assert all(a.geometry.equals(b.geometry) for a, b in zip(again, regions, strict=True))


corners = st.tuples(st.integers(-17_000_000, 17_000_000), st.integers(-8_000_000, 8_000_000))


@given(corners, st.integers(1, 90_000), st.integers(1, 90_000), st.text(max_size=30), st.text(max_size=20))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_rectangle_and_name_come_back_exactly(
    corner: tuple[int, int], width: int, height: int, name: str, kind: str
) -> None:
    x, y = corner
    shape = box(x / 1e5, y / 1e5, (x + width) / 1e5, (y + height) / 1e5)
    text = encode_region(Region(name, shape, kind))
    again = decode_region(text)
    assert (again.name, again.kind) == (name, kind)
    assert np.allclose(again.geometry.bounds, shape.bounds, atol=1e-9)
    assert re.fullmatch(r"[A-Za-z0-9\-_.~]+", text) and len(text) < 1500


@given(st.lists(corners, min_size=3, max_size=40, unique=True), st.floats(1e-6, 1))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_polygon_comes_back_nearly(points: list[tuple[int, int]], scale: float) -> None:
    hull = shapely.MultiPoint([(x * scale / 1e5, y * scale / 1e5) for x, y in points]).convex_hull
    if hull.geom_type != "Polygon" or min(hull.bounds[2] - hull.bounds[0], hull.bounds[3] - hull.bounds[1]) < 1e-3:
        return
    if hull.area < 1e-2 * hull.envelope.area:
        return
    again = decode_region(encode_region(Region("x", hull))).geometry
    assert again.symmetric_difference(hull).area <= 0.05 * hull.area
    second = decode_region(encode_region(Region("x", again))).geometry
    assert second.symmetric_difference(again).area <= 1e-9 + 0.01 * again.area


def test_holes_parts_and_tiny_regions_travel_in_the_address() -> None:
    for shape in (DONUT, TWO, box(2.35, 48.85, 2.35002, 48.85003)):
        again = decode_region(encode_region(Region("r", shape))).geometry
        assert again.symmetric_difference(shape).area <= 0.01 * shape.area


def test_a_coast_of_many_corners_is_simplified_until_it_fits() -> None:
    rng = np.random.default_rng(1)
    angle = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    radius = 1 + 0.1 * np.sin(7 * angle) + 0.01 * rng.normal(size=angle.size)
    coast = Polygon(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1))
    text = encode_region(Region("n" * 500, coast))
    assert len(text) < 1500
    again = decode_region(text)
    assert again.geometry.symmetric_difference(coast).area < 0.05 * coast.area and len(again.name) == 80


def test_an_archipelago_still_fits() -> None:
    islands = MultiPolygon([box(i / 50, j / 50, i / 50 + 0.005, j / 50 + 0.005) for i in range(30) for j in range(30)])
    text = encode_region(Region("islands", islands))
    assert len(text) < 1500 and decode_region(text).geometry.area > 0


@given(st.text(max_size=60) | st.from_regex(r"[567]\.[A-Za-z0-9]{0,8}\.\.[A-Za-z0-9_.~-]{0,60}", fullmatch=True))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_nonsense_in_the_address_is_a_region_error_or_a_region(text: str) -> None:
    with contextlib.suppress(RegionError):
        assert decode_region(text).geometry.is_valid


@pytest.mark.parametrize("text", ["", "5", "5...", "9.eA..AAAA", "5.eA..A", "5.$.." + "A" * 12, "x" * 30_000])
def test_damaged_addresses_are_refused(text: str) -> None:
    with pytest.raises(RegionError):
        decode_region(text)


def test_a_point_is_no_region() -> None:
    with pytest.raises(RegionError, match="polygon"):
        encode_region(Region("p", shapely.Point(0, 0)))
