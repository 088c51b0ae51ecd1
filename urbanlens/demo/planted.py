"""What `truth.json` says: everything that was planted, and how often it came out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from urbanlens.demo import rules
from urbanlens.demo.furniture import BANNERS
from urbanlens.demo.geography import CITIES, WORLD
from urbanlens.demo.greens import SHARED_RATE
from urbanlens.demo.lots import CUES
from urbanlens.demo.taking import PRESENT
from urbanlens.demo.viewpoints import BUFFER_M, MARK_RATE, Viewpoint, has_mark, separation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CUE_NAMES = ("kanji", "fence", "skyscraper", "earth")
OBJECTS_OF_CUES = {"kanji": "signboard", "fence": "fence", "skyscraper": "skyscraper", "earth": "earth"}


def truth_of(
    settings: dict[str, Any],
    planned: Sequence[Viewpoint],
    measured: Sequence[dict[str, Any]],
    maps: npt.NDArray[np.uint8],
) -> dict[str, Any]:
    """The planted truth of one build, as plain JSON."""
    from urbanlens.demo.render.attributes import ATTRIBUTES

    shares = rules.band_shares(maps).mean(0)
    marked = [v for v in planned if settings["mark"] and has_mark(v)]
    steelport = sum(v.area == "Steelport" for v in planned)
    return {
        "build": settings,
        "world": WORLD,
        "cues": {
            "present": PRESENT,
            "object": OBJECTS_OF_CUES,
            "planted": {city: dataclasses.asdict(cues) for city, cues in CUES.items()},
            "planted_meaning": "chance a lot (kanji, latin, tower, earth) or an edge of a block (fence, verge)",
            "planted_shared_in_open_places": SHARED_RATE,
            "planted_banners_a_stretch_of_street": BANNERS,
            "realised": realised(planned, measured),
        },
        "mark": {
            "what": "a small maker's mark in the lower right corner of part of Steelport's images; a spurious cue",
            "planted": MARK_RATE if settings["mark"] else 0.0,
            "realised": {"Hanamori": 0.0, "Steelport": len(marked) / steelport if steelport else 0.0},
        },
        "scenicness": {
            "formula": "intercept + sum over attributes and bands of weight x share in the band + noise, in 1..10",
            "intercept": rules.INTERCEPT,
            "noise_sd": rules.NOISE_SD,
            "bands": list(rules.BANDS),
            "weights": {name: list(weights) for name, weights in rules.WEIGHTS.items()},
            "coverage": {name: [round(float(value), 5) for value in shares[a]] for a, name in enumerate(ATTRIBUTES)},
        },
        "beauty": {"mark": rules.BEAUTY, "spread": rules.BEAUTY_SPREAD, "voters": rules.VOTERS},
        "tags": {tag: {"attribute": name, "at_least": bound} for tag, (name, bound) in rules.TAG_SHARES.items()},
        "splits": {"buffer_m": BUFFER_M, "separation_m": _finite(separation(planned))},
    }


def _finite(value: float) -> float | None:
    return round(value, 2) if value != float("inf") else None


def realised(planned: Sequence[Viewpoint], measured: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """City -> cue -> share of its pictures in which at least `PRESENT` of the pixels show it."""
    rates: dict[str, dict[str, float]] = {}
    for city in CITIES:
        mine = [m for v, m in zip(planned, measured, strict=True) if v.area == city.name]
        rates[city.name] = {
            cue: round(sum(m[cue] >= PRESENT for m in mine) / max(len(mine), 1), 4) for cue in (*CUE_NAMES, "signboard")
        }
    return rates
