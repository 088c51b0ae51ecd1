"""What maps are held against: a network of chance, and covering up what they point at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.aesthetics.networks import SHAPE, looking_at_stripes, untrained
from tests.training.beauty_worlds import green_world
from urbanlens import models
from urbanlens.aesthetics.control import (
    BLUR_PX,
    CONTROL,
    COVERED,
    PLACES,
    Covered,
    cover,
    cover_collection,
    elsewhere_of,
    kept_covered,
    kept_random_network_intensity,
    random_network_intensity,
)
from urbanlens.aesthetics.readings import CHUNK, Reading, read_image
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.engine import Engine
from urbanlens.errors import Cancelled
from urbanlens.explain.masks import upsample_masks
from urbanlens.models import LoadedModel

pytestmark = pytest.mark.usefixtures("one_thread")
BROKEN = 3


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    """More than a chunk of images."""
    world = green_world(tmp_path_factory.mktemp("worlds") / "green", CHUNK + 6)
    world.path(world.ids[BROKEN]).write_bytes(b"no picture at all")
    return world


@pytest.fixture(scope="module", params=["marks_and_tags", "high_low"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return untrained(tmp_path_factory.mktemp("models") / "mine", request.param)


def test_chance_lights_up_something_else_for_each_seed(
    collection: ImageCollection, model: LoadedModel, tmp_path: Path
) -> None:
    store = ArtifactStore(tmp_path)
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, other = (random_network_intensity(collection, model.card, store=store, seed=seed) for seed in (0, 1))
    assert torch.equal(torch.rand(4), expected)
    assert one.shape == (len(collection),)
    assert one.dtype == np.float32
    for found in (one, other):
        assert np.flatnonzero(np.isnan(found)).tolist() == [BROKEN]
        assert ((found[np.isfinite(found)] >= 0) & (found[np.isfinite(found)] <= 1)).all()
    assert not np.array_equal(one, other, equal_nan=True)
    again = random_network_intensity(collection, model.card, store=ArtifactStore(tmp_path / "other"))
    assert np.array_equal(again, one, equal_nan=True)


def test_chance_is_kept_and_goes_on_where_it_was_stopped(
    collection: ImageCollection, model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ArtifactStore(tmp_path)

    def stop(done: int, total: int, what: str) -> None:
        if done == CHUNK:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        random_network_intensity(collection, model.card, store=store, progress=stop)
    assert kept_random_network_intensity(collection, model.card, store=store) is None
    first = random_network_intensity(collection, model.card, store=store, engine=Engine("cpu"))
    monkeypatch.setattr("urbanlens.aesthetics.control.read_chunk", None)
    assert np.array_equal(random_network_intensity(collection, model.card, store=store), first, equal_nan=True)
    kept = kept_random_network_intensity(collection, model.card, store=store)
    assert kept is not None
    assert np.array_equal(kept, first, equal_nan=True)
    assert kept_random_network_intensity(collection, model.card, store=store, seed=5) is None
    assert kept_random_network_intensity(collection, replace(model.card, size=48), store=store) is None
    view = collection.where(np.arange(len(collection)) % 7 == 3)
    assert np.array_equal(random_network_intensity(view, model.card, store=store), first[3::7], equal_nan=True)
    assert len(list((tmp_path / CONTROL).iterdir())) == 1


def test_chance_knows_nothing_of_the_weights(collection: ImageCollection, tmp_path: Path) -> None:
    """Two networks of one shape have the same control; another backbone has another one."""
    store = ArtifactStore(tmp_path / "artifacts")
    cards = [untrained(tmp_path / name, "high_low", seed=seed).card for name, seed in (("one", 1), ("two", 2))]
    first = random_network_intensity(collection, cards[0], store=store)
    kept = kept_random_network_intensity(collection, cards[1], store=store)
    assert kept is not None
    assert np.array_equal(kept, first, equal_nan=True)
    other = replace(cards[0], options={**cards[0].options, "layer": "convolutions.1"})
    assert kept_random_network_intensity(collection, other, store=store) is None


@pytest.mark.parametrize(
    ("backbone", "layer"),
    [("mobilenet_v2", "features.6"), ("efficientnet_lite0", "blocks.4"), ("vgg16", "features.15")],
)
def test_chance_looks_at_the_pictures(backbone: str, layer: str, tmp_path: Path) -> None:
    """A deep network of chance, too: what it lights up differs from one to the next, or it is no control at all."""
    few = green_world(tmp_path / "green", 8)
    options = {"backbone": backbone, "layer": layer, "pool": 1, "hidden": 0}
    card = replace(untrained(tmp_path / "mine", "high_low").card, options=options)
    found = [random_network_intensity(few, card, store=ArtifactStore(tmp_path), seed=seed) for seed in range(3)]
    assert max(float(one.std()) for one in found) > 0.01


def test_packaged_weights_are_no_chance(tmp_path: Path) -> None:
    options = {"backbone": "efficientnet_lite0", "layer": "blocks.4", "pool": 1, "hidden": 0}
    card = replace(untrained(tmp_path / "mine", "high_low").card, options={**options, "options": {"pretrained": True}})
    few = green_world(tmp_path / "green", 4)
    plain = replace(card, options={**options, "options": None})
    one, other = (
        random_network_intensity(few, given, store=ArtifactStore(tmp_path / str(number)))
        for number, given in enumerate((card, plain))
    )
    assert np.array_equal(one, other)


def test_chance_has_the_shape_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The backbone's own options, too, but for its weights."""
    card = untrained(tmp_path / "mine", "high_low").card
    assert card.options["options"] == SHAPE["options"] == {"batch_norm": True}
    built: list[dict[str, object]] = []
    build = models.build_model
    monkeypatch.setattr(models, "build_model", lambda *one, **other: built.append(other) or build(*one, **other))
    random_network_intensity(green_world(tmp_path / "green", 2), card, store=ArtifactStore(tmp_path / "artifacts"))
    assert built[0]["options"] == {"batch_norm": True}


