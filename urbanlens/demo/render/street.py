"""What stands in streets: fences, lamps, poles with wires, benches, people."""

from __future__ import annotations

from math import cos, hypot, radians, sin

import numpy as np
import skia

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import label
from urbanlens.demo.render.palette import BLACK, WHITE, Colour, hsv, scaled
from urbanlens.demo.render.shapes import circles, gradient, polygon, rectangles, rounded
from urbanlens.demo.render.textures import texture
from urbanlens.demo.scene import Bench, Fence, Lamp, Person, Point, Point3

_FENCE = {kind: label("fence", kind) for kind in ("wood", "metal")}
_LAMP, _BULB = label("streetlight", "metal"), label("streetlight", "glass")
_POLE, _GEAR, _WIRE = label("pole", "wood"), label("pole", "metal"), label("pole", "wire")
_BENCH = {kind: label("bench", kind) for kind in ("wood", "metal")}
_BODY, _SKIN = label("person", "cloth"), label("person", "skin")
_GREY: Colour = (84, 88, 96)


def draw_fence(canvas: Canvas, fence: Fence) -> None:
    """Draw a fence; of a metal one only the bars are drawn and labelled."""
    (ax, ay), (bx, by) = fence.line
    width = hypot(bx - ax, by - ay)
    if width < 0.05:
        return
    rng = np.random.default_rng(fence.seed)
    with canvas.plane((ax, ay, fence.base_m), ((bx - ax) / width, (by - ay) / width, 0.0), (0, 0, 1)):
        if fence.kind == "metal":
            _bars(canvas, width, fence.height_m, rng)
        elif fence.kind == "bamboo":
            _bamboo(canvas, width, fence.height_m, rng)
        else:
            _boards(canvas, width, fence.height_m, rng)


def _bars(canvas: Canvas, width: float, height: float, rng: np.random.Generator) -> None:
    colour = ((228, 232, 232), (76, 116, 96), (70, 74, 82), (150, 156, 160))[int(rng.integers(4))]
    mesh = bool(rng.random() < 0.35)
    posts = [(k * 2.0 - 0.04, 0.0, 0.08, height * 1.03) for k in range(int(width / 2.0) + 1)]
    rails = [(0.0, height * y, width, 0.06) for y in ((0.04, 0.96) if mesh else (0.1, 0.92))]
    canvas.fill(rectangles(posts + rails), colour, _FENCE["metal"])
    if not mesh:
        bars = [(k * 0.26 - 0.02, 0.05 * height, 0.045, height * 0.92) for k in range(int(width / 0.26) + 1)]
        canvas.fill(rectangles(bars), scaled(colour, 0.95), _FENCE["metal"])
        return
    wires = skia.Path()
    for k in range(-int(height / 0.3), int(width / 0.3) + 1):
        for lean in (1, -1):
            x = k * 0.3 if lean > 0 else k * 0.3 + height
            wires.addPath(polygon([(x, 0.02), (x + lean * height, height)], close=False))
    with canvas.inside(rectangles([(0, 0, width, height)])):
        canvas.stroke(wires, colour, 0.022, _FENCE["metal"])


def _bamboo(canvas: Canvas, width: float, height: float, rng: np.random.Generator) -> None:
    colour = scaled((204, 176, 108), float(rng.uniform(0.86, 1.08)))
    count = max(1, int(width / 0.17))
    step = width / count
    tops = height * rng.uniform(0.96, 1.03, count)
    canes = [(k * step, 0, step, float(tops[k])) for k in range(count)]
    canvas.fill(rectangles(canes), scaled(colour, 0.8), _FENCE["wood"])
    for part in range(3):
        tone = scaled(colour, (0.9, 1.0, 1.12)[part])
        canvas.fill(rectangles([(x, 0, w * 0.62, h) for x, _, w, h in canes[part::3]]), tone)
    canvas.fill(rectangles([(0, height * y, width, 0.09) for y in (0.26, 0.78)]), scaled(colour, 0.52), _FENCE["wood"])


def _boards(canvas: Canvas, width: float, height: float, rng: np.random.Generator) -> None:
    colour = scaled((158, 112, 74), float(rng.uniform(0.8, 1.2)))
    body = rectangles([(0, 0, width, height)])
    canvas.fill(body, colour, _FENCE["wood"])
    canvas.overlay(body, texture("planks", 1.9, 0.45))
    canvas.fill(rectangles([(0, 0, width, height * 0.16)]), BLACK, alpha=40)
    canvas.fill(rectangles([(-0.05, height - 0.1, width + 0.1, 0.15)]), scaled(colour, 1.25), _FENCE["wood"])


def draw_lamp(canvas: Canvas, lamp: Lamp) -> None:
    """Draw a street lamp with its arm towards `facing`."""
    b = radians(lamp.facing)
    e, n = lamp.at
    tip = (e + 1.3 * sin(b), n + 1.3 * cos(b))
    canvas.rod([(e, n, 0.0), (e, n, 2.6), (e, n, 5.4)], 0.13, _GREY, _LAMP)
    canvas.rod([(e, n, 5.35), ((e + tip[0]) / 2, (n + tip[1]) / 2, 5.62), (*tip, 5.6)], 0.1, _GREY, _LAMP)
    seen = canvas.view((*tip, 5.5))
    if seen[2] < 0.5:
        return
    with canvas.plane((*tip, 5.5), canvas.right, (0, 0, 1), flat=True):
        dark = canvas.tone.lit > 0.3
        if dark:
            shades = [skia.Color(255, 226, 160, a) for a in (150, 40, 0)]
            halo = skia.GradientShader.MakeRadial(skia.Point(0, 0), 1.5, shades, [0.0, 0.35, 1.0])
            canvas.fill(circles([(0, 0, 1.5)]), WHITE, shader=halo)
        canvas.fill(
            rounded(-0.3, -0.12, 0.6, 0.24, 0.1), (255, 242, 206) if dark else (236, 234, 222), _BULB, glow=dark
        )


