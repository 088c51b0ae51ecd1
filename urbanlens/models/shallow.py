"""The two shallow networks of "Deep Visual City Recognition Visualization" (2018), table 1."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize, initialize


class Shallow(nn.Module):
    """(N, 3, S, S) RGB in [0, 1] -> (N, num_classes) scores.

    Each convolution keeps the side and is followed by ReLU and a 2x2 max pooling; then fully connected layers of
    `hidden`, 100 and `num_classes`. `layer`, what the last convolution gives before its pooling, has the stride
    2^(convolutions - 1).

    Parameters
    ----------
    num_classes : outputs
    size : S, side of the image in px; the paper's is 224
    hidden : width of the first fully connected layer; the paper's 4096 makes a file of 200 MB and more
    batch_norm : normalise after each convolution, which the paper does not; without it, they hardly learn from ten
        thousand images
    pool : average the last maps to pool x pool cells first, so that images of any size fit; None, as the paper: do not
    dropout : share of the first fully connected layer's outputs that is left out while learning; the paper's is 0
    """

    CONVOLUTIONS: ClassVar[tuple[tuple[int, int], ...]]
    """Of each convolution: side of its kernel, output channels."""

    def __init__(
        self, num_classes: int = 1000, size: int = 224, hidden: int = 4096, batch_norm: bool = False,
        pool: int | None = None, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        cells = size // 2 ** len(self.CONVOLUTIONS) if pool is None else pool
        if cells < 1 or hidden < 1:
            least = 2 ** len(self.CONVOLUTIONS)
            raise ModelError(f"size {size}, hidden {hidden}: an image needs {least} px at least, and hidden 1 or more")
        self.size = size if pool is None else None
        self.normalize = Normalize()
        stages: list[nn.Module] = []
        inside = 3
        for kernel, width in self.CONVOLUTIONS:
            norm = [nn.BatchNorm2d(width)] if batch_norm else []
            convolution = nn.Conv2d(inside, width, kernel, padding=kernel // 2)
            stages.append(nn.Sequential(convolution, *norm, nn.ReLU(inplace=True)))
            inside = width
        self.convolutions = nn.ModuleList(stages)
        self.layers = tuple(f"convolutions.{number}" for number in range(len(stages)))
        self.pooling = nn.MaxPool2d(2)
        self.average = nn.Identity() if pool is None else nn.AdaptiveAvgPool2d(pool)
        self.classifier = nn.Sequential(
            nn.Linear(inside * cells**2, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, 100),
            nn.ReLU(inplace=True),
            nn.Linear(100, num_classes),
        )
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        if self.size not in (None, images.shape[-1]) or images.shape[-1] != images.shape[-2]:
            raise ModelError(
                f"images of {tuple(images.shape[-2:])} px do not fit: this network takes squares of {self.size} px"
            )
        x = self.normalize(images)
        for convolution in self.convolutions:
            x = self.pooling(convolution(x))
        scores: Tensor = self.classifier(self.average(x).flatten(1))
        return scores


class Simple(Shallow):
    """Four convolutions; `layer` has stride 8."""

    CONVOLUTIONS = ((5, 20), (7, 64), (5, 96), (7, 128))


class Simpler(Shallow):
    """Three convolutions of 9x9; `layer` has stride 4."""

    CONVOLUTIONS = ((9, 20), (9, 64), (9, 96))
