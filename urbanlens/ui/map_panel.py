"""The map of a collection: its outlines, its images as coloured points, and the tools to draw on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.errors import RegionError, UrbanLensError
from urbanlens.plots import palette
from urbanlens.ui import pictures, state
from urbanlens.ui.page import Page, region
from urbanlens.ui.region_panel import FOCUS, KEY, drawn, is_editable

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

    from urbanlens.collection import ImageCollection
    from urbanlens.embedding import Groups
    from urbanlens.plots.points import LegendEntry

    Outlines = Sequence[tuple[str, BaseGeometry]]

CLUSTERS = "cluster"
MOST_NAMES = 24
STEPS = 24
KEPT = {"a": "#0072B2", "b": "#CC79A7"}
"""The colours of the regions kept for a comparison."""
_CLICKED = "map-clicked"


@dataclass(frozen=True)
class Colouring:
    """The colour of each image of the whole collection, and what the colours mean."""

    title: str
    classes: NDArray[np.int64]
    colours: list[str]
    legend: list[LegendEntry]


def is_dark() -> bool:
    """Whether the visitor's page is dark."""
    return st.context.theme.type == "dark"


def colour_options(collection: ImageCollection, grouped: bool) -> list[str]:
    """Columns that the points can be coloured by, and the clusters where there are some."""
    columns = [*collection.columns.labels, *collection.columns.scores]
    if "district" in collection.table and "district" not in columns:
        columns.append("district")
    return ([CLUSTERS] if grouped else []) + columns


def colour_by(collection: ImageCollection, column: str) -> Colouring:
    """Colours of all images by a column of the table: names by the categorical palette, numbers by the sequential."""
    from urbanlens.plots.points import QUIET, LegendEntry

    if column in collection.columns.scores:
        steps, low, high = palette.bins(collection.table[column], STEPS)
        colours = palette.sequential(STEPS)
        legend = [
            LegendEntry(f"{low + (high - low) * share:.3g}", colours[round(share * (STEPS - 1))])
            for share in (1.0, 0.75, 0.5, 0.25, 0.0)
            if np.isfinite(low)
        ]
        return Colouring(column, np.where(steps < 0, QUIET, steps), colours, legend)
    if column not in collection.table:
        return Colouring("", np.zeros(len(collection), np.int64), palette.categorical(1), [])
    return _by_name(column, collection.table[column], collection.located)


def colour_by_group(
    collection: ImageCollection, view: ImageCollection, groups: Groups, chosen: int | None
) -> Colouring:
    """Colours by the clusters of the images in `view`; all others are quiet, as are other clusters than `chosen`."""
    from urbanlens.plots.points import QUIET, LegendEntry

    sizes = groups.sizes()
    colours = group_colours(groups)
    placed = Counter(groups.labels[view.located].tolist())
    rank = {label: i for i, label in enumerate(sizes)}
    shown = [rank.get(int(label), QUIET) if chosen in (None, int(label)) else QUIET for label in groups.labels]
    classes = np.full(len(collection), QUIET, np.int64)
    classes[view.positions] = np.where(np.asarray(shown, np.int64) >= 250, QUIET, shown)
    legend = [LegendEntry(groups.names[label], colours[label], placed[label]) for label in sizes]
    return Colouring("Groups", classes, [colours[label] for label in sizes][:250], legend[:MOST_NAMES])


def group_colours(groups: Groups) -> dict[int, str]:
    """The colour of each cluster on the map, in the scatter and on its card."""
    return dict(zip(groups.sizes(), palette.categorical(len(groups.names)), strict=True))


def _by_name(title: str, values: pd.Series[Any], located: NDArray[np.bool_]) -> Colouring:
    """Colours by name; the legend counts what is on the map."""
    from urbanlens.plots.points import QUIET, LegendEntry

    counts = values[located].dropna().astype(str).value_counts()
    names = [str(name) for name in counts.index[:MOST_NAMES]]
    number = {name: i for i, name in enumerate(names)}
    classes = np.array([number.get(str(v), QUIET) if v == v and v is not None else QUIET for v in values], np.int64)
    colours = palette.categorical(len(names))
    legend = [LegendEntry(name, colours[i], int(counts.iloc[i])) for i, name in enumerate(names)]
    rest = int((classes[located] == QUIET).sum())
    if rest:
        legend.append(LegendEntry("other or none", palette.MUTED, rest))
    return Colouring(title.replace("_", " "), classes, colours, legend)


@lru_cache(maxsize=4)
def _outlines(path: Path, stamp: int) -> tuple[tuple[str, BaseGeometry], ...]:  # noqa: ARG001 - read anew when changed
    from urbanlens.plots.maps import read_outlines

    return tuple(read_outlines(path))


def outlines_of(collection: ImageCollection) -> Outlines:
    """The base of the collection's own map; nothing, with a warning, where its file cannot be read."""
    path = collection.root / "outlines.geojson"
    try:
        return _outlines(path, path.stat().st_mtime_ns) if path.is_file() else ()
    except RegionError as error:
        st.warning(pictures.plain(str(error)))
        return ()


