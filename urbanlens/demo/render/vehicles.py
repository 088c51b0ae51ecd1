"""Cars, vans, buses and boats: an outline seen from the side, given its breadth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin

import numpy as np

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import label
from urbanlens.demo.render.palette import WHITE, Colour, hsv, mixed, scaled, sunward
from urbanlens.demo.scene import Light, Point, Point3, Vehicle

Outline = tuple[Point, ...]


@dataclass(frozen=True)
class Shape:
    """A vehicle's outline (ahead, up) from the rear's foot over the roof to the bow's, its half breadth, its parts."""

    outline: Outline
    half_m: float
    windows: tuple[Outline, ...]
    panes: tuple[int, ...]
    """Edges of the outline that are glass: wind screens."""
    wheels: tuple[float, ...]
    material: str


SHAPES: dict[str, Shape] = {
    "car": Shape(
        ((-2.05, 0.3), (-2.1, 0.85), (-1.75, 0.98), (-1.2, 1.45), (0.35, 1.47), (1.0, 1.0), (1.95, 0.84), (2.1, 0.3)),
        0.86,
        (
            ((-1.6, 0.98), (-1.12, 1.37), (-0.4, 1.39), (-0.4, 0.98)),
            ((-0.3, 0.98), (-0.3, 1.39), (0.3, 1.39), (0.85, 0.98)),
        ),
        (2, 4),
        (-1.3, 1.3),
        "transport",
    ),
    "van": Shape(
        ((-2.3, 0.35), (-2.35, 1.95), (-2.2, 2.05), (1.1, 2.05), (1.75, 1.15), (2.3, 0.98), (2.35, 0.35)),
        0.95,
        (((0.05, 1.15), (0.05, 1.85), (0.95, 1.85), (1.4, 1.15)), ((-2.0, 1.2), (-2.0, 1.8), (-1.2, 1.8), (-1.2, 1.2))),
        (3,),
        (-1.45, 1.5),
        "transport",
    ),
    "bus": Shape(
        ((-5.4, 0.35), (-5.45, 2.9), (-5.2, 3.1), (5.2, 3.1), (5.45, 2.7), (5.5, 0.35)),
        1.25,
        tuple(((x, 1.35), (x, 2.5), (x + 1.35, 2.5), (x + 1.35, 1.35)) for x in (-5.0, -3.4, -1.8, -0.2, 1.4, 3.0)),
        (4,),
        (-3.4, 3.5),
        "transport",
    ),
    "boat": Shape(((-2.4, 0.0), (-2.6, 0.75), (2.2, 0.75), (3.2, 0.95), (2.3, 0.0)), 0.95, (), (), (), "transport"),
}


class _Frame:
    """A vehicle's own axes: ahead, to its left, up."""

    def __init__(self, vehicle: Vehicle) -> None:
        h = radians(vehicle.heading)
        self.at, self.ahead, self.left = vehicle.at, (sin(h), cos(h)), (-cos(h), sin(h))

    def point(self, x: float, y: float, z: float) -> Point3:
        return (
            self.at[0] + self.ahead[0] * x + self.left[0] * y,
            self.at[1] + self.ahead[1] * x + self.left[1] * y,
            z,
        )


def draw_vehicle(canvas: Canvas, vehicle: Vehicle, light: Light) -> None:
    """Draw the faces of a vehicle that the camera sees, farthest first."""
    rng = np.random.default_rng(vehicle.seed)
    shape, frame = SHAPES[vehicle.kind], _Frame(vehicle)
    canvas.at_distance(max(hypot(vehicle.at[0] - canvas.eye[0], vehicle.at[1] - canvas.eye[1]), 1.0))
    colour = _colour(vehicle.kind, rng)
    body, glass = label(vehicle.kind, shape.material), label(vehicle.kind, "glass")
    e, n = canvas.eye[0] - vehicle.at[0], canvas.eye[1] - vehicle.at[1]
    ahead, aside = e * frame.ahead[0] + n * frame.ahead[1], e * frame.left[0] + n * frame.left[1]
    if vehicle.kind == "boat":
        _rigging(canvas, frame)
    _strip(canvas, shape, frame, (ahead, canvas.eye[2]), (colour, body, glass), vehicle, light)
    if abs(aside) > shape.half_m:
        side = 1.0 if aside > 0 else -1.0
        sunny = sunward(light, vehicle.heading + (-90 if side > 0 else 90))
        _side(canvas, shape, frame, side, (scaled(colour, sunny), body, glass))


