"""Every architecture with options that keep a test quick."""

from __future__ import annotations

from typing import Any

from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.models.aesthetics import tells_marks

SMALL: dict[str, dict[str, Any]] = {
    "vgg11": {"hidden": 16, "pool": 2},
    "vgg16": {"hidden": 16, "pool": 2},
    "simple": {"hidden": 16, "size": 64},
    "simpler": {"hidden": 16, "size": 64},
}


def small(name: str) -> dict[str, Any]:
    """Options of `build_model` for images of 64 px."""
    return SMALL.get(name, {})


AESTHETIC: dict[str, dict[str, Any]] = {
    "high_low": {"backbone": "simple", "pool": 2, "hidden": 8},
    "marks_and_tags": {"backbone": "efficientnet_lite0", "layer": "blocks.4"},
    "vgg16_aesthetic": {"layer": "features.15", "pool": 2, "hidden": 8},
    "mobilenet_v2_aesthetic": {},
}
"""The same for networks that judge beauty."""


def aesthetic_classes(name: str) -> tuple[str, ...]:
    """Names of what a network that judges beauty answers: low and high, or ten marks and three tags."""
    return (*MARK_NAMES, "sea", "dusk", "trees") if tells_marks(name) else HIGH_LOW
