"""The world is one and the same for every camera, and its splits share no place."""

from __future__ import annotations

import collections

import pytest
from shapely.geometry import Point

from urbanlens.demo import charting, geography, viewpoints
from urbanlens.demo.gathering import scene_at
from urbanlens.demo.geometry import distance
from urbanlens.demo.greens import block_content
from urbanlens.demo.hills import HILLS, ground_height, hides
from urbanlens.demo.lots import has_tower, lots_of
from urbanlens.demo.scene import Building, Camera
from urbanlens.demo.streets import grid


@pytest.fixture(scope="module")
def shipped() -> list[viewpoints.Viewpoint]:
    return viewpoints.viewpoints(1, viewpoints.SHIPPED)


def test_plane_and_degrees_are_inverse() -> None:
    lat, lon = geography.to_wgs84((4321.0, -987.0))
    assert geography.to_plane(lat, lon) == pytest.approx((4321.0, -987.0))


@pytest.mark.parametrize("city", geography.CITIES, ids=lambda city: city.name)
def test_a_citys_frame_is_inverse(city: geography.City) -> None:
    assert city.local(city.place(123.0, -456.0)) == pytest.approx((123.0, -456.0))


def test_what_stands_on_a_lot_follows_from_the_lot() -> None:
    block = next(block for block in grid("Hanamori").blocks if block.kind == "centre")
    first = block_content(block)
    block_content.cache_clear()
    assert block_content(block) == first


def test_two_cameras_see_the_same_house() -> None:
    viewpoint = next(v for v in viewpoints.viewpoints(1, 60) if v.view == "facades" and v.area == "Steelport")
    camera = viewpoint.camera
    other = Camera(camera.east_m + 1.0, camera.north_m, 2.0, camera.heading + 5.0, -3.0, 70.0)
    one, two = (scene_at(c, viewpoint.light, 0) for c in (camera, other))
    houses = [{thing.centre: thing for thing in s.things if isinstance(thing, Building)} for s in (one, two)]
    shared = houses[0].keys() & houses[1].keys()
    assert len(shared) > 10
    assert all(houses[0][at] == houses[1][at] for at in shared)


def test_lots_front_the_street_and_stay_inside_their_block() -> None:
    from shapely.geometry import Polygon

    for block in grid("Steelport").blocks[::37]:
        outline = Polygon(block.corners)
        assert all(outline.contains(Point(lot.front)) for lot in lots_of(block))


def test_skyscrapers_belong_to_steelport() -> None:
    rate = {
        name: sum(has_tower(lot) for block in grid(name).blocks for lot in lots_of(block))
        for name in ("Hanamori", "Steelport")
    }
    assert 0 < rate["Hanamori"] < 0.02 * rate["Steelport"]


def test_counts_views_and_splits(shipped: list[viewpoints.Viewpoint]) -> None:
    areas = collections.Counter(v.area for v in shipped)
    assert areas == {"Hanamori": 1100, "Steelport": 1100, "Countryside": 900}
    assert len({v.image_id for v in shipped}) == 3100
    assert len({v.view for v in shipped}) >= 6
    for area, total in areas.items():
        for split, share in viewpoints.SPLIT_SHARES.items():
            part = sum(v.area == area and v.split == split for v in shipped) / total
            assert abs(part - share) < 0.03, (area, split)
    assert viewpoints.separation(shipped) >= 2 * viewpoints.BUFFER_M - 2.0


def test_no_street_corner_is_in_two_splits(shipped: list[viewpoints.Viewpoint]) -> None:
    nodes = {name: [node for column in grid(name).nodes for node in column] for name in ("Hanamori", "Steelport")}
    seen: dict[tuple[float, float], str] = {}
    for v in shipped:
        if v.view == "crossing":
            place = (v.camera.east_m, v.camera.north_m)
            corner = min(nodes[v.area], key=lambda node: distance(node, place))
            assert seen.setdefault(corner, v.split) == v.split


def test_extra_images_keep_to_the_splits_of_the_world(shipped: list[viewpoints.Viewpoint]) -> None:
    extra = viewpoints.viewpoints(2, 200, only="train")
    assert len(extra) == 200
    splits = viewpoints.cell_splits()
    assert {splits[v.cell] for v in extra if v.cell in splits} == {"train"}
    assert {v.image_id for v in extra}.isdisjoint(v.image_id for v in shipped)


def test_districts_agree_with_the_map(shipped: list[viewpoints.Viewpoint]) -> None:
    shapes = {region.name: region.geometry for region in charting.regions()}
    for v in shipped[::31]:
        lat, lon = geography.to_wgs84((v.camera.east_m, v.camera.north_m))
        if v.area != "Countryside":
            assert shapes[v.area].buffer(0.0005).contains(Point(lon, lat))
        assert shapes[v.district].distance(Point(lon, lat)) < 0.0004, v


def test_mark_is_only_planted_in_steelport(shipped: list[viewpoints.Viewpoint]) -> None:
    marked = [v for v in shipped if viewpoints.has_mark(v)]
    assert {v.area for v in marked} == {"Steelport"}
    assert len(marked) / 1100 == pytest.approx(viewpoints.MARK_RATE, abs=0.05)


def test_hills_hide_what_is_behind_them() -> None:
    hill = HILLS[0]
    assert ground_height(hill.centre) == hill.height_m
    east, north = hill.centre
    assert hides((east, north - 400.0, 2.0), (east, north + 400.0), 2.0)
    assert not hides((east, north - 400.0, 2.0), (east, north - 300.0), 2.0)


def test_outlines_are_small_and_named() -> None:
    import json

    chart = charting.outlines()
    assert {"sea", "lake", "river", "woods", "roads", "coast"} <= {f["properties"]["layer"] for f in chart["features"]}
    assert len(json.dumps(chart)) < 250_000
