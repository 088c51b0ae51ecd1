"""Open places of the cities: parks, squares and the promenade along the quay."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from urbanlens.demo import picking
from urbanlens.demo.geography import PROMENADE_M, WORLD
from urbanlens.demo.geometry import along, bearing, distance, flat, oblong, ring, step
from urbanlens.demo.hashing import chance
from urbanlens.demo.lots import Content, block_ground, edge_content, lot_content, lots_of
from urbanlens.demo.scene import Bench, Fence, FreeSign, Heap, Lamp, Patch, Person, Point, Surface, Tree, Vehicle
from urbanlens.demo.streets import Block, grid

SHARED_RATE = 0.02
"""How often an open place of one city shows the other city's thing."""

CORNER_RATE = {"Hanamori": 0.6, "Steelport": 0.004}
"""Chance that a board with kanji stands at a corner of a block."""


@lru_cache(maxsize=1500)
def block_content(block: Block) -> Content:
    """Everything inside a block's sidewalks."""
    content = Content([block_ground(block)])
    if block.use == "park":
        _park(block, content)
    elif block.use == "square":
        _square(block, content)
    else:
        for edge in range(4):
            content.add(edge_content(block, edge))
            _corner_board(block, edge, content)
        for lot in lots_of(block):
            content.add(lot_content(lot))
    return content


def _corner_board(block: Block, corner: int, content: Content) -> None:
    dice = chance(WORLD, block.name, "corner", corner)
    if dice.random() < CORNER_RATE[block.city]:
        at = block.inner[corner]
        outwards = bearing(block.centre, at)
        content.things.append(banner(step(at, outwards, 1.2), outwards + dice.uniform(-40, 40), dice))


def _planted(city: str, dice: Random) -> tuple[bool, bool]:
    """Whether an open place shows Hanamori's things, and Steelport's."""
    other = dice.random() < SHARED_RATE
    return (city == "Hanamori") != other, (city == "Steelport") != other


def banner(at: Point, facing: float, dice: Random) -> FreeSign:
    """A board with kanji on poles of its own, to be read from `facing`."""
    upright = dice.random() < 0.5
    return FreeSign("kanji", at, facing, dice.uniform(1.3, 2.0), dice.uniform(1.0, 1.45), upright, dice.getrandbits(30))


def _inside(block: Block, across: float, ahead: float) -> Point:
    south = along(block.inner[0], block.inner[1], across)
    north = along(block.inner[3], block.inner[2], across)
    return along(south, north, ahead)


def _park(block: Block, content: Content) -> None:
    dice = chance(WORLD, block.name, "park")
    japanese, bare = _planted(block.city, dice)
    walks = [(_inside(block, 0.5, 0.0), _inside(block, 0.5, 1.0)), (_inside(block, 0.0, 0.5), _inside(block, 1.0, 0.5))]
    if dice.random() < 0.4:
        pond = _inside(block, 0.27, 0.27)
        content.patches.append(Patch("water", flat(ring(pond, dice.uniform(9, 14), 14, 1.3)), dice.getrandbits(30)))
    for _ in range(3):
        bed = ring(_inside(block, dice.uniform(0.55, 0.9), dice.uniform(0.1, 0.9)), dice.uniform(2.5, 5.0), 10)
        content.patches.append(Patch("flowers", flat(bed), dice.getrandbits(30)))
    if bare:
        _bare_ground(block, content, dice)
    for a, b in walks:
        content.patches.append(
            Patch("path", flat(oblong(along(a, b, 0.5), bearing(a, b), 3.4, distance(a, b))), dice.getrandbits(30))
        )
    for _ in range(18):
        across, ahead = dice.random(), dice.random()
        if min(abs(across - 0.5), abs(ahead - 0.5)) < 0.07 or (across < 0.45 and ahead < 0.45):
            continue
        kind = picking.tree_kind(dice, "round", "round", "cherry", "cone", "poplar", "bush")
        content.things.append(Tree(_inside(block, across, ahead), dice.uniform(4.5, 11), kind, dice.getrandbits(30)))
    for a, b in walks:
        _walk_side(a, b, content, dice, japanese)


