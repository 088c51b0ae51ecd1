"""Label maps of a whole collection: kept, resumed, read back, and compared with its own labels."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.training.object_worlds import SIDE, object_world
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.engine import Engine
from urbanlens.errors import ArtifactError, Cancelled, ModelError, UrbanLensError
from urbanlens.explain import segment_command as command
from urbanlens.explain.agreement import labels_agreement
from urbanlens.explain.segment import segment, segment_images, segmented
from urbanlens.models import LoadedModel, ModelCard, build_model, save_model
from urbanlens.models.transform import SquareTransform

COUNT = 70
COLOURS = ((60, 120, 220), (110, 80, 50), (240, 220, 40))


class ByColour(nn.Module):
    """Says the object whose colour is nearest: right on the tiny world."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Parameter(torch.tensor(COLOURS).float() / 255)
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        return -(images[:, None].float() - self.colours[None, :, :, None, None]).square().sum(2)


def knows_colours(ids: tuple[int, ...] = (3, 14, 44), digest: str = "digest") -> LoadedModel:
    card = ModelCard("colours", "objects", "none", ("sky", "earth", "signboard"), SIDE, data={"object_ids": list(ids)})
    return LoadedModel(ByColour().eval(), card.classes, SquareTransform(SIDE), card, card.name, (), digest)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    made = object_world(tmp_path_factory.mktemp("worlds") / "signs", COUNT)
    (made.root / "images" / f"{made.ids[3]}.png").write_bytes(b"no image")
    return ImageCollection.open(made.root)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def kill_at(wanted: int) -> Callable[[int, int, str], None]:
    def told(done: int, total: int, what: str) -> None:
        if done >= wanted:
            raise Cancelled("stop")

    return told


def test_maps_are_kept_and_read_back(collection: ImageCollection, store: ArtifactStore) -> None:
    model = knows_colours()
    found = segment(collection, model, store=store)
    assert found.object_names == {3: "sky", 14: "earth", 44: "signboard"}
    assert found.missing == (collection.ids[3],)
    assert found.objects(collection.ids[3]) is None
    assert sum(found.shares.values()) == pytest.approx(1)
    pixels = np.zeros(3)
    for name in collection.ids:
        maps, own = found.objects(name), collection.objects(name)
        if maps is not None:
            assert (maps.shape, maps.dtype) == ((SIDE, SIDE), np.uint16)
            pixels += [(maps == number).sum() for number in (3, 14, 44)]
        if maps is not None and own is not None:
            known = np.isin(own, (3, 14, 44))
            assert (maps == own)[known].mean() > 0.99
    assert list(pixels / pixels.sum()) == pytest.approx([found.shares[number] for number in (3, 14, 44)])
    calls = model.module.calls
    again = segment(collection.where(np.arange(COUNT) < 5), model, store=store)
    assert model.module.calls == calls
    assert again.folder == found.folder
    assert [path.name for path in (store.roots[0] / "objects-chunk").iterdir()] == []
    assert sum(file.stat().st_size for file in found.folder.iterdir()) < COUNT * SIDE * SIDE / 2


def test_a_killed_run_goes_on_and_gives_the_same(
    collection: ImageCollection, store: ArtifactStore, tmp_path: Path
) -> None:
    model, other = knows_colours(), knows_colours()
    whole = segment(collection, other, store=ArtifactStore(tmp_path / "elsewhere"))
    with pytest.raises(Cancelled):
        segment(collection, model, store=store, progress=kill_at(64))
    before = model.module.calls
    with pytest.raises(ArtifactError, match="segment"):
        segmented(collection, model, store)
    found = segment(collection, model, store=store)
    assert model.module.calls - before < before
    assert model.module.calls == other.module.calls
    for name in collection.ids:
        assert np.array_equal(found.objects(name), whole.objects(name))
    assert found.shares == whole.shares
    assert (found.folder / "0000064.npz").read_bytes() == (whole.folder / "0000064.npz").read_bytes()


def test_other_weights_and_other_ids_are_other_results(collection: ImageCollection, store: ArtifactStore) -> None:
    segment(collection, knows_colours(), store=store)
    for other in (knows_colours(digest="other"), knows_colours(ids=(3, 14, 300))):
        with pytest.raises(ArtifactError, match="colours"):
            segmented(collection, other, store)
    found = segment(collection, knows_colours(ids=(3, 14, 300)), store=store)
    assert 300 in np.unique(found.objects(collection.ids[0]))


