"""VGG-11 with batch norm (Simonyan & Zisserman 2015); without it, it hardly learns from a few thousand images."""

from __future__ import annotations

from torch import Tensor, nn

from urbanlens.models.layers import Normalize, initialize

WIDTHS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)
"""Output channels of each 3x3 convolution; 0 is a 2x2 max pooling."""


class VGG11(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores.

    `features.27` is what the last convolution stage sees before its pooling, stride 16. The paper's head is 4096
    wide, 120 million weights; `hidden` makes it narrower.
    """

    def __init__(self, num_classes: int = 1000, hidden: int = 512, dropout: float = 0.5) -> None:
        super().__init__()
        self.normalize = Normalize()
        parts: list[nn.Module] = []
        inside = 3
        for width in WIDTHS:
            if width == 0:
                parts.append(nn.MaxPool2d(2))
                continue
            parts += [nn.Conv2d(inside, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            inside = width
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 49, hidden),
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
