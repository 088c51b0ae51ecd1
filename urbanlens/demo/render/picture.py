"""A whole picture, in order: sky, ranges, ground, shadows, things far to near, haze."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import atan2, cos, degrees, radians, sin, tan

import numpy as np
from numpy.typing import NDArray

from urbanlens.demo.render.buildings import corners, draw_building
from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.finish import finished, put_mark
from urbanlens.demo.render.ground import draw_ground, pool, ring, shade
from urbanlens.demo.render.nature import draw_heap, draw_rock, draw_tree
from urbanlens.demo.render.order import Item, painted, unhidden, visible
from urbanlens.demo.render.palette import TONES
from urbanlens.demo.render.signs import draw_free_sign
from urbanlens.demo.render.sky import draw_ridges, draw_sky
from urbanlens.demo.render.street import draw_bench, draw_fence, draw_lamp, draw_person, draw_pole, draw_wires
from urbanlens.demo.render.vehicles import SHAPES, draw_vehicle
from urbanlens.demo.scene import (
    Bench,
    Building,
    Fence,
    FreeSign,
    Heap,
    Lamp,
    Light,
    Person,
    Point,
    PoleLine,
    Rock,
    Scene,
    Thing,
    Tree,
    Vehicle,
)
from urbanlens.errors import UrbanLensError

_SHADOWS_TO_M = 140.0
_TREES_FROM_M = 1.2


@dataclass(frozen=True)
class Picture:
    """A rendered picture and what each pixel shows.

    Attributes
    ----------
    rgb
        (S, S, 3) uint8.
    objects
        (S, S) uint8, ADE20K ids as in `OBJECT_NAMES`; 0 unlabelled (the planted mark).
    materials
        (S, S) uint8, indices into `MATERIALS`.
    """

    rgb: NDArray[np.uint8]
    objects: NDArray[np.uint8]
    materials: NDArray[np.uint8]


def render(scene: Scene, size: int = 256) -> Picture:
    """Return the picture of a scene; the same scene gives the same pixels.

    Parameters
    ----------
    scene
        What there is, and the camera.
    size
        Side of the square picture in pixels.

    Raises
    ------
    UrbanLensError
        If the size is out of 32..2048 or the camera's field of view or pitch cannot be drawn.
    """
    camera = scene.camera
    if not 32 <= size <= 2048:
        raise UrbanLensError(f"A picture of {size} pixels a side cannot be drawn: 32 to 2048 are allowed.")
    if not 10 <= camera.field_of_view <= 120 or abs(camera.pitch) > 45:
        raise UrbanLensError(
            f"A camera with field of view {camera.field_of_view} and pitch {camera.pitch} cannot be drawn: "
            "10 to 120 and -45 to 45 degrees are allowed."
        )
    canvas = Canvas(camera, TONES[scene.light.time_of_day], size)
    draw_sky(canvas, scene)
    draw_ridges(canvas, scene)
    draw_ground(canvas, scene)
    _shadows(canvas, scene)
    for item in painted(unhidden(visible(list(_items(scene)), camera), camera), camera):
        item.draw(canvas)
    rgb, (objects, materials) = finished(canvas, scene), canvas.labels()
    if scene.mark:
        put_mark(rgb, objects, materials)
    return Picture(rgb, objects, materials)


def _items(scene: Scene) -> Iterator[Item]:
    """Yield every thing with its footprint; a line of poles becomes poles and spans of wire."""
    for thing in scene.things:
        if isinstance(thing, PoleLine):
            yield from _pole_items(thing)
        elif not _in_the_way(thing, scene):
            footprint, reach = _footprint(thing)
            yield Item(footprint, reach, _painter(thing, scene.light), *_heights(thing))


def _in_the_way(thing: Thing, scene: Scene) -> bool:
    """Whether the camera stands inside a thing, or so near that only a blur would show."""
    if isinstance(thing, Fence | PoleLine):
        return False
    at = thing.centre if isinstance(thing, Building) else thing.at
    e, n = scene.camera.east_m - at[0], scene.camera.north_m - at[1]
    if isinstance(thing, Building):
        b = radians(thing.front)
        along, out = abs(e * cos(b) - n * sin(b)), abs(e * sin(b) + n * cos(b))
        return along < thing.width_m / 2 and out < thing.depth_m / 2
    if isinstance(thing, Tree):
        return bool(np.hypot(e, n) < _TREES_FROM_M + 0.42 * thing.height_m)
    return bool(np.hypot(e, n) < (3.2 if isinstance(thing, Vehicle) else 1.2))


def _pole_items(poles: PoleLine) -> Iterator[Item]:
    spans = list(zip(poles.line[:-1], poles.line[1:], strict=True))
    for k, at in enumerate(poles.line):
        a, b = spans[min(k, len(spans) - 1)] if spans else (at, (at[0], at[1] + 1))
        bearing = degrees(atan2(b[0] - a[0], b[1] - a[1]))
        yield Item((at,), 1.1, partial(_pole, at, poles.height_m, bearing))
    for span in spans:
        yield Item(span, 1.0, partial(_wires, span, poles))


def _pole(at: Point, height_m: float, bearing: float, canvas: Canvas) -> None:
    draw_pole(canvas, at, height_m, bearing)


def _wires(span: tuple[Point, Point], poles: PoleLine, canvas: Canvas) -> None:
    draw_wires(canvas, span, poles.height_m, poles.wires)


def _heights(thing: Thing) -> tuple[float, float]:
    """Return how high a thing reaches, and up to where it hides what is behind it, in metres."""
    if isinstance(thing, Building):
        gable = thing.depth_m * 0.55 if thing.kind not in ("block", "skyscraper") else thing.height_m * 0.2
        return thing.height_m + gable + 0.8, thing.height_m
    if isinstance(thing, Tree):
        return thing.height_m * 1.1 + thing.base_m, 0.0
    if isinstance(thing, Fence):
        return thing.height_m * 1.1 + thing.base_m, 0.0
    if isinstance(thing, Vehicle):
        return (5.5 if thing.kind == "boat" else 3.3), 0.0
    if isinstance(thing, Person | Bench):
        return 2.2, 0.0
    if isinstance(thing, Heap):
        return thing.size_m, 0.0
    return np.inf, 0.0


def _footprint(thing: Thing) -> tuple[tuple[Point, ...], float]:
    """Return the corners of a thing on the ground and how far it spreads beyond them, in metres."""
    if isinstance(thing, Building):
        blades = any(sign.upright for sign in thing.signs)
        return corners(thing), 2.0 if blades else 0.8
    if isinstance(thing, Fence | PoleLine):
        return thing.line, 0.1
    if isinstance(thing, Tree):
        return (thing.at,), thing.height_m * (0.75 if thing.kind == "bush" else 0.45)
    if isinstance(thing, Vehicle):
        return (thing.at,), -SHAPES[thing.kind].outline[0][0] + 0.6
    if isinstance(thing, Rock | Heap):
        return (thing.at,), thing.size_m * 0.7
    if isinstance(thing, FreeSign):
        return (thing.at,), thing.letter_m * 3
    return (thing.at,), 1.6


_DRAW: dict[type, Callable[..., None]] = {
    Building: draw_building,
    FreeSign: draw_free_sign,
    Fence: draw_fence,
    Tree: draw_tree,
    Vehicle: draw_vehicle,
    Person: draw_person,
    Lamp: draw_lamp,
    Rock: draw_rock,
    Heap: draw_heap,
    Bench: draw_bench,
}
_LIT_BY_SUN = (Building, Tree, Vehicle, Rock, Heap)


def _painter(thing: Thing, light: Light) -> Callable[[Canvas], None]:
    draw = _DRAW[type(thing)]

    def paint(canvas: Canvas) -> None:
        if isinstance(thing, _LIT_BY_SUN):
            draw(canvas, thing, light)
        else:
            draw(canvas, thing)

    return paint


def _shadows(canvas: Canvas, scene: Scene) -> None:
    """Darken the ground away from the sun, and lay the lamps' pools of light at dark hours."""
    tone, light = canvas.tone, scene.light
    long = 1 / tan(radians(max(tone.sun_elevation, 12)))
    soft = light.time_of_day in ("overcast", "dusk", "night")
    b = radians(light.sun_bearing + 180)
    way = (sin(b) * long, cos(b) * long)
    cast: list[Sequence[Point]] = []
    for thing in scene.things:
        if isinstance(thing, PoleLine | Fence):
            continue
        at = thing.centre if isinstance(thing, Building) else thing.at
        if np.hypot(at[0] - canvas.eye[0], at[1] - canvas.eye[1]) > _SHADOWS_TO_M:
            continue
        cast.extend(_cast(thing, way, light, soft))
        if isinstance(thing, Lamp) and tone.lit > 0.3:
            pool(canvas, at, 5.5, (255, 206, 130), 120 * tone.bloom)
    if cast:
        shade(canvas, cast, tone.shadow * (1 - 0.4 * light.clouds))


