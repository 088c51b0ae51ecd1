"""Colours that stay apart for colour-blind eyes, on light paper and on dark."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Okabe & Ito (2008), without black, which vanishes on dark paper; yellow deepened, which vanishes on light paper.
OKABE_ITO: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#BFA800", "#8C6BB1")

# More names than eight colours: the same hues again, darker and then paler; the legend names each in words as well.
CATEGORICAL: Final = (
    *OKABE_ITO,
    "#00497A", "#9C6A00", "#006B4E", "#8E4A70", "#2A7FB3", "#8F3D00", "#7D6E00", "#5B3F80",
    "#6BAED6", "#F2C665", "#66C7A9", "#E3AECB", "#A3D6F2", "#F0935A", "#DCCB4E", "#BDA5D6",
)  # fmt: skip

# Viridis without its darkest and palest ends, so that both show on light and on dark paper.
SEQUENTIAL: Final = ("#46327E", "#365C8D", "#277F8E", "#1FA187", "#4AC16D", "#A0DA39", "#E3D32A")

MUTED: Final = "#8A8F94"
"""Things that are not meant, noise and the rest: visible but quiet on both papers."""


def categorical(count: int) -> list[str]:
    """`count` colours as #RRGGBB; after 24 they come round again."""
    return [CATEGORICAL[i % len(CATEGORICAL)] for i in range(count)]


def sequential(count: int) -> list[str]:
    """`count` colours as #RRGGBB from low to high."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in SEQUENTIAL], float)
    places = np.linspace(0, len(anchors) - 1, count) if count > 1 else np.array([len(anchors) - 1.0])
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, i]) for i in range(3)]
    return ["#{:02X}{:02X}{:02X}".format(*(round(float(v)) for v in rgb)) for rgb in zip(*channels, strict=True)]


def bins(values: ArrayLike, count: int = 24) -> tuple[NDArray[np.int64], float, float]:
    """Numbers as steps of a sequential palette, from their 1st to their 99th percentile.

    Returns
    -------
    steps : (N,) 0 to `count` - 1; -1 where the number is missing.
    low, high : what the first and the last step stand for (NaN where there is no number at all).
    """
    numbers = np.asarray(values, float)
    known = np.isfinite(numbers)
    if not known.any():
        return np.full(len(numbers), -1, np.int64), float("nan"), float("nan")
    low, high = (float(v) for v in np.percentile(numbers[known], [1, 99]))
    share = (np.where(known, numbers, low) - low) / max(high - low, 1e-12)
    steps = np.clip((share * count).astype(np.int64), 0, count - 1)
    return np.where(known, steps, -1), low, high
