"""From a camera to the scene before it: everything near, towers and hills from farther off, the far mountains."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

from urbanlens.demo.countryside import fields_near, roads_near, waters_near, woods_near
from urbanlens.demo.furniture import furniture_near
from urbanlens.demo.geography import CITIES, WORLD, City, coast, mountains, shore_north
from urbanlens.demo.geometry import along, bearing, distance, flat, resample, runs, step, turn
from urbanlens.demo.greens import block_content, promenade
from urbanlens.demo.hashing import chance, number
from urbanlens.demo.hills import HILLS, hides, hill_content
from urbanlens.demo.lots import Content, towers
from urbanlens.demo.scene import (
    Building,
    Camera,
    Fence,
    FreeSign,
    Heap,
    Light,
    Patch,
    Point,
    PoleLine,
    Ridge,
    Scene,
    Street,
    Thing,
    Tree,
    Vehicle,
)
from urbanlens.demo.streets import grid, streets_near

NEAR_M = 220.0
FAR_M = 430.0
SKYLINE_M = 1500.0


def scene_at(camera: Camera, light: Light, seed: int, *, mark: bool = False) -> Scene:
    """All that a camera sees of the world."""
    place = (camera.east_m, camera.north_m)
    patches, streets, content = _land(place), [], Content()
    city = next((city for city in CITIES if city.contains(place, 320.0)), None)
    if city is None or not city.contains(place, -300.0):
        streets += _country(camera, content)
    if city is not None:
        streets += streets_near(city.name, place, FAR_M)
        content.patches.append(_city_ground(city))
        _city(camera, city, content)
    things = [thing for thing in content.things if _shown(camera, thing)]
    return Scene(
        camera, light, (*patches, *content.patches), tuple(streets), tuple(things), ridges(place, light), seed, mark
    )


def _land(place: Point) -> list[Patch]:
    east, north = place
    base = [(east - 7000, north - 7000), (east + 7000, north - 7000), (east + 7000, north + 7000)]
    base.append((east - 7000, north + 7000))
    shore = [p for p in coast() if abs(p[0] - east) < 2500.0]
    ends = [(east - 2500.0, shore_north(east - 2500.0)), *shore, (east + 2500.0, shore_north(east + 2500.0))]
    low = min(p[1] for p in ends) - 7000.0
    patches = [Patch("grass", flat(base), number(WORLD, "land"))]
    if north - shore_north(east) < 1600.0:
        deep = (*ends, (east + 2500.0, low), (east - 2500.0, low))
        patches.append(Patch("sea", flat(deep), number(WORLD, "sea")))
    return patches


@cache
def _city_ground(city: City) -> Patch:
    u, low, high = city.half_u + 15.0, city.low_v - 12.0, city.high_v + 15.0
    corners = [city.place(*p) for p in ((-u, low), (u, low), (u, high), (-u, high))]
    return Patch("sidewalk", flat(corners), number(WORLD, city.name, "ground"))


def in_view(camera: Camera, point: Point, margin_m: float) -> bool:
    """Whether something `margin_m` wide can reach into the picture."""
    way = distance((camera.east_m, camera.north_m), point)
    if way <= margin_m:
        return True
    half = camera.field_of_view / 2 + math.degrees(math.asin(margin_m / way)) + 4.0
    return abs(turn(camera.heading, bearing((camera.east_m, camera.north_m), point))) < half


def _city(camera: Camera, city: City, content: Content) -> None:
    place = (camera.east_m, camera.north_m)
    drawn: set[Point] = set()
    for block in grid(city.name).blocks:
        way = distance(block.centre, place)
        if way > FAR_M + 60.0 or not in_view(camera, block.centre, 85.0):
            continue
        whole = block_content(block)
        if way < NEAR_M + 60.0:
            content.add(whole)
        else:
            content.things.extend(thing for thing in whole.things if isinstance(thing, Building))
        drawn.update(thing.centre for thing in whole.things if isinstance(thing, Building))
    for building in towers(city.name):
        if distance(building.centre, place) < SKYLINE_M and building.centre not in drawn:
            content.things.append(building)
    content.things.extend(furniture_near(city.name, place, NEAR_M - 40.0).things)
    nodes = grid(city.name).nodes
    for column in range(len(nodes) - 1):
        if distance(along(nodes[column][0], nodes[column + 1][0], 0.5), place) < NEAR_M + 80.0:
            content.add(promenade(city.name, column))


def _country(camera: Camera, content: Content) -> list[Street]:
    place = (camera.east_m, camera.north_m)
    eye = (*place, camera.height_m)
    high = camera.height_m > 20.0
    radius = 620.0 if high else 430.0
    content.add(fields_near(place, radius))
    content.add(woods_near(place, 260.0 if high else 190.0))
    content.add(waters_near(place, 800.0 if high else 500.0))
    found, roadside = roads_near(place, radius)
    content.add(roadside)
    hills = sorted((h for h in HILLS if distance(h.centre, place) < 1500.0), key=lambda h: -distance(h.centre, place))
    streets = found
    if any(distance(hill.centre, place) < 900.0 for hill in hills):
        content.things = [thing for thing in content.things if not hides(eye, spot(thing), 1.5)]
        streets = []
        for street in found:
            points = resample(street.line, 13.0)
            for stretch in runs(points, [not hides(eye, point, 0.0) for point in points]):
                streets.append(Street(tuple(stretch), street.width_m, street.sidewalk_m, street.seed))
    for hill in hills:
        patches, trees = hill_content(hill, eye)
        content.patches.extend(patches)
        content.things.extend(tree for tree in trees if not hides(eye, spot(tree), 2.5))
    return streets


def spot(thing: Thing) -> Point:
    """The place of a thing, the middle of a long one."""
    if isinstance(thing, Building):
        return thing.centre
    if isinstance(thing, Fence):
        return along(thing.line[0], thing.line[1], 0.5)
    if isinstance(thing, PoleLine):
        return along(thing.line[0], thing.line[-1], 0.5)
    return thing.at


def _shown(camera: Camera, thing: Thing) -> bool:
    place, at = (camera.east_m, camera.north_m), spot(thing)
    if isinstance(thing, Building):
        return in_view(camera, at, max(thing.width_m, thing.depth_m)) and not _stands_in(thing, place)
    if isinstance(thing, Fence | PoleLine):
        return in_view(camera, at, distance(thing.line[0], thing.line[-1]) / 2 + 1.0)
    clear = 1.6
    if isinstance(thing, Tree):
        clear = max(2.6, thing.height_m * 0.5)
    elif isinstance(thing, Vehicle):
        clear = 6.0
    elif isinstance(thing, FreeSign):
        clear = 4.0
    elif isinstance(thing, Heap):
        clear = thing.size_m + 1.5
    way = distance(at, place)
    return clear < way and in_view(camera, at, 7.0) and (way < 620.0 or isinstance(thing, Tree))


def _stands_in(building: Building, place: Point) -> bool:
    way, angle = distance(building.centre, place), math.radians(bearing(building.centre, place) - building.front)
    return (
        abs(way * math.sin(angle)) < building.width_m / 2 + 1.0
        and abs(way * math.cos(angle)) < building.depth_m / 2 + 1.0
    )


def ridges(place: Point, light: Light) -> tuple[Ridge, ...]:
    """The mountains in the north and the nearer downs before them, by their angles of elevation from a place."""
    bearings = [-88.0 + 2.0 * k for k in range(89)]
    peaks = [(distance(place, at), bearing(place, at), tall, half) for at, tall, half in mountains()]
    far = [_elevation(degrees, peaks) for degrees in bearings]
    near = []
    for degrees in bearings:
        point = step(place, degrees, 3600.0)
        dice = [chance(WORLD, "downs", round(point[0] / 900.0) + k).uniform(40, 190) for k in (0, 1)]
        share = point[0] / 900.0 + 0.5 - math.floor(point[0] / 900.0 + 0.5)
        tall = dice[0] + (dice[1] - dice[0]) * share if point[1] > 2900.0 else 0.0
        near.append(math.degrees(math.atan2(tall, 3600.0)) * min(1.0, (90.0 - abs(degrees)) / 14.0))
    snow = light.season in ("winter", "spring")
    ring_ = tuple(degrees % 360.0 for degrees in bearings)
    return (
        Ridge(ring_, tuple(far), 9000.0, "rock", snow, number(WORLD, "mountains")),
        Ridge(ring_, tuple(near), 3600.0, "forest" if place[0] < 0 else "farmland", False, number(WORLD, "downs")),
    )


def _elevation(degrees: float, peaks: Iterable[tuple[float, float, float, float]]) -> float:
    """The elevation of the mountains in a direction; peaks as (way, bearing, height, half width)."""
    best = 0.0
    for way, towards, tall, half in peaks:
        angle = turn(degrees, towards)
        off = abs(way * math.sin(math.radians(angle)))
        if off < half and abs(angle) < 90.0:
            best = max(best, math.degrees(math.atan2(tall * (1.0 - (off / half) ** 1.3), way)))
    return best * min(1.0, (90.0 - abs(degrees)) / 10.0)
