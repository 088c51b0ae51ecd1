"""The city classifier on a tiny world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.worlds import world
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, CollectionError, ModelError, UnknownNameError
from urbanlens.models import ModelCard, load_model
from urbanlens.progress import silent
from urbanlens.training import train_city
from urbanlens.training.city import ClassifierTask
from urbanlens.training.recipes import recipe_of
from urbanlens.training.rows import labelled_rows

ARCHITECTURE = "efficientnet_lite0"
SETTINGS = {"sizes": (32, 48), "epochs": (3, 1), "batch": 8, "seed": 1, "device": "cpu", "architecture": ARCHITECTURE}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return world(tmp_path_factory.mktemp("worlds") / "two-cities", 90)


@pytest.fixture(scope="module")
def trained(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path]:
    folder = tmp_path_factory.mktemp("models") / "mine"
    return train_city(collection, destination=folder, **SETTINGS), folder


def test_what_is_written(trained: tuple[ModelCard, Path], collection: ImageCollection) -> None:
    card, folder = trained
    loaded = load_model(folder)
    assert loaded.card.metrics == card.metrics
    assert (card.classes, card.size, card.label, card.name) == (("Dark", "Light"), 48, "city", "mine")
    assert card.data["fingerprint"] == collection.fingerprint
    assert len(card.training["history"]) == 4
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]


def test_the_metrics_are_those_of_the_shipped_weights(
    trained: tuple[ModelCard, Path], collection: ImageCollection
) -> None:
    metrics, model = trained[0].metrics, load_model(trained[1])
    table = collection.table
    test = table[(table["split"] == "test") & table["city"].notna()]
    with torch.no_grad():
        pixels = torch.stack([model.transform(collection.image(name)) for name in test["image_id"]])
        answers = np.array(model.classes)[model.module(pixels).argmax(1).numpy()]
    right = answers == test["city"].to_numpy()
    assert metrics["images"] == len(test) == np.sum(metrics["confusion"])
    assert metrics["accuracy"] == pytest.approx(right.mean())
    assert metrics["interval"][0] <= metrics["accuracy"] <= metrics["interval"][1]
    assert metrics["marked"]["images"] + metrics["unmarked"]["images"] == len(test)
    assert metrics["marked"]["accuracy"] == pytest.approx(right[test["mark"].to_numpy()].mean())
    assert 0.5 <= metrics["base_rate"] < 1


def test_images_are_changed_only_when_asked_for(collection: ImageCollection) -> None:
    rows = labelled_rows(collection, "city").rows
    batches = {}
    for augmented in (False, True):
        recipe = recipe_of("quick", augmented=augmented)
        task = ClassifierTask(torch.nn.Identity(), rows, [40], [1], 8, torch.device("cpu"), silent, recipe=recipe)
        batches[augmented] = next(iter(task.batches(0, torch.Generator().manual_seed(0))))
    order = torch.randperm(len(rows["train"]), generator=torch.Generator().manual_seed(0))[:8]
    shown = rows["train"].pixels(40, silent)[order].float() / 255
    assert torch.equal(batches[False][0], shown)
    assert not torch.allclose(batches[True][0], shown, atol=0.01)
    assert torch.equal(batches[False][1], batches[True][1])


def test_a_killed_training_ends_with_the_same_weights(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    steps = -1

    def kill(done: int, total: int, what: str) -> None:
        nonlocal steps
        steps += what.startswith("epoch 3")
        if steps == 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_city(collection, destination=tmp_path / "mine", progress=kill, **SETTINGS)
    assert (tmp_path / ".mine.training" / "checkpoint.pt").is_file()
    card = train_city(collection, destination=tmp_path / "mine", **SETTINGS)
    assert card.weights == trained[0].weights
    assert card.metrics == trained[0].metrics


def test_rows(collection: ImageCollection, tmp_path: Path) -> None:
    """Rows without a label are left out; extra ones train only where their own split says so."""
    extra = world(tmp_path / "more", 30, seed=9)
    chosen = labelled_rows(collection, "city")
    classes, rows, marked = chosen.classes, chosen.rows, chosen.marked
    more = labelled_rows(collection, "city", extra).rows
    table = collection.table
    for split in ("train", "val", "test"):
        expected = table[(table["split"] == split) & table["city"].notna()]
        assert [name for _, name in rows[split].images] == list(expected["image_id"])
        assert [classes[label] for label in rows[split].labels] == list(expected["city"])
    assert marked is not None
    assert len(marked) == len(rows["test"])
    theirs = extra.table["city"].notna() & extra.table["split"].eq("train")
    assert len(more["train"]) == len(rows["train"]) + theirs.sum()
    assert more["test"].images == rows["test"].images
    assert rows["val"].pixels(32, lambda *told: None).shape == (len(rows["val"]), 3, 32, 32)


def test_without_a_split_column_places_are_split(tmp_path: Path) -> None:
    open_world = world(tmp_path / "world", 90, split=None)
    rows = labelled_rows(open_world, "city").rows
    ids = [{name for _, name in part.images} for part in rows.values()]
    assert sum(map(len, ids)) == len(set().union(*ids)) == open_world.table["city"].notna().sum()


def test_what_cannot_be_learnt(collection: ImageCollection, tmp_path: Path) -> None:
    def train(**changes: object) -> None:
        train_city(collection, **({"destination": tmp_path / "m"} | SETTINGS | changes))

    with pytest.raises(CollectionError, match="city"):
        train(label="cities")
    with pytest.raises(CollectionError, match="at least two"):
        labelled_rows(collection.where(collection.table["city"].eq("Dark").to_numpy()), "city")
    with pytest.raises(CollectionError, match="none for test"):
        labelled_rows(collection.where(collection.table["split"].ne("test").to_numpy()), "city")
    for changes in ({"sizes": (32,)}, {"sizes": (8, 48)}, {"epochs": (1, 0)}, {"batch": 1}, {"width": 3}):
        with pytest.raises(ModelError):
            train(**changes)
    with pytest.raises(UnknownNameError):
        train(architecture="resnet")
    assert list(tmp_path.iterdir()) == []
