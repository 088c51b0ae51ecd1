"""The parts of the page Explanations round its plane: the image that was clicked, and what the lasso picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.errors import ImageError
from urbanlens.ui import caches, drawing, masked, overview, pictures, state
from urbanlens.ui.plane import Look, captions, draw_one

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.masked import Question, Rows, Study
    from urbanlens.ui.page import Page

SHOWN = 24
"""Of the images that the lasso picked, so many are drawn."""
SMALL_PX = 240


def show_chosen(here: Page, found: Study, threshold: float) -> None:
    """The image that was clicked: as it is, where the network looked, and what counted most."""
    whole = here.collection.whole
    image_id = state.param("image")
    if not image_id or image_id not in whole:
        st.info("Click a picture: it opens here. Draw round some with the lasso to see what they share.")
        return
    row = whole.row(image_id)
    try:
        image = drawing.display_size(whole.image(image_id), 700)
    except (ImageError, OSError) as error:
        st.error(pictures.plain(str(error)))
        return
    maps = found.maps
    raw, target = maps.maps[row], maps.classes[int(maps.targets[row])]
    st.subheader(pictures.plain(image_id), anchor=False)
    mask = drawing.mask_for(raw, image.size)
    if mask.any():
        pictures.picture(drawing.overlay(image, mask, 0.6), f"Mask for {target}", most=560)
        part = float((mask >= threshold).mean())
        pictures.picture(drawing.only_above(image, mask, threshold), f"The {part:.0%} above {threshold:g}", most=560)
    else:
        pictures.picture(image, f"The mask for {target} is empty: nothing here speaks for it.", most=560)
    order = np.argsort(-maps.probabilities[row], kind="stable")[:4]
    pictures.bars([(maps.classes[i], float(maps.probabilities[row, i])) for i in order])
    pictures.link_to_image(image_id, "Look closer")


def show_picked(here: Page, found: Study, picked: Rows, among: Rows, look: Look) -> None:
    """The images picked with the lasso: some of them, drawn as in the plane, and where they are on the map.

    Each share stands beside that of the images `among` which they were picked.
    """
    from urbanlens.plots.places import places_of

    whole = here.collection.whole
    rows = np.flatnonzero(picked)
    st.subheader(f"{len(rows):,} images picked", anchor=False)
    near, where = st.columns([3, 2], gap="large")
    with near:
        _some_of(whole, found, rows[:SHOWN], look)
        more = f"The first {SHOWN} are shown. " if len(rows) > SHOWN else ""
        pictures.quiet(more + _right(found, picked, among) + _mix(whole, picked, among))
    with where:
        figure = places_of(whole, whole.table.iloc[rows])
        if figure is None:
            pictures.quiet("None of these images has coordinates.")
        else:
            placed = int(whole.located[rows].sum())
            if placed < len(rows):
                pictures.quiet(f"{placed:,} of these {len(rows):,} images have coordinates.")
            pictures.figure_with_downloads(figure, f"{whole.name}-picked-map", key="picked-map", zoom=True)
    st.page_link(
        "pages/objects.py", label="Which objects do they look at? Objects, for these images only",
        icon=":material/category:", query_params=state.shared_params("Objects"),
    )  # fmt: skip
    maps = found.maps.of(rows)
    table = whole.table.iloc[rows].assign(
        explained=np.array(maps.classes, object)[maps.targets], answer=np.array(maps.classes, object)[maps.predicted],
        confidence=maps.confidence, right=np.where(maps.labels < 0, None, maps.labels == maps.predicted),
    )  # fmt: skip
    pictures.table_download(table.drop(columns=["votes"], errors="ignore"), f"{whole.name}-picked", "Images (CSV)")


def _some_of(whole: ImageCollection, found: Study, rows: NDArray[np.int64], look: Look) -> None:
    ids, told = [whole.ids[row] for row in rows], captions(found, rows)
    if look.kind == "photograph":
        pictures.grid(whole, ids, told, size=120)
        return
    small, maps = caches.small_pictures(whole, ids, SMALL_PX), found.maps.maps[rows]
    drawn = [draw_one(image, raw, look.kind, look.threshold) for image, raw in zip(small, maps, strict=True)]
    pictures.row_of(list(zip(drawn, told, strict=True)), size=120, links=ids)


def _right(found: Study, picked: Rows, among: Rows) -> str:
    """How many of the picked images the network named right, beside those of the plane."""
    maps = found.maps
    known, right = maps.readable & (maps.labels >= 0), maps.predicted == maps.labels
    chosen, every = known & picked, known & among
    if not chosen.any() or not every.any():
        return ""
    return (
        f"{int(right[chosen].sum()):,} of {int(chosen.sum()):,} are named right (of the images in the plane "
        f"{right[every].mean():.0%}). "
    )


def _mix(whole: ImageCollection, picked: Rows, among: Rows) -> str:
    """The commonest labels of the picked images, each beside its share of the images in the plane."""
    from urbanlens.embedding import mix

    parts = []
    for column in overview.main_labels(whole):
        every = dict(mix(whole.table.loc[among, column], most=len(whole)))
        told = [
            f"{name} {share:.0%} (in the plane {every.get(name, 0):.0%})"
            for name, share in mix(whole.table.loc[picked, column])
        ]
        parts.append(f"{column.replace('_', ' ')}: {', '.join(told)}")
    return " · ".join(parts)


def side_by_side(here: Page, networks: Mapping[str, Network], asked: Question) -> None:
    """One image under all networks whose masks are kept: do they look at the same place?"""
    whole, image_id = here.collection.whole, state.param("image")
    if not image_id or image_id not in whole or len(networks) < 2:
        return
    studies = [
        found
        for network in networks.values()
        if (found := masked.kept(whole, network, replace(asked, layer=None))) is not None
    ]
    st.header("The same image under every network")
    if len(studies) < 2:
        pictures.quiet(
            "Masks of this class, at the last layer, by two networks are needed here, and are not there yet."
        )
        return
    try:
        image = whole.image(image_id)
    except (ImageError, OSError):
        return
    image.thumbnail((420, 420))
    row = whole.row(image_id)
    cells = []
    for found in studies:
        maps = found.maps
        drawn = draw_one(image, maps.maps[row], "overlay", 0.5)
        best = int(maps.predicted[row])
        answer = f"{maps.classes[best]}, {pictures.percent(float(maps.confidence[row]))}"
        nothing = "" if maps.maps[row].any() else "; empty mask"
        cells.append((drawn, f"{found.name}: {answer}{nothing}"))
    pictures.row_of(cells, size=200)
    pictures.quiet("How far networks differ over all images stands on the page Objects, under “Do networks agree?”.")


def about() -> None:
    """How it is computed, for those who want to know."""
    with st.expander("How is this computed?", icon=":material/functions:"):
        st.markdown(
            r"""
**Mask.** Grad-CAM (Selvaraju et al. 2017): with the last convolution's activations $A^k$ and the score $y^c$ of
class $c$, $\alpha_k = \frac1Z\sum_{ij}\partial y^c/\partial A^k_{ij}$ and
$L^c = \mathrm{ReLU}\left(\sum_k\alpha_kA^k\right)$, enlarged to the image and stretched to 0…1.

**What counted most** keeps the pixels where the mask reaches the threshold and blacks out the rest.

**Plane.** The masks are reduced to 50 principal components and laid out by t-SNE (or UMAP), as in “Deep Visual City
Recognition Visualization” (2018). Near means: looked at similar *places in the image*, not always at similar things.
"""
        )
