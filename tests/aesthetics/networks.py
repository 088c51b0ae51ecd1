"""Networks that judge beauty, for the tests of this folder: untrained ones, and one that looks where it was told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.models import LoadedModel, ModelCard, build_model, load_model, save_model
from urbanlens.models.transform import SquareTransform

TAGS = ("sea", "dusk", "trees")
SHAPE: dict[str, Any] = {"backbone": "simple", "layer": "convolutions.2", "options": {"batch_norm": True}}
HEADS: dict[str, dict[str, Any]] = {"high_low": {"hidden": 0, "pool": 1}, "marks_and_tags": {}}


def untrained(folder: Path, architecture: str, *, tags: tuple[str, ...] = TAGS, seed: int = 1) -> LoadedModel:
    """A small network for images of 32 px, whose answers differ from picture to picture; its maps have 8 x 8 cells."""
    classes, options = (
        ((*MARK_NAMES, *tags) if architecture == "marks_and_tags" else HIGH_LOW),
        {**SHAPE, **HEADS[architecture]},
    )
    module = build_model(architecture, len(classes), task="aesthetics", seed=seed, **options)
    with torch.no_grad():
        for part in module.head.modules():
            if isinstance(part, nn.Linear):
                part.weight.normal_(0, 3, generator=torch.Generator().manual_seed(seed))
    card = ModelCard(folder.name, "aesthetics", architecture, classes, 32, label="votes.mean", options=options)
    save_model(module, card, folder)
    return load_model(folder)


class Stripes(nn.Module):
    """Upright stripes are high, level ones low: (N, 3, H, W) -> the scores of high and low, or of marks and a tag."""

    layers = ("trunk",)

    def __init__(self, marks: bool) -> None:
        super().__init__()
        edges = nn.Conv2d(3, 4, 2, bias=False)
        nn.init.zeros_(edges.weight)
        for channel, (y, x) in enumerate([(0, 1), (0, 1), (1, 0), (1, 0)]):
            sign = 1 - 2 * (channel % 2)
            # Of one colour alone: where two pixels are alike, the difference is nothing on every processor.
            edges.weight.data[channel, 0, 0, 0], edges.weight.data[channel, 0, y, x] = -sign, sign
        self.trunk = nn.Sequential(edges, nn.ReLU(), nn.AvgPool2d(4))
        steps = torch.arange(10) - 4.5 if marks else torch.tensor([-1.0, 1.0])
        self.head = nn.Linear(4, len(steps) + marks, bias=False)
        rows = torch.stack([steps, steps, -steps, -steps], 1) * (1 if marks else 8)
        self.head.weight.data[:] = torch.cat([rows, torch.tensor([[9.0, 9, 0, 0]])]) if marks else rows

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.trunk(images).mean((2, 3)))
        return torch.cat([scores[:, :10], scores[:, 10:].relu()], 1)


def looking_at_stripes(marks: bool, size: int = 64) -> LoadedModel:
    """`Stripes` as a model, with a tag "upright" and another where it tells marks."""
    module = Stripes(marks).eval()
    classes = (*MARK_NAMES, "upright") if marks else HIGH_LOW
    card = ModelCard("stripes", "aesthetics", "marks_and_tags" if marks else "high_low", classes, size)
    return LoadedModel(module, classes, SquareTransform(size), card, card.name, module.layers, "")