def _colour(kind: str, rng: np.random.Generator) -> Colour:
    if kind == "bus":
        return ((206, 62, 48), (60, 128, 96), (236, 186, 70), (62, 108, 170))[int(rng.integers(4))]
    if kind == "van":
        return ((240, 238, 230), (240, 238, 230), (120, 150, 176), (206, 180, 120))[int(rng.integers(4))]
    if kind == "boat":
        return ((244, 240, 230), (60, 110, 150), (190, 70, 56))[int(rng.integers(3))]
    if rng.random() < 0.45:
        return hsv(0.1, 0.04, float(rng.choice([0.24, 0.5, 0.76, 0.95])))
    return hsv(float(rng.choice([0.0, 0.02, 0.09, 0.13, 0.36, 0.56, 0.62])), float(rng.uniform(0.5, 0.78)),
               float(rng.uniform(0.55, 0.9)))  # fmt: skip


def _strip(
    canvas: Canvas,
    shape: Shape,
    frame: _Frame,
    eye: Point,
    inks: tuple[Colour, tuple[int, int], tuple[int, int]],
    vehicle: Vehicle,
    light: Light,
) -> None:
    """The band over the outline: rear, roof, screens, bonnet, bow; each edge that faces the eye."""
    colour, body, glass = inks
    faces = []
    for k, (a, b) in enumerate(zip(shape.outline[:-1], shape.outline[1:], strict=True)):
        out = (-(b[1] - a[1]), b[0] - a[0])  # outward of an outline that runs from rear over top to bow
        if (eye[0] - a[0]) * out[0] + (eye[1] - a[1]) * out[1] > 0:
            middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
            faces.append((hypot(eye[0] - middle[0], eye[1] - middle[1]), k, a, b, out))
    for _, k, a, b, out in sorted(faces, reverse=True):
        w = shape.half_m
        steep = out[0] / max(hypot(*out), 1e-6)
        sunny = sunward(light, vehicle.heading + (0 if steep > 0 else 180)) if abs(steep) > 0.6 else 1.12
        quad = [
            frame.point(a[0], w, a[1]),
            frame.point(b[0], w, b[1]),
            frame.point(b[0], -w, b[1]),
            frame.point(a[0], -w, a[1]),
        ]
        canvas.solid(quad, scaled(colour, sunny), body)
        if k in shape.panes:
            _pane(canvas, frame, (a, b), w, glass)
    last = len(shape.outline) - 2
    for _, k, a, b, _ in faces:
        if k in (0, last) and vehicle.kind != "boat":
            _lights(canvas, frame, (a, b), shape, front=k == last)
        if k == 0 and vehicle.kind in ("van", "bus"):
            top = (a[0] + (b[0] - a[0]) * 0.92, a[1] + (b[1] - a[1]) * 0.92)
            low = (a[0] + (b[0] - a[0]) * 0.55, a[1] + (b[1] - a[1]) * 0.55)
            _pane(canvas, frame, (low, top), shape.half_m, glass)