def show_image(collection: ImageCollection) -> None:
    """A card of the image that was clicked on the map, with the way to its explanation."""
    image_id = state.param("image")
    if image_id not in collection:
        return
    row = collection.table.iloc[collection.row(image_id)]
    labels = [str(row[name]) for name in collection.columns.labels if row[name] is not None and row[name] == row[name]]
    scores = [
        f"{name} {row[name]:.1f}"
        for name in collection.columns.scores
        if isinstance(row[name], Real) and row[name] == row[name]
    ]
    with st.container(border=True, key="clicked-image"):
        try:
            pictures.picture(collection.image(image_id), " · ".join([image_id, *labels[:3], *scores]), most=520)
        except (UrbanLensError, OSError) as error:
            st.error(pictures.plain(str(error)))
        with st.container(horizontal=True, vertical_alignment="center"):
            pictures.link_to_image(image_id, "Explain this image")
            st.button("Close", key="close-image", type="tertiary", on_click=state.pick, args=("image", None))


def _image_clicked(collection: ImageCollection) -> None:
    """A point was clicked: its image is the one to look at, here and on the page Single image."""
    from urbanlens.plots.points import clicked

    answer = (st.session_state.get(KEY) or {}).get("last_object_clicked_popup")
    if answer == st.session_state.get(_CLICKED):
        return
    st.session_state[_CLICKED] = answer
    row = clicked(answer, collection.located)
    if row is not None:
        state.set_param("image", collection.ids[row])
        state.pick("class", None)


def draw_map(here: Page, colouring: Colouring, outlines: Outlines, *, tiles: bool) -> None:
    """The map; a drawing on it becomes the selection, a clicked point the image, before the page runs again."""
    import folium
    from streamlit_folium import st_folium

    from urbanlens.plots import maps, world
    from urbanlens.plots.points import PointLayer

    dark, table = is_dark(), here.collection.table
    bounds = _bounds(here.collection)
    chart = maps.LocalMap(bounds, dark=dark, tiles=tiles)
    if not tiles and not outlines and world.helps(bounds):
        maps.WorldLayer(dark=dark).add_to(chart)
    maps.outlines(outlines, dark).add_to(chart)
    maps.district_outlines([(r.name, r.kind, r.geometry) for r in here.collection.regions], dark).add_to(chart)
    maps.LocalDraw(_ink(dark)).add_to(chart)
    moving = folium.FeatureGroup("moving")
    for slot, colour in KEPT.items():
        kept = region(slot)
        if kept is not None:
            style = {"color": colour, "weight": 2.5, "dashArray": "6 4", "fill": False}
            maps.OutlineLayer([(kept.geometry, style, slot.upper())], pane="chosen").add_to(moving)
    chosen = here.selection
    if chosen is not None and not is_editable(chosen.geometry):
        style = {"color": _ink(dark), "weight": 2.5, "fillOpacity": 0.06}
        maps.OutlineLayer([(chosen.geometry, style, "")], pane="chosen").add_to(moving)
    editable = chosen.geometry if chosen is not None and is_editable(chosen.geometry) else None
    focus = chosen.geometry if chosen is not None else None
    maps.EditableRegion(editable, _ink(dark), focus, jump=st.session_state.get(FOCUS, True)).add_to(moving)
    image_id = state.param("image")
    PointLayer(
        table["lat"], table["lon"], colouring.classes, colouring.colours, legend=colouring.legend,
        title=colouring.title, chosen=here.collection.row(image_id) if image_id in here.collection else None,
    ).add_to(moving)  # fmt: skip

    def answered() -> None:
        state.touched()
        drawn(here)
        _image_clicked(here.collection)

    st_folium(
        chart,
        key=KEY,
        height=_height(bounds),
        use_container_width=True,
        returned_objects=["all_drawings", "last_object_clicked_popup"],
        feature_group_to_add=moving,
        on_change=answered,
    )


def map_download(here: Page, colouring: Colouring, outlines: Outlines) -> None:
    """A button that saves the map as SVG, made when it is pressed."""
    collection = here.collection
    drawn = [("", here.selection, _ink(False))] + [(slot.upper(), region(slot), ink) for slot, ink in KEPT.items()]
    chosen = [(slot, ink, one.geometry) for slot, one, ink in drawn if one is not None]

    def made() -> bytes:
        from urbanlens.plots import world
        from urbanlens.plots.map_svg import map_svg

        bounds, table = _bounds(collection), collection.table
        return map_svg(
            bounds, table["lat"], table["lon"], colouring.classes, colouring.colours, outlines=outlines,
            regions=[(r.name, r.kind, r.geometry) for r in collection.regions], chosen=chosen,
            legend=colouring.legend, title=colouring.title, with_world=not outlines and world.helps(bounds),
        ).encode()  # fmt: skip

    st.download_button(
        "Map (SVG)", made, f"{collection.name}-map.svg", "image/svg+xml", icon=":material/download:",
        on_click="ignore", type="tertiary",
    )  # fmt: skip


def _height(bounds: tuple[float, float, float, float]) -> int:
    """Of the map, px: less for a wide strip of land."""
    south, west, north, east = bounds
    return 430 if north - south < 0.6 * (east - west) else 540


def _bounds(collection: ImageCollection) -> tuple[float, float, float, float]:
    from shapely.geometry import MultiPoint

    from urbanlens.plots.maps import bounds_of

    placed = collection.table.loc[collection.located, ["lon", "lat"]]
    around = [r.geometry for r in collection.regions]
    return bounds_of([*around, MultiPoint(placed.to_numpy(float))] if len(placed) else around)


def _ink(dark: bool) -> str:
    return "#F4A261" if dark else "#C4391D"
