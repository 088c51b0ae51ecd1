"""Two kept regions side by side: their pictures, and what the table says about their differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.collection import ImageCollection
from urbanlens.embedding import typical
from urbanlens.ui import caches, overview, pictures
from urbanlens.ui.page import Page, region

MOST_ROWS = 12
PICTURES = 6


def compare_kept(here: Page) -> None:
    """The comparison of the regions A and B, once both are kept."""
    a, b = region("a"), region("b")
    if a is None or b is None:
        return
    st.header("A and B compared")
    views = [here.collection.within(one.geometry) for one in (a, b)]
    for column, slot, one, view in zip(st.columns(2, gap="medium"), "AB", (a, b), views, strict=True):
        with column:
            st.subheader(pictures.plain(f"{slot}: {one.name}"), anchor=False)
            pictures.quiet(f"{len(view):,} images; the most typical ones:" if len(view) else "No image lies here.")
            pictures.grid(view, _typical(view), size=110)
    table = caches.comparison(*views)
    # Labels last: two districts differ in their names, which everybody knew.
    sure = table[table["differs"]].sort_values("measure", key=_is_label, kind="stable")
    if sure.empty:
        pictures.quiet("Nothing in the table differs between them by more than chance would.")
    else:
        st.dataframe(_shown(sure), hide_index=True, height="content")
        pictures.quiet(
            "Means and shares with their standard errors, beside the whole collection; the surest differences first, "
            "labels last. "
            f"{len(sure)} of {len(table)} measures differ by more than chance (5 %, corrected for their number)"
            + (f"; the first {MOST_ROWS} are shown." if len(sure) > MOST_ROWS else ".")
        )
    pictures.table_download(table, f"{here.collection.name}-a-and-b", "All measures (CSV)")


def _is_label(measures: pd.Series[str]) -> pd.Series[bool]:
    return measures.str.contains(": ", regex=False)


def _typical(view: ImageCollection) -> list[str]:
    features = caches.kept_features(view)
    if features is None or not len(view):
        return overview.chosen(view)[:PICTURES] if len(view) else []
    ids = view.ids
    return [ids[row] for row in typical(features, np.zeros(len(view), np.int64), PICTURES)[0]]


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The first rows in words: share or mean, with its error."""
    rows = []
    for _, row in table.head(MOST_ROWS).iterrows():
        measure = str(row["measure"])
        factor, unit = (100, " %") if measure.startswith("attr.") or ": " in measure else (1, "")
        a, b = (f"{row[part] * factor:.2f} ± {row[f'{part}_error'] * factor:.2f}{unit}" for part in "ab")
        name = measure.removeprefix("attr.").replace("_", " ")
        rows.append((name, a, b, f"{row['all'] * factor:.2f}{unit}"))
    return pd.DataFrame(rows, columns=["measure", "A", "B", "all images"])
