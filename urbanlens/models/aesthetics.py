"""Networks that judge the beauty of a picture from the features of a trunk, which usually stays frozen.

D. Chu, V. Dhuldhoya, The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers. A trunk
f_enc gives maps, which are pooled to a vector; on the vector stand one or two small heads::

    high or low      two scores, softmax                                       (the paper's VGG-16)
    marks and tags   ten scores, softmax: the share of voters who gave each mark of 1 to 10;
                     one score a tag, ReLU, softmax over all tags              (the paper's MobileNetV2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize
from urbanlens.models.registry import AESTHETES, ArchitectureSpec
from urbanlens.models.trunk import build_trunk, trunk_of

MARKS_AND_TAGS = "marks and tags"


class Aesthete(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, K): a trunk, where Grad-CAM looks, a pooling, and a head.

    Parameters
    ----------
    backbone : a name of `MODELS`
    head : channels of the trunk's maps -> what makes scores (N, K) of vectors (N, channels * pool²)
    pool : side in cells that the maps are averaged to
    max_pooled : whether each 2 x 2 cells become their greatest before, as behind VGG's last convolution
    layer : where the backbone ends, one of its Grad-CAM layers; None: the last
    normalized : whether colours are shifted and scaled first as the backbone does; the paper leaves them as they are
    options : of the backbone

    Raises
    ------
    ModelError
        Where the backbone has no such layer.
    """

    layers = ("trunk",)

    def __init__(
        self, backbone: str, head: Callable[[int], nn.Module], *, pool: int = 1, max_pooled: bool = False,
        layer: str | None = None, normalized: bool = False, options: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if pool < 1:
            raise ModelError(f"maps averaged to {pool} x {pool} cells cannot be: give at least 1")
        trunk, channels = build_trunk(backbone, layer, options)
        self.pool, self.max_pooled, self.normalized = pool, max_pooled, normalized
        self.trunk, self.head = self._as_wanted(trunk), head(channels)
        self._make_head, self._channels = head, channels

    def _as_wanted(self, trunk: nn.Sequential) -> nn.Sequential:
        return nn.Sequential(*(part for part in trunk if self.normalized or not isinstance(part, Normalize)))

    def begin_from(self, network: nn.Module, layer: str) -> int:
        """Take over the trunk of a network of `MODELS`, up to a layer; RuntimeError where it is another one.

        Returns how many hidden layers of the head were taken over, too: those of VGG's classifier, where they fit.
        """
        self.trunk.load_state_dict(self._as_wanted(trunk_of(network, layer)).state_dict())
        theirs, taken = getattr(network, "classifier", None), 0
        if not (isinstance(theirs, nn.Sequential) and isinstance(self.head, nn.Sequential) and self.max_pooled):
            return 0
        for mine, other in zip(list(self.head)[:-1], list(theirs), strict=False):
            if isinstance(mine, nn.Linear) and isinstance(other, nn.Linear) and mine.weight.shape == other.weight.shape:
                mine.load_state_dict(other.state_dict())
                taken += 1
        return taken

    def fresh_head(self, seed: int) -> nn.Module:
        """A head as chance makes it, of the same shape; the caller's random state is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._make_head(self._channels)

    def vectors(self, maps: Tensor) -> Tensor:
        """What the head sees of the trunk's maps (N, C, h, w): averages of their cells, (N, C pool²)."""
        if self.max_pooled:
            maps = functional.max_pool2d(maps, 2)
        return functional.adaptive_avg_pool2d(maps, self.pool).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.vectors(self.trunk(images)))
        return scores


class MarksAndTags(nn.Module):
    """Vectors (N, C) -> (N, 10 + T): scores of ten marks before their softmax, those of T tags behind their ReLU."""

    def __init__(self, channels: int, tags: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.marks = nn.Linear(channels, len(MARK_NAMES))
        self.tags = nn.Linear(channels, tags) if tags else None
        if self.tags is not None:
            nn.init.ones_(self.tags.bias)  # a ReLU that begins at 0 may never learn

    def forward(self, vectors: Tensor) -> Tensor:
        kept = self.dropout(vectors)
        marks: Tensor = self.marks(kept)
        return marks if self.tags is None else torch.cat([marks, functional.relu(self.tags(kept))], 1)


def mean_mark(scores: Tensor) -> Tensor:
    """The mean mark (N,) of the scores of ten marks and perhaps tags, (N, 10 + T)."""
    return scores[:, : len(MARK_NAMES)].softmax(1) @ marks_like(scores)


def marks_like(values: Tensor) -> Tensor:
    """The marks 1 to 10, of the type and on the device of other numbers."""
    return torch.arange(1, len(MARK_NAMES) + 1, device=values.device, dtype=values.dtype)


def _high_low(
    num_classes: int, backbone: str = "vgg16", *, pool: int = 7, max_pooled: bool = False, hidden: int = 4096,
    dropout: float = 0.5, **options: Any,
) -> nn.Module:  # fmt: skip
    """A head as VGG has it, with two hidden layers; of a single layer where `hidden` is 0."""
    if num_classes != len(HIGH_LOW):
        raise ModelError(f"a network of high and low has {len(HIGH_LOW)} classes, not {num_classes}")
    if hidden < 0:
        raise ModelError(f"hidden layers of {hidden} cannot be: give their width, or 0 for none")

    def head(channels: int) -> nn.Module:
        width = channels * pool**2
        if not hidden:
            return nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))
        first = [nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        second = [nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        return nn.Sequential(*first, *second, nn.Linear(hidden, num_classes))

    return Aesthete(backbone, head, pool=pool, max_pooled=max_pooled, **options)


def _marks_and_tags(
    num_classes: int, backbone: str = "mobilenet_v2", *, dropout: float = 0.2, **options: Any
) -> nn.Module:
    if num_classes < len(MARK_NAMES):
        raise ModelError(
            f"{num_classes} outputs are too few: a network of marks has {len(MARK_NAMES)}, and one for each tag"
        )
    return Aesthete(
        backbone, lambda channels: MarksAndTags(channels, num_classes - len(MARK_NAMES), dropout), **options
    )


def tells_marks(architecture: str) -> bool:
    """Whether a network of `AESTHETES` tells marks and tags, rather than high from low; UnknownNameError for others."""
    return AESTHETES[architecture].answers == MARKS_AND_TAGS


_PAPER = "Chu & Dhuldhoya, The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers"
_SHARED: dict[str, Any] = {"layer": None, "normalized": False, "options": None}
_HIGH_LOW: dict[str, Any] = {"pool": 7, "max_pooled": False, "hidden": 4096, "dropout": 0.5, **_SHARED}
_MARKS: dict[str, Any] = {"dropout": 0.2, **_SHARED}


def _add(
    name: str, build: Callable[..., nn.Module], backbone: str, options: dict[str, Any], answers: str, **papers: Any
) -> None:
    """Register a network on any backbone, and on that of the paper under the paper's name, with options of its own."""
    paper, given = f"{backbone}_aesthetic", {**options, **papers}
    AESTHETES.add(name, ArchitectureSpec(name, build, _PAPER, {"backbone": backbone, **options}, answers))
    AESTHETES.add(paper, ArchitectureSpec(paper, partial(build, backbone=backbone, **papers), _PAPER, given, answers))


_add("high_low", _high_low, "vgg16", _HIGH_LOW, "high and low", max_pooled=True)
_add("marks_and_tags", _marks_and_tags, "mobilenet_v2", _MARKS, MARKS_AND_TAGS)
