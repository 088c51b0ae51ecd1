"""The way of a transformation for the stepper: its real images, their objects and places, and files to take home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.plots.stepper import RealImage, Way
from urbanlens.ui import caches, map_panel, overview, pictures, state, uploads
from urbanlens.ui.stepper import stepper

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.transformation.record import Transformation
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject
    from urbanlens.ui.transformation_nearest import Nearest
    from urbanlens.ui.transformations import Study

PICTURE_PX = 300
EARTH_KM = 6371.0
_OF = "urbanlens.step-of"
"""Which way the step in the address belongs to."""


def way_of(study: Study, subject: Subject | None, found: Transformation, nearest: Nearest | None) -> Way:
    """A transformation with the real images that are nearest to its frames."""
    whole, count = study.collection, len(found.frames)
    original = _original(study, subject) if subject is not None else None
    if nearest is None:
        return Way(found, original, [], np.full(count, -1), np.zeros(count), [])
    rows = list(dict.fromkeys([row for row in nearest.rows.tolist() if row >= 0] + [row for row, _ in nearest.best]))
    best = {row for row, _ in nearest.best}
    real = [
        _real(study, row, source, labelled=row in best, begun=original.place if original else None)
        for row, source in zip(rows, pictures.thumbnails(whole, [whole.ids[r] for r in rows], PICTURE_PX), strict=True)
    ]
    number = {row: place for place, row in enumerate(rows)}
    steps = np.array([number.get(row, -1) for row in nearest.rows.tolist()], np.int64)
    return Way(found, original, real, steps, nearest.similarity, [(number[row], value) for row, value in nearest.best])


def _original(study: Study, subject: Subject) -> RealImage:
    """The picture that it begins with; of a photograph neither place nor objects are known."""
    url, image_id = caches.data_address(subject.image, PICTURE_PX, quality=88), subject.image_id
    if image_id is None:
        return RealImage(url, subject.title)
    row = study.collection.row(image_id)
    return _real(study, row, url)


def _real(
    study: Study, row: int, url: str, *, labelled: bool = True, begun: tuple[float, float] | None = None
) -> RealImage:
    """What is known of an image of the collection."""
    whole = study.collection
    image_id, told = whole.ids[row], whole.table.iloc[row]
    known = study.classes
    group = str(known[row]) if known is not None else ""
    labels = [name for name in overview.main_labels(whole) if name != study.card.label and pd.notna(told[name])]
    lat, lon = float(told["lat"]), float(told["lon"])
    place = (lat, lon) if np.isfinite([lat, lon]).all() else None
    words = [str(told[name]) for name in labels[:1]]
    if begun is not None and place is not None:
        words.append(far(begun, place))
    link = _address(image_id)
    return RealImage(
        url, image_id, group, " · ".join(words), link, place, true_shares(whole, image_id) if labelled else None
    )


def _address(image_id: str) -> str:
    """The address of the page Single image; the browser takes it as it is."""
    from html import unescape

    return unescape(pictures.image_link(image_id))


def far(begun: tuple[float, float], place: tuple[float, float]) -> str:
    """How far two places lie apart, in words."""
    (lat, lon), (north, east) = np.radians(begun), np.radians(place)
    part = np.sin((north - lat) / 2) ** 2 + np.cos(lat) * np.cos(north) * np.sin((east - lon) / 2) ** 2
    km = 2 * EARTH_KM * float(np.arcsin(np.sqrt(min(part, 1.0))))
    return f"{1000 * km:.0f} m away" if km < 1 else f"{km:.1f} km away" if km < 100 else f"{km:,.0f} km away"


def true_shares(images: ImageCollection, image_id: str) -> dict[str, float] | None:
    """The share of an image that each object takes, by its own labels; None where it has none."""
    labels = images.objects(image_id)
    if labels is None:
        return None
    counts = np.bincount(labels.ravel())
    names, drawn = images.object_names, max(int(counts[1:].sum()), 1)
    shares: dict[str, float] = {}
    for number in np.flatnonzero(counts[1:]) + 1:
        name = names.get(int(number), f"object {number}")
        shares[name] = shares.get(name, 0.0) + float(counts[number]) / drawn
    return shares


def draw(here: Page, subject: Subject | None, way: Way, *, of: str) -> None:
    """The stepper with its map."""
    places = [one.place for one in [*way.real, *([way.original] if way.original is not None else [])]]
    ground = None
    if any(place is not None for place in places):
        whole = here.collection.whole
        names = [one.name for one in way.real] + ([way.original.name] if way.original is not None else [])
        ground = _ground(f"{whole.root} {whole.fingerprint} {names} {places}", whole, places)
    _stepper(way, ground, _aspect(here, subject), of)


@st.cache_data(max_entries=64, show_spinner=False)
def _ground(
    key: str,  # noqa: ARG001
    _whole: ImageCollection,
    _places: list[tuple[float, float] | None],
) -> dict[str, Any] | None:
    from urbanlens.plots.way_map import way_map

    table = _whole.table
    return way_map(
        _places, table["lat"], table["lon"], outlines=map_panel.outlines_of(_whole),
        regions=[region.geometry for region in _whole.regions],
    )  # fmt: skip


def _aspect(here: Page, subject: Subject | None) -> float:
    """Width by height of the pictures: of a prototype, those of the collection's first image."""
    size = subject.image.size if subject is not None else (1, 1)
    if subject is None and len(here.collection):
        size = caches.small_pictures(here.collection, here.collection.ids[:1], 64)[0].size
    return float(np.clip(size[0] / max(size[1], 1), 0.5, 2.5))


@st.fragment
def _stepper(way: Way, ground: dict[str, Any] | None, aspect: float, of: str) -> None:
    """Moving it runs only this part again, once it rests."""
    stepper(way, ground=ground, aspect=aspect, chosen=_step(of), of=of, key="stepper", on_choose=_choose_step)


def _step(of: str) -> int | None:
    """The stop in the address, where it belongs to this way; None: nobody has chosen one."""
    whose = st.session_state.get(_OF)
    if whose is not None and whose != of:
        state.set_param("step", None)
    st.session_state[_OF] = of
    text = state.param("step")
    return int(text) if text.isdecimal() and len(text) < 5 else None


def _choose_step(stop: int) -> None:
    state.touched()
    state.set_param("step", str(stop))


def take_home(subject: Subject | None, way: Way, nearest: Nearest | None) -> None:
    """Buttons that save all of it; each file is made only when it is pressed."""
    found = way.found
    file = f"{subject.file if subject is not None else 'prototype'}-to-{uploads.slug(found.target) or 'class'}"
    source = subject.image if subject is not None else None

    def counterparts() -> tuple[list[Image], list[str]]:
        if nearest is None:
            return [], []
        ids = [nearest.whole.ids[row] for row, _ in nearest.best[:3]]
        return caches.small_pictures(nearest.whole, ids, 512), ids

    def strip() -> bytes:
        from urbanlens.transformation.export import strip_png

        return strip_png(found, source, counterparts()[0])

    def animation() -> bytes:
        from urbanlens.transformation.export import gif

        return gif(found)

    def everything() -> bytes:
        from urbanlens.transformation.export import archive

        return archive(found, source, *counterparts())

    _save("Strip (PNG)", strip, f"{file}.png", "image/png")
    _save("Animation (GIF)", animation, f"{file}.gif", "image/gif")
    _save("Steps, codes, settings (ZIP)", everything, f"{file}.zip", "application/zip")


def _save(label: str, made: Callable[[], bytes], file: str, kind: str) -> None:
    st.download_button(label, made, file, kind, icon=":material/download:", on_click="ignore")
