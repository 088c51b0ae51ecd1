"""The rural land between the cities: fields and hedges, woods, villages, roads, the river, the lake and the beach."""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

from urbanlens.demo import picking
from urbanlens.demo.geography import (
    BEACH_M,
    LAKE,
    LAKE_CENTRE,
    RIVER,
    RIVER_M,
    ROAD_M,
    ROADS,
    VILLAGES,
    WOODS,
    WORLD,
    countryside_contains,
    in_water,
    in_woods,
    line_distance,
    road_distance,
    shore_north,
)
from urbanlens.demo.geometry import along, bearing, distance, flat, resample, ring, step
from urbanlens.demo.hashing import chance, number
from urbanlens.demo.hills import ground_height
from urbanlens.demo.lots import Content
from urbanlens.demo.scene import (
    Building,
    Fence,
    Patch,
    Person,
    Point,
    PoleLine,
    Rock,
    Sign,
    Street,
    Surface,
    Tree,
    TreeKind,
    Vehicle,
)

CELL_M = (84.0, 58.0)
TURN = math.radians(17.0)
TREE_M = 6.5


def _cell_corner(i: int, j: int) -> Point:
    dice = chance(WORLD, "corner", i, j)
    x, y = i * CELL_M[0] + dice.uniform(-9, 9), j * CELL_M[1] + dice.uniform(-7, 7)
    return (x * math.cos(TURN) - y * math.sin(TURN), x * math.sin(TURN) + y * math.cos(TURN))


def _cell_of(point: Point) -> tuple[int, int]:
    x = point[0] * math.cos(TURN) + point[1] * math.sin(TURN)
    y = -point[0] * math.sin(TURN) + point[1] * math.cos(TURN)
    return (math.floor(x / CELL_M[0]), math.floor(y / CELL_M[1]))


@lru_cache(maxsize=6000)
def cell_content(i: int, j: int) -> Content:
    """One field with its hedge; nothing in the cities, the water, the woods and the hills."""
    content = Content()
    outline = (_cell_corner(i, j), _cell_corner(i + 1, j), _cell_corner(i + 1, j + 1), _cell_corner(i, j + 1))
    centre = along(outline[0], outline[2], 0.5)
    if not countryside_contains(centre) or in_woods(centre) or in_water(centre, 10.0):
        return content
    if centre[1] < shore_north(centre[0]) + BEACH_M + 35.0:
        return content
    dice = chance(WORLD, "field", i, j)
    village = min(distance(place, centre) for _, place in VILLAGES) < 120.0
    surface: Surface = picking.surface(dice, field=0.7, grass=0.18, flowers=0.07, earth=0.05)
    if village:
        surface = "grass"
    rows = math.degrees(-TURN) + (90.0 if dice.random() < 0.5 else 0.0)
    content.patches.append(Patch(surface, flat(outline), dice.getrandbits(30), rows))
    if ground_height(centre) > 0:
        return content
    hedge = dice.random()
    if hedge < 0.42:
        kind: TreeKind = "poplar" if hedge < 0.08 else "bush" if hedge < 0.24 else "round"
        for k in range(dice.choice([4, 6, 8])):
            at = along(outline[0], outline[1 if hedge < 0.3 else 3], k / 8 + dice.uniform(0, 0.05))
            _plant(
                content,
                Tree(at, dice.uniform(2.0, 3.2) if kind == "bush" else dice.uniform(5, 10), kind, dice.getrandbits(30)),
            )
    elif hedge < 0.5:
        content.things.append(Fence((outline[0], outline[1]), 1.15, "wood", dice.getrandbits(30)))
    if surface == "grass" and dice.random() < 0.4:
        _plant(
            content,
            Tree(along(centre, outline[0], dice.random() * 0.6), dice.uniform(6, 11), "round", dice.getrandbits(30)),
        )
    return content


def _plant(content: Content, tree: Tree) -> None:
    if road_distance(tree.at) > 6.5 and not in_water(tree.at, 4.0):
        content.things.append(tree)


def fields_near(place: Point, radius_m: float) -> Content:
    """The fields within a radius."""
    content = Content()
    ci, cj = _cell_of(place)
    reach_i, reach_j = int(radius_m / CELL_M[0]) + 1, int(radius_m / CELL_M[1]) + 1
    for i in range(ci - reach_i, ci + reach_i + 1):
        for j in range(cj - reach_j, cj + reach_j + 1):
            content.add(cell_content(i, j))
    return content


