"""The ground: patches of every surface, streets with their paint, shadows and pools of lamp light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import atan2, cos, degrees, hypot, radians, sin

import numpy as np
import skia

from urbanlens.demo.render.canvas import NEAR_M, Canvas
from urbanlens.demo.render.labels import Label, label
from urbanlens.demo.render.palette import GRASS, WHITE, Colour, mixed, scaled
from urbanlens.demo.render.shapes import gradient, rectangles
from urbanlens.demo.render.textures import texture
from urbanlens.demo.scene import Light, Patch, Point, Point3, Scene, Street, Surface


@dataclass(frozen=True)
class Look:
    """How a surface looks: colour, label, and overlays of (texture, metres, strength)."""

    colour: Colour
    label: Label
    grain: tuple[tuple[str, float, float], ...]


LOOKS: dict[Surface, Look] = {
    "road": Look((98, 99, 106), label("road", "road"), (("grain", 2.2, 0.1), ("cloudy", 14, 0.14))),
    "sidewalk": Look((176, 170, 160), label("sidewalk", "concrete"), (("paving", 3.2, 0.24), ("cloudy", 11, 0.1))),
    "path": Look((196, 174, 138), label("path", "dirt"), (("grain", 1.7, 0.2), ("cloudy", 6, 0.14))),
    "grass": Look((112, 158, 78), label("grass", "grass"), (("blades", 2.4, 0.26), ("cloudy", 23, 0.24))),
    "earth": Look((172, 130, 92), label("earth", "dirt"), (("grain", 2.0, 0.26), ("cloudy", 7, 0.3))),
    "field": Look((206, 182, 92), label("field", "farming"), (("furrows", 5.6, 0.34), ("cloudy", 31, 0.14))),
    "water": Look((92, 138, 158), label("water", "still_water"), (("ripples", 7, 0.16),)),
    "sea": Look((52, 116, 150), label("sea", "ocean"), (("ripples", 13, 0.3), ("ripples", 61, 0.16))),
    "sand": Look((226, 204, 158), label("sand", "sand"), (("grain", 1.5, 0.12), ("ripples", 3.1, 0.12))),
    "rock": Look((140, 136, 130), label("rock", "rock_stone"), (("cloudy", 2.6, 0.5), ("grain", 1.1, 0.25))),
    "snow": Look((238, 243, 250), label("earth", "ice_snow"), (("cloudy", 9, 0.12),)),
    "forest": Look((74, 116, 66), label("tree", "trees"), (("leaves", 4.5, 0.6), ("cloudy", 17, 0.3))),
    "flowers": Look((126, 158, 84), label("flower", "flowers"), (("blades", 1.9, 0.3),)),
}
_CROPS: tuple[Colour, ...] = ((216, 188, 88), (150, 172, 74), (186, 160, 92), (122, 158, 72), (204, 172, 110))
_FINE = ("furrows", "ripples")
_PETALS: tuple[Colour, ...] = ((226, 84, 96), (244, 198, 72), (206, 118, 190), (250, 240, 236), (232, 128, 70))


def draw_ground(canvas: Canvas, scene: Scene) -> None:
    """Draw the plain to the horizon, then patches in their order, then streets."""
    e, n = canvas.camera.east_m, canvas.camera.north_m
    reach = 6000.0
    plain = tuple((e + x, n + y, 0.0) for x, y in ((-reach, -reach), (reach, -reach), (reach, reach), (-reach, reach)))
    for patch in (Patch("grass", plain, 0), *scene.patches):
        _patch(canvas, patch, scene.light)
    for street in scene.streets:
        _street(canvas, street)


def _colour(patch: Patch, light: Light, tone_horizon: Colour) -> Colour:
    rng = np.random.default_rng(patch.seed)
    colour = LOOKS[patch.surface].colour
    if patch.surface in ("grass", "flowers"):
        colour = mixed(GRASS[light.season], colour, 0.25)
    elif patch.surface == "field":
        colour = _CROPS[int(rng.integers(len(_CROPS)))]
        if light.season in ("winter", "spring"):
            colour = mixed(colour, (150, 122, 92) if light.season == "winter" else (128, 150, 78), 0.5)
    elif patch.surface == "forest" and light.season in ("autumn", "winter"):
        colour = (158, 112, 60) if light.season == "autumn" else (98, 100, 78)
    elif patch.surface in ("water", "sea"):
        return mixed(colour, tone_horizon, 0.3)
    return scaled(colour, float(rng.uniform(0.94, 1.06)))


def _slope(outline: Sequence[Point3]) -> tuple[float, float, float]:
    """Return height = a * east + b * north + c of the plane through an outline."""
    points = np.array(outline, np.float64)
    if np.ptp(points[:, 2]) < 1e-6:
        return 0.0, 0.0, float(points[0, 2])
    origin = points[:, :2].mean(axis=0)
    design = np.column_stack([points[:, :2] - origin, np.ones(len(points))])
    a, b, c = np.linalg.lstsq(design, points[:, 2], rcond=None)[0]
    return float(a), float(b), float(c - a * origin[0] - b * origin[1])


def _patch(canvas: Canvas, patch: Patch, light: Light) -> None:
    kept = canvas.clipped(patch.outline)
    if len(kept) < 3 or not _on_screen(canvas, kept):
        return
    look = LOOKS[patch.surface]
    e, n = canvas.camera.east_m, canvas.camera.north_m
    a, b, c = _slope(patch.outline)
    colour = _colour(patch, light, canvas.tone.horizon)
    turn = 0.0 if patch.surface != "field" else 90.0 - patch.rows
    if patch.surface in ("water", "sea"):
        turn = -canvas.camera.heading
    with canvas.plane((e, n, a * e + b * n + c), (1, 0, a), (0, 1, b)):
        path = canvas.cut([(x - e, y - n) for x, y, _ in patch.outline])
        canvas.fill(
            path, colour, look.label, shader=_water(canvas, colour) if patch.surface in ("water", "sea") else None
        )
        outline = [(x - e, y - n) for x, y, _ in patch.outline]
        above = abs(canvas.eye[2] - (a * e + b * n + c)) / (1 + a * a + b * b) ** 0.5
        for name, side, strength in look.grain:
            # tiles are anchored to the world, so that grain stays put when the camera moves
            shift = (-(e % (side * 64)), -(n % (side * 64))) if not turn else _anchored(patch, e, n)
            if name not in _FINE:
                canvas.overlay(path, texture(name, side, strength, turn=turn, shift=shift))
                continue
            # lines nearer together than pixels would make false patterns: coarser and fainter with distance
            clear = (0.09 * side * canvas.focal * max(above, 0.5)) ** 0.5
            for times, faint, nearest, farthest in ((1, 1.0, NEAR_M, clear), (3, 0.55, clear, 1.7 * clear)):
                part = canvas.cut(outline, nearest, farthest)
                canvas.overlay(part, texture(name, side * times, strength * faint, turn=turn, shift=shift))
        if patch.surface == "flowers":
            with canvas.inside(path):
                _blossoms(canvas, patch, (e, n))


def _anchored(patch: Patch, e: float, n: float) -> Point:
    return patch.outline[0][0] - e, patch.outline[0][1] - n


def _on_screen(canvas: Canvas, kept: Iterable[tuple[float, float, float]]) -> bool:
    pixels = [canvas.pixel(seen) for seen in kept]
    x, y = [p[0] for p in pixels], [p[1] for p in pixels]
    return max(x) > 0 and min(x) < canvas.size and max(y) > 0 and min(y) < canvas.size


def _water(canvas: Canvas, colour: Colour) -> skia.Shader:
    """Mirror the sky: pale and bright far away, deep near the feet; made in metres along the heading."""
    h = radians(canvas.camera.heading)
    far = 160.0
    sky = mixed(canvas.tone.horizon, canvas.tone.middle, 0.25)
    stops = [(0.0, scaled(colour, 0.74)), (0.12, mixed(colour, sky, 0.25)), (1.0, mixed(colour, sky, 0.72))]
    return gradient((0, 0), (far * sin(h), far * cos(h)), stops, canvas.untinted(canvas.tone) if
                    canvas.tone.lit < 0.5 else canvas.tone)  # fmt: skip


def _blossoms(canvas: Canvas, patch: Patch, eye: Point) -> None:
    rng = np.random.default_rng(patch.seed)
    corners = np.array(patch.outline)[:, :2] - eye
    low, high = corners.min(axis=0), corners.max(axis=0)
    count = int(min(900, max(40, np.prod(high - low) * 2.5)))
    places = rng.uniform(low, high, (count, 2))
    tints = rng.choice(len(_PETALS), 2)
    for k, tint in enumerate((*tints, 3)):
        spots = places[k::3]
        path = skia.Path()
        for x, y in spots:
            path.addCircle(float(x), float(y), 0.11)
        canvas.fill(path, _PETALS[int(tint)])


def _street(canvas: Canvas, street: Street) -> None:
    e, n = canvas.camera.east_m, canvas.camera.north_m
    line = [(x - e, y - n) for x, y in street.line]
    road, walk = LOOKS["road"], LOOKS["sidewalk"]
    tone = scaled(road.colour, float(np.random.default_rng(street.seed).uniform(0.92, 1.1)))
    shift = (-(e % 512), -(n % 512))
    with canvas.plane((e, n, 0.0), (1, 0, 0), (0, 1, 0)):
        if _band(canvas, line, 0, street.width_m + 2 * street.sidewalk_m).isEmpty():
            return
        if street.sidewalk_m > 0:
            outer = _band(canvas, line, 0, street.width_m + 2 * street.sidewalk_m)
            canvas.fill(outer, walk.colour, walk.label)
            for name, side, strength in walk.grain:
                canvas.overlay(outer, texture(name, side, strength, turn=_course(line), shift=shift))
            canvas.fill(_band(canvas, line, 0, street.width_m + 0.5), (204, 200, 192), walk.label)
        surface = _band(canvas, line, 0, street.width_m)
        canvas.fill(surface, tone, road.label)
        for name, side, strength in road.grain:
            canvas.overlay(surface, texture(name, side, strength, shift=shift))
        for offset in (-0.3, 0.3):  # wheel tracks, worn paler
            canvas.fill(_band(canvas, line, offset * street.width_m, 0.9), WHITE, alpha=13)
        _marking(canvas, street, line)


def _course(line: Sequence[Point]) -> float:
    return degrees(atan2(line[-1][1] - line[0][1], line[-1][0] - line[0][0]))


def _shifted(line: Sequence[Point], offset: float) -> list[Point]:
    """Return a line moved aside by metres (left positive), corners mitred."""
    moved = []
    for k, (x, y) in enumerate(line):
        a, b = line[max(k - 1, 0)], line[min(k + 1, len(line) - 1)]
        length = hypot(b[0] - a[0], b[1] - a[1]) or 1.0
        moved.append((x - (b[1] - a[1]) / length * offset, y + (b[0] - a[0]) / length * offset))
    return moved


def _band(canvas: Canvas, line: Sequence[Point], offset: float, width: float) -> skia.Path:
    return canvas.cut([*_shifted(line, offset + width / 2), *reversed(_shifted(line, offset - width / 2))])


def _marking(canvas: Canvas, street: Street, line: Sequence[Point]) -> None:
    paint: Colour = (236, 232, 220)
    wide = street.width_m >= 5
    if wide:
        for side in (-1, 1):
            canvas.fill(_band(canvas, line, side * (street.width_m / 2 - 0.3), 0.12), paint, alpha=200)
        dashes = skia.Path()
        crossings = [(x - canvas.eye[0], y - canvas.eye[1]) for x, y in street.crossings]
        for start, end in _dashes(line, 2.2, 3.4, crossings):
            if start[0] * canvas.forward[0] + start[1] * canvas.forward[1] > -3:
                dashes.addPath(_band(canvas, [start, end], 0, 0.15))
        canvas.fill(dashes, (244, 206, 96) if street.seed % 3 == 0 else paint, alpha=225)
    for x, y in street.crossings:
        at = (x - canvas.eye[0], y - canvas.eye[1])
        if at[0] * canvas.forward[0] + at[1] * canvas.forward[1] > -10:
            _crossing(canvas, street, line, at, paint)


def _dashes(line: Sequence[Point], dash: float, gap: float, crossings: Sequence[Point]) -> list[tuple[Point, Point]]:
    found = []
    for a, b in pairwise(line):
        length = hypot(b[0] - a[0], b[1] - a[1])
        if length < 1e-6:
            continue
        way = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
        for at in np.arange(1.0, length - dash, dash + gap):
            s = (a[0] + way[0] * float(at), a[1] + way[1] * float(at))
            near = hypot(*s) < 140
            if near and all(hypot(s[0] - c[0], s[1] - c[1]) > 4.5 for c in crossings):
                found.append((s, (s[0] + way[0] * dash, s[1] + way[1] * dash)))
    return found


def _crossing(canvas: Canvas, street: Street, line: Sequence[Point], at: Point, paint: Colour) -> None:
    """Zebra stripes along the road at a point of its centre line."""

    def away(pair: tuple[Point, Point]) -> float:
        (ax, ay), (bx, by) = pair
        length = hypot(bx - ax, by - ay) or 1.0
        t = min(max(((at[0] - ax) * (bx - ax) + (at[1] - ay) * (by - ay)) / length**2, 0), 1)
        return hypot(ax + t * (bx - ax) - at[0], ay + t * (by - ay) - at[1])

    (ax, ay), (bx, by) = min(pairwise(line), key=away)
    length = hypot(bx - ax, by - ay) or 1.0
    way = ((bx - ax) / length, (by - ay) / length)
    ends = [(at[0] + way[0] * s, at[1] + way[1] * s) for s in (-1.6, 1.6)]
    stripes = skia.Path()
    for offset in np.arange(-street.width_m / 2 + 0.55, street.width_m / 2 - 0.3, 0.95):
        stripes.addPath(_band(canvas, ends, float(offset), 0.48))
    canvas.fill(stripes, paint, alpha=226)


def shade(canvas: Canvas, outlines: Iterable[Sequence[Point]], darkness: float) -> None:
    """Darken the union of convex ground outlines once (shadows), each given as world points."""
    e, n = canvas.camera.east_m, canvas.camera.north_m
    tint = canvas.tone.tint
    with canvas.plane((e, n, 0.0), (1, 0, 0), (0, 1, 0)):
        union = skia.Path()
        for outline in outlines:
            points = [(x - e, y - n) for x, y in outline]
            turned = sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(points, [*points[1:], *points[:1]], strict=True))
            union.addPath(canvas.cut(points if turned > 0 else points[::-1]))
        union.setFillType(skia.PathFillType.kWinding)
        canvas.fill(union, (22 / tint[0], 24 / tint[1], 58 / tint[2]), alpha=255 * darkness)


def pool(canvas: Canvas, at: Point, radius: float, colour: Colour, alpha: float) -> None:
    """Lay a soft disc of light on the ground."""
    e, n = canvas.camera.east_m, canvas.camera.north_m
    x, y = at[0] - e, at[1] - n
    shades = [skia.Color(*(int(c) for c in colour), int(a)) for a in (alpha, alpha * 0.4, 0)]
    shader = skia.GradientShader.MakeRadial(skia.Point(x, y), radius, shades, [0.0, 0.5, 1.0])
    with canvas.plane((e, n, 0.0), (1, 0, 0), (0, 1, 0)):
        canvas.fill(rectangles([(x - radius, y - radius, 2 * radius, 2 * radius)]), colour, shader=shader, glow=True)


def ring(at: Point, along: float, across: float, bearing: float) -> list[Point]:
    """Return a ten-sided oval on the ground, long along a bearing."""
    b = radians(bearing)
    turns = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    return [
        (
            at[0] + float(along * np.cos(t) * sin(b) + across * np.sin(t) * cos(b)),
            at[1] + float(along * np.cos(t) * cos(b) - across * np.sin(t) * sin(b)),
        )
        for t in turns
    ]
