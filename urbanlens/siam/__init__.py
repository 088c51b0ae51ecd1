"""SIAM: attribute maps, spatial templates, and a score that adds up. Torch is loaded when the network is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanlens.models.siam import SIAM, Regressor, SIAMOutput

__all__ = ["SIAM", "Regressor", "SIAMOutput"]

_HOMES = {"SIAM": "urbanlens.models.siam", "SIAMOutput": "urbanlens.models.siam", "Regressor": "urbanlens.models.siam"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
