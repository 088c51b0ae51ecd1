"""Places for a camera in the countryside, one function a kind of view."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from urbanlens.demo.geography import (
    BEACH_M,
    LAKE_CENTRE,
    RIVER,
    RIVER_M,
    ROAD_M,
    ROADS,
    VILLAGES,
    WOODS,
    countryside_contains,
    in_water,
    in_woods,
    shore_north,
)
from urbanlens.demo.geometry import along, bearing, distance, resample, step
from urbanlens.demo.hills import HILLS, edge_place, faces, ground_height
from urbanlens.demo.scene import Point
from urbanlens.demo.street_places import Place

FARM_HILLS = tuple(hill for hill in HILLS if hill.cover == "farmland")


def _eye(dice: Random) -> float:
    return dice.uniform(1.5, 2.8)


def _open(at: Point) -> bool:
    return (
        countryside_contains(at)
        and not in_water(at, 5.0)
        and not in_woods(at)
        and ground_height(at) == 0.0
        and at[1] > shore_north(at[0]) + BEACH_M
    )


def hill(dice: Random) -> Place | None:
    """From a hilltop down over the fields, or from the foot of a hill up its terraces."""
    if dice.random() < 0.34:
        which = dice.choice(FARM_HILLS) if dice.random() < 0.6 else dice.choice(HILLS)
        at, outwards = edge_place(which, dice.uniform(0.06, 0.94), dice.choice([-1, 1]))
        pitch = dice.uniform(-25.0, -14.0) if dice.random() < 0.75 else dice.uniform(-12.0, 2.0)
        return Place(at, outwards + dice.uniform(-30, 30), which.height_m + _eye(dice), pitch)
    which = dice.choice(FARM_HILLS) if dice.random() < 0.86 else dice.choice(HILLS)
    a, b = dice.choice(faces(which)).foot
    at = step(along(a, b, dice.uniform(0.22, 0.78)), bearing(a, b) + 90.0, dice.uniform(5.0, 34.0))
    if not countryside_contains(at) or in_water(at, 3.0) or in_woods(at) or ground_height(at) > 0.0:
        return None
    return Place(at, bearing(a, b) - 90.0 + dice.uniform(-24, 24), _eye(dice), dice.uniform(-15.0, 2.0))


def farmland(dice: Random) -> Place | None:
    """Out over the fields."""
    at = (dice.uniform(-2500, 2600), dice.uniform(-900, 2400))
    heading = dice.uniform(0, 360)
    if dice.random() < 0.5:
        heading = bearing(at, min(HILLS, key=lambda which: distance(which.centre, at)).centre) + dice.uniform(-30, 30)
    return Place(at, heading, _eye(dice) + dice.choice([0.0, 0.0, 1.5])) if _open(at) else None


def forest(dice: Random) -> Place | None:
    """Inside a wood, or along its road."""
    wood = dice.choice(WOODS[:2])
    lows, highs = [min(p[k] for p in wood) for k in (0, 1)], [max(p[k] for p in wood) for k in (0, 1)]
    at = (dice.uniform(lows[0], highs[0]), dice.uniform(lows[1], highs[1]))
    return Place(at, dice.uniform(0, 360), _eye(dice)) if in_woods(at) else None


def coast(dice: Random) -> Place | None:
    """On the beach."""
    east = dice.uniform(-2560, 2600)
    at = (east, shore_north(east) + dice.uniform(3.0, BEACH_M - 18.0))
    shore = bearing((east - 40, shore_north(east - 40)), (east + 40, shore_north(east + 40)))
    heading = dice.choice([shore, shore + 180.0, shore + 90.0, shore + 45.0, shore + 135.0]) + dice.uniform(-25, 25)
    return Place(at, heading, _eye(dice))


def waterfront(dice: Random) -> Place | None:
    """At the lake or the river."""
    if dice.random() < 0.55:
        angle = dice.uniform(0, 2 * math.pi)
        off = dice.uniform(2.0, 12.0)
        at = (
            LAKE_CENTRE[0] + (387.5 + off) * math.cos(angle),
            LAKE_CENTRE[1] + (250.0 + off) * math.sin(angle),
        )
        heading = bearing(at, LAKE_CENTRE) + dice.uniform(-55, 55)
    else:
        points = resample(RIVER, 40.0)
        k = dice.randrange(len(points) - 1)
        course = bearing(points[k], points[k + 1])
        side = dice.choice([-1.0, 1.0])
        at = step(points[k], course + 90.0 * side, RIVER_M / 2 + dice.uniform(2.0, 9.0))
        heading = course - 90.0 * side + dice.uniform(-70, 70)
    if in_water(at, 1.0) or not countryside_contains(at) or in_woods(at) or ground_height(at) > 0.0:
        return None
    return Place(at, heading, _eye(dice))


def street(dice: Random) -> Place | None:
    """Along a country road, half of the time in a village."""
    points = resample(dice.choice(ROADS), 26.0)
    k = dice.randrange(len(points) - 1)
    course = bearing(points[k], points[k + 1]) + (180.0 if dice.random() < 0.5 else 0.0)
    at = step(along(points[k], points[k + 1], dice.random()), course + 90.0, dice.uniform(-1.0, 1.0) * ROAD_M / 2)
    rural = min(distance(at, place) for _, place in VILLAGES) > 210.0
    if (rural and dice.random() < 0.75) or not countryside_contains(at) or ground_height(at) > 0.0:
        return None
    if in_water(at, 2.0):
        return None
    return Place(at, course + dice.uniform(-18, 18), _eye(dice))


COUNTRY_VIEWS: dict[str, Callable[[Random], Place | None]] = {
    "hill": hill,
    "farmland": farmland,
    "forest": forest,
    "coast": coast,
    "waterfront": waterfront,
    "street": street,
}
