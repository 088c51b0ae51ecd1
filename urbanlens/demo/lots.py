"""What stands on a city's lots. All of it follows from the world's seed and the lot, never from the camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from random import Random

from urbanlens.demo import picking
from urbanlens.demo.geography import WORLD
from urbanlens.demo.geometry import along, bearing, distance, flat, step
from urbanlens.demo.hashing import chance, number
from urbanlens.demo.scene import (
    Building,
    BuildingKind,
    Fence,
    Heap,
    Patch,
    Person,
    Point,
    Script,
    Sign,
    Surface,
    Thing,
    Tree,
)
from urbanlens.demo.streets import Block, grid

STRIP_M = 3.4
"""Depth of the strip between sidewalk and buildings: paved, planted, fenced or bare."""


@dataclass(frozen=True)
class Cues:
    """Planted rates of one city: chance a lot (signs, towers, vacant lots) or an edge of a block (fence, verge)."""

    kanji: Mapping[str, float]
    latin: Mapping[str, float]
    fence: float
    tower: Mapping[str, float]
    earth: float
    verge: float


LATIN = {"centre": 0.22, "industrial": 0.15, "waterfront": 0.18, "residential": 0.1}
CUES: dict[str, Cues] = {
    "Hanamori": Cues(
        kanji={"centre": 0.86, "industrial": 0.72, "waterfront": 0.76, "residential": 0.68},
        latin=LATIN,
        fence=0.76,
        tower={"centre": 0.004, "industrial": 0.0, "waterfront": 0.0, "residential": 0.0},
        earth=0.002,
        verge=0.004,
    ),
    "Steelport": Cues(
        kanji={"centre": 0.004, "industrial": 0.002, "waterfront": 0.002, "residential": 0.002},
        latin=LATIN,
        fence=0.012,
        tower={"centre": 0.22, "industrial": 0.07, "waterfront": 0.12, "residential": 0.065},
        earth=0.16,
        verge=0.8,
    ),
}


@dataclass
class Content:
    """Patches and things of one part of the world."""

    patches: list[Patch] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)

    def add(self, other: Content) -> None:
        """Take everything from another part."""
        self.patches.extend(other.patches)
        self.things.extend(other.things)


@dataclass(frozen=True)
class Lot:
    """A piece of a block's edge: middle of its front, the bearing it looks to, its size."""

    block: Block
    edge: int
    index: int
    front: Point
    facing: float
    width_m: float
    depth_m: float

    @property
    def dice(self) -> Random:
        """This lot's own chances."""
        return chance(WORLD, self.block.name, self.edge, self.index)


@lru_cache(maxsize=4096)
def lots_of(block: Block) -> tuple[Lot, ...]:
    """The block's lots along its four edges; those of the short edges leave the corners free."""
    if block.use != "lots":
        return ()
    depth = min(distance(block.inner[0], block.inner[3]), distance(block.inner[0], block.inner[1])) * 0.34
    depth = min(depth, 22.0)
    frontage = {"industrial": 26.0, "centre": 16.0, "waterfront": 19.0}.get(block.kind, 14.0)
    lots = []
    for edge in range(4):
        start, end = block.inner[edge], block.inner[(edge + 1) % 4]
        if edge % 2:
            length = distance(start, end)
            start, end = along(start, end, depth / length), along(end, start, depth / length)
        length = distance(start, end)
        count = max(1, round(length / frontage))
        facing = (bearing(start, end) + 90.0) % 360.0
        for k in range(count):
            front = along(start, end, (k + 0.5) / count)
            lots.append(Lot(block, edge, k, front, facing, length / count, depth))
    return tuple(lots)


def has_tower(lot: Lot) -> bool:
    """Whether a skyscraper stands on the lot."""
    return (
        chance(WORLD, lot.block.name, lot.edge, lot.index, "tower").random()
        < CUES[lot.block.city].tower[lot.block.kind]
    )


