"""The first part of a network: its convolutions up to a layer, without what only the later ones need."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import torch
from torch import nn

from urbanlens.errors import ModelError
from urbanlens.models.registry import MODELS, build_model, layers_of

PROBE = 128
"""Side in px of an empty image that finds out how coarse a layer is."""


def trunk_of(network: nn.Module, layer: str) -> nn.Sequential:
    """The parts of a network in the order of its forward pass, up to and with a layer of `layers_of(network)`.

    Parts that are a list of stages are joined by the network's `pooling`, as in `shallow`.
    """
    outer, _, inner = layer.partition(".")
    parts: list[nn.Module] = []
    for name, part in network.named_children():
        if name != outer:
            parts.append(part)
            continue
        stages = list(part.children())[: int(inner) + 1] if inner else [part]
        if isinstance(part, nn.ModuleList):
            pooling = network.get_submodule("pooling")
            stages = [one for stage in stages for one in (stage, pooling)][:-1]
        return nn.Sequential(*parts, *stages)
    raise ModelError(f"{type(network).__name__} has no layer {layer!r}: it has {', '.join(layers_of(network))}")


def build_trunk(
    backbone: str, layer: str | None = None, options: Mapping[str, Any] | None = None
) -> tuple[nn.Sequential, int]:
    """A fresh trunk, (N, 3, H, W) -> (N, C, h, w), and its number of channels C.

    Parameters
    ----------
    backbone : a name of `MODELS`; another raises UnknownNameError, which lists them
    layer : one of its Grad-CAM layers; None: the last
    options : of the architecture

    Raises
    ------
    ModelError
        For a layer that the architecture does not have.
    """
    network = _network(backbone, options)
    known = layers_of(network)
    if layer is not None and layer not in known:
        raise ModelError(f"{backbone} has no layer {layer!r}: it has {', '.join(known)}")
    trunk = trunk_of(network, layer or known[-1])
    with torch.no_grad():
        # Batch norms in train mode would learn from this empty image.
        channels = trunk.eval()(torch.zeros(1, 3, 64, 64)).shape[1]
    return trunk.train(), channels


def fitting_layer(backbone: str, size: int, cells: int, options: Mapping[str, Any] | None = None) -> str:
    """The last layer whose maps of an image of `size` px have `cells` cells a side or more; else the finest one."""
    with torch.random.fork_rng(devices=[]):  # its weights are of no interest: the caller's chance stays as it was
        network = _network(backbone, options).eval()
    fitting = layers_of(network)[0]
    for layer in layers_of(network):
        with torch.no_grad():
            stride = PROBE / trunk_of(network, layer)(torch.zeros(1, 3, PROBE, PROBE)).shape[-1]
        if ceil(size / stride) >= cells:
            fitting = layer
    return fitting


def _network(backbone: str, options: Mapping[str, Any] | None) -> nn.Module:
    given = dict(options or {})
    if "pool" in MODELS[backbone].options:
        given.setdefault("pool", 1)  # the classifier is left away, so that images of any size fit
    return build_model(backbone, 1, **given)
