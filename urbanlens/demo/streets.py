"""Each city's streets: a rotated, irregular grid of nodes, and the blocks between them with their districts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

from urbanlens.demo.geography import CITIES, WORLD, City
from urbanlens.demo.geometry import along, centre_of, distance, inset
from urbanlens.demo.hashing import chance, number
from urbanlens.demo.scene import Point, Street

Use = Literal["lots", "park", "square"]
DISTRICT_NAMES: dict[str, dict[str, str]] = {
    "Hanamori": {
        "centre": "Old Market", "waterfront": "Kawabe Quay", "industrial": "Tsuchi Works", "park_a": "Tsubaki Gardens",
        "park_b": "Hotaru Common", "north": "Kitayama", "west": "Mizuho", "east": "Aoi Terrace",
    },
    "Steelport": {
        "centre": "Exchange", "waterfront": "Harbour Row", "industrial": "Foundry Side", "park_a": "Union Park",
        "park_b": "Mill Green", "north": "Northgate", "west": "Chapel Rise", "east": "Eastfield",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """One block: its corners at the street nodes (counterclockwise from south-west) and inside the sidewalks."""

    city: str
    column: int
    row: int
    corners: tuple[Point, ...]
    inner: tuple[Point, ...]
    district: str
    kind: str
    use: Use

    @property
    def centre(self) -> Point:
        """The middle of the block."""
        return centre_of(self.corners)

    @property
    def name(self) -> tuple[str, int, int]:
        """What its chances hang on."""
        return (self.city, self.column, self.row)


@dataclass(frozen=True)
class Grid:
    """A city's nodes [column][row], the widths of its streets, its blocks."""

    city: City
    nodes: tuple[tuple[Point, ...], ...]
    column_widths: tuple[float, ...]
    row_widths: tuple[float, ...]
    blocks: tuple[Block, ...]


def sidewalk_of(width_m: float) -> float:
    """Width of each sidewalk of a street."""
    return 4.5 if width_m > 11 else 3.0


def _lines(city: City, axis: str, low: float, high: float) -> list[float]:
    dice = chance(WORLD, city.name, axis)
    values = [low]
    while values[-1] < high - 60.0:
        values.append(values[-1] + (dice.uniform(82, 132) if axis == "u" else dice.uniform(74, 112)))
    scale = (high - low) / (values[-1] - low)
    return [low + (value - low) * scale for value in values]


def _widths(city: City, axis: str, count: int) -> tuple[float, ...]:
    return tuple(
        14.0 if k % 4 == 0 else chance(WORLD, city.name, axis, "width", k).choice([7.0, 8.0, 8.0, 9.5])
        for k in range(count)
    )


def _district(city: City, u: float, v: float, row: int) -> tuple[str, str]:
    names = DISTRICT_NAMES[city.name]
    side = -1.0 if city.name == "Hanamori" else 1.0
    if row <= 1:
        return names["waterfront"], "waterfront"
    if 560 < u * side < 1010 and -380 < v < 60:
        return names["park_a"], "park"
    if -1130 < u * side < -690 and 420 < v < 800:
        return names["park_b"], "park"
    if math.hypot(u, v + 430) < 600:
        return names["centre"], "centre"
    if u * side > 880 and v < 420:
        return names["industrial"], "industrial"
    if v > 640:
        return names["north"], "residential"
    return (names["west"] if u < 0 else names["east"]), "residential"


def _use(city: City, column: int, row: int, kind: str) -> Use:
    if kind == "park":
        return "park"
    odds = {"centre": 0.11, "residential": 0.075, "waterfront": 0.06}.get(kind, 0.0)
    return "square" if chance(WORLD, city.name, column, row, "use").random() < odds else "lots"


@cache
def grid(name: str) -> Grid:
    """The street grid of the city called `name`."""
    city = next(city for city in CITIES if city.name == name)
    columns, rows = _lines(city, "u", -city.half_u, city.half_u), _lines(city, "v", city.low_v, city.high_v)
    nodes: list[tuple[Point, ...]] = []
    for i, u in enumerate(columns):
        dice = [chance(WORLD, name, "node", i, j) for j in range(len(rows))]
        nodes.append(
            tuple(
                city.place(u + dice[j].uniform(-9, 9), v + (dice[j].uniform(-9, 9) if j else 0.0))
                for j, v in enumerate(rows)
            )
        )
    wide, tall = _widths(city, "u", len(columns)), _widths(city, "v", len(rows))
    blocks = []
    for i in range(len(columns) - 1):
        for j in range(len(rows) - 1):
            corners = (nodes[i][j], nodes[i + 1][j], nodes[i + 1][j + 1], nodes[i][j + 1])
            edges = (tall[j], wide[i + 1], tall[j + 1], wide[i])
            inner = inset(corners, [width / 2 + sidewalk_of(width) for width in edges])
            district, kind = _district(city, (columns[i] + columns[i + 1]) / 2, (rows[j] + rows[j + 1]) / 2, j)
            blocks.append(Block(name, i, j, corners, inner, district, kind, _use(city, i, j, kind)))
    return Grid(city, tuple(nodes), wide, tall, tuple(blocks))


@cache
def centre_lines(name: str) -> tuple[tuple[tuple[Point, ...], float, str], ...]:
    """All streets of a city: (centre line, width, a name for its chances)."""
    plan = grid(name)
    columns = [(line, plan.column_widths[i], f"column {i}") for i, line in enumerate(plan.nodes)]
    across = zip(*plan.nodes, strict=True)
    rows = [(tuple(line), plan.row_widths[j], f"row {j}") for j, line in enumerate(across)]
    return (*columns, *rows)


def streets_near(name: str, place: Point, radius_m: float) -> list[Street]:
    """The stretches of a city's streets within a radius, with zebra crossings before the nodes of wide ones."""
    found = []
    for line, width, called in centre_lines(name):
        keep = [k for k, node in enumerate(line) if distance(node, place) < radius_m + 120.0]
        if len(keep) < 2:
            continue
        stretch = line[keep[0] : keep[-1] + 1]
        crossings: list[Point] = []
        for k, node in enumerate(stretch):
            if (k + keep[0]) % 2 == 0 and width > 7.5:
                for other in (stretch[k - 1] if k else None, stretch[k + 1] if k + 1 < len(stretch) else None):
                    if other is not None and distance(node, place) < 90.0:
                        crossings.append(along(node, other, 11.5 / distance(node, other)))
        seed = number(WORLD, name, called)
        found.append(Street(tuple(stretch), width, sidewalk_of(width), seed, tuple(crossings)))
    return found
