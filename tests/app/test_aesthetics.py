"""The page Aesthetics on small collections with untrained networks of their own, on some that lack something."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from tests.app.scenic import fine, selected, told
from tests.app.test_explaining import waited
from tests.app.test_pages import address, slider, texts
from tests.app.voted import BROKEN, COUNT, LARGE, NINE, UNPLACED, UNVOTED, VIEWS, ZEROS, voted, with_networks
from urbanlens.aesthetics.crops import RATIOS, map_box
from urbanlens.aesthetics.readings import HIGH, kept_readings, read_image
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection, Region, encode_region
from urbanlens.collection.votes import votes_of
from urbanlens.models import load_model
from urbanlens.models.card import ModelCard
from urbanlens.ui import library, pictures, work
from urbanlens.ui.aesthetics import FOREIGN
from urbanlens.ui.state import packed

from .conftest import Open

pytestmark = pytest.mark.usefixtures("one_thread")

Give = Callable[[str], ImageCollection]
Saved = dict[str, pd.DataFrame]
NOWHERE = encode_region(Region("Sea", shapely.box(80, 40, 80.1, 40.1)))
FAULTY = [[1, 2, 3, 4, 5, 4, 3, 2, 1, 0]] * COUNT
FAULTY[3], FAULTY[5] = NINE, ZEROS
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "beauty": ({}, {}),
    "no-votes": ({"votes": None}, {}),
    "no-tags": ({"tags": None}, {"tags": (), "against": False}),
    "no-places": ({"lat": np.nan, "lon": np.nan}, {}),
    "no-labels": ({"objects": False}, {}),
    "only-marks": ({}, {"kinds": ("marks",)}),
    "only-high-low": ({}, {"kinds": ("high-low",)}),
    "not-known-what-was-learnt": ({}, {"learnt": False, "seed": 2, "against": False}),
    "blind": ({}, {"blind": True, "against": False}),
    "faulty": ({"votes": FAULTY}, {}),
    "unread": ({}, {"read": False, "seed": 9}),
}
"""What is changed of the collection, and of its networks."""


@pytest.fixture(scope="module")
def give(home: Path) -> Give:
    """A collection of `VARIANTS`, made when it is first asked for."""

    @cache
    def made(name: str) -> ImageCollection:
        columns, networks = VARIANTS[name]
        collection = voted(home / "collections" / name, **columns)
        if name != "beauty":  # whose images are the same, and most networks: what is kept of it need not be made again
            shutil.copytree(made("beauty").root / "artifacts", collection.root / "artifacts")
        with_networks(collection, **networks)
        return collection

    return made


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """No networks but a collection's own."""
    monkeypatch.setattr(library, "DEMO_FOLDER", home / "no-demo")


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> Saved:
    """The tables that a page offers to save, by the name of the file."""
    offered, button = Saved(), pictures.table_download

    def offer(table: pd.DataFrame, file: str, label: str = "Table (CSV)") -> None:
        offered[file] = table
        button(table, file, label)

    monkeypatch.setattr(pictures, "table_download", offer)
    return offered


def show(visit: Open, name: str, view: str, **choices: str) -> AppTest:
    return visit("aesthetics", collection=name, view=view, **choices)


def words(app: AppTest) -> str:
    """What the page says, as it is read."""
    return unescape(re.sub("<style>.*?</style>", "", texts(app), flags=re.DOTALL))


def buttons(app: AppTest) -> list[str]:
    return [str(one.label) for one in app.button]


