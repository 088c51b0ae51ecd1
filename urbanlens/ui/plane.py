"""The plane of the page Explanations: its controls, its pictures, its colours, and how far it can be believed."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from urbanlens.collection.library import store_for
from urbanlens.embedding import cluster
from urbanlens.embedding.mask_plane import MaskPlane, kept_mask_plane, mask_plane
from urbanlens.plots import palette
from urbanlens.plots.gallery import Atlas, build_atlas, choose_pictured
from urbanlens.threads import READERS
from urbanlens.ui import caches, drawing, lasso, map_panel, masked, overview, pictures, state, work
from urbanlens.ui.gallery import choice, gallery

if TYPE_CHECKING:
    import pandas as pd

    from urbanlens.collection import ImageCollection
    from urbanlens.embedding.projection import Method
    from urbanlens.explain import CollectionMaps
    from urbanlens.progress import Progress
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.masked import Rows, Study
    from urbanlens.ui.page import Page

METHODS = {"tsne": "t-SNE", "umap": "UMAP"}
PLACES = {"apart": "spread apart", "true": "as computed: pictures overlap"}
KINDS = {"explanation": "what counted most", "overlay": "mask over photograph", "photograph": "photograph"}
OWN_COLOURS = {"answer": "right or wrong", "confidence": "confidence", "masks": "groups of alike masks"}
COUNTS = ("200", "500", "1000", "2000")
KEY = "explanations-gallery"
STEPS = 5
SMALL_PX = 128
LARGE_CELL, SMALL_CELL = 96, 64


@dataclass(frozen=True)
class Look:
    """How the plane is drawn."""

    method: Method
    seed: int
    kind: str
    threshold: float
    colour: str
    apart: bool
    most: int


@dataclass(frozen=True)
class Colours:
    """The colour of each of N images: a number of `palette`, -1 for quiet; and what the colours mean."""

    numbers: NDArray[np.int64]
    palette: list[tuple[str, str]]
    muted: str = "other"


def choose_look(collection: ImageCollection, network: Network) -> tuple[Look, str | None, str]:
    """The controls of the plane (what the pictures show, colours, layout), the layer that is looked at, and how."""
    names = {**OWN_COLOURS, **{name: name.replace("_", " ") for name in map_panel.colour_options(collection, False)}}
    labels = overview.main_labels(collection)
    order = [*labels, *[name for name in names if name not in labels]]
    first, second, third, fourth = st.columns([1.3, 1.2, 1.2, 0.8], gap="medium", vertical_alignment="bottom")
    with first:
        kind = state.choose("Pictures show", list(KINDS), name="show", names=KINDS)
    with second:
        threshold = state.slide(
            "Threshold", 0.1, 0.9, name="threshold", default=0.5, step=0.05, disabled=kind != "explanation"
        )
    with third:
        colour = state.choose("Colour of the frames", order, name="frame", names=names)
    with fourth, st.popover("More", icon=":material/tune:", width="stretch"):
        explainer = masked.choose_explainer()
        layer = masked.choose_layer(network)
        method = state.choose("Laid out by", list(METHODS), name="layout", names=METHODS)
        seed = int(state.slide("Seed", 0, 20, name="seed", default=0, step=1))
        most = int(state.choose("Most pictures", COUNTS, name="pictures", default="500"))
        apart = state.choose("Places", ("apart", "true"), name="places", default="apart", names=PLACES) == "apart"
    return Look("umap" if method == "umap" else "tsne", seed, kind, threshold, colour, apart, most), layer, explainer


def plane_of(collection: ImageCollection, found: Study, rows: NDArray[np.int64], look: Look) -> MaskPlane | None:
    """The masks of some images in a plane; computed beside the page where it is not kept."""
    whole = collection.whole
    store, method, seed = store_for(whole), look.method, look.seed
    key = f"plane-{found.key.digest}-{hash(rows.tobytes())}-{method}-{seed}"

    def read() -> MaskPlane | None:
        return kept_mask_plane(found.key, rows, method=method, seed=seed, store=store)

    def compute(progress: Progress) -> MaskPlane:
        return mask_plane(
            found.maps.maps, found.key, rows, method=method, seed=seed, store=store, progress=progress
        )  # fmt: skip

    kept = caches.plane(key, read)
    if kept is not None:
        return kept
    made: MaskPlane | None = work.wait(key, "Laying the masks out", compute)
    return made


def colours_of(
    collection: ImageCollection, found: Study, rows: NDArray[np.int64], plane: MaskPlane, name: str
) -> Colours:
    """Colours of the images `rows` by a column of the table, or by what the network said."""
    maps = found.maps.of(rows)
    if name == "answer":
        return _by_answer(maps)
    if name == "confidence":
        return _by_confidence(maps)
    if name == "masks":
        labels = _groups(plane.points)
        numbers = sorted(set(labels[labels >= 0].tolist()))
        shades = palette.categorical(len(numbers))
        return Colours(labels, [(f"group {number + 1}", shades[i]) for i, number in enumerate(numbers)])
    values, nothing = collection.whole.table[name], f"no {name.replace('_', ' ')}"
    if name not in collection.columns.scores:
        every = _by_name(values)
        named = values.iloc[rows].astype("string").fillna("").ne("").to_numpy(bool)
        rare = bool((every.numbers[rows] < 0)[named].any())
        return Colours(every.numbers[rows], every.palette, "other" if rare else nothing)
    steps, low, high = palette.bins(values.iloc[rows], STEPS)
    edges = np.linspace(low, high, STEPS + 1)
    names = [f"{below:.3g} to {above:.3g}" for below, above in itertools.pairwise(edges)]
    return Colours(steps, list(zip(names, palette.sequential(STEPS), strict=True)), nothing)


def _by_name(values: pd.Series[Any]) -> Colours:
    """The commonest names in the order of their number; the rest is quiet."""
    texts = values.astype("string").fillna("")
    names = [str(name) for name in texts[texts != ""].value_counts().index[: map_panel.MOST_NAMES]]
    number = {name: position for position, name in enumerate(names)}
    numbers = np.array([number.get(str(text), -1) for text in texts], np.int64)
    return Colours(numbers, list(zip(names, palette.categorical(len(names)), strict=True)))


def _by_answer(maps: CollectionMaps) -> Colours:
    right = np.where(maps.labels < 0, -1, np.where(maps.predicted == maps.labels, 0, 1))
    return Colours(
        np.asarray(right, np.int64), [("right", palette.OKABE_ITO[0]), ("wrong", palette.OKABE_ITO[5])], "no class"
    )


def _by_confidence(maps: CollectionMaps) -> Colours:
    least = 1 / max(len(maps.classes), 1)
    share = (maps.confidence - least) / max(1 - least, 1e-9)
    steps = np.clip((share * STEPS).astype(np.int64), 0, STEPS - 1)
    edges = [least + (1 - least) * step / STEPS for step in range(STEPS + 1)]
    names = [f"{low:.0%} to {high:.0%}" for low, high in itertools.pairwise(edges)]
    return Colours(steps, list(zip(names, palette.sequential(STEPS), strict=True)))


def draw_plane(
    here: Page, found: Study, rows: NDArray[np.int64], plane: MaskPlane, colours: Colours, look: Look
) -> None:
    """The plane of pictures; a click chooses an image, the lasso picks some."""
    whole = here.collection.whole
    pictured = choose_pictured(plane.points, look.most, look.seed)
    ids = [whole.ids[row] for row in rows[pictured]]
    image = state.param("image")
    chosen = np.flatnonzero(rows == (whole.row(image) if image in whole else -1))
    picked = lasso.picked(whole)
    selected = np.flatnonzero(picked[rows]).tolist() if picked is not None else []

    def changed() -> None:
        state.touched()
        done = choice(KEY)
        if done.clicked is not None:
            state.set_param("image", whole.ids[int(rows[done.clicked])])
        if done.selected is not None:
            lasso.pick(whole, [int(rows[row]) for row in done.selected])

    gallery(
        plane.points,
        atlas_of(whole, found, rows[pictured], look),
        pictured,
        ids=ids,
        captions=captions(found, rows[pictured]),
        colours=colours.numbers,
        palette=colours.palette,
        muted=colours.muted,
        spread=_apart(plane.points[pictured]) if look.apart else None,
        chosen=int(chosen[0]) if len(chosen) else None,
        selected=selected,
        key=KEY,
        label=_label(whole, found, len(rows), look),
        file=f"{whole.name}-{found.name}-{look.method}-{look.kind}",
        on_change=changed,
    )


def _label(whole: ImageCollection, found: Study, count: int, look: Look) -> str:
    cut = f" above {look.threshold:g}" if look.kind == "explanation" else ""
    return f"{whole.title}: {count:,} images by where {found.name} looked. Shown: {KINDS[look.kind]}{cut}"


@st.cache_data(max_entries=16, show_spinner=False)
def _groups(points: NDArray[np.float32]) -> NDArray[np.int64]:
    return cluster(points, directions=False)


@st.cache_data(max_entries=16, show_spinner=False)
def _apart(points: NDArray[np.float32]) -> NDArray[np.float32]:
    from urbanlens.embedding.spread import spread

    return spread(points, aspect=1.15)


def atlas_of(whole: ImageCollection, found: Study, rows: NDArray[np.int64], look: Look) -> Atlas:
    """The thumbnails of the plane, made once for all visitors."""
    cut = look.threshold if look.kind == "explanation" else 0.0
    key = f"{whole.fingerprint}-{found.key.digest}-{hash(rows.tobytes())}-{look.kind}-{cut}"
    ids = [whole.ids[row] for row in rows]
    cell = LARGE_CELL if len(rows) <= 600 else SMALL_CELL

    def make() -> Atlas:
        small = caches.small_pictures(whole, ids, SMALL_PX)
        maps = found.maps.maps[rows]
        with ThreadPoolExecutor(READERS) as pool:
            drawn = pool.map(lambda i: draw_one(small[i], maps[i], look.kind, look.threshold), range(len(rows)))
            return build_atlas(drawn, cell)

    return caches.atlas(key, make)


def draw_one(image: Image.Image, raw: NDArray[np.float32], kind: str, threshold: float) -> Image.Image:
    """A picture as itself, under its mask, or with all but the visual explanation blacked out."""
    if kind == "photograph":
        return image
    mask = drawing.mask_for(raw, image.size)
    return drawing.overlay(image, mask, 0.6) if kind == "overlay" else drawing.only_above(image, mask, threshold)


def captions(found: Study, rows: NDArray[np.int64]) -> list[str]:
    """What the pointer tells of each image: its class, and the network's answer."""
    maps = found.maps
    lines = []
    for row in rows:
        label, best = int(maps.labels[row]), int(maps.predicted[row])
        own = f"{maps.classes[label]}; " if label >= 0 else ""
        lines.append(f"{own}answer: {maps.classes[best]}, {pictures.percent(float(maps.confidence[row]))}")
    return lines


