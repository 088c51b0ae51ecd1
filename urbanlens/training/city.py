"""The city classifier: which value of a label column an image belongs to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.collection import ImageCollection
from urbanlens.collection.splits import LEAST
from urbanlens.embedding.joining import Rule
from urbanlens.engine import choose_device
from urbanlens.models import MODELS, ModelCard, build_model, save_model
from urbanlens.models.weights import round_weights
from urbanlens.progress import Progress, silent
from urbanlens.training.augment import attacked, augment
from urbanlens.training.fit import FitResult, FitSettings, autocast, fit, half_type
from urbanlens.training.metrics import accuracy_of, classification_metrics
from urbanlens.training.notes import fit_notes, source_notes, stages
from urbanlens.training.recipes import RECIPES, Recipe, recipe_of
from urbanlens.training.rows import Labelled, Rows, labelled_rows


class ClassifierTask:
    """Balanced cross-entropy on augmented images, in stages of growing size.

    Parameters
    ----------
    module : network (N, 3, H, W) in [0, 1] -> (N, K)
    rows : images by split
    sizes, epochs : side in px and number of epochs of each stage; only the last stage's weights may be chosen
    batch : images at a time
    device : where to compute
    recipe : how; its `augmented` and `smoothing` are used here, the rest by the fit loop
    """

    def __init__(
        self, module: nn.Module, rows: dict[str, Rows], sizes: Sequence[int], epochs: Sequence[int], batch: int,
        device: torch.device, progress: Progress, *, recipe: Recipe = RECIPES["quick"],
    ) -> None:  # fmt: skip
        self.module, self.rows, self.batch, self.device, self.progress = module, rows, batch, device, progress
        self.recipe = recipe
        self.sizes = [size for size, count in zip(sizes, epochs, strict=True) for _ in range(count)]
        counts = torch.bincount(rows["train"].labels).float()
        self.balance = (counts.mean() / counts).to(device)
        self._pixels: dict[str, Tensor] = {}

    def describe(self) -> dict[str, Any]:
        """Everything that the weights depend on beside the fit settings."""
        collections = {collection.fingerprint for collection, _ in self.rows["train"].images}
        counts = {split: len(rows) for split, rows in self.rows.items()}
        network = {name: list(value.shape) for name, value in self.module.state_dict().items()}
        return {"collections": sorted(collections), "rows": counts, "sizes": self.sizes, "batch": self.batch,
                "network": network, "augmented": self.recipe.augmented, "smoothing": self.recipe.smoothing,
                "attack": self.recipe.attack}  # fmt: skip

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - every epoch sees all images
        """A last batch of a single image is left out: a batch norm needs two."""
        full, rest = divmod(len(self.rows["train"]), self.batch)
        return full + (rest > 1)

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Shuffled, augmented batches at the stage's size."""
        pixels, labels = self.pixels("train", self.sizes[epoch]), self.rows["train"].labels
        order = torch.randperm(len(labels), generator=generator)
        for step in range(self.steps(epoch)):
            rows = order[step * self.batch : (step + 1) * self.batch]
            images = pixels[rows].to(self.device).float() / 255
            images = augment(images, generator) if self.recipe.augmented else images
            yield images.contiguous(memory_format=torch.channels_last), labels[rows].to(self.device)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Cross-entropy, every class of equal weight, labels smoothed as the recipe says."""
        images, labels = batch
        if self.recipe.attack:
            images = attacked(self.module, images, labels, self.recipe.attack)
        scores, smoothing = self.module(images).float(), self.recipe.smoothing
        return functional.cross_entropy(scores, labels, self.balance, label_smoothing=smoothing)

    def validate(self, epoch: int) -> dict[str, float]:
        """Accuracy and loss; the score is the accuracy, equal ones told apart by the loss."""
        labels = self.rows["val"].labels
        with autocast(self.device, half_type(self.device)):
            scores = self.scores("val", self.sizes[epoch])
        loss = float(functional.cross_entropy(scores, labels))
        accuracy = float((scores.argmax(1) == labels).float().mean())
        return {"accuracy": accuracy, "validation_loss": loss, "size": self.sizes[epoch],
                "score": accuracy - 0.001 * min(loss, 1.0)}  # fmt: skip

    def may_win(self, epoch: int) -> bool:
        """Only weights of the last size are chosen from."""
        return self.sizes[epoch] == self.sizes[-1]

    @torch.no_grad()
    def scores(self, split: str, size: int) -> Tensor:
        """Scores of a split's images, (N, K) float32 on the CPU."""
        parts = [
            self.module((part.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)).float()
            for part in torch.split(self.pixels(split, size), 2 * self.batch)
        ]
        return torch.cat(parts).cpu()

    def pixels(self, split: str, size: int) -> Tensor:
        """A split's images at a size, decoded once and held while that size is used."""
        if split not in self._pixels or self._pixels[split].shape[-1] != size:
            self._pixels.pop(split, None)
            self._pixels[split] = self.rows[split].pixels(size, self.progress)
        return self._pixels[split]


