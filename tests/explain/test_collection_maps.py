"""The masks of a whole collection: the same as one by one, kept, resumed, and never mixed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.explain.nets import TinyNet
from tests.training.worlds import world
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, ModelError
from urbanlens.explain import count_collection, count_objects, explain_collection, kept_counts, kept_maps
from urbanlens.explain import explain_images as one_by_one
from urbanlens.explain.collection_maps import LABEL, PREDICTED, label_numbers, maps_key
from urbanlens.models import LoadedModel, ModelCard
from urbanlens.models.transform import SquareTransform


def model(seed: int = 0, classes: tuple[str, ...] = ("Dark", "Light", "Other")) -> LoadedModel:
    card = ModelCard(
        "tiny", "classes", "tiny", classes, 32, "city", layers=("first", "second"), weights={"sha256": str(seed) * 64}
    )
    network = TinyNet(seed=seed).eval()
    return LoadedModel(network, classes, SquareTransform(32), card, "tiny", card.layers, str(seed) * 64)


@pytest.fixture
def collection(tmp_path: Path) -> ImageCollection:
    return world(tmp_path / "town", 90)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "kept")


def test_as_one_by_one(collection: ImageCollection, store: ArtifactStore) -> None:
    found = explain_collection(collection, model(), store=store)
    expected = one_by_one(model(), [collection.image(name) for name in collection.ids])
    labels = collection.table["city"].map({"Dark": 0, "Light": 1}).fillna(-1).to_numpy(int)
    assert np.array_equal(found.labels, labels)
    assert np.array_equal(found.targets, np.where(labels >= 0, labels, expected.targets))
    assert np.allclose(found.probabilities, expected.probabilities, atol=1e-6)
    own = one_by_one(model(), [collection.image(name) for name in collection.ids], list(found.targets))
    height = own.maps.max((1, 2), keepdims=True)
    assert (np.abs(found.maps - own.maps) <= 1e-3 * height + 1e-9).all()
    assert found.readable.all()
    assert np.array_equal(found.predicted, expected.targets)


def test_what_is_kept_is_found_and_never_mixed_up(collection: ImageCollection, store: ArtifactStore) -> None:
    own, other = model(), model(1)
    first = explain_collection(collection, own, store=store)
    again = kept_maps(collection, own.card, "city", store=store)
    assert again is not None
    assert np.array_equal(first.maps, again.maps)
    assert kept_maps(collection, other.card, "city", store=store) is None
    assert kept_maps(collection, own.card, "city", target=PREDICTED, store=store) is None
    assert kept_maps(collection, own.card, "city", layer="first", store=store) is None
    finer = explain_collection(collection, own, layer="first", store=store)
    assert finer.maps.shape[1] > first.maps.shape[1]
    assert np.array_equal(
        explain_collection(collection, own, layer="second", store=store).maps, first.maps
    )  # the last layer, by name or not
    chosen = explain_collection(collection, own, target="Other", store=store)
    assert (chosen.targets == 2).all()


def test_a_view_gets_its_rows(collection: ImageCollection, store: ArtifactStore) -> None:
    whole = explain_collection(collection, model(), store=store)
    mask = np.arange(len(collection)) % 7 == 0
    assert np.array_equal(explain_collection(collection.where(mask), model(), store=store).maps, whole.maps[mask])


def test_a_killed_run_goes_on(collection: ImageCollection, store: ArtifactStore) -> None:
    def kill(done: int, total: int, what: str) -> None:
        if done == 64:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        explain_collection(collection, model(), store=store, progress=kill)
    assert kept_maps(collection, model().card, "city", store=store) is None
    told: list[int] = []
    explain_collection(collection, model(), store=store, progress=lambda done, total, what: told.append(done))
    assert told == [0, 64, 90]


def test_a_broken_image_is_left_out(collection: ImageCollection, store: ArtifactStore) -> None:
    broken = collection.ids[5]
    collection.path(broken).write_bytes(b"no picture")
    found = explain_collection(collection, model(), store=store)
    assert np.array_equal(np.flatnonzero(~found.readable), [5])
    assert not found.maps[5].any()
    assert not found.empty[5]


def test_classes_of_another_world(collection: ImageCollection, store: ArtifactStore) -> None:
    """A network that knows none of the classes explains what it answers."""
    found = explain_collection(collection, model(classes=("Rome", "Oslo", "Bern")), store=store)
    assert (found.labels == -1).all()
    assert np.array_equal(found.targets, found.predicted)


def test_a_changed_label_is_another_key(collection: ImageCollection) -> None:
    before = maps_key(collection, model().card, LABEL, "city")
    collection.table.loc[1, "city"] = "Light" if collection.table.loc[1, "city"] == "Dark" else "Dark"
    assert maps_key(collection, model().card, LABEL, "city").digest != before.digest
    assert maps_key(collection, model().card, PREDICTED, "city") == maps_key(
        collection, model().card, PREDICTED, "nothing"
    )


@pytest.mark.parametrize(("settings", "words"), [({"layer": "third"}, "first, second"), ({"target": "Rome"}, "Dark")])
def test_clear_words(collection: ImageCollection, store: ArtifactStore, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        explain_collection(collection, model(), store=store, **settings)


def test_objects_of_a_collection(collection: ImageCollection, store: ArtifactStore) -> None:
    """Counted as `count_objects` does on the square; images without labels count nothing."""
    folder = collection.root / "objects"
    folder.mkdir()
    (folder / "objects.csv").write_text("id,name\n3,rest\n7,square\n")
    ids = np.full((20, 20), 3, np.uint8)
    ids[5:10] = 7
    for name in collection.ids[:40]:
        Image.fromarray(ids).save(folder / f"{name}.png")
    labelled = ImageCollection.open(collection.root)
    maps = explain_collection(labelled, model(), store=store)
    key = maps_key(labelled, model().card, LABEL, "city")
    counts = count_collection(labelled, maps, key, store=store)
    assert counts.objects.tolist() == [3, 7]
    assert (counts.total[:40] == [224 * 224 * 3 // 4, 224 * 224 // 4]).all()
    assert (counts.total[40:] == 0).all()
    from urbanlens.explain import upsample_masks

    rows = (np.arange(224) + 0.5) * 20 // 224
    grid = ids[rows.astype(int)[:, None], rows.astype(int)[None, :]]
    expected = count_objects(upsample_masks(maps.maps[:5], 224), np.repeat(grid[None], 5, 0))
    assert np.array_equal(counts.inside[:5], expected.inside)
    assert np.array_equal(counts.top[:5], expected.top)
    kept = kept_counts(labelled, key, store=store)
    assert kept is not None
    assert np.array_equal(kept.inside, counts.inside)


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        (["b", "a", None, "c"], ["a", "b"], [1, 0, -1, -1]),
        ([2, 10, 2], ["10", "2"], [1, 0, 1]),
        ([True, False], ["False", "True"], [1, 0]),
        ([0.5, float("nan"), 2.0], ["0.5", "2.0", "nan"], [0, -1, 1]),
        ([None, None], ["None"], [-1, -1]),
    ],
)
def test_labels_are_numbered_as_text(values: list[object], classes: list[str], expected: list[int]) -> None:
    class Table:
        table = pd.DataFrame({"city": values})

    assert label_numbers(Table(), "city", classes).tolist() == expected  # type: ignore[arg-type]