def quality(plane: MaskPlane, maps: CollectionMaps, rows: Rows, look: Look) -> None:
    """How far the plane can be believed, and which images it leaves out."""
    empty, unread = int(maps.empty[rows].sum()), int((~maps.readable[rows]).sum())
    axes = min(50, int(np.prod(maps.maps.shape[1:])), len(plane.points))
    how = METHODS[plane.method] if len(plane.points) >= 10 else "Principal components"
    text = f"{how} of {len(plane.points):,} masks from {axes} principal components, seed {plane.seed}. "
    if np.isfinite(plane.trust):
        text += (
            f"Trustworthiness {plane.trust:.3f} (1: what is near here is near as masks; about .5 by chance). Of each "
            f"mask's ten nearest, {plane.kept:.0%} are among its ten nearest here (by chance {plane.chance:.1%}). "
        )
    if len(plane.points) > look.most:
        text += f"{look.most:,} of them are drawn as pictures. "
    if look.apart:
        text += "The pictures were moved apart so that none covers another: distances are shortened or stretched. "
    if empty:
        text += f"{empty:,} images have an empty mask and belong nowhere. "
    if unread:
        text += f"{unread:,} images could not be read. "
    pictures.quiet(text)


def plain_scatter(here: Page, rows: NDArray[np.int64], plane: MaskPlane, colours: Colours, found: Study) -> None:
    """The plane as points, for print, with its numbers."""
    import pandas as pd

    from urbanlens.plots.scatter import scatter

    whole, maps = here.collection.whole, found.maps
    names = {i: name for i, (name, _) in enumerate(colours.palette)}
    shades = {i: colour for i, (_, colour) in enumerate(colours.palette)}
    ids = [whole.ids[row] for row in rows]
    table = pd.DataFrame({
        "image_id": ids, "x": plane.points[:, 0], "y": plane.points[:, 1],
        "label": [maps.classes[k] if k >= 0 else "" for k in maps.labels[rows]],
        "explained": [maps.classes[k] for k in maps.targets[rows]],
        "answer": [maps.classes[k] for k in maps.predicted[rows]], "confidence": maps.confidence[rows],
        "colour": [names.get(int(k), "") for k in colours.numbers],
    })  # fmt: skip
    figure = scatter(plane.points, colours.numbers, names, shades, ids=ids, height=520)
    pictures.figure_with_downloads(figure, f"{whole.name}-{found.name}-{plane.method}", table, key="plane-scatter")
