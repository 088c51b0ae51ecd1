"""The choice of a region: drawn on the map, from a list, from a file; named, and kept as A or B."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from urbanlens.errors import RegionError
from urbanlens.ui import pictures, state
from urbanlens.ui.page import Page, region, select_region

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from urbanlens.collection import Region

KEY = "map"
"""The session key of the map's answer."""
FOCUS = "map-focus"
"""Whether the map should move to the selection: it was not drawn where the visitor looks."""
DRAWN = "Drawn region"
NO_REGION = "(none)"
LOADED = "map-loaded"
MOST_CORNERS = 40
SAME = 0.999
"""Two outlines that overlap by more than this share are one: an address keeps corners to about a metre."""
ALIKE = 0.8
"""What an address keeps of a long outline overlaps with it by more than this share."""


def is_editable(geometry: BaseGeometry) -> bool:
    """Whether the drawing tool can reshape it: one polygon of few corners."""
    return bool(geometry.geom_type == "Polygon" and len(geometry.exterior.coords) <= MOST_CORNERS)


def newly_drawn(
    drawings: Sequence[Mapping[str, Any]] | None, chosen: Region | None, offered: Collection[str] = ()
) -> Region | None:
    """What the drawings on the map ask for: `chosen` itself where nothing changed, None where it was deleted.

    Parameters
    ----------
    drawings : GeoJSON features of everything in the drawing tool, the newest last; None before the first drawing.
    chosen : the selection, which the map puts into the drawing tool where it can be reshaped.
    offered : names of the regions in the list; a reshaped one is no longer what its name says.

    Raises
    ------
    RegionError
        The newest drawing encloses nothing.
    """
    from urbanlens.collection.regions import Region, read_regions

    if drawings is None:
        return chosen
    if not drawings:
        return None if chosen is not None and is_editable(chosen.geometry) else chosen
    shapes = [found for feature in drawings for found in read_regions({**feature, "type": "Feature"})]
    fresh = [shape for shape in shapes if chosen is None or _overlap(shape.geometry, chosen.geometry) <= SAME]
    if not fresh:
        return chosen
    if chosen is None or len(shapes) > 1 or not is_editable(chosen.geometry):
        return Region(DRAWN, fresh[-1].geometry)
    return Region(f"{chosen.name} (reshaped)" if chosen.name in offered else chosen.name, fresh[-1].geometry)


def drawn(here: Page) -> None:
    """A drawing was made, reshaped or deleted: called before the page runs again."""
    named = {one.name for one in _offered(here)}
    drawings = (st.session_state.get(KEY) or {}).get("all_drawings")
    chosen = region("region")
    try:
        asked = newly_drawn(drawings, chosen, named)
        if asked is not chosen:
            take(asked, focus=False)
    except RegionError as error:
        st.session_state["map-problem"] = str(error)


def take(chosen: Region | None, *, focus: bool = True) -> None:
    """Make a region the selection, let the points show its groups, and the map move to it."""
    st.session_state[FOCUS] = focus
    select_region(chosen)
    if chosen is not None:
        state.set_param("image", None)  # what was clicked elsewhere has no place beside a new region
    state.pick("colour", None)
    state.set_param("group", None)


def _overlap(one: BaseGeometry, other: BaseGeometry) -> float:
    """The area that two outlines share, over the area of both together."""
    union = one.union(other).area
    return float(one.intersection(other).area / union) if union > 0 else 0.0


def listed(regions: Sequence[Region]) -> dict[str, Region]:
    """The regions by the names that a list shows: a second one of the same name gets a number."""
    names: dict[str, Region] = {}
    for one in regions:
        label, number = one.name, 1
        while label in names or label == NO_REGION:
            number += 1
            label = f"{one.name} ({number})"
        names[label] = one
    return names


def label_of(chosen: Region, offered: Mapping[str, Region]) -> str:
    """What a list shows for the selection: the name of the region that it is, or its own, unlike theirs."""
    from urbanlens.collection.regions import MAX_NAME

    alike = {
        label: _overlap(one.geometry, chosen.geometry)
        for label, one in offered.items()
        if one.name[:MAX_NAME] == chosen.name
    }
    if alike and max(alike.values()) > ALIKE:
        return max(alike, key=alike.__getitem__)
    name = chosen.name or DRAWN
    return name if name not in (NO_REGION, *offered) else f"{name} (drawn)"


def _offered(here: Page) -> list[Region]:
    """The collection's regions and those of the last file."""
    return [*here.collection.regions, *st.session_state.get(LOADED, [])]


def choose_region(here: Page) -> None:
    """The ways to a region without a mouse: a list of districts, and a GeoJSON file."""
    offered = listed(_offered(here))
    chosen = here.selection
    current = NO_REGION if chosen is None else label_of(chosen, offered)
    options = [NO_REGION, *offered] + ([current] if current not in (NO_REGION, *offered) else [])
    st.session_state["map-district"] = current

    def picked() -> None:
        name = st.session_state["map-district"]
        if name == NO_REGION or name in offered:
            take(offered.get(name))

    st.selectbox("Region", options, key="map-district", on_change=picked, help="Or draw one with the map's tools.")


def load_geojson() -> None:
    """An uploader whose regions join the list; the first becomes the selection."""
    from urbanlens.collection.regions import read_regions

    def loaded() -> None:
        file = st.session_state.get("map-upload")
        if file is None:
            return
        try:
            found = read_regions(file.getvalue())
        except RegionError as error:
            st.session_state["map-problem"] = str(error).replace("the GeoJSON", file.name)
            return
        st.session_state[LOADED] = found
        notes = [f"{r.name}: {r.note}" for r in found if r.note]
        st.session_state["map-note"] = f"{len(found)} region{'s' * (len(found) != 1)} loaded. " + " ".join(notes)
        take(found[0])

    st.file_uploader("GeoJSON with one or more polygons", ["geojson", "json"], key="map-upload", on_change=loaded)


def problems() -> None:
    """What went wrong or was repaired since the page last ran."""
    problem, note = (st.session_state.pop(f"map-{kind}", None) for kind in ("problem", "note"))
    if problem:
        st.error(pictures.plain(problem))
    if note:
        st.info(pictures.plain(note))


def keep_regions(here: Page) -> None:
    """Name the selection, keep it as A or B, and go back to what is kept."""
    chosen = here.selection
    if chosen is not None and not is_editable(chosen.geometry):
        pictures.quiet(
            "This outline has too many corners to reshape it on the map: draw your own over it, or give the map "
            "another outline as GeoJSON."
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if chosen is not None:
            st.session_state["map-name"] = chosen.name
            st.text_input(
                "Name of the region", key="map-name", max_chars=80, width=260,
                on_change=lambda: select_region(replace(chosen, name=st.session_state["map-name"].strip() or DRAWN)),
            )  # fmt: skip
        for slot in ("a", "b"):
            if chosen is not None:
                st.button(f"Keep as {slot.upper()}", key=f"keep-{slot}", on_click=select_region, args=(chosen, slot))
    for slot in ("a", "b"):
        kept = region(slot)
        if kept is not None:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                label = pictures.plain(f"{slot.upper()}: {kept.name or DRAWN}")
                st.button(label, key=f"show-{slot}", on_click=take, args=(kept,), icon=":material/my_location:")
                st.button(
                    f"Forget {slot.upper()}", key=f"forget-{slot}", on_click=select_region, args=(None, slot),
                    type="tertiary",
                )  # fmt: skip
    if chosen is None and region("a") is None and region("b") is None:
        pictures.quiet("Choose a region, then keep it here as A or B: two kept regions are compared below.")
