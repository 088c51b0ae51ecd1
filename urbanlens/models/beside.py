"""Where the networks lie that a generator's card names: in its own folder, near it, or among the demo's."""

from __future__ import annotations

import os
from pathlib import Path

from urbanlens.collection.library import SHIPPED

DEMO = "demo:"
"""Begins the place of a network of the demo, which every installation has."""


def place_of(network: Path, folder: Path) -> str:
    """The place of a network's folder, as the card of a generator in `folder` keeps it: relative, or of the demo."""
    shipped, network, folder = (SHIPPED / "demo" / "models").resolve(), network.resolve(), folder.resolve()
    if network.is_relative_to(shipped) and not folder.is_relative_to(shipped):
        return f"{DEMO}{network.relative_to(shipped).as_posix()}"
    return Path(os.path.relpath(network, folder)).as_posix()


def network_at(place: str, folder: Path) -> Path:
    """The folder of a network from its place: what `place_of` was given."""
    if place.startswith(DEMO):
        return SHIPPED / "demo" / "models" / place.removeprefix(DEMO)
    return folder / place
