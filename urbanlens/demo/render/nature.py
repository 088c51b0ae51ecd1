"""Trees, bushes, rocks and heaps of earth."""

from __future__ import annotations

from math import cos, pi, radians, sin

import numpy as np
import skia

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import label
from urbanlens.demo.render.palette import Colour, Random, hsv, mixed, scaled, sun_direction
from urbanlens.demo.render.shapes import circles, gradient, polygon, rectangles
from urbanlens.demo.render.textures import texture
from urbanlens.demo.scene import Heap, Light, Rock, Tree

_LEAVES = label("tree", "trees")
_TRUNK = label("tree", "wood")
_PLANT = label("plant", "trees")
_BLOSSOM = label("tree", "flowers")
_ROCK = label("rock", "rock_stone")
_HEAP = label("earth", "dirt")
_BARK: Colour = (104, 78, 58)

Disc = tuple[float, float, float]


def draw_tree(canvas: Canvas, tree: Tree, light: Light) -> None:
    """Draw a tree as a disc that turns to the camera: dark leaves behind, lit ones towards the sun."""
    rng = np.random.default_rng(tree.seed)
    bark = scaled(_BARK, float(rng.uniform(0.8, 1.15)))
    hue = _hue(tree, light, rng)
    with canvas.plane((*tree.at, tree.base_m), canvas.right, (0, 0, 1), flat=True):
        if tree.kind == "bush":
            _crown(canvas, _bush_discs(tree.height_m, rng), hue, light, _PLANT)
            return
        if tree.kind == "cone":
            _fir(canvas, tree.height_m, hue, light, rng)
            return
        bare = light.season == "winter" and tree.kind in ("round", "cherry")
        _trunk(canvas, tree.height_m, bark)
        if bare:
            _branches(canvas, tree.height_m, bark, rng)
            return
        blossom = tree.kind == "cherry" and light.season == "spring"
        _crown(canvas, _discs(tree, rng), hue, light, _BLOSSOM if blossom else _LEAVES)


def _hue(tree: Tree, light: Light, rng: Random) -> Colour:
    """Return a tree's leaf colour for the season."""
    a, b, c = rng.uniform(0, 1, 3)
    if tree.kind == "cherry" and light.season == "spring":
        return hsv(0.94 + 0.03 * a, 0.24 + 0.14 * b, 0.97)
    if tree.kind == "cone":
        return hsv(0.36 + 0.07 * a, 0.36 + 0.12 * b, 0.42 + 0.1 * c)
    if light.season == "autumn" and tree.kind != "bush" and a < 0.8:
        return hsv(0.015 + 0.115 * b, 0.66 + 0.14 * a, 0.78 + 0.14 * c)
    fresh = 0.06 if light.season == "spring" else 0.0
    return hsv(0.25 + 0.09 * a - fresh * 0.5, 0.44 + 0.18 * b, 0.5 + 0.13 * c + fresh)


def _trunk(canvas: Canvas, height: float, bark: Colour) -> None:
    w = height * 0.028 + 0.07
    shape = polygon([(-w * 1.5, 0), (-w * 0.8, height * 0.2), (-w * 0.6, height * 0.62), (w * 0.6, height * 0.62),
                     (w * 0.8, height * 0.2), (w * 1.5, 0)])  # fmt: skip
    shade = gradient(
        (-w, 0), (w, 0), [(0, scaled(bark, 0.72)), (0.5, scaled(bark, 1.1)), (1, scaled(bark, 0.8))], canvas.tone
    )
    canvas.fill(shape, bark, _TRUNK, shader=shade)


def _discs(tree: Tree, rng: Random) -> list[Disc]:
    tall = tree.kind == "poplar"
    radius = tree.height_m * (0.15 if tall else 0.31)
    stretch, centre = (2.5, 0.56) if tall else (0.86, 0.66)
    middle = tree.height_m * centre
    turns, spread = rng.uniform(0, 2 * pi, 24), np.sqrt(rng.uniform(0.1, 1, 24)) * 0.78
    sizes = rng.uniform(0.26, 0.44, 24)
    discs = [
        (radius * float(s * np.cos(t)), middle + radius * stretch * float(s * np.sin(t)), radius * float(r))
        for t, s, r in zip(turns, spread, sizes, strict=True)
    ]
    return [(0, middle, radius * 0.78), *discs] + ([(0, middle * k, radius * 0.7) for k in (0.6, 1.4)] if tall else [])


def _bush_discs(height: float, rng: Random) -> list[Disc]:
    return [
        (
            float(rng.normal(0, 0.42)) * height,
            height * float(rng.uniform(0.2, 0.62)),
            height * float(rng.uniform(0.24, 0.38)),
        )
        for _ in range(14)
    ]


def _crown(canvas: Canvas, discs: list[Disc], hue: Colour, light: Light, name: tuple[int, int]) -> None:
    """Blobs of light: each layer smaller, paler and nearer to the sun than the one beneath."""
    sx, sy = _sun_side(canvas, light)
    reach = max(r for _, _, r in discs)
    body = circles(discs)
    body.setFillType(skia.PathFillType.kWinding)
    dark = mixed(scaled(hue, 0.56), (40, 54, 84), 0.16)
    canvas.fill(body, dark, name)
    warm = mixed(hue, canvas.tone.sun, 0.24)
    layers = ((0.8, 0.86, 0.11), (1.0, 0.62, 0.22), (1.14, 0.4, 0.33))
    detail = canvas.pixel_m < reach / 4
    for strength, size, push in layers[: 3 if detail else 2]:
        tone = scaled(mixed(hue, warm, max(strength - 0.8, 0) * 2.2), strength)
        blobs = circles([(x + sx * reach * push, y + sy * reach * push, r * size) for x, y, r in discs])
        blobs.setFillType(skia.PathFillType.kWinding)
        canvas.fill(blobs, tone, alpha=215)
    if canvas.pixel_m < reach / 9:
        canvas.overlay(body, texture("leaves", reach * 3.2, 0.26))


