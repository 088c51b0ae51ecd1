"""Networks of beauty on a tiny world whose votes follow a known rule: the greener, the better."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.training.beauty_worlds import green_world
from urbanlens.aesthetics.control import kept_random_network_intensity
from urbanlens.aesthetics.metrics import spearman
from urbanlens.aesthetics.readings import kept_readings, maps_key, read_collection
from urbanlens.artifacts import ArtifactStore
from urbanlens.cli import main
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES, MARKS, votes_of
from urbanlens.errors import Cancelled, CollectionError, ModelError, UnknownNameError
from urbanlens.explain.collection_maps import test_rows as rows_to_test
from urbanlens.explain.collection_objects import kept_counts
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.aesthetics import Aesthete, MarksAndTags
from urbanlens.models.weights import round_weights
from urbanlens.training import aesthetics
from urbanlens.training.aesthetic_rows import opinions
from urbanlens.training.aesthetic_tasks import (
    EXTREME,
    SAMPLINGS,
    TAG_SHARE,
    AestheticTask,
    HighLowTask,
    MarksTask,
    drawing_weights,
    emd,
    means_of,
    tag_loss,
)
from urbanlens.training.aesthetics import IMAGENET, PAPER, AestheticScheme, train_aesthetics
from urbanlens.training.fit import MOMENTUM, FitSettings, fit

pytestmark = [
    pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
]  # fmt: skip
SHAPE: dict[str, Any] = {
    "backbone": "simple",
    "layer": "convolutions.2",
    "normalized": True,
    "device": "cpu",
    "seed": 1,
}
WAYS: dict[str, dict[str, Any]] = {
    "marks_and_tags": {**SHAPE, "architecture": "marks_and_tags", "options": {"dropout": 0.1}},
    "high_low": {**SHAPE, "architecture": "high_low", "options": {"pool": 2, "hidden": 0, "dropout": 0.1}},
}
SCHEME = AestheticScheme(epochs=25, batch=8, learning_rate=1e-2, weight_decay=0.01, size=32, views=2)
QUICK = replace(SCHEME, epochs=2)
BOTH = pytest.mark.parametrize("name", WAYS)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return green_world(tmp_path_factory.mktemp("worlds") / "green")


@pytest.fixture(scope="module")
def trained(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a network that has learnt, by its architecture; trained once."""
    folder = tmp_path_factory.mktemp("models")

    def train(name: str) -> Path:
        if not (folder / name).exists():
            train_aesthetics(collection, destination=folder / name, scheme=SCHEME, **WAYS[name])
        return folder / name

    return train


def voted_test_rows(collection: ImageCollection) -> np.ndarray:
    """Of those with votes."""
    return collection.table["split"].eq("test").to_numpy() & votes_of(collection).known


@BOTH
def test_the_planted_rule_is_learnt(
    name: str, collection: ImageCollection, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = trained(name)
    card, metrics = ModelCard.read(folder), ModelCard.read(folder).metrics
    assert metrics["balanced_accuracy"] > 0.8
    assert metrics["base_rate"] < 0.75
    assert metrics["images"] == voted_test_rows(collection).sum()
    found = read_collection(collection, load_model(folder), store=ArtifactStore(tmp_path))
    test, votes = voted_test_rows(collection), votes_of(collection)
    assert spearman(votes.mean[test], found.mean[test]) > 0.7
    assert spearman(collection.table["green"].to_numpy()[test], found.mean[test]) > 0.7
    if name == "marks_and_tags":
        assert metrics["spearman"] == pytest.approx(spearman(votes.mean[test], found.mean[test]), abs=0.02)
        assert metrics["spearman_interval"][0] > 0.5
        assert metrics["emd_ratio_interval"][1] < 0.9
        assert (metrics["tags"]["green"] + metrics["tags"]["grey"]) / 2 > 0.8
        assert np.abs(found.mean - votes.mean)[test].mean() < np.abs(votes.mean - np.nanmean(votes.mean))[test].mean()
    assert json.loads(card.to_json())["metrics"].keys() == metrics.keys()


@BOTH
def test_what_the_card_says(name: str, collection: ImageCollection, trained: Callable[[str], Path]) -> None:
    card, votes = ModelCard.read(trained(name)), votes_of(collection)
    tags = ("grey", "green") if card.classes[10:] == ("grey", "green") else ("green", "grey")
    assert card.classes == (HIGH_LOW if name == "high_low" else (*MARK_NAMES, *tags))
    assert (card.name, card.task, card.architecture, card.size) == (name, "aesthetics", name, 32)
    assert (card.label, card.layers) == ("votes.mean", ("trunk",))
    assert card.options == {
        "backbone": "simple", "layer": "convolutions.2", "normalized": True, "options": None,
        **({"max_pooled": False} if name == "high_low" else {}), **WAYS[name]["options"],
    }  # fmt: skip
    training, data = card.training, card.data
    assert training["start"] == "from scratch: the trunk is as chance made it"
    assert (training["frozen"], training["views"], training["sampling"]) == ("trunk", 2, "class")
    assert (training["optimizer"], training["batch"], len(training["history"])) == ("adam", 8, 25)
    split = collection.table["split"]
    assert data["images"] == {part: int((votes.known & (split == part)).sum()) for part in ("train", "val", "test")}
    assert data["without_votes"] == 6
    assert data["faults"] == []
    assert data["split_by"] == "by the table's column split"
    assert data["fingerprint"] == collection.fingerprint
    if name == "high_low":
        assert data["tags"] == {}
    else:
        assert list(data["tags"]) == list(tags)
        assert sum(data["tags"].values()) == data["images"]["train"]
        assert data["tags_left_out"] == {"rare": 3}
    assert sum(data["mean_marks"]["counts"]) == data["images"]["train"]
    assert (data["mean_marks"]["edges"][0], data["mean_marks"]["edges"][-1]) == (1, 10)
    assert [path.name for path in trained(name).parent.iterdir() if path.name.startswith(".")] == []


@BOTH
def test_the_trunk_stays_as_chance_made_it(name: str, trained: Callable[[str], Path]) -> None:
    card, module = ModelCard.read(trained(name)), load_model(trained(name)).module
    fresh = build_model(name, len(card.classes), task="aesthetics", seed=1, **card.options)
    round_weights(fresh)
    before, after = fresh.trunk.state_dict(), module.trunk.state_dict()
    assert all(torch.equal(value, before[key]) for key, value in after.items())
    changed = [not torch.equal(value, fresh.head.state_dict()[key]) for key, value in module.head.state_dict().items()]
    assert all(changed)


@BOTH
def test_the_same_seed_gives_the_same_network(name: str, collection: ImageCollection, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, again, other = (
        train_aesthetics(collection, destination=tmp_path / folder, scheme=QUICK, **{**WAYS[name], "seed": seed})
        for folder, seed in (("first", 4), ("again", 4), ("other", 5))
    )
    assert torch.equal(torch.rand(4), expected)
    assert first.weights["sha256"] == again.weights["sha256"] != other.weights["sha256"]
    assert first.metrics == again.metrics
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "first", "other"]


@pytest.fixture(scope="module")
def in_parts(
    collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], ModelCard]]:
    """The card of a network whose trunk looked at 16 images at a time, by its architecture; trained once."""
    folder, cards = tmp_path_factory.mktemp("parts"), {}

    def train(name: str) -> ModelCard:
        if name not in cards:
            cards[name] = train_aesthetics(collection, destination=folder / name, scheme=QUICK, **WAYS[name])
        return cards[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aesthetics, "LOOK", 16)
        yield train