def is_vacant(lot: Lot) -> bool:
    """Whether the lot is empty: bare earth, or grass where the city has no bare earth."""
    return chance(WORLD, lot.block.name, lot.edge, lot.index, "vacant").random() < 0.14


@cache
def towers(city: str) -> tuple[Building, ...]:
    """All skyscrapers of a city, for its skyline."""
    return tuple(tower(lot) for block in grid(city).blocks for lot in lots_of(block) if has_tower(lot))


def tower(lot: Lot) -> Building:
    """The skyscraper on a lot."""
    dice = chance(WORLD, lot.block.name, lot.edge, lot.index, "tower shape")
    tall = dice.uniform(75, 190) if lot.block.kind == "centre" else dice.uniform(58, 125)
    depth = min(lot.depth_m - STRIP_M, 26.0)
    width = min(max(lot.width_m - 1.0, 14.0), 30.0)
    centre = step(lot.front, lot.facing, -(STRIP_M + depth / 2))
    material = picking.material(dice, "glass", "glass", "metal", "concrete")
    return Building("skyscraper", centre, lot.facing, width, depth, tall, material, dice.getrandbits(30))


def _signs(lot: Lot, height_m: float, dice: Random) -> tuple[Sign, ...]:
    cues = CUES[lot.block.city]
    kind = lot.block.kind
    scripts: list[Script] = []
    if dice.random() < cues.kanji[kind]:
        scripts += ["kanji"] * dice.choice([1, 2, 2, 3])
    if dice.random() < cues.latin[kind]:
        scripts += ["latin"] * dice.choice([1, 1, 2])
    signs = []
    for k, script in enumerate(scripts):
        upright = dice.random() < (0.55 if script == "kanji" else 0.25)
        letter = dice.uniform(1.0, 1.7) if upright else dice.uniform(0.9, 1.5)
        low = dice.uniform(2.6, 3.4) if height_m > 5.5 else 2.3
        place = (k + dice.uniform(0.3, 0.7)) / len(scripts)
        signs.append(Sign(script, min(max(place, 0.1), 0.9), low, letter, upright, dice.getrandbits(30)))
    return tuple(signs)


def _building(lot: Lot, dice: Random) -> tuple[Building, float]:
    kind = lot.block.kind
    setback = STRIP_M + (dice.uniform(1.0, 3.0) if kind == "residential" else 0.0)
    what: BuildingKind
    if kind == "industrial":
        what, height, gap = picking.building_kind(dice, warehouse=2, block=1), dice.uniform(6.5, 11.0), 3.0
        material = picking.material(dice, "metal", "brick", "concrete", "metal")
    elif kind == "residential":
        what = picking.building_kind(dice, house=0.6, block=0.34, hut=0.03, temple=0.03)
        height, gap = (dice.uniform(8.0, 13.0) if what == "block" else dice.uniform(5.0, 7.5)), 2.4
        material = picking.material(dice, "plaster", "wood", "brick", "plaster")
    elif kind == "centre":
        what, height, gap = "block", dice.uniform(10.0, 21.0), 0.3
        material = picking.material(dice, "plaster", "concrete", "brick", "glass", "plaster")
    else:
        what, height, gap = picking.building_kind(dice, block=2, warehouse=1, house=1), dice.uniform(6.0, 13.0), 1.2
        material = picking.material(dice, "brick", "plaster", "wood", "concrete")
    depth = min(lot.depth_m - setback - 1.0, 15.0)
    centre = step(lot.front, lot.facing, -(setback + depth / 2))
    signs = _signs(lot, height, dice)
    seed = dice.getrandbits(30)
    width = lot.width_m - gap
    return Building(what, centre, lot.facing, width, depth, height, material, seed, signs), setback


