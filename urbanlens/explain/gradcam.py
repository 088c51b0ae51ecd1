"""Grad-CAM: which places of an image speak for a class.

R. R. Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017.
With activations A^k of a convolution layer and the score y^c of class c before the softmax::

    alpha_k = 1/Z sum_ij  d y^c / d A^k_ij          (the layer's h w = Z cells)
    L^c     = ReLU( sum_k alpha_k A^k )

Only the head above the layer is differentiated: the trunk runs without a graph, so a map costs little more than
the plain forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.registry import layers_of
from urbanlens.models.state import preserved

Target = int | Sequence[int] | Tensor | Callable[[Tensor], Tensor] | None


class HasModule(Protocol):
    """A network with what belongs to it, such as a LoadedModel."""

    @property
    def module(self) -> nn.Module:
        """The network."""

    @property
    def layer(self) -> str:
        """Where Grad-CAM looks."""


def grad_cam(
    model: nn.Module | HasModule, images: Tensor, target: Target = None, layer: str | nn.Module | None = None
) -> Tensor:
    """Raw low-resolution Grad-CAM maps.

    Parameters
    ----------
    model : a network (N, 3, H, W) -> (N, K), or a LoadedModel; it is run in eval mode and goes back as it came
    images : (N, 3, H, W), as the model takes them
    target : class number for all images, or one each, or what chooses them from the scores (N, K); None: the class
        with the highest score
    layer : the layer, or its dotted name; None: the last convolution stage of an architecture in `MODELS`

    Returns
    -------
    Tensor
        (N, h, w) float32, >= 0, in units of the score: not normalised.

    Raises
    ------
    ModelError
        Where the layer is not named, not there, not used or no map, or a target is no class.
    """
    return grad_cam_and_scores(model, images, target, layer)[0]


def grad_cam_and_scores(
    model: nn.Module | HasModule, images: Tensor, target: Target = None, layer: str | nn.Module | None = None
) -> tuple[Tensor, Tensor]:
    """`grad_cam`, and the scores (N, K) float32 of the same pass."""
    activations, gradient, scores = head_gradient(model, images, target, layer)
    return weighted_maps(activations, gradient), scores


def hires_cam_and_scores(
    model: nn.Module | HasModule, images: Tensor, target: Target = None, layer: str | nn.Module | None = None
) -> tuple[Tensor, Tensor]:
    """HiResCAM: as Grad-CAM, but each cell weighted by its own gradient; maps (N, h, w) >= 0, and scores (N, K).

    R. L. Draelos, L. Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of CNNs, 2020::

        L^c = ReLU( sum_k d y^c / d A^k * A^k )

    Grad-CAM averages the gradient over the cells first, which loses what counts at one place only. Where the head
    is a plain average of the cells (ResNet), both are the same up to a factor.
    """
    activations, gradient, scores = head_gradient(model, images, target, layer)
    return functional.relu((activations * gradient).sum(1)), scores


def head_gradient(
    model: nn.Module | HasModule, images: Tensor, target: Target = None, layer: str | nn.Module | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """A layer's activations (N, C, h, w), the target score's gradient there, and the scores (N, K); all float32."""
    with _looking(model, images, layer) as (scores, activations):
        classes = _classes(target, scores)
        gradient = torch.zeros_like(activations)
        if len(images):
            chosen = scores.gather(1, classes[:, None]).sum()
            (gradient,) = torch.autograd.grad(chosen, activations)
    return activations.detach().float(), gradient.float(), scores.detach().float()


def grad_cam_each(
    model: nn.Module | HasModule, images: Tensor, values: Callable[[Tensor], Tensor] | None = None,
    layer: str | nn.Module | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Grad-CAM maps of many targets from one pass through the trunk.

    Parameters
    ----------
    model, images, layer : as of `grad_cam`
    values : from the scores (N, K) to the T numbers an image that are explained, (N, T); None: the scores themselves

    Returns
    -------
    tuple
        maps (N, T, h, w) float32, >= 0, and the scores (N, K) float32.

    Raises
    ------
    ModelError
        As `grad_cam` does, and where the values are not (N, T), or do not follow from the scores.
    """
    with _looking(model, images, layer) as (scores, activations):
        wanted = scores if values is None else values(scores)
        if wanted.ndim != 2 or len(wanted) != len(scores):
            raise ModelError(f"values of shape {tuple(wanted.shape)} cannot be explained: give ({len(scores)}, T)")
        if len(images) and not wanted.requires_grad:
            raise ModelError("the values to explain do not depend on the scores: compute them from the scores given")
        maps = activations.new_zeros(*wanted.shape, *activations.shape[2:], dtype=torch.float32)
        for number in range(wanted.shape[1] if len(images) else 0):
            (gradient,) = torch.autograd.grad(wanted[:, number].sum(), activations, retain_graph=True)
            maps[:, number] = weighted_maps(activations.detach().float(), gradient.float())
    return maps, scores.detach().float()


