"""Do maps of beauty lie on what the demo's rule of beauty names? Judged where a thing of the rule has a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from urbanlens.demo.rules import BEAUTY
from urbanlens.explain.objects import LEAST_IMAGES, ObjectCounts, ratio_table


@dataclass(frozen=True)
class Ruled:
    """A part of the rule of beauty that has a place in the picture.

    Attributes
    ----------
    name : as of `rules.BEAUTY`
    objects : the objects that it is seen on
    """

    name: str
    objects: tuple[str, ...]

    @property
    def raises(self) -> bool:
        """Whether it raises the mark; else it lowers it."""
        return BEAUTY[self.name] > 0


RULED = (
    Ruled("trees", ("tree",)),
    Ruled("water", ("sea", "water")),
    Ruled("mountains", ("mountain",)),
    Ruled("clutter", ("person", "car", "van", "bus", "signboard", "pole", "streetlight", "bench", "fence", "boat")),
)
"""Clutter is how many kinds of objects a picture shows: its small things stand for it."""

PLACELESS = ("evening light raises it", "night and overcast skies lower it", "colour raises it")
"""Parts of the rule that lie over the whole picture, so that no map could point to them."""

FOUND, BOTH, MISSED, AGAINST, FEW = "found", "in both maps", "missed", "the wrong way", "too few images"


def rule_table(
    counts: Mapping[str, ObjectCounts], names: Mapping[int, str], threshold: float = 0.5, *, seed: int = 0
) -> pd.DataFrame:
    """How much of each thing of the rule lies inside the maps of high and of low, against chance.

    Parameters
    ----------
    counts : of the maps of "high" and of "low", on the same images
    names : of the object ids
    threshold : a pixel is inside where mask >= threshold

    Returns
    -------
    DataFrame
        rule, raises, and for each map ratio, base, lift, lift_low, lift_high, its name before them (`high_ratio`);
        images (with the thing), verdict: `FOUND` where the map of what the thing does to the mark lies on it more
        than chance would, `BOTH` where the other map does, too, `AGAINST` where it lies there less than chance would,
        else `MISSED`.
    """
    tables = {}
    for target, found in counts.items():
        one = np.zeros(len(found), np.int64)
        merged = _merged(found, names)
        parts = {number: ruled.name for number, ruled in enumerate(RULED, 1)}
        tables[target] = ratio_table(merged, one, threshold, names=parts, seed=seed).set_index("object")
    rows = [_row(ruled, tables) for ruled in RULED]
    return pd.DataFrame(rows)


def _row(ruled: Ruled, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    row: dict[str, Any] = {"rule": ruled.name, "raises": ruled.raises, "images": 0}
    for target, table in tables.items():
        told = table.loc[ruled.name] if ruled.name in table.index else pd.Series(dtype=float)
        row["images"] = int(told.get("images", 0))
        parts = ("ratio", "base", "lift", "lift_low", "lift_high")
        row |= {f"{target}_{part}": float(told.get(part, np.nan)) for part in parts}
    meant, other = ("high", "low") if ruled.raises else ("low", "high")
    if row["images"] < LEAST_IMAGES:
        return row | {"verdict": FEW}
    above, below = row[f"{meant}_lift_low"] > 0, row[f"{meant}_lift_high"] < 0
    lies = BOTH if above and row[f"{other}_lift_low"] > 0 else FOUND
    return row | {"verdict": lies if above else AGAINST if below else MISSED}


def _merged(counts: ObjectCounts, names: Mapping[int, str]) -> ObjectCounts:
    """The counts with the objects of each thing of the rule as one, numbered from 1."""
    columns = [[at for at, number in enumerate(counts.objects) if names.get(int(number)) in ruled.objects]
               for ruled in RULED]  # fmt: skip
    total, inside, mass = (
        np.stack([values[:, part].sum(1) for part in columns], 1)
        for values in (counts.total, counts.inside, counts.mass)
    )
    return replace(counts, objects=np.arange(1, len(RULED) + 1), total=total, inside=inside, mass=mass)
