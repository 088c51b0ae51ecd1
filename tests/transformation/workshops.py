"""Small networks that draw and tell two classes apart by their light; no training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from urbanlens.models import ModelCard, build_model, save_model
from urbanlens.models.generator import TemplateGenerator

CLASSES = ("Dark", "Light")
OPTIONS = {"size": 32, "channels": 4, "width": 32, "prior_width": 16}


def save_classifier(folder: Path, name: str, seed: int, *, sharp: float = 8.0) -> None:
    """A network whose answer is the mean of a random convolution, turned so that light pictures are `Light`."""
    module = build_model("simpler", 2, seed=seed, size=32, hidden=8, batch_norm=True, pool=1)
    module.eval()
    with torch.no_grad():
        last = module.classifier[-1]
        grey, bright = (module(torch.full((1, 3, 32, 32), value)) for value in (0.2, 0.8))
        direction = (bright - grey)[0]
        sign = 1.0 if float(direction[1] - direction[0]) > 0 else -1.0
        gap = float((direction[1] - direction[0]).abs().clamp_min(1e-6))
        middle = (bright + grey)[0] / 2
        last.weight.mul_(sign * sharp / gap)
        last.bias.copy_(sign * sharp / gap * (last.bias - middle))
    options = {"size": 32, "hidden": 8, "batch_norm": True, "pool": 1, "dropout": 0.0}
    save_model(module, ModelCard(name, "classes", "simpler", CLASSES, 32, label="city", options=options), folder / name)


def save_generator(folder: Path, *, prior: bool = True, seed: int = 0) -> Path:
    """A generator whose code is a coarse picture, with a driver and two judges beside it."""
    options = OPTIONS if prior else {**OPTIONS, "prior_width": 0}
    module = build_model("template_generator", 2, task="generator", seed=seed, **options)
    assert isinstance(module, TemplateGenerator)
    module.train()
    with torch.no_grad():
        for part in module.decoder.modules():
            if isinstance(part, nn.Conv2d):
                part.weight.mul_(1.5)
        for _ in range(20):
            module.encode(torch.rand(16, 3, 32, 32) * torch.rand(16, 1, 1, 1))
    for number, name in enumerate(("pulls", "judges", "judges-too")):
        save_classifier(folder / "beside", name, seed + number)
    card = ModelCard(
        "generator", "generator", "template_generator", CLASSES, 32, label="city", options=options,
        training={"margins": {"pulls": 8.0}},
        data={"drivers": {"pulls": "../beside/pulls"},
              "judges": {"judges": "../beside/judges", "judges-too": "../beside/judges-too"}},
    )  # fmt: skip
    save_model(module.eval(), card, folder / "generator")
    return folder / "generator"
