"""The views Images and What if of the page Attributes: one picture, and what adds up to its score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from urbanlens.explain.masks import enlarge
from urbanlens.plots.cells import framed_sheet, over_image, padded, signed_cells
from urbanlens.plots.scores import waterfall
from urbanlens.plots.what_if import apply, contributions, decimals, pack
from urbanlens.ui import attributes, caches, drawing, pictures, single_image, state
from urbanlens.ui.cards import Card, CardPicture, cards
from urbanlens.ui.overview import is_demo
from urbanlens.ui.what_if import what_if

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.siam.readings import Reading
    from urbanlens.ui.attributes import Study
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

MOST_MAPS = 8
MAP_PX, PICTURE_PX = 240, 480
"""Longer side of the small maps and of the other pictures: encoding them is most of a page's work."""
WIDEST_FRAME = 7.0
"""Of the map that pushes most, in px."""
LONGEST = 6000
"""Most letters of changes in the address."""
_LONG = "urbanlens.what-if-long"
_MADE = "urbanlens.what-if-made"
"""Changes that were in the address, and what they were made in: a picture chosen next finds them still there."""
FULL = 3.0
"""How many times its typical strength a map must reach to be drawn at its brightest: a faint one stays faint."""


def show(here: Page, study: Study) -> None:
    """One picture in full: scores, the maps that push most, where the score comes from, and the sum of it all."""
    chosen = _chosen(here, study)
    if chosen is None:
        return
    subject, reading = chosen
    free = attributes.read(study.free, subject) if study.free else None
    crowd = attributes.crowd_score(here, study, subject)
    small = drawing.fitted(subject.image, PICTURE_PX)
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        pictures.picture(small, subject.title, most=560)
        _scores(study, reading, free, crowd)
    with right:
        st.subheader("How the score comes about", anchor=False)
        figure = waterfall(
            list(zip(map(attributes.plain, reading.names), reading.contributions.tolist(), strict=True)), reading.bias,
            reading.score, colours=study.colours, score_name=study.score, crowd=crowd, span=_span(study, reading),
        )  # fmt: skip
        pictures.figure_with_downloads(figure, f"{subject.file}-score", table_of(reading), key="waterfall")
    st.subheader("The attributes that push most", anchor=False)
    pictures.quiet(
        "Bright where the network sees the attribute. The frame's colour says whether it adds or takes away, its "
        "width how much. Click one for its template."
    )
    _maps(study, subject, reading)
    _totals(study, subject, reading, free)


def _chosen(here: Page, study: Study) -> tuple[Subject, Reading] | None:
    """The picture that is looked at, and what SIAM says of it."""
    subject = single_image.choose_subject(here)
    single_image.choose_by_sight(here)
    if subject is None:
        return None
    # A photograph dropped on the demo; of other collections the page says it above.
    if study.siam.from_demo and is_demo(here.collection) and not single_image.is_of_demo(subject, here.collection):
        pictures.note(attributes.FOREIGN)
    return subject, attributes.read(study.siam, subject)


def table_of(reading: Reading) -> pd.DataFrame:
    """The sum as a table: the bias, each attribute, and the score."""
    order = np.argsort(-np.abs(reading.contributions), kind="stable")
    rows = [("bias", reading.bias, np.nan)]
    rows += [(reading.names[i], float(reading.contributions[i]), float(reading.attributes[i])) for i in order]
    return pd.DataFrame([*rows, ("score", reading.score, np.nan)], columns=["part", "adds", "seen"])


def _scores(study: Study, reading: Reading, free: Reading | None, crowd: float | None) -> None:
    digits = decimals(_span(study, reading))
    told = {"by SIAM": f"{reading.score:.{digits}f}"}
    if free is not None:
        told["by a free network"] = f"{free.score:.{digits}f}"
    if crowd is not None:
        told = {"given": f"{crowd:.{digits}f}"} | told
    pictures.quiet(f"{attributes.begun(study.score)} of this picture")
    pictures.numbers(told)


def _maps(study: Study, subject: Subject, reading: Reading) -> None:
    """The maps of the attributes that push most, over the picture, framed."""
    order = np.argsort(-np.abs(reading.contributions), kind="stable")[:MOST_MAPS]
    most = float(np.abs(reading.contributions[order]).max()) if len(order) else 1.0
    small, digits = drawing.fitted(subject.image, MAP_PX), decimals(_span(study, reading))
    shown, pictured = [], []
    for i in order:
        push = float(reading.contributions[i])
        whole = padded(reading.maps[i], reading.margin)
        mask = enlarge(whole, (small.height, small.width)) / max(float(whole.max()), FULL * float(reading.strength[i]))
        drawn = drawing.overlay(small, np.clip(mask, 0, 1), 0.72)
        pictured.append(drawn)
        word = "adds" if push >= 0 else "takes away"
        name = attributes.plain(reading.names[i])
        lines = [f"{word} {abs(push):.{digits}f}", study.amount(float(reading.attributes[i]))]
        shown.append(Card(
            reading.names[i], [CardPicture(caches.data_address(drawn, MAP_PX), f"Map of {name}")], name, lines,
            study.colours[0 if push >= 0 else 1], max(1.0, WIDEST_FRAME * abs(push) / max(most, 1e-9)),
        ))  # fmt: skip
    cards(shown, key="attribute-maps", label="Maps of the attributes that push most", size=170, on_choose=_to_template)

    def sheet() -> Image:
        titles = [f"{card.title}, {card.lines[0]}" for card in shown]
        return framed_sheet(pictured, titles, [card.frame for card in shown], [card.width for card in shown])

    if shown:
        pictures.image_download(sheet, f"{subject.file}-maps", "These maps (PNG)")


