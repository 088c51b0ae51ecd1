"""The demo world: two fictional cities and the land between them, with everything that was planted known."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.errors import CollectionError

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.demo.gates import verify
    from urbanlens.demo.making import attribute_maps, build

ASSETS = Path(__file__).resolve().parents[2] / "assets" / "demo"
"""Where the shipped collection lies."""

_LAZY = {
    "build": "urbanlens.demo.making",
    "attribute_maps": "urbanlens.demo.making",
    "verify": "urbanlens.demo.gates",
}

__all__ = ["ASSETS", "attribute_maps", "build", "open_demo", "truth", "verify"]


def open_demo() -> ImageCollection:
    """The shipped collection."""
    from urbanlens.collection import ImageCollection

    return ImageCollection.open(ASSETS)


@functools.cache
def _truth_text() -> str:
    file = ASSETS / "truth.json"
    if not file.is_file():
        raise CollectionError(f"{file} is missing: run `python -m urbanlens demo build {ASSETS}`")
    return file.read_text()


def truth() -> dict[str, Any]:
    """What is planted in the shipped collection: rates, weights, rules."""
    return dict(json.loads(_truth_text()))


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
