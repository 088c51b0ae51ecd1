"""A small U-shaped network (Ronneberger et al. 2015, with the residual blocks of He et al. 2016) that names each pixel.

Ordinary 3x3 convolutions, most of them at a quarter of the side and less: the shape that CPUs are fast with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize, initialize

STRIDE = 16
"""The smallest side in px; what is no multiple of it works too."""


def _convolution(inside: int, outside: int, stride: int = 1) -> list[nn.Module]:
    """A 3x3 convolution and its batch norm."""
    return [nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside)]


class Block(nn.Module):
    """Two convolutions round which the input is carried."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolution(width, width), nn.ReLU(), *_convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


class Join(nn.Module):
    """Coarse maps are enlarged to the side of finer ones and mixed with them."""

    def __init__(self, coarse: int, fine: int, outside: int) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(coarse, outside, 1, bias=False), nn.BatchNorm2d(outside))
        self.mix = nn.Sequential(*_convolution(outside + fine, outside), nn.ReLU())

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        narrow = self.narrow(coarse)
        enlarged = functional.interpolate(narrow, fine.shape[-2:], mode="bilinear", align_corners=False)
        mixed: Tensor = self.mix(torch.cat([enlarged, fine], 1))
        return mixed


class Segmenter(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes, H, W) scores, made at half the side and enlarged.

    Parameters
    ----------
    num_classes : objects that are told apart
    width : channels at half the side; they grow to five times as many at a sixteenth
    """

    def __init__(self, num_classes: int = 150, width: int = 24) -> None:
        super().__init__()
        if width < 1:
            raise ModelError(f"a width of {width} makes no sense: give 1 or more")
        fine, middle, coarse, least = width, 2 * width, 4 * width, 5 * width
        self.normalize = Normalize()
        self.stem = nn.Sequential(*_convolution(3, fine, 2), nn.ReLU())
        self.fine = nn.Sequential(*_convolution(fine, middle, 2), nn.ReLU(), Block(middle))
        self.middle = nn.Sequential(*_convolution(middle, coarse, 2), nn.ReLU(), Block(coarse))
        self.coarse = nn.Sequential(*_convolution(coarse, least, 2), nn.ReLU(), Block(least), Block(least))
        self.scene = nn.Linear(least, least)
        self.join_middle = Join(least, coarse, coarse)
        self.join_fine = Join(coarse, middle, middle)
        self.join_stem = Join(middle, fine, fine)
        self.answer = nn.Conv2d(fine, num_classes, 1)
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        stem = self.stem(self.normalize(images))
        fine = self.fine(stem)
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        # What the whole picture looks like is told to each of its cells.
        coarse = functional.relu(coarse + self.scene(coarse.mean((2, 3)))[:, :, None, None])
        maps = self.join_stem(self.join_fine(self.join_middle(coarse, middle), fine), stem)
        scores: Tensor = functional.interpolate(
            self.answer(maps), images.shape[-2:], mode="bilinear", align_corners=False
        )
        return scores
