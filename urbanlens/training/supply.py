"""Pictures for training: decoded once, shuffled, changed anew each time, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import Tensor

from urbanlens.progress import Progress
from urbanlens.training.augment import degrade, jitter_colour
from urbanlens.training.fit import autocast, half_type
from urbanlens.training.rows import Rows

BLURRED = 0.2
"""The share of images that are blurred, and of those that get noise."""


class Supply:
    """Batches of the images of each split.

    Unlike `augment`, nothing is shifted or zoomed: where a thing stands is what the maps and templates are about.

    Parameters
    ----------
    rows : images by split; their labels may have any shape (N, ...)
    batch : images at a time
    device : where batches go
    progress : told of the decoding
    augmented : whether training images are mirrored, and their colours, sharpness and noise changed
    """

    def __init__(
        self, rows: dict[str, Rows], batch: int, device: torch.device, progress: Progress, *, augmented: bool = True
    ) -> None:
        self.rows, self.batch, self.device, self.progress, self.augmented = rows, batch, device, progress, augmented
        self._pixels: dict[str, Tensor] = {}

    def share(self, other: Supply) -> None:
        """Hold the pixels once for two supplies, where both are of the same images."""
        if all(rows.images == other.rows[split].images for split, rows in self.rows.items()):
            other._pixels = self._pixels

    def steps(self) -> int:
        """Batches in an epoch; a last batch of a single image is left out: a batch norm needs two."""
        full, rest = divmod(len(self.rows["train"]), self.batch)
        return full + (rest > 1)

    def batches(self, size: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The training images at a size, shuffled and changed by the generator, each once."""
        pixels, labels = self.pixels("train", size), self.rows["train"].labels
        order = torch.randperm(len(labels), generator=generator)
        for step in range(self.steps()):
            rows = order[step * self.batch : (step + 1) * self.batch]
            images = pixels[rows].to(self.device).float() / 255
            if self.augmented:
                images = self._changed(images, generator)
            yield images.contiguous(memory_format=torch.channels_last), labels[rows].to(self.device)

    @torch.no_grad()
    def each(self, split: str, size: int, look: Callable[[Tensor], Tensor], *, fast: bool = False) -> Tensor:
        """What `look` makes of a split's images as they are, (N, ...) on the CPU, in their order.

        Parameters
        ----------
        fast : in the short float type, as while learning
        """
        parts = []
        for part in torch.split(self.pixels(split, size), 2 * self.batch):
            images = (part.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
            with autocast(self.device, half_type(self.device)) if fast else nullcontext():
                parts.append(look(images).cpu())
        return torch.cat(parts)

    def pixels(self, split: str, size: int) -> Tensor:
        """A split's images at a size, decoded once and held while that size is used."""
        if split not in self._pixels or self._pixels[split].shape[-1] != size:
            self._pixels.pop(split, None)
            self._pixels[split] = self.rows[split].pixels(size, self.progress)
        return self._pixels[split]

    def _changed(self, images: Tensor, generator: torch.Generator) -> Tensor:
        mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5
        images = torch.where(mirrored.to(images.device), images.flip(-1), images)
        return degrade(jitter_colour(images, generator), generator, share=BLURRED).clamp_(0, 1)
