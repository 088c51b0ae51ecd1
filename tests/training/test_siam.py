"""SIAM and its baseline on a tiny world whose score is made by a known rule."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.siam_worlds import sign_world
from urbanlens.artifacts import ArtifactStore
from urbanlens.cli import main
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, CollectionError, ModelError, UnknownNameError
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.siam import SIAM
from urbanlens.progress import silent
from urbanlens.siam.readings import Readings, kept_readings, read_collection
from urbanlens.siam.templates import SMOOTH, SPARSE
from urbanlens.training.sharing import FEWEST
from urbanlens.training.siam import train_score, train_siam
from urbanlens.training.siam_rows import Scheme, hard, to_learn, what_to_learn
from urbanlens.training.siam_tasks import SHARE, AttributeTask, JointTask, ScoreTask, attribute_loss
from urbanlens.training.supply import Supply

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
NETWORK: dict[str, Any] = {"backbone": "simple", "layer": "convolutions.0", "options": {"batch_norm": True}}
SHAPE: dict[str, Any] = {**NETWORK, "map_size": 8, "crop": 6, "score": "scenicness", "device": "cpu", "seed": 1}
SCHEME = Scheme(sizes=(32,), epochs=(10,), joint_epochs=5, batch=12, positive=0, learning_rate=1e-2,
                joint_learning_rate=3e-3)  # fmt: skip
QUICK = replace(SCHEME, epochs=(2,), joint_epochs=2)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    return sign_world(tmp_path_factory.mktemp("worlds") / "signs")


@pytest.fixture(scope="module")
def trained(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> tuple[ModelCard, Path]:
    folder = tmp_path_factory.mktemp("models") / "mine"
    return train_siam(collection, destination=folder, scheme=SCHEME, **SHAPE), folder


@pytest.fixture(scope="module")
def quick(collection: ImageCollection, tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return train_siam(collection, destination=tmp_path_factory.mktemp("models") / "mine", scheme=QUICK, **SHAPE)


def phases(card: ModelCard) -> list[str]:
    return [one["phase"] for one in card.training["done"]]


def changed(given: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return given | changes


def test_the_three_phases_learn_the_score_from_attributes(
    trained: tuple[ModelCard, Path], collection: ImageCollection
) -> None:
    card, folder = trained
    metrics = card.metrics
    assert (card.task, card.architecture, card.classes) == ("attributes", "siam", ("red", "blue"))
    assert (card.size, card.label, card.name) == (32, "scenicness", "mine")
    assert card.data["fingerprint"] == collection.fingerprint
    assert card.data["images"] == card.data["scored_images"] == {"train": 72, "val": 24, "test": 24}
    assert card.data["left_out"] == {}
    assert phases(card) == ["attributes", "templates", "joint"]
    assert len(card.training["done"][0]["history"]) == 10
    assert len(card.training["done"][-1]["history"]) == 5
    assert metrics["images"] == metrics["attribute_images"] == 24
    assert metrics["rmse_interval"][1] < 0.6 * metrics["rmse_of_mean"]
    assert metrics["tau_interval"][0] > 0.6
    assert metrics["mean_ap"] > 0.9 > metrics["mean_base_rate"]
    assert load_model(folder).card.metrics["rmse"] == metrics["rmse"]
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_the_planted_templates_are_found(trained: tuple[ModelCard, Path]) -> None:
    module = load_model(trained[1]).module
    assert isinstance(module, SIAM)
    with torch.no_grad():
        upper, lower = (part.mean((1, 2)) * module.strength for part in module.templates.chunk(2, dim=1))
    assert upper[0] > 0 > lower[0]
    assert lower[1] > 0
    assert upper[1].abs() < 0.5 * min(upper[0], -lower[0], lower[1])


def test_contributions_add_up_for_every_image(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    model = load_model(trained[1])
    found = read_collection(collection, model, store=ArtifactStore(tmp_path))
    assert found.readable.all()
    assert np.allclose(found.contributions.sum(1) + found.bias, found.score, atol=1e-4)
    test = collection.table["split"].eq("test").to_numpy()
    error = found.score[test] - collection.table["scenicness"].to_numpy()[test]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(trained[0].metrics["rmse"], abs=1e-4)


def test_strength_is_that_of_the_maps(trained: tuple[ModelCard, Path], collection: ImageCollection) -> None:
    model = load_model(trained[1])
    assert isinstance(model.module, SIAM)
    names = collection.table["image_id"][collection.table["split"].eq("val")]
    with torch.no_grad():
        pixels = torch.stack([model.transform(collection.image(name)) for name in names])
        maps = model.module.cropped(model.module(pixels).maps)
    assert torch.allclose(maps.pow(2).mean((0, 2, 3)).sqrt(), model.module.strength, rtol=0.02)


def test_joint_training_goes_on_from_a_model_without_it(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    first = replace(SCHEME, phases=("attributes", "templates"))
    before = train_siam(collection, destination=tmp_path / "frozen", scheme=first, **SHAPE)
    assert phases(before) == list(first.phases)
    assert before.training["done"][0]["history"] == trained[0].training["done"][0]["history"]
    bytes_before = (tmp_path / "frozen" / "weights.safetensors").read_bytes()
    last = replace(SCHEME, phases=("joint",), joint_epochs=2)
    card = train_siam(collection, destination=tmp_path / "tuned", scheme=last, start=tmp_path / "frozen", **SHAPE)
    assert card.training["start"] == f"frozen {before.weights_digest[:12]}"
    assert phases(card) == ["joint"]
    assert card.metrics["rmse"] < card.metrics["rmse_of_mean"]
    history = card.training["done"][-1]["history"]
    assert min(one["rmse"] for one in history) < 0.5 * card.metrics["rmse_of_mean"]
    assert (tmp_path / "frozen" / "weights.safetensors").read_bytes() == bytes_before
    model = load_model(tmp_path / "frozen")
    kept = {name: value.clone() for name, value in model.module.state_dict().items()}
    again = train_siam(collection, destination=tmp_path / "again", scheme=last, start=model, **SHAPE)
    assert again.weights_digest == card.weights_digest
    assert all(torch.equal(value, kept[name]) for name, value in model.module.state_dict().items())
    assert not model.module.training


IN_JOINT = 31 + len(SPARSE) * len(SMOOTH)


@pytest.mark.parametrize("after", [9, 20, IN_JOINT], ids=["attributes", "templates", "joint"])
def test_a_killed_training_ends_with_the_same_weights(
    after: int, quick: ModelCard, collection: ImageCollection, tmp_path: Path
) -> None:
    calls = 0

    def kill(done: int, total: int, what: str) -> None:
        nonlocal calls
        calls += not what.startswith("decoding")
        if calls == after:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_siam(collection, destination=tmp_path / "mine", scheme=QUICK, progress=kill, **SHAPE)
    assert (tmp_path / ".mine.training" / "attributes.pt").is_file()
    assert (tmp_path / ".mine.training" / "joint.pt").is_file() == (after == IN_JOINT)
    assert not (tmp_path / "mine").exists()
    card = train_siam(collection, destination=tmp_path / "mine", scheme=QUICK, **SHAPE)
    assert card.weights == quick.weights
    assert card.metrics == quick.metrics
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "changes",
    [{"map_size": 10}, {"scheme": replace(QUICK, learning_rate=1e-3)}],
    ids=["map size", "learning rate"],
)
def test_what_a_killed_training_left_is_not_used_for_another(
    changes: dict[str, Any], collection: ImageCollection, tmp_path: Path
) -> None:
    def kill(done: int, total: int, what: str) -> None:
        if (tmp_path / ".mine.training" / "joint.pt").is_file():
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        train_siam(collection, destination=tmp_path / "mine", progress=kill, **{"scheme": QUICK} | SHAPE)
    given = {"scheme": QUICK} | SHAPE | changes
    after, fresh = (train_siam(collection, destination=tmp_path / name, **given) for name in ("mine", "other"))
    assert after.weights == fresh.weights


def test_attributes_and_scores_of_two_collections(tmp_path: Path) -> None:
    described = sign_world(tmp_path / "described", 60, scenicness=None, redness=None)
    scored = sign_world(tmp_path / "scored", 80, seed=7, **{"attr.red": None, "attr.blue": None})
    card = train_siam(described, destination=tmp_path / "m" / "mine", scored=scored, scheme=SCHEME, **SHAPE)
    assert card.data["images"] == {"train": 36, "val": 12, "test": 12}
    assert card.data["scored_images"] == {"train": 48, "val": 16, "test": 16}
    assert card.data["fingerprint"] == described.fingerprint
    assert card.data["scored"] == {"collection": "scored", "fingerprint": scored.fingerprint}
    assert (card.metrics["attribute_images"], card.metrics["images"]) == (12, 16)
    assert card.metrics["rmse"] < card.metrics["rmse_of_mean"]
    with pytest.raises(CollectionError, match="described has no score"):
        train_siam(described, destination=tmp_path / "m" / "other", scheme=SCHEME, **SHAPE)
    with pytest.raises(CollectionError, match="scored has no attributes"):
        train_siam(scored, destination=tmp_path / "m" / "other", scheme=SCHEME, **SHAPE)


def test_attributes_that_cannot_be_learnt_are_left_out_and_named(tmp_path: Path) -> None:
    rare = np.zeros(120)
    rare[4::5] = 1  # only where it is tested
    columns = {"attr.fog": 0.0, "attr.sky": 1.0, "attr.rain": np.nan, "attr.rare": rare}
    collection = sign_world(tmp_path / "signs", 120, **columns)
    card = train_siam(collection, destination=tmp_path / "mine", scheme=QUICK, **SHAPE)
    assert card.classes == ("red", "blue")
    assert card.data["left_out"] == dict.fromkeys(
        ("fog", "sky", "rain", "rare"), "in all or none of the training images"
    )
    with pytest.raises(CollectionError, match=r"none of the attributes fog, sky can be learnt .* above 0: change that"):
        train_siam(collection, destination=tmp_path / "m", scheme=QUICK, attributes=["fog", "sky"], **SHAPE)
    with pytest.raises(CollectionError, match=r"none of the attributes red, blue .* above 0\.9"):
        names, scheme = ["red", "blue"], replace(QUICK, positive=0.9)
        train_siam(collection, destination=tmp_path / "m", scheme=scheme, attributes=names, **SHAPE)
    assert not (tmp_path / "m").exists()


def test_an_attribute_that_is_asked_for_twice_is_learnt_once(collection: ImageCollection, tmp_path: Path) -> None:
    scheme = replace(QUICK, phases=("templates",))
    names = ["blue", "red", "blue"]
    card = train_siam(collection, destination=tmp_path / "mine", scheme=scheme, attributes=names, **SHAPE)
    assert load_model(tmp_path / "mine").classes == card.classes == ("blue", "red")


def test_too_few_images_and_scores_without_an_order(tmp_path: Path) -> None:
    def train(world: ImageCollection, message: str, scheme: Scheme = QUICK) -> None:
        with pytest.raises(CollectionError, match=message):
            train_siam(world, destination=tmp_path / "m", scheme=scheme, **SHAPE)

    train(
        sign_world(tmp_path / "constant", 60, scenicness=5.5), r"scenicness of constant is 5.5 in all training images"
    )
    score = np.full(60, np.nan)
    score[:20] = np.arange(20)
    train(
        sign_world(tmp_path / "unscored", 60, scenicness=score), "too few images with the score scenicness: 12 for tr"
    )
    train(sign_world(tmp_path / "small", 30), rf"too few images with attributes: 18 for train.*needs {FEWEST}")
    split = ["train"] * 50 + ["val"] * 9 + ["test"]
    train(sign_world(tmp_path / "untested", 60, split=split), "1 for test.*2 each")
    assert not (tmp_path / "m").exists()


def test_a_baseline_needs_as_many(collection: ImageCollection, tmp_path: Path) -> None:
    settings = {name: value for name, value in SHAPE.items() if name != "crop"}
    with pytest.raises(CollectionError, match="too few images with the score"):
        train_score(collection.where(np.arange(120) < 20), destination=tmp_path / "m", scheme=QUICK, **settings)
    with pytest.raises(CollectionError, match="no score 'beauty': it has scenicness, redness"):
        train_score(collection, destination=tmp_path / "m", scheme=QUICK, **changed(settings, score="beauty"))


def test_the_baseline_learns_what_it_can_see(collection: ImageCollection, tmp_path: Path) -> None:
    settings = {name: value for name, value in SHAPE.items() if name != "crop"} | {"score": "redness"}
    scheme = replace(SCHEME, epochs=(6,))
    card = train_score(collection, destination=tmp_path / "free", scheme=scheme, **settings)
    assert (card.task, card.architecture, card.classes) == ("score", "regressor", ("redness",))
    assert card.metrics["rmse"] < 0.7 * card.metrics["rmse_of_mean"]
    assert "mean_ap" not in card.metrics
    model = load_model(tmp_path / "free")
    found = read_collection(collection, model, store=ArtifactStore(tmp_path))
    test = collection.table["split"].eq("test").to_numpy()
    error = found.score[test] - collection.table["redness"].to_numpy()[test]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(card.metrics["rmse"], abs=1e-4)
    # SIAM may begin with its trunk.
    start = train_siam(collection, destination=tmp_path / "siam", scheme=replace(QUICK, phases=("templates",)),
                       start=model, **SHAPE)  # fmt: skip
    assert start.training["start"].startswith("free ")
    assert same_trunk(load_model(tmp_path / "siam").module, model.module)


def same_trunk(one: Any, other: Any) -> bool:
    kept = other.trunk.state_dict()
    return all(torch.equal(value, kept[name]) for name, value in one.trunk.state_dict().items())


def classifier(folder: Path, architecture: str, **options: Any) -> Path:
    module = build_model(architecture, 2, seed=5, **options)
    save_model(module, ModelCard(folder.name, "classes", architecture, ("a", "b"), 32, options=options), folder)
    return folder


def test_a_classifier_of_the_same_backbone_gives_its_trunk(collection: ImageCollection, tmp_path: Path) -> None:
    options = {"batch_norm": True, "size": 32, "hidden": 8}
    start = classifier(tmp_path / "cities", "simple", **options)
    scheme = replace(QUICK, phases=("templates",))
    for layer in ("convolutions.0", "convolutions.1"):
        given = changed(SHAPE, layer=layer)
        card = train_siam(collection, destination=tmp_path / layer, scheme=scheme, start=start, **given)
        assert card.training["start"].startswith("cities ")
        found, whole = load_model(tmp_path / layer).module, load_model(start).module
        assert isinstance(found, SIAM)
        number = int(layer[-1])
        kernel = found.trunk.get_parameter(f"{1 + 2 * number}.0.weight")
        assert torch.equal(kernel, whole.get_parameter(f"convolutions.{number}.0.weight"))


def test_networks_that_cannot_be_begun_from(
    trained: tuple[ModelCard, Path], collection: ImageCollection, tmp_path: Path
) -> None:
    def train(start: Path, message: str, **changes: Any) -> None:
        given = {"attributes": None} | SHAPE | changes
        with pytest.raises(ModelError, match=message):
            train_siam(collection, destination=tmp_path / "m", scheme=QUICK, start=start, **given)

    other = classifier(tmp_path / "cities", "resnet18")
    train(other, r"cities \(resnet18\) does not fit: its trunk must be that of this network")
    plain = classifier(tmp_path / "plain", "simple", size=32, hidden=8)
    train(plain, r"plain \(simple\) does not fit")
    train(trained[1], "mine knows the attributes red, blue; to go on from it, learn the same", attributes=["red"])
    train(trained[1], "does not fit", crop=4)
    train(trained[1], "does not fit", layer="convolutions.1")
    train(tmp_path / "nowhere", "model.json")
    assert not (tmp_path / "m").exists()


def test_settings_that_make_no_sense(collection: ImageCollection, tmp_path: Path) -> None:
    def train(kind: type[Exception] = ModelError, **changes: Any) -> None:
        with pytest.raises(kind):
            train_siam(collection, destination=tmp_path / "m", **{"scheme": QUICK} | SHAPE | changes)

    ways = ({"sizes": (8,)}, {"sizes": (32, 48)}, {"epochs": (0,)}, {"batch": 1}, {"joint_epochs": 0}, {"phases": ()},
            {"phases": ("attributes", "scores")}, {"phases": ("joint", "joint")}, {"positive": 1.0},
            {"positive": -0.1})  # fmt: skip
    for way in ways:
        train(scheme=replace(QUICK, **way))
    for change in ({"crop": 9}, {"map_size": 0}, {"layer": "layer4"}, {"options": {"width": 3}}, {"device": "abacus"}):
        train(**change)
    train(UnknownNameError, backbone="resnet")
    train(CollectionError, attributes=["red", "green"])
    train(CollectionError, score="beauty")
    train(CollectionError, group="street")
    assert list(tmp_path.iterdir()) == []


def test_labels_hard_and_soft() -> None:
    values = np.array([[0, 1 / 3, 2 / 3, 1, np.nan]], np.float32)
    expected = {0: [0, 1, 1, 1], 0.5: [0, 0, 1, 1], 0.7: [0, 0, 0, 1]}
    for positive, labels in expected.items():
        found = to_learn(values, Scheme(positive=positive))
        assert found[0, :4].tolist() == labels
        assert np.isnan(found[0, 4])
        assert np.array_equal(hard(found, Scheme(positive=positive)), found, equal_nan=True)
    assert np.array_equal(to_learn(values, Scheme(soft=True)), values, equal_nan=True)


def test_soft_labels_are_learnt_and_hard_ones_judged(collection: ImageCollection, tmp_path: Path) -> None:
    learnt = what_to_learn(collection, "scenicness", None, None, replace(QUICK, soft=True), None, None, 0)
    table = collection.table
    expected = table.loc[table["split"].eq("val"), ["attr.red", "attr.blue"]].to_numpy(np.float32)
    assert np.array_equal(learnt.attributes["val"].labels.numpy(), expected)
    card = train_siam(collection, destination=tmp_path / "mine", scheme=replace(QUICK, soft=True), **SHAPE)
    rates = (table.loc[table["split"].eq("test"), ["attr.red", "attr.blue"]] > 0).mean().tolist()
    assert list(card.metrics["base_rate"].values()) == pytest.approx(rates)


def test_which_images_take_part(collection: ImageCollection, tmp_path: Path) -> None:
    """Those whose attributes, or whose score, are known; further ones join the training images alone."""
    generator = np.random.default_rng(0)
    holes = [np.where(generator.random(120) < 0.3, np.nan, generator.random(120)) for _ in range(3)]
    open_world = sign_world(tmp_path / "open", scenicness=holes[0], **{"attr.red": holes[1], "attr.blue": holes[2]})
    extra = sign_world(tmp_path / "more", 30, seed=9)
    table, scheme = open_world.table, replace(QUICK, positive=0.5)
    learnt = what_to_learn(open_world, "scenicness", None, None, scheme, None, None, 0)
    more = what_to_learn(open_world, "scenicness", None, None, scheme, extra, None, 0)
    described = table[["attr.red", "attr.blue"]].notna().any(axis=1)
    for split in ("train", "val", "test"):
        here = table["split"].eq(split)
        for rows, known in ((learnt.attributes, described), (learnt.scores, table["scenicness"].notna())):
            assert [name for _, name in rows[split].images] == list(table["image_id"][here & known])
        assert torch.equal(learnt.scores[split].labels, torch.tensor(table["scenicness"][here].dropna().to_numpy("f4")))
    assert learnt.attributes["train"].labels.isnan().any()
    theirs = extra.table["split"].eq("train").sum()
    for rows, joined in ((learnt.attributes, more.attributes), (learnt.scores, more.scores)):
        assert len(joined["train"]) == len(rows["train"]) + theirs
        assert joined["test"].images == rows["test"].images
    apart = what_to_learn(open_world, "scenicness", collection, None, scheme, extra, None, 0)
    assert [name for _, name in apart.scores["train"].images] == [
        name for name, split in zip(collection.ids, collection.table["split"], strict=True) if split == "train"
    ]


def test_missing_labels_are_masked() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    labels = torch.rand(5, 3, generator=torch.Generator().manual_seed(1)).round()
    whole = attribute_loss(logits, labels)
    assert whole == pytest.approx(torch.nn.functional.binary_cross_entropy_with_logits(logits, labels).item())
    labels[1:, 1] = float("nan")
    moved = logits.clone()
    moved[1:, 1] += 9
    assert attribute_loss(moved, labels) == attribute_loss(logits, labels) != whole
    known = torch.isfinite(labels)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits[known], labels[known])
    assert attribute_loss(logits, labels) == pytest.approx(expected.item())
    logits.requires_grad_(True)
    (slope,) = torch.autograd.grad(attribute_loss(logits, labels), logits)
    assert slope.isfinite().all()
    assert torch.equal(slope != 0, known)
    assert attribute_loss(logits.detach(), torch.full_like(labels, float("nan"))) == 0


def supplies(collection: ImageCollection, batch: int = 12, augmented: bool = False) -> tuple[Supply, Supply]:
    learnt = what_to_learn(collection, "scenicness", None, None, QUICK, None, None, 0)
    described, scored = (
        Supply(rows, batch, CPU, silent, augmented=augmented) for rows in (learnt.attributes, learnt.scores)
    )
    return described, scored


def test_a_supply_shows_every_image_once_in_an_order_of_chance(collection: ImageCollection) -> None:
    supply = supplies(collection)[1]
    shown = list(supply.batches(32, torch.Generator().manual_seed(0)))
    again = list(supply.batches(32, torch.Generator().manual_seed(0)))
    other = list(supply.batches(32, torch.Generator().manual_seed(1)))
    labels = torch.cat([part for _, part in shown])
    assert len(shown) == supply.steps() == 6
    assert torch.equal(labels.sort()[0], supply.rows["train"].labels.sort()[0])
    assert all(torch.equal(one[0], two[0]) for one, two in zip(shown, again, strict=True))
    assert not torch.equal(labels, torch.cat([part for _, part in other]))
    order = torch.randperm(72, generator=torch.Generator().manual_seed(0))
    pixels = supply.rows["train"].pixels(32, silent)[order[:12]].float() / 255
    assert torch.equal(shown[0][0], pixels)
    assert torch.equal(shown[0][1], supply.rows["train"].labels[order[:12]])


@pytest.mark.parametrize(("batch", "steps"), [(12, 6), (71, 1), (70, 2), (200, 1), (2, 36)])
def test_a_batch_of_one_image_is_left_out(batch: int, steps: int, collection: ImageCollection) -> None:
    supply = supplies(collection, batch)[0]
    sizes = [len(labels) for _, labels in supply.batches(32, torch.Generator().manual_seed(0))]
    assert len(sizes) == supply.steps() == steps
    assert min(sizes) >= 2


def test_changed_images_keep_their_places_or_are_mirrored(collection: ImageCollection) -> None:
    """Red signs stand on the left, blue ones on the right, high or low: only the sides may change."""
    plain, mixed = (supplies(collection, 72, augmented)[0] for augmented in (False, True))
    first, _ = next(iter(plain.batches(32, torch.Generator().manual_seed(0))))
    second, _ = next(iter(mixed.batches(32, torch.Generator().manual_seed(0))))
    assert second.min() >= 0
    assert second.max() <= 1
    assert not torch.allclose(first, second, atol=0.05)

    def rows_of(images: Tensor) -> Tensor:
        redness = (images[:, 0] - images[:, 2]).abs().mean(2)
        return redness[:, :16].mean(1) - redness[:, 16:].mean(1)

    clear = rows_of(first).abs() > 0.05
    assert clear.sum() > 20
    assert torch.equal(rows_of(first).sign()[clear], rows_of(second).sign()[clear])
    left = [(one[:, 0] - one[:, 2])[:, :, :16].sum((1, 2)) - (one[:, 0] - one[:, 2])[:, :, 16:].sum((1, 2))
            for one in (first, second)]  # fmt: skip
    turned = (left[0].sign() != left[1].sign())[left[0].abs() > 20]
    assert 0.2 < turned.float().mean() < 0.8


def test_two_supplies_of_the_same_images_hold_their_pixels_once(collection: ImageCollection, tmp_path: Path) -> None:
    described, scored = supplies(collection)
    described.share(scored)
    assert described.pixels("train", 32) is scored.pixels("train", 32)
    apart = supplies(sign_world(tmp_path / "other", 60))[1]
    described.share(apart)
    assert apart.pixels("train", 32) is not described.pixels("train", 32)
    assert described.pixels("val", 40).shape == (24, 3, 40, 40)


def test_each_looks_at_all_images_in_their_order(collection: ImageCollection) -> None:
    supply = supplies(collection, 5, augmented=True)[0]
    found = supply.each("test", 32, lambda images: images.mean((1, 2, 3)))
    expected = supply.rows["test"].pixels(32, silent).float().mean((1, 2, 3)) / 255
    assert torch.allclose(found, expected)


def joint_task(collection: ImageCollection) -> JointTask:
    module = build_model("siam", 2, task="attributes", seed=0, map_size=8, crop=6, **NETWORK)
    assert isinstance(module, SIAM)
    module.set_templates(torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(0)), 5.0)
    return JointTask(module, supplies(collection), [32, 32], "")


def test_joint_batches_take_turns_and_each_has_its_own_loss(collection: ImageCollection) -> None:
    task = joint_task(collection)
    batches = list(task.batches(0, torch.Generator().manual_seed(0)))
    assert [kind for kind, *_ in batches] == ["attributes", "score"] * 6
    assert len(batches) == task.steps(0)
    module = task.module
    templates = [module.positive, module.negative, module.weights, module.bias]
    described = torch.autograd.grad(task.loss(batches[0]), [*templates, module.presence], allow_unused=True)
    assert described[:4] == (None,) * 4
    assert described[4].abs().min() > 0
    scored = torch.autograd.grad(task.loss(batches[1]), [*templates, module.presence], allow_unused=True)
    assert scored[4] is None
    assert all(part.abs().max() > 0 for part in scored[:4])
    module.eval()
    kind, images, labels = batches[1]
    with torch.no_grad():
        error = (module(images).score - labels).pow(2).mean()
        assert task.loss((kind, images, labels)) == pytest.approx(SHARE * error.item(), rel=1e-4)


def test_the_smaller_set_comes_again_until_the_larger_is_through(collection: ImageCollection, tmp_path: Path) -> None:
    few = sign_world(tmp_path / "few", 40)
    task = joint_task(collection)
    task.supplies = [supplies(few)[0], task.supplies[1]]
    batches = list(task.batches(0, torch.Generator().manual_seed(0)))
    assert [kind for kind, *_ in batches] == ["attributes", "score"] * 6
    assert len(batches) == task.steps(0)
    assert sum(len(labels) for kind, _, labels in batches if kind == "score") == len(task.supplies[1].rows["train"])


def test_every_task_says_what_it_depends_on(collection: ImageCollection, tmp_path: Path) -> None:
    task = joint_task(collection)
    described, scored = task.supplies
    told = {json.dumps(task.describe())}
    told.add(json.dumps(AttributeTask(task.module, [described], [32], "").describe()))
    told.add(json.dumps(AttributeTask(task.module, [described], [32, 48], "").describe()))
    told.add(json.dumps(AttributeTask(task.module, [described], [32], "mine 123").describe()))
    told.add(json.dumps(ScoreTask(task.module, [scored], [32], "").describe()))  # type: ignore[arg-type]
    told.add(json.dumps(AttributeTask(task.module, [supplies(collection, 13)[0]], [32], "").describe()))
    told.add(
        json.dumps(AttributeTask(task.module, [supplies(sign_world(tmp_path / "b", seed=3))[0]], [32], "").describe())
    )
    assert len(told) == 7
    first = AttributeTask(task.module, [described], [32, 48, 48], "")
    assert [first.may_win(epoch) for epoch in range(3)] == [False, True, True]


def test_the_callers_chance_is_left_alone(quick: ModelCard, collection: ImageCollection, tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    card = train_siam(collection, destination=tmp_path / "mine", scheme=QUICK, **SHAPE)
    assert torch.equal(torch.rand(4), expected)
    assert card.weights == quick.weights


def test_without_a_layer_the_backbone_ends_where_it_is_as_fine_as_the_maps(
    collection: ImageCollection, tmp_path: Path
) -> None:
    scheme = replace(QUICK, phases=("templates",))
    card = train_siam(collection, destination=tmp_path / "mine", scheme=scheme, **changed(SHAPE, layer=None))
    assert card.options["layer"] == "convolutions.2"
    assert isinstance(load_model(tmp_path / "mine").module, SIAM)


def test_any_number_is_a_seed(collection: ImageCollection, tmp_path: Path) -> None:
    scheme = replace(QUICK, phases=("templates",))
    cards = [train_siam(collection, destination=tmp_path / f"m{seed}", scheme=scheme, **changed(SHAPE, seed=seed))
             for seed in (-1, 2**40)]  # fmt: skip
    assert cards[0].weights["sha256"] != cards[1].weights["sha256"]


def test_a_card_says_how_it_was_made(quick: ModelCard) -> None:
    told = dict(quick.training)
    scheme = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(QUICK).items()}
    assert {name: told[name] for name in scheme} == scheme
    assert (told["seed"], told["start"]) == (1, "")
    assert quick.options == {name: SHAPE[name] for name in ("backbone", "map_size", "crop", "layer", "options")} | {
        "rectified": True
    }
    assert ModelCard.from_json(quick.to_json()).training["done"][1]["tried"]


WORDS = ["--architecture", "simple", "--layer", "convolutions.0", "--options", "batch_norm=true", "--map-size", "8",
         "--sizes", "32", "--epochs", "1"]  # fmt: skip
SIAMS = [*WORDS, "--crop", "6", "--joint-epochs", "1", "--positive", "0"]


def test_the_command_line_trains_and_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(sign_world(tmp_path / "signs", 60).root)
    (tmp_path / "signs" / "images" / "sign-0-004.png").write_bytes(b"no picture")
    # A file that cannot be read stops a training, and says which.
    assert main(["train", "siam", root, "--json", *SIAMS]) == 2
    assert "sign-0-004" in capsys.readouterr().err.splitlines()[-1]
    sign_world(tmp_path / "fresh", 60)
    root = str(tmp_path / "fresh")
    assert main(["train", "siam", root, "--json", *SIAMS]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["score"], answer["attributes"]) == ("siam", "scenicness", ["red", "blue"])
    assert answer["metrics"]["images"] == 12
    assert main(["train", "score", root, "--json", "--score", "redness", *WORDS]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["score"], answer["attributes"]) == ("score", "redness", ["redness"])
    (tmp_path / "fresh" / "images" / "sign-0-004.png").write_bytes(b"no picture")
    for name in ("siam", "score"):
        assert main(["explain", root, "--model", name, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["model"], answer["images"], answer["unreadable"]) == (name, 59, ["sign-0-004"])
        assert Path(answer["artifact"]).is_dir()
        assert answer.get("greatest error of bias + contributions", 0) < 1e-4
        card = ModelCard.read(tmp_path / "fresh" / "models" / name)
        kept = kept_readings(ImageCollection.open(root), card, store=ArtifactStore(tmp_path / "fresh" / "artifacts"))
        assert isinstance(kept, Readings)
        assert kept.readable.sum() == 59
    assert main(["train", "siam", root, "--json", *SIAMS, "--phases", "joint", "--start", f"{root}/models/siam",
                 "--out", f"{root}/models/tuned", "--attributes", "red"]) == 2  # fmt: skip
    assert "siam knows the attributes red, blue" in capsys.readouterr().err.splitlines()[-1]


BAD = [
    ["train", "siam", "--crop", "9"],
    ["train", "siam", "--map-size", "0"],
    ["train", "siam", "--layer", "layer7"],
    ["train", "siam", "--architecture", "resnet19"],
    ["train", "siam", "--options", "width=3"],
    ["train", "siam", "--phases", "attributes", "score"],
    ["train", "siam", "--positive", "1.5"],
    ["train", "siam", "--joint-epochs", "0"],
    ["train", "siam", "--attributes", "green"],
    ["train", "siam", "--score", "beauty"],
    ["train", "siam", "--scored", "nowhere"],
    ["train", "siam", "--start", "nowhere"],
    ["train", "siam", "--sizes", "32", "48"],
    ["train", "siam", "--group", "street"],
    ["train", "score", "--attributes", "red"],
    ["train", "score", "--scored", "."],
    ["train", "score", "--map-size", "0"],
    ["train", "score", "--score", "beauty"],
    ["explain", "--model", "nowhere"],
]


@pytest.mark.parametrize("words", BAD, ids=" ".join)
def test_bad_flags_are_one_line(
    words: list[str], collection: ImageCollection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {".": str(collection.root), "nowhere": str(tmp_path / "nowhere")}
    where = 2 if words[0] == "train" else 1
    command, given = words[:where], [known.get(word, word) for word in words[where:]]
    usual = {"siam": SIAMS, "score": WORDS}[command[1]] + ["--out", str(tmp_path / "m")] if command[1:] else []
    assert main([*command, str(collection.root), "--json", *usual, *given]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("urbanlens: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--positive", "much"], ["--options", "width"], ["--crop", "a"], ["--scores", "x"]])
def test_flags_that_cannot_be_parsed(
    words: list[str], collection: ImageCollection, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "siam", str(collection.root), *words])
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


def test_templates_may_be_fitted_again_once_the_maps_have_changed(collection: ImageCollection, tmp_path: Path) -> None:
    scheme = replace(QUICK, phases=("attributes", "templates", "joint", "templates"))
    card = train_siam(collection, destination=tmp_path / "again", scheme=scheme, **SHAPE)
    assert phases(card) == list(scheme.phases)
    assert card.training["done"][1]["tried"] != card.training["done"][3]["tried"]
    with pytest.raises(ModelError, match="may come again"):
        replace(QUICK, phases=("joint", "joint")).check()