def _cast(thing: Thing, way: Point, light: Light, soft: bool) -> Iterator[Sequence[Point]]:
    if isinstance(thing, Building):
        foot = list(corners(thing))
        reach = 0.8 if soft else min(thing.height_m, 26.0)
        length = float(np.hypot(*way)) if soft else 1.0
        yield _hull(foot + [(x + way[0] * reach / length, y + way[1] * reach / length) for x, y in foot])
    elif isinstance(thing, Tree):
        if thing.base_m == 0:
            radius = thing.height_m * (0.16 if thing.kind in ("cone", "poplar") else 0.28)
            shift = 0.0 if soft else min(thing.height_m * 0.62, 9.0)
            middle = (thing.at[0] + way[0] * shift, thing.at[1] + way[1] * shift)
            yield ring(middle, radius * (1.0 if soft else 1.5), radius, light.sun_bearing)
    elif isinstance(thing, Vehicle):
        shape = SHAPES[thing.kind]
        yield ring(thing.at, -shape.outline[0][0] * 1.05, shape.half_m * 1.2, thing.heading)
    elif isinstance(thing, Person):
        yield ring((thing.at[0] + way[0] * 0.3, thing.at[1] + way[1] * 0.3), 0.5, 0.24, light.sun_bearing)
    elif isinstance(thing, Rock | Heap):
        yield ring(thing.at, thing.size_m * 0.72, thing.size_m * 0.4, degrees(atan2(way[0], way[1])))
    elif isinstance(thing, Bench):
        yield ring(thing.at, 0.5, 0.9, thing.facing)


def _hull(points: list[Point]) -> list[Point]:
    """Return the convex hull of points (Andrew's monotone chain)."""
    ordered = sorted(set(points))

    def chain(sequence: Sequence[Point]) -> list[Point]:
        kept: list[Point] = []
        for p in sequence:
            while len(kept) >= 2 and (kept[-1][0] - kept[-2][0]) * (p[1] - kept[-2][1]) <= (
                kept[-1][1] - kept[-2][1]
            ) * (p[0] - kept[-2][0]):
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return chain(ordered) + chain(ordered[::-1])