def weighted_maps(activations: Tensor, gradient: Tensor) -> Tensor:
    """L (N, h, w) of activations and the gradient there, both (N, C, h, w)."""
    weights = gradient.mean((2, 3)) if len(gradient) else gradient.sum((2, 3))
    return functional.relu(torch.einsum("nkhw,nk->nhw", activations, weights))


@contextmanager
def _looking(
    model: nn.Module | HasModule, images: Tensor, layer: str | nn.Module | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """The scores (N, K) and the layer's activations (N, C, h, w) below them; then the network goes back as it came."""
    module, stage = _find(model, layer)
    if images.ndim != 4:
        raise ModelError(f"images of shape {tuple(images.shape)} cannot be explained: give a batch (N, 3, H, W)")
    with preserved(module), torch.inference_mode(False), torch.no_grad():
        module.eval()
        yield _forward(module, stage, images)


def _find(model: nn.Module | HasModule, layer: str | nn.Module | None) -> tuple[nn.Module, nn.Module]:
    """The network and the layer in it."""
    module = model if isinstance(model, nn.Module) else model.module
    if layer is None:
        layer = next(reversed(layers_of(module)), None) if isinstance(model, nn.Module) else model.layer
    parts = dict(module.named_modules())
    if layer is None:
        outer = ", ".join(name for name in parts if name and "." not in name)
        raise ModelError(f"{type(module).__name__} has no known Grad-CAM layer: pass layer=, one of {outer} or below")
    if isinstance(layer, nn.Module):
        if all(part is not layer for part in parts.values()):
            raise ModelError(f"the layer {type(layer).__name__} is no part of {type(module).__name__}")
        return module, layer
    if layer not in parts:
        raise ModelError(f"{type(module).__name__} has no layer {layer!r}: it has {', '.join(filter(None, parts))}")
    return module, parts[layer]


def _forward(module: nn.Module, stage: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and the layer's activations, with a graph between the two and none below."""
    caught: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ModelError("the Grad-CAM layer does not give maps (N, C, h, w): choose a convolution layer")
        torch.set_grad_enabled(True)
        caught[:] = [output.detach().requires_grad_(True)]
        # What follows may work in place; it gets a copy, so that the activations stay as they are.
        return caught[0].clone()

    handle = stage.register_forward_hook(cut)
    try:
        scores = module(images.to(next(module.parameters(), images).device))
    finally:
        handle.remove()
    if not caught:
        raise ModelError("the Grad-CAM layer took no part in the forward pass: choose a layer that does")
    if not isinstance(scores, Tensor) or scores.ndim not in (1, 2):
        raise ModelError("a network to explain must answer one tensor of scores (N, K)")
    if len(images) and not scores.requires_grad:
        raise ModelError("the scores do not depend on the Grad-CAM layer: choose a layer below them")
    return scores if scores.ndim == 2 else scores[:, None], caught[0]


def _classes(target: Target, scores: Tensor) -> Tensor:
    """The class number of each image, (N,)."""
    if target is None:
        return scores.argmax(1)
    classes = torch.as_tensor(target(scores) if callable(target) else target, device=scores.device)
    if classes.is_floating_point() or classes.dtype == torch.bool:
        raise ModelError(f"targets of type {classes.dtype} are no class numbers: give whole numbers")
    classes = classes.long()
    if classes.ndim == 0:
        classes = classes.expand(len(scores))
    if classes.shape != scores.shape[:1]:
        raise ModelError(f"{tuple(classes.shape)} targets for {len(scores)} images: give one number, or one an image")
    if len(classes) and not (int(classes.min()) >= 0 and int(classes.max()) < scores.shape[1]):
        raise ModelError(f"the network has classes 0 to {scores.shape[1] - 1}; a target lies outside")
    return classes
