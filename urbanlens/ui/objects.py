"""The parts of the page Objects: which objects each network looks at, and whether networks agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from urbanlens.errors import ImageError
from urbanlens.explain import ratio_difference, ratio_table
from urbanlens.explain.objects import LEAST_IMAGES, THRESHOLDS
from urbanlens.plots import palette
from urbanlens.plots.ratios import difference_bars, ratio_bars
from urbanlens.ui import drawing, masked, pictures, state
from urbanlens.ui.labelling import OWN

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.explain import ObjectCounts
    from urbanlens.explain.collection_objects import Labels
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.labelling import Source
    from urbanlens.ui.masked import Question, Rows, Study
    from urbanlens.ui.page import Page

MOST_OBJECTS = 14
BEHIND = 12
MOST_CLASSES = 4
SCHEME = "label_scheme"
ORDER = (
    "Objects whose R lies farthest above the base rate (the black mark) come first: they were looked at most beyond "
    "chance."
)
EVERY = "every"


class Measured:
    """One network's counts on the images that a page is about.

    Attributes
    ----------
    found : its masks of the whole collection
    counts : (N) of the images that count
    classes : (N,) name of each image's class; of the network's answer where it knows none of the collection's classes
    by_answer : whether that is so
    rows : (N,) their numbers in the whole collection
    labels, names : where the objects are known from, and their names by id
    """

    def __init__(self, found: Study, counts: ObjectCounts, rows: Rows, labels: Labels) -> None:
        maps = found.maps
        self.labels, self.names = labels, unique_names(labels.object_names)
        self.by_answer = not (maps.labels >= 0).any()
        classes = maps.targets if self.by_answer else maps.labels
        keep = rows & maps.readable & (classes >= 0) & (counts.total.sum(1) > 0)
        self.found, self.rows = found, np.flatnonzero(keep)
        self.counts = counts.of(self.rows)
        self.classes = np.array(maps.classes, dtype=object)[classes[self.rows]]

    @cached_property
    def key(self) -> str:
        """Changes with the masks, the images, their classes, and the objects' pixels and names."""
        told = (self.rows.tobytes(), tuple(self.classes), tuple(self.names.items()), self.counts.total.tobytes())
        return f"{self.found.key.digest}-{hash(told)}"

    @property
    def name(self) -> str:
        """The network's name."""
        return self.found.name


def unique_names(names: Mapping[int, str]) -> dict[int, str]:
    """The names of objects; where two share one, their ids follow."""
    counts = Counter(names.values())
    return {number: name if counts[name] == 1 else f"{name} ({number})" for number, name in names.items()}


def choose_networks(networks: Mapping[str, Network]) -> list[Network]:
    """Which networks stand side by side."""
    chosen = state.choose_several(
        "Networks", list(networks), name="models", default=[next(iter(networks))], names=masked.title_of(networks),
        placeholder="one or more",
    )  # fmt: skip
    return [networks[name] for name in chosen]


def choose_threshold() -> float:
    """At which mask value a pixel counts as looked at; objects are counted at `THRESHOLDS` alone."""
    lowest, highest = THRESHOLDS[0], THRESHOLDS[-1]
    chosen = state.slide("Threshold of the mask", lowest, highest, name="threshold", default=0.5, step=0.1)
    return round(chosen, 1)  # the other pages, and addresses typed by hand, know finer ones


def choose_scheme(collection: ImageCollection, source: Source | None, rows: Rows) -> Rows:
    """(N,) images whose labels were made in the chosen way, where the collection's own were made in several."""
    table = collection.whole.table
    if source is None or source.name != OWN or SCHEME not in table or table[SCHEME].nunique() < 2:
        return np.ones(len(table), bool)
    counts = table.loc[rows, SCHEME].astype("string").value_counts()
    kinds = sorted({str(kind) for kind in table[SCHEME].dropna()})
    names = {EVERY: "all together"} | {kind: f"{kind}, {int(counts.get(kind, 0)):,} images" for kind in kinds}
    chosen = state.choose("Pixel labels by", list(names), name="scheme", names=names)
    return np.ones(len(table), bool) if chosen == EVERY else np.asarray(table[SCHEME] == chosen)


def measured(here: Page, networks: Sequence[Network], rows: Rows, asked: Question, source: Source) -> list[Measured]:
    """The networks' counts, computed where the visitor asks for them."""
    found = []
    for network in networks:
        study = masked.study(here.collection, network, asked)
        counts = masked.counts(here.collection, study, source) if study is not None else None
        if study is not None and counts is not None:
            found.append(Measured(study, counts, rows, source.labels))
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _table(key: str, threshold: float, _one: Measured) -> pd.DataFrame:  # noqa: ARG001
    return ratio_table(_one.counts, _one.classes, threshold, names=_one.names, frequent=True)


