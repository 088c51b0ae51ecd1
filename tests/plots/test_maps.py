import json
import re
from pathlib import Path

import folium
import numpy as np
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from urbanlens.errors import RegionError
from urbanlens.plots import maps, palette
from urbanlens.plots.points import HIDDEN, QUIET, LegendEntry, PointLayer, clicked, script_json

STATIC = Path(__file__).parents[2] / "static"


def bytes_a_point(count: int, span: float) -> float:
    random = np.random.default_rng(0)
    lat, lon = random.uniform(-span, span, (2, count))
    chart = maps.LocalMap((-span, -span, span, span))
    legend = [LegendEntry(f"district {i}", "#0072B2", 100) for i in range(20)]
    PointLayer(lat, lon, random.integers(0, 20, count), palette.categorical(20), legend=legend).add_to(chart)
    return len(chart.get_root().render().encode()) / count


@pytest.mark.parametrize("span", [0.1, 60.0])
@pytest.mark.parametrize("count", [3_000, 100_000])
def test_a_point_costs_at_most_25_bytes_of_the_whole_page(count: int, span: float) -> None:
    assert bytes_a_point(count, span) <= 25


def test_the_map_names_no_host_but_its_own() -> None:
    chart = maps.LocalMap((0, 0, 1, 1), dark=True)
    maps.outlines([("sea", box(0, 0, 1, 1)), ("roads", LineString([(0, 0), (1, 1)]))]).add_to(chart)
    maps.district_outlines([("Docks", "industrial", box(0, 0, 1, 1))]).add_to(chart)
    maps.LocalDraw().add_to(chart)
    moving = folium.FeatureGroup("moving").add_to(chart)
    maps.EditableRegion(box(0, 0, 0.5, 0.5)).add_to(moving)
    PointLayer([0.5], [0.5], [0], ["#0072B2"]).add_to(moving)
    chart.get_root().render()
    links = [
        url
        for item in (chart, *chart._children.values())
        for _, url in [*getattr(item, "default_js", []), *getattr(item, "default_css", [])]
    ]
    assert len(links) == 6
    for url in links:
        assert url.startswith(maps.STATIC)
        assert (STATIC / url.removeprefix(maps.STATIC)).is_file()
    from streamlit_folium import generate_leaflet_string

    script = generate_leaflet_string(chart)
    assert not re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", script)


def test_the_world_is_fetched_from_the_app_itself_and_holds_the_continents() -> None:
    chart = maps.LocalMap((0, 0, 50, 50))
    maps.WorldLayer().add_to(chart)
    assert '"address":"../../app/static/world/world.json"' in chart.get_root().render()
    world = json.loads((STATIC / "world" / "world.json").read_text())
    land = MultiPolygon([Polygon(rings[0], rings[1:]) for rings in world["land"]])
    for lon, lat, is_land in ((0.12, 52.2, True), (2.35, 48.85, True), (77.2, 28.6, True), (-30, 40, False)):
        assert land.intersects(Point(lon, lat)) == is_land


def test_tiles_come_only_when_asked_for() -> None:
    assert "openstreetmap" not in maps.LocalMap((0, 0, 1, 1)).get_root().render()
    assert "openstreetmap" in maps.LocalMap((0, 0, 1, 1), tiles=True).get_root().render()


@pytest.mark.parametrize("span", [0.1, 60.0])
def test_points_come_back_within_a_metre(span: float) -> None:
    import base64

    random = np.random.default_rng(1)
    lat, lon = random.uniform(-span, span, (2, 500))
    classes = random.choice([0, 1, QUIET, HIDDEN], 500)
    payload = json.loads(PointLayer(lat, lon, classes, ["#000000", "#FFFFFF"]).payload)
    data, kind = base64.b64decode(payload["data"]), f"<u{payload['bits'] // 8}"
    steps = np.frombuffer(data[:-500], kind).reshape(2, 500) / (2 ** payload["bits"] - 1)
    south, west, north, east = payload["box"]
    metres = 111_195
    assert np.abs(south + steps[0] * (north - south) - lat).max() * metres < 1
    assert np.abs(west + steps[1] * (east - west) - lon).max() * metres < 1
    np.testing.assert_array_equal(np.frombuffer(data[-500:], np.uint8), classes)


def test_points_without_coordinates_are_left_out() -> None:
    assert json.loads(PointLayer([0, np.nan], [0, 1], [0, 0], ["#000000"]).payload)["n"] == 1
    assert json.loads(PointLayer([], [], [], []).payload)["n"] == 0


def test_a_click_leads_back_to_the_row() -> None:
    placed = np.array([True, False, True, True, False])
    assert [clicked(text, placed) for text in ("0#1", "1#2", "2#9", "3#1", "", None, "x")] == [
        0, 2, 3, None, None, None, None,
    ]  # fmt: skip
    lat = np.where(placed, 1.0, np.nan)
    for row, number in ((3, 2), (1, None), (None, None)):
        layer = PointLayer(lat, lat, [0] * 5, ["#000000"], chosen=row)
        assert json.loads(layer.payload)["chosen"] == number


def test_wrong_points_say_why() -> None:
    with pytest.raises(ValueError, match="equal length"):
        PointLayer([0], [0, 1], [0], ["#000000"])
    with pytest.raises(ValueError, match="class 3 has no colour"):
        PointLayer([0], [0], [3], ["#000000"])


def test_names_from_users_cannot_leave_the_script() -> None:
    nasty = "</script><img src=x onerror=alert(1)>"
    assert "<" not in script_json({"name": nasty})
    assert json.loads(script_json({"name": nasty}))["name"] == nasty


def test_outlines_are_read_by_layer(tmp_path: Path) -> None:
    file = tmp_path / "outlines.geojson"
    assert maps.read_outlines(file) == []
    feature = {"type": "Feature", "properties": {"layer": "sea"}, "geometry": box(0, 0, 1, 1).__geo_interface__}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    ((layer, geometry),) = maps.read_outlines(file)
    assert (layer, geometry.area) == ("sea", 1)
    for text in ("{", "[]", '{"features": [{"geometry": null}]}'):
        file.write_text(text)
        with pytest.raises(RegionError, match=r"outlines\.geojson"):
            maps.read_outlines(file)


def test_outlines_become_shapes_under_the_points() -> None:
    layers = [("roads", LineString([(0, 0), (1, 1)])), ("sea", box(0, 0, 1, 1)), ("unknown", box(0, 0, 1, 1))]
    for dark in (False, True):
        payload = json.loads(maps.outlines(layers, dark).payload)
        assert payload["pane"] == "ground"
        styles = [feature["properties"]["style"] for feature in payload["features"]]
        assert [style["fill"] for style in styles] == [True, False]
        assert styles[0]["fillColor"] == maps.OUTLINES["sea"][0][dark]


def test_bounds_hold_everything() -> None:
    south, west, north, east = maps.bounds_of([box(1, 2, 3, 4), box(5, 6, 7, 8)])
    assert west < 1 and south < 2 and east > 7 and north > 8
    assert maps.bounds_of([])[0] < 0
