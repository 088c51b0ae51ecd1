"""The segmenter on a tiny world with a planted sign."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.object_worlds import SIDE, object_world
from tests.training.worlds import world
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, CollectionError, ModelError, UnknownNameError
from urbanlens.explain.agreement import IGNORED, Agreement, count
from urbanlens.models import ModelCard, load_model
from urbanlens.progress import silent
from urbanlens.training.object_rows import frequent_objects, label_maps, labelled_images, object_names
from urbanlens.training.objects import HEAVIEST, class_weights, pixel_loss, train_objects, windows

SETTINGS = {"sizes": (32, 48), "epochs": (14, 4), "batch": 4, "seed": 1, "device": "cpu", "width": 8}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return object_world(tmp_path_factory.mktemp("worlds") / "signs", 80)


@pytest.fixture(scope="module")
def trained(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path]:
    folder = tmp_path_factory.mktemp("models") / "mine"
    return train_objects(collection, destination=folder, **SETTINGS), folder


def test_it_finds_the_planted_sign(trained: tuple[ModelCard, Path], collection: ImageCollection) -> None:
    card, folder = trained
    metrics = card.metrics
    assert card.classes == ("sky", "earth", "signboard")
    assert card.data["object_ids"] == [3, 14, 44]
    assert (card.task, card.size, card.data["fingerprint"]) == ("objects", 48, collection.fingerprint)
    assert metrics["iou"]["signboard"] > 0.7
    assert metrics["mean_iou"] > 0.7
    assert metrics["accuracy"] > 0.85 > 0.7 > metrics["base_rate"]
    assert metrics["interval"][0] <= metrics["accuracy"] <= metrics["interval"][1]
    assert metrics["mean_iou_interval"][0] <= metrics["mean_iou"] <= metrics["mean_iou_interval"][1]
    assert sum(metrics["share"].values()) == pytest.approx(1)
    assert metrics["images"] == (collection.table["split"].eq("test") & collection.labelled).sum()
    assert load_model(folder).card == card
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_killed_training_ends_with_the_same_weights(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    def kill(done: int, total: int, what: str) -> None:
        if what.startswith("epoch 15"):
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_objects(collection, destination=tmp_path / "mine", progress=kill, **SETTINGS)
    assert (tmp_path / ".mine.training" / "checkpoint.pt").is_file()
    card = train_objects(collection, destination=tmp_path / "mine", **SETTINGS)
    assert card.weights == trained[0].weights
    assert card.metrics == trained[0].metrics


def test_unlabelled_pixels_are_ignored() -> None:
    scores = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    truth = torch.randint(0, 3, (2, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    weights = torch.tensor([1.0, 2.0, 0.5])
    truth[:, :4] = IGNORED
    changed = scores.clone()
    changed[:, :, :4] += 5 * torch.randn(2, 3, 4, 8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(pixel_loss(scores, truth, weights), pixel_loss(changed, truth, weights))
    expected = torch.nn.functional.cross_entropy(scores[:, :, 4:], truth[:, 4:].long(), weights)
    assert pixel_loss(scores, truth, weights) == pytest.approx(expected.item())
    assert pixel_loss(scores, torch.full_like(truth, IGNORED), weights) == 0


def test_windows_move_labels_with_their_pixels_and_never_mirror() -> None:
    ramp = torch.linspace(0, 1, 64).expand(20, 3, 64, 64)
    labels = (ramp[:, 0] > 0.5).to(torch.uint8)
    images, maps = windows(ramp, labels, torch.Generator().manual_seed(0))
    assert images.diff(dim=-1).min() > -1e-5
    far = (images[:, 0] - 0.5).abs() > 0.02
    assert torch.equal(maps[far], (images[:, 0] > 0.5).to(torch.uint8)[far])
    again = windows(ramp, labels, torch.Generator().manual_seed(0))
    assert torch.equal(images, again[0])
    assert torch.equal(maps, again[1])
    assert len({tuple(row) for row in images[:, 0, 0].tolist()}) == 20


def test_rare_objects_weigh_more_up_to_a_cap() -> None:
    labels = torch.zeros(1, 100, 100, dtype=torch.uint8)
    labels[0, :4], labels[0, 4, 0], labels[0, 50:] = 1, 2, IGNORED
    weights = class_weights(labels, 3)
    assert weights[0] < weights[1] < weights[2] == HEAVIEST
    assert weights[1] / weights[0] == pytest.approx((4599 / 400) ** 0.5, rel=1e-3)


def test_which_images_and_objects_are_learnt(collection: ImageCollection, tmp_path: Path) -> None:
    extra = object_world(tmp_path / "more", 24, seed=5)
    rows, more = labelled_images(collection, None, 0), labelled_images(collection, extra, 0)
    table = collection.table
    for split in ("train", "val", "test"):
        expected = table["image_id"][table["split"].eq(split) & collection.labelled]
        assert [name for _, name in rows[split].images] == list(expected)
    theirs = (extra.table["split"].eq("train") & extra.labelled).sum()
    assert len(more["train"]) == len(rows["train"]) + theirs
    assert more["test"].images == rows["test"].images
    ids = frequent_objects(rows["train"], 1e-4)
    assert ids.tolist() == [3, 14, 44]
    assert frequent_objects(rows["train"], 0).tolist() == [3, 14, 44, 77]
    assert object_names([collection], np.array([3, 99])) == ("sky", "object 99")
    maps = label_maps(rows["train"], ids, SIDE, silent)
    own = collection.objects(rows["train"].images[0][1])
    assert own is not None
    assert maps.shape == (len(rows["train"]), SIDE, SIDE)
    assert torch.equal(maps[0] == 2, torch.from_numpy(own == 44))
    assert torch.equal(maps[0] == IGNORED, torch.from_numpy(~np.isin(own, ids)))


def test_what_cannot_be_learnt(collection: ImageCollection, tmp_path: Path) -> None:
    def train(**changes: object) -> None:
        given = {"collection": collection, "destination": tmp_path / "m"} | SETTINGS | changes
        train_objects(given.pop("collection"), **given)

    with pytest.raises(CollectionError, match="no pixel labels for train, val, test"):
        train(collection=world(tmp_path / "unlabelled", 12))
    with pytest.raises(CollectionError, match="objects cover"):
        frequent_objects(labelled_images(collection, None, 0)["train"], 0.6)
    for changes in ({"sizes": (32,)}, {"sizes": (8, 48)}, {"epochs": (1, 0)}, {"batch": 1}, {"depth": 3}):
        with pytest.raises(ModelError):
            train(**changes)
    with pytest.raises(UnknownNameError, match="segmenter"):
        train(architecture="resnet18")
    assert not (tmp_path / "m").exists()


def test_agreement_of_known_maps() -> None:
    truth = np.array([[0, 0, 1], [1, 2, IGNORED]])
    given = np.array([[0, 1, 1], [1, 0, 0]])
    result = Agreement.of(("a", "b", "c"), [count(truth, given, 3)] * 2)
    report = result.to_json()
    assert report["accuracy"] == pytest.approx(3 / 5)
    assert report["iou"] == pytest.approx({"a": 1 / 3, "b": 2 / 3, "c": 0})
    assert report["recall"] == pytest.approx({"a": 1 / 2, "b": 1, "c": 0})
    assert report["mean_iou"] == pytest.approx(1 / 3)
    assert report["base_rate"] == pytest.approx(2 / 5)
    assert report["interval"] == pytest.approx([3 / 5, 3 / 5])
    same = Agreement.of(("a", "b", "c"), [count(truth, truth, 3)])
    assert same.accuracy == same.mean_iou == 1


def test_a_class_of_one_image_does_not_push_the_interval_up() -> None:
    common, rare = np.array([[0, 0], [1, 1]]), np.array([[0, 0], [1, 2]])
    result = Agreement.of(("a", "b", "c"), [count(common, common, 3)] * 19 + [count(rare, common, 3)])
    low, high = result.interval()["mean_iou"]
    assert low <= result.mean_iou <= high < 0.7
