"""The pages in the order of a workshop: one entry feeds the router and the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Route:
    """A page: its file below pages/, its name in the navigation, its icon, and what one does there."""

    file: str
    title: str
    icon: str
    purpose: str

    @property
    def path(self) -> str:
        """Relative to app.py, as Streamlit's links want it."""
        return f"pages/{self.file}.py"


ROUTES = (
    Route("overview", "Overview", ":material/home:", "What this collection is"),
    Route("map", "Map", ":material/map:", "Choose a part of the city and group its images by place and by looks."),
    Route(
        "single_image",
        "Single image",
        ":material/center_focus_strong:",
        "Ask a network what a photograph shows, and where it looked.",
    ),
    Route("collections", "Collections", ":material/photo_library:", "Bring your own images, and check them."),
)


def pages() -> list[StreamlitPage]:
    """All pages for `st.navigation`; the first is where a visitor arrives."""
    return [st.Page(route.path, title=route.title, default=route is ROUTES[0]) for route in ROUTES]
