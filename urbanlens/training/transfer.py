"""A classifier of a small collection in a few minutes: most of a network stays as ImageNet made it.

The frozen part looks at each image a few times, once as it is changed in each of some views, and what it sees is kept;
only the last blocks and the classifier learn from that (Yosinski et al. 2014, How transferable are features).

Photographs of a class that come from one camera or one walk are told apart by the camera rather than by the place. The
model's card warns where the test images could not be taken from another series (`data["warning"]`).
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from urbanlens.collection import ImageCollection
from urbanlens.collection.splits import LEAST
from urbanlens.embedding.joining import Rule
from urbanlens.engine import choose_device
from urbanlens.errors import ModelError
from urbanlens.models import ModelCard, build_model, save_model
from urbanlens.models.efficientnet_lite0 import EfficientNetLite0
from urbanlens.models.weights import round_weights
from urbanlens.progress import Progress, part_of, silent
from urbanlens.training.augment import augment
from urbanlens.training.city import ClassifierTask, data_of, metrics_of, training_of
from urbanlens.training.fit import FitSettings, autocast, fit, half_type
from urbanlens.training.recipes import RECIPES, Recipe, recipe_of
from urbanlens.training.rows import Rows, labelled_rows

ARCHITECTURE = "efficientnet_lite0"
FIRST = 11
"""The first block that learns; those before keep their ImageNet weights."""

VIEWS = 6
MOST_BYTES = 600 * 2**20
"""What is kept of the training images takes no more: a large collection is seen in fewer views, but at least one."""

EPOCHS, FEWEST_STEPS = 12, 80
"""Passes over the images, and more where these are so few that it would be a handful of batches."""

MOMENTUM = 0.1
"""Of the batch norms that learn: in as few batches as here, the network's own 0.03 would hardly leave ImageNet."""

LEARNING_SHARE = 0.5
"""Time for an image to be learnt from, against that for the frozen part to look at it once."""


class Tail(nn.Module):
    """The part of a network that learns, (N, 112, H/16, W/16) -> (N, K); its parts are the network's own."""

    def __init__(self, network: EfficientNetLite0) -> None:
        super().__init__()
        self.blocks, self.head = network.blocks[FIRST:], network.head
        self.dropout, self.classifier = network.dropout, network.classifier
        for part in self.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = MOMENTUM

    def forward(self, maps: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.dropout(self.head(self.blocks(maps)).mean((2, 3))))
        return scores


