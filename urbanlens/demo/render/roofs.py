"""Roofs: flat ones with plant on top, gables of shingles, swept temple roofs, thatch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import Label, label
from urbanlens.demo.render.palette import BLACK, Colour, mixed, scaled, sunward
from urbanlens.demo.render.shapes import polygon
from urbanlens.demo.scene import Building, Light, Point3

_TILES: tuple[Colour, ...] = ((168, 84, 62), (92, 94, 106), (132, 102, 84), (82, 106, 112), (186, 110, 74))


def draw_roof(canvas: Canvas, building: Building, base: Sequence[Point3], colour: Colour, light: Light) -> None:
    """Draw a building's roof over the lower corners of its walls (front left, then clockwise from above).

    `base[k]` is the lower left corner of side k seen from outside.
    """
    rng = np.random.default_rng((building.seed, 9))
    if building.kind in ("block", "skyscraper"):
        _flat(canvas, building, base, colour, rng)
        return
    name = "house" if building.kind in ("house", "hut") else "building"
    rise = {"house": 0.32, "hut": 0.5, "warehouse": 0.12, "temple": 0.42}[building.kind] * building.depth_m
    eave = {"temple": 1.5, "house": 0.6, "hut": 0.6, "warehouse": 0.3}[building.kind]
    tile = _TILES[int(rng.integers(len(_TILES)))]
    surface = label(name, "shingles")
    if building.kind == "warehouse":
        tile, surface = scaled(mixed((150, 156, 160), colour, 0.3), 0.92), label(name, "metal")
    elif building.kind == "temple":
        tile = (84, 98, 104)
    elif building.kind == "hut":
        tile = (172, 142, 92)
    if light.season == "winter" and building.seed % 3 == 0:
        tile, surface = (236, 241, 248), label(name, "ice_snow")
    _gable(canvas, building, base, (rise, eave), (colour, tile, surface), light)


def _flat(canvas: Canvas, building: Building, base: Sequence[Point3], colour: Colour, rng: np.random.Generator) -> None:
    name = "skyscraper" if building.kind == "skyscraper" else "building"
    top = [(e, n, building.height_m) for e, n, _ in base]
    if canvas.eye[2] > building.height_m:
        canvas.at_distance(_away(canvas, top[0]))
        canvas.solid(top, scaled(mixed(colour, (150, 148, 144), 0.6), 0.95), label(name, "concrete"))
    if building.kind == "skyscraper" and rng.random() < 0.4:
        middle = np.mean(np.array(top), axis=0)
        mast = [(middle[0], middle[1], building.height_m), (middle[0], middle[1], building.height_m * 1.16)]
        canvas.rod(mast, 0.5, (170, 174, 182), label(name, "metal"), least=1.0)


def _away(canvas: Canvas, point: Point3) -> float:
    x, y, z = canvas.view(point)
    return float((x * x + y * y + z * z) ** 0.5)


def _gable(
    canvas: Canvas,
    building: Building,
    base: Sequence[Point3],
    shape: tuple[float, float],
    inks: tuple[Colour, Colour, Label],
    light: Light,
) -> None:
    """Two slopes with the ridge along the front's width, and the triangles under them."""
    rise, eave = shape
    colour, tile, surface = inks
    corner = np.array(base, np.float64)[[0, 3, 2, 1]]  # front left, front right as seen from outside, back right, left
    corner[:, 2] = building.height_m
    along = (corner[1] - corner[0]) / max(building.width_m, 1e-6)
    inward = (corner[3] - corner[0]) / max(building.depth_m, 1e-6)
    ridge_left = corner[0] + inward * building.depth_m / 2 + (0, 0, rise)
    ridge_right = corner[1] + inward * building.depth_m / 2 + (0, 0, rise)
    canvas.at_distance(_away(canvas, _point(corner.mean(axis=0))))
    for k, (a, b, tip) in enumerate(((corner[1], corner[2], ridge_right), (corner[3], corner[0], ridge_left))):
        outward = along if k == 0 else -along
        if np.dot(np.array(canvas.eye) - a, outward) > 0:
            wall = label("house" if surface[0] == label("house", "none")[0] else "building", building.material)
            shade = scaled(colour, sunward(light, building.front + (270 if k == 0 else 90)) * 0.97)
            canvas.solid([_point(a), _point(b), _point(tip)], shade, wall)
    drop = rise / (building.depth_m / 2)
    slopes = []
    for k, (a, b, way) in enumerate(((corner[0], corner[1], -inward), (corner[2], corner[3], inward))):
        low_a, low_b = a + way * eave - (0, 0, drop * eave), b + way * eave - (0, 0, drop * eave)
        ends = (ridge_left, ridge_right) if k == 0 else (ridge_right, ridge_left)
        side = -along if k == 0 else along
        quad = [low_a + side * eave, low_b - side * eave, ends[1] - side * eave, ends[0] + side * eave]
        normal = way * drop + (0, 0, 1)
        slopes.append((float(np.dot(np.array(canvas.eye) - low_a, normal)), quad, k))
    # the slope whose upper face is seen less goes first; a face seen from below shows its dark eave only
    for height, quad, k in sorted(slopes, key=lambda s: s[0]):
        _slope(canvas, quad, height > 0, (tile, surface, sunward(light, building.front + 180 * k)), building.kind)


def _slope(canvas: Canvas, quad: list[np.ndarray], above: bool, inks: tuple[Colour, Label, float], kind: str) -> None:
    tile, surface, sunny = inks
    low_a, low_b, high_b, high_a = quad
    if above:
        points = [_point(p) for p in quad]
        if kind == "temple":
            points = _swept(quad)
        canvas.solid(points, scaled(tile, 1.08 * sunny), surface)
        rows = 9
        lines = skia.Path()
        for r in range(1, rows):
            t = r / rows
            seen = canvas.clipped([_point(low_a + (high_a - low_a) * t), _point(low_b + (high_b - low_b) * t)])
            if len(seen) >= 2:
                lines.addPath(polygon([canvas.pixel(s) for s in seen[:2]], close=False))
        canvas.stroke(lines, BLACK, max(0.5, canvas.size / 512), alpha=46)
    else:
        lip = 0.16
        inner_a, inner_b = low_a + (high_a - low_a) * lip, low_b + (high_b - low_b) * lip
        canvas.solid([_point(p) for p in (low_a, low_b, inner_b, inner_a)], scaled(tile, 0.42), surface)
    edge = np.array([0, 0, 0.22])
    canvas.solid([_point(p) for p in (low_a - edge, low_b - edge, low_b, low_a)], scaled(tile, 0.62), surface)


def _swept(quad: list[np.ndarray]) -> list[Point3]:
    """Return a slope whose eave rises to its corners, as temple roofs do."""
    low_a, low_b, high_b, high_a = quad
    eave = []
    for t in np.linspace(0, 1, 9):
        lift = 0.75 * abs(2 * t - 1) ** 3
        eave.append(_point(low_a + (low_b - low_a) * t + (0, 0, lift)))
    return [*eave, _point(high_b), _point(high_a)]


def _point(p: np.ndarray) -> Point3:
    return float(p[0]), float(p[1]), float(p[2])
