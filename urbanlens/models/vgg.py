"""VGG-11 and VGG-16 (Simonyan & Zisserman 2015). Parameters carry the usual names, so published weights load."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize, initialize


class VGG11(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores.

    The last of `layers` is what the last convolution stage gives before its pooling, stride 16.

    Parameters
    ----------
    num_classes : outputs
    hidden : width of the two fully connected layers; the paper's 4096 makes a file of 240 MB
    batch_norm : normalise after each convolution, which the paper does not; without it, it hardly learns from a few
        thousand images
    pool : the last maps are averaged to pool x pool cells
    dropout : share of the fully connected layers' outputs that is left out while learning
    width : channels of the first convolution, and of all others in proportion; the paper's is 64
    """

    widths: ClassVar[tuple[int, ...]] = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)
    """Output channels of each 3x3 convolution; 0 is a 2x2 max pooling."""

    def __init__(
        self, num_classes: int = 1000, hidden: int = 4096, batch_norm: bool = False, pool: int = 7,
        dropout: float = 0.5, width: int = 64,
    ) -> None:  # fmt: skip
        super().__init__()
        if min(hidden, pool, width) < 1:
            raise ModelError(f"hidden {hidden}, pool {pool}, width {width}: all must be 1 or more")
        self.normalize = Normalize()
        parts: list[nn.Module] = []
        stages: list[str] = []
        inside = 3
        for outside in (width * channels // 64 for channels in self.widths):
            if outside == 0:
                stages.append(f"features.{len(parts) - 1}")
                parts.append(nn.MaxPool2d(2))
                continue
            norm = [nn.BatchNorm2d(outside)] if batch_norm else []
            parts += [nn.Conv2d(inside, outside, 3, padding=1), *norm, nn.ReLU(inplace=True)]
            inside = outside
        self.features = nn.Sequential(*parts)
        self.layers = tuple(stages[1:])
        self.avgpool = nn.AdaptiveAvgPool2d(pool)
        self.classifier = nn.Sequential(
            nn.Linear(inside * pool**2, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(hidden, num_classes),
        )
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        x = self.avgpool(self.features(self.normalize(images)))
        scores: Tensor = self.classifier(x.flatten(1))
        return scores


class VGG16(VGG11):
    """VGG-16: as VGG-11, with 13 convolutions."""

    widths = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
