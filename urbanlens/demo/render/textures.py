"""Tileable grain: small pictures of transparent light and dark that are laid over flat colours in perspective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skia
from numpy.typing import NDArray

_SIDE = 128


def _noise(exponent: float, seed: int, squeeze: float = 1.0) -> NDArray[np.float64]:
    """Return periodic noise (side, side) in -1..1 with spectrum 1/f**exponent, drawn out along x by `squeeze`."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(_SIDE)[:, None], np.fft.fftfreq(_SIDE)[None, :]
    radius = np.hypot(fx * squeeze, fy)
    radius[0, 0] = 1
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((_SIDE, _SIDE))) / radius**exponent).real
    return np.asarray(np.clip((field - field.mean()) / (2.4 * field.std()), -1, 1))


def _brick() -> NDArray[np.float64]:
    """Return 8 courses of bricks: dark joints and a tone of its own for each brick."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    course = y // 16
    brick = ((x + (course % 2) * 16) // 32) % 4
    tones = rng.uniform(-0.35, 0.35, (8, 4))[course, brick]
    joint = (y % 16 < 2) | ((x + (course % 2) * 16) % 32 < 2)
    return np.asarray(np.where(joint, 0.55, tones))


def _rows(count: int, share: float, depth: float, upright: bool = False) -> NDArray[np.float64]:
    """Return `count` dark lines, each this share of its step, over faint grain."""
    y, x = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    line = ((x if upright else y) * count) % 1 < share
    return np.asarray(np.where(line, -depth, 0.0) + 0.12 * _noise(0.6, 8))


def _paving() -> NDArray[np.float64]:
    """Return 4 by 4 slabs with dark joints."""
    rng = np.random.default_rng(6)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    tones = rng.uniform(-0.2, 0.2, (4, 4))[y // 32, x // 32]
    return np.asarray(np.where((y % 32 < 2) | (x % 32 < 2), -0.6, tones) + 0.1 * _noise(0.4, 9))


def _blades() -> NDArray[np.float64]:
    return np.asarray(0.55 * _noise(1.1, 2) + 0.6 * _noise(0.35, 3, 0.4))


def _furrows() -> NDArray[np.float64]:
    y = np.mgrid[:_SIDE, :_SIDE][0] / _SIDE
    return np.asarray(0.75 * np.sin(2 * np.pi * 4 * y) + 0.35 * _noise(0.5, 4))


_FIELDS: dict[str, Callable[[], NDArray[np.float64]]] = {
    "grain": lambda: _noise(0.35, 1),
    "cloudy": lambda: _noise(1.5, 11),
    "blades": _blades,
    "brick": _brick,
    "planks": lambda: _rows(8, 0.1, 0.7, upright=True),
    "ribs": lambda: _rows(16, 0.35, 0.4, upright=True),
    "paving": _paving,
    "furrows": _furrows,
    "ripples": lambda: _noise(1.1, 7, 6.0),
    "wisps": lambda: np.clip(1.6 * _noise(1.25, 15, 3.0) - 0.1, 0, 1),
    "leaves": lambda: 0.8 * _noise(0.9, 13) + 0.3 * _noise(0.2, 14),
}


@lru_cache(maxsize=64)
def _picture(name: str, strength: float) -> skia.Image:
    field = np.clip(_FIELDS[name]() * strength, -1, 1)
    alpha = np.round(np.abs(field) * 255)
    pixels = np.zeros((_SIDE, _SIDE, 4), np.uint8)
    pixels[..., :3] = np.where(field > 0, alpha, 0)[..., None]  # premultiplied: white where light, black where dark
    pixels[..., 3] = alpha
    info = skia.ImageInfo.Make(_SIDE, _SIDE, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    image = skia.Image.MakeRasterData(info, skia.Data.MakeWithCopy(pixels.tobytes()), _SIDE * 4)
    return image.withDefaultMipmaps()


@lru_cache(maxsize=64)
def _paint(name: str, strength: float) -> skia.Paint:
    """Return the paint of a repeating tile, a side one unit long; kept, for a paint copies its picture when made."""
    sampling = skia.SamplingOptions(skia.FilterMode.kLinear, skia.MipmapMode.kLinear)
    scale = skia.Matrix.Scale(1 / _SIDE, 1 / _SIDE)
    shader = _picture(name, strength).makeShader(skia.TileMode.kRepeat, skia.TileMode.kRepeat, sampling, scale)
    return skia.Paint(AntiAlias=True, Shader=shader)


@dataclass(frozen=True)
class Texture:
    """A paint and the matrix from its tile (one unit a side) to metres."""

    paint: skia.Paint
    matrix: skia.Matrix


def texture(
    name: str, side_m: float, strength: float = 0.3, *, turn: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)
) -> Texture:
    """Return a repeating overlay whose tile is `side_m` wide on the plane, turned by degrees, moved by metres."""
    matrix = skia.Matrix.Translate(float(shift[0]), float(shift[1]))
    matrix.preRotate(float(turn))
    matrix.preScale(float(side_m), float(side_m))
    return Texture(_paint(name, round(strength, 2)), matrix)
