"""Template images by activation maximisation, their nearest natural images, and what changed on the way."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from urbanlens.transformation.making import Workshop
    from urbanlens.transformation.making import make as transform
    from urbanlens.transformation.maximize import maximize_activation
    from urbanlens.transformation.record import Settings, Transformation

__all__ = ["Settings", "Transformation", "Workshop", "maximize_activation", "transform"]

_HOMES = {
    "Settings": ("record", "Settings"),
    "Transformation": ("record", "Transformation"),
    "Workshop": ("making", "Workshop"),
    "maximize_activation": ("maximize", "maximize_activation"),
    "transform": ("making", "make"),
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, attribute = _HOMES[name]
        return getattr(import_module(f"urbanlens.transformation.{module}"), attribute)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