@st.cache_data(max_entries=64, show_spinner=False)
def _difference(key: str, above: str, below: str, threshold: float, _one: Measured) -> pd.DataFrame:  # noqa: ARG001
    a, b = _one.classes == above, _one.classes == below
    return ratio_difference(_one.counts, a, b, threshold, names=_one.names)


def table_of(one: Measured, threshold: float) -> pd.DataFrame:
    """R of the frequent objects in each class, computed once for the same images."""
    return _table(one.key, threshold, one)


def show_ratios(here: Page, networks: Sequence[Measured], threshold: float) -> None:
    """A figure for each class; a click on a bar shows the images behind it."""
    tables = {one.name: table_of(one, threshold) for one in networks}
    colours = dict(zip(tables, palette.categorical(len(tables)), strict=True))
    shown, columns = _shown_classes(networks), st.columns(2, gap="large")
    for position, name in enumerate(shown):
        parts = {network: table[table["class"] == name] for network, table in tables.items()}
        lift = pd.concat(parts.values()).groupby("object")["lift"].mean().sort_values(ascending=False)
        objects = [str(object_) for object_ in lift.index[:MOST_OBJECTS]]
        with columns[position % 2]:
            images = max(int((one.classes == name).sum()) for one in networks)
            st.subheader(f"{pictures.plain(name)}: {images:,} images", anchor=False)
            if not objects:
                pictures.quiet("No object covers more than 100 pixels of an image on average.")
                continue
            _ratio_figure(here, name, parts, colours, objects)
    whole = pd.concat([table.assign(network=network) for network, table in tables.items()], ignore_index=True)
    pictures.table_download(whole, f"{here.collection.name}-object-ratios", "All numbers (CSV)")


def _shown_classes(networks: Sequence[Measured]) -> list[str]:
    """The classes that get a figure: all of a few, else those that the visitor chooses; the largest first."""
    sizes = Counter(name for one in networks for name in one.classes)
    every = [str(name) for name, _ in sizes.most_common()]
    if len(every) <= MOST_CLASSES:
        pictures.quiet(ORDER)
        return sorted(every)
    few = [f"{name} ({sizes[name] // len(networks)})" for name in every if sizes[name] < LEAST_IMAGES * len(networks)]
    few = [*few[:8], f"{len(few) - 8} more"] if len(few) > 8 else few
    pictures.quiet(ORDER + (f" Of {', '.join(few)} there are too few images for an interval." if few else ""))
    return state.choose_several("Classes shown", every, name="classes", default=every[:MOST_CLASSES])


def _ratio_figure(
    here: Page, name: str, parts: Mapping[str, pd.DataFrame], colours: Mapping[str, str], objects: list[str]
) -> None:
    figure = ratio_bars(parts, colours, objects)
    table = pd.concat([part.assign(network=network) for network, part in parts.items()], ignore_index=True)
    key = f"ratios-{name}-{'-'.join(parts)}-{len(objects)}"

    pictures.figure_with_downloads(
        figure, f"{here.collection.name}-{name}-objects", table, key=key, on_select=show_images_of(key, name),
        selection_mode="points",
    )  # fmt: skip


def show_images_of(key: str, name: str) -> Callable[[], None]:
    """What a click on a bar does in the figure of a class: the images behind it are shown."""

    def picked() -> None:
        points = st.session_state[key].selection.points
        told = [point["customdata"] for point in points if point.get("customdata")]
        if told:
            state.set_param("behind", state.packed([told[0][0], name, told[0][1]]))

    return picked


def show_behind(here: Page, networks: Sequence[Measured], threshold: float) -> None:
    """The images behind a bar: the object outlined, and bright where the mask counts it."""
    told = state.unpacked(state.param("behind"))
    one = next((one for one in networks if len(told) == 3 and one.name == told[0]), None)
    if one is None:
        pictures.quiet("Click a bar: the images behind it appear here, with the object outlined.")
        return
    whole = here.collection.whole
    number = next((key for key, name in one.names.items() if name == told[2]), -1)
    column = np.flatnonzero(one.counts.objects == number)
    if not len(column):
        return
    at = one.counts.at(threshold)
    inside = np.where(one.classes == told[1], one.counts.inside[:, column[0], at].astype(np.int64), 0)
    order = np.argsort(-inside, kind="stable")[:BEHIND]
    order = order[inside[order] > 0]
    st.subheader(pictures.plain(f"{told[2]} in {told[1]}, as {one.name} sees it"), anchor=False)
    if not len(order):
        pictures.quiet("In no image does the mask touch this object.")
        return
    cells = []
    for position in order:
        row = int(one.rows[position])
        drawn = outlined(whole, one.labels, row, one.found.maps.maps[row], number, threshold)
        if drawn is not None:
            share = inside[position] / max(one.counts.total[position, column[0]], 1)
            cells.append((drawn, f"{whole.ids[row]}: {share:.0%} of it inside"))
    pictures.row_of(cells, size=230)
    pictures.quiet(
        "First the image in which most pixels of it lie inside the mask. White line: the object; dark: outside the "
        "mask."
    )
    st.button("Close these images", on_click=state.set_param, args=("behind", None), type="tertiary")


