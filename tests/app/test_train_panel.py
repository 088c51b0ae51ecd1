"""The panel that trains a network of a collection's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from urbanlens import training
from urbanlens.collection import Columns, ImageCollection, library, write_collection
from urbanlens.models import ModelCard
from urbanlens.progress import Progress
from urbanlens.training.rows import labelled_rows
from urbanlens.ui import train_panel, work

CITIES = {"Ayr": 12, "[Bath](x)": 10, "Cork": 8, "Deal": 3}


def _page() -> None:
    import os

    from urbanlens.collection import ImageCollection
    from urbanlens.ui import state
    from urbanlens.ui.train_panel import train_panel

    state.enter("test")
    train_panel(ImageCollection.open(os.environ["PANEL"]))


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageCollection:
    names = [f"{number}_{city[-1]}" for city, count in CITIES.items() for number in range(count)]
    (tmp_path / "town" / "images").mkdir(parents=True)
    for name in names:
        Image.new("RGB", (32, 32)).save(tmp_path / "town" / "images" / f"{name}.png")
    table = pd.DataFrame({"image_id": names, "path": [f"images/{name}.png" for name in names]})
    table["city"] = [city for city, count in CITIES.items() for _ in range(count)]
    table["season"] = ["summer" if number % 2 else "winter" for number in range(len(table))]
    table["source"] = names
    labels = ["season", "city", "source"]
    write_collection(tmp_path / "town", table, title="Town", columns=Columns(labels=labels))
    monkeypatch.setenv("PANEL", str(tmp_path / "town"))
    work._jobs().clear()
    return ImageCollection.open(tmp_path / "town")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The training itself is replaced: it writes a card alone."""
    asked: list[dict[str, Any]] = []

    def train(collection: ImageCollection, *, destination: Path, progress: Progress, **settings: Any) -> None:
        asked.append(settings)
        progress(1, 2, "learning")
        chosen = labelled_rows(collection, settings["label"], largest=settings["largest"])
        metrics = {"accuracy": 0.75, "interval": [0.5, 0.9], "images": 8, "base_rate": 0.4,
                   "recall": dict.fromkeys(chosen.classes, 0.7)}  # fmt: skip
        card = ModelCard(
            destination.name, "classes", "efficientnet_lite0", chosen.classes, 64, settings["label"],
            training={"seed": settings["seed"]}, metrics=metrics,
            data={"fingerprint": collection.fingerprint, **chosen.describe()},
        )  # fmt: skip
        destination.mkdir(parents=True, exist_ok=True)
        (destination / "model.json").write_text(card.to_json())

    monkeypatch.setattr(training, "train_transfer", train)
    return asked


def run(app: AppTest) -> AppTest:
    """The page once all work has ended."""
    for job in list(work._jobs().values()):
        assert job.finished.wait(20)
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return " ".join([*(part.value for part in app.markdown), *(part.proto.body for part in app.get("html"))])


def test_what_can_be_learnt(town: ImageCollection) -> None:
    found = train_panel.learnable(town)
    assert found == {"season": {"winter": 17, "summer": 16}, "city": {"Ayr": 12, "[Bath](x)": 10, "Cork": 8}}
    assert list(found["city"]) == ["Ayr", "[Bath](x)", "Cork"]


def test_choose_train_read_and_train_again(town: ImageCollection, asked: list[dict[str, Any]]) -> None:
    app = run(AppTest.from_function(_page))
    assert (app.selectbox[0].value, app.slider[0].value, app.slider[0].max) == ("city", 3, 3)
    assert "Ayr 12, [Bath](x) 10, Cork 8 images" in words(app)
    run(app.slider[0].set_value(2).run())
    assert "Cork" not in words(app)
    run(app.button(key="train-begin").click().run())
    assert asked == [{"label": "city", "largest": 2, "seed": 0}]
    assert [folder.name for folder in town.models] == ["city-2"]
    shown = words(app)
    assert "Right for 75% of 8 test photographs" in shown
    assert "50% to 90%" in shown
    assert "right for 40%. With" in shown
    assert "Right by class: Ayr 70%" in shown
    assert r"\[Bath\]\(x\)" in app.markdown[0].value
    assert "come from one series" in shown
    button = app.button(key="train-begin")
    assert button.label == "Train again with another seed (1)"
    run(button.click().run())
    assert asked[1]["seed"] == 1


def test_a_column_of_two_classes_needs_no_slider(town: ImageCollection, asked: list[dict[str, Any]]) -> None:
    app = run(AppTest.from_function(_page))
    run(app.selectbox[0].set_value("season").run())
    assert not app.slider
    run(app.button(key="train-begin").click().run())
    assert asked == [{"label": "season", "largest": 2, "seed": 0}]
    run(app.selectbox[0].set_value("city").run())
    assert app.slider[0].value == 3


def test_what_goes_wrong_is_told(town: ImageCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object, **settings: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(training, "train_transfer", fail)
    app = run(AppTest.from_function(_page))
    app.button(key="train-begin").click().run()
    if not app.warning:
        run(app)
    assert "the disk is full" in app.warning[0].value
    assert app.button(key="train-begin").label == "Train a network on these classes"


def test_left_out_classes_are_named(town: ImageCollection) -> None:
    chosen = labelled_rows(town, "city")
    card = ModelCard("m", "classes", "efficientnet_lite0", chosen.classes, 64, data=chosen.describe(),
                     metrics={"accuracy": 0.4, "interval": [0.2, 0.6], "images": 6, "base_rate": 0.4,
                              "recall": {"Ayr": 1.0, "[Bath](x)": 0.5, "Cork": 0.0}})  # fmt: skip
    assert "not surely better" in train_panel.summary(card)
    assert "counted alike it is right for 50%; guessing would be for 33%" in train_panel.summary(card)
    assert card.data["left_out"] == {"Deal": {"images": 3, "why": "fewer than 6"}}


def test_not_for_the_demo_nor_without_labels(town: ImageCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(library, "SHIPPED", town.root.parent)
        app = run(AppTest.from_function(_page))
        assert not app.button and not words(app)
    table = town.table.assign(city=None, season=None)
    write_collection(town.root, table, title="Town", columns=Columns(labels=["source"]))
    app = run(AppTest.from_function(_page))
    assert not app.button
    assert "at least two names have 6 photographs" in words(app)


@pytest.mark.parametrize(
    ("label", "name"), [("city", "city-4"), ("City", "city-"), ("城 市", "城-市-"), ("../x", "x-")]
)
def test_the_folder_of_a_network_lies_in_models(label: str, name: str) -> None:
    folder = train_panel.model_name(label, 4)
    assert folder.startswith(name) and folder.endswith("-4") and "/" not in folder
