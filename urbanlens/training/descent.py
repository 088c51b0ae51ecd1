"""A step down a loss without `backward`, and a running mean of a network's weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def descend(loss: Tensor, optimizer: torch.optim.Optimizer, learning: Sequence[nn.Parameter], most: float) -> None:
    """One step of an optimizer; only `learning` gets gradients, which together are no longer than `most`."""
    optimizer.zero_grad(set_to_none=True)
    gradients = torch.autograd.grad(loss, learning, allow_unused=True)
    for value, gradient in zip(learning, gradients, strict=True):
        value.grad = gradient
    nn.utils.clip_grad_norm_(learning, most)
    optimizer.step()


@torch.no_grad()
def follow(mean: nn.Module, now: nn.Module, done: int, most: float) -> None:
    """Move a running mean towards the weights of now: after `done` steps, `most` of it stays, and less at first."""
    kept = min(most, 1 - 1 / (done + 2))
    for old, value in zip(mean.parameters(), now.parameters(), strict=True):
        old.lerp_(value, 1 - kept)