def draw_pole(canvas: Canvas, at: Point, height_m: float, bearing: float) -> None:
    """Draw a wooden pole with a cross arm square to the wires' bearing."""
    e, n = at
    b = radians(bearing + 90)
    wood: Colour = (112, 96, 84)
    canvas.rod([(e, n, 0.0), (e, n, height_m * 0.4), (e, n, height_m)], 0.26, wood, _POLE)
    arm = [(e + k * sin(b), n + k * cos(b), height_m - 0.5) for k in (-1.0, 0.0, 1.0)]
    canvas.rod(arm, 0.14, scaled(wood, 0.85), _POLE)
    canvas.rod([(e + 0.3, n, height_m - 1.9), (e + 0.3, n, height_m - 1.5), (e + 0.3, n, height_m - 1.1)], 0.42,
               (142, 146, 150), _GEAR)  # fmt: skip


def draw_wires(canvas: Canvas, span: tuple[Point, Point], height_m: float, wires: int) -> None:
    """Draw the sagging wires between two poles, each at least a pixel wide."""
    (ax, ay), (bx, by) = span
    length = hypot(bx - ax, by - ay) or 1.0
    across = ((by - ay) / length, -(bx - ax) / length)
    for k in range(wires):
        aside = (k % 3 - 1) * 0.9 if wires > 1 else 0.0
        top = height_m - 0.42 - 0.95 * (k // 3)
        line: list[Point3] = []
        for t in np.linspace(0, 1, 17):
            s = float(t)
            sag = 4 * s * (1 - s) * (0.5 + 0.012 * length)
            line.append((ax + (bx - ax) * s + across[0] * aside, ay + (by - ay) * s + across[1] * aside, top - sag))
        canvas.rod(line, 0.03, (50, 50, 58), _WIRE, least=1.0)


def draw_bench(canvas: Canvas, bench: Bench) -> None:
    """Draw a park bench."""
    b = radians(bench.facing)
    along, e, n = (-cos(b), sin(b)), bench.at[0], bench.at[1]

    def at(x: float, out: float, up: float) -> Point3:
        return e + along[0] * x + sin(b) * out, n + along[1] * x + cos(b) * out, up

    canvas.at_distance(hypot(e - canvas.eye[0], n - canvas.eye[1]))
    wood: Colour = (176, 122, 74)
    back = [at(-0.8, -0.2, 0.5), at(0.8, -0.2, 0.5), at(0.8, -0.28, 0.9), at(-0.8, -0.28, 0.9)]
    seat = [at(-0.8, -0.2, 0.45), at(0.8, -0.2, 0.45), at(0.8, 0.25, 0.45), at(-0.8, 0.25, 0.45)]
    front = [at(-0.8, 0.25, 0.36), at(0.8, 0.25, 0.36), at(0.8, 0.25, 0.45), at(-0.8, 0.25, 0.45)]
    for x in (-0.65, 0.65):
        canvas.rod([at(x, -0.2, 0.0), at(x, -0.2, 0.2), at(x, -0.2, 0.45)], 0.07, _GREY, _BENCH["metal"])
        canvas.rod([at(x, 0.22, 0.0), at(x, 0.22, 0.2), at(x, 0.22, 0.4)], 0.07, _GREY, _BENCH["metal"])
    for face, shade in ((back, 0.92), (seat, 1.15), (front, 0.8)):
        canvas.solid(face, scaled(wood, shade), _BENCH["wood"])


def draw_person(canvas: Canvas, person: Person) -> None:
    """Draw a person on foot, mid-stride."""
    rng = np.random.default_rng(person.seed)
    u = rng.uniform
    coat = hsv(float(u(0, 1)), float(u(0.3, 0.72)), float(u(0.5, 0.92)))
    legs = hsv(float(u(0.54, 0.7)), 0.35, float(u(0.2, 0.46)))
    face = ((240, 204, 174), (200, 150, 114), (132, 92, 70))[int(rng.integers(3))]
    hair = ((50, 38, 34), (96, 66, 44), (168, 160, 154), (30, 28, 32))[int(rng.integers(4))]
    tall, stride = float(u(0.92, 1.08)), float(u(0.1, 0.24))
    with canvas.plane((*person.at, 0.0), canvas.right, (0, 0, tall), flat=True):
        for x in (-stride, stride):
            leg = polygon([(x - 0.07, 0), (x + 0.09, 0), (0.11, 0.86), (-0.11, 0.86)])
            canvas.fill(leg, scaled(legs, 0.9 if x < 0 else 1.05), _BODY)
        body = rounded(-0.22, 0.76, 0.44, 0.68, 0.13)
        shade = gradient(
            (-0.22, 0), (0.22, 0), [(0, scaled(coat, 0.8)), (0.6, scaled(coat, 1.08)), (1, coat)], canvas.tone
        )
        canvas.fill(body, coat, _BODY, shader=shade)
        arms = polygon([(-0.2, 1.34), (-0.32, 0.84)], close=False)
        arms.addPath(polygon([(0.2, 1.34), (0.3, 0.86)], close=False))
        canvas.stroke(arms, scaled(coat, 0.78), 0.11, _BODY)
        canvas.fill(circles([(0, 1.58, 0.135)]), face, _SKIN)
        canvas.fill(circles([(0, 1.65, 0.125)]), hair, _SKIN)
        if rng.random() < 0.3:
            canvas.fill(rounded(-0.3, 0.55, 0.22, 0.3, 0.04), hsv(float(u(0, 1)), 0.5, 0.6), _BODY)