def stopped_at(which: str, after: int) -> Callable[[int, int, str], None]:
    """Stops at the so-manieth note of the look, or of the learning."""
    calls = 0

    def stop(done: int, total: int, what: str) -> None:
        nonlocal calls
        calls += what.startswith(which)
        if calls == after:
            raise Cancelled("stop")

    return stop


@BOTH
@pytest.mark.parametrize(
    ("which", "after"), [("looking", 1), ("looking", 3), ("looking", 6), ("epoch", 1), ("epoch", 9), ("judging", 1)]
)
def test_a_killed_training_ends_with_the_same_weights(
    name: str, which: str, after: int, collection: ImageCollection, in_parts: Callable[[str], ModelCard],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    whole = in_parts(name)
    with pytest.raises(Cancelled):
        train_aesthetics(
            collection, destination=tmp_path / "mine", scheme=QUICK, progress=stopped_at(which, after), **WAYS[name]
        )
    assert not (tmp_path / "mine").exists()
    seen: list[range] = []
    see = aesthetics.Look._part
    monkeypatch.setattr(aesthetics.Look, "_part", lambda self, *given: seen.append(given[-1]) or see(self, *given))
    card = train_aesthetics(collection, destination=tmp_path / "mine", scheme=QUICK, **WAYS[name])
    assert card.weights == whole.weights
    assert card.metrics == whole.metrics
    assert card.training["history"] == whole.training["history"]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    # 48 training images in three parts and 18 for validation in two: what was seen is not looked at again.
    assert len(seen) == {("looking", 1): 5, ("looking", 3): 3, ("looking", 6): 1}.get((which, after), 0)


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"normalized": False}, {"scheme": replace(QUICK, size=40)},
                {"scheme": replace(QUICK, sampling="score")}], ids=["seed", "normalized", "size", "sampling"],
)  # fmt: skip
def test_what_a_killed_training_left_is_not_used_for_another(
    changes: dict[str, Any], collection: ImageCollection, tmp_path: Path
) -> None:
    given = {"scheme": QUICK, **WAYS["marks_and_tags"]}
    with pytest.raises(Cancelled):
        train_aesthetics(collection, destination=tmp_path / "mine", progress=stopped_at("epoch", 8), **given)
    given |= changes
    after, fresh = (train_aesthetics(collection, destination=tmp_path / name, **given) for name in ("mine", "other"))
    assert after.weights == fresh.weights