def woods_near(place: Point, radius_m: float) -> Content:
    """Forest floor and trees: every tree near by, every fourth one farther off."""
    content = Content()
    for k, outline in enumerate(WOODS):
        if min(distance(place, corner) for corner in outline) < 1500.0:
            content.patches.append(Patch("forest", flat(outline), number(WORLD, "wood", k)))
    reach = int(radius_m / TREE_M)
    ci, cj = round(place[0] / TREE_M), round(place[1] / TREE_M)
    for i in range(ci - reach, ci + reach + 1):
        for j in range(cj - reach, cj + reach + 1):
            if math.hypot(i - ci, j - cj) * TREE_M < 85.0 or (i % 2 == 0 and j % 2 == 0):
                tree = _forest_tree(i, j)
                if tree is not None:
                    content.things.append(tree)
    return content


@lru_cache(maxsize=400_000)
def _forest_tree(i: int, j: int) -> Tree | None:
    dice = chance(WORLD, "tree", i, j)
    at = ((i + dice.uniform(-0.42, 0.42)) * TREE_M, (j + dice.uniform(-0.42, 0.42)) * TREE_M)
    if dice.random() < 0.25 or not in_woods(at) or road_distance(at) < 7.5:
        return None
    kind = picking.tree_kind(dice, "cone", "cone", "round", "round", "poplar", "bush")
    tall = dice.uniform(1.2, 2.4) if kind == "bush" else dice.uniform(7, 15)
    return Tree(at, tall, kind, dice.getrandbits(30))


def waters_near(place: Point, radius_m: float) -> Content:
    """The river, the lake, the beach with its rocks, boats and people."""
    content = Content()
    for a, b in itertools.pairwise(RIVER):
        if min(distance(place, a), distance(place, b)) < radius_m + 500.0:
            across = bearing(a, b) + 90.0
            half = RIVER_M / 2
            bank = tuple(step(p, across, side) for p, side in ((a, -half), (a, half), (b, half), (b, -half)))
            content.patches.append(Patch("water", flat(bank), number(WORLD, "river", a)))
            content.patches.append(Patch("water", flat(ring(b, half, 12)), number(WORLD, "bend", b)))
    if distance(place, LAKE_CENTRE) < radius_m + 900.0:
        shore = tuple(step(p, bearing(LAKE_CENTRE, p), 7.0) for p in LAKE)
        content.patches.append(Patch("sand", flat(shore), number(WORLD, "shore")))
        content.patches.append(Patch("water", flat(LAKE), number(WORLD, "lake")))
        for k in range(5):
            dice = chance(WORLD, "lake boat", k)
            at = step(LAKE_CENTRE, dice.uniform(0, 360), dice.uniform(20, 200))
            content.things.append(Vehicle(at, dice.uniform(0, 360), "boat", dice.getrandbits(30)))
    first, last = math.floor((place[0] - radius_m) / 30.0), math.ceil((place[0] + radius_m) / 30.0)
    for k in range(first, last):
        if -2690.0 < k * 30.0 < 2720.0 and abs(place[1] - shore_north(k * 30.0)) < radius_m + 100.0:
            content.add(_beach(k))
    return content


@lru_cache(maxsize=400)
def _beach(k: int) -> Content:
    content, dice = Content(), chance(WORLD, "beach", k)
    west, east = k * 30.0, k * 30.0 + 30.0
    a, b = (west, shore_north(west)), (east, shore_north(east))

    def width(at: float) -> float:
        return BEACH_M + 9.0 * math.sin(at / 130.0)

    outline = (a, b, (east, b[1] + width(east)), (west, a[1] + width(west)))
    content.patches.append(Patch("sand", flat(outline), dice.getrandbits(30)))
    rocky = math.sin(k * 0.21 + 1.0) > 0.35
    for _ in range(dice.choice([2, 3, 4]) if rocky else dice.choice([0, 0, 1])):
        at = along(a, b, dice.random())
        content.things.append(Rock((at[0], at[1] + dice.uniform(-6, 22)), dice.uniform(0.8, 3.2), dice.getrandbits(30)))
    if dice.random() < 0.35:
        content.things.append(Person((west + 9.0, a[1] + dice.uniform(6, 30)), dice.getrandbits(30)))
    if dice.random() < 0.3:
        content.things.append(
            Vehicle((west, a[1] - dice.uniform(20, 160)), dice.uniform(0, 360), "boat", dice.getrandbits(30))
        )
    for _ in range(dice.choice([0, 1, 1, 2])):
        tall = dice.uniform(1.2, 4.0)
        content.things.append(
            Tree((west + dice.uniform(0, 30), a[1] + BEACH_M + dice.uniform(4, 24)), tall, "bush", dice.getrandbits(30))
        )
    return content


