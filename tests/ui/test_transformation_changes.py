"""The view What changed: its words follow from its numbers, and it draws from kept transformations."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.transformation.made import NAMES, shares_of, transformation
from urbanlens.artifacts import ArtifactStore
from urbanlens.chunks import keep_arrays
from urbanlens.demo import open_demo
from urbanlens.models.card import ModelCard
from urbanlens.transformation import record
from urbanlens.transformation.changes import MEAN_COLUMNS
from urbanlens.transformation.looks import LITE0, looks_key
from urbanlens.ui import transformation_known
from urbanlens.ui.transformation_changes import MOST, Shown, sentence, shown_of, verdict

WAYS = [("Hanamori", "Steelport"), ("Steelport", "Hanamori")]
NAN = float("nan")


def table_of(changes: dict[str, float], kind: str = "object", half: float = 0.01) -> pd.DataFrame:
    rows = pd.DataFrame({"what": list(changes), "change": list(changes.values())})
    return rows.assign(
        kind=kind, before=0.1, after=0.1 + rows["change"], low=rows["change"] - half, high=rows["change"] + half,
        rose=0.5, fell=0.5, images=30, direction="x", same=0.0, same_low=-half, same_high=half, other=NAN,
        other_low=NAN, other_high=NAN,
    )[list(MEAN_COLUMNS)]  # fmt: skip


def test_what_changed_most_is_shown_in_the_order_of_the_first_direction() -> None:
    there = {f"thing {number}": 0.01 * (number - 10) for number in range(20)}
    back = {name: -value for name, value in there.items()} | {"thing 10": 0.9}
    shown = shown_of({WAYS[0]: table_of(there), WAYS[1]: table_of(back)}, "object")
    assert len(shown.order) == MOST
    assert "thing 10" in shown.order, "it changed most in the other direction"
    assert [there[name] for name in shown.order] == sorted((there[name] for name in shown.order), reverse=True)
    assert shown.rows(WAYS[1])["what"].tolist() == list(shown.order)


def test_things_that_are_nowhere_are_not_shown_and_unknown_ones_neither() -> None:
    table = table_of({"sky": 0.1, "sea": 0.0, "boat": NAN})
    table.loc[table["what"] == "sea", ["before", "after"]] = 0
    assert shown_of({WAYS[0]: table}, "object").order == ("sky",)
    assert shown_of({WAYS[0]: table}, "attribute").order == ()


def test_units_and_titles_follow_the_kind() -> None:
    design = shown_of({WAYS[0]: table_of({"green": 0.1}, "design")}, "design")
    assert (design.titles["green"], design.unit, design.scale) == ("Green", "percentage points", 100)
    assert shown_of({WAYS[0]: table_of({"still_water": 0.1}, "attribute")}, "attribute").titles == {
        "still_water": "still water"
    }
    assert shown_of({WAYS[0]: table_of({"mean mark": 0.1}, "beauty")}, "beauty").unit == "marks"


def shown(changes: dict[str, float], **columns: Any) -> Shown:
    return Shown("object", {WAYS[0]: table_of(changes).assign(**columns)}, tuple(changes), {})


def test_a_sentence_names_what_clearly_rose_and_fell() -> None:
    told = sentence(shown({"sky": -0.2, "earth": 0.1, "road": 0.001, "tower": 0.3}), WAYS[0])
    assert told.startswith("Clearly rise: tower, earth; clearly fall: sky. Of 4 things, about 0.2")
    many = sentence(shown({f"thing {number}": 0.1 + number for number in range(7)}), WAYS[0])
    assert "thing 6, thing 5, thing 4, thing 3 and 3 more" in many
    assert sentence(shown({"sky": 0.001}), WAYS[0]).startswith("Nothing rises or falls clearly.")
    assert "too few pairs" in sentence(shown({"sky": 0.2}, low=NAN, high=NAN), WAYS[0])


def test_a_verdict_says_what_a_planted_object_did() -> None:
    assert verdict(True, True, True).startswith("found")
    assert "no more than" in verdict(True, True, False)
    assert verdict(True, False, False) == "rises, but not clearly"
    assert verdict(False, False, False).startswith("missed")


@pytest.fixture
def study(tmp_path: Path) -> SimpleNamespace:
    """24 transformations of demo images, kept in a store of their own."""
    demo, store, generator = open_demo(), ArtifactStore(tmp_path), np.random.default_rng(0)
    for start, target in WAYS:
        ids = demo.table.loc[demo.table["city"] == start, "image_id"].head(12)
        for number, name in enumerate(ids):
            first = shares_of(generator, 1)
            last = first.copy()
            last[:, NAMES.index("skyscraper")] += 0.1 if target == "Steelport" else -0.05
            found = transformation(str(name), start, target, shares=np.concatenate([first, last]), seed=number)
            key = record.transformation_key(
                demo.fingerprint, "weights", {}, found.source, target, found.settings
            )  # fmt: skip
            record.keep(store, key, found)
    card = ModelCard("generator", "generator", "generator", ("Hanamori", "Steelport"), 128, "city")
    return SimpleNamespace(
        card=card, collection=demo, store=store, finished=record.finished(store, demo.fingerprint, "weights"),
        network=SimpleNamespace(key="generator", folder=tmp_path),
    )  # fmt: skip


def app(here: object, study: object) -> None:
    from urbanlens.ui import transformation_changes

    transformation_changes.show(here, study)


def run(study: SimpleNamespace, **params: str) -> AppTest:
    demo = study.collection
    page = AppTest.from_function(app, kwargs={
        "here": SimpleNamespace(collection=demo, view=demo, selection=None), "study": study
    }, default_timeout=60)  # fmt: skip
    page.session_state["urbanlens.kept"] = params
    return page.run()


def texts(page: AppTest) -> str:
    kinds = ("subheader", "markdown", "info", "html", "latex", "expander")
    return "\n".join(str(getattr(item, "value", "") or item.proto) for kind in kinds for item in page.get(kind))


def opposite(study: SimpleNamespace) -> Any:
    """Each source's counterpart is an image of the other city."""
    table = study.collection.table
    others = {start: table.loc[table["city"] == target, "image_id"].tolist() for start, target in WAYS}
    return lambda _, found: [others[one.source_class][number] for number, one in enumerate(found)]


