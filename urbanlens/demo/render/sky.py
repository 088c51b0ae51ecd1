"""The sky: gradient, sun or moon, stars, clouds, and the far ranges under it."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import skia
from numpy.typing import NDArray

from urbanlens.demo.render.canvas import NEAR_M, Canvas
from urbanlens.demo.render.labels import Label, label
from urbanlens.demo.render.palette import GRASS, WHITE, Colour, Random, mixed, scaled, sun_direction
from urbanlens.demo.render.shapes import circles, gradient, polygon, rectangles
from urbanlens.demo.render.textures import texture
from urbanlens.demo.scene import Light, Point3, Ridge, Scene

SKY = label("sky", "none")
CLOUDS = label("sky", "clouds")
_COVERS: dict[str, Label] = {
    "rock": label("mountain", "rugged"),
    "forest": label("hill", "trees"),
    "grass": label("hill", "grass"),
    "farmland": label("field", "farming"),
}
_GRID = 540
_SNOW = label("mountain", "ice_snow")


def draw_sky(canvas: Canvas, scene: Scene) -> None:
    """Fill the picture with sky; all that follows is drawn over it."""
    rng = np.random.default_rng(scene.seed)
    tone, size = canvas.tone, canvas.size
    canvas.at_distance(30_000)
    level = min(max(canvas.horizon(), -size), 2.0 * size)
    top = level - canvas.focal * 0.95
    covered = scene.light.clouds > 0.85
    stops = [(0.0, tone.zenith), (0.55, tone.middle), (1.0, tone.horizon)]
    plain = Canvas.untinted(tone)
    shade = gradient((0, top), (0, level + 2), stops, plain)
    canvas.fill(rectangles([(0, 0, size, size)]), tone.middle, CLOUDS if covered else SKY, shader=shade)
    if scene.light.time_of_day == "night":
        _stars(canvas, level, rng)
    if scene.light.time_of_day != "overcast":
        _sun(canvas, scene.light)
    if covered:
        _ceiling(canvas, rng)
    _clouds(canvas, scene.light, rng)


def _stars(canvas: Canvas, level: float, rng: Random) -> None:
    places = rng.uniform(0, 1, (90, 3))
    dots = [(x * canvas.size, y * level, (0.25 + 0.6 * r**3) * canvas.size / 256) for x, y, r in places]
    canvas.fill(circles(dots), (235, 238, 255), alpha=170, glow=True)


def _sun(canvas: Canvas, light: Light) -> None:
    way = canvas.turn(sun_direction(light))
    if way[2] < 0.1:
        return
    x, y = canvas.pixel(way)
    tone, unit = canvas.tone, canvas.size / 256
    low = tone.sun_elevation < 20
    for radius, alpha in ((120 if low else 80, 90), (34, 130)):
        centre, reach = skia.Point(x, y), radius * unit
        shades = [skia.Color(*(int(c) for c in tone.sun), a) for a in (alpha, alpha // 3, 0)]
        halo = skia.GradientShader.MakeRadial(centre, reach, shades, [0.0, 0.4, 1.0])
        canvas.fill(circles([(x, y, reach)]), tone.sun, shader=halo)
    canvas.fill(circles([(x, y, 7 * unit)]), scaled(tone.sun, 1.1), alpha=245, glow=True)


def _ceiling(canvas: Canvas, rng: Random) -> None:
    shift = (float(rng.uniform(0, 9)), float(rng.uniform(0, 9)))
    with canvas.plane((canvas.eye[0], canvas.eye[1], canvas.eye[2] + 1), (1, 0, 0), (0, 1, 0), flat=True):
        canvas.overlay(rectangles([(-9, -9, 18, 18)]), texture("cloudy", 6.0, 0.3, shift=shift))
    canvas.at_distance(30_000)


def _clouds(canvas: Canvas, light: Light, rng: Random) -> None:
    """Heap clouds: flat below, round above, smaller and paler towards the horizon."""
    tone, unit = canvas.tone, canvas.size / 256
    count = round(17 * light.clouds)
    if light.clouds > 0.05:
        _cirrus(canvas, light, rng)
    bearings = light.sun_bearing + rng.uniform(-180, 180, 4 * count + 4)
    lifts = np.sort(rng.beta(1.2, 2.2, len(bearings)))[::-1] * 40 + 2.0
    for bearing, lift in zip(bearings, lifts, strict=True):
        b, e = radians(float(bearing)), radians(float(lift))
        way = canvas.turn((sin(b) * cos(e), cos(b) * cos(e), sin(e)))
        width = canvas.focal * float(rng.uniform(0.13, 0.34)) * (0.35 + lift / 30)
        seed = int(rng.integers(1 << 31))
        if way[2] < 0.25:
            continue
        x, y = canvas.pixel(way)
        if -width < x < canvas.size + width and -width < y < canvas.size:
            fade = 0.45 if lift < 5 else 0.15
            lightest = mixed(tone.cloud, tone.horizon, fade)
            darkest = mixed(tone.cloud_shade, tone.horizon, fade)
            _heap(canvas, x, y, min(width, 120 * unit), (lightest, darkest), np.random.default_rng(seed))


def _cirrus(canvas: Canvas, light: Light, rng: Random) -> None:
    shift, turn = (float(rng.uniform(0, 9)), float(rng.uniform(0, 9))), float(rng.uniform(0, 180))
    with canvas.plane((canvas.eye[0], canvas.eye[1], canvas.eye[2] + 1), (1, 0, 0), (0, 1, 0), flat=True):
        veil = texture("wisps", 7.0, 0.14 + 0.26 * light.clouds, shift=shift, turn=turn)
        canvas.overlay(rectangles([(-9, -9, 18, 18)]), veil)
    canvas.at_distance(30_000)


def _heap(canvas: Canvas, x: float, y: float, width: float, colours: tuple[Colour, Colour], rng: Random) -> None:
    height = width * float(rng.uniform(0.26, 0.42))
    along = np.linspace(-0.5, 0.5, 9) + rng.normal(0, 0.03, 9)
    rise = np.clip(np.cos(along * 3.0), 0.05, 1) ** 0.8 * rng.uniform(0.6, 1.1, 9)
    puffs = [
        (x + a * width, y - r * height * 0.55, height * (0.18 + 0.42 * r)) for a, r in zip(along, rise, strict=True)
    ]
    puffs += [(x + float(rng.normal(0, 0.16)) * width, y - height * 0.75, height * 0.4) for _ in range(3)]
    bounds = (x - width, y - 2 * height, 2 * width, 2 * height + height * 0.18)
    stops = [(0.0, colours[0]), (0.45, colours[0]), (1.0, colours[1])]
    shade = gradient((0, y - height * 1.1), (0, y + height * 0.2), stops, Canvas.untinted(canvas.tone))
    with canvas.inside(rectangles([bounds])):
        wide = circles([(a, b, r * 1.14) for a, b, r in puffs])
        canvas.fill(wide, colours[0], alpha=60, glow=True)
        body = circles(puffs)
        body.setFillType(skia.PathFillType.kWinding)
        canvas.fill(body, colours[0], CLOUDS, shader=shade)
        canvas.fill(circles([(a - r * 0.2, b - r * 0.3, r * 0.55) for a, b, r in puffs]), WHITE, alpha=46)


def draw_ridges(canvas: Canvas, scene: Scene) -> None:
    """Draw the far ranges, farthest first, each paler than the next."""
    for ridge in sorted(scene.ridges, key=lambda r: -r.distance_m):
        _ridge(canvas, ridge, scene.light)


def _outline(ridge: Ridge, heading: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return bearings near the heading from left to right, elevations with the cover's roughness, and two dice each.

    Bearings lie on a grid fixed to the world, so a peak looks the same from every heading.
    """
    rng = np.random.default_rng(ridge.seed)
    dice = rng.uniform(0, 1, (_GRID, 2))
    step, depth = {"rock": (2.0, 0.11), "forest": (0.75, 0.05)}.get(ridge.cover, (6.0, 0.02))
    knots = rng.uniform(-1, 1, round(360 / step))
    grid = np.arange(round((heading - 72) * _GRID / 360), round((heading + 72) * _GRID / 360))
    bearings = grid * 360 / _GRID
    order = np.argsort(np.mod(ridge.bearings, 360))
    given, heights = np.mod(ridge.bearings, 360)[order], np.array(ridge.elevations)[order]
    elevations = np.interp(bearings, given, heights, period=360)
    gaps = np.diff(given, append=given[0] + 360)
    widest = int(np.argmax(gaps))
    inside = np.ones(len(bearings), np.bool_)
    if gaps[widest] > 30:
        inside = np.mod(bearings - given[widest], 360) >= gaps[widest]
        ends = np.minimum(np.mod(bearings - given[widest] - gaps[widest], 360), np.mod(given[widest] - bearings, 360))
        elevations = elevations * np.clip(ends / 8, 0, 1)  # a range that ends runs out, not off
    rough = np.interp(bearings, np.arange(len(knots)) * step, knots, period=360)
    return bearings[inside], (elevations * (1 + depth * rough))[inside], dice[np.mod(grid, _GRID)][inside]