def roads_near(place: Point, radius_m: float) -> tuple[list[Street], Content]:
    """Stretches of country road with poles, trees, cars and the houses of the villages."""
    streets, content = [], Content()
    for number_, road in enumerate(ROADS):
        points = _winding(number_)
        near = [k for k, point in enumerate(points) if distance(point, place) < radius_m]
        if len(near) < 2:
            continue
        first, last = near[0], near[-1]
        streets.append(Street(points[first : last + 1], ROAD_M, 0.0, number(WORLD, "road", road[0])))
        for k in range(first, last):
            content.add(_roadside(number_, k))
    return streets, content


@lru_cache(maxsize=8)
def _winding(road: int) -> tuple[Point, ...]:
    return tuple(resample(ROADS[road], 26.0))


@lru_cache(maxsize=2000)
def _roadside(road: int, k: int) -> Content:
    content, dice = Content(), chance(WORLD, "roadside", road, k)
    a, b = _winding(road)[k : k + 2]
    course, middle = bearing(a, b), along(a, b, 0.5)
    village = min(distance(place, middle) for _, place in VILLAGES) < 230.0
    if road != 1:
        poles = tuple(step(p, course + 90.0, -6.0) for p in (a, b))
        content.things.append(PoleLine(poles, 7.5, 3))
    if dice.random() < 0.12:
        content.things.append(Vehicle(step(middle, course + 90.0, 1.6), course, "car", dice.getrandbits(30)))
    for side in (-1.0, 1.0):
        if village:
            _house(content, middle, course + 90.0 * side, chance(WORLD, "house", road, k, side).getrandbits(30))
        elif dice.random() < 0.16:
            at = step(middle, course + 90.0 * side, dice.uniform(8, 12))
            if not in_water(at, 4.0):
                kind = picking.tree_kind(dice, "round", "poplar", "cherry", "bush")
                content.things.append(Tree(at, dice.uniform(4, 9), kind, dice.getrandbits(30)))
        if dice.random() < 0.1:
            edge = (step(a, course + 90.0 * side, 5.0), step(b, course + 90.0 * side, 5.0))
            content.things.append(Fence(edge, 1.1, "wood", dice.getrandbits(30)))
    return content


def _house(content: Content, middle: Point, across: float, seed: int) -> None:
    dice = chance(WORLD, "village", seed)
    at = step(middle, across, 15.0)
    if dice.random() < 0.22 or in_water(at, 14.0) or road_distance(at) < 13.0:
        return
    signs = (Sign("latin", 0.5, 2.5, 0.7, False, seed),) if dice.random() < 0.1 else ()
    kind = picking.building_kind(dice, house=0.75, hut=0.15, warehouse=0.1)
    material = picking.material(dice, "plaster", "wood", "brick", "plaster")
    size = (dice.uniform(9, 14), dice.uniform(8, 10), dice.uniform(4.5, 6.5))
    content.things.append(Building(kind, at, across + 180.0, *size, material, seed, signs))
    if dice.random() < 0.5:
        garden = step(step(middle, across, 7.5), across + 90.0, dice.uniform(-8, 8))
        content.things.append(
            Tree(garden, dice.uniform(2, 6), picking.tree_kind(dice, "bush", "cherry", "round"), seed)
        )
    if dice.random() < 0.35:
        left, right = (step(step(middle, across, 6.0), across + 90.0, side) for side in (-9.0, 9.0))
        content.things.append(Fence((left, right), 1.1, "wood", seed))


def river_distance(point: Point) -> float:
    """Metres to the middle of the river."""
    return line_distance(RIVER, point)
