"""The part of the view Places that asks which objects the maps of high and of low lie on, and whether by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.readings import HIGH, LOW, maps_key, tells_marks
from urbanlens.collection.library import store_for
from urbanlens.collection.votes import HIGH_LOW, is_high
from urbanlens.explain import count_collection, kept_counts, ratio_table
from urbanlens.explain.objects import LEAST_IMAGES
from urbanlens.plots.ratios import ratio_bars
from urbanlens.plots.scores import ADDS, TAKES
from urbanlens.progress import part_of
from urbanlens.ui import aesthetic_rows, aesthetic_rule, caches, labelling, objects, overview, pictures, state, work
from urbanlens.ui.labelling import OWN

if TYPE_CHECKING:
    from urbanlens.aesthetics.readings import Readings
    from urbanlens.artifacts import ArtifactKey
    from urbanlens.collection import ImageCollection
    from urbanlens.explain import ObjectCounts
    from urbanlens.models import ModelCard
    from urbanlens.progress import Progress
    from urbanlens.ui.aesthetic_rows import Rows
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.labelling import Source
    from urbanlens.ui.page import Page

MAPS = {HIGH: "map of high", LOW: "map of low"}
COLOURS = {"map of high": ADDS, "map of low": TAKES}
CALLED, REGION, TOGETHER = "called", "region", "together"
BEHIND = 12


@dataclass(frozen=True)
class Lit:
    """What lies inside the maps of the images that count.

    Attributes
    ----------
    counts : of the maps of high and of low, of the N images that count
    rows : (N,) their numbers in the whole collection
    classes : (N,) the group of each
    names : of the objects, by id
    key : changes with all of that
    """

    counts: dict[str, ObjectCounts]
    rows: Rows
    classes: NDArray[np.object_]
    names: dict[int, str]
    key: str


def show(here: Page, network: Network, known: Readings) -> None:
    """R of each object beside its base rate, in the maps of high and of low side by side."""
    pictures.quiet(
        "Of each object's pixels: the share that lies inside the map, beside what maps of the same size would get if "
        "they lay anywhere. Only what lies clearly above that black mark is looked at more than chance would."
    )
    first, second, third = st.columns(3, gap="medium", vertical_alignment="bottom")
    with first:
        side = _choose_side(here)
    with second:
        threshold = objects.choose_threshold()
    with third:
        rows = aesthetic_rows.choose_rows(here if side != REGION else replace(here, selection=None), network)
    source = labelling.choose_source(here.collection)
    if source is None or network.card is None:
        return
    counts = _counts(here.collection.whole, network, known, source)
    if counts is None:
        return
    lit = _lit(here, network, known, source, counts, rows, side)
    if not len(lit.rows):
        st.info("None of the chosen images has objects that are named.")
        return
    _support(known, lit)
    tables = {target: _table(f"{lit.key}-{target}", threshold, target, lit) for target in HIGH_LOW}
    _figures(here, lit, tables)
    _show_behind(here, known, source, lit, threshold)
    if overview.is_demo(here.collection) and source.name == OWN:
        aesthetic_rule.show(here, lit.counts, lit.names, lit.key, threshold)
    pictures.quiet(
        "How R, its base rate and their intervals are computed stands at the end of the page Objects. Photographs of "
        "one place are not independent, so true intervals are wider."
    )


def _choose_side(here: Page) -> str:
    """By what the images are parted."""
    ways = {CALLED: "called high and called low by the network"}
    if here.selection is not None:
        ways[REGION] = f"in {aesthetic_rows.place(here)} and elsewhere"
    ways[TOGETHER] = "all together"
    usual = REGION if here.selection is not None else CALLED
    return state.choose("Images side by side", list(ways), name="sides", default=usual, names=ways)


def _counts(
    whole: ImageCollection, network: Network, known: Readings, source: Source
) -> dict[str, ObjectCounts] | None:
    """The objects inside both maps; a button that counts them where that is not kept, and None."""
    card, store, labels = network.card, store_for(whole), source.labels
    assert card is not None

    def read(target: str) -> ObjectCounts | None:
        key = maps_key(whole, card, target)
        return caches.counts(
            f"counts-{key.digest}-{source.key}-{hash(tuple(labels.object_names.items()))}",
            lambda: kept_counts(whole, key, names=labels.object_names, source=source.key, store=store),
        )

    def compute(progress: Progress) -> None:
        count = len(whole)
        for number, target in enumerate(HIGH_LOW):
            count_collection(
                whole, known.as_maps(target), maps_key(whole, card, target), labels=labels, source=source.key,
                store=store, progress=part_of(progress, number * count, count, 2 * count, "image", MAPS[target]),
            )  # fmt: skip

    found = {target: one for target in HIGH_LOW if (one := read(target)) is not None}
    if len(found) < len(HIGH_LOW):
        key = f"beauty-counts-{_key(whole, card).digest}-{source.key}"
        work.wait_when_asked(key, "Counting the objects inside the maps", "Count the objects inside the maps", compute)
        found = {target: one for target in HIGH_LOW if (one := read(target)) is not None}
    return found if len(found) == len(HIGH_LOW) else None


def _key(whole: ImageCollection, card: ModelCard) -> ArtifactKey:
    return maps_key(whole, card, HIGH)


def _lit(
    here: Page, network: Network, known: Readings, source: Source, counts: dict[str, ObjectCounts], rows: Rows,
    side: str,
) -> Lit:  # fmt: skip
    """The images that count, and their groups."""
    whole, card = here.collection.whole, network.card
    named = np.asarray(counts[HIGH].total.sum(1) > 0)
    keep = rows[known.readable[rows] & named[rows]]
    if side == REGION and here.selection is not None:
        inside = np.zeros(len(whole), bool)
        inside[here.view.positions] = True
        classes = np.where(inside, f"In {aesthetic_rows.place(here)}", "Elsewhere")
    elif side == CALLED:
        high = is_high(known.mean) if card is not None and tells_marks(card) else known.mean > 0.5
        classes = np.where(high, "Called high", "Called low")
    else:
        classes = np.full(len(whole), "All together")
    group = classes.astype(object)[keep]
    names = objects.unique_names(source.labels.object_names)
    totals = counts[HIGH].total[keep].tobytes()
    told = f"{_key(whole, card).digest if card else ''}-{hash((keep.tobytes(), tuple(group), totals))}"
    return Lit({target: one.of(keep) for target, one in counts.items()}, keep, group, names,
               f"{told}-{hash(tuple(names.items()))}")  # fmt: skip


@st.cache_data(max_entries=64, show_spinner=False)
def _table(key: str, threshold: float, target: str, _lit: Lit) -> pd.DataFrame:  # noqa: ARG001
    return ratio_table(_lit.counts[target], _lit.classes, threshold, names=_lit.names, frequent=True)


def _support(known: Readings, lit: Lit) -> None:
    """How many images and maps stand behind the figures."""
    empty = {target: float(known.as_maps(target).of(lit.rows).empty.mean()) for target in HIGH_LOW}
    pictures.quiet(
        f"{len(lit.rows):,} images with named objects. Maps that point nowhere, and so light up nothing: "
        f"{empty[HIGH]:.1%} of those of high, {empty[LOW]:.1%} of those of low."
    )


def _figures(here: Page, lit: Lit, tables: dict[str, pd.DataFrame]) -> None:
    """A figure for each group of images."""
    groups = sorted(set(lit.classes.tolist()), key=lambda name: name in ("Elsewhere", "Called low"))
    columns = st.columns(2, gap="large") if len(groups) > 1 else [st.container()]
    for position, name in enumerate(groups):
        parts = {MAPS[target]: tables[target][tables[target]["class"] == name] for target in (HIGH, LOW)}
        lift = {title: part.set_index("object")["lift"] for title, part in parts.items()}
        order = (lift[MAPS[HIGH]] - lift[MAPS[LOW]]).sort_values(ascending=False)
        shown = [str(one) for one in order.index]
        if len(shown) > objects.MOST_OBJECTS:
            half = objects.MOST_OBJECTS // 2
            shown = shown[:half] + shown[-half:]
        count = int((lit.classes == name).sum())
        with columns[position]:
            st.subheader(pictures.plain(f"{name}: {count:,} {'image' if count == 1 else 'images'}"), anchor=False)
            if not shown:
                pictures.quiet("No object covers more than 100 pixels of an image on average.")
                continue
            _figure(here, name, parts, shown)
            if count < LEAST_IMAGES:
                pictures.quiet("These are too few images for their intervals to be trusted.")
    whole = pd.concat([table.assign(map=MAPS[target]) for target, table in tables.items()], ignore_index=True)
    pictures.quiet(
        "On top: what the map of high lies on more than the map of low does. Objects between the two ends are left "
        "out of the figures where there are many; the file has them all."
    )
    pictures.table_download(whole, f"{here.collection.name}-beauty-objects", "All numbers (CSV)")


def _figure(here: Page, name: str, parts: dict[str, pd.DataFrame], shown: list[str]) -> None:
    figure = ratio_bars(parts, COLOURS, shown)
    # Maps of beauty are small spots: most of the way to 100 % would stay empty.
    drawn = pd.concat([part[part["object"].isin(shown)] for part in parts.values()])
    top = float(np.nanmax(drawn[["high", "base"]].to_numpy(float), initial=0.0))
    figure.update_xaxes(range=[0, min(1.0, 1.08 * max(top, 0.1))], dtick=None)
    table = pd.concat([part.assign(map=title) for title, part in parts.items()], ignore_index=True)
    key = f"beauty-ratios-{name}-{len(shown)}"

    pictures.figure_with_downloads(
        figure, f"{here.collection.name}-{name}-beauty-objects".replace(" ", "-"), table, key=key,
        on_select=objects.show_images_of(key, name),
        selection_mode="points",
    )  # fmt: skip


def _show_behind(here: Page, known: Readings, source: Source, lit: Lit, threshold: float) -> None:
    """The images behind a bar that was clicked."""
    told = state.unpacked(state.param("behind"))
    target = next((target for target, title in MAPS.items() if len(told) == 3 and title == told[0]), None)
    if target is None:
        pictures.quiet("Click a bar: the images behind it appear here, with the object outlined.")
        return
    counts, whole = lit.counts[target], here.collection.whole
    number = next((key for key, name in lit.names.items() if name == told[2]), -1)
    column = np.flatnonzero(counts.objects == number)
    if not len(column):
        return
    pixels = counts.inside[:, column[0], counts.at(threshold)].astype(np.int64)
    inside = np.where(lit.classes == told[1], pixels, 0)
    order = np.argsort(-inside, kind="stable")[:BEHIND]
    cells, links = [], []
    for position in order[inside[order] > 0]:
        row = int(lit.rows[position])
        raw = known.maps[row, HIGH_LOW.index(target)]
        drawn = objects.outlined(whole, source.labels, row, raw, number, threshold)
        if drawn is not None:
            share = inside[position] / max(int(counts.total[position, column[0]]), 1)
            cells.append((drawn, f"{whole.ids[row]}: {share:.0%} of it inside"))
            links.append(whole.ids[row])
    st.subheader(pictures.plain(f"{told[2]} in the {told[0]} ({told[1].lower()})"), anchor=False)
    if cells:
        pictures.row_of(cells, size=230)
        pictures.quiet("First the image in which most of it lies inside. White line: the object; dark: outside.")
    else:
        pictures.quiet("In none of these images does the map touch this object.")
    st.button("Close these images", on_click=state.set_param, args=("behind", None), type="tertiary")
