"""What SIAM and its baseline learn, as tasks of the one fit loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.models.siam import SIAM, Regressor
from urbanlens.training.supply import Supply

SHARE = 0.1
"""What the score's loss counts beside that of the attributes (eq. 3)."""


def attribute_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """L_SUN: binary cross-entropy, the mean over the attributes that are known (eq. 1; NaN is unknown)."""
    known = torch.isfinite(labels)
    losses = functional.binary_cross_entropy_with_logits(logits, labels.nan_to_num(), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


class _Pictures:
    """What the three tasks share: one network, sizes by epoch, and what it all depends on."""

    def __init__(self, module: nn.Module, supplies: Sequence[Supply], sizes: Sequence[int], begun: str) -> None:
        self.module, self.supplies, self.sizes, self.begun = module, supplies, list(sizes), begun

    def describe(self) -> dict[str, Any]:
        """Everything that the weights depend on beside the fit settings; `begun` tells what came before."""
        sets = []
        for supply in self.supplies:
            collections = sorted({collection.fingerprint for collection, _ in supply.rows["train"].images})
            counts = {split: len(rows) for split, rows in supply.rows.items()}
            told = float(supply.rows["train"].labels.nan_to_num().double().sum())
            sets.append([collections, counts, told, supply.batch, supply.augmented])
        network = {name: list(value.shape) for name, value in self.module.state_dict().items()}
        return {"task": type(self).__name__, "sets": sets, "sizes": self.sizes, "network": network, "begun": self.begun}

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - every epoch sees all images
        """Every image of every set once."""
        return sum(supply.steps() for supply in self.supplies)

    def may_win(self, epoch: int) -> bool:
        """Only weights of the last size are chosen from."""
        return self.sizes[epoch] == self.sizes[-1]


class AttributeTask(_Pictures):
    """f alone: which attributes an image has."""

    module: SIAM

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and their attributes (N, A)."""
        yield from self.supplies[0].batches(self.sizes[epoch], generator)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """L_SUN."""
        images, labels = batch
        return attribute_loss(self.module.logits(self.module.maps(images)), labels)

    def validate(self, epoch: int) -> dict[str, float]:
        """The loss on the validation images; the score is its negative."""
        supply, size = self.supplies[0], self.sizes[epoch]
        logits = supply.each("val", size, lambda images: self.module.logits(self.module.maps(images)), fast=True)
        loss = float(attribute_loss(logits, supply.rows["val"].labels))
        return {"attribute_loss": loss, "size": size, "score": -loss}


class JointTask(_Pictures):
    """f and g together: batches of the two sets in turn, each with its own loss alone (section 3.3).

    Its supplies are that of the attributes and that of the scores.
    """

    module: SIAM

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[str, Tensor, Tensor]]:
        """A batch of one set, a batch of the other; the smaller set comes again until the larger is through."""
        streams = [self._endless(supply, epoch, generator) for supply in self.supplies]
        for _ in range(self.steps(epoch) // 2):
            yield "attributes", *next(streams[0])
            yield "score", *next(streams[1])

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - every epoch sees all images of the larger set
        """As many of each set as the larger has."""
        return 2 * max(supply.steps() for supply in self.supplies)

    def _endless(self, supply: Supply, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from supply.batches(self.sizes[epoch], generator)

    def loss(self, batch: tuple[str, Tensor, Tensor]) -> Tensor:
        """L_SUN, or 0.1 L_SoN."""
        kind, images, labels = batch
        maps = self.module.maps(images)
        if kind == "attributes":
            return attribute_loss(self.module.logits(maps), labels)
        score = self.module.contributions(maps).sum(1) + self.module.bias
        return SHARE * functional.mse_loss(score, labels)

    def validate(self, epoch: int) -> dict[str, float]:
        """Both losses on the validation images; the score is the negative of L (eq. 3)."""
        size, (one, other) = self.sizes[epoch], self.supplies
        logits = one.each("val", size, lambda images: self.module.logits(self.module.maps(images)), fast=True)
        scores = other.each("val", size, lambda images: self.module(images).score, fast=True)
        loss = float(attribute_loss(logits, one.rows["val"].labels))
        squares = float(functional.mse_loss(scores, other.rows["val"].labels))
        return {"attribute_loss": loss, "rmse": squares**0.5, "size": size, "score": -(loss + SHARE * squares)}


class ScoreTask(_Pictures):
    """The baseline: the score from whatever the network finds."""

    module: Regressor

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and their scores (N,)."""
        yield from self.supplies[0].batches(self.sizes[epoch], generator)

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """L_SoN (eq. 2)."""
        images, labels = batch
        return functional.mse_loss(self.module(images).score, labels)

    def validate(self, epoch: int) -> dict[str, float]:
        """The error on the validation images; the score is its negative."""
        supply, size = self.supplies[0], self.sizes[epoch]
        scores = supply.each("val", size, lambda images: self.module(images).score, fast=True)
        error = float(functional.mse_loss(scores, supply.rows["val"].labels)) ** 0.5
        return {"rmse": error, "size": size, "score": -error}
