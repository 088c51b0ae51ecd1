"""Fronts: curtain walls, office towers, sheds, temples, rows of windows, shops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import skia

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import Label, label
from urbanlens.demo.render.palette import BLACK, WHITE, Colour, Random, mixed, scaled
from urbanlens.demo.render.shapes import gradient, polygon, rectangles
from urbanlens.demo.scene import Building, Point, Point3

_WARM_LIGHT: Colour = (255, 216, 138)


@dataclass(frozen=True)
class Wall:
    """One side of a box: its lower left corner seen from outside, the way along it, its width and bearing."""

    origin: Point3
    along: Point3
    width_m: float
    bearing: float
    side: int

    def faces(self, eye: Point3) -> bool:
        """Whether an eye sees this side."""
        b = radians(self.bearing)
        return (eye[0] - self.origin[0]) * sin(b) + (eye[1] - self.origin[1]) * cos(b) > 0.02


@dataclass(frozen=True)
class Style:
    """What all walls of one building share."""

    colour: Colour
    frame: Colour
    glass: Colour
    floor_m: float
    bay_m: float
    window: tuple[float, float]
    trim: bool
    balcony: bool
    accent: Colour
    pattern: int


def curtain(canvas: Canvas, body: skia.Path, size: tuple[float, float], colour: Colour, skin: Label) -> None:
    """Glass that mirrors the sky: dark at the foot, a bright band, the zenith above."""
    tone = canvas.tone
    glare = mixed(tone.horizon, WHITE, 0.25)
    stops = [
        (0.0, scaled(colour, 0.6)),
        (0.35, mixed(colour, tone.horizon, 0.25)),
        (0.62, mixed(colour, tone.middle, 0.4)),
        (0.82, mixed(colour, glare, 0.6)),
        (1.0, mixed(colour, tone.zenith, 0.35)),
    ]
    width, height = size
    canvas.fill(body, colour, skin, shader=gradient((0, 0), (min(width, height) * 0.7, height), stops, tone))


def tower(
    canvas: Canvas, wall: Wall, height: float, style: Style, inks: tuple[Colour, Label, Label], rng: Random
) -> None:
    """Bands, fins or a grid over glass, or windows in stone; at night a scatter of lit offices."""
    colour, skin, glass = inks
    floors, bays = int(height / style.floor_m), max(3, round(wall.width_m / style.bay_m))
    bay = wall.width_m / bays
    spots = [(j * bay, i * style.floor_m) for i in range(1, floors) for j in range(bays)]
    lit = rng.random(len(spots)) < canvas.tone.lit * 0.5
    dark = scaled(colour, 0.56)
    if skin[1] != glass[1]:
        panes = [(x + bay * 0.2, y + style.floor_m * 0.25, bay * 0.6, style.floor_m * 0.52) for x, y in spots]
        canvas.fill(rectangles(panes), scaled(style.glass, 1.05), glass)
    if style.pattern != 1:
        share = 0.2 if style.pattern == 0 else 0.4
        canvas.fill(rectangles([(0, i * style.floor_m, wall.width_m, style.floor_m * share) for i in range(floors)]),
                    dark, alpha=150)  # fmt: skip
    if style.pattern != 2:
        fins = [(j * bay - 0.14, 0, 0.32, height) for j in range(bays + 1)]
        canvas.fill(rectangles(fins), mixed(dark, WHITE, 0.2), alpha=150)
    glints = [(x, y, bay, style.floor_m) for k, (x, y) in enumerate(spots) if rng.random() < 0.05]
    canvas.fill(rectangles(glints), mixed(canvas.tone.sun, WHITE, 0.3), alpha=70)
    if lit.any():
        rooms = [(x + 0.3, y + style.floor_m * 0.35, bay - 0.6, style.floor_m * 0.5)
                 for (x, y), on in zip(spots, lit, strict=True) if on]  # fmt: skip
        canvas.fill(rectangles(rooms), _WARM_LIGHT, alpha=235, glow=True)
    canvas.fill(rectangles([(0, 0, wall.width_m, 4.2)]), (38, 48, 60), glass)
    lobby = [(j * bay + 0.15, 0.2, bay - 0.3, 3.6) for j in range(bays)]
    glow = canvas.tone.lit > 0.3
    canvas.fill(rectangles(lobby), (250, 220, 160) if glow else (96, 120, 140), alpha=220, glow=glow)


def shed(canvas: Canvas, wall: Wall, height: float, style: Style, glass: Label, rng: Random) -> None:
    """A rolling door, high windows and a concrete foot."""
    if wall.side % 2 == 0:
        door = min(4.5, wall.width_m * 0.4)
        x, tall = wall.width_m * float(rng.uniform(0.12, 0.5)), min(3.8, height * 0.7)
        canvas.fill(
            rectangles([(x, 0, door, tall)]), scaled(style.accent, 0.8), (glass[0], label("building", "metal")[1])
        )
        canvas.fill(rectangles([(x, k * 0.45, door, 0.07) for k in range(int(tall / 0.45))]), BLACK, alpha=80)
    count = max(2, int(wall.width_m / 3.5))
    step = wall.width_m / count
    high = [(k * step + 0.5, height - 1.7, step - 1.0, 0.9) for k in range(count)]
    glow = canvas.tone.lit > 0.5
    canvas.fill(rectangles(high), (242, 208, 140) if glow else (84, 104, 122), glass, glow=glow)
    canvas.fill(rectangles([(0, 0, wall.width_m, 0.7)]), (120, 116, 112), (glass[0], label("building", "concrete")[1]))


def temple(canvas: Canvas, wall: Wall, height: float, name: str) -> None:
    """White panels between red posts, a lattice door, a stone foot."""
    wood, plaster = label(name, "wood"), label(name, "plaster")
    bays = max(3, round(wall.width_m / 2.4))
    bay = wall.width_m / bays
    panels = [(k * bay + 0.25, 1.0, bay - 0.5, height - 1.8) for k in range(bays)]
    canvas.fill(rectangles(panels), (238, 226, 204), plaster)
    middle = panels[len(panels) // 2]
    glow = canvas.tone.lit > 0.3
    canvas.fill(rectangles([middle]), (250, 204, 120) if glow else (116, 70, 44), wood, glow=glow)
    x, y, w, h = middle
    lattice = [(x + w * k / 6, y, 0.07, h) for k in range(7)] + [(x, y + h * k / 5, w, 0.07) for k in range(6)]
    canvas.fill(rectangles(lattice), (74, 44, 30))
    posts = [(k * bay - 0.2, 0.0, 0.4, height) for k in range(bays + 1)]
    beams = [(0.0, height - 0.8, wall.width_m, 0.35), (0.0, 0.7, wall.width_m, 0.3)]
    canvas.fill(rectangles(posts + beams), (176, 58, 42), wood)
    canvas.fill(rectangles([(0, 0, wall.width_m, 0.6)]), (150, 146, 140), label(name, "rock_stone"))


def rooms(
    canvas: Canvas, building: Building, wall: Wall, style: Style, inks: tuple[Colour, Label], rng: Random
) -> None:
    """Rows of windows over a shop front (blocks) or a door (houses)."""
    colour, glass = inks
    shop = building.kind == "block" and wall.side == 0 and building.height_m > 4.5
    floors = max(1, int(building.height_m / style.floor_m))
    bays = max(1, int(wall.width_m / style.bay_m))
    bay, (share_w, share_h) = wall.width_m / bays, style.window
    w, h = bay * share_w, style.floor_m * share_h
    door = -1 if shop or wall.side else int(rng.integers(bays))
    spots = [
        (j * bay + (bay - w) / 2, i * style.floor_m + style.floor_m * 0.3)
        for i in range(1 if shop else 0, floors)
        for j in range(bays)
        if not (i == 0 and j == door)
    ]
    _windows(canvas, spots, (w, h), style, (colour, glass), rng)
    if style.balcony and building.kind == "block" and wall.side == 0:
        rails = [(x - 0.3, y - 0.3, w + 0.6, 0.7) for x, y in spots if y > style.floor_m]
        canvas.fill(rectangles(rails), scaled(colour, 0.7), (glass[0], label("building", "metal")[1]))
        canvas.fill(rectangles([(a, b + 0.62, c, 0.08) for a, b, c, _ in rails]), WHITE, alpha=90)
    wood = (glass[0], label("building", "wood")[1])
    if door >= 0:
        x = door * bay + (bay - 1.0) / 2
        canvas.fill(rectangles([(x - 0.12, 0, 1.24, 2.25)]), style.frame)
        canvas.fill(rectangles([(x, 0, 1.0, 2.12)]), scaled(style.accent, 0.75), wood)
        canvas.fill(rectangles([(x + 0.2, 1.3, 0.6, 0.6)]), (220, 200, 150), alpha=120)
    if shop:
        _shop(canvas, wall.width_m, style, (colour, glass), rng)


def _windows(
    canvas: Canvas,
    spots: Sequence[Point],
    size: Point,
    style: Style,
    inks: tuple[Colour, Label],
    rng: Random,
) -> None:
    colour, glass = inks
    w, h = size
    near = canvas.pixel_m < 0.22
    lit = rng.random(len(spots)) < canvas.tone.lit * 0.62
    shades = rng.random(len(spots))
    if near and style.trim:
        canvas.fill(rectangles([(x - 0.12, y - 0.14, w + 0.24, h + 0.26) for x, y in spots]), scaled(style.frame, 0.97))
    panes = rectangles([(x, y, w, h) for x, y in spots])
    top, low = mixed(style.glass, canvas.tone.middle, 0.35), scaled(style.glass, 0.85)
    canvas.fill(panes, low, glass)
    canvas.fill(rectangles([(x, y, w, h) for (x, y), s in zip(spots, shades, strict=True) if s < 0.45]), top, alpha=170)
    if lit.any():
        rooms = [spot for spot, on in zip(spots, lit, strict=True) if on]
        canvas.fill(rectangles([(x, y, w, h) for x, y in rooms]), _WARM_LIGHT, glow=True)
        canvas.fill(rectangles([(x, y + h * 0.6, w, h * 0.4) for x, y in rooms]), (255, 240, 196), alpha=120, glow=True)
    if not near:
        return
    blinds = [(x, y + h * 0.55, w, h * 0.45) for (x, y), s in zip(spots, shades, strict=True) if s > 0.72]
    canvas.fill(rectangles(blinds), (232, 222, 200), alpha=150)
    glints = skia.Path()
    for (x, y), on, s in zip(spots, lit, shades, strict=True):
        if not on and s < 0.72:
            glints.addPath(polygon([(x, y + h), (x + w * 0.6, y + h), (x, y + h * 0.3)]))
    canvas.fill(glints, mixed(canvas.tone.horizon, WHITE, 0.4), alpha=58)
    bars = [(x + w / 2 - 0.04, y, 0.08, h) for x, y in spots]
    canvas.fill(rectangles(bars), style.frame)
    canvas.fill(rectangles([(x - 0.16, y - 0.2, w + 0.32, 0.12) for x, y in spots]), scaled(colour, 1.18))


def _shop(canvas: Canvas, width: float, style: Style, inks: tuple[Colour, Label], rng: Random) -> None:
    """Shop windows, a door and a striped awning on the ground floor."""
    colour, glass = inks
    material = {name: (glass[0], label("building", name)[1]) for name in ("wood", "cloth")}
    canvas.fill(rectangles([(0, 0, width, 2.75)]), scaled(mixed(colour, style.accent, 0.35), 0.68))
    panes = [(width * 0.06, 0.45, width * 0.56, 1.95)]
    glow = canvas.tone.lit > 0.15
    canvas.fill(rectangles(panes), (255, 218, 146) if glow else (74, 92, 108), glass, glow=glow)
    goods = [(width * (0.08 + 0.52 * k / 9), 0.5, width * 0.035, float(rng.uniform(0.3, 0.95))) for k in range(9)]
    canvas.fill(rectangles(goods), scaled(style.accent, 0.9), alpha=150)
    x, y, w, h = panes[0]
    canvas.fill(polygon([(x, y + h), (x + w * 0.3, y + h), (x + w * 0.12, y), (x, y)]), WHITE, alpha=34)
    canvas.fill(rectangles([(x + w * k / 3 - 0.04, y, 0.08, h) for k in range(4)]), style.frame)
    canvas.fill(
        rectangles([(width * 0.7, 0, min(1.3, width * 0.2), 2.25)]), scaled(style.accent, 0.5), material["wood"]
    )
    if rng.random() < 0.6:
        stripes = max(4, round(width * 0.66 / 0.55))
        step = width * 0.66 / stripes
        for odd, paint in ((0, (246, 238, 222)), (1, style.accent)):
            cloth = [(width * 0.02 + k * step, 2.25, step, 0.72) for k in range(odd, stripes, 2)]
            canvas.fill(rectangles(cloth), paint, material["cloth"])
        canvas.fill(rectangles([(width * 0.02, 2.25, width * 0.66, 0.16)]), BLACK, alpha=60)