@pytest.mark.parametrize("kind", ["object", "design", "attribute", "beauty"])
def test_counterparts_are_shown_in_every_kind(
    study: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(transformation_known, "counterparts", opposite(study))
    page = run(study, counted=kind)
    assert not page.exception
    told = texts(page)
    assert r"Hanamori → Steelport: 12 pairs" in told and "Steelport → Hanamori: 12 pairs" in told
    assert len(page.get("plotly_chart")) == 2
    assert ("FaceLift" in told) == (kind == "design")
    assert ("Does what was planted rise?" in told) == (kind == "object")
    if kind == "object":
        assert "missed" not in told and told.count("found: rises") >= 3
    alone = run(study, counted=kind, direction="Hanamori→Steelport")
    assert len(alone.get("plotly_chart")) == 1


def test_the_nearest_natural_image_is_any_but_the_source(study: SimpleNamespace) -> None:
    demo = study.collection
    looks = np.random.default_rng(0).normal(0, 1, (len(demo), 4)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    told = [transformation(demo.ids[3], features=looks[[0, 3]]), transformation("gone", features=looks[[0, 3]])]
    assert transformation_known.counterparts(study, told) is None, "nobody has looked at the images yet"
    keep_arrays(study.store, looks_key(demo.fingerprint, LITE0), {"features": looks})
    nearest = transformation_known.counterparts(study, [*told, transformation(demo.ids[3])])
    others = np.delete(np.arange(len(demo)), 3)
    second = demo.ids[int(others[np.argmax(looks[others] @ looks[3])])]
    assert nearest == [second, demo.ids[3], None]


def test_templates_know_objects_and_urban_design_alone(study: SimpleNamespace) -> None:
    page = run(study, against="template")
    assert not page.exception
    assert len(page.get("plotly_chart")) == 2
    assert "Clearly rise: skyscraper" in texts(page)
    switch = next(one for one in page.get("button_group") if str(one.key).startswith("choice-counted-"))
    assert switch.options == ["Objects", "Urban design"]


def test_nothing_finished_or_broken_files_are_told(study: SimpleNamespace) -> None:
    (study.finished[0].folder / record.FRAMES_FILE).unlink()
    page = run(study, against="template")
    assert not page.exception
    assert "compute it again" in texts(page)
    study.finished = []
    page = run(study)
    assert not page.exception
    assert "no finished transformation" in page.info[0].value


def test_a_region_without_sources_says_so(study: SimpleNamespace) -> None:
    demo = study.collection
    nowhere = SimpleNamespace(collection=demo, view=demo.where(np.zeros(len(demo), bool)), selection=object())
    page = AppTest.from_function(app, kwargs={"here": nowhere, "study": study}, default_timeout=60).run()
    assert "selected region" in page.info[0].value
