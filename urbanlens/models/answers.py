"""What a classifier says of pictures of any size."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from urbanlens.models.card import ModelCard
from urbanlens.models.weights import LoadedModel


def answer(network: LoadedModel, images: Tensor) -> Tensor:
    """Scores (N, K) float32 of (N, 3, H, W) images, resized where the network takes one size alone; gradients pass."""
    side = network.card.size if takes_one_size(network.card) else images.shape[-1]
    if side != images.shape[-1]:
        shrunk = side < images.shape[-1]
        images = functional.interpolate(
            images, size=(side, side), mode="bilinear", align_corners=False, antialias=shrunk
        )
    scores: Tensor = network.module(images).float()
    return scores


def takes_one_size(card: ModelCard) -> bool:
    """Whether a network takes images of its own size alone."""
    return "size" in card.options and card.options.get("pool") is None
