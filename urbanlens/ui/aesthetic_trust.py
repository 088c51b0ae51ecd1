"""Whether the maps of one picture can be believed: what each points at is covered up, and the network asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.plots.beauty import falls_figure
from urbanlens.plots.scores import signed
from urbanlens.ui import aesthetics, pictures

if TYPE_CHECKING:
    from urbanlens.aesthetics.control import Covered
    from urbanlens.aesthetics.readings import Reading
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.single_image import Subject

TOGETHER = 4
"""Maps that are tried at a time: between them the visitor may go on to another picture."""

HARDLY = 0.05
"""A mark that fewer voters are foretold for has a map of which little is to be expected."""
SATURATED = 0.99
"""A certainty above can hardly fall, whatever is covered."""

LEAST, LEAST_MARKS = 0.005, 0.02
"""By how much a share, or a mean mark, must fall further than elsewhere."""


@dataclass(frozen=True)
class Tried:
    """What became of one answer.

    Attributes
    ----------
    name : of the map, in words
    is_mean : whether it explains the mean mark, in marks; else a share, in [0, 1]
    before : the answer to the picture as it is
    own, elsewhere : how the answer changes where what the map points at is covered, and a part as large elsewhere
    fall, fall_elsewhere : the same, counted against what the map says
    empty : whether the map points nowhere
    """

    name: str
    is_mean: bool
    before: float
    own: float
    elsewhere: float
    fall: float
    fall_elsewhere: float
    empty: bool

    @property
    def doubt(self) -> str:
        """Why little is to be made of the map; "" where it stood the test."""
        if self.empty:
            return "points nowhere"
        if not self.is_mean and self.before < HARDLY:
            return "means little: hardly foretold"
        least = LEAST_MARKS if self.is_mean else LEAST
        if not self.is_mean and self.before > SATURATED and max(self.fall, self.fall_elsewhere) < least:
            return "tells nothing: the answer is too sure to move"
        if self.fall < least:
            return "means little: covering it hardly weakens the answer"
        return "means little: elsewhere does as much" if self.fall < self.fall_elsewhere + least else ""

    def amount(self, change: float) -> str:
        """A change in words."""
        return f"{signed(change, 2)} marks" if self.is_mean else f"{signed(100 * change, 1)} points"

    def row(self) -> dict[str, str]:
        """What a table says of it."""
        told = f"mean mark {self.before:.2f}" if self.is_mean else pictures.percent(self.before)
        own, elsewhere = ("", "") if self.empty else (self.amount(self.own), self.amount(self.elsewhere))
        return {
            "map of": self.name, "foretold": told, "covering what it points at": own,
            "covering a part as large elsewhere": elsewhere,
            "in this picture": self.doubt or "counts more than elsewhere",
        }  # fmt: skip


@st.fragment
def show(study: Study, subject: Subject, found: dict[str, Reading]) -> None:
    """What becomes of each answer where the fifth of the picture that its map points at most is blurred."""
    st.subheader("Do these maps mean anything in this picture?", anchor=False)
    pictures.quiet(
        "A map that shows what counts should make its answer fall when that part is covered up, and more so than a "
        "part covered elsewhere. Here the fifth of the picture where each map is strongest is blurred away, then the "
        "same shape pushed to three places where it overlaps least with that. Less than half a point (or 0.02 marks) "
        "more is taken for nothing."
    )
    tried = _try_all(study, subject, found)
    marks = [one for one in tried if one.name in MARK_NAMES]
    firm = [one.name for one in tried if not one.doubt]
    text = f"{len(firm)} of {len(tried)} maps point at something that counts more than other places do"
    pictures.note(
        f"{text}{': ' + ', '.join(firm) if firm else ''}. This is one picture; the view “Do the maps mean anything?” "
        "asks the same of many."
    )
    table = pd.DataFrame([one.row() for one in tried])
    if marks:
        own, elsewhere = [one.own for one in marks], [one.elsewhere for one in marks]
        figure = falls_figure([one.name for one in marks], own, elsewhere, firm=[not one.doubt for one in marks])
        pictures.figure_with_downloads(figure, f"{subject.file}-covered", table, key="covered-figure")
    pictures.text_table(table)


def _try_all(study: Study, subject: Subject, found: dict[str, Reading]) -> list[Tried]:
    """A few maps at a time, so that somebody who goes on to another picture need not wait long for the last one."""
    groups = [
        (kind, targets[start : start + TOGETHER]) for kind, reading in found.items()
        for targets in [(*MARK_NAMES, *HIGH_LOW) if reading.has_marks else HIGH_LOW]
        for start in range(0, len(targets), TOGETHER)
    ]  # fmt: skip
    place, tried = st.empty(), []
    for number, (kind, targets) in enumerate(groups):
        place.progress(number / len(groups), f"Covering what the maps of {', '.join(targets)} point at")
        became = aesthetics.covered(study.networks[kind], subject, found[kind], targets)
        tried += [_tried(became, at, found[kind].has_marks) for at in range(len(targets))]
    place.empty()
    return tried


def _tried(became: Covered, at: int, has_marks: bool) -> Tried:
    """What became of one of the answers."""
    target, fall, elsewhere = became.targets[at], float(became.fall[at]), float(became.elsewhere[at])
    is_mean = has_marks and target in HIGH_LOW
    sign = 1 if is_mean and target == HIGH_LOW[0] else -1
    name = target if target in MARK_NAMES else f"{target} ({'marks and tags' if is_mean else 'high and low'})"
    before, empty = float(became.before[at]), bool(became.empty[at])
    return Tried(name, is_mean, before, sign * fall, sign * elsewhere, fall, elsewhere, empty)
