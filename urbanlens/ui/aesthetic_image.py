"""The view One image of the page Aesthetics: how people would mark a picture, and where the networks see that."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.metrics import emd
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES, MARKS, MIDDLE, is_extreme
from urbanlens.plots.beauty import marks_figure, marks_table, strip
from urbanlens.ui import aesthetic_tags, aesthetic_trust, aesthetics, caches, drawing, pictures, single_image, state
from urbanlens.ui.aesthetic_trust import HARDLY
from urbanlens.ui.mark_strip import OPACITY, mark_strip
from urbanlens.ui.overview import is_demo

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.aesthetics.readings import Reading
    from urbanlens.ui.aesthetics import Study
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

PICTURE_PX, STRIP_PX = 640, 240


def show(here: Page, study: Study) -> None:
    """One picture in full: its marks, where they come from, its tags, and whether the maps can be believed."""
    subject = chosen(here, study)
    if subject is None:
        return
    found = readings(study, subject)
    small = drawing.fitted(subject.image, PICTURE_PX)
    _marks(here, study, subject, found, small)
    _maps(study, subject, found, small)
    if "marks" in found:
        _strip(subject, found["marks"], small)
        aesthetic_tags.show(here, subject, found["marks"])
    aesthetic_trust.show(study, subject, found)


def chosen(here: Page, study: Study) -> Subject | None:
    """The picture that is looked at; None, with a message, without any."""
    subject = single_image.choose_subject(here)
    single_image.choose_by_sight(here)
    # A photograph dropped on the demo; of other collections the page says it above.
    foreign = subject is not None and not single_image.is_of_demo(subject, here.collection)
    if foreign and is_demo(here.collection) and any(one.from_demo for one in study.networks.values()):
        pictures.note(aesthetics.FOREIGN)
    return subject


def readings(study: Study, subject: Subject) -> dict[str, Reading]:
    """What each network that is there says of the picture, by its kind."""
    return {kind: aesthetics.read(network, subject) for kind, network in study.networks.items()}


def _marks(here: Page, study: Study, subject: Subject, found: dict[str, Reading], small: Image) -> None:
    """The picture beside the distribution of its marks."""
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        pictures.picture(small, subject.title, most=560)
    with right:
        st.subheader("How people would mark it", anchor=False)
        row = _voted(here, study, subject)
        pictures.numbers(_numbers(study, found, row))
        if len({one.is_high for one in found.values()}) > 1:
            pictures.quiet("The two networks disagree on whether its mean mark is above 5.")
        if "marks" not in found:
            pictures.quiet("There is no network of marks and tags here, so only high is told from low.")
            return
        given = study.votes.shares[row] if study.votes and row is not None else None
        usual = usual_marks(here, study)
        drawn = found["marks"].marks, given, None if usual is None else usual[0]
        pictures.figure_with_downloads(
            marks_figure(*drawn), f"{subject.file}-marks", marks_table(*drawn), key="marks-figure"
        )
        pictures.quiet(_distance(found["marks"], given, usual))
        if _learnt_from(here, study, row):
            pictures.quiet("This network learnt from this very image, so that it does well here says little.")
        if "high-low" not in found:
            pictures.quiet("There is no network of high and low here, which would say how surely it is above 5.")


def _voted(here: Page, study: Study, subject: Subject) -> int | None:
    """The picture's row in the whole collection; None where nobody's votes are known for it."""
    if subject.image_id is None or study.votes is None:
        return None
    row = here.collection.whole.row(subject.image_id)
    return row if study.votes.known[row] else None


def _numbers(study: Study, found: dict[str, Reading], row: int | None) -> dict[str, str]:
    told = {}
    if "marks" in found:
        told["mean mark ± spread, by the network of marks"] = f"{found['marks'].mean:.2f} ± {found['marks'].spread:.2f}"
    if study.votes and row is not None:
        people, votes = f"{study.votes.counts[row].sum():,.0f}", study.votes
        told[f"mean mark given by {people} voters"] = f"{votes.mean[row]:.2f} ± {votes.spread[row]:.2f}"
    if "high-low" in found:
        told["for a mean mark above 5, by the network of high and low"] = aesthetics.certain(found["high-low"].high)
    return told


def _learns_here(here: Page, study: Study) -> bool:
    """Whether the network of marks learnt from this collection."""
    card = study.marks.card if study.marks else None
    return card is not None and card.data.get("fingerprint") == here.collection.whole.fingerprint


def _learnt_from(here: Page, study: Study, row: int | None) -> bool:
    """Whether it learnt from an image, or was chosen by it."""
    if row is None or study.marks is None or not _learns_here(here, study):
        return False
    unlearnt = aesthetics.unlearnt(here.collection, study.marks)
    return bool(unlearnt.any() and not unlearnt[row])


def usual_marks(here: Page, study: Study) -> tuple[NDArray[np.float64], str] | None:
    """(10,) what pictures usually get, and whose marks these are; None where nobody voted."""
    votes = study.votes
    if votes is None:
        return None
    rows, whose = votes.known, "the mean of all images here"
    if study.marks is not None and _learns_here(here, study):
        learnt = votes.known & ~aesthetics.unlearnt(here.collection, study.marks)
        if learnt.any() and not learnt.all():
            rows, whose = learnt, "the mean of all images not kept for its test"
    return votes.shares[rows].mean(0), whose


def _distance(
    reading: Reading, given: NDArray[np.float64] | None, usual: tuple[NDArray[np.float64], str] | None
) -> str:
    """How far what is foretold lies from what was given, beside an answer that needs no network."""
    lines = "Above the bars: the means, and one spread (standard deviation) to each side."
    dotted = f" Dotted: the usual marks, {usual[1]}." if usual is not None else ""
    if given is None:
        return f"Nobody's votes are known for this picture, so nothing tells whether this is right.{dotted} {lines}"
    ours = float(emd(reading.marks[None], given[None])[0])
    text = f"Distance from the votes (EMD, 0 for the same): {ours:.3f}."
    if usual is not None:
        always = float(emd(usual[0][None], given[None])[0])
        text += f" Always answering the usual marks: {always:.3f}, so here the network is "
        text += "nearer." if ours < always else "no nearer."
    return f"{text}{dotted} {lines}"


@st.fragment
def _maps(study: Study, subject: Subject, found: dict[str, Reading], small: Image) -> None:
    """Where in the picture a network sees what speaks for beauty, and against it."""
    st.subheader("What speaks for it, and what against", anchor=False)
    asking, sliding = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with asking:
        kind, _ = aesthetics.choose_network(study)
    with sliding:
        opacity = state.slide("Strength of the colour", 0.0, 1.0, name="opacity", default=0.6, step=0.05)
    reading = found[kind]
    words = (
        {"high": "raises", "low": "lowers"} if reading.has_marks else {"high": "speaks for", "low": "speaks against"}
    )
    what = "the mean mark" if reading.has_marks else "being high"
    for name, column in zip(reversed(HIGH_LOW), st.columns(2, gap="large"), strict=True):
        with column:
            mask = drawing.mask_for(reading.map(name), small.size)
            if not mask.any():
                st.info(f"The map of {name} points nowhere in this picture: nothing {words[name]} {what}.")
                continue
            drawn = drawing.overlay(small, mask, opacity)
            pictures.picture(
                drawn, f"The map of {name}: yellow {words[name]} {what} most, what is clear not at all.", most=560
            )
            large = partial(_drawn, subject.image, reading, name, opacity)
            pictures.image_download(large, f"{subject.file}-{kind}-{name}", f"Map of {name} (PNG)")


@st.fragment
def _strip(subject: Subject, reading: Reading, small: Image) -> None:
    """The map of each mark, and a slider that plays them in the browser."""
    st.subheader("Mark by mark", anchor=False)
    pictures.quiet(
        "Where the network sees what speaks for each mark. Pale: it foretells this mark for fewer than 5 % of the "
        "voters. Use the slider, the arrow keys, or Play. What the maps are worth stands below."
    )
    if not is_extreme(reading.mean):
        pictures.note(
            f"The mean mark foretold, {reading.mean:.2f}, lies between {MIDDLE[0]:g} and {MIDDLE[1]:g}: the paper "
            "found the maps of such images unclear. The test by covering, below, tells of this picture."
        )
    maps = np.stack([reading.map(name) for name in MARK_NAMES])
    mark = _mark(reading)
    mark_strip(
        caches.data_address(small, PICTURE_PX, quality=88), maps,
        shares=[pictures.percent(float(share)) for share in reading.marks],
        said=[_said(reading, one) for one in MARKS.tolist()], pale=[bool(one < HARDLY) for one in reading.marks],
        chosen=mark, of=subject.identity, key="mark-strip", on_choose=_choose_mark,
    )  # fmt: skip
    left, right, _ = st.columns([1, 1, 2])
    with left:
        one = partial(_drawn, subject.image, reading, MARK_NAMES[mark - 1])
        pictures.image_download(one, f"{subject.file}-mark-{mark}", f"Map of mark {mark} (PNG)")
    with right:
        pictures.image_download(partial(_sheet, subject.image, reading), f"{subject.file}-marks", "All ten maps (PNG)")


def _mark(reading: Reading) -> int:
    """The mark that was chosen, else the one that most voters are foretold for."""
    asked = state.param("mark")
    return int(asked) if asked in map(str, MARKS) else int(MARKS[int(np.argmax(reading.marks))])


def _choose_mark(mark: int) -> None:
    state.touched()
    state.set_param("mark", str(mark))


def _said(reading: Reading, mark: int) -> str:
    """What is to be known of a mark's map."""
    share, found = float(reading.marks[mark - 1]), reading.map(MARK_NAMES[mark - 1])
    if not drawing.mask_for(found, found.shape).any():
        return f"This map is empty: nothing in the picture speaks for mark {mark}."
    told = f"Yellow speaks most for mark {mark}, what is clear not at all. The network foretells it for "
    if share < HARDLY:
        return f"{told}only {pictures.percent(share)} of the voters, so this map means little."
    return f"{told}{pictures.percent(share)} of the voters."


def _drawn(image: Image, reading: Reading, target: str, opacity: float = OPACITY) -> Image:
    shown = drawing.display_size(image)
    return drawing.overlay(shown, drawing.mask_for(reading.map(target), shown.size), opacity)


def _sheet(image: Image, reading: Reading) -> Image:
    small = drawing.fitted(image, STRIP_PX)
    drawn = [drawing.overlay(small, drawing.mask_for(reading.map(name), small.size), OPACITY) for name in MARK_NAMES]
    titles = [
        f"{name}: {pictures.percent(float(share))}" for name, share in zip(MARK_NAMES, reading.marks, strict=True)
    ]
    return strip(drawn, titles)
