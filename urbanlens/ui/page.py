"""The frame of every page: look, navigation, the current collection, and the region that is selected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import streamlit as st

from urbanlens.errors import RegionError, UrbanLensError
from urbanlens.ui import caches, library, state, work
from urbanlens.ui.pictures import plain
from urbanlens.ui.routes import ROOT, ROUTES

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.collection.regions import Region

STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
LOGO = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><path fill="#E87B50" '
    'd="M24 46C13 33 8 26 8 18a16 16 0 0 1 32 0c0 8-5 15-16 28z"/><circle cx="24" cy="18" r="10.5" fill="#FBF8F3"/>'
    '<circle cx="24" cy="18" r="7.5" fill="#2F6F6B"/><path d="M19 16a5.5 5.5 0 0 1 4.500-3" stroke="#FBF8F3" '
    'stroke-width="1.8" fill="none" stroke-linecap="round"/></svg>'
)


@dataclass(frozen=True)
class Page:
    """What a page shows: the current collection, and the region that the visitor selected on the map, if any."""

    title: str
    collection: ImageCollection
    selection: Region | None = None

    @cached_property
    def view(self) -> ImageCollection:
        """The images inside the selection; all of them where there is none."""
        return self.collection if self.selection is None else self.collection.within(self.selection.geometry)


def page(title: str, *, wide: bool = True) -> Page:
    """First call of every page: draw its frame, and say what it is about.

    Without any collection the run ends here, with a hint where to get one.
    """
    collection = frame(title, wide=wide)
    if collection is None:
        st.title(title)
        st.info("There is no collection yet. Bring your own images on the page **Collections**.")
        st.stop()
    return Page(title, collection, region("region"))


def frame(title: str, *, wide: bool = True) -> ImageCollection | None:
    """The frame alone, for a page that also works without a collection."""
    st.set_page_config(
        page_title=f"{title} · UrbanLens",
        page_icon=str(ROOT / "assets" / "icon.png"),
        layout="wide" if wide else "centered",
    )
    state.enter(title)
    st.html(f"<style>{STYLE}</style>")
    with st.sidebar:
        st.html(f'<div class="brand"><img src="{LOGO}" alt=""><span>UrbanLens</span></div>')
        links = st.container(key="frame", gap="xxsmall")
        collection = _switch()
        # After the switch: a link carries what is chosen now.
        for route in ROUTES:
            links.page_link(
                route.path,
                label=route.title,
                icon=route.icon,
                query_params=state.shared_params(route.title),
                width="stretch",
            )
        if collection is not None:
            _badge(collection)
        work.elsewhere()
    return collection


def region(slot: str) -> Region | None:
    """The region kept as `slot`: "region" (the selection), "a" or "b"."""
    text = state.param(slot)
    if not text:
        return None
    from urbanlens.collection.regions import decode_region

    try:
        return decode_region(text)
    except RegionError as error:
        state.set_param(slot, None)
        st.warning(f"The region in the address cannot be read and was left out: {plain(str(error))}")
        return None


def select_region(chosen: Region | None, slot: str = "region") -> None:
    """Keep a region as the selection of every page ("region"), or for a comparison ("a", "b"); None clears it."""
    from urbanlens.collection.regions import encode_region

    if slot not in ("region", "a", "b"):
        raise ValueError(f"no slot is named {slot!r}: region, a or b")
    state.set_param(slot, encode_region(chosen) if chosen is not None else None)


def _switch() -> ImageCollection | None:
    """The collection that is open, and the menu to change it."""
    known = library.known()
    wanted = state.param("collection")
    if wanted and wanted not in known:
        folder = library.local_folder(wanted)
        if folder is None:
            st.warning("The collection in the address is not known here. Showing another one.")
            state.pick("collection", None)
            state.forget_choices()
        else:
            known[wanted] = folder
    if not known:
        return None
    names = library.titles(known)
    chosen = state.choose(
        "Collection", list(known), name="collection", default="", names=names, on_change=state.forget_choices
    )
    state.set_param("collection", chosen)
    try:
        return caches.collection(known[chosen])
    except UrbanLensError as error:
        st.error(plain(str(error)))
        return None


def _badge(collection: ImageCollection) -> None:
    """What is selected, and the button that clears it."""
    chosen = region("region")
    if chosen is None:
        return
    inside = len(collection.within(chosen.geometry))
    with st.container(key="selection-badge", gap="small"):
        st.html(
            f'<div class="badge"><small>Selection on every page</small><b>{escape(chosen.name or "Region")}</b>'
            f"<span>{inside:,} of {len(collection):,} images</span></div>"
        )
        st.button("Show all images", key="clear-selection", on_click=state.pick, args=("region", None), type="tertiary")
