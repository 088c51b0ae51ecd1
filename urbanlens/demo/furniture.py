"""What lines the cities' streets: trees, lamps, poles with wires, cars and people."""

from __future__ import annotations

from functools import lru_cache

from urbanlens.demo import picking
from urbanlens.demo.geography import WORLD
from urbanlens.demo.geometry import along, bearing, distance, step
from urbanlens.demo.greens import banner
from urbanlens.demo.hashing import chance
from urbanlens.demo.lots import Content
from urbanlens.demo.scene import Lamp, Person, Point, PoleLine, Tree, Vehicle
from urbanlens.demo.streets import centre_lines, sidewalk_of

BANNERS = {"Hanamori": 0.72, "Steelport": 0.004}
"""Chance that a stretch of street has boards with kanji on its sidewalks."""


@lru_cache(maxsize=4000)
def stretch_content(city: str, line: int, piece: int) -> Content:
    """The furniture of one stretch of street between two nodes."""
    points, width, called = centre_lines(city)[line]
    content, dice = Content(), chance(WORLD, city, called, piece)
    avenue = chance(WORLD, city, called, "trees")
    planted = avenue.random() < 0.45
    kind = picking.tree_kind(avenue, "round", "cherry", "poplar", "round")
    wired = not planted and avenue.random() < 0.5
    a, b = points[piece], points[piece + 1]
    course, length = bearing(a, b), distance(a, b)
    kerb = width / 2 + 0.9
    banners = dice.random() < BANNERS[city]
    for side in (-1.0, 1.0):
        spots = max(2, int((length - 24) / 13.0))
        for k in range(spots):
            at = step(along(a, b, (13 + (length - 26) * (k + 0.5) / spots) / length), course + 90.0 * side, kerb)
            if planted and dice.random() < 0.7:
                content.things.append(Tree(at, dice.uniform(3.8, 6.5), kind, dice.getrandbits(30)))
            elif banners and dice.random() < 0.34:
                content.things.append(banner(at, course + dice.choice([0.0, 180.0]) + dice.uniform(-30, 30), dice))
            elif (k + (side > 0)) % 3 == 0:
                content.things.append(Lamp(at, course - 90.0 * side))
        _traffic(content, (a, b), side, width, chance(WORLD, city, called, piece, side).getrandbits(30))
    if wired:
        poles: tuple[Point, ...] = tuple(
            step(along(a, b, share), course + 90.0, kerb + 0.3) for share in (0.12, 0.38, 0.64, 0.9)
        )
        content.things.append(PoleLine(poles, 8.0, 4))
    return content


def _traffic(content: Content, ends: tuple[Point, Point], side: float, width: float, seed: int) -> None:
    dice = chance(WORLD, "traffic", seed)
    (a, b), course, length = ends, bearing(*ends), distance(*ends)
    for _ in range(dice.choice([0, 1, 1, 2, 2, 3])):
        parked = dice.random() < 0.5 and width > 7.5
        aside = (width / 2 - 1.2) if parked else width / 4
        at = step(along(a, b, dice.uniform(14, length - 14) / length), course + 90.0 * side, aside)
        kind = picking.vehicle_kind(dice, car=0.78, van=0.17, bus=0.05 if width > 11 else 0.0)
        content.things.append(Vehicle(at, course + (180.0 if side < 0 else 0.0), kind, dice.getrandbits(30)))
    for _ in range(dice.choice([0, 1, 2, 3])):
        aside = width / 2 + dice.uniform(0.9, sidewalk_of(width) - 0.5)
        at = step(along(a, b, dice.random()), course + 90.0 * side, aside)
        content.things.append(Person(at, dice.getrandbits(30)))


def furniture_near(city: str, place: Point, radius_m: float) -> Content:
    """The furniture of all stretches whose middle is within a radius."""
    content = Content()
    for line, (points, _, _) in enumerate(centre_lines(city)):
        for piece in range(len(points) - 1):
            if distance(along(points[piece], points[piece + 1], 0.5), place) < radius_m:
                content.add(stretch_content(city, line, piece))
    return content
