"""SIAM and the network that it is compared with: two ways from a picture to a score.

D. Marcos, S. Lobry, D. Tuia, Semantically Interpretable Activation Maps: what-where-how explanations within CNNs,
2019. A trunk and a 1x1 convolution give one map A_i an attribute; all that the score sees is these maps::

    a_i = sigmoid(mean(A_i) + c_i)         is attribute i in the picture?     (eq. 1 learns it)
    z_i = T_i . A_i                        what it adds to the score, without a bias
    y   = sum_i z_i + b,   T_i = u_i P_i - v_i N_i,   P_i, N_i, u_i, v_i >= 0

The constant c_i of each attribute stands behind the average, where it says the same about the attribute, but does not
reach the score. With maps that are positive (`rectified`), an attribute that is not seen then adds next to nothing, as
the paper asks; maps of either sign, the paper's own, also speak of what is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import expm1, log
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.registry import SCORERS, ArchitectureSpec
from urbanlens.models.trunk import build_trunk

START = 0.01
"""What each cell of both templates begins with: alike, so that no attribute begins with a meaning."""


UNSEEN = -2.0
"""Where the maps begin that are made positive: near 0, yet not so near that they cannot learn."""


class SIAMOutput(NamedTuple):
    """What SIAM says of N images.

    Attributes
    ----------
    maps : (N, A, m, m), where each attribute is
    attributes : (N, A) in [0, 1], how surely it is there
    contributions : (N, A), what it adds to the score
    score : (N,), the contributions' sum and the bias
    """

    maps: Tensor
    attributes: Tensor
    contributions: Tensor
    score: Tensor


class ScoreOutput(NamedTuple):
    """What the unconstrained network says of N images: its map (N, m, m), and the score (N,), the map's mean + bias."""

    maps: Tensor
    score: Tensor