def _pane(canvas: Canvas, frame: _Frame, edge: tuple[Point, Point], half: float, glass: tuple[int, int]) -> None:
    (ax, az), (bx, bz) = edge
    low, high = 0.1, 0.9
    a, b = (ax + (bx - ax) * low, az + (bz - az) * low), (ax + (bx - ax) * high, az + (bz - az) * high)
    w = half * 0.86
    quad = [
        frame.point(a[0], w, a[1]),
        frame.point(b[0], w, b[1]),
        frame.point(b[0], -w, b[1]),
        frame.point(a[0], -w, a[1]),
    ]
    canvas.solid(quad, mixed((44, 56, 72), canvas.tone.middle, 0.3), glass)
    glint = [quad[0], quad[1], frame.point(b[0], w * 0.2, b[1]), frame.point(a[0], w * 0.6, a[1])]
    canvas.solid(glint, mixed(canvas.tone.horizon, WHITE, 0.3), alpha=60)


def _lights(canvas: Canvas, frame: _Frame, edge: tuple[Point, Point], shape: Shape, *, front: bool) -> None:
    (ax, az), (bx, bz) = (edge[1], edge[0]) if front else edge
    glow = canvas.tone.lit > 0.3

    def strip(y0: float, y1: float, t0: float, t1: float, colour: Colour, *, shines: bool) -> None:
        corners = [(ax + (bx - ax) * t, y, az + (bz - az) * t) for y, t in ((y0, t0), (y1, t0), (y1, t1), (y0, t1))]
        seen = [frame.point(*c) for c in corners]
        canvas.solid(seen, tuple(c / t for c, t in zip(colour, canvas.tone.tint, strict=True)) if shines else colour)  # type: ignore[arg-type]

    tall = abs(bz - az)
    low, high = (0.45, 0.75) if tall < 1 else (0.2, 0.32)
    paint: Colour = (255, 246, 214) if front else (232, 44, 36)
    for y in (-1, 1):
        strip(y * shape.half_m * 0.62, y * shape.half_m * 0.94, low, high, paint, shines=glow)
    strip(-0.24, 0.24, low * 0.6, high * 0.75, (232, 230, 216), shines=False)
    strip(-shape.half_m, shape.half_m, 0.0, low * 0.4, (52, 52, 58), shines=False)


def _side(
    canvas: Canvas, shape: Shape, frame: _Frame, side: float, inks: tuple[Colour, tuple[int, int], tuple[int, int]]
) -> None:
    colour, body, glass = inks
    w = shape.half_m * side

    def flank(points: Sequence[Point], grow: float = 1.0) -> list[Point3]:
        return [frame.point(x, w * grow, z) for x, z in points]

    canvas.solid(flank(shape.outline), colour, body)
    sill = [(x, z) for x, z in ((shape.outline[0][0], 0.3), (shape.outline[0][0], 0.5),
                                (shape.outline[-1][0], 0.5), (shape.outline[-1][0], 0.3))]  # fmt: skip
    canvas.solid(flank(sill), scaled(colour, 0.7), body)
    for window in shape.windows:
        canvas.solid(flank(window), mixed((44, 56, 72), canvas.tone.middle, 0.22), glass)
    for x in shape.wheels:
        turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        for radius, tone in ((0.36, (34, 34, 38)), (0.2, (150, 152, 156))):
            rim = [(x + radius * float(np.cos(t)), 0.36 + radius * float(np.sin(t))) for t in turns]
            canvas.solid(flank(rim, 1.01), tone, body if radius > 0.3 else None)


def _rigging(canvas: Canvas, frame: _Frame) -> None:
    mast, sail = label("boat", "wood"), label("boat", "cloth")
    canvas.rod(
        [frame.point(0.3, 0, 0.6), frame.point(0.3, 0, 2.6), frame.point(0.3, 0, 5.2)], 0.1, (150, 116, 80), mast
    )
    canvas.solid(
        [frame.point(0.2, 0, 1.1), frame.point(-2.2, 0.3, 1.2), frame.point(0.2, 0, 5.0)], (248, 240, 224), sail
    )
    canvas.solid(
        [frame.point(0.45, 0, 1.1), frame.point(2.6, -0.2, 1.0), frame.point(0.45, 0, 4.6)], (240, 214, 176), sail
    )
