"""Networks at rest, with their batch norms folded into the convolutions before them: the same answers, sooner."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from urbanlens.models.weights import LoadedModel

ALIKE = 1e-3
"""Answers are the same where they differ by less than this share of the largest one."""


def fold(model: LoadedModel) -> LoadedModel:
    """A model whose network is a folded copy, for answers and for gradients of its input; never to train it."""
    size = model.card.size
    # Neither flat nor symmetric, so that a wrongly folded part is seen in the answer.
    probe = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    return replace(model, module=fold_batch_norms(model.module, probe))


@torch.no_grad()
def fold_batch_norms(module: nn.Module, probe: Tensor) -> nn.Module:
    """A copy in which y = γ (w∗x + b - μ) / σ + β is one convolution, wherever a batch norm directly follows one.

    Parameters
    ----------
    module : in eval mode; stays as it is
    probe : (N, ...) an input, by which the pairs are found and the copy is checked

    Returns
    -------
    nn.Module
        The copy; `module` itself where a folded one would answer otherwise, as where a convolution's output goes to
        other places too.
    """
    copy = deepcopy(module)
    expected, pairs = _pairs(copy, probe)
    for convolution, norm in pairs:
        one, other = copy.get_submodule(convolution), copy.get_submodule(norm)
        assert isinstance(one, nn.Conv2d) and isinstance(other, nn.BatchNorm2d)
        _put(copy, convolution, fuse_conv_bn_eval(one, other))
        _put(copy, norm, nn.Identity())
    return copy if float((copy(probe) - expected).abs().max()) <= ALIKE * float(expected.abs().max()) else module


def _pairs(module: nn.Module, probe: Tensor) -> tuple[Tensor, list[tuple[str, str]]]:
    """The answer, and pairs of a convolution and the batch norm that takes what it gives, none used more than once."""
    given: list[tuple[str, Tensor]] = []
    found: list[tuple[str, str]] = []
    hooks = []

    def note(name: str) -> Any:
        return lambda _part, _inputs, output: given.append((name, output))

    def look(name: str) -> Any:
        return lambda _part, inputs: found.extend((own, name) for own, output in given if output is inputs[0])

    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d):
            hooks.append(part.register_forward_hook(note(name)))
        elif isinstance(part, nn.BatchNorm2d):
            hooks.append(part.register_forward_pre_hook(look(name)))
    try:
        answer: Tensor = module(probe)
    finally:
        for hook in hooks:
            hook.remove()
    used = Counter(name for pair in found for name in pair)
    return answer, [pair for pair in found if used[pair[0]] == used[pair[1]] == 1]


def _put(module: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(module.get_submodule(parent), own, part)
