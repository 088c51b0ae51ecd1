"""Choices among the words of `scene`, with their types kept."""

from __future__ import annotations

from random import Random
from typing import Literal

from urbanlens.demo.scene import BuildingKind, Surface, TreeKind

Material = Literal["brick", "concrete", "plaster", "wood", "metal", "glass"]
FenceKind = Literal["bamboo", "wood", "metal"]
VehicleKind = Literal["car", "van", "bus", "boat"]


def tree_kind(dice: Random, *kinds: TreeKind) -> TreeKind:
    """One of the kinds, each equally likely."""
    return dice.choice(kinds)


def fence_kind(dice: Random, *kinds: FenceKind) -> FenceKind:
    """One of the kinds, each equally likely."""
    return dice.choice(kinds)


def material(dice: Random, *materials: Material) -> Material:
    """One of the materials, each equally likely."""
    return dice.choice(materials)


def surface(dice: Random, **odds: float) -> Surface:
    """One of the surfaces by their odds."""
    names: list[Surface] = list(odds)  # type: ignore[arg-type]
    return dice.choices(names, list(odds.values()))[0]


def building_kind(dice: Random, **odds: float) -> BuildingKind:
    """One of the kinds of building by their odds."""
    names: list[BuildingKind] = list(odds)  # type: ignore[arg-type]
    return dice.choices(names, list(odds.values()))[0]


def vehicle_kind(dice: Random, **odds: float) -> VehicleKind:
    """One of the kinds of vehicle by their odds."""
    names: list[VehicleKind] = list(odds)  # type: ignore[arg-type]
    return dice.choices(names, list(odds.values()))[0]
