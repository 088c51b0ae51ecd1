"""Every architecture with options that keep a test quick."""

from __future__ import annotations

from typing import Any

SMALL: dict[str, dict[str, Any]] = {
    "vgg11": {"hidden": 16, "pool": 2},
    "simple": {"hidden": 16, "size": 64},
    "simpler": {"hidden": 16, "size": 64},
}


def small(name: str) -> dict[str, Any]:
    """Options of `build_model` for images of 64 px."""
    return SMALL.get(name, {})
