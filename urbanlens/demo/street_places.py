"""Places for a camera in a city, one function a kind of view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from urbanlens.demo.geography import CITIES, PROMENADE_M, VILLAGES
from urbanlens.demo.geometry import along, bearing, distance, step
from urbanlens.demo.scene import Point
from urbanlens.demo.streets import DISTRICT_NAMES, Block, centre_lines, grid, sidewalk_of


@dataclass(frozen=True)
class Place:
    """Where a camera stands, what it looks at; the pitch only where the view asks for one."""

    at: Point
    heading: float
    height_m: float
    pitch: float | None = None


def _eye(dice: Random) -> float:
    return dice.uniform(1.5, 2.7)


def _stretch(city: str, dice: Random) -> tuple[Point, Point, float]:
    lines = centre_lines(city)
    inner = [k for k, (_, _, called) in enumerate(lines) if called not in _outer(city)]
    points, width, _ = lines[dice.choice(inner)]
    k = dice.randrange(1, len(points) - 2)
    return points[k], points[k + 1], width


@cache
def _outer(city: str) -> tuple[str, ...]:
    nodes = grid(city).nodes
    return ("column 0", "row 0", f"column {len(nodes) - 1}", f"row {len(nodes[0]) - 1}")


def street(city: str, dice: Random) -> Place:
    """Down a street, from a lane or a sidewalk."""
    a, b, width = _stretch(city, dice)
    aside = dice.choice([-1, 1]) * dice.choice([width / 4, width / 2 + 1.4, width / 2 + 2.0])
    course = bearing(a, b)
    at = step(along(a, b, dice.uniform(0.12, 0.88)), course + 90.0, aside)
    # Turned a little towards the farther side, which shows more of its fronts.
    heading = course + (180.0 if dice.random() < 0.5 else 0.0)
    towards = -1.0 if (aside > 0) == (heading == course) else 1.0
    return Place(at, heading + towards * dice.uniform(2.0, 20.0), _eye(dice))


def crossing(city: str, dice: Random) -> Place:
    """At a street corner, looking across it."""
    nodes = grid(city).nodes
    i, j = dice.randrange(1, len(nodes) - 1), dice.randrange(1, len(nodes[0]) - 1)
    node = nodes[i][j]
    other = nodes[i][j + 1] if dice.random() < 0.5 else nodes[i + 1][j]
    course = bearing(node, other) + dice.choice([0.0, 180.0]) + dice.choice([-1, 1]) * dice.uniform(22.0, 45.0)
    return Place(step(node, course + 180.0, dice.uniform(4.0, 8.5)), course + dice.uniform(-10, 10), _eye(dice))


@cache
def _blocks(city: str, use: str) -> tuple[Block, ...]:
    return tuple(block for block in grid(city).blocks if block.use == use)


def square(city: str, dice: Random) -> Place:
    """Across a square."""
    block = dice.choice(_blocks(city, "square"))
    corner = dice.randrange(4)
    at = along(block.inner[corner], block.centre, dice.uniform(0.1, 0.42))
    return Place(at, bearing(at, block.centre) + dice.uniform(-22, 22), _eye(dice))


def facades(city: str, dice: Random) -> Place:
    """Sideways at the fronts across a street."""
    a, b, width = _stretch(city, dice)
    side = dice.choice([-1.0, 1.0])
    course = bearing(a, b)
    at = step(along(a, b, dice.uniform(0.2, 0.8)), course + 90.0, side * (width / 2 + sidewalk_of(width) - 0.6))
    return Place(at, course - 90.0 * side + dice.choice([-1, 1]) * dice.uniform(12, 42), _eye(dice))


def waterfront(city: str, dice: Random) -> Place:
    """On the quay: the water on one side, the town on the other."""
    plan = grid(city)
    column = dice.randrange(len(plan.nodes) - 1)
    a, b = plan.nodes[column][0], plan.nodes[column + 1][0]
    course = bearing(a, b)
    off = plan.row_widths[0] / 2 + 4.5 + dice.uniform(2.5, PROMENADE_M - 6.0)
    at = step(along(a, b, dice.random()), course + 90.0, off)
    heading = course + dice.uniform(-26, 30) if dice.random() < 0.5 else course + 180.0 + dice.uniform(-30, 26)
    return Place(at, heading, _eye(dice))


def park(city: str, dice: Random) -> Place:
    """On a walk through a park."""
    block = dice.choice(_blocks(city, "park"))
    middles = [along(block.inner[k], block.inner[(k + 1) % 4], 0.5) for k in range(4)]
    k = dice.randrange(4)
    a, b = middles[k], middles[(k + 2) % 4]
    at = step(along(a, b, dice.uniform(0.04, 0.6)), bearing(a, b) + 90.0, dice.uniform(-1.3, 1.3))
    return Place(at, bearing(a, b) + dice.uniform(-28, 28), _eye(dice))


CITY_VIEWS: dict[str, Callable[[str, Random], Place | None]] = {
    "street": street,
    "crossing": crossing,
    "square": square,
    "facades": facades,
    "waterfront": waterfront,
    "park": park,
}


def district_at(area: str, at: Point) -> tuple[str, str]:
    """Name and kind of the district of a place."""
    if area == "Countryside":
        return rural_area(at), "rural"
    city = next(city for city in CITIES if city.name == area)
    if city.local(at)[1] < city.low_v:
        return DISTRICT_NAMES[area]["waterfront"], "waterfront"
    block = min(grid(area).blocks, key=lambda block: distance(block.centre, at))
    return block.district, block.kind


def rural_area(at: Point) -> str:
    """The rural district of a place: that of the nearest village, or the coast's."""
    if at[1] < -640.0:
        return "South Shore"
    return min(VILLAGES, key=lambda village: distance(village[1], at))[0]