SAID = {
    ("beauty", "image"): "This network learnt from this very image",
    ("beauty", "crop"): "Average with the tag",
    ("beauty", "gallery"): "Where the network errs most",
    ("beauty", "places"): "What the maps light up",
    ("beauty", "test"): "that the networks have not learnt from",
    ("no-votes", "image"): "Nobody's votes are known for this picture",
    ("no-votes", "gallery"): "Nobody voted on these images",
    ("no-votes", "places"): "Nobody voted on these images",
    ("no-votes", "test"): "The test needs votes, and this collection has none",
    ("no-tags", "crop"): "There is no network of tags here",
    ("no-tags", "learnt"): "This network learnt no tags",
    ("no-places", "places"): "None of these images has coordinates",
    ("no-labels", "places"): "has no pixel labels, and no segmentation network is here",
    ("only-marks", "image"): "There is no network of high and low here",
    ("only-high-low", "image"): "There is no network of marks and tags here",
    ("only-high-low", "crop"): "There is no network of tags here",
    ("only-high-low", "gallery"): "Called wrongly, the surest first",
    ("not-known-what-was-learnt", "gallery"): "Which of them the network has learnt from, if any, is not known",
    ("blind", "image"): "The map of high points nowhere in this picture: nothing raises the mean mark",
    ("blind", "crop"): "The map of high points nowhere in this picture, so it suggests no crop",
    ("blind", "places"): "light up nothing: 100.0%",
}


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("faulty", "unread")])
def test_every_view_draws_whatever_is_missing(give: Give, visit: Open, name: str, view: str) -> None:
    give(name)
    app = fine(show(visit, name, view, images="all"))
    assert not app.warning
    assert FOREIGN not in words(app)
    assert SAID.get((name, view), "") in words(app)
    if VARIANTS[name][1].get("against", True):
        assert not [label for label in buttons(app) if label.startswith(("Read", "Compute", "Count"))]
    assert address(app, "view") == view
    if name == "no-tags":
        assert "Tags" not in [one.value for one in app.subheader if view == "image"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_region_that_holds_nothing_breaks_no_view(give: Give, visit: Open, view: str) -> None:
    give("beauty")
    fine(show(visit, "beauty", view, region=NOWHERE))


@pytest.mark.parametrize("view", VIEWS)
def test_networks_of_the_demo_say_that_they_learnt_the_drawn_world(town: object, visit: Open, view: str) -> None:
    app = fine(show(visit, "town", view))
    assert FOREIGN in words(app)


def test_objects_without_labels_are_named_by_a_network_when_asked(give: Give, visit: Open) -> None:
    give("no-labels")
    app = fine(show(visit, "no-labels", "places"))
    assert f"Name the objects in all {COUNT} images" in buttons(app)


def test_a_network_of_the_demo_beside_an_own_one_is_told_from_it(give: Give, visit: Open) -> None:
    give("only-marks")
    app = fine(show(visit, "only-marks", "learnt"))
    assert FOREIGN not in words(app)
    assert "The network of high and low learnt what is beautiful from the drawn demo world alone" in words(app)


@pytest.mark.parametrize("view", VIEWS)
def test_a_broken_image_is_named_where_it_is_looked_at(give: Give, visit: Open, view: str) -> None:
    collection = give("beauty")
    app = show(visit, "beauty", view, image=collection.ids[BROKEN])
    assert not app.exception
    said = "".join(error.value for error in app.error).replace("\\", "")
    assert (collection.ids[BROKEN] in said) == (view in ("image", "crop"))


@pytest.mark.parametrize("row", [UNVOTED, UNPLACED])
def test_an_image_that_lacks_something(give: Give, visit: Open, row: int) -> None:
    collection = give("beauty")
    app = fine(show(visit, "beauty", "image", image=collection.ids[row]))
    assert ("Nobody's votes are known" in words(app)) == (row == UNVOTED)


def test_an_address_restores_what_was_chosen_of_one_image(give: Give, visit: Open) -> None:
    collection = give("beauty")
    chosen = {"image": collection.ids[LARGE], "kind": "high-low", "opacity": "0.3", "mark": "8", "tags": "dusk"}
    app = fine(show(visit, "beauty", "image", **chosen))
    assert chosen["image"] in words(app)
    assert "The map of high: yellow speaks for being high most" in words(app)
    assert slider(app, "opacity").value == pytest.approx(0.3)
    strip = told(app, "mark-strip")
    assert (strip["chosen"], strip["count"], len(strip["said"])) == (8, 10, 10)
    assert app.multiselect[0].value == ["dusk"]
    assert {name: address(app, name) for name in chosen} == chosen


def test_an_address_restores_a_crop(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("beauty")
    chosen = {"image": collection.ids[LARGE], "kind": "marks", "threshold": "0.35", "ratio": "4:3", "upright": "yes",
              "crop-tag": "dusk"}  # fmt: skip
    app = fine(show(visit, "beauty", "crop", **chosen))
    assert slider(app, "threshold").value == pytest.approx(0.35)
    assert (selected(app, "ratio").value, selected(app, "crop-tag").value) == ("4:3", "dusk")
    table = saved[f"{collection.ids[LARGE]}-crops"]
    assert table["picture"].tolist() == [
        "The whole picture", "Crop by the map of high", "Average with the tag “dusk”"
    ]  # fmt: skip
    assert (table["width"] / table["height"])[1:].tolist() == pytest.approx([1 / RATIOS["4:3"]] * 2, abs=0.02)  # type: ignore[operator]
    assert {name: address(app, name) for name in chosen} == chosen


def test_an_address_restores_the_other_views(give: Give, visit: Open) -> None:
    give("beauty")
    chosen = {"rated": "network", "kind": "high-low", "drawn": "low", "most": "5", "images": "all"}
    app = fine(show(visit, "beauty", "gallery", **chosen))
    assert "Called high most surely" in [one.value for one in app.subheader]
    assert len(told(app, "gallery-highest")["cards"]) == 5
    assert (selected(app, "drawn").value, selected(app, "images").value) == ("low", "all")
    chosen = {"rated": "network", "grouped": "city", "sides": "together", "threshold": "0.4", "images": "all"}
    app = fine(show(visit, "beauty", "places", **chosen))
    assert (selected(app, "grouped").value, selected(app, "sides").value) == ("city", "together")
    assert f"All together: {COUNT - 1} images" in [one.value for one in app.subheader]
    assert slider(app, "threshold").value == pytest.approx(0.4)
    app = fine(show(visit, "beauty", "learnt", kind="high-low"))
    assert "Tags" not in [one.value for one in app.subheader]


CHOICES = (
    *("kind", "opacity", "mark", "tags", "threshold", "ratio", "upright", "crop-tag", "rated", "drawn", "most"),
    *("images", "grouped", "sides", "labels", "behind", "beauty-marks", "beauty-high-low"),
)
NONSENSE = ("-1e308", "NaN", "<b>x</b>|11", "é" * 300)


@pytest.mark.parametrize("view", VIEWS)
def test_nonsense_in_the_address_falls_back(give: Give, visit: Open, view: str) -> None:
    give("beauty")
    for value in NONSENSE:
        app = fine(show(visit, "beauty", view, **dict.fromkeys(CHOICES, value)))
        assert "<b>x" not in texts(app)


def test_a_view_or_an_image_that_is_not_there(give: Give, visit: Open) -> None:
    collection = give("beauty")
    for value in NONSENSE:
        app = fine(show(visit, "beauty", value))
        assert "How people would mark it" in [one.value for one in app.subheader]
        app = show(visit, "beauty", "crop", image=value)
        assert not app.exception
        assert f"Names look like: {collection.ids[0][:6]}" in app.error[0].value.replace("\\", "")


def test_another_collection_forgets_what_was_chosen(give: Give, visit: Open) -> None:
    collection = give("beauty")
    chosen = {"image": collection.ids[8], "mark": "8", "tags": packed(["dusk"]), "crop-tag": "dusk",
              "rated": "network", "beauty-marks": "own-marks"}  # fmt: skip
    app = fine(show(visit, "beauty", "gallery", **chosen))
    selected(app, "collection").select("town").run()
    fine(app)
    assert (address(app, "collection"), address(app, "view")) == ("town", "gallery")
    assert {name: address(app, name) for name in chosen} == dict.fromkeys(chosen, "")


def test_a_crop_below_32_px_says_so(give: Give, visit: Open) -> None:
    collection = give("beauty")
    image_id = collection.ids[8]
    model, image = load_model(collection.root / "models" / "marks"), collection.image(image_id)
    box = map_box(read_image(model, image).map(HIGH), image.size, 0.9)
    assert box is not None
    app = fine(show(visit, "beauty", "crop", image=image_id, kind="marks", threshold="0.9"))
    size = f"{box[2] - box[0]} x {box[3] - box[1]} px"
    assert f"Crop by the map of high: the crop would be {size}, with a side below 32 px" in words(app)
    assert "Before and after" not in [one.value for one in app.subheader]


def test_votes_that_make_no_sense_are_named_with_their_row(give: Give, visit: Open) -> None:
    collection = give("faulty")
    for view in VIEWS:
        said = words(fine(show(visit, "faulty", view)))
        assert f"row 4 ({collection.ids[3]}): it has 9 counts of votes" in said
        assert f"row 6 ({collection.ids[5]}): its ten counts of votes are all 0" in said


@pytest.mark.parametrize("view", VIEWS)
def test_what_has_not_been_read_is_offered_with_the_number_of_images(give: Give, visit: Open, view: str) -> None:
    give("unread")
    app = fine(show(visit, "unread", view, rated="network"))
    offered = f"Read all {COUNT} images" in buttons(app)
    assert offered == (view in ("gallery", "places", "test"))
    assert ("has not read this collection yet" in words(app)) == offered


def test_reading_a_collection_keeps_what_is_said_of_it(home: Path, visit: Open) -> None:
    collection = voted(home / "collections" / "to-read")
    with_networks(collection, read=False, seed=10)
    app = fine(show(visit, "to-read", "gallery", kind="marks"))
    assert len(told(app, "gallery-highest")["cards"])  # by the votes
    next(one for one in app.button if one.label == f"Read all {COUNT} images").click().run()
    app = fine(waited(app, "Foretold minus voted"))
    for job in list(work._jobs().values()):  # which goes on with what the maps are held against
        assert job.finished.wait(60)
    card = ModelCard.read(collection.root / "models" / "marks")
    known = kept_readings(collection, card, store=ArtifactStore(collection.root / "artifacts"))
    assert known is not None
    assert np.flatnonzero(~known.readable).tolist() == [BROKEN]


def test_all_are_judged_where_nobody_knows_what_was_learnt_from(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("not-known-what-was-learnt")
    app = fine(show(visit, "not-known-what-was-learnt", "test"))
    voters = int(votes_of(collection).known.sum())
    assert re.search(r"is not known, so all \d+ images with votes are judged", words(app))
    dots, test = (saved[f"{collection.name}-map-{table}"] for table in ("intensity-marks", "test"))
    assert dots["intensity"].notna().sum() == test["images"].iloc[0] == voters - 1  # one is broken


def test_only_images_of_the_test_are_judged_where_they_are_known(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("beauty")
    app = fine(show(visit, "beauty", "test"))
    judged = votes_of(collection).known & (collection.table["split"] == "test").to_numpy()
    assert f"Judged on {judged.sum()} images that the networks have not learnt from" in words(app)
    table = saved["beauty-map-intensity-high-low"]
    assert table["image_id"].tolist() == [name for name, one in zip(collection.ids, judged, strict=True) if one]
    assert set(saved["beauty-map-test"]["name"]) >= {"Maps drawn by chance", "The paper, on photographs (AVA)"}
    for name in saved["beauty-covered-up"]["answer"]:
        assert name in words(app)


def test_tables_hold_the_marks_that_are_shown(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("beauty")
    name = collection.ids[LARGE]
    app = fine(show(visit, "beauty", "image", image=name))
    reading = read_image(load_model(collection.root / "models" / "marks"), collection.image(name))
    marks, tags = saved[f"{name}-marks"], saved[f"{name}-tags"]
    for column in ("foretold", "given"):
        assert any(np.allclose(heights, marks[column], atol=1e-6) for heights in _tens(app)), column
    assert marks["foretold"].tolist() == pytest.approx(reading.marks.tolist(), abs=1e-5)
    assert dict(zip(tags["tag"], tags["share"], strict=True)) == pytest.approx(reading.tags, abs=1e-4)
    assert f"<b>{reading.mean:.2f} ± {reading.spread:.2f}</b>" in words(app)
    for shown in saved[f"{name}-covered"].to_numpy().ravel():
        assert str(shown) in words(app)


def test_tables_hold_the_crops_that_are_shown(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("beauty")
    name = collection.ids[LARGE]
    app = fine(show(visit, "beauty", "crop", image=name, threshold="0.3"))
    table = saved[f"{name}-crops"]
    assert len(table) == 3
    for row in table.itertuples():
        assert f"{row.width:,} x {row.height:,} px" in words(app)
        assert f"<b>{row.mean_mark:.2f} ± {row.spread:.2f}</b>" in words(app)
        assert f"<b>{pictures.percent(row.high)}</b>" in words(app)


def test_tables_of_all_images(give: Give, visit: Open, saved: Saved) -> None:
    collection = give("beauty")
    app = fine(show(visit, "beauty", "gallery", images="all", rated="votes", kind="marks"))
    table, votes = saved["beauty-beauty"], votes_of(collection)
    assert np.allclose(table["votes.mean"], votes.mean, equal_nan=True)
    assert table["marks.mean"].isna().to_numpy().nonzero()[0].tolist() == [BROKEN]
    best = told(app, "gallery-highest")["cards"][0]
    row = collection.row(best["value"])
    assert best["title"] == f"mark {np.nanmax(votes.mean):.2f}" == f"mark {table['votes.mean'][row]:.2f}"
    assert best["lines"][0] == f"foretold {table['marks.mean'][row]:.2f}"
    corner = encode_region(Region("Corner", shapely.box(-1, -1, 1, 0.095)))
    app = fine(show(visit, "beauty", "places", region=corner, grouped="city", images="all"))
    points = saved["beauty-mean-mark-by-the-votes-map"]
    assert points["image_id"].tolist() == [name for row, name in enumerate(collection.ids[:10]) if row != UNPLACED]
    groups = saved["beauty-beauty-by-group"].set_index("group")
    assert {"East", "West", "selected: Corner", "elsewhere"} <= set(groups.index)
    for mean in groups["mean"]:
        assert f">{mean:.2f} (" in words(app)


def _tens(app: AppTest) -> list[NDArray[Any]]:
    """The heights of all that is drawn for each of ten marks; lines run on to the edges."""
    drawn = [trace["y"] for chart in app.get("plotly_chart") for trace in json.loads(chart.proto.spec)["data"]]
    read = [np.frombuffer(base64.b64decode(one["bdata"]), one["dtype"]) if "bdata" in one else one for one in drawn]
    return [np.asarray(one, float)[-11:][:10] for one in read if len(one) in (10, 12)]
