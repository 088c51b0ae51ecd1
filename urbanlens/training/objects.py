"""The segmenter: which object each pixel shows, learnt from a collection's own pixel labels."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.collection import ImageCollection
from urbanlens.engine import choose_device
from urbanlens.explain.agreement import IGNORED, Agreement, count
from urbanlens.models import ModelCard, build_model, save_model
from urbanlens.models.registry import SEGMENTERS
from urbanlens.models.weights import round_weights
from urbanlens.progress import Progress, silent
from urbanlens.training.augment import degrade, jitter_colour
from urbanlens.training.fit import FitSettings, autocast, fit, half_type
from urbanlens.training.notes import fit_notes, source_notes, stages
from urbanlens.training.object_rows import frequent_objects, label_maps, labelled_images, object_names
from urbanlens.training.rows import Rows

LEARNING_RATE = 2e-3
LEAST_SHARE = 1e-4
"""An object that covers less of the training pixels is not learnt."""

HEAVIEST = 6.0
"""How many times an average pixel a pixel of the rarest objects may count."""

SMALLEST_WINDOW = 0.6


class ObjectsTask:
    """Cross-entropy of each labelled pixel on windows of the images, in stages of growing size.

    Parameters
    ----------
    module : network (N, 3, H, W) in [0, 1] -> (N, K, H, W)
    rows : images by split
    ids : the K object ids, ascending
    names : their names
    sizes : side in px of each epoch; only weights of the last size may be chosen
    batch : images at a time
    device : where to compute
    """

    def __init__(
        self, module: nn.Module, rows: dict[str, Rows], ids: NDArray[np.int64], names: tuple[str, ...],
        sizes: Sequence[int], batch: int, device: torch.device, progress: Progress,
    ) -> None:  # fmt: skip
        self.module, self.rows, self.ids, self.names = module, rows, ids, names
        self.sizes, self.batch, self.device, self.progress = list(sizes), batch, device, progress
        self._held: dict[str, tuple[int, Tensor, Tensor]] = {}
        self._balance: Tensor | None = None

    def describe(self) -> dict[str, Any]:
        """Everything that the weights depend on beside the fit settings."""
        collections = {collection.fingerprint for collection, _ in self.rows["train"].images}
        network = {name: list(value.shape) for name, value in self.module.state_dict().items()}
        return {"collections": sorted(collections), "rows": {split: len(part) for split, part in self.rows.items()},
                "ids": self.ids.tolist(), "sizes": self.sizes, "batch": self.batch, "network": network}  # fmt: skip

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - every epoch sees all images
        """A last batch of a single image is left out: a batch norm needs two."""
        full, rest = divmod(len(self.rows["train"]), self.batch)
        return full + (rest > 1)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled windows, their colours changed and some of them degraded."""
        pixels, labels = self.held("train", self.sizes[epoch])
        order = torch.randperm(len(labels), generator=generator)
        for step in range(self.steps(epoch)):
            rows = order[step * self.batch : (step + 1) * self.batch]
            images, truth = windows(pixels[rows].to(self.device).float() / 255, labels[rows].to(self.device), generator)
            images = degrade(jitter_colour(images, generator), generator).clamp_(0, 1)
            yield images.contiguous(memory_format=torch.channels_last), truth

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy of the labelled pixels, rarer objects weighing more."""
        images, truth = batch
        return pixel_loss(self.module(images).float(), truth, self.balance())

    def validate(self, epoch: int) -> dict[str, float]:
        """Mean IoU, which is the score, and pixel accuracy."""
        agreement = self.agreement("val", self.sizes[epoch])
        return {"accuracy": agreement.accuracy, "mean_iou": agreement.mean_iou, "size": self.sizes[epoch],
                "score": agreement.mean_iou}  # fmt: skip

    def may_win(self, epoch: int) -> bool:
        """Only weights of the last size are chosen from."""
        return self.sizes[epoch] == self.sizes[-1]

    @torch.no_grad()
    def agreement(self, split: str, size: int) -> Agreement:
        """The network's answers for a split against its labels, at a size."""
        pixels, labels = self.held(split, size)
        counts: list[tuple[NDArray[np.int64], ...]] = []
        for some, truth in zip(torch.split(pixels, self.batch), torch.split(labels, self.batch), strict=True):
            images = (some.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
            with autocast(self.device, half_type(self.device)):
                given = self.module(images).argmax(1).cpu()
            counts += [count(*pair, len(self.names)) for pair in zip(truth.numpy(), given.numpy(), strict=True)]
        return Agreement.of(self.names, counts)

    def balance(self) -> Tensor:
        """(K,) the weight of each object's pixels."""
        if self._balance is None:
            self._balance = class_weights(self.held("train", self.sizes[0])[1], len(self.names)).to(self.device)
        return self._balance

    def held(self, split: str, size: int) -> tuple[Tensor, Tensor]:
        """A split's images (N, 3, size, size) and class numbers (N, size, size), kept while that size is used."""
        if split not in self._held or self._held[split][0] != size:
            self._held.pop(split, None)
            rows = self.rows[split]
            maps = label_maps(rows, self.ids, size, self.progress)
            self._held[split] = size, rows.pixels(size, self.progress), maps
        return self._held[split][1:]


def windows(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A random window of each image, enlarged to the whole, and the same of its labels; never mirrored.

    Parameters
    ----------
    images : (N, 3, H, W)
    labels : (N, H, W) uint8
    """
    count = len(images)
    side = SMALLEST_WINDOW + (1 - SMALLEST_WINDOW) * torch.rand(count, 1, generator=generator)
    sides = (side * (0.9 + 0.2 * torch.rand(count, 2, generator=generator))).clamp(max=1)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1] = sides[:, 0], sides[:, 1]
    matrix[:, :, 2] = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - sides)
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    maps = functional.grid_sample(
        labels[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False
    )
    shown = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return shown, maps[:, 0].to(torch.uint8)


def class_weights(labels: Tensor, classes: int) -> Tensor:
    """(K,) weights that fall with the root of a class's frequency, 1 for the average pixel, at most `HEAVIEST`."""
    counts = torch.zeros(classes + 1)
    for part in torch.split(labels, 256):
        numbers = part.flatten().long()
        counts += torch.bincount(numbers.clamp(max=classes), minlength=classes + 1)
    shares = counts[:classes].clamp(min=1) / counts[:classes].sum().clamp(min=1)
    weights = shares.rsqrt() / shares.sqrt().sum()
    return weights.clamp(max=HEAVIEST)


def pixel_loss(scores: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the cross-entropy over the labelled pixels; 0 where none is.

    Parameters
    ----------
    scores : (N, K, H, W)
    truth : (N, H, W) class numbers, or `IGNORED`
    weights : (K,)
    """
    labels = truth.long()
    losses = functional.cross_entropy(scores, labels, weights, ignore_index=IGNORED, reduction="sum")
    total = weights[labels[labels != IGNORED]].sum()
    return losses / total.clamp(min=1e-6)


def train_objects(
    collection: ImageCollection, *, destination: Path | str, sizes: Sequence[int] = (128, 192),
    epochs: Sequence[int] = (8, 2), batch: int = 16, seed: int = 0, extra: ImageCollection | None = None,
    architecture: str = "segmenter", device: str = "auto", progress: Progress = silent, **options: Any,
) -> ModelCard:  # fmt: skip
    """Train a segmenter on a collection's pixel labels and write it as a model's folder.

    Parameters
    ----------
    collection : its `split` column says what is for training, validation and test; without one, places are split.
        Images without pixel labels take no part
    destination : folder of the model; while it trains, `.NAME.training` beside it keeps what a killed run goes on from
    sizes, epochs : side in px and number of epochs of each stage; the last size is the model's own
    batch, seed : as they say
    extra : more training images with labels, of its `train` split where it has one
    architecture, options : a name of `SEGMENTERS`, and options of that architecture
    device : `auto`, `cpu`, `cuda`
    progress : may raise Cancelled: the same call later goes on from the last whole epoch

    Returns
    -------
    ModelCard
        `classes` names the objects, `data["object_ids"]` numbers them as the collection does; `metrics` holds pixel
        accuracy and mean IoU on the test images with their 95 % intervals, base rate, and IoU and recall of each.

    Raises
    ------
    CollectionError, ModelError
        Where the labels cannot be learnt, or the settings make no sense.
    """
    destination, where = Path(destination), choose_device(device)
    sides = stages(sizes, epochs, batch)
    rows = labelled_images(collection, extra, seed)
    ids = frequent_objects(rows["train"], LEAST_SHARE)
    names = object_names([collection] if extra is None else [collection, extra], ids)
    module = build_model(architecture, len(ids), task="objects", seed=seed, **options)
    task = ObjectsTask(module, rows, ids, names, sides, batch, where, progress)
    kept = destination.parent / f".{destination.name}.training"
    settings = FitSettings(len(sides), LEARNING_RATE, seed=seed, device=str(where))
    result = fit(task, settings, checkpoint=kept / "checkpoint.pt", progress=progress)
    # The file holds float16: what is measured is what is shipped.
    round_weights(module)
    card = ModelCard(
        name=destination.name, task="objects", architecture=architecture, classes=names, size=sides[-1],
        options={**SEGMENTERS[architecture].options, **options},
        training={"sizes": sides} | fit_notes(result, settings, len(rows["train"]), batch),
        data=source_notes(collection, extra)
        | {"images": {split: len(part) for split, part in rows.items()}, "object_ids": ids.tolist()},
        metrics=task.agreement("test", sides[-1]).to_json() | {"validation": result.history[result.best_epoch]},
    )  # fmt: skip
    card = save_model(module, card, destination)
    shutil.rmtree(kept, ignore_errors=True)
    return card
