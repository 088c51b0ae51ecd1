"""The tags that a network of beauty means in a picture, and where it sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.collection.votes import tags_of
from urbanlens.plots.beauty import GIVEN, strip
from urbanlens.ui import drawing, pictures, state
from urbanlens.ui.mark_strip import OPACITY

if TYPE_CHECKING:
    from urbanlens.aesthetics.readings import Reading
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

MOST_TAGS, FIRST_TAGS, MAP_PX, SMALL_PX = 8, 4, 400, 200


@st.fragment
def show(here: Page, subject: Subject, reading: Reading) -> None:
    """The tags that the network means, and where it sees some of them."""
    known = reading.tags
    if not known:
        return
    st.subheader("Tags", anchor=False)
    left, right = st.columns([1, 1.2], gap="large")
    with left:
        _tag_bars(known, given_tags(here, subject), subject)
    with right:
        asked = state.choose_several(
            "Maps of tags", list(known), name="tags", default=[], placeholder=f"none chosen: the first {FIRST_TAGS}"
        )
        small = drawing.fitted(subject.image, MAP_PX)
        names = asked or list(known)[:FIRST_TAGS]
        masks = {name: drawing.mask_for(reading.map(name), small.size) for name in names}
        drawn = [
            (drawing.overlay(small, mask, OPACITY), f"{name}, {pictures.percent(known[name])}")
            for name, mask in masks.items() if mask.any()
        ]  # fmt: skip
        pictures.row_of(drawn, size=SMALL_PX)
        empty = [name for name, mask in masks.items() if not mask.any()]
        if empty:
            pictures.quiet(f"Nothing in this picture speaks for {', '.join(empty)}: that map is empty.")
        if drawn:
            titles = [caption for _, caption in drawn]
            pictures.image_download(
                lambda: strip([one for one, _ in drawn], titles), f"{subject.file}-tags", "These maps (PNG)"
            )


def given_tags(here: Page, subject: Subject) -> tuple[str, ...]:
    """The tags that the collection gives the picture."""
    if subject.image_id is None:
        return ()
    whole = here.collection.whole
    return tags_of(whole.where(np.arange(len(whole)) == whole.row(subject.image_id)))[0]


def _tag_bars(known: dict[str, float], given: tuple[str, ...], subject: Subject) -> None:
    names = [name for i, name in enumerate(known) if i < MOST_TAGS or name in given]
    called = {name: f"{name} ✓" if name in given else name for name in names}
    pictures.bars(
        [(called[name], known[name]) for name in names], {called[name]: GIVEN for name in names if name in given}
    )
    words = f"How much each of {len(known)} tags is meant; together 100 %."
    if given:
        words += " ✓: the collection gives this image the tag."
    strange = [name for name in given if name not in known]
    if strange:
        words += f" It also gives {', '.join(strange)}, which the network never learnt."
    pictures.quiet(words)
    table = pd.DataFrame({"tag": list(known), "share": list(known.values()), "given": [one in given for one in known]})
    pictures.table_download(table, f"{subject.file}-tags", "Tags (CSV)")