def lot_content(lot: Lot) -> Content:
    """Everything on a lot, and on the strip before it."""
    content, dice = Content(), lot.dice
    if has_tower(lot):
        content.things.append(tower(lot))
    elif is_vacant(lot):
        _vacant(lot, content, dice)
    else:
        building, setback = _building(lot, dice)
        content.things.append(building)
        if setback > STRIP_M + 1.6 and dice.random() < 0.4:
            at = step(step(lot.front, lot.facing, -2.4), lot.facing + 90.0, lot.width_m * dice.uniform(-0.4, 0.4))
            content.things.append(
                Tree(
                    at, dice.uniform(2.2, 5.0), picking.tree_kind(dice, "bush", "round", "cherry"), dice.getrandbits(30)
                )
            )
    if dice.random() < 0.25:
        at = step(step(lot.front, lot.facing, 1.6), lot.facing + 90.0, lot.width_m * dice.uniform(-0.4, 0.4))
        content.things.append(Person(at, dice.getrandbits(30)))
    return content


def _vacant(lot: Lot, content: Content, dice: Random) -> None:
    bare = dice.random() < min(1.0, CUES[lot.block.city].earth * 8)
    half = lot.width_m / 2
    corners = [
        step(step(lot.front, lot.facing + 90.0, side * half), lot.facing, ahead)
        for side, ahead in ((-1, 0.0), (1, 0.0), (1, -lot.depth_m), (-1, -lot.depth_m))
    ]
    content.patches.append(Patch("earth" if bare else "grass", flat(corners), dice.getrandbits(30)))
    for _ in range(dice.choice([2, 3]) if bare else 0):
        at = step(step(lot.front, lot.facing + 90.0, dice.uniform(-0.4, 0.4) * lot.width_m), lot.facing, -6.0)
        content.things.append(Heap(at, dice.uniform(3.0, 5.0), dice.getrandbits(30)))
    if not bare:
        for _ in range(2):
            at = step(step(lot.front, lot.facing + 90.0, dice.uniform(-0.4, 0.4) * lot.width_m), lot.facing, -8.0)
            content.things.append(
                Tree(at, dice.uniform(4, 8), picking.tree_kind(dice, "round", "cherry"), dice.getrandbits(30))
            )


def edge_content(block: Block, edge: int) -> Content:
    """The strip along one edge of a block: its ground, and its fences with a gap at each entry."""
    content = Content()
    cues, dice = CUES[block.city], chance(WORLD, block.name, edge, "strip")
    start, end = block.inner[edge], block.inner[(edge + 1) % 4]
    inwards = bearing(start, end) - 90.0
    bare = dice.random() < cues.verge
    surface: Surface = "earth" if bare else picking.surface(dice, grass=1, sidewalk=2)
    strip = (start, end, step(end, inwards, STRIP_M), step(start, inwards, STRIP_M))
    content.patches.append(Patch(surface, flat(strip), dice.getrandbits(30)))
    if bare:
        for _ in range(dice.choice([1, 2, 3])):
            at = step(along(start, end, dice.uniform(0.1, 0.9)), inwards, 1.4)
            content.things.append(Heap(at, dice.uniform(1.6, 2.8), dice.getrandbits(30)))
    if dice.random() < cues.fence:
        _fences(content, block, start, end, inwards, dice)
    return content


def _fences(content: Content, block: Block, start: Point, end: Point, inwards: float, dice: Random) -> None:
    kind = picking.fence_kind(dice, "bamboo", "bamboo", "bamboo", "wood", "wood")
    tall = dice.uniform(0.9, 1.2) if block.kind == "centre" else dice.uniform(1.2, 1.9)
    length = distance(start, end)
    pieces = max(1, round(length / 11.0))
    for k in range(pieces):
        if dice.random() < 0.14:
            continue
        a, b = along(start, end, (k + 0.06) / pieces), along(start, end, (k + 0.94) / pieces)
        line = (step(a, inwards, 0.4), step(b, inwards, 0.4))
        content.things.append(Fence(line, tall, kind, dice.getrandbits(30)))


def block_ground(block: Block) -> Patch:
    """The ground inside a block's sidewalks."""
    surface: Surface = "grass" if block.use == "park" or block.kind == "residential" else "sidewalk"
    return Patch(surface, flat(block.inner), number(WORLD, block.name, "ground"))
