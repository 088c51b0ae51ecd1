"""The view “Do the maps mean anything?” of the page Aesthetics: the paper's test of the maps' intensity."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.map_test import MapTest, map_test, random_intensity
from urbanlens.aesthetics.metrics import pearson
from urbanlens.plots.beauty_test import correlation_dots, intensity_scatter
from urbanlens.siam.metrics import interval
from urbanlens.ui import aesthetic_covered, aesthetic_rows, aesthetic_verdict, aesthetics, pictures, state
from urbanlens.ui.aesthetic_verdict import Heads
from urbanlens.ui.aesthetics import KINDS

if TYPE_CHECKING:
    from urbanlens.aesthetics.baselines import Baselines
    from urbanlens.aesthetics.readings import Readings
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.page import Page

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Scope:
    """Which images count.

    Attributes
    ----------
    judged : (N,) images that the correlations are of
    split_judged, chosen_on : (N,) those that a split is judged and chosen on, never the same
    told : both in words
    """

    judged: Mask
    split_judged: Mask
    chosen_on: Mask
    told: str


@dataclass(frozen=True)
class Tested:
    """One row of the test: what was tested, on which values (N,), and what came out."""

    name: str
    values: Array
    test: MapTest


def show(here: Page, study: Study) -> None:
    """What should be seen if the maps meant something, and what is seen."""
    aesthetic_verdict.expect()
    if study.votes is None:
        st.info(
            "The test needs votes, and this collection has none: how many people gave each mark from 1 to 10, in a "
            "column of its table. On the demo it can be seen at work."
        )
        return
    known = {kind: aesthetics.readings(here.collection, network) for kind, network in study.networks.items()}
    found = {kind: one for kind, one in known.items() if one is not None}
    if not found:
        return
    scope = _scope(here, study)
    pictures.quiet(scope.told)
    if not (scope.judged & study.votes.known).any():
        st.info("None of these images has votes and is new to the networks: choose another region, or other networks.")
        return
    against = {
        kind: aesthetics.held_against(here.collection, kind, study.networks[kind], one) for kind, one in found.items()
    }
    rows, heads = (
        _rows(study, scope, found, against),
        {kind: _heads(study, scope, held) for kind, held in against.items()},
    )
    columns = st.columns(2, gap="large") if len(found) > 1 else [st.container()]
    for column, (kind, held) in zip(columns, against.items(), strict=True):
        with column:
            st.subheader(KINDS[kind].title, anchor=False)
            random = rows.get(f"{kind}-random")
            aesthetic_verdict.tell(
                rows[kind].test, random.test if random is not None else None,
                _beside(study, scope, rows[kind].values, held), heads[kind], rows[f"{kind}-foretold"].test,
            )  # fmt: skip
            _scatter(here, study, scope, rows[kind], kind)
    pictures.quiet(
        "Dashed: the intensity above which an image is called high. The line is that of least squares. A click on a "
        "point opens its image."
    )
    _compare(here, rows, heads)
    aesthetic_covered.show(here, study.networks, against)


def _scope(here: Page, study: Study) -> Scope:
    """Images that no network has learnt from, as far as that is known; where nobody knows of any, all."""
    whole = here.collection.whole
    view = np.zeros(len(whole), bool)
    view[here.view.positions] = True
    fresh, who, gap = _fresh(here, study)
    known = study.votes.known if study.votes is not None else np.zeros(len(whole), bool)
    where = f" in {aesthetic_rows.place(here)}" if here.selection is not None else ""
    if fresh is not None:
        judged = np.asarray(fresh & view)
        val = np.asarray(whole.table["split"] == "val") if "split" in whole.table else np.zeros(len(whole), bool)
        others, name = (val & ~fresh, "validation images") if (val & ~fresh).any() else (~fresh, "other images")
        told = (
            f"Judged on {int((judged & known).sum()):,} images{where} that {who} not learnt from.{gap} Where a split "
            f"is chosen, it is chosen on {int((others & known).sum()):,} {name}, none of them judged."
        )
        return Scope(judged, judged, np.asarray(others), told)
    half = np.array([hashlib.sha1(name.encode(), usedforsecurity=False).digest()[0] % 2 == 0 for name in whole.ids])
    told = (
        f"Which images the networks have learnt from, if any, is not known, so all {int((view & known).sum()):,} "
        f"images with votes{where} are judged. A split is chosen on one half of the collection, drawn by the images’ "
        "names, and judged on the other."
    )
    return Scope(view, view & half, ~half, told)


def _fresh(here: Page, study: Study) -> tuple[Mask | None, str, str]:
    """(N,) images new to all networks of which that is known (None: of none), who these are, and of which it is not."""
    known = {kind: aesthetics.unlearnt(here.collection.whole, one) for kind, one in study.networks.items()}
    told = {kind: fresh for kind, fresh in known.items() if fresh.any()}
    if not told:
        return None, "", ""
    fresh = np.asarray(np.logical_and.reduce(list(told.values())), bool)
    if len(told) == len(known):
        return fresh, "the networks have", ""
    sure, unsure = (" and ".join(KINDS[kind].called for kind in known if (kind in told) == is_known)
                    for is_known in (True, False))  # fmt: skip
    gap = f" Which images {unsure} has learnt from, if any, is not known, so it may do better here than it should."
    return fresh, f"{sure} has", gap


def _rows(
    study: Study, scope: Scope, found: dict[str, Readings], against: dict[str, Baselines | None]
) -> dict[str, Tested]:  # fmt: skip
    """All that is tested, by a short name, in the order of the table."""
    values: dict[str, tuple[str, Array]] = {}
    for kind, known in found.items():
        name = KINDS[kind].called
        values[kind] = (f"Map of {name}", known.intensity[:, 1].astype(np.float64))
        held = against.get(kind)
        if held is not None:
            values[f"{kind}-random"] = ("The same network, random weights", held.random.astype(np.float64))
        values[f"{kind}-foretold"] = (f"No map: what {name} foretells", known.mean)
    one = next(iter(found.values()))
    values["chance"] = ("Maps drawn by chance", _chance(len(one.maps), one.maps.shape[2], one.maps.shape[3]))
    assert study.votes is not None
    marks = study.votes.mean
    fine = np.asarray(one.readable)
    tested = {}
    for key, (name, numbers) in values.items():
        readable = np.where(fine, numbers, np.nan)
        digest = aesthetic_rows.digest(readable, marks, scope.judged, scope.split_judged, scope.chosen_on)
        tested[key] = Tested(name, readable, _test(digest, readable, marks, scope))
    return tested


@st.cache_data(max_entries=8, show_spinner=False)
def _chance(count: int, height: int, width: int) -> Array:
    return random_intensity(count, (height, width)).astype(np.float64)


@st.cache_data(max_entries=128, show_spinner="Testing the maps")
def _test(key: str, _values: Array, _marks: Array, _scope: Scope) -> MapTest:  # noqa: ARG001
    split = map_test(_values, _marks, _scope.split_judged, _scope.chosen_on)
    if np.array_equal(_scope.judged, _scope.split_judged):
        return split
    every = map_test(_values, _marks, _scope.judged, np.zeros(len(_marks), bool))
    return replace(split, everywhere=every.everywhere, extremes=every.extremes)


@st.cache_data(max_entries=64, show_spinner=False)
def _stronger(
    key: str,  # noqa: ARG001
    _values: Array,
    _control: Array,
    _marks: Array,
    _judged: Mask,
) -> tuple[float, float] | None:
    """The 95 % interval of how much farther from 0 the map's correlation is than the control's, image by image."""
    rows = np.flatnonzero(np.isfinite(_values) & np.isfinite(_control) & np.isfinite(_marks) & _judged)
    mine, theirs, marks = _values[rows], _control[rows], _marks[rows]
    return interval(
        lambda drawn: abs(pearson(mine[drawn], marks[drawn])) - abs(pearson(theirs[drawn], marks[drawn])), len(rows),
        resamples=1000,
    )  # fmt: skip


def _beside(study: Study, scope: Scope, values: Array, held: Baselines | None) -> tuple[float, float] | None:
    """`_stronger`, where there is something to hold the map against."""
    if held is None or study.votes is None:
        return None
    control, marks = held.random.astype(np.float64), study.votes.mean
    digest = aesthetic_rows.digest(values, control, marks, scope.judged)
    return _stronger(digest, values, control, marks, scope.judged)


def _heads(study: Study, scope: Scope, held: Baselines | None) -> Heads | None:
    """The correlations of the maps under random heads, over the images judged; None where they are not known."""
    if held is None or study.votes is None:
        return None
    marks, heads = study.votes.mean, held.heads
    return Heads(*(heads.correlations(marks, extremes=extremes, among=scope.judged) for extremes in (False, True)))


def _scatter(here: Page, study: Study, scope: Scope, one: Tested, kind: str) -> None:
    """Each image's mark and the intensity of its map."""
    assert study.votes is not None
    whole, marks = here.collection.whole, study.votes.mean
    shown = np.flatnonzero(scope.judged & np.isfinite(marks))
    ids = [whole.ids[int(row)] for row in shown]
    values, key = one.values[shown], f"beauty-intensity-{kind}"
    table = pd.DataFrame({"image_id": ids, "mean_mark": marks[shown], "intensity": values})
    pictures.figure_with_downloads(
        intensity_scatter(values, marks[shown], ids, split=one.test.split), f"{whole.name}-map-intensity-{kind}",
        table, key=key, on_select=_picked(key), selection_mode="points",
    )  # fmt: skip


def _picked(key: str) -> Callable[[], None]:
    """What happens when a point is clicked."""

    def picked() -> None:
        points = st.session_state[key].selection.points
        told = [point["customdata"] for point in points if point.get("customdata")]
        if told:
            state.touched()
            aesthetic_rows.open_image(str(told[0][0]))

    return picked


def _compare(here: Page, rows: dict[str, Tested], heads: dict[str, Heads | None]) -> None:
    """All of them side by side, with the paper's own figures."""
    st.subheader("Side by side", anchor=False)
    told: list[tuple[str, MapTest | Heads]] = []
    for name, one in rows.items():
        told.append((one.name, one.test))
        reached = heads.get(name.removesuffix("-random")) if name.endswith("-random") else None
        if reached is not None:
            told.append((reached.name, reached))
    table = aesthetic_verdict.table_of(told)
    file = f"{here.collection.whole.name}-map-test"
    if np.isfinite(table["r"].iloc[:-1]).any():
        drawn = table[table["strength"].isna()]  # a strength has no direction
        pictures.figure_with_downloads(correlation_dots(drawn), file, table, key="beauty-map-test")
    pictures.text_table(aesthetic_verdict.words(table))
    aesthetic_verdict.about()