class TransferTask(ClassifierTask):
    """Balanced cross-entropy on what the frozen part saw.

    Parameters
    ----------
    network : with ImageNet weights; its last blocks are changed by the fit loop
    rows, batch, device, recipe : as in ClassifierTask
    size, epochs : side of the images in px, passes over them
    views : times that the frozen part sees each training image, changed anew each time
    seed : draws the views
    """

    def __init__(
        self, network: EfficientNetLite0, rows: dict[str, Rows], size: int, epochs: int, batch: int,
        device: torch.device, progress: Progress, *, recipe: Recipe = RECIPES["quick"], views: int = VIEWS,
        seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(Tail(network), rows, [size], [epochs], batch, device, progress, recipe=recipe)
        self.seed = seed
        self.frozen = nn.Sequential(network.normalize, network.stem, network.blocks[:FIRST]).eval().to(device)
        self.frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        side = -(-size // 16)
        self._shape = (112, side, side)
        one = len(rows["train"]) * 112 * side**2 * 2
        self.views = max(1, min(views, MOST_BYTES // one)) if recipe.augmented else 1
        self._maps: dict[str, Tensor] = {}
        self._seen = 0

    def describe(self) -> dict[str, Any]:
        """Which images are in which split, and the views, beside everything else."""
        dealt = [(split, name) for split, rows in self.rows.items() for _, name in rows.images]
        digest = hashlib.sha256(repr(dealt).encode()).hexdigest()
        return super().describe() | {"dealt": digest, "views": self.views, "first": FIRST, "view_seed": self.seed}

    def looks(self) -> int:
        """How many images the frozen part sees in all."""
        return self.views * len(self.rows["train"]) + len(self.rows["val"])

    def look(self) -> None:
        """Let the frozen part see all images; the fit loop finds what it saw."""
        changed = range(self.views) if self.recipe.augmented else [None]
        for split, views in (("train", changed), ("val", [None])):
            pixels = self.rows[split].pixels(self.sizes[-1], self._reading)
            self._maps[split] = torch.empty(len(views), len(pixels), *self._shape, dtype=torch.float16)
            for number, view in enumerate(views):
                self._look(pixels, view, self._maps[split][number])

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled batches, of each image one view by chance."""
        maps, labels = self._maps["train"], self.rows["train"].labels
        order = torch.randperm(len(labels), generator=generator)
        views = torch.randint(self.views, (len(labels),), generator=generator)
        for step in range(self.steps(epoch)):
            rows = order[step * self.batch : (step + 1) * self.batch]
            yield self._to_device(maps[views[rows], rows]), labels[rows].to(self.device)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """As in ClassifierTask; on a CPU in float32, which is twice as fast on maps as small as these."""
        with torch.autocast(self.device.type, half_type(self.device), enabled=self.device.type != "cpu"):
            return super().loss(batch)

    @torch.no_grad()
    def scores(self, split: str, size: int) -> Tensor:  # noqa: ARG002 - there is one size
        """Scores of a split's images as they are, (N, K) float32 on the CPU."""
        parts = [self.module(self._to_device(part)).float() for part in torch.split(self._maps[split][0], 128)]
        return torch.cat(parts).cpu()

    @torch.no_grad()
    def _look(self, pixels: Tensor, view: int | None, maps: Tensor) -> None:
        """Write what the frozen part makes of images into `maps`, (N, 112, H/16, W/16); a view changes them first."""
        generator = torch.Generator().manual_seed(self.seed * 1009 + (view or 0))
        for start in range(0, len(pixels), self.batch):
            images = pixels[start : start + self.batch].to(self.device).float() / 255
            images = augment(images, generator) if view is not None else images
            with autocast(self.device, half_type(self.device)):
                seen = self.frozen(images.contiguous(memory_format=torch.channels_last))
            maps[start : start + self.batch] = seen
            self._seen += len(images)
            self.progress(self._seen, self.looks(), "looking at the images")

    def _reading(self, done: int, total: int, what: str) -> None:  # noqa: ARG002 - the look counts, not the reading
        self.progress(self._seen, self.looks(), "reading the images")

    def _to_device(self, maps: Tensor) -> Tensor:
        return maps.to(self.device).float().contiguous(memory_format=torch.channels_last)


def train_transfer(
    collection: ImageCollection, *, destination: Path | str, label: str = "city",
    classes: Sequence[str] | None = None, largest: int | None = None, least: int = LEAST, group: str | None = None,
    size: int = 160, epochs: int | None = None, batch: int = 32, recipe: str = "quick",
    learning_rate: float | None = None, augmented: bool | None = None, seed: int = 0,
    extra: ImageCollection | None = None, neighbours: Rule | None = None, device: str = "auto",
    progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train the last blocks of EfficientNet-Lite0 on a label column, and write it as a model's folder.

    Parameters
    ----------
    collection, destination, label, classes, largest, least, group, extra, neighbours, seed, device : as in
        `train_city`
    size : side of the images in px, 64 to 512
    epochs : passes over what the frozen part saw of them; None: 12, more where there are few images
    batch, recipe, learning_rate, augmented : as in `train_city`; without augmentation each image is seen once
    progress : may raise Cancelled: the same call later goes on from the last whole epoch, after it has looked at the
        images again

    Returns
    -------
    ModelCard
        As of `train_city`; `training` also says how much was frozen.

    Raises
    ------
    CollectionError, ModelError
        Where the labels cannot be learnt, or the settings make no sense.
    """
    destination, where, way = Path(destination), choose_device(device), recipe_of(recipe, learning_rate, augmented)
    if not 64 <= size <= 512 or (epochs is not None and epochs < 1) or batch < 2:
        raise ModelError(
            f"size {size}, {epochs} epochs, batch {batch}: the size lies between 64 and 512 px, with 1 epoch or more "
            "and a batch of 2 or more"
        )
    chosen = labelled_rows(
        collection, label, extra, seed, classes=classes, largest=largest, least=least, group=group,
        neighbours=neighbours, progress=progress,
    )  # fmt: skip
    if epochs is None:
        epochs = max(EPOCHS, -(-FEWEST_STEPS * batch // len(chosen.rows["train"])))
    network = build_model(ARCHITECTURE, len(chosen.classes), seed=seed, pretrained=True)
    assert isinstance(network, EfficientNetLite0)
    # What is frozen is seen as it will be shipped, in float16.
    round_weights(network.eval())
    task = TransferTask(network, chosen.rows, size, epochs, batch, where, progress, recipe=way, seed=seed)
    learning = round(LEARNING_SHARE * epochs * len(chosen.rows["train"]))
    total, began = task.looks() + learning, time.monotonic()
    task.progress = part_of(progress, 0, task.looks(), total, "step")
    task.look()
    looked = round(time.monotonic() - began, 1)
    settings = FitSettings(epochs, way.learning_rate, way.weight_decay, way.warm_up, way.schedule, seed, str(where))
    kept = destination.parent / f".{destination.name}.training"
    result = fit(
        task, settings, checkpoint=kept / "checkpoint.pt",
        progress=part_of(progress, task.looks(), learning, total, "step"),
    )  # fmt: skip
    round_weights(network)
    whole = ClassifierTask(network.to(where), chosen.rows, [size], [epochs], batch, where, silent, recipe=way)
    card = ModelCard(
        name=destination.name, task="classes", architecture=ARCHITECTURE, classes=chosen.classes, size=size,
        label=label, options={"pretrained": True},
        training=training_of(task, result, settings, [epochs])
        | {"frozen": f"everything before block {FIRST}", "views": task.views, "seconds_looking": looked},
        data=data_of(collection, extra, chosen),
        metrics=metrics_of(whole, chosen) | {"validation": result.history[result.best_epoch]},
    )  # fmt: skip
    card = save_model(network, card, destination)
    shutil.rmtree(kept, ignore_errors=True)
    return card
