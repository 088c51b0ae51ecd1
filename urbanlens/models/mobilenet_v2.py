"""MobileNetV2 (Sandler et al. 2018). Parameters carry the usual names, so published weights load."""

from __future__ import annotations

from torch import Tensor, nn

from urbanlens.models.layers import Normalize, initialize

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Of each stage: expansion, output channels, blocks, stride of the first block."""

FEATURES = 1280


def _convolution(inside: int, outside: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution, its batch norm, and ReLU6."""
    convolution = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU6(inplace=True))


class Block(nn.Module):
    """An inverted bottleneck: widen, filter each channel, narrow; a shortcut where the shape stays."""

    def __init__(self, inside: int, outside: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inside * expansion
        widened = [_convolution(inside, width)] if expansion > 1 else []
        narrowed = [nn.Conv2d(width, outside, 1, bias=False), nn.BatchNorm2d(outside)]
        self.conv = nn.Sequential(*widened, _convolution(width, width, 3, stride, width), *narrowed)
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return x + y if self.shortcut else y


class MobileNetV2(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores; the last of `layers` has stride 32.

    Parameters
    ----------
    num_classes : outputs
    dropout : share of the features that is left out while learning
    """

    layers = ("features.6", "features.13", "features.18")

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        self.normalize = Normalize()
        parts: list[nn.Module] = [_convolution(3, 32, 3, 2)]
        inside = 32
        for expansion, outside, count, stride in STAGES:
            for number in range(count):
                parts.append(Block(inside, outside, stride if number == 0 else 1, expansion))
                inside = outside
        self.features = nn.Sequential(*parts, _convolution(inside, FEATURES))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(FEATURES, num_classes))
        initialize(self)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.features(self.normalize(images)).mean((2, 3)))
        return scores
