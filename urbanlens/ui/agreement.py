"""The parts of the page Objects about several networks: do they look at the same places?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.collection.library import store_for
from urbanlens.explain.residual import Residuals, keep_residuals, kept_residuals, residuals, residuals_key
from urbanlens.plots.ratios import residual_heat
from urbanlens.ui import caches, masked, pictures, state, work

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.progress import Progress
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.masked import Question, Rows, Study
    from urbanlens.ui.page import Page

KINDS = {
    "again": "two trainings of one architecture, the same image",
    "pair": "two networks, the same image",
    "shuffled": "control: two networks, unrelated images",
    "random": "control: a network and random masks",
}


def show_agreement(here: Page, networks: Mapping[str, Network], first: Network, rows: Rows, asked: Question) -> None:
    """The residuals of all networks of the same classes whose masks are kept, as a heat map, beside their controls."""
    whole = here.collection.whole
    alike = [one for one in networks.values() if one.card and first.card and one.card.classes == first.card.classes]
    studies = [found for network in alike if (found := masked.kept(whole, network, asked)) is not None]
    if len(studies) < 2:
        st.info("Two networks of the same classes, with masks of this collection, are needed to compare them.")
        return
    compared = _residuals(whole, studies, rows)
    if compared is None:
        return
    table, names = compared.table(), [study.name for study in studies]
    left, right = st.columns([3, 2], gap="large")
    with left:
        kind = state.choose("Compare", ["pair", "shuffled"], name="compare", names=KINDS)
        top = float(np.ceil(table["ar"].max() * 20) / 20) or 1.0
        figure = residual_heat(table, names, kind, top)
        pictures.figure_with_downloads(figure, f"{whole.name}-residuals", table, key=f"residuals-{kind}")
    with right:
        kinds = {study.name: study.network.card.architecture for study in studies if study.network.card}
        again = (table["kind"] == "pair") & (table["a"].map(kinds) == table["b"].map(kinds))
        _reading(table.assign(kind=table["kind"].mask(again, "again")), int(table["images"].max()))


def _residuals(whole: ImageCollection, studies: list[Study], rows: Rows) -> Residuals | None:
    """Computed once for the same networks and images, and kept."""
    chosen = np.flatnonzero(rows & np.all([study.maps.readable for study in studies], axis=0))
    if len(chosen) < 2:
        pictures.quiet("Fewer than two images are chosen.")
        return None
    store, key = store_for(whole), residuals_key({study.name: study.key for study in studies}, chosen)

    def compute(progress: Progress) -> None:
        maps = {study.name: study.maps.maps[chosen] for study in studies}
        keep_residuals(store, key, residuals(maps, progress=progress))

    def read() -> Residuals | None:
        return kept_residuals(store, key)

    found = caches.compared(key.digest, read)
    if found is None:
        work.wait(f"residuals-{key.digest}", "Comparing the masks", compute)
        found = caches.compared(key.digest, read)
    return found


def _reading(table: pd.DataFrame, images: int) -> None:
    """What the numbers say, with their controls."""
    means = table[table["kind"] != "same"].groupby("kind")["ar"].agg(["mean", "min", "max"])
    rows = [
        (text, f"{means.loc[kind, 'mean']:.3f}", f"{means.loc[kind, 'min']:.3f} to {means.loc[kind, 'max']:.3f}")
        for kind, text in KINDS.items()
        if kind in means.index
    ]
    rows.append(("the same network twice", "0", "by definition"))
    pictures.text_table(pd.DataFrame(rows, columns=["What is compared", "Mean AR", "From … to"]))
    if {"pair", "shuffled"} <= set(means.index):
        gain = 1 - means.loc["pair", "mean"] / means.loc["shuffled", "mean"]
        pictures.quiet(
            f"AR is the mean difference of two masks, pixel by pixel: 0, the same; 1, opposite. Over {images:,} images "
            f"two networks differ {gain:.0%} less on the same image than on unrelated ones. Only what lies clearly "
            "below the control means that they look at the same things."
        )
