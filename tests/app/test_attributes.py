"""The page Attributes on small collections with untrained networks of their own, and on one that has none."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely

from tests.app.scenic import BROKEN, COUNT, LONE, NAMES, OFF, UNPLACED, UNSCORED, VIEWS, fine, selected, told
from tests.app.test_pages import address, texts
from urbanlens.collection import ImageCollection, Region, encode_region
from urbanlens.models import load_model
from urbanlens.siam.readings import kept_readings, read_image
from urbanlens.ui.attribute_compare import summary_table
from urbanlens.ui.attribute_images import table_of

from .conftest import Open


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_draws(scenes: ImageCollection, visit: Open, view: str) -> None:
    app = fine(visit("attributes", collection="scenes", view=view, images="all"))
    assert not app.warning
    assert "learnt on the drawn demo world" not in texts(app)
    assert address(app, "view") == view


@pytest.mark.parametrize("view", VIEWS)
def test_a_collection_without_networks_asks_those_of_the_demo_and_is_told_so(visit: Open, view: str) -> None:
    app = fine(visit("attributes", collection="town", view=view))
    assert "learnt on the drawn demo world" in texts(app)


@pytest.mark.parametrize("view", VIEWS)
def test_a_region_that_holds_nothing_breaks_no_view(scenes: ImageCollection, visit: Open, view: str) -> None:
    nowhere = encode_region(Region("Sea", shapely.box(80, 40, 80.1, 40.1)))
    fine(visit("attributes", collection="scenes", view=view, region=nowhere))


def test_the_strongest_template_stands_first_and_an_address_opens_another(scenes: ImageCollection, visit: Open) -> None:
    app = fine(visit("attributes", collection="scenes"))
    cards = told(app, "templates")
    pulls = [float(card["lines"][0].split()[-1]) for card in cards["cards"]]
    assert pulls == sorted(pulls, reverse=True)
    assert cards["chosen"] == cards["cards"][0]["value"]
    last = cards["cards"][-1]["value"]
    app = fine(visit("attributes", collection="scenes", attribute=last))
    assert told(app, "templates")["chosen"] == last
    assert app.header[0].value == last.replace("_", " ").capitalize()


def test_an_address_restores_view_image_colours_and_changes(scenes: ImageCollection, visit: Open) -> None:
    name = scenes.ids[7]
    app = fine(visit("attributes", collection="scenes", view="what-if", image=name, pair="blue", changes=OFF))
    given = told(app, "what-if")
    assert given["changes"] == OFF
    assert given["colours"] == ["#2166AC", "#E66101"]
    assert given["crowd"] == pytest.approx(scenes.table["scenicness"][7], rel=1e-5)
    assert name in texts(app)
    assert (address(app, "changes"), address(app, "image"), address(app, "pair")) == (OFF, name, "blue")


def test_another_image_begins_without_changes(scenes: ImageCollection, visit: Open) -> None:
    app = visit("attributes", collection="scenes", view="what-if", image=scenes.ids[7], changes=OFF)
    app.text_input(key="image-name").set_value(scenes.ids[8]).run()
    assert told(fine(app), "what-if")["changes"] == ""
    assert address(app, "changes") == ""
    assert scenes.ids[8] in texts(app)


def test_an_address_restores_the_class_and_what_is_mapped(scenes: ImageCollection, visit: Open) -> None:
    app = fine(visit("attributes", collection="scenes", view="disagree", only="city=East", images="all"))
    assert selected(app, "only").value == "city=East"
    assert f"{(scenes.table['city'] == 'East').sum()} images." in texts(app)
    app = fine(visit("attributes", collection="scenes", view="map", mapped="adds", attribute="still_water"))
    assert (selected(app, "mapped").value, selected(app, "attribute").value) == ("adds", "still_water")


NONSENSE = [
    "",
    "dragon",
    "city=Atlantis",
    "=",
    "../..",
    "1_3x6_",
    "1_22x11_3s0",
    "<b>x</b>",
    "%F0%9F",
    "é" * 300,
    "NaN",
]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["attribute", "pair", "changes", "only", "mapped", "siam", "images", "present"])
def test_nonsense_falls_back(scenes: ImageCollection, visit: Open, view: str, name: str) -> None:
    for value in NONSENSE:
        fine(visit("attributes", collection="scenes", view=view, **{name: value}))


@pytest.mark.parametrize("value", NONSENSE)
def test_a_view_or_an_image_that_is_not_there(scenes: ImageCollection, visit: Open, value: str) -> None:
    app = fine(visit("attributes", collection="scenes", view=value))
    assert told(app, "templates")["cards"]
    app = visit("attributes", collection="scenes", view="images", image=value)
    assert not app.exception
    assert bool(app.error) == bool(value)


def test_changes_that_do_not_fit_leave_the_address(scenes: ImageCollection, visit: Open) -> None:
    for text in ("1_22x11_3s0", "nonsense", "1_3x6_1s900"):
        app = fine(visit("attributes", collection="scenes", view="what-if", changes=text))
        assert told(app, "what-if")["changes"] == address(app, "changes") == ""


def test_another_collection_forgets_what_was_chosen(scenes: ImageCollection, visit: Open) -> None:
    chosen = {"image": scenes.ids[7], "changes": OFF, "attribute": "road", "only": "city=East", "siam": "own-siam"}
    app = fine(visit("attributes", collection="scenes", view="what-if", **chosen))
    selected(app, "collection").select("town").run()
    fine(app)
    assert address(app, "collection") == "town"
    assert address(app, "view") == "what-if"
    assert {name: address(app, name) for name in ("image", "changes", "attribute", "only")} == dict.fromkeys(
        ("image", "changes", "attribute", "only"), ""
    )


def test_the_table_of_a_picture_adds_up_to_its_score(scenes: ImageCollection) -> None:
    reading = read_image(load_model(scenes.root / "models" / "siam"), scenes.image(scenes.ids[3]))
    table = table_of(reading)
    assert table["part"].iloc[[0, -1]].tolist() == ["bias", "score"]
    assert sorted(table["part"][1:-1]) == sorted(NAMES)
    assert table["adds"][:-1].sum() == pytest.approx(table["adds"].iloc[-1], abs=1e-4)
    assert table["adds"][1:-1].abs().is_monotonic_decreasing


def test_the_bars_of_a_picture_add_up_to_its_score(scenes: ImageCollection, visit: Open) -> None:
    app = fine(visit("attributes", collection="scenes", view="images", image=scenes.ids[3]))
    figure = json.loads(app.get("plotly_chart")[0].proto.spec)
    bars = next(trace for trace in figure["data"] if trace["type"] == "bar")
    begin, end = next(trace for trace in figure["data"] if trace.get("mode") == "markers+text")["x"]
    assert begin + sum(bars["x"]) == pytest.approx(end, abs=1e-5)
    assert "<span>given</span>" in texts(app) and "by a free network" in texts(app)


def test_the_table_of_all_images_adds_up(scenes: ImageCollection) -> None:
    from urbanlens.collection.library import store_for

    card = load_model(scenes.root / "models" / "siam").card
    known = kept_readings(scenes, card, store=store_for(scenes))
    assert known is not None
    table = summary_table(known, scenes.ids)
    adds = [f"adds.{name}" for name in NAMES]
    assert np.allclose(table["bias"] + table[adds].sum(axis=1, skipna=False), table["score"], atol=1e-4, equal_nan=True)
    assert table["score"].isna().tolist() == [number == BROKEN for number in range(COUNT)]


@pytest.mark.parametrize("view", ["images", "what-if"])
@pytest.mark.parametrize("row", [UNSCORED, UNPLACED, LONE])
def test_an_image_that_lacks_something(scenes: ImageCollection, visit: Open, view: str, row: int) -> None:
    app = fine(visit("attributes", collection="scenes", view=view, image=scenes.ids[row]))
    if view == "what-if":
        assert (told(app, "what-if")["crowd"] is None) == (row == UNSCORED)
    else:
        assert ("<span>given</span>" in texts(app)) == (row != UNSCORED)


@pytest.mark.parametrize("view", ["images", "what-if"])
def test_an_unreadable_image_is_named(scenes: ImageCollection, visit: Open, view: str) -> None:
    app = visit("attributes", collection="scenes", view=view, image=scenes.ids[BROKEN])
    assert not app.exception
    assert scenes.ids[BROKEN] in app.error[0].value.replace("\\", "")


def test_a_region_counts_its_images_alone(scenes: ImageCollection, visit: Open) -> None:
    corner = encode_region(Region("Corner", shapely.box(0, -0.0001, 0.02, 0.0095)))
    for view in ("disagree", "together"):
        app = fine(visit("attributes", collection="scenes", view=view, region=corner, images="all"))
        assert "10 images in Corner." in texts(app)
    app = fine(visit("attributes", collection="scenes", view="map", region=corner, mapped="siam"))
    assert "In Corner:" in texts(app) and "on average of 10 images" in texts(app)
    points = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][-1]
    assert set(points["customdata"]) == set(scenes.ids[:10])


@pytest.mark.parametrize("view", ["disagree", "together", "map"])
def test_a_class_of_one_image(scenes: ImageCollection, visit: Open, view: str) -> None:
    app = fine(visit("attributes", collection="scenes", view=view, only="city=Alone", images="all"))
    if view != "map":
        assert "1 image." in texts(app)
        assert "Too few images" in texts(app)
