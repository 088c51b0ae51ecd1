"""The view Places of the page Aesthetics: where the city is thought beautiful."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.groups import WHOLE, marks_by_group
from urbanlens.collection.export import points_geojson
from urbanlens.plots.beauty_places import group_dots
from urbanlens.plots.places import places_valued
from urbanlens.siam.metrics import FEWEST
from urbanlens.ui import aesthetic_objects, aesthetic_rows, aesthetics, pictures, state
from urbanlens.ui.page import region

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.ui.aesthetic_rows import Rated, Rows
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page

REGIONS = "regions"
MOST_GROUPS = 40
"""A label with more values than this parts the images too finely to be shown."""

Groups = dict[str, "Rows"]


def show(here: Page, study: Study) -> None:
    """The map, the marks of districts, and what the networks' maps light up."""
    by = aesthetic_rows.choose_rated(study)
    kind, network = aesthetics.choose_network(study)
    known = aesthetics.readings(here.collection, network)
    rated = aesthetic_rows.rated(study, network, known, by)
    if rated is None:
        return
    _map(here, network, rated)
    st.header("By district and kind of place", anchor=False)
    foretold = known.mean if known is not None else np.full(len(here.collection.whole), np.nan)
    _groups(here, study, network, foretold, marks=kind == "marks")
    st.header("What the maps light up", anchor=False)
    if known is not None:
        aesthetic_objects.show(here, network, known)
    else:
        pictures.quiet("This appears once the network has read the images.")


