"""Hills of the countryside: a flat top and four planar slopes, cut into terraced fields, meadows and woods."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

from urbanlens.demo import picking
from urbanlens.demo.geography import WORLD
from urbanlens.demo.geometry import along, bearing, centre_of, distance, flat, oblong, step
from urbanlens.demo.hashing import chance, number
from urbanlens.demo.scene import Patch, Point, Point3, Surface, Thing, Tree


@dataclass(frozen=True)
class Hill:
    """A long mound: its axis as a bearing, its top's length and breadth, its height, the run of its slopes."""

    name: str
    centre: Point
    axis: float
    length_m: float
    breadth_m: float
    height_m: float
    run_m: float
    cover: Literal["farmland", "forest", "meadow"]

    def top(self) -> tuple[Point, ...]:
        """Corners of the flat top."""
        return oblong(self.centre, self.axis, self.breadth_m, self.length_m)

    def base(self) -> tuple[Point, ...]:
        """Corners of the foot."""
        return oblong(self.centre, self.axis, self.breadth_m + 2 * self.run_m, self.length_m + 2 * self.run_m)

    def height_at(self, point: Point) -> float:
        """Height of the ground at a point, 0 outside the foot."""
        way, angle = distance(self.centre, point), math.radians(bearing(self.centre, point) - self.axis)
        ahead = abs(way * math.cos(angle)) - self.length_m / 2
        aside = abs(way * math.sin(angle)) - self.breadth_m / 2
        return self.height_m * (1.0 - min(max(ahead, aside, 0.0) / self.run_m, 1.0))


HILLS: tuple[Hill, ...] = (
    Hill("Ox Back", (1300.0, 1930.0), 70.0, 420.0, 60.0, 82.0, 122.0, "farmland"),
    Hill("Terrace Hill", (2180.0, 1550.0), 20.0, 300.0, 50.0, 76.0, 112.0, "farmland"),
    Hill("West Down", (-2180.0, 690.0), 10.0, 240.0, 44.0, 74.0, 108.0, "farmland"),
    Hill("Barley Hill", (-1000.0, -480.0), 82.0, 280.0, 46.0, 72.0, 106.0, "farmland"),
    Hill("Pine Knoll", (-450.0, 2330.0), 85.0, 200.0, 50.0, 70.0, 100.0, "forest"),
    Hill("East Down", (2330.0, 270.0), 85.0, 190.0, 46.0, 70.0, 104.0, "farmland"),
    Hill("Sheep Hill", (1480.0, 300.0), 40.0, 80.0, 40.0, 46.0, 80.0, "meadow"),
)


def ground_height(point: Point) -> float:
    """Height of the ground anywhere in the world, metres."""
    return max(hill.height_at(point) for hill in HILLS if distance(hill.centre, point) < 600.0) if _near(point) else 0.0


def _near(point: Point) -> bool:
    return any(distance(hill.centre, point) < 600.0 for hill in HILLS)


def hides(eye: Point3, target: Point, above_m: float) -> bool:
    """Whether a hill stands between an eye and a point `above_m` over the ground."""
    start, way = (eye[0], eye[1]), distance((eye[0], eye[1]), target)
    top = ground_height(target) + above_m
    for hill in HILLS:
        if distance(hill.centre, start) + distance(hill.centre, target) > way + 760.0:
            continue
        for k in range(1, 16):
            share = k / 16
            if hill.height_at(along(start, target, share)) > eye[2] + (top - eye[2]) * share + 0.3:
                return True
    return False


@dataclass(frozen=True)
class Face:
    """One slope: its foot from left to right as seen from below, its cells from foot to top."""

    hill: Hill
    foot: tuple[Point, Point]
    patches: tuple[Patch, ...]
    trees: tuple[Tree, ...]

    def sees(self, east: float, north: float, height_m: float) -> bool:
        """Whether a camera is on the outer side of the slope's plane."""
        outwards = bearing(*self.foot) + 90.0
        beyond = distance(self.foot[0], (east, north)) * math.cos(
            math.radians(bearing(self.foot[0], (east, north)) - outwards)
        )
        return height_m * self.hill.run_m > -beyond * self.hill.height_m


