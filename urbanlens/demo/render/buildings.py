"""Buildings: boxes of brick, plaster, wood, metal and glass, their windows, shop fronts and roofs."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.facades import Style, Wall, curtain, rooms, shed, temple, tower
from urbanlens.demo.render.labels import label
from urbanlens.demo.render.palette import WHITE, Colour, Random, hsv, mixed, scaled, sunward
from urbanlens.demo.render.roofs import draw_roof
from urbanlens.demo.render.shapes import gradient, rectangles
from urbanlens.demo.render.signs import draw_signs
from urbanlens.demo.render.textures import texture
from urbanlens.demo.scene import Building, Light, Point

_OBJECTS = {"house": "house", "hut": "house", "skyscraper": "skyscraper"}
_SKINS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "brick": (("brick", 2.2, 0.5), ("cloudy", 9, 0.2)),
    "concrete": (("cloudy", 6, 0.24), ("grain", 2.0, 0.07)),
    "plaster": (("cloudy", 7, 0.16), ("grain", 1.6, 0.08)),
    "wood": (("planks", 1.8, 0.4), ("cloudy", 5, 0.2)),
    "metal": (("ribs", 2.6, 0.5), ("cloudy", 9, 0.16)),
    "glass": (),
}


def corners(building: Building) -> tuple[Point, ...]:
    """Return the four corners of a building's footprint."""
    return tuple(wall.origin[:2] for wall in walls(building))


def walls(building: Building) -> list[Wall]:
    """Return the four sides, the front first, then clockwise seen from above."""
    found = []
    for side in range(4):
        bearing = building.front + 90 * side
        b = radians(bearing)
        width, out = (building.width_m, building.depth_m / 2)
        if side % 2:
            width, out = building.depth_m, building.width_m / 2
        along = (-cos(b), sin(b), 0.0)
        origin = (
            building.centre[0] + sin(b) * out - along[0] * width / 2,
            building.centre[1] + cos(b) * out - along[1] * width / 2,
            0.0,
        )
        found.append(Wall(origin, along, width, bearing, side))
    return found


def draw_building(canvas: Canvas, building: Building, light: Light) -> None:
    """Draw the sides that the camera sees, the roof, and the signs on the front."""
    style = _style(building, np.random.default_rng(building.seed))
    sides = walls(building)
    seen = [wall for wall in sides if wall.faces(canvas.eye)]
    front = sides[0].faces(canvas.eye)
    if not front:
        draw_signs(canvas, building, sides[0].origin, sides[0].along)
    for wall in sorted(seen, key=lambda w: w.side == 0):
        _wall(canvas, building, wall, style, light)
    draw_roof(canvas, building, [wall.origin for wall in sides], style.colour, light)
    if front:
        draw_signs(canvas, building, sides[0].origin, sides[0].along)


def _style(building: Building, rng: Random) -> Style:
    u = rng.uniform
    paints: tuple[Colour, ...] = (
        (236, 222, 196), (224, 196, 160), (214, 168, 140), (196, 206, 200), (232, 214, 176),
        (182, 198, 212), (222, 180, 150), (206, 196, 182), (238, 230, 216),
    )  # fmt: skip
    pick = paints[int(rng.integers(len(paints)))]
    colours: dict[str, Colour] = {
        "brick": scaled((176, 98, 74), u(0.82, 1.16)),
        "concrete": scaled(mixed((178, 176, 170), pick, 0.22), u(0.88, 1.1)),
        "plaster": scaled(pick, u(0.92, 1.03)),
        "wood": scaled(mixed((150, 108, 72), (96, 72, 56), float(u(0, 1))), u(0.9, 1.15)),
        "metal": mixed((166, 176, 184), hsv(u(0.02, 0.62), 0.32, 0.72), float(u(0, 0.7))),
        "glass": ((112, 156, 188), (126, 170, 178), (92, 124, 160), (158, 170, 178), (184, 164, 138))[
            int(rng.integers(5))
        ],
    }
    colour = colours[building.material]
    frame = mixed(colour, WHITE, 0.55) if rng.random() < 0.6 else scaled(colour, 0.5)
    tall = building.kind == "skyscraper"
    return Style(
        colour,
        frame,
        scaled((66, 86, 110), u(0.85, 1.2)),
        float(u(3.3, 4.1) if tall else u(2.8, 3.3)),
        float(u(2.2, 3.4) if tall else u(2.0, 3.2)),
        (float(u(0.42, 0.66)), float(u(0.42, 0.58))),
        bool(rng.random() < 0.6),
        bool(rng.random() < 0.35),
        hsv(float(rng.choice([0.0, 0.03, 0.09, 0.35, 0.52, 0.6])), float(u(0.5, 0.75)), float(u(0.6, 0.85))),
        int(rng.integers(3)),
    )


def _wall(canvas: Canvas, building: Building, wall: Wall, style: Style, light: Light) -> None:
    kind = building.kind
    name = _OBJECTS.get(kind, "building")
    skin = label(name, building.material)
    glass = label(name, "glass")
    colour = scaled(style.colour, sunward(light, wall.bearing))
    height = building.height_m
    rng = np.random.default_rng((building.seed, wall.side))
    with canvas.plane(wall.origin, wall.along, (0, 0, 1)):
        body = rectangles([(0, 0, wall.width_m, height)])
        if building.material == "glass":
            curtain(canvas, body, (wall.width_m, height), colour, skin)
        else:
            low = scaled(colour, 0.74)
            stops = [(0.0, low), (0.35, colour), (1.0, scaled(colour, 1.05))]
            canvas.fill(body, colour, skin, shader=gradient((0, 0), (0, min(height, 14)), stops, canvas.tone))
            for texture_name, side, strength in _SKINS[building.material] if canvas.pixel_m < 0.5 else ():
                canvas.overlay(body, texture(texture_name, side, strength))
        if height < 9 * canvas.pixel_m:  # a few pixels: no front to be seen
            return
        if kind == "skyscraper":
            tower(canvas, wall, height, style, (colour, skin, glass), rng)
        elif kind == "warehouse":
            shed(canvas, wall, height, style, glass, rng)
        elif kind == "temple":
            temple(canvas, wall, height, name)
        else:
            rooms(canvas, building, wall, style, (colour, glass), rng)
    if kind in ("block", "skyscraper"):
        with canvas.plane(wall.origin, wall.along, (0, 0, 1)):
            strip = rectangles([(-0.12, height - 0.5, wall.width_m + 0.24, 0.62)])
            canvas.fill(
                strip, scaled(colour, 0.82), label(name, "concrete" if building.material != "glass" else "glass")
            )
            canvas.fill(rectangles([(-0.12, height + 0.02, wall.width_m + 0.24, 0.1)]), scaled(colour, 1.15))
