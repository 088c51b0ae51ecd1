"""The architectures by name: one registration feeds the menu, the command line and the tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import torch
from torch import nn

from urbanlens.errors import ModelError
from urbanlens.models import efficientnet_lite0, mobilenet_v2, resnet, segmenter, shallow, vgg
from urbanlens.models.card import SCORING
from urbanlens.registry import Registry


@dataclass(frozen=True)
class ArchitectureSpec:
    """A network that can be built by name.

    Attributes
    ----------
    name : its name in its registry
    build : `build(num_classes=K, **options)`; the network takes (N, 3, H, W) in [0, 1] and answers (N, K) scores, a
        segmenter (N, K, H, W), a scorer what its own module says
    paper : where it is described
    options : its options and their defaults
    answers : what it tells, where a registry holds networks of several kinds
    """

    name: str
    build: Callable[..., nn.Module]
    paper: str
    options: Mapping[str, Any] = field(default_factory=dict)
    answers: str = ""


MODELS: Registry[ArchitectureSpec] = Registry("architecture")
"""Networks that name a whole picture."""

SEGMENTERS: Registry[ArchitectureSpec] = Registry("segmenter")
"""Networks that name each pixel: those of the task `objects`."""

SCORERS: Registry[ArchitectureSpec] = Registry("scorer")
"""Networks that mark a whole picture: of the task `attributes` by way of attributes, of `score` freely. They build on
those of `MODELS`, and are registered by `urbanlens.models.siam`."""

AESTHETES: Registry[ArchitectureSpec] = Registry("aesthetic classifier")
"""Networks of the task `aesthetics`, which judge the beauty of a picture. They, too, build on those of `MODELS`, and
are registered by `urbanlens.models.aesthetics`."""

GENERATORS: Registry[ArchitectureSpec] = Registry("generator")
"""Networks of the task `generator`, which draw pictures from codes. They invert networks of `MODELS` where they are
asked to, and are registered by `urbanlens.models.generator`."""


def architectures(task: str) -> Registry[ArchitectureSpec]:
    """The registry that holds the networks of a task, as a `ModelCard` names it."""
    if task in SCORING:
        import_module("urbanlens.models.siam")  # it builds on this module, and registers its networks
    elif task == "aesthetics":
        import_module("urbanlens.models.aesthetics")
    elif task == "generator":
        import_module("urbanlens.models.generator")
    known = {"objects": SEGMENTERS, "generator": GENERATORS, "aesthetics": AESTHETES, **dict.fromkeys(SCORING, SCORERS)}
    return known.get(task, MODELS)


def _add(name: str, network: type[nn.Module], paper: str, task: str = "classes") -> None:
    """Register a network; its options are the keyword arguments of its class."""
    architectures(task).add(name, ArchitectureSpec(name, network, paper, options_of(network)))


def options_of(network: type[nn.Module]) -> dict[str, Any]:
    """The options of a network's class, and their defaults."""
    parameters = inspect.signature(network).parameters
    return {key: value.default for key, value in parameters.items() if key != "num_classes"}


_add("vgg11", vgg.VGG11, "Simonyan & Zisserman, Very Deep Convolutional Networks, 2015")
_add("vgg16", vgg.VGG16, "Simonyan & Zisserman, Very Deep Convolutional Networks, 2015")
_add("resnet18", resnet.ResNet18, "He et al., Deep Residual Learning for Image Recognition, 2016")
_add("resnet50", resnet.ResNet50, "He et al., Deep Residual Learning for Image Recognition, 2016")
_add("simple", shallow.Simple, "Deep Visual City Recognition Visualization, 2018, table 1")
_add("simpler", shallow.Simpler, "Deep Visual City Recognition Visualization, 2018, table 1")
_add(
    "efficientnet_lite0",
    efficientnet_lite0.EfficientNetLite0,
    "Tan & Le, EfficientNet, 2019; Liu, EfficientNet-Lite, 2020",
)
_add("mobilenet_v2", mobilenet_v2.MobileNetV2, "Sandler et al., MobileNetV2, 2018")
_add("segmenter", segmenter.Segmenter, "Ronneberger et al., U-Net, 2015, with residual blocks", "objects")


def build_model(
    name: str, num_classes: int, *, task: str = "classes", seed: int | None = None, **options: Any
) -> nn.Module:
    """A fresh network.

    Parameters
    ----------
    name : a name of `architectures(task)`; another raises UnknownNameError, which lists them
    num_classes : number of outputs
    task : what the network is for; `objects` builds one of `SEGMENTERS`
    seed : seed of the random weights; the caller's random state is left as it was
    options : options of the architecture

    Raises
    ------
    ModelError
        For an option that the architecture does not have, or no class at all.
    """
    spec = architectures(task)[name]
    unknown = sorted(set(options) - set(spec.options))
    if unknown:
        allowed = ", ".join(spec.options) or "no options"
        raise ModelError(f"{name} has no option {', '.join(unknown)}: it has {allowed}")
    if num_classes < 1:
        raise ModelError(f"a network for {num_classes} classes cannot be built: give at least 1")
    with torch.random.fork_rng(devices=[]) if seed is not None else nullcontext():
        if seed is not None:
            torch.manual_seed(seed)
        return spec.build(num_classes=num_classes, **options)


def layers_of(module: nn.Module) -> tuple[str, ...]:
    """Dotted names of the stages that Grad-CAM can look at, from fine to coarse; the last is the paper's choice.

    () for a network that does not name them.
    """
    layers = getattr(module, "layers", ())
    return layers if isinstance(layers, tuple) else ()