LINES = np.where(np.arange(16) % 2 == 0, 0, 255).astype(np.uint8)


def striped(upright: tuple[int, int], level: tuple[int, int]) -> Image.Image:
    """Grey, 64 px, with a patch of upright and one of level stripes, each a quarter of the side."""
    pixels = np.full((64, 64, 3), 120, np.uint8)
    for (y, x), patch in ((upright, LINES[None, :]), (level, LINES[:, None])):
        pixels[y : y + 16, x : x + 16] = np.broadcast_to(patch, (16, 16))[..., None]
    return Image.fromarray(pixels)


def band(left: int | None) -> Image.Image:
    """Grey, 64 px, with a band of upright stripes from top to bottom: nothing in it is level."""
    pixels = np.full((64, 64, 3), 120, np.uint8)
    if left is not None:
        pixels[:, left : left + 16] = LINES[None, :, None]
    return Image.fromarray(pixels)


def covered(model: LoadedModel, image: Image.Image, targets: tuple[str, ...]) -> tuple[Covered, Reading]:
    reading = read_image(model, image)
    return cover(model, image, reading, targets), reading


@pytest.mark.parametrize("marks", [True, False])
def test_what_a_map_points_at_counts_more_than_what_lies_elsewhere(marks: bool) -> None:
    model = looking_at_stripes(marks)
    for places in (((4, 8), (40, 40)), ((44, 4), (8, 44))):
        image = striped(*places)
        found, reading = covered(model, image, HIGH_LOW)
        for target, (y, x) in zip(("high", "low"), places, strict=True):
            mask = upsample_masks(reading.map(target)[None], 64)[0]
            assert mask[y : y + 16, x : x + 16].mean() > 4 * mask.mean()
        assert not found.empty.any()
        assert (found.fall > 0.02).all()
        assert (found.fall > 2 * np.abs(found.elsewhere)).all()
        if marks:
            assert found.before.tolist() == pytest.approx([reading.mean] * 2, abs=1e-5)
        else:
            assert found.before.tolist() == pytest.approx(reading.shares.tolist(), abs=1e-5)


def test_marks_and_tags_fall_by_their_share() -> None:
    model = looking_at_stripes(True)
    model = replace(model, card=replace(model.card, classes=(*MARK_NAMES, "upright")))
    targets = ("mark 10", "high", "mark 1", "low")
    found, reading = covered(model, striped((4, 8), (40, 40)), targets)
    assert found.targets == targets
    assert found.before[0] == pytest.approx(reading.marks[9])
    assert found.before[2] == pytest.approx(reading.marks[0])
    assert (found.fall > np.abs(found.elsewhere)).all()
    # The last tag of one alone is all of them, whatever is covered.
    alone, _ = covered(model, band(8), ("upright",))
    assert alone.before[0] == 1
    assert alone.fall[0] == 0


def test_a_map_that_points_nowhere_covers_nothing() -> None:
    model = looking_at_stripes(False)
    found, _ = covered(model, band(8), HIGH_LOW)
    assert found.empty.tolist() == [True, False]
    assert (found.fall[0], found.elsewhere[0]) == (0, 0)
    assert found.fall[1] > 0.02
    nothing, _ = covered(model, band(None), HIGH_LOW)
    assert nothing.empty.all()
    assert not nothing.fall.any() and not nothing.elsewhere.any()