def outlined(
    whole: ImageCollection, labels: Labels, row: int, raw: NDArray[np.float32], number: int, threshold: float
) -> Image | None:
    """A picture, dark outside the mask, with a white line round an object; None where it cannot be read."""
    from PIL import Image as Images
    from PIL import ImageFilter

    try:
        image, ids = whole.image(whole.ids[row]), labels.objects(whole.ids[row])
    except (ImageError, OSError):
        return None
    if ids is None:
        return None
    image = drawing.display_size(image, 460)
    there = np.asarray(Images.fromarray((ids == number).astype(np.uint8)).resize(image.size, Images.Resampling.NEAREST))
    grown = np.asarray(Images.fromarray(there).filter(ImageFilter.MaxFilter(5)))
    mask = drawing.mask_for(raw, image.size)
    pixels = np.asarray(image, np.float32) * np.where(mask >= threshold, 1.0, 0.3)[..., None]
    pixels[(grown > there).astype(bool)] = 255
    return Images.fromarray(pixels.round().astype(np.uint8))


def show_difference(here: Page, networks: Sequence[Measured], threshold: float) -> None:
    """R^A - R^B between two classes."""
    sizes = Counter(name for one in networks for name in one.classes)
    every, largest = sorted(sizes), [name for name, _ in sizes.most_common()]
    if len(every) < 2:
        pictures.quiet("These images are all of one class: there is nothing to subtract.")
        return
    first, second, third = st.columns(3, gap="medium")
    with first:
        above = state.choose("A", every, name="first", default=min(largest[:2]))
    with second:
        others = [name for name in every if name != above]
        below = state.choose("B", others, name="second", default=next(name for name in largest if name != above))
    with third:
        chosen = state.choose("Network of the difference", [one.name for one in networks], name="of")
    one = next(one for one in networks if one.name == chosen)
    table = _difference(one.key, above, below, threshold, one).copy()
    if table.empty:
        pictures.quiet(f"No frequent object occurs in {LEAST_IMAGES} images or more of both.")
        return
    table["clear"] = (table["low"] > 0) | (table["high"] < 0)
    figure = difference_bars(table, above, below, (palette.OKABE_ITO[0], palette.OKABE_ITO[5]))
    file = f"{here.collection.name}-{one.name}-{above}-{below}"
    pictures.figure_with_downloads(figure, file, table, key=f"difference-{file}")
    table = table.drop(columns=["images_a", "images_b"]).assign(in_a=table["images_a"], in_b=table["images_b"])
    clear = int(table["clear"].sum())
    pictures.quiet(
        f"{clear} of {len(table)} objects differ beyond their 95 % interval; about {0.05 * len(table):.0f} would by "
        "chance alone. An object can be looked at more in A because A has more of it in the middle of the picture."
    )


def support(networks: Sequence[Measured]) -> pd.DataFrame:
    """How many images and masks stand behind the figures: network, images, empty masks and their share."""
    rows = []
    for one in networks:
        empty = one.found.maps.empty[one.rows]
        rows.append((one.name, len(one.rows), int(empty.sum()), float(empty.mean()) if len(empty) else float("nan")))
    return pd.DataFrame(rows, columns=["network", "images", "empty masks", "share"])


def show_support(networks: Sequence[Measured]) -> None:
    """The support as a line each."""
    for row in support(networks).to_dict("records"):
        told: dict[str, Any] = {str(key): value for key, value in row.items()}
        pictures.quiet(
            f"{told['network']}: {told['images']:,} images with a class and named objects; "
            f"{told['empty masks']:,} of their masks ({told['share']:.1%}) are empty and count as looking nowhere."
        )
    foreign = [one.name for one in networks if one.by_answer]
    if foreign:
        pictures.note(
            f"{', '.join(foreign)} knows none of this collection's classes: the images are grouped by its answers, "
            "which need not be right."
        )


def about() -> None:
    """The formula, for those who want to know."""
    with st.expander("How is this computed?", icon=":material/functions:"):
        st.markdown(
            r"""
**Object ratio** (“Deep Visual City Recognition Visualization”, 2018): over the $N^c$ images of class $c$,
$R_p^c=\sum_i M_{p,i}\,/\,\sum_i N_{p,i}$: the pixels of object $p$ inside the visual explanations over all its pixels.
0: never looked at; 1: always.

**Base rate**: what masks of the same areas would get if they lay anywhere, $\sum_i a_iN_{p,i}/\sum_iN_{p,i}$ with $a_i$
the share of image $i$ that its mask covers. Only what lies clearly above it was looked at more than chance would.

**Intervals**: 95 %, by drawing the images anew 1,000 times (bootstrap). Photographs of the same place are not
independent: then the intervals are too narrow. **Objects**: those with over 100 pixels an image on average, at 224 px.

Grad-CAM shows where a network looks, not why; objects that are thin or lie beside a telling one catch its light.
"""
        )
