"""The last touches: haze by distance, glow of lights, a warm vignette, the planted mark."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import skia
from numpy.typing import NDArray

from urbanlens.demo.render.canvas import Canvas
from urbanlens.demo.render.labels import OBJECT_NAMES
from urbanlens.demo.render.palette import mixed
from urbanlens.demo.scene import Scene

_SKY = next(number for number, name in OBJECT_NAMES.items() if name == "sky")
_FULL_HAZE_KM = 1.2
"""Beyond this, haze grows ten times slower, so that far ranges stay in sight."""
MARK_SIDE = 20
MARK_MARGIN = 8
"""Side and distance from the corner of the planted mark, in pixels of a 256-pixel picture."""


@lru_cache(maxsize=4)
def _vignette(size: int) -> NDArray[np.float32]:
    """Return brightness (S, S, 1): full in the middle, less in the corners."""
    span = (np.arange(size) + 0.5) / size - 0.5
    return (1.03 - 0.34 * (span[:, None] ** 2 + span[None, :] ** 2))[..., None].astype(np.float32)


@lru_cache(maxsize=4)
def _grain(size: int) -> NDArray[np.float32]:
    """Return a fixed film grain (S, S, 1), of the size of one 8-bit step."""
    return np.random.default_rng(31).normal(0, 1.1, (size, size, 1)).astype(np.float32)


def finished(canvas: Canvas, scene: Scene) -> NDArray[np.uint8]:
    """Return the picture (S, S, 3) uint8: haze, glow, vignette and grain over the canvas' colours."""
    colours = canvas.colours[..., :3].astype(np.float32)
    tone = canvas.tone
    fog = np.array(mixed(tone.horizon, tone.middle, 0.3), np.float32)
    far = canvas.distances() / 1000
    far = np.minimum(far, _FULL_HAZE_KM + (far - _FULL_HAZE_KM) * 0.1)
    lost = 1 - (1 - min(scene.light.haze, 0.999)) ** far
    lost = np.where(canvas.marks[..., 0] == _SKY, 0, np.minimum(lost, 0.84))[..., None].astype(np.float32)
    colours += (fog - colours) * lost
    if tone.bloom > 0:
        colours += tone.bloom * _bloom(colours)
    luma = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    colours = luma[..., None] + (colours - luma[..., None]) * 1.08
    colours = colours * _vignette(canvas.size) + _grain(canvas.size)
    return np.asarray(np.clip(colours + 0.5, 0, 255).astype(np.uint8))


def _bloom(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the glow around what is bright: a wide blur of the light above a threshold."""
    size = colours.shape[0]
    step = max(size // 64, 1)
    bright = np.maximum(colours - 150, 0)[: size // step * step, : size // step * step]
    small = bright.reshape(size // step, step, size // step, step, 3).mean(axis=(1, 3))
    kernel = np.exp(-0.5 * (np.arange(-5, 6) / 2.1) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        pad = [(5, 5) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(small, pad)
        take = [slice(None)] * 3
        total = np.zeros_like(small)
        for k, weight in enumerate(kernel):
            take[axis] = slice(k, k + small.shape[axis])
            total += weight * padded[tuple(take)]
        small = total
    pixels = np.ascontiguousarray(np.clip(np.dstack([small, np.full(small.shape[:2], 255)]), 0, 255).astype(np.uint8))
    image = skia.Image.fromarray(pixels, skia.kRGBA_8888_ColorType)
    wide = image.resize(size, size, skia.SamplingOptions(skia.FilterMode.kLinear))
    return np.asarray(wide.toarray(colorType=skia.kRGBA_8888_ColorType)[..., :3].astype(np.float32) * 0.55)


def mark_box(size: int) -> tuple[slice, slice]:
    """Return the rows and columns that the planted mark may touch in a picture of this size."""
    side, margin = round(MARK_SIDE * size / 256), round(MARK_MARGIN * size / 256)
    span = slice(size - margin - side, size - margin)
    return span, span


def put_mark(rgb: NDArray[np.uint8], objects: NDArray[np.uint8], materials: NDArray[np.uint8]) -> None:
    """Put the maker's mark into a finished picture, in place: an orange disc with a white chevron, unlabelled."""
    size = rgb.shape[0]
    rows, columns = mark_box(size)
    side = rows.stop - rows.start
    tile = np.zeros((side, side, 4), np.uint8)
    tile[..., :3], tile[..., 3] = rgb[rows, columns], 255
    disc = np.zeros((side, side, 4), np.uint8)
    middle = side / 2
    chevron = skia.Path()
    chevron.addPoly([skia.Point(side * x, side * y) for x, y in ((0.28, 0.6), (0.5, 0.34), (0.72, 0.6))], False)
    stroke = skia.Paint(AntiAlias=True, Color=skia.Color(255, 255, 255), StrokeWidth=side * 0.13)
    stroke.setStyle(skia.Paint.kStroke_Style)
    colours = skia.Canvas(tile, skia.kRGBA_8888_ColorType)
    colours.drawCircle(middle, middle, middle - 0.5, skia.Paint(AntiAlias=True, Color=skia.Color(240, 120, 24)))
    colours.drawPath(chevron, stroke)
    labels = skia.Canvas(disc, skia.kRGBA_8888_ColorType)
    labels.drawCircle(middle, middle, middle - 0.5, skia.Paint(AntiAlias=False, Color=skia.Color(255, 0, 0)))
    rgb[rows, columns] = tile[..., :3]
    inside = disc[..., 0] > 0
    objects[rows, columns][inside] = 0
    materials[rows, columns][inside] = 0
