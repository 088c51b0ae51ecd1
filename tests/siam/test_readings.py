"""What SIAM says of one picture, and of a collection in numbers that are kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.siam_worlds import sign_world
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.engine import Engine
from urbanlens.errors import Cancelled, ModelError
from urbanlens.models import LoadedModel, ModelCard, build_model, load_model, save_model
from urbanlens.models.siam import SIAM
from urbanlens.siam.readings import (
    CHUNK,
    KIND,
    Reading,
    Readings,
    kept_readings,
    kept_templates,
    read_collection,
    read_image,
    readings_key,
    templates_of,
)

pytestmark = pytest.mark.usefixtures("one_thread")
NAMES = ("red", "blue", "green")
OPTIONS: dict[str, Any] = {"backbone": "resnet18", "layer": "layer1", "map_size": 8}
BROKEN = (2, 67)
"""Images that cannot be read, one in each chunk."""


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    """More than a chunk of images."""
    world = sign_world(tmp_path_factory.mktemp("worlds") / "signs", CHUNK + 8)
    for row in BROKEN:
        world.path(world.ids[row]).write_bytes(b"no picture at all")
    return world


@pytest.fixture(scope="module")
def siam(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    options = {**OPTIONS, "crop": 6}
    module = build_model("siam", 3, task="attributes", seed=1, **options)
    assert isinstance(module, SIAM)
    module.set_templates(torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(0)), 4.3)
    with torch.no_grad():
        module.strength.copy_(torch.tensor([0.5, 1.0, 2.0]))
    card = ModelCard("mine", "attributes", "siam", NAMES, 32, label="scenicness", options=options)
    folder = tmp_path_factory.mktemp("models") / "mine"
    save_model(module, card, folder)
    return load_model(folder)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    module = build_model("regressor", 1, task="score", seed=2, **OPTIONS)
    with torch.no_grad():
        module.bias.fill_(5)
    folder = tmp_path_factory.mktemp("models") / "free"
    save_model(module, ModelCard("free", "score", "regressor", ("scenicness",), 32, options=OPTIONS), folder)
    return load_model(folder)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def same(one: Readings, other: Readings) -> bool:
    parts = ("attributes", "contributions", "score", "readable")
    alike = all(
        np.array_equal(getattr(one, part), getattr(other, part), equal_nan=part != "readable") for part in parts
    )
    return alike and (one.names, one.bias) == (other.names, other.bias)


def weights(model: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.module.state_dict().items()}


def test_every_part_of_a_reading_adds_up(collection: ImageCollection, siam: LoadedModel) -> None:
    before = weights(siam)
    found = read_image(siam, collection.image(collection.ids[0]))
    assert isinstance(found, Reading)
    assert found.names == NAMES
    assert found.maps.shape == found.templates.shape == (3, 6, 6)
    assert found.total.shape == (6, 6)
    assert found.margin == pytest.approx(1 / 8)
    assert np.allclose((found.maps * found.templates).sum((1, 2)), found.contributions, atol=1e-4)
    assert np.allclose((found.maps * found.templates).sum(0), found.total, atol=1e-5)
    assert found.contributions.sum() + found.bias == pytest.approx(found.score, abs=1e-4)
    assert found.total.sum() + found.bias == pytest.approx(found.score, abs=1e-4)
    assert found.bias == pytest.approx(4.3, abs=2e-3)
    assert ((found.attributes >= 0) & (found.attributes <= 1)).all()
    assert not siam.module.training
    assert all(torch.equal(value, before[name]) for name, value in siam.module.state_dict().items())
    assert all(part.requires_grad for part in siam.module.parameters())


def test_a_picture_of_any_size_is_read(collection: ImageCollection, siam: LoadedModel) -> None:
    picture = collection.image(collection.ids[0])
    for size in ((9, 9), (300, 40), (32, 32)):
        found = read_image(siam, picture.resize(size), engine=Engine("cpu"))
        assert found.maps.shape == (3, 6, 6)
        assert np.isfinite(found.score)


def test_the_baseline_says_where_and_not_what(collection: ImageCollection, baseline: LoadedModel) -> None:
    found = read_image(baseline, collection.image(collection.ids[0]))
    assert found.names == ()
    assert found.maps.shape == found.templates.shape == (0, 8, 8)
    assert found.attributes.shape == found.contributions.shape == (0,)
    assert found.total.shape == (8, 8)
    assert found.total.sum() + found.bias == pytest.approx(found.score, abs=1e-4)
    assert (found.bias, found.margin) == (5, 0)


def test_a_collection_is_read_as_its_images_are(
    collection: ImageCollection, siam: LoadedModel, store: ArtifactStore
) -> None:
    found = read_collection(collection, siam, store=store)
    assert found.names == NAMES
    assert found.attributes.shape == found.contributions.shape == (len(collection), 3)
    assert found.score.dtype == found.attributes.dtype == found.contributions.dtype == np.float32
    good = np.flatnonzero(found.readable)
    for row in good[::9]:
        one = read_image(siam, collection.image(collection.ids[row]))
        assert np.allclose(one.attributes, found.attributes[row], atol=1e-4)
        assert np.allclose(one.contributions, found.contributions[row], atol=1e-4)
        assert one.score == pytest.approx(found.score[row], abs=1e-4)
        assert one.bias == found.bias
    assert np.allclose(found.contributions[good].sum(1) + found.bias, found.score[good], atol=1e-4)


def test_files_that_cannot_be_read_are_nan_and_stop_nothing(
    collection: ImageCollection, siam: LoadedModel, baseline: LoadedModel, store: ArtifactStore
) -> None:
    for model in (siam, baseline):
        found = read_collection(collection, model, store=store)
        assert np.flatnonzero(~found.readable).tolist() == list(BROKEN)
        assert np.array_equal(np.isnan(found.score), ~found.readable)
        for part in (found.attributes, found.contributions):
            assert np.array_equal(np.isnan(part).any(1), ~found.readable & bool(found.names))


def test_the_baselines_scores(collection: ImageCollection, baseline: LoadedModel, store: ArtifactStore) -> None:
    found = read_collection(collection, baseline, store=store, engine=Engine("cpu"))
    assert (found.names, found.bias) == ((), 5)
    assert found.attributes.shape == found.contributions.shape == (len(collection), 0)
    expected = read_image(baseline, collection.image(collection.ids[9])).score
    assert found.score[9] == pytest.approx(expected, abs=1e-4)
    templates = kept_templates(baseline.card, store=store)
    assert templates is not None
    assert (templates.names, templates.bias) == ((), 5)


def test_a_view_gets_its_rows(collection: ImageCollection, siam: LoadedModel, store: ArtifactStore) -> None:
    rows = np.zeros(len(collection), bool)
    rows[[0, 2, 30, 70]] = True
    view = collection.where(rows)
    first = read_collection(view, siam, store=store)
    whole = read_collection(collection, siam, store=store)
    assert first.readable.tolist() == [True, False, True, True]
    assert same(first, whole.of(rows))
    assert same(first, whole.of(np.flatnonzero(rows)))
    kept = kept_readings(view, siam.card, store=store)
    assert kept is not None
    assert same(kept, first)
    assert len(read_collection(collection.where(~rows & rows), siam, store=store).score) == 0


def test_what_is_kept_is_read_again_and_not_computed(
    collection: ImageCollection, siam: LoadedModel, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept_readings(collection, siam.card, store=store) is None
    assert kept_templates(siam.card, store=store) is None
    first = read_collection(collection, siam, store=store)
    monkeypatch.setattr("urbanlens.siam.readings._chunk", None)
    assert same(read_collection(collection, siam, store=store), first)
    kept = kept_readings(collection, siam.card, store=store)
    assert kept is not None
    assert same(kept, first)
    assert [path.name for path in (store.roots[0] / KIND).iterdir()] == [readings_key(collection, siam.card).digest]


def test_a_stopped_reading_goes_on(
    collection: ImageCollection, siam: LoadedModel, store: ArtifactStore, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []

    def stop(done: int, total: int, what: str) -> None:
        told.append((done, total))
        if done == CHUNK:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        read_collection(collection, siam, store=store, progress=stop)
    assert kept_readings(collection, siam.card, store=store) is None
    assert told == [(0, CHUNK + 8), (CHUNK, CHUNK + 8)]
    found = read_collection(collection, siam, store=store, progress=lambda *one: told.append(one[:2]))
    assert told[-1] == (CHUNK + 8, CHUNK + 8)
    assert same(found, read_collection(collection, siam, store=ArtifactStore(tmp_path / "other")))


def test_readings_depend_on_images_weights_and_names(
    collection: ImageCollection, siam: LoadedModel, baseline: LoadedModel
) -> None:
    cards = [siam.card, baseline.card, replace(siam.card, size=48), replace(siam.card, classes=("a", "b", "c"))]
    keys = {readings_key(collection, card).digest for card in cards}
    assert len(keys) == 4
    assert readings_key(collection.where(np.ones(len(collection), bool)), siam.card).digest not in keys
    assert readings_key(collection, replace(siam.card, name="other")).digest in keys


def test_templates_are_kept_as_the_network_has_them(
    collection: ImageCollection, siam: LoadedModel, store: ArtifactStore
) -> None:
    read_collection(collection, siam, store=store)
    own, kept = templates_of(siam), kept_templates(siam.card, store=store)
    assert kept is not None
    assert isinstance(siam.module, SIAM)
    assert np.array_equal(own.templates, siam.module.templates.detach().numpy())
    assert (own.names, own.bias) == (kept.names, kept.bias) == (NAMES, siam.module.bias.item())
    for one in (own, kept):
        assert np.array_equal(one.templates, own.templates)
        assert one.strength.tolist() == [0.5, 1.0, 2.0]
        assert np.allclose(one.typical, one.templates * np.array([0.5, 1, 2])[:, None, None])


def test_what_is_kept_is_read_without_torch(
    collection: ImageCollection, siam: LoadedModel, store: ArtifactStore, tmp_path: Path
) -> None:
    found = read_collection(collection, siam, store=store)
    (tmp_path / "card.json").write_text(siam.card.to_json())
    code = (
        "import sys; from pathlib import Path; from urbanlens.artifacts import ArtifactStore\n"
        "from urbanlens.collection import ImageCollection; from urbanlens.models import ModelCard\n"
        "from urbanlens.siam.readings import kept_readings, kept_templates\n"
        "root, store = sys.argv[1], ArtifactStore(sys.argv[3])\n"
        "card = ModelCard.from_json(Path(sys.argv[2]).read_text())\n"
        "found = kept_readings(ImageCollection.open(root), card, store=store)\n"
        "templates = kept_templates(card, store=store)\n"
        "print(int(found.readable.sum()), found.score[0], templates.names[0], 'torch' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(collection.root), str(tmp_path / "card.json"), str(store.roots[0])]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(found.readable.sum()), str(found.score[0]), "red", "False"]


def test_a_classifier_is_refused(collection: ImageCollection, store: ArtifactStore, tmp_path: Path) -> None:
    module = build_model("resnet18", 2, seed=0)
    save_model(module, ModelCard("cities", "classes", "resnet18", ("a", "b"), 32), tmp_path / "cities")
    model = load_model(tmp_path / "cities")
    with pytest.raises(ModelError, match="cities answers classes, not a score: give a network of `train siam`"):
        read_image(model, collection.image(collection.ids[0]))
    with pytest.raises(ModelError, match="train score"):
        read_collection(collection, model, store=store)
    assert not store.roots[0].exists()