def _sun_side(canvas: Canvas, light: Light) -> tuple[float, float]:
    """Return where light falls from in the picture's plane: right and up, about 1 long."""
    x, y, _ = canvas.turn(sun_direction(light))
    return (0.0, 0.8) if light.time_of_day == "overcast" else (x, max(y, 0.35))


def _fir(canvas: Canvas, height: float, hue: Colour, light: Light, rng: Random) -> None:
    sx, _ = _sun_side(canvas, light)
    side = 1 if sx >= 0 else -1
    canvas.fill(rectangles([(-0.06 * height * 0.4, 0, 0.12 * height * 0.4, height * 0.22)]), _BARK, _TRUNK)
    tiers = 6
    wide = height * float(rng.uniform(0.2, 0.26))
    for j in range(tiers):
        low = height * (0.12 + 0.135 * j)
        w, tip = wide * (1 - j / (tiers + 0.6)), low + height * 0.235
        tone = scaled(hue, 0.74 + 0.08 * j)
        teeth = [(w * (2 * k / 8 - 1), low + (0.02 * height if k % 2 else 0)) for k in range(9)]
        canvas.fill(polygon([*teeth, (0, tip)]), tone, _LEAVES)
        lit = [(0, low + 0.01 * height), *[t for t in teeth if t[0] * side > 0], (0, tip)]
        canvas.fill(polygon(lit if side > 0 else [lit[0], *lit[1:-1][::-1], lit[-1]]), scaled(tone, 1.28), alpha=200)
        if light.season == "winter":
            snow = [(-w * 0.55, low + 0.1 * height), (w * 0.55, low + 0.1 * height), (0, tip)]
            canvas.fill(polygon(snow), (240, 245, 252), alpha=150)


def _branches(canvas: Canvas, height: float, bark: Colour, rng: Random) -> None:
    """A bare crown: branches that fork four times, labelled as the tree."""
    twigs = [skia.Path() for _ in range(4)]
    ends = [(0.0, height * 0.42, 0.0, height * 0.24)]
    for level in range(4):
        forks = []
        for x, y, lean, length in ends:
            for turn in (-1, 0, 1) if level < 2 else (-1, 1):
                angle = lean + turn * float(rng.uniform(18, 40)) + float(rng.normal(0, 6))
                tip = (x + length * sin(radians(angle)), y + length * cos(radians(angle)))
                twigs[level].addPath(polygon([(x, y), tip], close=False))
                forks.append((*tip, angle, length * 0.68))
        ends = forks
    for level, path in enumerate(twigs):
        width = height * 0.03 * 0.6**level + 0.015
        canvas.stroke(
            path, scaled(mixed(bark, (150, 130, 120), 0.2 * level), 0.95), width, _LEAVES, least=canvas.pixel_m
        )


def draw_rock(canvas: Canvas, rock: Rock, light: Light) -> None:
    """Draw a boulder with a lit and a dark side."""
    rng = np.random.default_rng(rock.seed)
    sx, _ = _sun_side(canvas, light)
    side = 1 if sx >= 0 else -1
    s, colour = rock.size_m, scaled((146, 140, 132), float(rng.uniform(0.84, 1.12)))
    turns = np.linspace(0, pi, 8)
    shape = [(s * 0.6 * float(np.cos(t) * rng.uniform(0.8, 1.1)), s * 0.72 * float(np.sin(t) * rng.uniform(0.8, 1.1)))
             for t in turns]  # fmt: skip
    with canvas.plane((*rock.at, rock.base_m), canvas.right, (0, 0, 1), flat=True):
        body = polygon(shape)
        canvas.fill(body, scaled(colour, 0.82), _ROCK)
        peak = (s * 0.05 * side, s * 0.3)
        with canvas.inside(body):
            lit = [p for p in shape if p[0] * side > -s * 0.15]
            canvas.fill(polygon([peak, *lit]), scaled(colour, 1.2))
            canvas.overlay(body, texture("cloudy", s * 1.3, 0.4))


def draw_heap(canvas: Canvas, heap: Heap, light: Light) -> None:
    """Draw a heap of bare earth."""
    rng = np.random.default_rng(heap.seed)
    sx, _ = _sun_side(canvas, light)
    side = 1 if sx >= 0 else -1
    s, colour = heap.size_m, scaled((158, 116, 78), float(rng.uniform(0.9, 1.1)))
    top = s * float(rng.uniform(0.36, 0.5))
    line = [
        (-s * 0.62, 0),
        (-s * 0.3, top * 0.6),
        (-s * 0.08, top),
        (s * 0.1, top * 0.94),
        (s * 0.34, top * 0.5),
        (s * 0.62, 0),
    ]
    with canvas.plane((*heap.at, 0.0), canvas.right, (0, 0, 1), flat=True):
        body = polygon(line)
        canvas.fill(body, colour, _HEAP)
        canvas.fill(polygon([(0, top * 0.96), (side * s * 0.1, top * 0.94), (side * s * 0.34, top * 0.5),
                             (side * s * 0.62, 0), (side * s * 0.12, 0)]), scaled(colour, 1.18))  # fmt: skip
        canvas.overlay(body, texture("grain", 1.4, 0.3))
