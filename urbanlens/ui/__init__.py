"""The only package that imports streamlit: the frame of a page, what a visitor has chosen, pictures, long work."""

from urbanlens.threads import wait_without_spinning
from urbanlens.ui.features import features_of
from urbanlens.ui.page import Page, frame, page, select_region
from urbanlens.ui.pictures import figure_with_downloads, grid, picture, table_download
from urbanlens.ui.state import choose, param, pick, set_param, shared_params, slide

wait_without_spinning()

__all__ = [
    "Page",
    "choose",
    "features_of",
    "figure_with_downloads",
    "frame",
    "grid",
    "page",
    "param",
    "pick",
    "picture",
    "select_region",
    "set_param",
    "shared_params",
    "slide",
    "table_download",
]
