"""The view Crop of the page Aesthetics: the part of a picture that its map suggests, and what becomes of its marks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from PIL.Image import Resampling

from urbanlens.aesthetics.crops import RATIOS, average_box, map_box, too_small, with_ratio
from urbanlens.aesthetics.readings import HIGH, Reading
from urbanlens.plots.beauty import Frame, framed
from urbanlens.plots.scores import signed
from urbanlens.ui import aesthetic_image, aesthetics, caches, drawing, pictures, state

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.aesthetics.crops import Box
    from urbanlens.aesthetics.readings import Array
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

PICTURE_PX, MEASURED_PX, CROP_PX = 720, 1000, 420
ALIKE, ALIKE_SHARE = 0.05, 0.01
"""Differences of mean marks, and of certainty, up to which no difference is told."""
OPACITY = 0.5
LOOKS = {"map": ("#E69F00", False), "average": ("#56B4E9", True)}
"""Okabe and Ito's orange, drawn through, and sky blue, dashed."""


@dataclass(frozen=True)
class Wish:
    """What was asked for: whose map, from which threshold, in which ratio (None: free), averaged with which tag."""

    kind: str
    threshold: float
    ratio: str
    upright: bool
    tag: str | None

    @property
    def value(self) -> float | None:
        """Width by height."""
        ratio = RATIOS[self.ratio]
        return None if ratio is None else 1 / ratio if self.upright else ratio


@dataclass(frozen=True)
class Crop:
    """A box in px of the picture as it was given, or why there is none."""

    name: str
    title: str
    box: Box | None
    why: str = ""


def show(here: Page, study: Study) -> None:
    """A picture, the crops that its maps suggest, and what the networks say of each."""
    subject = aesthetic_image.chosen(here, study)
    if subject is None:
        return
    _crops(study, subject, aesthetic_image.readings(study, subject), drawing.fitted(subject.image, PICTURE_PX))


@st.fragment
def _crops(study: Study, subject: Subject, found: dict[str, Reading], small: Image) -> None:
    left, right = st.columns([1.5, 1], gap="large")
    with right:
        wish = _wish(study, found)
        with_map = st.toggle("Show the map under the boxes", key="crop-with-map")
    crops = suggested(subject.image.size, found, wish)
    with left:
        cells = found[wish.kind].map(HIGH) if with_map else None
        pictures.picture(_frames(subject.image, small, crops, cells), subject.title, most=640)
        pictures.image_download(
            lambda: _frames(subject.image, drawing.display_size(subject.image), crops, cells),
            f"{subject.file}-boxes", "Picture with the boxes (PNG)",
        )  # fmt: skip
    with right:
        _legend(crops, subject.image.size)
    if all(one.box is None for one in crops):
        return
    st.subheader("Before and after", anchor=False)
    with st.container(key="before-and-after"):
        told = _compare(study, subject, found, small, crops)
    _downloads(subject, wish, told)


def _wish(study: Study, found: dict[str, Reading]) -> Wish:
    """The controls; all they say lies in the address."""
    st.markdown("**Crop to the map of “high”**")
    kind, _ = aesthetics.choose_network(study)
    threshold = state.slide(
        "Threshold", 0.1, 0.9, name="threshold", default=0.5, step=0.05,
        help="The crop holds all places where the map reaches this part of its peak: a higher one cuts away more.",
    )  # fmt: skip
    names = {name: "any shape" if name == "free" else name for name in RATIOS}
    first, second = st.columns([1, 1.2], vertical_alignment="bottom")
    with first:
        ratio = state.choose("Sides", list(RATIOS), name="ratio", names=names)
    with second:
        lying = {"no": "lying", "yes": "upright"}
        turned = state.switch("Which way", list(lying), name="upright", names=lying, disabled=ratio in ("free", "1:1"))
    tags = list(found["marks"].tags) if "marks" in found else []
    tag = None
    if tags:
        # Without its name: the box would still show that of the picture before.
        strongest = {"": "the strongest one"} | {name: name for name in tags}
        tag = state.choose("Average with the box of the tag", list(strongest), name="crop-tag", names=strongest)
        tag = tag or tags[0]
    return Wish(kind, threshold, ratio, turned == "yes", tag)


