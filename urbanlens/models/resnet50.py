"""ResNet-50 (He et al. 2016), stride in the 3x3 convolutions. Parameters carry the usual names, so weights load."""

from __future__ import annotations

from torch import Tensor, nn

from urbanlens.models.layers import Normalize, initialize

WIDENING = 4
"""How many times wider a block's output is than its middle."""


class Bottleneck(nn.Module):
    """Narrow, filter, widen, beside a shortcut."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        outside = WIDENING * width
        self.conv1 = nn.Conv2d(inside, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outside, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inside != outside:
            self.downsample = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.relu(self.bn3(self.conv3(y)) + shortcut)
        return y


def _stage(inside: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inside, width, stride)
    return nn.Sequential(first, *(Bottleneck(WIDENING * width, width, 1) for _ in range(blocks - 1)))


class ResNet50(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores; its last stage `layer4` has stride 32."""

    layers = ("layer1", "layer2", "layer3", "layer4")

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.normalize = Normalize()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = _stage(64, 64, 3, 1)
        self.layer2 = _stage(256, 128, 4, 2)
        self.layer3 = _stage(512, 256, 6, 2)
        self.layer4 = _stage(1024, 512, 3, 2)
        self.fc = nn.Linear(2048, num_classes)
        initialize(self)
        for block in self.modules():
            if isinstance(block, Bottleneck):
                # Each block starts as its shortcut alone: short trainings get further.
                nn.init.zeros_(block.bn3.weight)

    def forward(self, images: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(self.normalize(images)))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores
