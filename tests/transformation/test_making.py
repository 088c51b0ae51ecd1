"""Finished transformations: made once, kept whole, read back; sources of all kinds; the command line."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.training.worlds import world
from tests.transformation.workshops import save_generator
from urbanlens.artifacts import ArtifactStore
from urbanlens.cli import main
from urbanlens.collection import ImageCollection
from urbanlens.errors import ArtifactError, Cancelled, CollectionError, ModelError
from urbanlens.transformation.counterparts import Searcher, known_similarities
from urbanlens.transformation.making import Source, Workshop, begin, make, make_many
from urbanlens.transformation.record import ARRAYS_FILE, KIND, Settings, finished, read
from urbanlens.transformation.transform_command import some_sources

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = Settings(steps=6, reach="near")


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    root = tmp_path_factory.mktemp("making")
    found = world(root / "two-cities", 40)
    save_generator(found.root / "models")
    return found


@pytest.fixture(scope="module")
def workshop(collection: ImageCollection) -> Workshop:
    return Workshop.open(collection, collection.root / "models" / "generator", device="cpu")


def of_class(collection: ImageCollection, name: str) -> list[str]:
    return list(collection.table.loc[collection.table["city"] == name, "image_id"])


def test_it_is_whole_and_kept(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    store, source = ArtifactStore(tmp_path), of_class(collection, "Dark")[0]
    found = make(workshop, collection, source, "Light", QUICK, store=store)
    assert (found.source, found.source_class, found.target) == (source, "Dark", "Light")
    assert found.frames.shape == (len(found.steps), 32, 32, 3)
    assert found.codes.shape == (2, *workshop.generator.module.code_shape)  # type: ignore[misc]
    assert found.networks == ("pulls", "judges", "judges-too") and found.drives == (True, False, False)
    assert found.certainty.shape == (len(found.steps), 3) and found.source_certainty.shape == (3,)
    assert found.shares.shape == (len(found.steps), len(found.objects))
    np.testing.assert_allclose(found.shares.sum(1), 1, atol=1e-5)
    for values in found.features.values():
        np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, atol=1e-3)
    again = make(
        workshop, collection, source, "Light", QUICK, store=store,
        progress=lambda done, total, what: pytest.fail("it was computed again"),
    )  # fmt: skip
    assert again.steps.tolist() == found.steps.tolist()
    np.testing.assert_array_equal(again.certainty, found.certainty)
    assert np.abs(again.frames.astype(int) - found.frames).mean() < 12
    (listed,) = finished(store, collection.fingerprint, workshop.generator.weights_digest)
    assert (listed.source, listed.target, listed.settings) == (source, "Light", QUICK)
    assert listed.agreed == found.agreed()


def test_several_are_what_each_alone_is(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    sources = of_class(collection, "Dark")[:3]
    together = make_many(workshop, collection, sources, "Light", QUICK, store=ArtifactStore(tmp_path / "a"))
    for number, source in enumerate(sources):
        alone, one = (
            make(workshop, collection, source, "Light", QUICK, store=ArtifactStore(tmp_path / "b")),
            together[number],
        )
        assert (one.source, one.steps.tolist()) == (source, alone.steps.tolist())
        assert np.abs(one.frames.astype(int) - alone.frames).mean() < 3
        np.testing.assert_allclose(one.codes.astype(float), alone.codes.astype(float), atol=0.1)
        np.testing.assert_allclose(one.certainty, alone.certainty, atol=0.05)
        np.testing.assert_allclose(one.source_certainty, alone.source_certainty, atol=1e-4)
        np.testing.assert_allclose(one.shares, alone.shares, atol=0.05)
        for name, values in alone.features.items():
            assert (np.sum(one.features[name] * values, axis=1) > 0.97).all()
    for first, other in pairwise(together):
        assert np.abs(first.frames.astype(int) - other.frames).mean() > 6


def test_prototypes_and_images_are_not_mixed(workshop: Workshop) -> None:
    with pytest.raises(ModelError, match="one kind after the other"):
        begin(workshop, [Source("a", Image.new("RGB", (32, 32)), ""), Source("", None, "")], 0)


def test_photographs_and_prototypes(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    dropped = make(workshop, collection, Image.new("RGB", (50, 40), "brown"), "Dark", QUICK, store=store)
    assert len(dropped.source) == 20 and dropped.source_class == ""
    neutral = Settings(steps=6, start="prototype", seed=1)
    prototype = make(workshop, collection, None, "Dark", neutral, store=store)
    assert prototype.source == "" and np.isnan(prototype.source_certainty).all()
    with pytest.raises(ModelError, match="starts from no image"):
        make(workshop, collection, None, "Dark", QUICK, store=store)


def test_sources_that_make_no_sense(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(ModelError, match="already"):
        make(workshop, collection, of_class(collection, "Light")[0], "Light", QUICK, store=store)
    with pytest.raises(ModelError, match="no class 'Grey'"):
        make(workshop, collection, of_class(collection, "Light")[0], "Grey", QUICK, store=store)
    with pytest.raises(ModelError, match="answers classes"):
        Workshop.open(collection, collection.root / "models" / "beside" / "pulls")


def test_a_stopped_one_leaves_nothing(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if "step" in what and done >= 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        make(
            workshop, collection, of_class(collection, "Dark")[0], "Light", QUICK, store=ArtifactStore(tmp_path),
            progress=stop,
        )  # fmt: skip
    assert not list((tmp_path / KIND).glob("*")) if (tmp_path / KIND).exists() else True


def test_a_broken_file_is_named(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    make(workshop, collection, of_class(collection, "Dark")[0], "Light", QUICK, store=store)
    (folder,) = (tmp_path / KIND).iterdir()
    (folder / ARRAYS_FILE).write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ArtifactError, match="compute it again"):
        read(folder)


def test_the_nearest_image_is_never_the_source(collection: ImageCollection, workshop: Workshop, tmp_path: Path) -> None:
    store, folder = ArtifactStore(tmp_path), collection.root / "models" / "generator"
    searcher = Searcher.open(collection, folder, workshop.card, store=store)
    assert searcher.names == known_similarities(workshop.card)
    found = make(workshop, collection, of_class(collection, "Dark")[0], "Light", QUICK, store=store)
    light = searcher.classes == "Light"
    for name in searcher.names:
        rows, similarity = searcher.nearest(found, name, 39)
        assert searcher.sources[found.source] not in rows.tolist()
        assert (np.diff(similarity) <= 1e-6).all()
        inside, _ = searcher.nearest(found, name, 3, rows=light)
        assert all(searcher.label(row) == "Light" for row in inside)
    kept = Searcher.kept(collection, folder, workshop.card, store)
    assert kept.names == searcher.names


def test_sources_are_spread_and_of_other_classes(collection: ImageCollection, workshop: Workshop) -> None:
    names = some_sources(collection, workshop.card, "Light", 4)
    table = collection.table.set_index("image_id")
    assert set(table.loc[names, "city"]) == {"Dark"} and set(table.loc[names, "split"]) == {"test"}
    assert some_sources(collection, workshop.card, "Light", 0) == []
    only = collection.where((collection.table["city"] == "Light").to_numpy())
    with pytest.raises(CollectionError, match="no image to turn into Light"):
        some_sources(only, workshop.card, "Light", 3)


def test_the_command_tells_all(collection: ImageCollection, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["transform", str(collection.root), "--target", "Light", "--count", "2", "--steps", "4", "--device", "cpu"]
    assert main([*given, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [one["target"] for one in told["transformations"]] == ["Light"] * 3
    assert told["judges"] == ["judges", "judges-too"]
    first = told["transformations"][0]
    assert set(first["nearest"]) == set(
        known_similarities(Workshop.open(collection, collection.root / "models" / "generator").card)
    )
    assert main(["transform", str(collection.root), "--target", "Grey", "--device", "cpu"]) == 2
    assert "no class 'Grey'" in capsys.readouterr().err
    assert main(["transform", str(collection.root), "--generator", "nobody"]) == 2
    assert "no generator 'nobody'" in capsys.readouterr().err
