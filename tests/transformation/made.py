"""Transformations made of noise, whose objects move as a test wants."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from urbanlens.transformation.record import Settings, Transformation

NAMES = ("sky", "road", "sidewalk", "tree", "signboard", "fence", "skyscraper", "earth")
NETWORKS, DRIVES = ("pulls", "judge one", "judge, two"), (True, False, False)


def shares_of(generator: np.random.Generator, count: int) -> Any:
    """(count, O) shares of random pictures of `NAMES`, rows of sum 1."""
    return generator.dirichlet(np.full(len(NAMES), 2.0), count)


def transformation(
    source: str = "a", source_class: str = "Hanamori", target: str = "Steelport", *, shares: ArrayLike | None = None,
    frames: int = 5, side: int = 16, seed: int = 0, method: str = "prior", features: ArrayLike | None = None,
) -> Transformation:  # fmt: skip
    """One of `frames` frames; `shares` (2, O) of the first and the last frame, the others lie between."""
    generator = np.random.default_rng(seed)
    ends = None if shares is None else np.asarray(shares, np.float32)
    way = np.linspace(0, 1, frames)[:, None]
    return Transformation(
        source, source_class, target, Settings(method=method, seed=seed), NETWORKS, DRIVES,  # type: ignore[arg-type]
        np.arange(frames) * 10, generator.integers(0, 255, (frames, side, side, 3), dtype=np.uint8),
        generator.normal(0, 1, (2, 4, 2, 2)).astype(np.float16),
        generator.random((frames, 3)).astype(np.float32),
        np.full(3, np.nan if not source else 0.1, np.float32),
        () if ends is None else NAMES,
        np.zeros((frames, 0), np.float32) if ends is None else ((1 - way) * ends[0] + way * ends[1]).astype(np.float32),
        {} if features is None else {"lite0": np.asarray(features, np.float32)},
    )  # fmt: skip