def test_nor_for_other_pictures_of_the_same_names(tmp_path: Path) -> None:
    """Such as a collection that was drawn anew, with the same votes."""
    one = green_world(tmp_path / "one", 60, seed=1)
    other = green_world(tmp_path / "two", 60, seed=2, image_id=one.ids, votes=list(one.table["votes"]),
                        tags=list(one.table["tags"]))  # fmt: skip
    assert one.ids == other.ids
    given = {"scheme": QUICK, **WAYS["marks_and_tags"]}
    with pytest.raises(Cancelled):
        train_aesthetics(one, destination=tmp_path / "m" / "mine", progress=stopped_at("epoch", 8), **given)
    after, fresh = (train_aesthetics(other, destination=tmp_path / "m" / name, **given) for name in ("mine", "fresh"))
    assert after.weights == fresh.weights


def test_packaged_weights_are_a_trunk(collection: ImageCollection, tmp_path: Path) -> None:
    """ImageNet's, without a network; frozen, and rounded as they are shipped."""
    given = {**WAYS["marks_and_tags"], "backbone": "efficientnet_lite0", "layer": "blocks.4"}
    card = train_aesthetics(collection, destination=tmp_path / "mine", start=IMAGENET, scheme=SCHEME, **given)
    assert card.training["start"] == "ImageNet (efficientnet_lite0, packaged)"
    assert card.metrics["spearman"] > 0.7
    module, whole = load_model(tmp_path / "mine").module, build_model("efficientnet_lite0", 1000, pretrained=True)
    kernel = whole.get_parameter("blocks.4.expand.0.weight")
    assert isinstance(module, Aesthete)
    assert torch.equal(module.trunk.get_parameter("6.expand.0.weight"), kernel.half().float())
    assert card.options["options"] is None
    # Weights that are asked for by an option are the same, and are not loaded again.
    again = train_aesthetics(
        collection, destination=tmp_path / "again", scheme=QUICK,
        **{**given, "options": {"options": {"pretrained": True}}},
    )  # fmt: skip
    assert again.options["options"] is None
    assert torch.equal(load_model(tmp_path / "again").module.trunk.get_parameter("6.expand.0.weight"),
                       kernel.half().float())  # fmt: skip


