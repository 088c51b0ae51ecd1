"""ResNet-18 and ResNet-50 (He et al. 2016). Parameters carry the usual names, so published weights load."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from urbanlens.models.layers import Normalize, initialize


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; `widening` is of its output, `last` its last batch norm."""

    widening, last = 1, "bn2"

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inside, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)) + shortcut)
        return y


class Bottleneck(nn.Module):
    """Narrow, filter, widen, beside a shortcut; the stride is in the 3x3 convolution."""

    widening, last = 4, "bn3"

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = self.widening * width
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inside, outside, stride)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.relu(self.bn3(self.conv3(y)) + shortcut)
        return y


def _shortcut(inside: int, outside: int, stride: int) -> nn.Module | None:
    if stride == 1 and inside == outside:
        return None
    return nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))


class ResNet(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores; its last stage `layer4` has stride 32."""

    layers = ("layer1", "layer2", "layer3", "layer4")
    BLOCK: ClassVar[type[Block] | type[Bottleneck]]
    COUNTS: ClassVar[tuple[int, int, int, int]]
    """Blocks in each stage."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.normalize = Normalize()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inside = 64
        for number, count in enumerate(self.COUNTS):
            width, outside = 64 * 2**number, 64 * 2**number * self.BLOCK.widening
            first = self.BLOCK(inside, width, 1 if number == 0 else 2)
            rest = [self.BLOCK(outside, width, 1) for _ in range(count - 1)]
            self.add_module(self.layers[number], nn.Sequential(first, *rest))
            inside = outside
        self.fc = nn.Linear(inside, num_classes)
        initialize(self)
        for block in self.modules():
            if isinstance(block, Block | Bottleneck):
                # Each block starts as its shortcut alone: short trainings get further.
                nn.init.zeros_(block.get_submodule(block.last).weight)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(self.normalize(images)))))
        for layer in self.layers:
            x = self.get_submodule(layer)(x)
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores


class ResNet18(ResNet):
    """Two blocks of two convolutions in each stage."""

    BLOCK, COUNTS = Block, (2, 2, 2, 2)


class ResNet50(ResNet):
    """Bottlenecks; 2,048 features."""

    BLOCK, COUNTS = Bottleneck, (3, 4, 6, 3)
