"""The segmenter as an architecture, and SegFormer as far as it goes without its weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from urbanlens.collection import ade20k
from urbanlens.errors import Cancelled, ModelError, UnknownNameError
from urbanlens.models import MODELS, SEGMENTERS, ModelCard, build_model, load_model, save_model, segformer
from urbanlens.models.weights import round_weights

NAMES = ("sky", "road", "tree")


def card_of(name: str = "segmenter", **changes: object) -> ModelCard:
    given = {"name": "mine", "task": "objects", "architecture": name, "classes": NAMES, "size": 64,
             "data": {"object_ids": [3, 7, 5]}}  # fmt: skip
    return ModelCard(**given | changes)


@pytest.mark.parametrize("name", SEGMENTERS.names())
def test_round_trip(name: str, tmp_path: Path) -> None:
    module = build_model(name, 3, task="objects", seed=1).eval()
    images = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    card = save_model(module, card_of(name), tmp_path / "mine")
    loaded = load_model(tmp_path / "mine")
    round_weights(module)
    with torch.no_grad():
        scores = loaded.module(images)
        assert torch.equal(scores, module(images))
    assert scores.shape == (2, 3, 64, 48)
    assert loaded.card == card
    assert loaded.classes == NAMES
    assert loaded.layers == ()
    assert card.data["object_ids"] == [3, 7, 5]


def test_it_is_small_and_takes_any_side() -> None:
    module = build_model("segmenter", 29, task="objects", seed=0).eval()
    assert sum(part.numel() for part in module.parameters()) <= 1_500_000
    with torch.no_grad():
        for height, width in ((128, 128), (192, 100), (33, 47)):
            assert module(torch.rand(1, 3, height, width)).shape == (1, 29, height, width)


def test_segmenters_are_told_apart_by_their_task(tmp_path: Path) -> None:
    assert not set(SEGMENTERS.names()) & set(MODELS.names())
    with pytest.raises(UnknownNameError, match="resnet18"):
        build_model("segmenter", 3)
    with pytest.raises(UnknownNameError, match="segmenter"):
        build_model("resnet18", 3, task="objects")
    with pytest.raises(ModelError, match="segmenter"):
        save_model(build_model("resnet18", 3), card_of("resnet18"), tmp_path / "mine")
    with pytest.raises(ModelError, match="width"):
        build_model("segmenter", 3, task="objects", width=0)


def test_segformer_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANLENS_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="--fetch"):
        segformer.segformer()
    file = segformer.segformer_folder() / segformer.FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(b"cut short")
    with pytest.raises(ModelError, match="SHA-256"):
        segformer.segformer()
    monkeypatch.setattr(segformer, "SHA256", hashlib.sha256(b"cut short").hexdigest())

    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(segformer, "import_module", absent)
    with pytest.raises(ModelError, match="pip install transformers"):
        segformer.segformer()


def test_segformer_is_fetched_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published, folder = tmp_path / "published", tmp_path / "mine"
    data = bytes(range(256)) * 4096
    monkeypatch.setattr(segformer, "URL", published.as_uri())
    with pytest.raises(ModelError, match="cannot be fetched"):
        segformer.fetch_segformer(folder)
    published.write_bytes(data)
    with pytest.raises(ModelError, match="another file"):
        segformer.fetch_segformer(folder)
    monkeypatch.setattr(segformer, "SHA256", hashlib.sha256(data).hexdigest())

    def cancel(done: int, total: int, what: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        segformer.fetch_segformer(folder, progress=cancel)
    assert list(folder.iterdir()) == []
    told: list[int] = []
    file = segformer.fetch_segformer(folder, progress=lambda done, total, what: told.append(done))
    assert file.read_bytes() == data
    assert told == sorted(told)
    assert list(folder.iterdir()) == [file]
    published.unlink()
    assert segformer.fetch_segformer(folder) == file


def test_segformer_counts_from_one() -> None:
    """Output 0 is ADE20K's object 1, wall."""
    model = segformer._loaded(torch.nn.Identity(), "digest")
    ids = model.card.data["object_ids"]
    assert ids == list(range(1, 151))
    assert [model.classes[place] for place in (0, 2, 12)] == ["wall", "sky", "person"]
    assert dict(zip(ids, model.classes, strict=True)) == ade20k.names()


def test_segformer_answers_as_transformers_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights, saved as the published ones are."""
    package = pytest.importorskip("transformers", reason="it is optional")
    network = package.SegformerForSemanticSegmentation(package.SegformerConfig(num_labels=150)).eval()
    network.save_pretrained(tmp_path)
    file = tmp_path / segformer.FILE
    assert file.stat().st_size == segformer.BYTES
    monkeypatch.setattr(segformer, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    model = segformer.segformer(tmp_path)
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        scores = network(pixel_values=model.module.normalize(images)).logits
        expected = torch.nn.functional.interpolate(scores, (64, 64), mode="bilinear", align_corners=False)
        assert torch.equal(model.module(images), expected)
    assert expected.shape == (1, 150, 64, 64)