def train_city(
    collection: ImageCollection, *, destination: Path | str, label: str = "city", architecture: str = "resnet18",
    classes: Sequence[str] | None = None, largest: int | None = None, least: int = LEAST, group: str | None = None,
    sizes: Sequence[int] = (128, 224), epochs: Sequence[int] = (10, 2), batch: int = 32, recipe: str = "quick",
    learning_rate: float | None = None, augmented: bool | None = None, seed: int = 0,
    extra: ImageCollection | None = None, neighbours: Rule | None = None, device: str = "auto",
    progress: Progress = silent, **options: Any,
) -> ModelCard:  # fmt: skip
    """Train a classifier of a label column and write it as a model's folder.

    Parameters
    ----------
    collection : its `split` column says what is for training, validation and test; without one, whole places and
        series of files are given to a split
    destination : folder of the model; while it trains, `.NAME.training` beside it keeps what a killed run goes on from
    label : column of the table; images without a value take no part
    architecture, options : a name of `MODELS`, and options of that architecture
    classes, largest, least, group : which classes take part, and what is kept together, as in `labelled_rows`
    sizes, epochs : side in px and number of epochs of each stage; the last size is the model's own
    batch, seed : as they say
    recipe : a name of `RECIPES`
    learning_rate, augmented : instead of the recipe's; without augmentation, a network falls more easily for what
        says nothing about the class (the demo's planted mark)
    extra : more training images: its rows with one of the collection's classes, of its `train` split where it has one
    neighbours : images without a label join the training images where they are as near to one and as alike
    device : `auto`, `cpu`, `cuda`
    progress : may raise Cancelled: the same call later goes on from the last whole epoch

    Returns
    -------
    ModelCard
        With `metrics`: accuracy on the test images with its 95 % Wilson interval, base rate, recall, confusion, and
        the accuracy on images with and without the planted mark where the table has a column `mark`. With `data`:
        how the images were shared out, which classes were left out, and a warning where the test may flatter.

    Raises
    ------
    CollectionError, ModelError
        Where the labels cannot be learnt, or the settings make no sense.
    """
    destination, where = Path(destination), choose_device(device)
    sizes, epochs = list(sizes), list(epochs)
    stages(sizes, epochs, batch)
    way = recipe_of(recipe, learning_rate, augmented)
    if "size" in MODELS[architecture].options:
        options.setdefault("size", sizes[-1])
    chosen = labelled_rows(
        collection, label, extra, seed, classes=classes, largest=largest, least=least, group=group,
        neighbours=neighbours, progress=progress,
    )  # fmt: skip
    module = build_model(architecture, len(chosen.classes), seed=seed, **options)
    task = ClassifierTask(module, chosen.rows, sizes, epochs, batch, where, progress, recipe=way)
    kept = destination.parent / f".{destination.name}.training"
    settings = FitSettings(
        len(task.sizes), way.learning_rate, way.weight_decay, way.warm_up, way.schedule, seed, str(where)
    )
    result = fit(task, settings, checkpoint=kept / "checkpoint.pt", progress=progress)
    # The file holds float16: what is measured is what is shipped.
    round_weights(module)
    card = ModelCard(
        name=destination.name, task="classes", architecture=architecture, classes=chosen.classes, size=sizes[-1],
        label=label, options={**MODELS[architecture].options, **options},
        training=training_of(task, result, settings, epochs),
        data=data_of(collection, extra, chosen),
        metrics=metrics_of(task, chosen) | {"validation": result.history[result.best_epoch]},
    )  # fmt: skip
    card = save_model(module, card, destination)
    shutil.rmtree(kept, ignore_errors=True)
    return card


def metrics_of(task: ClassifierTask, chosen: Labelled) -> dict[str, Any]:
    """How well the task's network, as it is now, answers the test images."""
    truth, marked = chosen.rows["test"].labels.numpy(), chosen.marked
    answers = task.scores("test", task.sizes[-1]).argmax(1).numpy()
    metrics = classification_metrics(truth, answers, chosen.classes)
    if marked is not None:
        metrics["unmarked"] = accuracy_of(truth[~marked], answers[~marked])
        metrics["marked"] = accuracy_of(truth[marked], answers[marked])
    return metrics


def training_of(task: ClassifierTask, result: FitResult, settings: FitSettings, epochs: list[int]) -> dict[str, Any]:
    """What a model's card says about how it learnt; `epochs` of each stage."""
    return {
        "sizes": list(dict.fromkeys(task.sizes)), "epochs": epochs, "schedule": settings.schedule,
        "smoothing": task.recipe.smoothing, "augmented": task.recipe.augmented,
        "attack": task.recipe.attack, **fit_notes(result, settings, len(task.rows["train"]), task.batch),
    }  # fmt: skip


def data_of(collection: ImageCollection, extra: ImageCollection | None, chosen: Labelled) -> dict[str, Any]:
    """What a model's card says about what it learnt from."""
    return {**source_notes(collection, extra), **chosen.describe()}
