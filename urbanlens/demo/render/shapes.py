"""Paths and gradients: the vocabulary of the painter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import skia

from urbanlens.demo.render.palette import Colour, Tone, scaled


def byte(value: float) -> int:
    """Return a channel cut to 0..255."""
    return 0 if value < 0 else 255 if value > 255 else int(value)


def rectangles(boxes: Iterable[tuple[float, float, float, float]]) -> skia.Path:
    """Return one path of rectangles (x, y, width, height)."""
    path = skia.Path()
    for x, y, w, h in boxes:
        path.addRect(skia.Rect.MakeXYWH(float(x), float(y), float(w), float(h)))
    return path


def circles(discs: Iterable[tuple[float, float, float]]) -> skia.Path:
    """Return one path of circles (x, y, radius)."""
    path = skia.Path()
    for x, y, r in discs:
        path.addCircle(float(x), float(y), float(r))
    return path


def rounded(x: float, y: float, w: float, h: float, radius: float) -> skia.Path:
    """Return the path of a rectangle with round corners."""
    path = skia.Path()
    path.addRoundRect(skia.Rect.MakeXYWH(float(x), float(y), float(w), float(h)), float(radius), float(radius))
    return path


def polygon(points: Iterable[tuple[float, float]], *, close: bool = True) -> skia.Path:
    """Return the path of a polygon, or of a broken line."""
    path = skia.Path()
    path.addPoly([skia.Point(float(x), float(y)) for x, y in points], close)
    return path


def gradient(
    start: tuple[float, float], end: tuple[float, float], stops: Sequence[tuple[float, Colour]], tone: Tone
) -> skia.Shader:
    """Return a linear gradient of (place in 0..1, colour) stops, tinted by the hour."""
    shades = [skia.Color(*[byte(c) for c in scaled(colour, tone.tint)]) for _, colour in stops]
    ends = [skia.Point(float(start[0]), float(start[1])), skia.Point(float(end[0]), float(end[1]))]
    return skia.GradientShader.MakeLinear(ends, shades, [place for place, _ in stops])
