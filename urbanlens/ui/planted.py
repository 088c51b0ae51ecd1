"""The part of the page Objects that only the demo has: what the networks found of what was planted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.demo.judging import corner_table, planted_table, pointing_table, rank_correlation
from urbanlens.explain import EXPLAINERS
from urbanlens.explain.objects import LEAST_IMAGES
from urbanlens.ui import masked, pictures

if TYPE_CHECKING:
    from urbanlens.ui.objects import Measured
    from urbanlens.ui.page import Page


LEANS = 0.05
"""A network leans on the mark where it turns so many more images than a bare corner does."""


def show_planted(here: Page, networks: Sequence[Measured], threshold: float) -> None:
    """Found or missed, ranks, pointing game and energy, and the spurious mark: a table each."""
    pictures.lead("These cities are drawn, so we know what tells them apart. Which of it did the networks find?")
    planted = pd.concat([
        _planted(one.key, threshold, one).assign(network=one.name) for one in networks
    ])  # fmt: skip
    pictures.text_table(_planted_words(planted))
    pictures.quiet(
        "Found: the interval of R minus base rate lies above 0. Signboards stand for their kanji; Latin ones hang in "
        "both cities."
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Do the masks point at it?", anchor=False)
        points = pd.concat([pointing_table(one.counts, one.classes).assign(network=one.name) for one in networks])
        pictures.text_table(_pointing_words(points))
        pictures.quiet(
            "Pointing game: share of images whose brightest mask pixel lies on a planted object. Energy: share of the "
            "mask that lies on them. By chance: the share of the image that they cover."
        )
    with right:
        st.subheader("Does R rank as the truth does?", anchor=False)
        ranks = pd.concat([
            _ranks(one.key, threshold, one).assign(network=one.name) for one in networks
        ])  # fmt: skip
        pictures.text_table(_rank_words(ranks))
        pictures.quiet(
            "Spearman's rho between R minus base rate and how much more often an object occurs in this city; p by "
            "2,000 random orders."
        )
    show_mark(here, networks)
    pictures.table_download(planted, f"{here.collection.name}-planted", "Planted objects (CSV)")


@st.cache_data(max_entries=64, show_spinner=False)
def _planted(key: str, threshold: float, _one: Measured) -> pd.DataFrame:  # noqa: ARG001
    return planted_table(_one.counts, _one.classes, threshold, _one.names)


@st.cache_data(max_entries=64, show_spinner=False)
def _ranks(key: str, threshold: float, _one: Measured) -> pd.DataFrame:  # noqa: ARG001
    return rank_correlation(_one.counts, _one.classes, threshold)


@st.cache_data(max_entries=64, show_spinner=False)
def _corner(key: str, _maps: NDArray[np.float32], _marked: NDArray[np.bool_]) -> pd.DataFrame:  # noqa: ARG001
    return corner_table(_maps, _marked)


def show_mark(here: Page, networks: Sequence[Measured]) -> None:
    """Whether the masks betray the maker's mark in the corner of a third of Steelport's images."""
    table = here.collection.whole.table
    if "mark" not in table:
        return
    st.subheader("The trap in the corner", anchor=False)
    st.markdown(
        "About a third of Steelport's pictures carry a small maker's mark in the lower right corner. It says nothing "
        "about a city. Does a network lean on it, and does its mask betray it by a brighter corner where the mark is? "
        "The last column tells the truth: how many of Hanamori's test images the network calls Steelport once that "
        "corner of a marked image is pasted in, and once a corner without the mark is."
    )
    parts = []
    for one in networks:
        rows = one.rows[one.classes == "Steelport"]
        marked = table["mark"].iloc[rows].to_numpy(bool)
        if not marked.any() or marked.all():
            continue
        for name in EXPLAINERS:
            found = masked.kept(here.collection, one.found.network, masked.Question(explainer=name))
            if found is not None:
                corner = _corner(f"{found.key.digest}-{hash(rows.tobytes())}", found.maps.maps[rows], marked)
                parts.append(corner.assign(network=one.name, by=EXPLAINERS[name].title))
    if not parts:
        pictures.quiet("These images hold none with the mark and without it.")
        return
    pictures.text_table(_mark_words(pd.concat(parts), networks))
    pictures.quiet(
        "A network may lean on the mark while Grad-CAM shows that corner dark: its average over the whole picture "
        "loses what counts at one place only. An explanation that looks sensible can still hide the trap."
    )


def _planted_words(table: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (row.network, row.city, row.object, f"{_percent(row.own)} / {_percent(row.other)}", _share(row.ratio),
         _share(row.base), _signed(row.lift_low, row.lift_high),
         f"{row.rank} of {row.of}" if row.rank else "too rare", _verdict(row.found, row.images))
        for row in table.rename(columns={"class": "city"}).itertuples()
    ]  # fmt: skip
    head = [
        "Network",
        "City",
        "Planted",
        "In its images / the other's",
        "R",
        "Base rate",
        "R − base, 95 %",
        "Rank of R − base",
        "",
    ]
    return pd.DataFrame(rows, columns=head)


def _pointing_words(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (network, city), part in table.groupby(["network", "class"], sort=False):
        told = part.set_index("measure")
        hit, energy = told.loc["hit"], told.loc["energy"]
        rows.append((network, city, _interval(hit), _interval(energy), _share(hit["area"])))
    return pd.DataFrame(rows, columns=["Network", "City", "Pointing game", "Energy", "By chance"])


def _rank_words(table: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (row.network, row.city, f"{row.rho:+.2f}" if np.isfinite(row.rho) else "–",
         f"{row.p:.3f}" if np.isfinite(row.p) else "–", row.objects)
        for row in table.rename(columns={"class": "city"}).itertuples()
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["Network", "City", "rho", "p", "Objects"])


def _mark_words(table: pd.DataFrame, networks: Sequence[Measured]) -> pd.DataFrame:
    tests = {
        one.name: (one.found.network.card.metrics if one.found.network.card else {}).get("mark_test")
        for one in networks
    }
    rows = []
    for (network, by), part in table.groupby(["network", "by"], sort=False):
        told = part.set_index("images_with")
        with_, without = told.loc["the mark"], told.loc["no mark"]
        verdict = "no clear difference" if np.isfinite([with_["low"], without["low"]]).all() else "too few images"
        if with_["low"] > without["high"]:
            verdict = "yes: brighter with the mark"
        elif with_["high"] < without["low"]:
            verdict = "misleading: darker with the mark"
        test = tests.get(str(network))
        if test and test["marked"] - test["bare"] < LEANS:
            verdict = "does not lean on it"
        turned = f"{test['marked']:.1%} / {test['bare']:.1%}" if test else "–"
        rows.append((network, by, _interval(with_), _interval(without), verdict, turned))
    head = ["Network", "Masks by", "Mask there, with mark", "Without", "Betrayed?", "Turned by mark / bare corner"]
    return pd.DataFrame(rows, columns=head)


def _interval(row: pd.Series) -> str:
    if not np.isfinite(row["mean"]):
        return "–"
    if not np.isfinite(row["low"]):
        return f"{row['mean']:.2f} (too few images)"
    return f"{row['mean']:.2f} ({max(row['low'], 0):.2f} to {min(row['high'], 1):.2f})"


def _verdict(found: bool, images: int) -> str:
    if not images:
        return "no image of this city"
    if images < LEAST_IMAGES:
        return f"only {images} images"
    return "found" if found else "missed"


def _signed(low: float, high: float) -> str:
    return f"{low:+.2f} to {high:+.2f}" if np.isfinite([low, high]).all() else "–"


def _percent(value: float) -> str:
    return f"{value:.0%}" if np.isfinite(value) else "–"


def _share(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"