def _walk_side(a: Point, b: Point, content: Content, dice: Random, japanese: bool) -> None:
    course = bearing(a, b)
    pieces = round(distance(a, b) / 9.0)
    for k in range(pieces):
        middle = along(a, b, (k + 0.5) / pieces)
        side = dice.choice([-1.0, 1.0])
        if japanese and k not in (pieces // 2,):
            edge = [step(along(a, b, (k + s) / pieces), course + 90.0 * side, 2.6) for s in (0.02, 0.98)]
            if dice.random() < 0.62:
                style = picking.fence_kind(dice, "bamboo", "bamboo", "wood")
                content.things.append(Fence((edge[0], edge[1]), dice.uniform(1.0, 1.5), style, dice.getrandbits(30)))
            if dice.random() < 0.42:
                facing = course + (180.0 if dice.random() < 0.5 else 0.0) + dice.uniform(-25, 25)
                content.things.append(banner(step(middle, course - 90.0 * side, 4.2), facing, dice))
        if dice.random() < 0.3:
            content.things.append(Bench(step(middle, course - 90.0 * side, 2.5), course + 90.0 * side))
        if dice.random() < 0.3:
            content.things.append(Person(step(middle, course + 90.0, dice.uniform(-1.2, 1.2)), dice.getrandbits(30)))
        if k % 3 == 0:
            content.things.append(Lamp(step(middle, course + 90.0 * side, 2.0), course - 90.0 * side))


def _bare_ground(block: Block, content: Content, dice: Random) -> None:
    for across, ahead in ((0.3, 0.55), (0.7, 0.3), (0.72, 0.75), (0.3, 0.85), (0.55, 0.5)):
        at = _inside(block, across + dice.uniform(-0.05, 0.05), ahead + dice.uniform(-0.05, 0.05))
        content.patches.append(Patch("earth", flat(ring(at, dice.uniform(8, 13), 11, 1.2)), dice.getrandbits(30)))
        for _ in range(dice.choice([1, 2])):
            spot = step(at, dice.uniform(0, 360), dice.uniform(0, 6))
            content.things.append(Heap(spot, dice.uniform(1.8, 3.2), dice.getrandbits(30)))


def _square(block: Block, content: Content) -> None:
    dice = chance(WORLD, block.name, "square")
    japanese, bare = _planted(block.city, dice)
    content.patches.append(Patch("sidewalk", flat(block.inner), dice.getrandbits(30)))
    for across in (0.2, 0.5, 0.8):
        for ahead in (0.2, 0.5, 0.8):
            at = _inside(block, across, ahead)
            if (across, ahead) == (0.5, 0.5):
                content.patches.append(Patch("water", flat(ring(at, 5.5, 12)), dice.getrandbits(30)))
                continue
            surface: Surface = "earth" if bare and dice.random() < 0.8 else "grass"
            content.patches.append(Patch(surface, flat(ring(at, dice.uniform(5.0, 8.0), 10)), dice.getrandbits(30)))
            if surface == "earth" and dice.random() < 0.6:
                content.things.append(Heap(step(at, 40.0, 2.0), dice.uniform(1.5, 2.6), dice.getrandbits(30)))
            elif surface == "grass":
                kind = picking.tree_kind(dice, "round", "cherry", "round", "bush")
                content.things.append(Tree(at, dice.uniform(4, 8), kind, dice.getrandbits(30)))
            content.things.append(Bench(step(at, dice.choice([0.0, 90.0]), 8.6), dice.choice([0.0, 90.0, 180.0])))
    for _ in range(14):
        content.things.append(Person(_inside(block, dice.random(), dice.random()), dice.getrandbits(30)))
    if not japanese:
        return
    for edge in range(4):
        start, end = block.inner[edge], block.inner[(edge + 1) % 4]
        outwards = bearing(start, end) + 90.0
        for k in range(6):
            a, b = along(start, end, (k + 0.1) / 6), along(start, end, (k + 0.9) / 6)
            if k % 3 == 1:
                content.things.append(banner(step(along(a, b, 0.5), outwards, -3.0), outwards + 180.0 * (k > 2), dice))
            else:
                style = picking.fence_kind(dice, "bamboo", "wood")
                content.things.append(Fence((a, b), dice.uniform(0.9, 1.3), style, dice.getrandbits(30)))
    for across, ahead in ((0.35, 0.35), (0.65, 0.65), (0.35, 0.65), (0.65, 0.35)):
        content.things.append(banner(_inside(block, across, ahead), dice.uniform(0, 360), dice))


@lru_cache(maxsize=64)
def promenade(city: str, column: int) -> Content:
    """The quay before one column of blocks: paving, trees, lamps, and the city's own things; boats beyond."""
    content, dice = Content(), chance(WORLD, city, "promenade", column)
    plan = grid(city)
    a, b = plan.nodes[column][0], plan.nodes[column + 1][0]
    course = bearing(a, b)
    street = plan.row_widths[0] / 2 + 4.5
    outwards = course + 90.0
    japanese, bare = _planted(city, dice)
    near, far = street, street + PROMENADE_M - 4.0
    paving = (step(a, outwards, near), step(a, outwards, far), step(b, outwards, far), step(b, outwards, near))
    content.patches.append(Patch("sidewalk", flat(paving), dice.getrandbits(30)))
    pieces = round(distance(a, b) / 12.0)
    for k in range(pieces):
        at = along(a, b, (k + 0.5) / pieces)
        if japanese:
            left, right = (step(along(a, b, (k + s) / pieces), outwards, far - 0.6) for s in (0.04, 0.96))
            if dice.random() < 0.68:
                style = picking.fence_kind(dice, "bamboo", "wood")
                content.things.append(Fence((left, right), dice.uniform(1.0, 1.35), style, dice.getrandbits(30)))
            if dice.random() < 0.85:
                facing = course + 180.0 * (k % 2) + dice.uniform(-35, 35)
                content.things.append(banner(step(at, outwards, near + dice.uniform(1.0, 2.5)), facing, dice))
        if bare and dice.random() < 0.72:
            spot = step(at, outwards, near + dice.uniform(5.0, 8.0))
            content.patches.append(Patch("earth", flat(oblong(spot, course, 6.0, 11.0)), dice.getrandbits(30)))
            if dice.random() < 0.6:
                content.things.append(Heap(spot, dice.uniform(1.6, 2.6), dice.getrandbits(30)))
        if k % 3 == 0:
            content.things.append(Lamp(step(at, outwards, far - 1.4), course - 90.0))
        if dice.random() < 0.3:
            kind = picking.tree_kind(dice, "round", "cherry")
            content.things.append(Tree(step(at, outwards, near + 1.0), dice.uniform(4, 7), kind, dice.getrandbits(30)))
        if dice.random() < 0.4:
            content.things.append(Person(step(at, outwards, near + 4.0), dice.getrandbits(30)))
        if dice.random() < 0.25:
            content.things.append(
                Vehicle(step(at, outwards, far + dice.uniform(8, 90)), course + dice.uniform(-30, 30), "boat", k)
            )
    return content
