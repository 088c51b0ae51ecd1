"""What the test of the maps comes to, in words that follow from its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.votes import MIDDLE
from urbanlens.plots.scores import signed
from urbanlens.ui import pictures

if TYPE_CHECKING:
    from urbanlens.aesthetics.map_test import Correlation, MapTest

PAPER = {"name": "The paper, on photographs (AVA)", "r": 0.24, "extreme_r": 0.34, "accuracy": 0.497}
"""Section 4.4.4 and table 1; it tells neither intervals nor how frequent the commoner answer is."""

STRONG = "clearly above 0"
STRENGTHS = ("strength", "strength_95", "extreme_strength", "extreme_strength_95")


@dataclass(frozen=True)
class Heads:
    """What random heads reach: correlations (B,) over all images, and over those with extreme marks; NaN: too few."""

    everywhere: NDArray[np.float64]
    extremes: NDArray[np.float64]

    @property
    def name(self) -> str:
        """What a table calls them."""
        return f"{len(self.everywhere)} random heads on the same trunk"


def expect() -> None:
    """What would have to be seen."""
    st.markdown(
        "A map that is bright nearly everywhere has a high *mean intensity*, one with a single bright spot a low one. "
        "If the map of “high” showed what is beautiful, beautiful pictures would light up over more of their area. "
        "On images that the network has not learnt from, one would then see four things:\n\n"
        "1. the intensity goes with the mean mark of the votes: a correlation *r* clearly above 0;\n"
        "2. it does so more strongly than under the same network with random weights, which has learnt nothing;\n"
        "3. and more strongly than under networks of which only the head, the part that learns, is random;\n"
        "4. calling the brighter images high is right more often than always giving the commoner answer."
    )


def tell(
    test: MapTest, random: MapTest | None, beside: tuple[float, float] | None, heads: Heads | None, foretold: MapTest,
) -> None:  # fmt: skip
    """What is seen of one network, and what it comes to.

    Parameters
    ----------
    test, random, foretold : of its maps, of those under random weights (None: not computed), and of its own answer
    beside : interval of how much farther from 0 its correlation is than that under random weights
    heads : what random heads reach; None: not computed
    """
    seen = [_correlates(test.everywhere), _beside(test, random, beside), _over_heads(test, heads), _splits(test)]
    bounds = test.everywhere.interval
    pictures.note(_conclusion([passed for passed, _ in seen], below=bounds is not None and bounds[1] < 0))
    text = "".join(f"{number}. {told}\n" for number, (_, told) in enumerate(seen, 1))
    r = foretold.everywhere.r
    more = f"\nWhat the network itself foretells goes with the marks at *r* = {signed(r, 2)}." if np.isfinite(r) else ""
    st.markdown(text + more)


def _correlates(found: Correlation) -> tuple[bool | None, str]:
    if found.interval is None:
        return None, f"{found.images:,} images are too few for a correlation."
    low, high = found.interval
    verdict = STRONG if low > 0 else "clearly below 0, the other way round" if high < 0 else "the interval contains 0"
    return low > 0, f"*r* = {_within(found)}: {verdict}."


def _beside(test: MapTest, random: MapTest | None, beside: tuple[float, float] | None) -> tuple[bool | None, str]:
    if random is None or beside is None or not np.isfinite(random.everywhere.r):
        return None, "The comparison with random weights is not there yet." if random is None else "Too few images."
    told = f"With random weights *r* = {_within(random.everywhere)}"
    apart = f"the strengths differ by {signed(beside[0], 2)} to {signed(beside[1], 2)}"
    if not test.everywhere.r > 0:
        return False, f"{told}; the map’s own *r* is not above 0, so no strength of it counts."
    if beside[0] > 0:
        return True, f"{told}, clearly weaker ({apart})."
    found = "clearly stronger" if beside[1] < 0 else "not clearly weaker"
    other = " in the other direction, which chance decides" if random.everywhere.r < 0 else ""
    return False, f"{told}, {found}{other} ({apart})."


def _over_heads(test: MapTest, heads: Heads | None) -> tuple[bool | None, str]:
    if heads is None:
        return None, "The comparison with random heads is not there yet."
    r, (usual, far) = test.everywhere.r, _reach(heads.everywhere)
    if not np.isfinite(r + usual):
        return None, "Too few images for a comparison with random heads."
    told = f"{heads.name} reach a strength of {usual:.2f} on average, 5 in 100 more than {far:.2f}"
    if r <= 0:
        return False, f"{told}; the map’s own *r* is not above 0."
    return r > far, f"{told}: {'this is more' if r > far else 'this is not more than they may reach'}."


def _reach(found: NDArray[np.float64]) -> tuple[float, float]:
    """How strong correlations (B,) are on average, and the strength below which 95 of 100 stay."""
    return float(np.abs(found).mean()), float(np.quantile(np.abs(found), 0.95))


def _splits(test: MapTest) -> tuple[bool | None, str]:
    if test.accuracy_interval is None or not np.isfinite(test.accuracy):
        return None, "No split could be chosen: that needs high and low images on both sides."
    low, high = test.accuracy_interval
    verdict = (
        "more often" if low > test.base_rate else "less often" if high < test.base_rate else "not clearly more often"
    )
    return low > test.base_rate, (
        f"Calling images above an intensity of {test.split:.2f} high is right for {test.accuracy:.1%} "
        f"({low:.1%} to {high:.1%}), {verdict} than always giving the commoner answer ({test.base_rate:.1%}); with "
        f"high and low counted alike {test.balanced:.1%}, by chance 50 %."
    )


def _conclusion(passed: Sequence[bool | None], *, below: bool = False) -> str:
    """What is passed, in all; `below`: whether the correlation is clearly below 0."""
    known = [one for one in passed if one is not None]
    if not known:
        return "Too few images to judge the maps."
    if below:
        return (
            "It is the other way round: the brighter the map, the lower the marks. Do not read the maps’ brightness as "
            "a measure of beauty."
        )
    if all(known):
        done = "all four" if len(known) == 4 else f"the {len(known)} that could be judged"
        return (
            f"The maps pass {done}. That says that how much lights up goes with beauty, not that it lights up in "
            "the right places: that is asked at the end of this page."
        )
    if not any(known):
        return "The maps pass none of it: no sign that their brightness says how beautiful a picture is."
    return (
        f"The maps pass {sum(known)} of {len(known)}. What is not passed could not be told from chance on these "
        "images; as long as that is so, do not read their brightness as a measure of beauty."
    )


def _within(found: Correlation) -> str:
    bounds = "" if found.interval is None else f" ({signed(found.interval[0], 2)} to {signed(found.interval[1], 2)})"
    return f"{signed(found.r, 2)}{bounds}"


def table_of(rows: Sequence[tuple[str, MapTest | Heads]]) -> pd.DataFrame:
    """The test of each map as numbers, what random heads reach, and what the paper tells."""
    found: list[dict[str, Any]] = [
        {"name": name} | (_strengths(one) if isinstance(one, Heads) else _numbers(one)) for name, one in rows
    ]
    columns = dict.fromkeys(name for row in (*found, PAPER) for name in row) | dict.fromkeys(STRENGTHS)
    return pd.DataFrame([*found, PAPER], columns=list(columns))


def _strengths(heads: Heads) -> dict[str, float]:
    """|r| on average and its 95 % quantile."""
    return dict(zip(STRENGTHS, (*_reach(heads.everywhere), *_reach(heads.extremes)), strict=True))


def _numbers(test: MapTest) -> dict[str, Any]:
    low, high = test.accuracy_interval or (float("nan"), float("nan"))
    return (
        _correlation("", test.everywhere) | _correlation("extreme_", test.extremes)
        | {"split": test.split, "accuracy": test.accuracy, "accuracy_low": low, "accuracy_high": high,
           "balanced_accuracy": test.balanced, "base_rate": test.base_rate}
    )  # fmt: skip


def _correlation(part: str, found: Correlation) -> dict[str, Any]:
    low, high = found.interval or (float("nan"), float("nan"))
    return {f"{part}images": found.images, f"{part}r": found.r, f"{part}low": low, f"{part}high": high,
            f"{part}p": found.p}  # fmt: skip


def words(table: pd.DataFrame) -> pd.DataFrame:
    """The table as one reads it."""
    rows = []
    for row in table.to_dict("records"):
        told = {"Map": row["name"]}
        for part, title in (("", "All images: r (95 %), p"), ("extreme_", "Extreme marks alone: r (95 %), p")):
            told[title] = _r(row, part)
        told["Split: right (95 %)"] = _accuracy(row)
        told["High and low alike"] = _percent(row["balanced_accuracy"])
        told["Always the commoner answer"] = _percent(row["base_rate"])
        rows.append(told)
    return pd.DataFrame(rows)


def _r(row: dict[Any, Any], part: str) -> str:
    if np.isfinite(row[f"{part}strength"]):
        return f"|r| {row[f'{part}strength']:.2f} on average, 95 of 100 below {row[f'{part}strength_95']:.2f}"
    if not np.isfinite(row[f"{part}r"]):
        return "too few images"
    told = signed(row[f"{part}r"], 2)
    if np.isfinite(row[f"{part}low"]):
        told += f" ({signed(row[f'{part}low'], 2)} to {signed(row[f'{part}high'], 2)})"
    p = row[f"{part}p"]
    told += "" if not np.isfinite(p) else ", p < 0.001" if p < 0.001 else f", p = {p:.3f}"
    return told + ("" if np.isnan(row[f"{part}images"]) else f", {row[f'{part}images']:,.0f} images")


def _accuracy(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["accuracy"]):
        return "–"
    if not np.isfinite(row["accuracy_low"]):
        return f"{row['accuracy']:.1%}"
    return f"{row['accuracy']:.1%} ({row['accuracy_low']:.1%} to {row['accuracy_high']:.1%})"


def _percent(value: float) -> str:
    return f"{value:.1%}" if np.isfinite(value) else "–"


def about() -> None:
    """What the numbers are."""
    pictures.quiet(
        f"Extreme marks: means below {MIDDLE[0]:g} or above {MIDDLE[1]:g}. r: Pearson’s; its interval by drawing the "
        "images anew 1,000 times; p: the share of 2,000 shuffled orders whose r is as far from 0. Photographs of one "
        "place are not independent, so true intervals are wider. The paper tells r alone, and a split that was right "
        "for 49.7 %. Random weights are one draw of many. Random heads may go either way, so their strength |r| is "
        "told."
    )
