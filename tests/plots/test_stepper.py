"""What the stepper is given: stops, objects that came and went, and the map under the way."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import LineString, box

from tests.browser.stepper_page import FRAMES, LAST, SIDE, way
from urbanlens.plots.stepper import LEAST_CHANGE, MOST_OBJECTS, object_changes, stepper_data
from urbanlens.plots.way_map import WIDTH, way_map


def test_the_stops_go_from_the_original_over_the_template_to_real_images() -> None:
    one = way()
    data = stepper_data(one)
    kinds = [stop["kind"] for stop in data["stops"]]
    assert kinds == ["original", *["step"] * (FRAMES - 1), "template", *["real"] * 3]
    assert len(kinds) == one.count == LAST + 1
    assert kinds[one.template] == "template"
    assert [stop["frame"] for stop in data["stops"]] == [-1, *range(FRAMES), -1, -1, -1]
    assert [stop["real"] for stop in data["stops"][-3:]] == [3, 4, 2]
    assert [stop["title"] for stop in data["stops"][-3:]] == [
        "Nearest real image", "Real image, 2nd nearest", "Real image, 3rd nearest",
    ]  # fmt: skip
    assert data["stops"][1]["title"] == "Step 0 of 50" and data["stops"][one.template]["title"] == "Template image"
    json.dumps(data, allow_nan=False)


def test_every_frame_lies_in_the_sheet() -> None:
    one = way()
    sheet = stepper_data(one)["frames"]
    picture = Image.open(io.BytesIO(base64.b64decode(sheet["url"].split(",")[1]))).convert("RGB")
    assert sheet["cell"] == SIDE and sheet["count"] == FRAMES
    for number, frame in enumerate(one.found.frames):
        left, top = number % sheet["columns"] * SIDE, number // sheet["columns"] * SIDE
        drawn = np.asarray(picture.crop((left, top, left + SIDE, top + SIDE)), float)
        assert np.abs(drawn - frame).mean() < 12  # a lossy file of noise


def test_what_each_network_says_and_which_of_them_drove() -> None:
    one = way()
    data = stepper_data(one)
    assert [(network["name"], network["drives"]) for network in data["networks"]] == [
        ("puller", True), ("<b>judge</b>", False), ("other-judge", False),
    ]  # fmt: skip
    assert len({network["colour"] for network in data["networks"]}) == 3
    assert data["stops"][0]["certainty"] == [0.05, 0.1, None]
    said = np.array([stop["certainty"] for stop in data["stops"][1:-3]])
    np.testing.assert_allclose(said, one.found.certainty, atol=1e-4)
    assert all(stop["certainty"] is None for stop in data["stops"][-3:])
    assert data["stops"][one.template]["told"] == "1 of the 2 networks that took no part see West here."
    assert data["stops"][1]["told"].startswith("The mere reconstruction. None of the 2")


def test_a_lone_judge_and_none() -> None:
    one = way()
    alone = replace(one.found, networks=("a", "b"), drives=(True, False), certainty=one.found.certainty[:, :2])
    told = stepper_data(replace(one, found=replace(alone, source_certainty=np.zeros(2, np.float32))))["stops"]
    assert told[1]["told"].endswith("The network that took no part does not see West here.")
    nobody = replace(alone, drives=(True, True), source_certainty=np.zeros(2, np.float32))
    assert "No network was asked" in stepper_data(replace(one, found=nobody))["stops"][1]["told"]


def test_what_came_and_went_is_the_growth_against_the_first_frame() -> None:
    one = way()
    names, generated, true = object_changes(one)
    assert names[:3] == ["fence", "signboard", "earth"]
    assert "sky" not in names  # it stays as it is
    growth = one.found.shares - one.found.shares[0]
    order = [one.found.objects.index(name) for name in names[:3]]
    np.testing.assert_allclose(np.array(generated)[:, :3], growth[:, order], atol=1e-6)
    assert generated[0] == [0.0] * len(names)
    # A real image against the original, by the true labels; one of the three has none.
    assert set(true) == {3, 2}
    fence = names.index("fence")
    assert true[3][fence] == pytest.approx(0.3 - 0.5) and true[2][fence] == pytest.approx(0.2 - 0.5)
    stops = stepper_data(one)["stops"]
    assert stops[-2]["changes"] is None and stops[-1]["changes"] == true[2]
    assert stepper_data(one)["most"] == pytest.approx(0.3)


def test_small_changes_are_left_out_and_the_largest_kept() -> None:
    one = way()
    names = tuple(f"object-{n}" for n in range(20))
    shares = np.zeros((FRAMES, 20), np.float32)
    shares[-1] = np.linspace(0, 0.1, 20)
    shares[-1, 1] = LEAST_CHANGE / 2
    found = replace(one.found, objects=names, shares=shares)
    kept, generated, _ = object_changes(replace(one, found=found, original=None))
    assert kept == [f"object-{n}" for n in range(19, 19 - MOST_OBJECTS, -1)]
    assert np.abs(generated).max() == pytest.approx(0.1)


def test_without_a_segmenter_only_real_images_are_counted() -> None:
    one = way()
    bare = replace(one.found, objects=(), shares=np.zeros((0, 0), np.float32))
    names, generated, true = object_changes(replace(one, found=bare))
    assert names == ["fence"] and generated == []
    assert set(true) == {3, 2}
    stops = stepper_data(replace(one, found=bare))["stops"]
    assert stops[1]["changes"] is None and stops[-1]["changes"] is not None


def test_a_prototype_begins_with_its_first_frame() -> None:
    one = way(start="prototype")
    data = stepper_data(one)
    assert one.count == LAST and data["original"] == -1
    assert data["stops"][0]["kind"] == "step" and data["stops"][0]["told"].startswith("A neutral beginning.")
    assert data["stops"][one.template]["kind"] == "template"


def test_nobody_looked_for_real_images() -> None:
    one = replace(way(), real=[], nearest=np.full(FRAMES, -1), best=[])
    data = stepper_data(one)
    assert data["stops"][-1]["kind"] == "template"
    assert all(stop["near"] == -1 and stop["similarity"] is None for stop in data["stops"])
    assert [image["name"] for image in data["real"]] == ["image-0"] and data["original"] == 0


LAT, LON = np.linspace(50, 50.1, 30), np.linspace(8, 8.2, 30)


def test_places_lie_on_the_map_north_up_and_east_right() -> None:
    ground = way_map([(50.02, 8.05), None, (50.08, 8.15)], LAT, LON)
    assert ground is not None and ground["width"] == WIDTH
    (x, y), unknown, (east, north) = ground["spots"]
    assert unknown is None
    assert 0 < x < east < WIDTH and 0 < north < y < ground["height"]
    # Lengths are true: a degree east is shorter by the cosine of the latitude.
    assert (east - x) / (y - north) == pytest.approx(0.1 * np.cos(np.radians(50.05)) / 0.06, rel=0.02)
    assert ground["shapes"][-1][0] == "dots" and ground["shapes"][-1][1].count("M") > 10


def test_outlines_are_drawn_from_below_and_only_within_the_map() -> None:
    outlines = [
        ("roads", LineString([(7, 50.05), (9, 50.05)])),
        ("sea", box(8, 49.9, 8.1, 50.05)),
        ("odd", box(8, 50, 9, 51)),
    ]
    ground = way_map([(50.02, 8.05), (50.08, 8.15)], LAT, LON, outlines=outlines, regions=[box(8.1, 50.05, 8.15, 50.1)])
    assert ground is not None
    assert [layer for layer, _ in ground["shapes"]] == ["sea", "roads", "region"]
    for _, path in ground["shapes"]:
        numbers = np.array(path.replace("M", " ").replace("L", " ").replace("Z", " ").split(), float).reshape(-1, 2)
        assert (
            numbers.min() >= -0.1 and numbers[:, 0].max() <= WIDTH + 0.1 and numbers[:, 1].max() <= ground["height"] + 1
        )
    assert ground["shapes"][0][1].endswith("Z") and not ground["shapes"][1][1].endswith("Z")


def test_one_place_alone_and_none() -> None:
    ground = way_map([(50.0, 8.0)], [50.0], [8.0])
    assert ground is not None
    assert ground["spots"][0] == pytest.approx([WIDTH / 2, ground["height"] / 2], abs=1)
    assert way_map([None], LAT, LON) is None and way_map([], [], []) is None


def test_far_places_stand_on_the_coasts_of_the_world() -> None:
    ground = way_map([(48.8, 2.3), (40.7, -74.0)], [48.8, 40.7], [2.3, -74.0])
    assert ground is not None
    assert [layer for layer, _ in ground["shapes"]] == ["land", "border", "dots"]
