"""A borrowed network goes back as it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")


@contextmanager
def preserved(module: nn.Module) -> Iterator[None]:
    """Put back training modes, `requires_grad`, gradients and hooks when the block ends, also by an exception."""
    parts = list(module.modules())
    modes = [part.training for part in parts]
    hooks = [{name: set(getattr(part, name)) for name in _HOOKS} for part in parts]
    parameters = [(parameter, parameter.requires_grad, parameter.grad) for parameter in module.parameters()]
    try:
        yield
    finally:
        for part, mode, known in zip(parts, modes, hooks, strict=True):
            part.training = mode
            for name, keys in known.items():
                present = getattr(part, name)
                for key in set(present) - keys:
                    del present[key]
        for parameter, wanted, gradient in parameters:
            parameter.requires_grad_(wanted)
            parameter.grad = gradient