class SIAM(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> SIAMOutput.

    Beside its weights it keeps each attribute's `strength` (A,), the root mean square of its maps: nothing is computed
    with it, but T_i times it says what a typical map adds, and so lets templates be compared.

    Parameters
    ----------
    num_attributes : A
    backbone : a name of `MODELS`
    map_size : m, side of the maps in cells; what the trunk gives is resized to it
    crop : c <= m, m - c even, side of the middle part of the maps that counts; the paper cuts 15 cells to 11 for
        fear of borders
    layer : where the backbone ends, one of its Grad-CAM layers; None: the last
    rectified : whether maps are positive, log(1 + exp x), so that an attribute can only speak where it is seen
    options : of the backbone

    Raises
    ------
    ModelError
        Where sizes make no sense, or the backbone has no such layer.
    """

    strength: Tensor

    def __init__(
        self, num_attributes: int, backbone: str = "resnet50", map_size: int = 15, crop: int = 11, *,
        layer: str | None = None, rectified: bool = False, options: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_attributes < 1:
            raise ModelError(f"SIAM with {num_attributes} attributes cannot be built: give at least 1")
        if not 1 <= crop <= map_size:
            raise ModelError(
                f"templates of {crop} x {crop} cells do not fit maps of {map_size} x {map_size}: "
                "crop must lie between 1 and map_size"
            )
        if (map_size - crop) % 2:
            raise ModelError(
                f"templates of {crop} x {crop} cells cannot lie in the middle of maps of {map_size} x {map_size}: "
                "crop and map_size must both be even or both odd"
            )
        self.map_size, self.crop, self.rectified = map_size, crop, rectified
        self.trunk, channels = build_trunk(backbone, layer, options)
        self.to_maps = nn.Conv2d(channels, num_attributes, 1, bias=rectified)
        nn.init.normal_(self.to_maps.weight, 0, 0.01)
        if self.to_maps.bias is not None:
            nn.init.constant_(self.to_maps.bias, UNSEEN)
        self.presence = nn.Parameter(torch.zeros(num_attributes))
        raw = torch.full((num_attributes, crop, crop), _inverse_softplus(START))
        self.positive, self.negative = nn.Parameter(raw.clone()), nn.Parameter(raw.clone())
        self.weights = nn.Parameter(torch.full((2, num_attributes), _inverse_softplus(1.0)))
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("strength", torch.ones(num_attributes))

    @property
    def templates(self) -> Tensor:
        """T (A, c, c), in units of the score for a map of 1."""
        u, v = functional.softplus(self.weights)[:, :, None, None]
        templates: Tensor = u * functional.softplus(self.positive) - v * functional.softplus(self.negative)
        return templates

    @torch.no_grad()
    def set_templates(self, templates: Tensor, bias: float) -> None:
        """Begin from templates T (A, c, c) and a bias found otherwise."""
        if templates.shape != self.positive.shape:
            raise ModelError(
                f"templates of shape {tuple(templates.shape)} do not fit: this network has {tuple(self.positive.shape)}"
            )
        least = max(float(templates.abs().mean()), 1e-6) * 1e-3
        self.weights.fill_(_inverse_softplus(1.0))
        for raw, part in ((self.positive, templates), (self.negative, -templates)):
            wanted = part.clamp(min=0) + least
            raw.copy_(wanted + torch.log(-torch.expm1(-wanted)))  # softplus back, for numbers of any size
        self.bias.fill_(bias)

    def maps(self, images: Tensor) -> Tensor:
        """A (N, A, m, m) float32."""
        found = self.to_maps(self.trunk(images)).float()
        found = _resized(found, self.map_size)
        return functional.softplus(found) if self.rectified else found

    def cropped(self, maps: Tensor) -> Tensor:
        """The middle (N, A, c, c) of the maps."""
        count, side = len(self.presence), self.map_size
        if maps.ndim != 4 or maps.shape[1:] != (count, side, side):
            raise ModelError(
                f"maps of shape {tuple(maps.shape)} do not fit the templates: they must be (N, {count}, {side}, {side})"
            )
        first = (self.map_size - self.crop) // 2
        return maps[..., first : first + self.crop, first : first + self.crop]

    def logits(self, maps: Tensor) -> Tensor:
        """a (N, A) before the sigmoid."""
        return self.cropped(maps).mean((-2, -1)) + self.presence

    def contributions(self, maps: Tensor) -> Tensor:
        """z (N, A) of the maps."""
        with torch.autocast(maps.device.type, enabled=False):
            return torch.einsum("nahw,ahw->na", self.cropped(maps).float(), self.templates)

    def forward(self, images: Tensor) -> SIAMOutput:
        maps = self.maps(images)
        contributions = self.contributions(maps)
        score = contributions.sum(1) + self.bias
        return SIAMOutput(maps, self.logits(maps).sigmoid(), contributions, score)


class Regressor(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> ScoreOutput: the same backbone, free to use whatever it finds.

    Its score is the mean of one map and a bias, so that it, too, can say where (Zhou et al., CAM, 2016) - not what.

    Parameters
    ----------
    backbone, layer, options, map_size : as of SIAM
    """

    def __init__(
        self, backbone: str = "resnet50", map_size: int = 15, *, layer: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if map_size < 1:
            raise ModelError(f"a map of {map_size} x {map_size} cells cannot be: give at least 1")
        self.map_size = map_size
        self.trunk, channels = build_trunk(backbone, layer, options)
        self.to_map = nn.Conv2d(channels, 1, 1, bias=False)
        nn.init.normal_(self.to_map.weight, 0, 0.01)
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, images: Tensor) -> ScoreOutput:
        maps = _resized(self.to_map(self.trunk(images)).float(), self.map_size)[:, 0]
        return ScoreOutput(maps, maps.mean((1, 2)) + self.bias)


def _resized(maps: Tensor, side: int) -> Tensor:
    """(N, A, h, w) to (N, A, side, side)."""
    if maps.shape[-2:] == (side, side):
        return maps
    shrinks = max(maps.shape[-2:]) > side
    return functional.interpolate(maps, (side, side), mode="bilinear", align_corners=False, antialias=shrinks)


def _inverse_softplus(value: float) -> float:
    return log(expm1(value))


def _siam(num_classes: int, **options: Any) -> nn.Module:
    return SIAM(num_classes, **options)


def _regressor(num_classes: int, **options: Any) -> nn.Module:
    if num_classes != 1:
        raise ModelError(f"a regressor has one score, not {num_classes}")
    return Regressor(**options)


_PAPER = "Marcos et al., Semantically Interpretable Activation Maps, 2019"
_SHARED: dict[str, Any] = {"backbone": "resnet50", "map_size": 15, "layer": None, "options": None}
SCORERS.add("siam", ArchitectureSpec("siam", _siam, _PAPER, {**_SHARED, "crop": 11, "rectified": False}))
SCORERS.add("regressor", ArchitectureSpec("regressor", _regressor, _PAPER, dict(_SHARED)))
