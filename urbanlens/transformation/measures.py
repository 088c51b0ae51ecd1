"""Five measures of urban design, each computed from the shares of the objects in a picture.

Which five is from Joglekar et al., FaceLift: a transparent deep learning framework to beautify urban scenes, 2020, who
gathered them from the literature on what makes places great. How each follows from objects is told with it; shares are
those of the pixels that are named, so that a picture with unlabelled parts is not taken for an empty one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.collection import ade20k
from urbanlens.errors import ModelError
from urbanlens.registry import Registry

Floats = NDArray[np.float64]

WALKABLE = ("sidewalk", "path", "stairs", "stairway", "step")
ROADWAY = ("road", "dirt track")
GREEN = ("tree", "grass", "plant", "flower", "palm", "vegetation")
SKY = ("sky",)
LANDMARKS = ("skyscraper", "tower", "sculpture", "fountain")


@dataclass(frozen=True)
class Measure:
    """A measure of urban design; its values lie between 0 and 1.

    Attributes
    ----------
    name : its name in `MEASURES`
    title : what it is called on a page
    told : what it says, and what is counted, in a sentence or two
    formula : as LaTeX; s_o is the share of object o
    source : where it comes from
    compute : shares (N, O) that add up to 1 and the objects' names (O,) -> (N,)
    """

    name: str
    title: str
    told: str
    formula: str
    source: str
    compute: Callable[[Floats, Sequence[str]], Floats]

    def __call__(self, shares: ArrayLike, names: Sequence[str]) -> Floats:
        """The measure of N pictures.

        Parameters
        ----------
        shares : (N, O) share of each object in each picture, or its pixels; NaN for a picture of which nothing is known
        names : (O,) of the objects, as ADE20K has them; its synonyms are known too

        Returns
        -------
        (N,) in [0, 1]; NaN where nothing is named, and where the measure has nothing to go by.
        """
        values = np.asarray(shares, np.float64)
        if values.ndim != 2 or values.shape[1] != len(names):
            raise ModelError(
                f"shares of shape {values.shape} do not fit {len(names)} objects: give a row a picture, of {len(names)}"
            )
        total = values.sum(1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.where(total > 0, values / total, np.nan)
        return self.compute(relative, canonical(names))


MEASURES: Registry[Measure] = Registry("measure of urban design")


def canonical(names: Sequence[str]) -> list[str]:
    """The first ADE20K name of each object that ADE20K knows; other names as they are, in small letters."""
    return [_canonical(name) for name in names]


@cache
def _canonical(name: str) -> str:
    number = ade20k.id_of(name)
    return name.strip().lower() if number is None else ade20k.names()[number]


def entropy(shares: ArrayLike) -> Floats:
    """Shannon's entropy in bits of shares (…, O) that add up to 1: 0 for one object, log2(n) for n in equal parts."""
    values = np.asarray(shares, np.float64)
    return np.asarray(-(values * np.log2(np.where(values > 0, values, 1.0))).sum(-1)) + 0.0


def measure_all(shares: ArrayLike, names: Sequence[str]) -> Floats:
    """(N, M) all measures, in the order of `MEASURES`."""
    return np.stack([MEASURES[name](shares, names) for name in MEASURES], 1)


def _part(shares: Floats, names: Sequence[str], meant: Sequence[str]) -> Floats:
    """(N,) share of some objects together; NaN where whoever named the objects knows none of them."""
    chosen = np.isin(np.asarray(names, dtype=str), np.asarray(meant, dtype=str))
    return shares[:, chosen].sum(1) if chosen.any() else np.full(len(shares), np.nan)


def _share_of(*meant: str) -> Callable[[Floats, Sequence[str]], Floats]:
    return lambda shares, names: _part(shares, names, meant)


def _walkability(shares: Floats, names: Sequence[str]) -> Floats:
    walkable, roadway = _part(shares, names, WALKABLE), _part(shares, names, ROADWAY)
    ground = walkable + roadway
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(ground > 0, walkable / ground, np.nan)


def _complexity(shares: Floats, names: Sequence[str]) -> Floats:
    known = len(set(names))
    if known < 2:
        return np.full(len(shares), np.nan)
    merged = np.stack([shares[:, np.asarray(names, dtype=str) == name].sum(1) for name in sorted(set(names))], 1)
    return np.asarray(entropy(merged) / np.log2(known))


def _add(**parts: Any) -> None:
    MEASURES.add(parts["name"], Measure(**parts))


_add(
    name="walkability",
    title="Walkability",
    told="How much of the way belongs to people on foot: pavement, paths and steps, as a share of these and of the "
    "road. The literature sets pavement over road, which has no upper end and fails without a road; this is the same "
    "order between 0 and 1. A picture that shows neither has no walkability.",
    formula=r"\frac{s_{\text{sidewalk}} + s_{\text{path}} + s_{\text{steps}}}"
    r"{s_{\text{sidewalk}} + s_{\text{path}} + s_{\text{steps}} + s_{\text{road}}}",
    source="after the walkability of Ma et al., Measuring human perceptions of streetscapes, 2021",
    compute=_walkability,
)
_add(
    name="green",
    title="Green",
    told="The green view index: how much of the picture is trees, grass, plants, flowers and palms. Fields are left "
    "out, since they may be bare.",
    formula=r"s_{\text{tree}} + s_{\text{grass}} + s_{\text{plant}} + s_{\text{flower}} + s_{\text{palm}}",
    source="Yang et al., Can you see green?, 2009; of street photographs Li et al., 2015",
    compute=_share_of(*GREEN),
)
_add(
    name="openness",
    title="Openness",
    told="How much of the picture is sky. It is not the sky view factor, which needs a look straight up: it follows "
    "the camera's tilt too.",
    formula=r"s_{\text{sky}}",
    source="Yin & Wang, Measuring visual enclosure for street walkability, 2016",
    compute=_share_of(*SKY),
)
_add(
    name="landmarks",
    title="Landmarks",
    told="How much of the picture is things by which people find their way, seen from afar and unlike what surrounds "
    "them: skyscrapers, towers, sculptures and fountains. Whether one of them is known to anybody, a picture cannot "
    "say.",
    formula=r"s_{\text{skyscraper}} + s_{\text{tower}} + s_{\text{sculpture}} + s_{\text{fountain}}",
    source="after Lynch, The Image of the City, 1960",
    compute=_share_of(*LANDMARKS),
)
_add(
    name="complexity",
    title="Visual complexity",
    told="How evenly the picture is divided among many kinds of objects: the entropy of their shares, as a part of "
    "the most that the O kinds which are told apart could reach. 0: one kind fills the picture; 1: all have equal "
    "parts.",
    formula=r"-\frac{1}{\log_2 O} \sum_o s_o \log_2 s_o",
    source="Shannon, 1948; of objects in street scenes Joglekar et al., FaceLift, 2020",
    compute=_complexity,
)