def test_a_fifth_is_covered_and_moved_round_the_picture() -> None:
    model = looking_at_stripes(False)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    reading = read_image(model, image)
    given: list[torch.Tensor] = []
    handle = model.module.register_forward_pre_hook(lambda _module, inputs: given.append(inputs[0].clone()))
    before = model.transform(image)
    cover(model, image, reading, ("high",), engine=Engine("cpu"))
    handle.remove()
    batch = torch.cat(given)
    assert len(batch) == 1 + 1 + PLACES
    assert torch.equal(batch[0], before)
    changed = (batch[1:] != before).any(1).numpy()
    wanted = round(COVERED * 64 * 64)
    # A blurred pixel may by chance be what it was.
    assert all(wanted - 3 <= one.sum() <= wanted for one in changed)
    mask = upsample_masks(reading.map("high")[None], 64)[0]
    assert mask[changed[0]].min() >= mask[~changed[0]].max() - 1e-6
    for one, expected in zip(changed[1:], elsewhere_of(changed[0]), strict=True):
        assert (one != expected).sum() <= 6
    assert batch[1][:, changed[0]].std() < 0.6 * before[:, changed[0]].std()
    assert BLUR_PX < 64


@pytest.mark.parametrize(
    ("part", "least"),
    [(np.s_[:16, :], 0.0), (np.s_[:, 24:40], 0.0), (np.s_[8:24, 8:24], 0.0), (np.s_[:48, :], 0.7)],
    ids=["a band", "a pillar", "a patch", "most of it"],
)  # fmt: skip
def test_elsewhere_lies_as_far_off_as_it_can(part: tuple[slice, slice], least: float) -> None:
    there = np.zeros((64, 64), bool)
    there[part] = True
    places = elsewhere_of(there)
    assert len(places) == PLACES
    for one in places:
        assert one.sum() == there.sum()
        assert (one & there).sum() / there.sum() <= least + 0.2


def test_covering_leaves_the_network_as_it_was(model: LoadedModel, collection: ImageCollection) -> None:
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    image = collection.image(collection.ids[0])
    found = cover(model, image, read_image(model, image), HIGH_LOW)
    assert found.fall.shape == found.elsewhere.shape == found.before.shape == found.empty.shape == (2,)
    assert found.fall.dtype == np.float32
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert not any(part.training or part._forward_hooks for part in model.module.modules())
    assert all(part.requires_grad and part.grad is None for part in model.module.parameters())


def test_a_collection_is_covered_as_its_images_are(
    model: LoadedModel, collection: ImageCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, wanted = ArtifactStore(tmp_path), np.arange(len(collection)) < 20

    def stop(done: int, total: int, what: str) -> None:
        if done:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        cover_collection(collection, model, wanted, store=store, progress=stop)
    assert kept_covered(collection, model.card, wanted, store=store) is None
    found = cover_collection(collection, model, wanted, store=store)
    assert found.rows.tolist() == list(range(20))
    assert found.fall.shape == found.elsewhere.shape == (20, 2)
    assert np.isnan(found.fall[BROKEN]).all() and np.isnan(found.elsewhere[BROKEN]).all()
    for row in (0, 7, 19):
        image = collection.image(collection.ids[row])
        one = cover(model, image, read_image(model, image), HIGH_LOW)
        assert np.array_equal(np.isnan(found.fall[row]), one.empty)
        assert np.allclose(found.fall[row], np.where(one.empty, np.nan, one.fall), atol=1e-5, equal_nan=True)
        assert np.allclose(found.elsewhere[row], np.where(one.empty, np.nan, one.elsewhere), atol=1e-5, equal_nan=True)
    monkeypatch.setattr("urbanlens.aesthetics.control.cover", None)
    again = cover_collection(collection, model, wanted, store=store)
    kept = kept_covered(collection, model.card, wanted, store=store)
    assert kept is not None
    for other in (again, kept):
        assert np.array_equal(other.fall, found.fall, equal_nan=True)
        assert np.array_equal(other.rows, found.rows)
    assert kept_covered(collection, model.card, ~wanted, store=store) is None


def test_of_many_images_chance_draws_some(
    model: LoadedModel, collection: ImageCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urbanlens.aesthetics.control.MOST_COVERED", 5)
    wanted = np.arange(len(collection)) % 2 == 0
    found = cover_collection(collection, model, wanted, store=ArtifactStore(tmp_path))
    assert len(set(found.rows.tolist())) == 5
    assert wanted[found.rows].all()
    assert (np.diff(found.rows) > 0).all()
    none = cover_collection(collection, model, np.zeros(len(collection), bool), store=ArtifactStore(tmp_path))
    assert none.fall.shape == (0, 2)
