"""What aesthetic classifiers say of one picture, and of a collection in numbers that are kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.aesthetics.networks import TAGS, looking_at_stripes, untrained
from tests.training.beauty_worlds import green_world
from urbanlens.aesthetics.map_test import intensity
from urbanlens.aesthetics.readings import (
    CHUNK,
    KIND,
    Readings,
    _values,
    kept_readings,
    maps_key,
    read_collection,
    read_image,
    read_shares,
    readings_key,
    targets_of,
)
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES, MARKS
from urbanlens.engine import Engine
from urbanlens.errors import Cancelled, ModelError
from urbanlens.explain.gradcam import grad_cam_each
from urbanlens.models import LoadedModel, ModelCard, build_model, load_model, save_model

pytestmark = pytest.mark.usefixtures("one_thread")
BROKEN = (2, 67)
"""Images that cannot be read, one in each chunk."""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    """More than a chunk of images."""
    world = green_world(tmp_path_factory.mktemp("worlds") / "green", CHUNK + 8)
    for row in BROKEN:
        world.path(world.ids[row]).write_bytes(b"no picture at all")
    return world


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return untrained(tmp_path_factory.mktemp("models") / "marks", "marks_and_tags")


@pytest.fixture(scope="module")
def high_low(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return untrained(tmp_path_factory.mktemp("models") / "beauty", "high_low")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def same(one: Readings, other: Readings) -> bool:
    parts = ("shares", "maps", "intensity")
    alike = all(np.array_equal(getattr(one, part), getattr(other, part), equal_nan=True) for part in parts)
    return alike and np.array_equal(one.readable, other.readable) and one.classes == other.classes


def test_a_picture_under_a_network_of_marks(collection: ImageCollection, marks: LoadedModel) -> None:
    picture = collection.image(collection.ids[0])
    found = read_image(marks, picture)
    assert found.targets == targets_of(marks.card) == (*HIGH_LOW, *MARK_NAMES, *TAGS)
    assert found.classes == (*MARK_NAMES, *TAGS)
    assert found.maps.shape == (15, 8, 8)
    assert found.marks.sum() == pytest.approx(1, abs=1e-6)
    assert sum(found.tags.values()) == pytest.approx(1, abs=1e-6)
    assert list(found.tags.values()) == sorted(found.tags.values(), reverse=True)
    assert set(found.tags) == set(TAGS)
    assert found.mean == pytest.approx(float(found.marks @ MARKS))
    assert found.spread == pytest.approx(float(np.sqrt(found.marks @ (MARKS - found.mean) ** 2)), abs=1e-6)
    assert found.is_high == (found.mean > 5)
    assert np.isnan(found.high)
    pixels = marks.transform(picture)[None]
    maps, scores = grad_cam_each(marks.module, pixels, _values(marks.card, every=True), "trunk")
    assert np.array_equal(found.maps, maps[0].numpy())
    assert np.allclose(found.marks, scores[0, :10].softmax(0))
    own = grad_cam_each(marks.module, pixels)[0][0].numpy()
    for name, one in zip(found.classes, own, strict=True):
        assert np.allclose(found.map(name), one, rtol=1e-4, atol=1e-6 * own.max())
    assert np.array_equal(found.map("low"), maps[0, 0]) and np.array_equal(found.map("high"), maps[0, 1])


def test_a_picture_under_a_network_of_high_and_low(collection: ImageCollection, high_low: LoadedModel) -> None:
    picture = collection.image(collection.ids[0])
    found = read_image(high_low, picture, engine=Engine("cpu"))
    assert found.targets == found.classes == targets_of(high_low.card) == HIGH_LOW
    assert found.maps.shape == (2, 8, 8)
    assert found.shares.sum() == pytest.approx(1, abs=1e-6)
    assert found.high == found.shares[1]
    assert found.is_high == (found.high > 0.5)
    assert np.isnan(found.mean) and np.isnan(found.spread)
    assert (found.tags, len(found.marks)) == ({}, 0)
    maps, _ = grad_cam_each(high_low.module, high_low.transform(picture)[None])
    assert np.array_equal(found.maps, maps[0].numpy())


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_a_network_without_tags(collection: ImageCollection, tmp_path: Path, store: ArtifactStore) -> None:
    model = untrained(tmp_path / "marks", "marks_and_tags", tags=())
    found = read_image(model, collection.image(collection.ids[0]))
    assert found.targets == (*HIGH_LOW, *MARK_NAMES)
    assert found.tags == {}
    assert found.has_marks and 1 <= found.mean <= 10
    readings = read_collection(collection.where(np.arange(len(collection)) < 4), model, store=store)
    assert readings.shares.shape == (4, 10)


def test_a_tag_named_as_a_target_keeps_the_targets_apart() -> None:
    """Low and high come first: training refuses such tags."""
    card = replace(looking_at_stripes(True).card, classes=(*MARK_NAMES, "high"))
    assert targets_of(card).index("high") == 1


@pytest.mark.parametrize("size", [(9, 9), (300, 40), (32, 32)])
def test_a_picture_of_any_size_is_read(size: tuple[int, int], collection: ImageCollection, marks: LoadedModel) -> None:
    found = read_image(marks, collection.image(collection.ids[0]).resize(size))
    assert found.maps.shape == (15, 8, 8)
    assert np.isfinite(found.shares).all()


def test_answers_without_maps_are_the_same(
    collection: ImageCollection, marks: LoadedModel, high_low: LoadedModel
) -> None:
    pictures = [collection.image(name) for name in collection.ids[3:8]]
    for model in (marks, high_low):
        shares = read_shares(model, pictures)
        assert shares.shape == (5, len(model.classes))
        for row, picture in enumerate(pictures):
            assert np.allclose(shares[row], read_image(model, picture).shares, atol=1e-5)
    assert np.ptp(read_shares(marks, pictures) @ np.append(MARKS, [0, 0, 0])) > 0.01


def test_the_network_is_left_as_it_was(collection: ImageCollection, marks: LoadedModel, store: ArtifactStore) -> None:
    before = {name: value.clone() for name, value in marks.module.state_dict().items()}
    read_image(marks, collection.image(collection.ids[0]))
    read_collection(collection, marks, store=store)
    assert all(torch.equal(value, before[name]) for name, value in marks.module.state_dict().items())
    assert not any(part.training for part in marks.module.modules())
    assert all(part.requires_grad and part.grad is None for part in marks.module.parameters())
    assert not any(part._forward_hooks for part in marks.module.modules())


@pytest.mark.parametrize("kind", ["marks", "high_low"])
def test_a_collection_is_read_as_its_images_are(
    kind: str, collection: ImageCollection, store: ArtifactStore, request: pytest.FixtureRequest
) -> None:
    model: LoadedModel = request.getfixturevalue(kind)
    told: list[tuple[int, int]] = []
    found = read_collection(collection, model, store=store, progress=lambda *one: told.append(one[:2]))
    assert told == [(0, CHUNK + 8), (CHUNK, CHUNK + 8), (CHUNK + 8, CHUNK + 8)]
    assert found.classes == model.classes
    assert found.shares.shape == (len(collection), len(model.classes))
    assert found.maps.shape == (len(collection), 2, 8, 8)
    assert found.shares.dtype == found.maps.dtype == found.intensity.dtype == np.float32
    good = np.flatnonzero(found.readable)
    assert np.allclose(found.shares[good, : 10 if kind == "marks" else 2].sum(1), 1, atol=1e-5)
    for row in good[::9]:
        one = read_image(model, collection.image(collection.ids[row]))
        assert np.allclose(one.shares, found.shares[row], atol=1e-4)
        assert found.mean[row] == pytest.approx(one.mean if kind == "marks" else one.high, abs=1e-3)
        for number in range(2):
            # Kept as half floats, relative to the greatest.
            assert np.allclose(one.maps[number], found.maps[row, number], atol=2e-3 * max(one.maps[number].max(), 1e-9))
            assert found.intensity[row, number] == pytest.approx(float(intensity(one.maps[number])), abs=2e-3)
    assert np.allclose(intensity(found.maps[good]), found.intensity[good], atol=2e-3)
    assert (found.maps >= 0).all()
    if kind == "marks":
        assert found.spread[good[0]] == pytest.approx(
            read_image(model, collection.image(collection.ids[good[0]])).spread, abs=1e-3
        )
    else:
        assert np.isnan(found.spread).all()


def test_files_that_cannot_be_read_are_nan_and_stop_nothing(
    collection: ImageCollection, marks: LoadedModel, high_low: LoadedModel, store: ArtifactStore
) -> None:
    for model in (marks, high_low):
        found = read_collection(collection, model, store=store)
        assert np.flatnonzero(~found.readable).tolist() == list(BROKEN)
        assert np.array_equal(np.isnan(found.mean), ~found.readable)
        for part in (found.shares, found.intensity):
            assert np.array_equal(np.isnan(part).all(1), ~found.readable)
        assert (found.maps[list(BROKEN)] == 0).all()


def test_maps_of_low_and_high_are_counted_as_a_classifiers(
    collection: ImageCollection, marks: LoadedModel, store: ArtifactStore
) -> None:
    found = read_collection(collection, marks, store=store)
    for number, target in enumerate(HIGH_LOW):
        maps = found.as_maps(target)
        assert np.array_equal(maps.maps, found.maps[:, number])
        assert maps.classes == HIGH_LOW
        assert (maps.targets == number).all()
        assert np.array_equal(maps.readable, found.readable)
        assert not maps.empty[list(BROKEN)].any()
    keys = {maps_key(collection, marks.card, target).digest for target in HIGH_LOW}
    assert len(keys | {readings_key(collection, marks.card).digest}) == 3


def test_a_view_gets_its_rows(collection: ImageCollection, marks: LoadedModel, store: ArtifactStore) -> None:
    rows = np.zeros(len(collection), bool)
    rows[[0, 2, 30, 70]] = True
    view = collection.where(rows)
    first = read_collection(view, marks, store=store)
    whole = read_collection(collection, marks, store=store)
    assert first.readable.tolist() == [True, False, True, True]
    assert same(first, whole.of(rows))
    assert same(first, whole.of(np.flatnonzero(rows)))
    kept = kept_readings(view, marks.card, store=store)
    assert kept is not None
    assert same(kept, first)
    assert len(read_collection(collection.where(~rows & rows), marks, store=store).mean) == 0


def test_what_is_kept_is_read_again_and_not_computed(
    collection: ImageCollection, marks: LoadedModel, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept_readings(collection, marks.card, store=store) is None
    first = read_collection(collection, marks, store=store)
    monkeypatch.setattr("urbanlens.aesthetics.readings.read_chunk", None)
    assert same(read_collection(collection, marks, store=store), first)
    kept = kept_readings(collection, marks.card, store=store)
    assert kept is not None
    assert same(kept, first)
    assert [path.name for path in (store.roots[0] / KIND).iterdir()] == [readings_key(collection, marks.card).digest]


def test_a_stopped_reading_goes_on(
    collection: ImageCollection, marks: LoadedModel, store: ArtifactStore, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def stop(done: int, total: int, what: str) -> None:
        if done == CHUNK:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        read_collection(collection, marks, store=store, progress=stop)
    assert kept_readings(collection, marks.card, store=store) is None
    expected = read_collection(collection, marks, store=ArtifactStore(tmp_path / "other"))
    from urbanlens.aesthetics import readings

    asked: list[range] = []
    compute = readings.read_chunk
    monkeypatch.setattr(readings, "read_chunk", lambda *given: asked.append(given[2]) or compute(*given))
    assert same(read_collection(collection, marks, store=store), expected)
    assert asked == [range(CHUNK, CHUNK + 8)]


def test_readings_depend_on_images_weights_and_names(
    collection: ImageCollection, marks: LoadedModel, high_low: LoadedModel
) -> None:
    cards = [marks.card, high_low.card, replace(marks.card, size=48), replace(high_low.card, classes=("a", "b"))]
    keys = {readings_key(collection, card).digest for card in cards}
    assert len(keys) == 4
    assert readings_key(collection.where(np.ones(len(collection), bool)), marks.card).digest not in keys
    assert readings_key(collection, replace(marks.card, name="other")).digest in keys


def test_what_is_kept_is_read_without_torch(
    collection: ImageCollection, marks: LoadedModel, store: ArtifactStore, tmp_path: Path
) -> None:
    found = read_collection(collection, marks, store=store)
    (tmp_path / "card.json").write_text(marks.card.to_json())
    code = (
        "import sys; from pathlib import Path; from urbanlens.artifacts import ArtifactStore\n"
        "from urbanlens.collection import ImageCollection; from urbanlens.models import ModelCard\n"
        "from urbanlens.aesthetics.crops import map_box\n"
        "from urbanlens.aesthetics.control import kept_random_network_intensity\n"
        "from urbanlens.aesthetics.map_test import map_test\n"
        "from urbanlens.aesthetics.readings import kept_readings\n"
        "root, store = sys.argv[1], ArtifactStore(sys.argv[3])\n"
        "card = ModelCard.from_json(Path(sys.argv[2]).read_text())\n"
        "collection = ImageCollection.open(root)\n"
        "found = kept_readings(collection, card, store=store)\n"
        "assert kept_random_network_intensity(collection, card, store=store) is None\n"
        "print(int(found.readable.sum()), found.mean[0], 'torch' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(collection.root), str(tmp_path / "card.json"), str(store.roots[0])]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(found.readable.sum()), str(found.mean[0]), "False"]


def test_a_classifier_is_refused(collection: ImageCollection, store: ArtifactStore, tmp_path: Path) -> None:
    module = build_model("resnet18", 2, seed=0)
    save_model(module, ModelCard("cities", "classes", "resnet18", ("a", "b"), 32), tmp_path / "cities")
    model = load_model(tmp_path / "cities")
    picture = collection.image(collection.ids[0])
    for read in (lambda: read_image(model, picture), lambda: read_shares(model, [picture]),
                 lambda: read_collection(collection, model, store=store)):  # fmt: skip
        with pytest.raises(
            ModelError, match="cities answers classes, not beauty: give a network of `train aesthetics`"
        ):
            read()
    assert not store.roots[0].exists()
