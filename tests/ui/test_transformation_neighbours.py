"""The view More labelled images, without the page round it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.embedding.city import small_city
from tests.embedding.towns import METRES_A_DEGREE, looks
from urbanlens.artifacts import ArtifactKey
from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.embedding import features as embedding
from urbanlens.embedding.joining import Agreement
from urbanlens.ui import caches, work
from urbanlens.ui.transformation_neighbours import hide, verdict
from urbanlens.ui.transformation_pairs import command

COUNT = 24


def _script() -> None:
    import os

    import streamlit as st

    from urbanlens.collection import ImageCollection
    from urbanlens.ui import transformation_neighbours
    from urbanlens.ui.page import Page

    here = Page("Transformations", ImageCollection.open(os.environ["TOWN"]))
    transformation_neighbours.show(here, None)
    st.write("drawn to the end")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Build a street of images 10 m apart, all alike, that has been embedded; and run the view on it."""
    caches._shelf().clear()

    def build(**columns: object) -> ImageCollection:
        root = tmp_path / "town"
        small_city(root, COUNT)
        table = pd.DataFrame(
            {"image_id": [f"p{i}" for i in range(COUNT)], "path": [f"images/p{i}.png" for i in range(COUNT)]}
        )
        east = np.arange(COUNT) * 10.0
        given = {"lat": 0.0, "lon": east / METRES_A_DEGREE, "city": ["West"] * 12 + ["East"] * 12, **columns}
        write_collection(root, table.assign(**given), title="Town", columns=Columns(labels=["city"]))
        collection = ImageCollection.open(root)
        store = embedding._store(collection, None)
        key: ArtifactKey = embedding._key(collection.fingerprint)
        with store.write(key, unreadable=[]) as folder:
            np.save(folder / embedding.FEATURES_FILE, looks(np.zeros(COUNT), 0.95))
        monkeypatch.setenv("TOWN", str(root))
        return collection

    return build


def run(**choices: str) -> AppTest:
    app = AppTest.from_function(_script, default_timeout=60)
    for name, value in choices.items():
        app.query_params[f"near-{name}"] = value
    app.session_state["urbanlens.kept"] = {f"near-{name}": value for name, value in choices.items()}
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    """The view once the neighbours are found, which may take longer than it waits for without a bar."""
    while app.get("progress"):
        assert all(job.finished.wait(60) for job in list(work._jobs().values()))
        app.run()
    assert not app.exception, app.exception
    assert app.markdown[-1].value == "drawn to the end"
    return app


def said(app: AppTest) -> str:
    texts = [*(one.value for one in app.markdown), *(one.value for one in app.info)]
    return " ".join([*texts, *(one.proto.body for one in app.get("html"))])


def shown(app: AppTest, name: str) -> dict[str, object]:
    """What a component of the page was given."""
    for one in app.get("bidi_component"):
        data = json.loads(one.proto.json)
        if data.get("label") == name:
            return dict(data)
    raise AssertionError(f"no component {name}")


def numbers(app: AppTest) -> str:
    return next(one.proto.body for one in app.get("html") if 'class="numbers"' in one.proto.body)


def test_images_join_their_neighbours_and_the_command_says_so(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["West", None] * 6 + ["East", None] * 6)
    app = run(within="11", alike="0.5")
    assert "<b>11</b><span>of these join" in numbers(app)  # between the last of the West and the first of the East
    assert "<b>1</b><span>left out: contradicting" in numbers(app)
    assert app.code[0].value == "python -m urbanlens train city COLLECTION --label city --neighbours 11 0.5"
    assert "Joining: East 6 · West 5." in said(app)
    assert not app.info


def test_hidden_labels_are_a_trial_that_is_judged_by_the_truth(town) -> None:  # type: ignore[no-untyped-def]
    town()
    app = run()
    assert "All images here have a label" in said(app) and not app.code
    settled(app.button(key="near-try").click().run())
    assert "A trial: the labels of 12 images are hidden" in said(app)
    assert "right, of those hidden" in numbers(app)
    assert app.code and "it hides none" in said(app)