def suggested(size: tuple[int, int], found: dict[str, Reading], wish: Wish) -> list[Crop]:
    """The crop of the map of high, and the average of its box and of a tag's."""
    own = box_of(found[wish.kind].map(HIGH), size, wish.threshold)
    crops = [_made("map", "Crop by the map of high", own, size, wish, "The map of high points nowhere in this picture")]
    if wish.tag is None:
        why = "There is no network of tags here, so there is no box to average with."
        return [*crops, Crop("average", "Average of both boxes", None, why)]
    title = f"Average with the tag “{wish.tag}”"
    if own is None:
        return crops
    other = box_of(found["marks"].map(wish.tag), size, wish.threshold)
    both = average_box(own, other) if other is not None else None
    empty = f"The map of “{wish.tag}” points nowhere in this picture"
    return [*crops, _made("average", title, both, size, wish, empty)]


def box_of(cells: Array, size: tuple[int, int], threshold: float) -> Box | None:
    """`map_box` in px of a picture of any size: a large one is measured small, and the box rounded outwards."""
    shrink = min(1.0, MEASURED_PX / max(size))
    measured = (max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink)))
    box = map_box(cells, measured, threshold)
    if box is None or measured == size:
        return box
    across, down = size[0] / measured[0], size[1] / measured[1]
    right, bottom = min(size[0], -int(-box[2] * across // 1)), min(size[1], -int(-box[3] * down // 1))
    return int(box[0] * across), int(box[1] * down), right, bottom


def _made(name: str, title: str, box: Box | None, size: tuple[int, int], wish: Wish, empty: str) -> Crop:
    if box is None:
        return Crop(name, title, None, f"{empty}, so it suggests no crop.")
    shaped = with_ratio(box, wish.value, size)
    why = too_small(shaped)
    return Crop(name, title, None if why else shaped, f"{title}: {why}." if why else "")


def _frames(image: Image, shown: Image, crops: list[Crop], cells: Array | None) -> Image:
    """A picture as it is shown with the boxes on it, and a map below them (None: none)."""
    if cells is not None:
        shown = drawing.overlay(shown, drawing.mask_for(cells, shown.size), OPACITY)
    across, down = shown.width / image.width, shown.height / image.height
    frames = []
    for one in reversed(crops):
        if one.box is not None:
            left, top, right, bottom = one.box
            box = round(left * across), round(top * down), round(right * across), round(bottom * down)
            frames.append(Frame(box, *LOOKS[one.name]))
    return framed(shown, frames)


def _legend(crops: list[Crop], size: tuple[int, int]) -> None:
    lines = []
    for one in crops:
        colour, dashed = LOOKS[one.name]
        if one.box is not None:
            line = "dashed" if dashed else "solid"
            lines.append(f'<span><i style="border-top: 5px {line} {colour}"></i>{escape(one.title)}</span>')
    if lines:
        st.html(f'<div class="boxes">{"".join(lines)}</div>')
    for one in crops:
        if one.why:
            st.info(pictures.plain(one.why))
        elif one.box == (0, 0, *size):
            pictures.quiet(
                f"{one.title}: that is the whole picture. A higher threshold, or locked sides, cut more away."
            )


def _compare(
    study: Study, subject: Subject, found: dict[str, Reading], small: Image, crops: list[Crop]
) -> pd.DataFrame:  # fmt: skip
    """The whole picture and each crop with what the networks say of it; a row each."""
    rows = []
    there = [one for one in crops if one.box is not None]
    whole = Crop("whole", "The whole picture", (0, 0, *subject.image.size))
    for one, column in zip([whole, *there], st.columns(3, gap="medium"), strict=False):
        with column:
            assert one.box is not None
            answers = found if one is whole else read_crop(study, subject, one.box)
            width, height = one.box[2] - one.box[0], one.box[3] - one.box[1]
            part = width * height / (subject.image.width * subject.image.height)
            size = f"{width:,} x {height:,} px" + ("" if one is whole else f", {part:.0%} of it")
            pictures.picture(
                small if one is whole else _seen(subject.image, one.box), f"{one.title}: {size}", most=CROP_PX
            )
            _judged(answers, None if one is whole else found)
            if one is not whole:
                # Of the picture as it was given: only what is shown is small.
                cut = partial(subject.image.crop, one.box)
                pictures.image_download(cut, f"{subject.file}-{one.name}", "This crop, full size (PNG)")
            rows.append(_row(one, answers))
    return pd.DataFrame(rows)


def _seen(image: Image, box: Box) -> Image:
    """A part of the picture as it is shown, without a copy of all its pixels."""
    scale = PICTURE_PX / max(box[2] - box[0], box[3] - box[1])
    size = (max(1, round((box[2] - box[0]) * scale)), max(1, round((box[3] - box[1]) * scale)))
    return image.resize(size, Resampling.BILINEAR, box=box, reducing_gap=2.0)


def read_crop(study: Study, subject: Subject, box: Box) -> dict[str, Reading]:
    """What each network says of a part of the picture as of a picture of its own, without maps."""
    from urbanlens.aesthetics.readings import read_shares

    found = {}
    for kind, network in study.networks.items():

        def compute(network: Network = network) -> Array:
            engine = caches.engine()
            with engine.use(network.key, network.load) as model:
                shares: Array = read_shares(model, [subject.image.crop(box)], engine=engine)[0]
                return shares

        shares = caches.beauty_of_part(f"{subject.identity} {box}", network.key, compute)
        classes = network.card.classes if network.card else ()
        found[kind] = Reading(classes, shares, (), np.zeros((0, 1, 1), np.float32))
    return found


def _judged(answers: dict[str, Reading], whole: dict[str, Reading] | None) -> None:
    """What the networks say, and of a crop whether that is better than the whole picture."""
    told, verdicts = {}, []
    if "marks" in answers:
        one = answers["marks"]
        told["mean mark ± spread"] = f"{one.mean:.2f} ± {one.spread:.2f}"
        if whole is not None:
            change = one.mean - whole["marks"].mean
            verdicts.append(f"By its mean mark: {_against(change, ALIKE, signed(change, 2))}.")
    if "high-low" in answers:
        sure = answers["high-low"].high
        told["for a mean mark above 5"] = aesthetics.certain(sure)
        if whole is not None:
            change = sure - whole["high-low"].high
            verdicts.append(f"By high and low: {_against(change, ALIKE_SHARE, signed(100 * change, 1) + ' points')}.")
    pictures.numbers(told)
    for verdict in verdicts:
        pictures.quiet(verdict)


def _against(change: float, alike: float, told: str) -> str:
    """A crop against the whole picture, in words."""
    if abs(change) < alike:
        return f"no difference from the whole picture ({told})"
    return f"foretold {'higher' if change > 0 else 'lower'} than the whole picture ({told})"


def _row(crop: Crop, answers: dict[str, Reading]) -> dict[str, str | int | float]:
    assert crop.box is not None
    left, top, right, bottom = crop.box
    row: dict[str, str | int | float] = {
        "picture": crop.title, "left": left, "top": top, "right": right, "bottom": bottom, "width": right - left,
        "height": bottom - top,
    }  # fmt: skip
    if "marks" in answers:
        row |= {"mean_mark": answers["marks"].mean, "spread": answers["marks"].spread}
    if "high-low" in answers:
        row["high"] = answers["high-low"].high
    return row


def _downloads(subject: Subject, wish: Wish, table: pd.DataFrame) -> None:
    pictures.quiet(
        "Each crop is judged as a picture of its own, squeezed into the network's square as every picture is: its "
        "proportions change with it, which may count as much as what was cut away. A network is itself wrong by some "
        "tenths of a mark (see the view Gallery), so small differences say nothing."
    )
    asked = {"map": f"high, of {aesthetics.KINDS[wish.kind].called}", "threshold": wish.threshold,
             "ratio": wish.value, "tag": wish.tag}  # fmt: skip
    with st.popover("Take it home", icon=":material/download:", type="tertiary"):
        pictures.table_download(table, f"{subject.file}-crops", "Boxes and marks (CSV)")
        st.download_button(
            "Boxes and marks (JSON)",
            lambda: json.dumps({"picture": subject.title, "asked": asked, "boxes": table.to_dict("records")}, indent=1),
            f"{subject.file}-crops.json", "application/json", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