def _to_template(name: str) -> None:
    state.set_param("attribute", name)
    state.pick("view", "templates")


def _totals(study: Study, subject: Subject, reading: Reading, free: Reading | None) -> None:
    """Where the score comes from, in both networks, on one scale."""
    st.subheader("Where in the picture", anchor=False)
    drawn = {"SIAM": reading} | ({"a free network": free} if free is not None else {})
    # The free network's map holds its whole level, so each is drawn against its own middle.
    level = {name: one.total - (0 if one.names else one.total.mean()) for name, one in drawn.items()}
    peak = max(float(np.abs(cells).max()) for cells in level.values())
    small = drawing.fitted(subject.image, PICTURE_PX)
    columns = st.columns(2, gap="large")
    for column, (name, one) in zip(columns, drawn.items(), strict=False):
        with column:
            picture = over_image(small, signed_cells(level[name], study.colours, peak), one.margin)
            said = "what each place adds or takes away" if one.names else "each place against the picture's average"
            pictures.picture(picture, f"{name}: {said}; full colour at {peak:.3f} a cell.", most=560)
            pictures.image_download(picture, f"{subject.file}-{name.replace(' ', '-')}-total")


def show_what_if(here: Page, study: Study) -> None:
    """The same picture, to be changed: attributes off, weaker, elsewhere, templates painted."""
    chosen = _chosen(here, study)
    if chosen is None:
        return
    subject, reading = chosen
    of = f"{study.siam.key}|{subject.identity}"
    pictures.quiet(f"{attributes.begun(study.score)} of {subject.title}")
    changes = what_if(
        reading.maps, reading.templates, reading.bias, [attributes.plain(name) for name in reading.names],
        picture=_middle(subject.image, reading.margin), crowd=attributes.crowd_score(here, study, subject),
        score_name=study.score, limits=_limits(study), colours=study.colours, changes=_kept_changes(of),
        # Named anew also by the browser's Back, which is right about what is changed.
        of=f"{of}|{state.widget_key('changes')}", key="what-if", on_change=state.touched,
    )  # fmt: skip
    _keep_changes(of, pack(changes, *reading.maps.shape[:2]))
    maps, templates = apply(reading.maps, reading.templates, changes)
    now = contributions(maps, templates)
    strengths = [changes.attributes[i].scale if i in changes.attributes else 1 for i in range(len(now))]
    table = pd.DataFrame({
        "attribute": reading.names, "adds": reading.contributions, "adds after the change": now,
        "strength": strengths,
    })  # fmt: skip
    ends = pd.DataFrame({
        "attribute": ["bias", "score"], "adds": [reading.bias, reading.score],
        "adds after the change": [reading.bias, reading.bias + float(now.sum())],
    })  # fmt: skip
    pictures.table_download(pd.concat([table, ends]), f"{subject.file}-what-if", "Before and after (CSV)")


def _kept_changes(of: str) -> str:
    """What was changed in this picture with this network: neither in another, nor by another, in this visit."""
    text = state.param("changes")
    made = st.session_state.get(_MADE, {}).get(text)
    if text and (made is None or of in made):
        return text
    whose, long = st.session_state.get(_LONG, ("", ""))
    return long if whose == of else ""


def _keep_changes(of: str, text: str) -> None:
    """Keep what was changed: in the address, or, where much was painted, as long as the visit lasts."""
    short = len(text) <= LONGEST
    state.set_param("changes", text if short else None)
    st.session_state[_LONG] = (of, "" if short else text)
    if text and short:
        st.session_state.setdefault(_MADE, {}).setdefault(text, set()).add(of)


def _middle(image: Image, margin: float) -> str:
    """The part of the picture that the maps lie over, as a data address."""
    small = drawing.fitted(image, PICTURE_PX)
    left, top = round(margin * small.width), round(margin * small.height)
    return caches.data_address(small.crop((left, top, small.width - left, small.height - top)), PICTURE_PX)


def _limits(study: Study) -> tuple[float, float] | None:
    """The scores that were given, from the lowest to the highest."""
    if study.crowd is None or not np.isfinite(study.crowd).any():
        return None
    low, high = float(np.nanmin(study.crowd)), float(np.nanmax(study.crowd))
    return (low, high) if low < high else None


def _span(study: Study, reading: Reading) -> float:
    """How far apart scores lie: it says with how many digits they are printed, alike in both views."""
    limits = _limits(study)
    return limits[1] - limits[0] if limits else float(np.abs(reading.contributions).sum())