def _surface(hill: Hill, row: int, column: int, edge: int) -> Surface:
    odds: dict[str, tuple[list[Surface], list[float]]] = {
        "farmland": (["field", "grass", "flowers", "earth"], [0.84, 0.09, 0.04, 0.03]),
        "forest": (["forest", "grass", "rock"], [0.72, 0.2, 0.08]),
        "meadow": (["grass", "flowers", "rock"], [0.74, 0.14, 0.12]),
    }
    names, weights = odds[hill.cover]
    return chance(WORLD, hill.name, edge, row, column).choices(names, weights)[0]


@cache
def faces(hill: Hill) -> tuple[Face, ...]:
    """The four slopes of a hill with everything on them."""
    base, top = hill.base(), hill.top()
    found = []
    for edge in range(4):
        a, b = base[edge], base[(edge + 1) % 4]
        c, d = top[(edge + 1) % 4], top[edge]
        rows = 6
        columns = max(3, round(distance(a, b) / 42.0))
        patches, trees = [], []
        for row in range(rows):
            for column in range(columns):
                corners = [
                    (*along(along(a, d, y), along(b, c, y), x), hill.height_m * y)
                    for x, y in (
                        (column / columns, row / rows), ((column + 1) / columns, row / rows),
                        ((column + 1) / columns, (row + 1) / rows), (column / columns, (row + 1) / rows),
                    )
                ]  # fmt: skip
                seed = number(WORLD, hill.name, edge, row, column)
                rows_bearing = bearing(a, b) if row % 2 else bearing(a, b) + 90.0
                surface = _surface(hill, row, column, edge)
                patches.append(Patch(surface, tuple(corners), seed, rows_bearing))
                trees.extend(_trees(hill, surface, (edge, row, column), corners))
        found.append(Face(hill, (a, b), tuple(patches), tuple(trees)))
    return tuple(found)


def _trees(hill: Hill, surface: Surface, name: tuple[int, int, int], corners: list[Point3]) -> list[Tree]:
    dice = chance(WORLD, hill.name, "trees", *name)
    count = {"forest": 9, "field": dice.choice([0, 0, 0, 0, 1])}.get(surface, dice.choice([0, 1, 1]))
    trees = []
    for _ in range(count):
        low = along(corners[0][:2], corners[1][:2], dice.random())
        high = along(corners[3][:2], corners[2][:2], dice.random())
        at = along(low, high, dice.uniform(0.1, 0.9))
        if surface == "forest":
            kind = picking.tree_kind(dice, "cone", "cone", "round")
        else:
            kind = picking.tree_kind(dice, "round", "poplar", "bush")
        trees.append(Tree(at, dice.uniform(4, 9), kind, dice.getrandbits(30), hill.height_at(at)))
    return trees


def hill_content(hill: Hill, eye: Point3) -> tuple[list[Patch], list[Thing]]:
    """The sides of a hill that an eye can see, farther cells first, and the trees on them."""
    seen = [face for face in faces(hill) if face.sees(*eye)]
    cells = [patch for face in seen for patch in face.patches]
    if eye[2] > hill.height_m:
        surface: Surface = "field" if hill.cover == "farmland" else "grass"
        pieces = max(2, round(hill.length_m / 60.0))
        left, right = (hill.top()[0], hill.top()[3]), (hill.top()[1], hill.top()[2])
        for k in range(pieces):
            a, b = k / pieces, (k + 1) / pieces
            outline = (along(*left, a), along(*right, a), along(*right, b), along(*left, b))
            kind: Surface = surface if k % 3 else "grass"
            cells.append(
                Patch(kind, flat(outline, hill.height_m), number(WORLD, hill.name, "top", k), hill.axis + 90.0)
            )
    place = (eye[0], eye[1])
    cells.sort(key=lambda cell: -distance(centre_of([p[:2] for p in cell.outline]), place))
    trees: list[Thing] = [tree for face in seen for tree in face.trees]
    return cells, trees


def edge_place(hill: Hill, share: float, side: int) -> tuple[Point, float]:
    """A place at the rim of the top, and the bearing that looks out from it."""
    corners = hill.top()
    start, end = (corners[1], corners[2]) if side > 0 else (corners[3], corners[0])
    outwards = bearing(start, end) + 90.0
    return step(along(start, end, share), outwards, -3.0), outwards % 360.0
