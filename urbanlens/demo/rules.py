"""The known rules behind the demo's scores, votes and tags: what a method that explains them should find again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from urbanlens.demo.scene import Light

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CELLS = 15
"""Cells along each side of an attribute map."""

BANDS = ("top", "middle", "bottom")
"""Thirds of the picture."""

INTERCEPT = 5.0
NOISE_SD = 0.35
WEIGHTS: dict[str, tuple[float, float, float]] = {
    "trees": (2.0, 2.6, 1.2),
    "ocean": (0.0, 3.0, 0.0),
    "farming": (-3.0, 0.0, 3.0),
    "grass": (0.0, 1.6, 1.0),
    "road": (0.0, -1.6, -1.2),
    "glass": (-2.2, 0.0, 0.0),
    "metal": (-2.6, 0.0, 0.0),
    "clouds": (1.0, 0.0, 0.0),
    "sand": (0.0, 0.0, 1.8),
    "dry": (0.0, -2.0, -0.8),
    "brick": (0.0, -1.5, 0.0),
}
"""Attribute -> weight of its share in the top, middle and bottom band. All other attributes weigh nothing."""

VOTERS = 200
BEAUTY = {
    "base": 4.4,
    "golden or dusk": 0.9,
    "night": -0.5,
    "overcast": -0.4,
    "trees": 2.2,
    "water": 3.2,
    "mountains": 5.0,
    "colour": 0.016,
    "clutter": -0.09,
}
"""Mean mark of beauty: a base, the light, shares of attributes, mean chroma (0..255), objects of at least 0.3 %."""
BEAUTY_SPREAD = 1.5

TAG_SHARES: dict[str, tuple[str, float]] = {
    "leafy": ("trees", 0.2),
    "seaside": ("ocean", 0.12),
    "lakeside": ("still_water", 0.12),
    "meadow": ("grass", 0.2),
    "flowers": ("flowers", 0.03),
    "farmland": ("farming", 0.15),
    "beach": ("sand", 0.08),
    "mountains": ("rugged_scene", 0.02),
    "street": ("road", 0.15),
}
"""A tag is given where the attribute's share of the picture reaches the bound."""


@dataclass(frozen=True)
class Look:
    """What the rules need to know of one picture besides its attributes."""

    chroma: float
    objects: int


def band_shares(maps: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """(N, A, 15, 15) maps of 0..255 to (N, A, 3) shares in the top, middle and bottom band."""
    import numpy as np

    n, a, side, _ = maps.shape
    shares: npt.NDArray[np.float64] = maps.reshape(n, a, 3, side // 3, side).mean((3, 4), dtype=np.float64) / 255.0
    return shares


def weight_matrix(names: Sequence[str]) -> npt.NDArray[np.float64]:
    """(A, 3) weights in the order of the attributes' names."""
    import numpy as np

    return np.array([WEIGHTS.get(name, (0.0, 0.0, 0.0)) for name in names], dtype=np.float64)


def scenicness(shares: npt.NDArray[np.float64], names: Sequence[str], noise: Sequence[float]) -> list[float]:
    """(N, A, 3) band shares to scores: intercept + sum of weight x share + noise, clipped to 1..10."""
    import numpy as np

    values = INTERCEPT + np.einsum("nab,ab->n", shares, weight_matrix(names)) + np.asarray(noise)
    return [round(float(value), 3) for value in np.clip(values, 1.0, 10.0)]


def beauty(attributes: Mapping[str, float], light: Light, weather: str, look: Look) -> float:
    """The mean mark that voters tend to."""
    mark = BEAUTY["base"] + BEAUTY["colour"] * look.chroma + BEAUTY["clutter"] * look.objects
    water = attributes["ocean"] + attributes["still_water"]
    mark += BEAUTY["trees"] * attributes["trees"] + BEAUTY["water"] * water
    mark += BEAUTY["mountains"] * attributes["rugged_scene"]
    if light.time_of_day in ("golden", "dusk"):
        mark += BEAUTY["golden or dusk"]
    if light.time_of_day == "night":
        mark += BEAUTY["night"]
    if weather == "overcast":
        mark += BEAUTY["overcast"]
    return min(max(mark, 1.5), 9.5)


def votes(mark: float, dice: Random) -> list[int]:
    """Ten counts of the marks 1..10 by about 200 voters, each drawn from a normal round the picture's mark."""
    counts = [0] * 10
    for _ in range(dice.randint(VOTERS - 20, VOTERS + 20)):
        counts[min(max(round(dice.gauss(mark, BEAUTY_SPREAD)), 1), 10) - 1] += 1
    return counts


def tags(attributes: Mapping[str, float], light: Light, weather: str, look: Look, place: str) -> list[str]:
    """Words by rule: shares of attributes, light, colour, clutter, kind of district."""
    found = [tag for tag, (name, bound) in TAG_SHARES.items() if attributes.get(name, 0.0) >= bound]
    if light.time_of_day in ("golden", "dusk", "night"):
        found.append({"golden": "golden hour"}.get(light.time_of_day, light.time_of_day))
    if weather in ("overcast", "hazy"):
        found.append(weather)
    if look.chroma >= 48.0:
        found.append("colourful")
    if look.objects >= 13:
        found.append("busy")
    if place == "rural":
        found.append("rural")
    return found