def _colour(ridge: Ridge, light: Light) -> Colour:
    base: dict[str, Colour] = {
        "rock": (112, 116, 132),
        "forest": (70, 104, 78),
        "grass": scaled(GRASS[light.season], 0.88),
        "farmland": (176, 166, 98),
    }
    if ridge.cover == "forest" and light.season == "autumn":
        return 150, 104, 66
    return base[ridge.cover]


def _ridge(canvas: Canvas, ridge: Ridge, light: Light) -> None:
    bearings, elevations, dice = _outline(ridge, canvas.camera.heading)
    if len(bearings) < 3 or len(ridge.bearings) < 2:
        return
    canvas.at_distance(ridge.distance_m)
    crest = [_direction(canvas, b, e) for b, e in zip(bearings, elevations, strict=True)]
    foot = [_direction(canvas, b, -0.6) for b in bearings]
    if min(s[2] for s in crest + foot) < NEAR_M / 4:
        return
    top, low = [canvas.pixel(s) for s in crest], [canvas.pixel(s) for s in foot]
    colour = _colour(ridge, light)
    path = polygon(top + low[::-1])
    high = min(y for _, y in top)
    base = max(y for _, y in low)
    shade = gradient((0, high), (0, base), [(0, scaled(colour, 1.1)), (1, scaled(colour, 0.86))], canvas.tone)
    canvas.fill(path, colour, _COVERS[ridge.cover], shader=shade)
    with canvas.inside(path):
        _relief(canvas, ridge, light, (top, low, dice * 0.6 + 0.15))


