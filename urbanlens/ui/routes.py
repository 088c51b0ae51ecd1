"""The pages in the order of a workshop: one entry feeds the router and the navigation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

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
    Route(
        "map",
        "Map",
        ":material/map:",
        "Draw a rectangle round a district. Which images lie inside, and which of them look alike?",
    ),
    Route(
        "explanations",
        "Explanations",
        ":material/visibility:",
        "Where does a network look in all these images? Draw round some that look alike.",
    ),
    Route(
        "objects",
        "Objects",
        ":material/category:",
        "Which things does it look at, and do several networks agree?",
    ),
    Route(
        "attributes",
        "Attributes",
        ":material/equalizer:",
        "A score that adds up: what a network sees, where, and how much each part counts. Change it, and see.",
    ),
    Route(
        "aesthetics",
        "Aesthetics",
        ":material/favorite:",
        "What would people find beautiful, which crop would a network make, and do its maps mean anything?",
    ),
    Route(
        "transformations",
        "Transformations",
        ":material/compare_arrows:",
        "What would have to change for this street to pass for one of another city? Watch it, and doubt it.",
    ),
    Route(
        "single_image",
        "Single image",
        ":material/center_focus_strong:",
        "Ask a network what a photograph shows, and see where it looked. Do you believe it?",
    ),
    Route(
        "collections",
        "Collections",
        ":material/photo_library:",
        "Now bring your own photographs, and do the same with them.",
    ),
)


def pages() -> list[StreamlitPage]:
    """All pages for `st.navigation`; the first is where a visitor arrives.

    Streamlit serves the first page at `/` alone, but a server that was entered by a link to another page calls it by
    its file's name, and such addresses get copied: for them something else has to stand at `/`.
    """
    listed = [st.Page(route.path, title=route.title) for route in ROUTES]
    asked = urlsplit(st.context.url or "").path.rstrip("/")
    if asked.endswith(f"/{ROUTES[0].file}"):
        return [st.Page(_arrive, title="UrbanLens", url_path="start", default=True), *listed]
    return listed


def _arrive() -> None:
    st.switch_page(ROUTES[0].path)
