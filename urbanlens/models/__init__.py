"""Networks by name, and their weights on disk. Nothing here imports torch before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from urbanlens.models.card import ModelCard

if TYPE_CHECKING:
    from urbanlens.models.registry import MODELS, SEGMENTERS, ArchitectureSpec, build_model
    from urbanlens.models.weights import LoadedModel, imagenet, load_model, save_model

__all__ = [
    "MODELS",
    "SEGMENTERS",
    "ArchitectureSpec",
    "LoadedModel",
    "ModelCard",
    "build_model",
    "imagenet",
    "load_model",
    "save_model",
]

_HOMES = {
    "MODELS": "registry",
    "SEGMENTERS": "registry",
    "ArchitectureSpec": "registry",
    "build_model": "registry",
    "LoadedModel": "weights",
    "imagenet": "weights",
    "load_model": "weights",
    "save_model": "weights",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"urbanlens.models.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
