"""Contracts that every registered architecture keeps."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.models.small import small
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.models import MODELS, LoadedModel, ModelCard, build_model, imagenet, load_model, save_model
from urbanlens.models.card import CARD_FILE, WEIGHTS_FILE
from urbanlens.models.weights import round_weights

SIZE = 64


def card_of(name: str, classes: int = 3) -> ModelCard:
    names = tuple(f"class {number}" for number in range(classes))
    return ModelCard(
        name="mine", task="classes", architecture=name, classes=names, size=SIZE, metrics={"accuracy": 0.5},
        options=small(name),
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_model(build_model("resnet18", 3, seed=1), card_of("resnet18"), tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.parametrize("name", MODELS.names())
def test_round_trip(name: str, tmp_path: Path) -> None:
    """What is loaded answers as what was saved, once that is rounded to float16."""
    module = build_model(name, 3, seed=1, **small(name)).eval()
    images = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    card = save_model(module, card_of(name), tmp_path / "mine")
    loaded = load_model(tmp_path / "mine")
    round_weights(module)
    with torch.no_grad():
        expected = module(images)
        assert torch.equal(loaded.module(images), expected)
    assert expected.shape == (2, 3)
    assert loaded.card == card == ModelCard.read(tmp_path / "mine")
    assert (loaded.name, loaded.classes, loaded.layer) == ("mine", card.classes, module.layers[-1])
    assert loaded.weights_digest == card.weights["sha256"]
    assert not any(part.training for part in loaded.module.modules())
    assert loaded.card["metrics"] == {"accuracy": 0.5}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


@pytest.mark.parametrize("name", MODELS.names())
def test_the_layer_is_there_and_gives_maps(name: str) -> None:
    module = build_model(name, 2, seed=1, **small(name)).eval()
    shapes: list[torch.Size] = []
    dict(module.named_modules())[module.layers[-1]].register_forward_hook(lambda *call: shapes.append(call[-1].shape))
    with torch.no_grad():
        module(torch.rand(2, 3, SIZE, SIZE))
    assert len(shapes) == 1
    assert len(shapes[0]) == 4
    assert shapes[0][-1] >= SIZE // 32


def test_a_seed_gives_the_same_weights_and_leaves_the_callers_chance_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first, second = (build_model("efficientnet_lite0", 2, seed=7).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_network_that_began_with_packaged_weights_loads_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = replace(card_of("efficientnet_lite0"), options={"pretrained": True})
    module = build_model("efficientnet_lite0", 3, pretrained=True, seed=0)
    save_model(module, card, tmp_path / "mine")
    monkeypatch.setattr("urbanlens.models.efficientnet_lite0.packaged_file", None)
    loaded = load_model(tmp_path / "mine").module
    assert torch.equal(loaded.state_dict()["classifier.bias"], module.state_dict()["classifier.bias"].half().float())


def test_unknown_names_and_options_say_what_is_known() -> None:
    with pytest.raises(UnknownNameError, match="resnet18"):
        build_model("resnet81", 2)
    with pytest.raises(ModelError, match="hidden"):
        build_model("vgg11", 2, wide=3)
    with pytest.raises(ModelError, match="at least 1"):
        build_model("resnet18", 0)


@pytest.mark.parametrize(("width", "height", "mode"), [(70, 30, "RGB"), (20, 200, "L"), (64, 64, "RGBA"), (9, 9, "P")])
def test_transform(saved: Path, width: int, height: int, mode: str) -> None:
    """Any picture becomes (3, size, size) in [0, 1]; a plain one keeps its colour."""
    pixels = load_model(saved).transform(Image.new(mode, (width, height), 0))
    assert pixels.shape == (3, SIZE, SIZE)
    assert pixels.dtype == torch.float32
    grey = load_model(saved).transform(Image.new("RGB", (width, height), (51, 102, 255)))
    assert torch.allclose(grey.mean((1, 2)), torch.tensor([0.2, 0.4, 1.0]))


def test_imagenet_works_without_a_network() -> None:
    model = imagenet()
    assert isinstance(model, LoadedModel)
    assert len(set(model.classes)) >= 998
    assert (model.classes[0], model.classes[999]) == ("tench", "toilet tissue")
    with torch.no_grad():
        images = torch.rand(1, 3, 224, 224)
        assert model.module(images).shape == (1, 1000)
        assert model.module.features(images).shape == (1, 320)


def test_packaged_weights_start_a_network_of_other_classes() -> None:
    fresh = build_model("efficientnet_lite0", 2, pretrained=True, seed=0)
    whole = imagenet().module
    assert torch.equal(fresh.state_dict()["blocks.3.expand.0.weight"], whole.state_dict()["blocks.3.expand.0.weight"])
    assert fresh.state_dict()["classifier.weight"].shape == (2, 1280)


class TestBrokenFolders:
    """Each fault gets a ModelError that names the file."""

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=CARD_FILE):
            load_model(tmp_path / "none")

    def test_no_weights(self, saved: Path) -> None:
        (saved / WEIGHTS_FILE).rename(saved / "other.safetensors")
        with pytest.raises(ModelError, match=WEIGHTS_FILE):
            load_model(saved)

    @pytest.mark.parametrize("keep", [0, 5, 1000, -1])
    def test_truncated(self, saved: Path, keep: int) -> None:
        data = (saved / WEIGHTS_FILE).read_bytes()
        (saved / WEIGHTS_FILE).write_bytes(data[:keep])
        with pytest.raises(ModelError, match="cut short or changed"):
            load_model(saved)

    def test_no_safetensors(self, saved: Path) -> None:
        (saved / WEIGHTS_FILE).write_bytes(b"PK not weights at all")
        values = json.loads((saved / CARD_FILE).read_text())
        del values["weights"]["sha256"]
        (saved / CARD_FILE).write_text(json.dumps(values))
        with pytest.raises(ModelError, match="no safetensors file"):
            load_model(saved)

    @pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
    def test_weights_that_do_not_fit(self, saved: Path, change: str) -> None:
        tensors = load_file(saved / WEIGHTS_FILE)
        if change == "missing":
            del tensors["fc.bias"]
        elif change == "unknown":
            tensors["fc.more"] = torch.zeros(1)
        else:
            tensors["fc.bias"] = torch.zeros(5)
        save_file(tensors, saved / WEIGHTS_FILE)
        values = json.loads((saved / CARD_FILE).read_text())
        del values["weights"]["sha256"]
        (saved / CARD_FILE).write_text(json.dumps(values))
        with pytest.raises(ModelError, match=r"fc\."):
            load_model(saved)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"architecture": "resnet9000"}, "resnet9000"),
            ({"classes": []}, "at least one class"),
            ({"classes": "ab"}, "classes"),
            ({"classes": ["a", "b", "a"]}, "each class once"),
            ({"size": 3}, "size"),
            ({"format": 99}, "update"),
            ({"options": {"pretrained": 1}}, "pretrained"),
            ({"options": 5}, "options"),
        ],
    )
    def test_cards_that_make_no_sense(self, saved: Path, change: dict[str, object], message: str) -> None:
        values = json.loads((saved / CARD_FILE).read_text()) | change
        (saved / CARD_FILE).write_text(json.dumps(values))
        with pytest.raises(ModelError, match=message):
            load_model(saved)

    @pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"name": "x"}'])
    def test_no_card(self, saved: Path, text: bytes) -> None:
        (saved / CARD_FILE).write_bytes(text)
        with pytest.raises(ModelError):
            load_model(saved)


def test_saving_checks_before_it_writes(saved: Path) -> None:
    """A network that is not what the card says, or has no finite float16, leaves the old model as it was."""
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    with pytest.raises(ModelError, match="no resnet18 with 4 classes"):
        save_model(build_model("resnet18", 3), card_of("resnet18", 4), saved)
    module = build_model("resnet18", 3)
    with torch.no_grad():
        module.fc.bias.fill_(1e9)
    with pytest.raises(ModelError, match="float16"):
        save_model(module, card_of("resnet18"), saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_saving_replaces_a_model_whole(saved: Path) -> None:
    save_model(build_model("resnet18", 2, seed=5), replace(card_of("resnet18", 2), name="new"), saved)
    assert load_model(saved).name == "new"
    assert sorted(path.name for path in saved.parent.iterdir()) == [saved.name]


def test_a_card_is_read_without_torch(saved: Path) -> None:
    code = (
        "import sys; from urbanlens.models import ModelCard; ModelCard.read(sys.argv[1]); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(saved)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", MODELS.names())
def test_a_fresh_network_tells_pictures_apart(name: str) -> None:
    """What it sees neither dies away nor explodes: it is the control of what a trained one sees, and may be a trunk."""
    module = build_model(name, 2, seed=1, **small(name)).eval()
    seen: list[torch.Tensor] = []
    module.get_submodule(module.layers[-1]).register_forward_hook(lambda *call: seen.append(call[-1].mean((2, 3))))
    with torch.no_grad():
        module(torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)).round())
    assert 1e-3 < seen[0].std() < 1e3
    assert seen[0].std(0).max() > 1e-4