def test_no_image_within_the_distance_says_how_far_the_nearest_is(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["West"] * 10 + ["East"] * 10 + [None] * 4, lon=[*(np.arange(20) * 1e-4), *(0.5 + np.arange(4) * 1e-4)])
    app = run()
    assert "No image within 30 m: none of the 4 without a label was taken so near to a labelled one" in said(app)
    assert "The nearest lies 55," in said(app)
    assert "<b>0</b><span>of these join" in numbers(app)


def test_nothing_alike_says_what_is_most_similar(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["West", None] * 6 + ["East", None] * 6)
    assert "but none looks alike to 0.99 (the most similar: 0.9" in said(run(alike="0.99"))


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"lat": None, "lon": None}, "None of these images has coordinates"),
        ({"city": None}, "No column gives these images different labels"),
        ({"city": "West"}, "No column gives these images different labels"),
    ],
)
def test_without_places_or_labels_the_view_says_what_is_missing(town, columns: dict[str, object], text: str) -> None:  # type: ignore[no-untyped-def]
    town(**columns)
    assert text in said(run())


def test_images_near_the_test_are_shown_and_not_learnt_from(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["West", None] * 6 + ["East", None] * 6, split=["train"] * 12 + ["test"] * 12)
    app = run(within="11", alike="0.5")
    assert "<b>12</b><span>of these join" in numbers(app)
    assert "<b>5</b><span>to learn from" in numbers(app)
    assert "Of those that join 7 are not learnt from" in said(app)


def test_pairs_are_shown_side_by_side_and_wrong_ones_framed(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["West", "East"] * 12)
    cards = shown(run(hidden="50", within="11", alike="0.5", show="wrong"), "Images and their neighbours")["cards"]
    assert cards
    for card in cards:  # type: ignore[attr-defined]
        own, neighbour = card["pictures"]
        assert card["frame"] and own["url"].startswith("data:image") and own["alt"] != neighbour["alt"]
        assert own["under"] == f"hidden: {'East' if neighbour['under'] == 'West' else 'West'}"
        assert card["title"] == f"joins {neighbour['under']}"


def test_labels_with_signs_stay_text(town) -> None:  # type: ignore[no-untyped-def]
    town(city=["<b>West</b>", None] * 6 + ["East", None] * 6)
    app = run(within="11", alike="0.5")
    assert "<b>West" not in said(app)


def test_hiding_more_labels_hides_the_same_ones_too() -> None:
    truth = np.where(np.arange(50) % 5, "a", "")
    few, many = hide(truth, 0.25), hide(truth, 0.5)
    assert (truth != few).sum() == 10 and (truth != many).sum() == 20
    assert (many[few != truth] == "").all()
    np.testing.assert_array_equal(few, hide(truth, 0.25))


def test_the_verdict_names_chance_and_warns_where_it_is_not_beaten() -> None:
    good, bad = Agreement(100, 80, 78, 2, 0.5, 0.4), Agreement(100, 80, 42, 2, 0.5, 0.4)
    assert "80 of 100 get a label, and 97.5 % of these their own (95 % interval 91.3 % to 99.3 %)" in verdict(good, "x")
    assert "right for 40.0 %, always the commonest for 50.0 %" in verdict(good, "x")
    assert "do not join" not in verdict(good, "x") and "not surely better than chance" in verdict(bad, "x")
    assert "none gets any label" in verdict(Agreement(9, 0, 0, 0, float("nan"), float("nan")), "x")


def test_the_command_survives_a_shell() -> None:
    assert shlex.split(command("kind of place", 30.0, 0.85))[-5:] == [
        "--label",
        "kind of place",
        "--neighbours",
        "30",
        "0.85",
    ]
