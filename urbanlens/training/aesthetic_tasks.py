"""What aesthetic classifiers learn: their losses, how images are drawn, and the tasks of the one fit loop."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.collection.votes import MARK_NAMES, is_extreme, is_high
from urbanlens.errors import ModelError
from urbanlens.models.aesthetics import marks_like

BINS = len(MARK_NAMES)
"""The marks that a voter may give."""

EXTREME = 7.0
"""What an extreme picture counts for, in the loss or in the drawing."""

SAMPLINGS = ("class", "score", "each")
TAG_SHARE = 0.1
"""What the tags' loss counts beside that of the marks: it is some ten times as large."""

_LEAST = 1e-12


def emd(found: Tensor, given: Tensor, r: float = 2.0) -> Tensor:
    """Earth mover's distance (N,) of two distributions over K ordered bins, both (N, K) and of sum 1, in [0, 1].

    ((1/K) sum_k |CDF_found(k) - CDF_given(k)|^r)^(1/r): 0 where they are equal; ((K - 1) / K)^(1/r) where one has all
    in the first bin and the other all in the last.
    """
    if found.shape != given.shape or found.ndim != 2:
        raise ModelError(
            f"distributions of shape {tuple(found.shape)} and {tuple(given.shape)} have no distance: give (N, K) both"
        )
    away = (found.cumsum(1) - given.cumsum(1)).abs()
    # The root has no slope at 0: equal distributions would give a gradient that is no number.
    total = away.pow(r).mean(1)
    return torch.where(total > _LEAST, total.clamp(min=_LEAST).pow(1 / r), 0.0)


def tag_loss(scores: Tensor, shares: Tensor) -> Tensor:
    """Cross-entropy (N,) of the tags' scores (N, T) and their shares, which sum to 1; 0 where an image has no tag."""
    losses: Tensor = -(shares * scores.log_softmax(1)).sum(1)
    return losses


def drawing_weights(means: Tensor, sampling: str) -> Tensor:
    """How likely each image (N,) is drawn, by its mean mark.

    `class`: both high and low equally often, w = 1 / count; `score`: extreme images seven times as often; `each`: all
    alike.
    """
    if sampling not in SAMPLINGS:
        raise ModelError(f"no sampling is named {sampling!r}: there are {', '.join(SAMPLINGS)}")
    if sampling == "score":
        return torch.where(is_extreme(means), EXTREME, 1.0).double()
    high = is_high(means)
    if sampling == "each" or high.all() or not high.any():
        return torch.ones(len(means), dtype=torch.float64)
    return torch.where(high, 1 / high.sum(), 1 / (~high).sum()).double()


class AestheticTask:
    """A head learns from what a frozen trunk saw of the images, once in each of some views.

    Parameters
    ----------
    module : head, (N, D) -> (N, K)
    seen : by split, what the trunk saw: (N, V, D)
    labels : by split, (N, ...): the shares of the marks (N, 10) first, then those of the tags (N, T)
    batch, sampling : images at a time, and how they are drawn (`drawing_weights`)
    device : where to compute
    begun : what `seen` depends on
    """

    def __init__(
        self, module: nn.Module, seen: dict[str, Tensor], labels: dict[str, Tensor], batch: int, sampling: str,
        device: torch.device, begun: str,
    ) -> None:  # fmt: skip
        self.module, self.seen, self.labels, self.batch = module, seen, labels, batch
        self.sampling, self.device, self.begun = sampling, device, begun
        self.weights = drawing_weights(means_of(labels["train"]), sampling)

    def describe(self) -> dict[str, Any]:
        """Everything that the weights depend on beside the fit settings."""
        told = hashlib.sha256(self.labels["train"].numpy().tobytes()).hexdigest()[:20]
        network = {name: list(value.shape) for name, value in self.module.state_dict().items()}
        return {"task": type(self).__name__, "labels": told, "batch": self.batch, "sampling": self.sampling,
                "network": network, "begun": self.begun}  # fmt: skip

    def steps(self, epoch: int) -> int:  # noqa: ARG002 - every epoch draws as many images as there are
        """Batches in an epoch."""
        return -(-len(self.weights) // self.batch)

    def may_win(self, epoch: int) -> bool:  # noqa: ARG002
        """Any epoch may be the best."""
        return True

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:  # noqa: ARG002
        """Images drawn with replacement by their weights (without, where all are alike), each in a view by chance."""
        seen, labels = self.seen["train"], self.labels["train"]
        count = len(self.weights)
        if self.sampling == "each":
            order = torch.randperm(count, generator=generator)
        else:
            order = torch.multinomial(self.weights, count, replacement=True, generator=generator)
        views = torch.randint(seen.shape[1], (count,), generator=generator)
        for rows, view in zip(torch.split(order, self.batch), torch.split(views, self.batch), strict=True):
            yield seen[rows, view].to(self.device).float(), labels[rows].to(self.device)

    def scores(self, split: str) -> Tensor:
        """Scores (N, K) of a split's images as they are, on the CPU."""
        return torch.cat(
            [self.module(part.to(self.device).float()).cpu() for part in torch.split(self.seen[split][:, 0], 512)]
        )

    def loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """In float32: the head is small, and a distance of distributions needs the digits."""
        vectors, labels = batch
        with torch.autocast(vectors.device.type, enabled=False):
            return self.losses(self.module(vectors), labels).mean()

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """The loss of each image, (N,)."""
        raise NotImplementedError

    def validate(self, epoch: int) -> dict[str, float]:
        """Measures on the validation images."""
        raise NotImplementedError


class HighLowTask(AestheticTask):
    """Two classes, high and low: cross-entropy, in which extreme images count seven times."""

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy times 7 where the mean mark is extreme."""
        means = means_of(labels)
        losses = functional.cross_entropy(scores, is_high(means).long(), reduction="none")
        return losses * torch.where(is_extreme(means), EXTREME, 1.0)

    def validate(self, epoch: int) -> dict[str, float]:  # noqa: ARG002
        """Balanced accuracy, equal ones told apart by the plain loss."""
        scores, high = self.scores("val"), is_high(means_of(self.labels["val"]))
        right = (scores.argmax(1) == high.long()).float()
        parts = [right[part].mean() for part in (high, ~high) if part.any()]
        accuracy = float(torch.stack(parts).mean())
        loss = float(functional.cross_entropy(scores, high.long()))
        return {"balanced_accuracy": accuracy, "validation_loss": loss, "score": accuracy - 0.001 * min(loss, 1.0)}


class MarksTask(AestheticTask):
    """The distribution of the marks by the earth mover's distance, and the tags by cross-entropy."""

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """EMD, and a tenth of the tags' loss."""
        losses = emd(scores[:, :BINS].softmax(1), labels[:, :BINS])
        if scores.shape[1] > BINS:
            losses = losses + TAG_SHARE * tag_loss(scores[:, BINS:], labels[:, BINS:])
        return losses

    def validate(self, epoch: int) -> dict[str, float]:  # noqa: ARG002
        """Both losses; the score is the negative of their sum."""
        scores, labels = self.scores("val"), self.labels["val"]
        distance = float(emd(scores[:, :BINS].softmax(1), labels[:, :BINS]).mean())
        return {"emd": distance, "score": -float(self.losses(scores, labels).mean())}


def means_of(labels: Tensor) -> Tensor:
    """The mean mark (N,) of labels that begin with the shares of the marks."""
    return labels[:, :BINS] @ marks_like(labels)
