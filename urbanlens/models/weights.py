"""Trained networks on disk: a folder with `model.json` and `weights.safetensors`."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from urbanlens.artifacts import file_digest
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.models.card import CARD_FILE, WEIGHTS_FILE, ModelCard
from urbanlens.models.efficientnet_lite0 import packaged_file
from urbanlens.models.registry import architectures, build_model, layers_of
from urbanlens.models.transform import SquareTransform


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A network ready for use.

    Attributes
    ----------
    module : the network, in eval mode, (N, 3, H, W) in [0, 1] -> (N, K), a segmenter's (N, K, H, W)
    classes : names of its K outputs
    transform : picture -> (3, H, W) float32 in [0, 1]
    card : its `model.json`
    name : its name, as in the card
    layers : dotted names of the layers where Grad-CAM can look, from fine to coarse; () for a segmenter
    weights_digest : SHA-256 of its weights, part of every artifact's key
    """

    module: nn.Module
    classes: tuple[str, ...]
    transform: Callable[[Image.Image], Tensor]
    card: ModelCard
    name: str
    layers: tuple[str, ...]
    weights_digest: str

    @property
    def layer(self) -> str:
        """The last of `layers`, where Grad-CAM looks by itself."""
        return self.layers[-1]


def save_model(module: nn.Module, card: ModelCard, folder: Path | str) -> ModelCard:
    """Write a network and its card as a folder, whole or not at all; weights are kept as float16.

    Parameters
    ----------
    module : the network that `build_model(card.architecture, len(card.classes), **card.options)` gives
    card : its description; `weights` is filled in
    folder : where; a model that was there is replaced

    Raises
    ------
    ModelError
        Where a weight is not a finite float16, or the network is not what the card says.
    """
    tensors = {name: _half(name, value) for name, value in module.state_dict().items()}
    expected = _build(card).state_dict()
    if {name: value.shape for name, value in tensors.items()} != {
        name: value.shape for name, value in expected.items()
    }:
        raise ModelError(
            f"this network is no {card.architecture} with {len(card.classes)} classes and options "
            f"{dict(card.options)}: give the card of the network that is saved"
        )
    data = save(tensors)
    weights = {
        "file": WEIGHTS_FILE,
        "sha256": hashlib.sha256(data).hexdigest(),
        "dtype": "float16",
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
    }
    card = replace(card, weights=weights, layers=layers_of(module))
    _replace_folder(Path(folder), {WEIGHTS_FILE: data, CARD_FILE: card.to_json().encode()})
    return card


def load_model(folder: Path | str) -> LoadedModel:
    """The network of a folder, in eval mode on the CPU, float32.

    Raises
    ------
    ModelError
        Where a file is missing, cut short, changed, or does not fit the card.
    """
    folder = Path(folder)
    card = ModelCard.read(folder)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelError(
            f"{folder} has {CARD_FILE} but no {WEIGHTS_FILE}: copy the model's folder again, or train it anew"
        )
    digest = file_digest(path)
    expected = card.weights.get("sha256", digest)
    if digest != expected:
        raise ModelError(
            f"{path} is not the file that {CARD_FILE} describes (SHA-256 {digest[:12]}…, it should be "
            f"{str(expected)[:12]}…): it was cut short or changed; copy the model's folder again, or train it anew"
        )
    try:
        tensors = load(path.read_bytes())
    except SafetensorError as error:
        raise ModelError(f"{path} is no safetensors file ({error}): copy the model's folder again") from None
    module = _build(card)
    _fill(module, tensors, path)
    return _loaded(module, card, digest)


def round_weights(module: nn.Module) -> None:
    """Round a network's weights to what `save_model` keeps of them, so that it can be measured as it will be loaded."""
    module.load_state_dict({name: _half(name, value) for name, value in module.state_dict().items()})


def imagenet(size: int = 224) -> LoadedModel:
    """EfficientNet-Lite0 with its packaged ImageNet weights and the 1,000 class names; needs no network."""
    names = tuple(files("urbanlens.models").joinpath("imagenet_classes.txt").read_text(encoding="utf-8").splitlines())
    architecture = "efficientnet_lite0"
    card = ModelCard("imagenet", "classes", architecture, names, size, data={"collection": "ImageNet-1k"})
    module = build_model(architecture, len(names), pretrained=True)
    return _loaded(module, card, file_digest(packaged_file()))


def _build(card: ModelCard) -> nn.Module:
    """The card's network with arbitrary weights; never those of a package."""
    options = dict(card.options)
    known = architectures(card.task)
    if card.architecture in known and "pretrained" in known[card.architecture].options:
        options["pretrained"] = False
    try:
        return build_model(card.architecture, len(card.classes), task=card.task, seed=0, **options)
    except UnknownNameError as error:
        raise ModelError(f"the model {card.name!r} cannot be built: {error}") from None
    except TypeError as error:
        raise ModelError(f"the options of the model {card.name!r} do not fit {card.architecture}: {error}") from None


def _loaded(module: nn.Module, card: ModelCard, digest: str) -> LoadedModel:
    layers = layers_of(module)
    return LoadedModel(module.eval(), card.classes, SquareTransform(card.size), card, card.name, layers, digest)


def _half(name: str, value: Tensor) -> Tensor:
    value = value.detach().cpu()
    if value.is_floating_point():
        value = value.half()
        if not torch.isfinite(value).all():
            raise ModelError(f"the weight {name} holds values that float16 cannot: train with a lower learning rate")
    return value.contiguous()


def _fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    wanted = module.state_dict()
    problems = [f"no {name}" for name in wanted if name not in tensors]
    problems += [f"unknown {name}" for name in tensors if name not in wanted]
    problems += [
        f"{name} is {tuple(tensors[name].shape)} instead of {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(
            f"{path} does not fit its {CARD_FILE}: {'; '.join(problems[:3])}{more}; "
            "the weights belong to another architecture or number of classes"
        )
    module.load_state_dict(tensors)


def _replace_folder(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files as a folder beside, then rename it into place; what was there goes only when all is written."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = partial(tempfile.mkdtemp, dir=folder.parent)
    fresh, old = Path(beside(prefix=".unfinished-")), Path(beside(prefix=".replaced-"))
    try:
        for name, data in contents.items():
            (fresh / name).write_bytes(data)
        fresh.chmod(0o755)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(fresh, folder)
        except OSError:
            os.replace(old, folder)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