def _map(here: Page, network: Network, rated: Rated) -> None:
    """All located images, coloured by their mark."""
    whole, view = here.collection.whole, here.view
    values = rated.values[view.positions]
    figure = places_valued(view, values, rated.title)
    if figure is None:
        if view.located.any():
            st.info("None of the images with coordinates has votes." if rated.by_votes else "No image could be read.")
        else:
            st.info("None of these images has coordinates, so there is no map.")
        return
    table = whole.table[["image_id", "lat", "lon"]].assign(value=rated.values).iloc[view.positions]
    table = table.rename(columns={"value": rated.title})
    file = f"{whole.name}-{rated.title}-map".replace(" ", "-").replace(",", "")
    pictures.figure_with_downloads(figure, file, table, key="beauty-map", zoom=True)
    st.download_button(
        "Points (GeoJSON)", lambda: points_geojson(table), f"{file}.geojson", "application/geo+json",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    shown = int((view.located & np.isfinite(values)).sum())
    told = f"{shown:,} of {len(view):,} images have coordinates and a value, and are shown"
    fresh = aesthetics.unlearnt(whole, network)
    if not rated.by_votes and fresh.any():
        told += f"; the network was trained or tuned on {int((~fresh[view.positions]).sum()):,} of them"
    pictures.quiet(f"{told}. The colours run from the 2nd to the 98th percentile.")


def _groups(here: Page, study: Study, network: Network, foretold: NDArray[np.float64], *, marks: bool) -> None:
    """The mean of each group beside that of all images."""
    whole = here.collection.whole
    ways = _ways(whole)
    way = ""
    if ways:
        left, _ = st.columns(2, gap="medium")
        with left:
            usual = next((name for name in ("district_kind", "district") if name in ways), None)
            way = state.choose("Groups", list(ways), name="grouped", default=usual, names=ways)
    groups = {WHOLE: np.arange(len(whole))} | _selected(here) | _members(whole, way)
    if len(groups) == 1:
        pictures.quiet(
            "This collection has no regions and no label columns, and no region is selected. Choose one on the page "
            "Map, and it is held against all images here."
        )
    fresh = aesthetics.unlearnt(whole, network)
    said = np.where(fresh, foretold, np.nan) if fresh.any() else foretold
    given = study.votes.mean if study.votes is not None else np.full(len(whole), np.nan)
    key = aesthetic_rows.digest(given, said, *groups.values()) + repr(list(groups))
    table = _table(key, groups, given, said)
    if len(groups) > 1:
        _dots(table, f"{whole.name}-beauty-by-group", marks=marks)
    pictures.text_table(_words(table, marks=marks), most=MOST_GROUPS + 8)
    _tell_groups(fresh, marks=marks)


def _dots(table: pd.DataFrame, file: str, *, marks: bool) -> None:
    """The groups as a figure. Marks of 1 to 10 and certainties of 0 to 1 do not belong on one axis."""
    voted = bool(table["mean"].notna().any())
    drawn = table.assign(foretold=np.nan) if voted and not marks else table
    drawn = drawn[drawn["images"] >= FEWEST]
    if len(drawn) < len(table):
        pictures.quiet(f"Groups of fewer than {FEWEST} images stand in the table alone: they have no interval.")
    if drawn.empty:
        return
    title = "mean mark" if voted else "mean mark, foretold" if marks else "mean certainty that it is high"
    pictures.figure_with_downloads(group_dots(drawn, title=title), file, table, key="beauty-groups")


def _tell_groups(fresh: NDArray[np.bool_], *, marks: bool) -> None:
    foretold = "The foretold mean" if marks else "The certainty foretold"
    scope = (
        "counts only images that the network has not learnt from" if fresh.any()
        else "counts all images: which of them the network has learnt from, if any, is not known"
    )  # fmt: skip
    pictures.quiet(
        "Behind each mean its 95 % interval, by drawing the images anew; the dotted line is the mean of all images. "
        f"{foretold} {scope}."
    )
    pictures.note(
        "Photographs of one place are not independent of each other, nor are the voters, so the true intervals are "
        "wider than these. And a mark belongs to the photograph: light and view differ between districts, too."
    )


def _ways(whole: ImageCollection) -> dict[str, str]:
    """What parts the images into groups: label columns of a few values, and the collection's regions."""
    found = {}
    for name in whole.columns.labels:
        if name in whole.table and 1 < whole.table[name].nunique() <= MOST_GROUPS:
            found[name] = name.replace("_", " ")
    if whole.regions:
        found[REGIONS if REGIONS not in found else f"{REGIONS} "] = "regions of the collection"
    return found


def _members(whole: ImageCollection, way: str) -> Groups:
    """The images of each group."""
    if not way:
        return {}
    if way.strip() == REGIONS and way not in whole.columns.labels:
        return _unlike([(one.name, whole.within(one.geometry).positions) for one in whole.regions[: 2 * MOST_GROUPS]])
    values = whole.table[way].astype("string")
    return _unlike([(str(name), np.flatnonzero(values.eq(name).fillna(False))) for name in values.dropna().unique()])


def _selected(here: Page) -> Groups:
    """The region that is selected, and those that are kept as A and B."""
    whole, found = here.collection.whole, []
    if here.selection is not None:
        inside = here.view.positions
        found.append((f"selected: {aesthetic_rows.place(here)}", inside))
        found.append(("elsewhere", np.setdiff1d(np.arange(len(whole)), inside)))
    for slot in ("a", "b"):
        kept = region(slot)
        if kept is not None:
            found.append((f"{slot.upper()}: {kept.name}", whole.within(kept.geometry).positions))
    return _unlike(found)


def _unlike(named: list[tuple[str, Rows]]) -> Groups:
    """Groups by name: a second one of the same name gets a number; empty ones are left out."""
    found: Groups = {}
    for name, rows in named:
        label, number = name, 1
        while label in found or label == WHOLE:
            number += 1
            label = f"{name} ({number})"
        if len(rows):
            found[label] = np.asarray(rows, np.int64)
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _table(
    key: str,  # noqa: ARG001
    _groups: Mapping[str, Rows],
    _given: NDArray[np.float64],
    _said: NDArray[np.float64],
) -> pd.DataFrame:
    return marks_by_group(_groups, _given, _said)


def _words(table: pd.DataFrame, *, marks: bool) -> pd.DataFrame:
    """The table as one reads it, the highest first."""
    by = "mean" if table["mean"].notna().any() else "foretold"
    order = pd.concat([table.iloc[:1], table.iloc[1:].sort_values(by, ascending=False, kind="stable")])
    rows = []
    for row in order.to_dict("records"):
        told = {"Group": row["group"], "Images": f"{row['images']:,}"}
        if by == "mean":
            told["Mean mark (95 %)"] = _number(row["mean"], row["mean_low"], row["mean_high"])
            told["High, above 5 (95 %)"] = _share(row["share_high"], row["share_high_low"], row["share_high_high"])
        bounds = (row["foretold"], row["foretold_low"], row["foretold_high"])
        text = _number(*bounds) if marks else _share(*bounds)
        title = "Foretold mean mark (95 %)" if marks else "Certainty that it is high (95 %)"
        counted = f" of {row['foretold_images']:,}" if 0 < row["foretold_images"] < row["images"] else ""
        told[title] = text + counted
        rows.append(told)
    return pd.DataFrame(rows)


def _number(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.2f} ({low:.2f} to {high:.2f})" if np.isfinite(low) else f"{value:.2f} (too few images)"


def _share(value: float, low: float, high: float) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.0%} ({low:.0%} to {high:.0%})" if np.isfinite(low) else f"{value:.0%} (too few images)"