def _relief(
    canvas: Canvas,
    ridge: Ridge,
    light: Light,
    lines: tuple[list[tuple[float, float]], list[tuple[float, float]], NDArray[np.float64]],
) -> None:
    """Light one side of the spurs, whiten the tops, scatter trees or strip fields."""
    top, low, facets = lines
    colour = _colour(ridge, light)
    lit, dark, snow = skia.Path(), skia.Path(), skia.Path()
    sunny = 1 if canvas.turn(sun_direction(light))[0] > 0 else -1
    for k in range(3, len(top) - 4, 3):
        x, y = top[k]
        drop = low[k][1] - y
        spread = (top[k + 3][0] - top[k - 3][0]) * 0.5
        tip = (x + sunny * spread * float(facets[k][0]) * 1.5, y + drop * float(facets[k][1]))
        side = top[k + 3] if sunny > 0 else top[k - 3]
        other = top[k - 3] if sunny > 0 else top[k + 3]
        lit.addPoly([skia.Point(*p) for p in (top[k], side, tip)], True)
        dark.addPoly([skia.Point(*p) for p in (top[k], other, (2 * x - tip[0], tip[1]))], True)
        if ridge.snow:
            reach = drop * float(0.18 + 0.3 * facets[k][1])
            snow.addPoly([skia.Point(*p) for p in (other, top[k], side, (x, y + reach))], True)
    strength = 1.0 if ridge.cover == "rock" else 0.45
    canvas.fill(lit, mixed(colour, canvas.tone.sun, 0.5), alpha=80 * strength)
    canvas.fill(dark, scaled(colour, 0.6), alpha=80 * strength)
    if ridge.snow:
        canvas.fill(snow, (244, 248, 255), _SNOW)
    if ridge.cover == "farmland":
        height = max(b[1] - a[1] for a, b in zip(top, low, strict=True))
        base = max(b[1] for b in low)
        for share in (0.15, 0.3, 0.45, 0.6, 0.75):
            y = base - height * share
            canvas.fill(rectangles([(0, y, canvas.size, height * 0.06)]), scaled(colour, 0.8 + share * 0.5), alpha=150)


def _direction(canvas: Canvas, bearing: float, elevation: float) -> Point3:
    b, e = radians(bearing), radians(elevation)
    return canvas.turn((sin(b) * cos(e), cos(b) * cos(e), sin(e)))
