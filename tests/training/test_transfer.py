"""Learning the last blocks from what the frozen part saw, on a tiny world."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.worlds import world
from urbanlens.cli import main
from urbanlens.collection import ImageCollection
from urbanlens.engine import Engine
from urbanlens.errors import Cancelled, CollectionError, ModelError
from urbanlens.explain import explain_images
from urbanlens.models import ModelCard, build_model, load_model
from urbanlens.models.weights import round_weights
from urbanlens.progress import silent
from urbanlens.training import train_transfer, transfer
from urbanlens.training.recipes import recipe_of
from urbanlens.training.rows import labelled_rows

SETTINGS: dict[str, Any] = {"size": 64, "epochs": 12, "batch": 16, "seed": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return world(tmp_path_factory.mktemp("worlds") / "two-cities", 60)


@pytest.fixture(scope="module", autouse=True)
def few_views() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer.TransferTask.__init__, "__kwdefaults__",
                      {**transfer.TransferTask.__init__.__kwdefaults__, "views": 2})  # fmt: skip
        yield


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int]]:
    return []


@pytest.fixture(scope="module")
def trained(
    collection: ImageCollection, told: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[ModelCard, Path]:
    folder = tmp_path_factory.mktemp("models") / "mine"
    counting = lambda done, total, what: told.append((done, total))  # noqa: E731
    return train_transfer(collection, destination=folder, progress=counting, **SETTINGS), folder


def test_it_is_an_ordinary_model_that_learnt(trained: tuple[ModelCard, Path], collection: ImageCollection) -> None:
    card, folder = trained
    model = load_model(folder)
    assert (card.architecture, card.size, card.classes) == ("efficientnet_lite0", 64, ("Dark", "Light"))
    assert card.metrics["accuracy"] >= 0.8 > card.metrics["base_rate"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]
    name = next(name for name in collection.ids if collection.table["city"][collection.row(name)] == "Light")
    answer = explain_images(model, [collection.image(name)], None, engine=Engine("cpu"))
    assert model.classes[int(answer.targets[0])] == "Light"
    assert answer.maps.shape == (1, 2, 2)
    assert np.isfinite(answer.maps).all()


def test_only_the_last_blocks_change(trained: tuple[ModelCard, Path]) -> None:
    fresh = build_model("efficientnet_lite0", 2, seed=1, pretrained=True)
    round_weights(fresh)
    learnt = load_model(trained[1]).module.state_dict()
    for name, value in fresh.state_dict().items():
        parts = name.split(".")
        last = parts[0] in ("head", "classifier") or (parts[0] == "blocks" and int(parts[1]) >= transfer.FIRST)
        if not last or name.endswith("weight"):
            assert torch.equal(value, learnt[name]) is not last, name


def test_the_tail_on_what_was_seen_answers_as_the_whole_network(collection: ImageCollection) -> None:
    network = build_model("efficientnet_lite0", 2, seed=1, pretrained=True).eval()
    rows, device = labelled_rows(collection, "city").rows, torch.device("cpu")
    task = transfer.TransferTask(network, rows, 64, 1, 16, device, silent, recipe=recipe_of("quick"))
    task.look()
    task.module.eval()
    with torch.no_grad():
        expected = network(rows["val"].pixels(64, silent).float() / 255)
    # The frozen part is run in bfloat16.
    assert torch.allclose(task.scores("val", 64), expected, atol=0.1)
    assert all(not part.training for part in task.frozen.modules())
    images, labels = next(iter(task.batches(0, torch.Generator().manual_seed(0))))
    assert (images.shape, labels.shape) == ((16, 112, 4, 4), (16,))


def test_progress_only_rises_to_its_end(trained: tuple[ModelCard, Path], told: list[tuple[int, int]]) -> None:
    assert len({total for _, total in told}) == 1
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == told[0][1]


def test_the_views_of_many_images_are_fewer(collection: ImageCollection, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = labelled_rows(collection, "city").rows
    network = build_model("efficientnet_lite0", 2)

    def views(most: int, augmented: bool = True) -> int:
        monkeypatch.setattr(transfer, "MOST_BYTES", most)
        recipe = recipe_of("quick", augmented=augmented)
        return transfer.TransferTask(
            network, rows, 64, 1, 16, torch.device("cpu"), silent, recipe=recipe, views=5
        ).views  # fmt: skip

    one = len(rows["train"]) * 112 * 4 * 4 * 2
    assert [views(most) for most in (0, one, 3 * one, 99 * one)] == [1, 1, 3, 5]
    assert views(99 * one, augmented=False) == 1


@pytest.mark.parametrize("at", ["looking", "epoch 3"])
def test_a_killed_training_ends_with_the_same_weights(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path, at: str
) -> None:
    def kill(done: int, total: int, what: str) -> None:
        if what.startswith(at):
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_transfer(collection, destination=tmp_path / "mine", progress=kill, **SETTINGS)
    assert (tmp_path / ".mine.training" / "checkpoint.pt").is_file() is (at == "epoch 3")
    card = train_transfer(collection, destination=tmp_path / "mine", **SETTINGS)
    assert card.weights == trained[0].weights
    assert card.metrics == trained[0].metrics


def test_a_checkpoint_of_other_splits_is_not_gone_on_from(collection: ImageCollection) -> None:
    network = build_model("efficientnet_lite0", 2)
    told = []
    for group in (None, "image_id", None):
        rows = labelled_rows(collection, "city", group=group).rows
        told.append(transfer.TransferTask(network, rows, 64, 1, 16, torch.device("cpu"), silent).describe())
    assert told[0] == told[2] != told[1]


def test_what_makes_no_sense_is_refused(collection: ImageCollection, tmp_path: Path) -> None:
    for changes in ({"size": 16}, {"epochs": 0}, {"batch": 1}, {"recipe": "slow"}):
        with pytest.raises(ModelError):
            train_transfer(collection, destination=tmp_path / "m", **(SETTINGS | changes))
    with pytest.raises(CollectionError, match="Rome"):
        train_transfer(collection, destination=tmp_path / "m", classes=["Dark", "Rome"], **SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_was_left_out(
    collection: ImageCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "city", str(collection.root), "--transfer", "--out", str(tmp_path / "net"), "--json"]
    assert main([*words, "--classes", "Dark", "Light", "--sizes", "64", "--epochs", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["classes"], answer["left_out"]) == ("net", ["Dark", "Light"], {})
    assert answer["split_by"] == "by the table's column split"
    for more in (["--architecture", "vgg11"], ["--sizes", "64", "96"], ["--largest", "1"], ["--group", "walk"]):
        assert main([*words, *more]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