def test_a_damaged_artifact_is_named(collection: ImageCollection, store: ArtifactStore) -> None:
    found = segment(collection, knows_colours(), store=store)
    (found.folder / "0000000.npz").write_bytes(b"cut short")
    with pytest.raises(ArtifactError, match="delete"):
        segmented(collection, knows_colours(), store).objects(collection.ids[0])


def test_single_pictures(collection: ImageCollection) -> None:
    model = knows_colours()
    pictures = [collection.image(name).resize((96, 60)) for name in collection.ids[:2]]
    assert segment_images(model, []).shape == (0, SIDE, SIDE)
    both = segment_images(model, pictures, engine=Engine("cpu"))
    assert (both.shape, both.dtype) == ((2, SIDE, SIDE), np.uint16)
    assert np.array_equal(both[1:], segment_images(model, pictures[1:]))
    plain = Image.new("RGB", (30, 20), COLOURS[1])
    assert (segment_images(model, [plain]) == 14).all()


def test_only_segmenters_answer(collection: ImageCollection, store: ArtifactStore) -> None:
    model = knows_colours()
    classifier = replace(model, card=replace(model.card, task="classes"))
    nameless = replace(model, card=replace(model.card, data={"object_ids": [3, 0, 44]}))
    for wrong, words in ((classifier, "answers classes, not objects"), (nameless, "object_ids")):
        with pytest.raises(ModelError, match=words):
            segment(collection, wrong, store=store)
        with pytest.raises(ModelError, match=words):
            segment_images(wrong, [])


def test_agreement_counts_what_both_know(collection: ImageCollection, store: ArtifactStore) -> None:
    result = labels_agreement(collection, segment(collection, knows_colours(), store=store))
    assert result is not None
    agreement, counted = result
    assert agreement.names == ("sky", "earth", "signboard")
    assert agreement.accuracy > 0.99
    assert counted == pytest.approx(1, abs=1e-4)
    assert counted < 1  # the boat's pixel
    assert len(agreement.truth) == collection.labelled.sum() - collection.labelled[3]
    swapped = segment(collection, knows_colours(ids=(14, 3, 44), digest="swapped"), store=store)
    assert labels_agreement(collection, swapped)[0].accuracy == pytest.approx(agreement.accuracy)
    assert labels_agreement(collection.where(~collection.labelled), swapped) is None


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = object_world(tmp_path / "signs", 16)
    shutil.rmtree(made.root / "artifacts", ignore_errors=True)
    names = ("sky", "earth", "signboard")
    card = ModelCard("net", "objects", "segmenter", names, 32, options={"width": 4},
                     data={"object_ids": [3, 14, 44], "fingerprint": made.fingerprint})  # fmt: skip
    net = build_model("segmenter", 3, task="objects", seed=0, width=4)
    save_model(net, card, made.root / "models" / "net")
    save_model(build_model("resnet18", 3, seed=0), replace(card, name="city", task="classes", architecture="resnet18",
                                                           options={}), made.root / "models" / "city")  # fmt: skip
    answer = command.segment_command(Namespace(collection=made.root, model="net", fetch=False))
    assert answer["images"] == 16
    assert set(answer["objects"]) <= set(names)
    assert Path(answer["artifact"]).is_relative_to(made.root)
    agreement = answer["agreement"]
    assert agreement["about"] == "test images"
    assert agreement["images"] == (made.table["split"].eq("test") & made.labelled).sum()
    assert 0 <= agreement["accuracy"] <= 1
    by_folder = command.segment_command(Namespace(collection=made.root, model=str(made.root / "models/net"), fetch=0))
    assert by_folder == answer
    for given, fetch, words in (("city", False, "not objects"), ("nothing", False, "net"), ("net", True, "segformer")):
        with pytest.raises(UrbanLensError, match=words):
            command.segment_command(Namespace(collection=made.root, model=given, fetch=fetch))
    monkeypatch.setenv("URBANLENS_HOME", str(tmp_path / "home"))
    with pytest.raises(ModelError, match="--fetch"):
        command.segment_command(Namespace(collection=made.root, model="segformer", fetch=False))