def test_published_weights_are_a_trunk(
    collection: ImageCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they would be fetched; where they cannot be, it is told and nothing is written."""
    network = build_model("mobilenet_v2", 1000, seed=9)
    asked: list[str] = []
    monkeypatch.setattr(
        aesthetics, "published_weights", lambda name, folder, progress: asked.append(name) or network.state_dict()
    )
    given = {
        **WAYS["marks_and_tags"],
        "architecture": "mobilenet_v2_aesthetic",
        "layer": "features.6",
        "backbone": None,
    }
    card = train_aesthetics(collection, destination=tmp_path / "mine", start=IMAGENET, scheme=QUICK, **given)
    assert asked == ["mobilenet_v2"]
    assert card.training["start"] == "ImageNet (mobilenet_v2, torchvision)"
    kernel = load_model(tmp_path / "mine").module.trunk.get_parameter("7.conv.0.0.weight")
    assert torch.equal(kernel, network.get_parameter("features.6.conv.0.0.weight").half().float())
    monkeypatch.undo()
    with pytest.raises(ModelError, match="no ImageNet weights are published for simple"):
        train_aesthetics(
            collection, destination=tmp_path / "other", start=IMAGENET, scheme=QUICK, **WAYS["marks_and_tags"]
        )
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def classifier(folder: Path, architecture: str = "simple", **options: Any) -> Path:
    module = build_model(architecture, 2, seed=5, **options)
    save_model(module, ModelCard(folder.name, "classes", architecture, ("a", "b"), 32, options=options), folder)
    return folder


@BOTH
@pytest.mark.parametrize("layer", [None, "convolutions.1"])
def test_a_city_classifier_is_a_trunk(
    name: str, layer: str | None, collection: ImageCollection, tmp_path: Path
) -> None:
    """With options of its own, which the card keeps."""
    start = classifier(tmp_path / "cities", batch_norm=True, size=32, hidden=8)
    options = {**WAYS[name]["options"], "options": {"batch_norm": True}}
    given = {**WAYS[name], "layer": layer, "options": options}
    card = train_aesthetics(collection, destination=tmp_path / "mine", scheme=QUICK, start=start, **given)
    known = load_model(start)
    assert card.training["start"] == f"cities {known.weights_digest[:12]}"
    assert card.options["options"] == {"batch_norm": True}
    module = load_model(tmp_path / "mine").module
    number = 3 if layer is None else 1
    kernel = module.trunk.get_parameter(f"{1 + 2 * number}.0.weight")
    assert torch.equal(kernel, known.module.get_parameter(f"convolutions.{number}.0.weight"))
    assert len(module.trunk) == 2 + 2 * number


def test_networks_that_cannot_be_begun_from(
    collection: ImageCollection, trained: Callable[[str], Path], tmp_path: Path
) -> None:
    def train(start: Path, message: str, **changes: Any) -> None:
        given = {**WAYS["high_low"], **changes}
        with pytest.raises(ModelError, match=message):
            train_aesthetics(collection, destination=tmp_path / "m" / "mine", scheme=QUICK, start=start, **given)

    train(classifier(tmp_path / "cities", "resnet18"), r"cities \(resnet18\) does not fit: its trunk must be that of s")
    train(classifier(tmp_path / "normed", batch_norm=True, size=32, hidden=8), r"normed \(simple\) does not fit")
    train(classifier(tmp_path / "simpler", "simpler", size=32, hidden=8), r"simpler \(simpler\) does not fit")
    options = {"backbone": "simple", "layer": "convolutions.0", "map_size": 8}
    module = build_model("siam", 2, task="attributes", seed=0, crop=6, **options)
    card = ModelCard("siam", "attributes", "siam", ("sea", "road"), 32, options={**options, "crop": 6})
    save_model(module, card, tmp_path / "siam")
    train(tmp_path / "siam", r"siam \(siam\) does not fit: its trunk must be that of simple", layer=None)
    train(tmp_path / "siam", r"siam \(siam\) does not fit")
    train(trained("marks_and_tags"), r"marks_and_tags \(marks_and_tags\) does not fit")
    train(tmp_path / "nowhere", "model.json")
    other = {"backbone": "vgg16", "layer": None, "options": {"pool": 1, "hidden": 0, "options": {"batch_norm": True}}}
    with pytest.MonkeyPatch.context() as patch:
        weights = build_model("vgg16", 1000, hidden=4, pool=1).state_dict()
        build = aesthetics.build_model
        patch.setattr(aesthetics, "published_weights", lambda *_given, **_named: weights)
        patch.setattr(
            aesthetics, "build_model",
            lambda *one, **two: build(*one, **two) if one[0] != "vgg16" else build(*one, hidden=4, pool=1, **two),
        )  # fmt: skip
        train(Path(IMAGENET), r"ImageNet \(vgg16, torchvision\) does not fit: .* with the same options", **other)
    assert not (tmp_path / "m").exists()


def test_the_papers_recipe(collection: ImageCollection, tmp_path: Path) -> None:
    high_low, marks = PAPER["high_low"], PAPER["marks_and_tags"]
    assert (high_low.optimizer, high_low.weight_decay, marks.optimizer) == ("sgd", 0, "adam")
    scheme = replace(high_low, epochs=25, batch=8, size=32, views=2, learning_rate=0.02)
    card = train_aesthetics(collection, destination=tmp_path / "mine", scheme=scheme, **WAYS["high_low"])
    assert card.training["optimizer"] == "sgd"
    assert card.metrics["balanced_accuracy"] > 0.75


def test_sgd_steps_by_hand() -> None:
    """Momentum of 0.9, and no other state."""

    class Line:
        module = nn.Linear(1, 1, bias=False)

        def describe(self) -> dict[str, Any]:
            return {}

        def steps(self, epoch: int) -> int:
            return 3

        def batches(self, epoch: int, generator: torch.Generator) -> list[Tensor]:
            return [torch.ones(1, 1)] * 3

        def loss(self, batch: Tensor) -> Tensor:
            with torch.autocast("cpu", enabled=False):
                return 2 * self.module(batch).sum()

        def validate(self, epoch: int) -> dict[str, float]:
            return {"score": 0.0}

        def may_win(self, epoch: int) -> bool:
            return True

    task = Line()
    nn.init.zeros_(task.module.weight)
    fit(task, FitSettings(1, 0.1, 0.0, warm_up=0.0, schedule="step", optimizer="sgd"))
    speed = place = 0.0
    for _ in range(3):
        speed = MOMENTUM * speed + 2
        place -= 0.1 * speed
    assert task.module.weight.item() == pytest.approx(place)


def test_more_images_join_the_training_alone(collection: ImageCollection, tmp_path: Path) -> None:
    extra = green_world(tmp_path / "more", 30, seed=9)
    own, both = (opinions(collection, more, None, 0, least_tagged=10) for more in (None, extra))
    known = votes_of(extra).known & extra.table["split"].eq("train").to_numpy()
    assert len(both.rows["train"]) == len(own.rows["train"]) + known.sum()
    for split in ("val", "test"):
        assert both.rows[split].images == own.rows[split].images
    assert both.tags == own.tags
    labels = both.rows["train"].labels
    assert torch.allclose(labels[:, :10].sum(1), torch.ones(len(labels)), atol=1e-6)
    assert torch.allclose(labels[:, 10:].sum(1), torch.ones(len(labels)), atol=1e-6)
    card = train_aesthetics(
        collection, destination=tmp_path / "m" / "mine", scheme=QUICK, extra=extra, **WAYS["marks_and_tags"]
    )
    assert card.data["images"]["train"] == len(labels)
    assert card.data["extra"] == extra.fingerprint
    voteless = green_world(tmp_path / "voteless", 8, seed=3, votes=None)
    with pytest.raises(CollectionError, match="voteless has no votes"):
        opinions(collection, voteless, None, 0, least_tagged=None)


def test_labels_are_the_votes_and_the_tags(collection: ImageCollection) -> None:
    told, votes = opinions(collection, None, None, 0, least_tagged=10), votes_of(collection)
    assert set(told.tags) == {"green", "grey"}
    for split, rows in told.rows.items():
        places = np.flatnonzero(collection.table["split"].eq(split) & votes.known)
        expected = [collection.ids[place] for place in places]
        assert [name for _, name in rows.images] == expected
        assert np.allclose(rows.labels[:, :10], votes.shares[places])
        assert np.allclose(rows.labels[:, :10].numpy() @ MARKS, votes.mean[places], atol=1e-5)
        for row, place in enumerate(places):
            tag = collection.table["tags"].iat[place][0]
            assert rows.labels[row, 10 + told.tags.index(tag)] == 1


def test_tags_of_few_images_are_left_out(collection: ImageCollection) -> None:
    assert set(opinions(collection, None, None, 0, least_tagged=1).tags) == {"green", "grey", "rare"}
    assert opinions(collection, None, None, 0, least_tagged=1000).tags == ()
    told = opinions(collection, None, None, 0, least_tagged=None)
    assert told.tags == ()
    assert told.rows["train"].labels.shape[1] == 10


def test_a_network_without_tags(tmp_path: Path) -> None:
    world = green_world(tmp_path / "green", 60, tags=None)
    card = train_aesthetics(world, destination=tmp_path / "mine", scheme=QUICK, **WAYS["marks_and_tags"])
    assert card.classes == MARK_NAMES
    assert card.data["tags"] == card.data["tags_left_out"] == {}
    assert "tags" not in card.metrics
    assert load_model(tmp_path / "mine").module(torch.rand(1, 3, 32, 32)).shape == (1, 10)


@pytest.mark.parametrize("name", ["mark 3", "high", "low"])
def test_tags_that_are_called_as_the_networks_own_answers(name: str, tmp_path: Path) -> None:
    world = green_world(tmp_path / "green", 40, tags=[[name]] * 40)
    with pytest.raises(CollectionError, match=f"has a tag named '{name}', .* rename it"):
        train_aesthetics(world, destination=tmp_path / "m" / "mine", scheme=QUICK, **WAYS["marks_and_tags"])
    assert not (tmp_path / "m").exists()


def test_images_are_shared_out_where_the_table_does_not(tmp_path: Path) -> None:
    world = green_world(tmp_path / "green", 90, split=None, street=[f"s{number // 6}" for number in range(90)])
    card = train_aesthetics(world, destination=tmp_path / "mine", scheme=QUICK, group="street", **WAYS["high_low"])
    assert "equal street (90 images)" in card.data["split_by"]
    test = rows_to_test(world, card)
    streets = np.array(world.table["street"])
    assert 0 < test.sum() < 45
    assert not set(streets[test]) & set(streets[~test])
    assert card.metrics["images"] == (test & votes_of(world).known).sum()


def test_a_table_without_images_for_validation(tmp_path: Path) -> None:
    """A tenth of the training images is taken for it, by their names; a test image never."""
    world = green_world(tmp_path / "green", 60, split=["train"] * 45 + ["test"] * 15)
    told = opinions(world, None, None, 0, least_tagged=None)
    again = opinions(world, None, None, 7, least_tagged=None)
    names = {split: [name for _, name in rows.images] for split, rows in told.rows.items()}
    assert set(names["test"]) <= set(world.ids[45:])
    assert not set(names["val"]) & (set(names["train"]) | set(names["test"]))
    assert 2 <= len(names["val"]) <= 4
    assert names["val"] == [name for _, name in again.rows["val"].images]


def test_too_few_votes_are_told_with_what_is_wrong(tmp_path: Path) -> None:
    def train(world: ImageCollection, message: str, name: str = "marks_and_tags") -> None:
        with pytest.raises(CollectionError, match=message):
            train_aesthetics(world, destination=tmp_path / "m" / "mine", scheme=QUICK, **WAYS[name])

    train(green_world(tmp_path / "none", 40, votes=None), "none has no votes: its table needs a column `votes`")
    train(
        green_world(tmp_path / "zero", 40, votes=[[0] * 10] * 40),
        r"zero has too few images with votes: 0 for .* row 1 \(green-0-000\): .* all 0: nobody voted; .*and 37 more",
    )
    train(green_world(tmp_path / "nine", 40, votes=[[1] * 9] * 40), r"row 1 \(green-0-000\): it has 9 counts of votes")
    train(green_world(tmp_path / "small", 30), "small has too few images with votes: 16 for train, 6 for val")
    same = [[0] * 6 + [5] + [0] * 3] * 40
    train(green_world(tmp_path / "high", 40, votes=same), "all 24 training images of high are high", "high_low")
    low = [[0, 5] + [0] * 8] * 40
    train(green_world(tmp_path / "low", 40, votes=low), "are low, with a mean mark of at most 5", "high_low")
    assert not (tmp_path / "m").exists()


def test_settings_that_make_no_sense(collection: ImageCollection, tmp_path: Path) -> None:
    def train(kind: type[Exception] = ModelError, message: str = "", **changes: Any) -> None:
        with pytest.raises(kind, match=message):
            train_aesthetics(collection, destination=tmp_path / "m", **{"scheme": QUICK, **WAYS["high_low"], **changes})

    for way in ({"size": 16}, {"size": 2000}, {"epochs": 0}, {"batch": 1}, {"views": 0}, {"least_tagged": 0}):
        train(message="the size lies between 32 and 1024 px", scheme=replace(QUICK, **way))
    train(message="there are class, score, each", scheme=replace(QUICK, sampling="all"))
    train(message="and adam, sgd", scheme=replace(QUICK, optimizer="lion"))
    train(message="no layer 'layer4': it has convolutions.0", layer="layer4")
    train(message="has no option width", options={"width": 3})
    train(message="hidden layers of -1", options={"hidden": -1})
    train(message="0 x 0 cells", options={"pool": 0})
    train(message="no option backbone", architecture="vgg16_aesthetic")
    train(message="device", device="abacus")
    train(UnknownNameError, "known are", backbone="resnet19")
    train(UnknownNameError, "known are high_low", architecture="simple")
    train(CollectionError, "no column 'street'", group="street")
    assert list(tmp_path.iterdir()) == []


def test_a_large_collection_is_seen_in_fewer_views(
    collection: ImageCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = build_model("high_low", 2, task="aesthetics", backbone="simple", pool=2, hidden=0).eval()
    look = aesthetics.Look(module, SCHEME, torch.device("cpu"), 0, ArtifactStore("/nowhere"))
    assert look.views(10) == 2
    width = 128 * 4 * 2
    for most, views in ((10 * width * 2, 2), (10 * width * 2 - 1, 1), (width, 1)):
        monkeypatch.setattr(aesthetics, "MOST_BYTES", most)
        assert look.views(10) == views


def test_a_view_is_a_window_and_validation_sees_the_whole(collection: ImageCollection, tmp_path: Path) -> None:
    module = build_model("high_low", 2, task="aesthetics", seed=0, backbone="simple", pool=2, hidden=0).eval()
    rows = opinions(collection, None, None, 0, least_tagged=None).rows
    look = aesthetics.Look(module, SCHEME, torch.device("cpu"), 0, ArtifactStore(tmp_path))
    seen = {split: look.at(rows[split], split, lambda *_told: None) for split in ("train", "val")}
    assert seen["train"].shape == (len(rows["train"]), 2, 512)
    assert seen["val"].shape == (len(rows["val"]), 1, 512)
    assert seen["train"].dtype == torch.float16
    assert not torch.equal(seen["train"][:, 0], seen["train"][:, 1])
    pixels = rows["val"].pixels(32, lambda *_told: None).float() / 255
    with torch.no_grad():
        expected = module.vectors(module.trunk(pixels))
    error = (seen["val"][:, 0].float() - expected).abs().max() / expected.abs().max()
    assert error < 0.03  # it looks in bfloat16


def votes_like(count: int, seed: int = 0) -> Tensor:
    """Shares of the marks, of every kind."""
    generator = torch.Generator().manual_seed(seed)
    return (4 * torch.randn(count, 10, generator=generator)).softmax(1)


def test_equal_distributions_give_a_gradient_that_is_a_number() -> None:
    given = votes_like(6)
    for r in (1.0, 2.0):
        found = given.clone().requires_grad_(True)
        distance = emd(found, given, r)
        (slope,) = torch.autograd.grad(distance.sum(), found)
        assert torch.equal(distance, torch.zeros(6))
        assert torch.equal(slope, torch.zeros_like(slope))
    mixed = given.clone()
    mixed[3:] = votes_like(3, seed=8)
    mixed.requires_grad_(True)
    (slope,) = torch.autograd.grad(emd(mixed, given).sum(), mixed)
    assert slope.isfinite().all()
    assert (slope[:3] == 0).all() and (slope[3:].abs().amax(1) > 0).all()


def test_the_gradient_of_the_distance_leads_to_the_votes() -> None:
    given, scores = votes_like(4), torch.zeros(4, 10, requires_grad=True)
    start = emd(scores.softmax(1), given).mean().item()
    optimizer = torch.optim.Adam([scores], 0.1)
    for _ in range(300):
        optimizer.zero_grad()
        emd(scores.softmax(1), given).mean().backward()
        optimizer.step()
    assert emd(scores.softmax(1), given).mean().item() < 0.05 * start


@pytest.mark.parametrize("shapes", [((4, 10), (4, 9)), ((4, 10), (3, 10)), ((10,), (10,)), ((4, 10), (1, 10))])
def test_distances_of_other_shapes(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ModelError, match=r"give \(N, K\) both"):
        emd(*(torch.zeros(shape) for shape in shapes))


def test_the_loss_of_tags_by_hand() -> None:
    scores = torch.rand(5, 4, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0], [0.25] * 4, [0, 0, 0, 1]])
    found = tag_loss(scores, shares)
    for row in range(5):
        total = sum(float(score.exp()) for score in scores[row])
        expected = -sum(float(shares[row, tag]) * np.log(float(scores[row, tag].exp()) / total) for tag in range(4))
        assert found[row].item() == pytest.approx(expected, abs=1e-6)
    assert found[2] == 0
    assert torch.allclose(
        found[[0, 4]], functional.cross_entropy(scores[[0, 4]], torch.tensor([0, 3]), reduction="none")
    )


def test_images_are_drawn_by_their_class_or_their_score() -> None:
    means = torch.tensor([2.0, 3, 4, 4.8, 5, 5.2, 6, 6.5, 6.6, 9])
    by_class, by_score, each = (drawing_weights(means, sampling) for sampling in SAMPLINGS)
    high = means > 5
    assert by_class[high].sum().item() == pytest.approx(by_class[~high].sum().item())
    assert len(set(by_class[high].tolist())) == len(set(by_class[~high].tolist())) == 1
    assert by_score.tolist() == [7, 7, 7, 1, 1, 1, 1, 1, 7, 7]
    assert each.tolist() == [1] * 10
    for alone in (means[high], means[~high]):
        assert drawing_weights(alone, "class").tolist() == [1] * len(alone)
    for weights in (by_class, by_score, each):
        assert weights.dtype == torch.float64
    with pytest.raises(ModelError, match="no sampling is named 'all': there are class, score, each"):
        drawing_weights(means, "all")


def task_of(kind: type[AestheticTask], sampling: str = "class", tags: int = 2) -> AestheticTask:
    """3 views of 40 training images; what is seen names image and view."""
    shares = votes_like(40)
    labels = {split: torch.cat([shares, torch.full((40, tags), 0.5)], 1) for split in ("train", "val")}
    views = [torch.stack([torch.arange(40.0), torch.full((40,), view)], 1) for view in range(3)]
    seen = {"train": torch.stack(views, 1), "val": torch.zeros(40, 1, 2)}
    module = nn.Linear(2, 2) if kind is HighLowTask else MarksAndTags(2, tags, 0.0)
    return kind(module, seen, labels, 16, sampling, torch.device("cpu"), "begun")


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_batches_are_drawn_by_their_generator_alone(sampling: str) -> None:
    task = task_of(HighLowTask, sampling)
    drawn = [list(task.batches(0, torch.Generator().manual_seed(seed))) for seed in (0, 0, 1)]
    assert [len(part) for part, _ in drawn[0]] == [16, 16, 8]
    assert task.steps(0) == 3
    assert all(torch.equal(one[0], two[0]) for one, two in zip(drawn[0], drawn[1], strict=True))
    assert not all(torch.equal(one[0], two[0]) for one, two in zip(drawn[0], drawn[2], strict=True))
    vectors = torch.cat([part for part, _ in drawn[0]])
    labels = torch.cat([part for _, part in drawn[0]])
    assert torch.equal(labels, task.labels["train"][vectors[:, 0].long()])
    assert set(vectors[:, 1].tolist()) == {0, 1, 2}
    if sampling == "each":
        assert sorted(vectors[:, 0].tolist()) == list(range(40))


def test_both_classes_are_drawn_equally_often() -> None:
    """However rare one is."""
    task = task_of(HighLowTask)
    rare = torch.zeros(40, 10)
    rare[:, 1], rare[:3, 1], rare[:3, 8] = 1, 0, 1
    task.labels["train"], task.weights = rare, drawing_weights(means_of(rare), "class")
    generator = torch.Generator().manual_seed(0)
    high = [means_of(labels) > 5 for _ in range(50) for _, labels in task.batches(0, generator)]
    assert 0.45 < torch.cat(high).float().mean() < 0.55


def test_extreme_pictures_count_seven_times() -> None:
    task, shares = task_of(HighLowTask), torch.zeros(5, 10)
    shares[0, 1] = shares[1, 4] = shares[2, 5] = shares[3, 8] = 1  # 2: low and extreme; 5; 6; 9: high and extreme
    shares[4, 3] = shares[4, 4] = 0.5  # 4.5: on the edge of the middle
    scores = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    plain = functional.cross_entropy(scores, torch.tensor([0, 0, 1, 1, 0]), reduction="none")
    assert EXTREME == 7
    assert torch.allclose(task.losses(scores, shares), plain * torch.tensor([7.0, 1, 1, 7, 1]))


def test_the_loss_of_marks_and_tags() -> None:
    task = task_of(MarksTask)
    labels, scores = task.labels["train"], torch.randn(40, 12, generator=torch.Generator().manual_seed(0))
    expected = emd(scores[:, :10].softmax(1), labels[:, :10]) + TAG_SHARE * tag_loss(scores[:, 10:], labels[:, 10:])
    assert torch.equal(task.losses(scores, labels), expected)
    assert torch.equal(task.losses(scores[:, :10], labels[:, :10]), emd(scores[:, :10].softmax(1), labels[:, :10]))
    vectors, given = next(iter(task.batches(0, torch.Generator().manual_seed(0))))
    with torch.autocast("cpu", torch.bfloat16):
        loss = task.loss((vectors, given))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(task.losses(task.module(vectors), given).mean().item())


@pytest.mark.parametrize("kind", [HighLowTask, MarksTask])
@torch.no_grad()
def test_validation_is_measured(kind: type[AestheticTask]) -> None:
    task = task_of(kind)
    told = task.validate(0)
    assert "score" in told and all(np.isfinite(value) for value in told.values())
    if kind is HighLowTask:
        high = means_of(task.labels["val"]) > 5
        task.scores = lambda split: torch.stack([-high.float(), high.float()], 1)
        assert task.validate(0)["balanced_accuracy"] == 1 > told["balanced_accuracy"]
    else:
        assert told["score"] == pytest.approx(-told["emd"] - TAG_SHARE * np.log(2), abs=1e-5)


def command(*words: object) -> int:
    return main([str(word) for word in words])


def test_the_command_trains_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = green_world(tmp_path / "green", 60, objects=True)
    (world.root / "images" / f"{world.ids[3]}.png").write_bytes(b"no picture")
    trunk = ["--backbone", "efficientnet_lite0", "--layer", "blocks.4", "--pretrained"]
    given = ["train", "aesthetics", world.root, *trunk, "--sizes", 32, "--epochs", 2, "--json"]
    assert command(*given) == 2  # an image that cannot be read, named in one line
    assert world.ids[3] in one_line(capsys)
    world = green_world(tmp_path / "whole", 60, objects=True)
    given[2] = world.root
    assert command(*given) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == "marks_and_tags"
    assert told["start"] == "ImageNet (efficientnet_lite0, packaged)"
    assert (told["without_votes"], told["faults"]) == (4, [])
    assert told["metrics"]["images"] == told["images"]["test"]
    assert [path.name for path in (world.root / "models").iterdir()] == ["marks_and_tags"]
    (world.root / "images" / f"{world.ids[3]}.png").write_bytes(b"no picture")
    world = ImageCollection.open(world.root)
    assert command("explain", world.root, "--model", "marks_and_tags", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["images"] == 59
    assert answer["unreadable"] == [world.ids[3]]
    assert {"empty maps of low", "empty maps of high"} <= answer.keys()
    store, card = ArtifactStore(world.root / "artifacts"), load_model(world.root / "models" / "marks_and_tags").card
    found = kept_readings(world, card, store=store)
    chance = kept_random_network_intensity(world, card, store=store)
    assert found is not None and chance is not None
    assert np.array_equal(np.isnan(chance), ~found.readable)
    for target in HIGH_LOW:
        counts = kept_counts(world, maps_key(world, card, target), store=store)
        assert counts is not None
        assert counts.objects.tolist() == [4, 9]
        assert (counts.total.sum(1) > 0).all()
    assert command("explain", world.root, "--model", "marks_and_tags", "--json") == 0
    assert json.loads(capsys.readouterr().out) == answer


def test_the_command_takes_the_papers_recipe_and_a_start(
    tmp_path: Path, collection: ImageCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    start = classifier(tmp_path / "cities", batch_norm=True, size=32, hidden=8)
    out = tmp_path / "models" / "mine"
    code = command(
        "train", "aesthetics", collection.root, "--architecture", "high_low", "--backbone", "simple", "--start", start,
        "--recipe", "paper", "--epochs", 2, "--sizes", 32, "--sampling", "score", "--out", out, "--seed", 3,
        "--options", "pool=1", "hidden=4", "normalized=true", 'options={"batch_norm":true}',
    )  # fmt: skip
    assert code == 0
    card = ModelCard.read(out)
    assert (card.training["optimizer"], card.training["sampling"], card.training["seed"]) == ("sgd", "score", 3)
    assert len(card.training["history"]) == 2
    assert card.training["start"].startswith("cities ")
    assert (card.options["hidden"], card.options["normalized"]) == (4, True)
    assert "model: mine" in capsys.readouterr().out


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr().err
    assert said.startswith("urbanlens: ") and said.count("\n") == 1, said
    return said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--architecture", "beauty"], "known are high_low"),
        (["--backbone", "resnet19", "--pretrained"], "known are vgg11"),
        (["--sizes", 32, 64], "one stage: give one number for --sizes"),
        (["--epochs", 2, 3], "one stage: give one number for --epochs"),
        (["--sizes", 8], "the size lies between 32 and 1024 px"),
        (["--layer", "layer9", "--pretrained", "--backbone", "efficientnet_lite0"], "no layer 'layer9'"),
        (["--start", "/nowhere"], "model.json"),
        (["--backbone", "simple", "--pretrained"], "no ImageNet weights are published for simple"),
        (["--pretrained", "--start", "/nowhere"], "give one of them"),
        (["--options", "width=3"], "has no option width"),
        (["--architecture", "vgg16_aesthetic", "--backbone", "simple", "--pretrained"], "no option backbone"),
        (["--backbone", "simple"], "must begin from something"),
        (["--architecture", "vgg16_aesthetic"], "must begin from something"),
        (["--extra", "/nowhere"], "/nowhere"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_bad_words_are_told_in_one_line(
    words: list[object], message: str, collection: ImageCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["train", "aesthetics", collection.root, "--out", tmp_path / "mine"]
    assert command(*given, *words) == 2
    assert message in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"votes": None}, "has no votes"),
        ({"votes": [[0] * 10] * 40}, "nobody voted"),
        ({"votes": [[1] * 9] * 40}, "9 counts of votes where 10 are needed"),
        ({"votes": ["many"] * 40}, "where a list of ten counts is needed"),
        ({"votes": [[1] * 10] * 10 + [None] * 30}, "too few images with votes"),
    ],
)
def test_bad_votes_are_told_in_one_line(
    changes: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = green_world(tmp_path / "green", 40, **changes)
    assert command("train", "aesthetics", world.root, "--sizes", 32) == 2
    assert message in one_line(capsys)
    assert not (world.root / "models").exists()


def test_a_network_of_beauty_is_no_classifier_of_another_command(
    collection: ImageCollection, trained: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("explain", collection.root, "--model", tmp_path / "nowhere") == 2
    assert "model.json" in one_line(capsys)
    assert command("segment", collection.root, "--model", trained("high_low")) == 2
    one_line(capsys)
