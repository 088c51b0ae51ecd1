"""Colours: the hour's sky and light, the season's greens, and a little arithmetic on colours."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

from urbanlens.demo.scene import Light, TimeOfDay

Colour = tuple[float, float, float]
"""Red, green, blue in 0..255; may run over before it is drawn."""
Random = np.random.Generator

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Tone:
    """The palette of an hour: sky from zenith to horizon, light's tint, sun, share of lit windows."""

    zenith: Colour
    middle: Colour
    horizon: Colour
    cloud: Colour
    cloud_shade: Colour
    tint: Colour
    sun: Colour
    sun_elevation: float
    shadow: float
    lit: float
    bloom: float


TONES: dict[TimeOfDay, Tone] = {
    "day": Tone(
        (64, 132, 214), (122, 180, 232), (206, 228, 240), (255, 253, 248), (206, 216, 230),
        (1.0, 0.99, 0.96), (255, 248, 224), 46, 0.42, 0.0, 0.0,
    ),
    "clear": Tone(
        (32, 100, 198), (84, 156, 226), (178, 216, 242), (255, 255, 252), (212, 222, 236),
        (1.05, 1.03, 0.97), (255, 250, 230), 54, 0.48, 0.0, 0.0,
    ),
    "overcast": Tone(
        (142, 154, 170), (176, 186, 196), (212, 216, 216), (226, 228, 228), (164, 174, 186),
        (0.88, 0.91, 0.94), (236, 236, 232), 60, 0.16, 0.1, 0.0,
    ),
    "golden": Tone(
        (92, 128, 190), (206, 182, 172), (255, 208, 138), (255, 232, 196), (214, 158, 148),
        (1.1, 0.95, 0.76), (255, 226, 160), 14, 0.46, 0.22, 0.25,
    ),
    "dusk": Tone(
        (50, 52, 112), (150, 92, 138), (246, 150, 116), (238, 148, 136), (112, 78, 128),
        (0.78, 0.66, 0.74), (255, 186, 134), 5, 0.2, 0.62, 0.6,
    ),
    "night": Tone(
        (16, 24, 62), (34, 46, 94), (78, 82, 132), (74, 82, 128), (40, 48, 92),
        (0.47, 0.52, 0.72), (236, 240, 255), 34, 0.22, 0.8, 1.0,
    ),
}  # fmt: skip


def scaled(colour: Colour, factor: float | Colour) -> Colour:
    """Return a colour times a factor, or times one factor a channel."""
    r, g, b = factor if isinstance(factor, tuple) else (factor, factor, factor)
    return colour[0] * r, colour[1] * g, colour[2] * b


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """Return a mix of two colours with this share of the second."""
    return (
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        a[2] + (b[2] - a[2]) * share,
    )


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return a colour of hue (turns), saturation and value (0..1, clipped)."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return 255 * r, 255 * g, 255 * b


def sunward(light: Light, normal_bearing: float) -> float:
    """Return the brightness factor of an upright wall that looks to a bearing."""
    tone = TONES[light.time_of_day]
    facing = cos(radians(light.sun_bearing - normal_bearing))
    depth = 0.12 if light.time_of_day in ("overcast", "night") else 0.24
    return (1 - depth * 0.55) + depth * facing * (1 if tone.sun_elevation < 50 else 0.8)


def sun_direction(light: Light) -> Colour:
    """Return the unit vector to the sun or moon: east, north, up."""
    e, b = radians(TONES[light.time_of_day].sun_elevation), radians(light.sun_bearing)
    return sin(b) * cos(e), cos(b) * cos(e), sin(e)


GRASS: dict[str, Colour] = {
    "spring": (124, 172, 84),
    "summer": (104, 154, 74),
    "autumn": (150, 148, 84),
    "winter": (158, 154, 118),
}
