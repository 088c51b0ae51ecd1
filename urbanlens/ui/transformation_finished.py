"""Transformations that are finished, as cards: a click opens one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING

import streamlit as st
from PIL import Image

from urbanlens.errors import ArtifactError
from urbanlens.transformation.record import METHODS
from urbanlens.ui import caches, pictures, single_image, state, transformation_caches, transformations
from urbanlens.ui.cards import Card, CardPicture, cards

if TYPE_CHECKING:
    from urbanlens.transformation.record import Finished
    from urbanlens.ui.transformations import Study

FAILED = "#C4792D"
FIRST, MORE = 12, 48
SIDE = 150
REACH_NAMES = {"near": "stays near the image", "middle": "goes half-way", "far": "goes far"}
KINDS = {"all": "all", "agree": "others agree", "fail": "others do not all agree"}


def show(study: Study, chosen: str = "") -> None:
    """Source and template image of each that began with an image of this collection; `chosen` is the key of one."""
    known = of_images(study)
    if not known:
        return
    st.subheader("Finished ones", anchor=False)
    towards, which = st.columns([1, 1.6], gap="medium", vertical_alignment="bottom")
    targets = sorted({one.target for one in known})
    with towards:
        asked = state.choose("Towards", ["any", *targets], name="towards", names={"any": "any class"})
    with which:
        kind = state.switch("Which", list(KINDS), name="which", names=KINDS)
    held = _in_turn([one for one in known if asked in ("any", one.target)])
    failed = [one for one in held if transformations.is_failure(one.agreed)]
    pictures.quiet(
        f"{len(held):,} finished; of {len(held) - len(failed):,} all networks that took no part see the class that was "
        "aimed at. Those framed are failures. A click opens one."
    )
    shown = {"all": held, "fail": failed, "agree": [one for one in held if one not in failed]}[kind]
    if not shown:
        st.info("None of the finished ones is of this kind.")
        return
    most = MORE if st.session_state.get("finished-more") else FIRST
    draw(study, shown[:most], key="finished", label="Finished transformations", chosen=chosen)
    if len(shown) > most == FIRST:
        st.button(f"Show more of {len(shown):,}", key="finished-more-button", type="tertiary", on_click=_more)
    elif len(shown) > most:
        pictures.quiet(f"and {len(shown) - most:,} more: choose their image above.")


def _in_turn(known: list[Finished]) -> list[Finished]:
    """One towards each class, then another of each, and so on."""
    groups: dict[str, list[Finished]] = {}
    for one in known:
        groups.setdefault(one.target, []).append(one)
    return [one for turn in zip_longest(*groups.values()) for one in turn if one is not None]


def show_other_ways(study: Study, source: str, target: str, chosen: str) -> None:
    """The same image on its way to the same class, made otherwise or by another generator; a click opens one."""
    names = transformations.titles(study.others)
    found: list[Finished] = []
    generator: dict[str, str] = {}
    for name, network in study.others.items():
        if network.card is None:
            continue
        for one in transformations.finished_by(study.collection, network.card):
            if (one.source, one.target, one.settings.start) == (source, target, "image") and one.key != chosen:
                found.append(one)
                generator[one.key] = name
    if not found:
        return
    st.subheader("The same by other ways", anchor=False)
    several = len(set(generator.values()) | {study.network.name}) > 1
    told = {one.key: [_way(one), *([names[generator[one.key]]] if several else [])] for one in found}
    draw(study, found, key="other-ways", label="The same by other ways", lines=told, generators=generator)


def _way(one: Finished) -> str:
    """How it was made, in full."""
    told = METHODS[one.settings.method] + (
        f", {REACH_NAMES[one.settings.reach]}" if one.settings.method == "prior" else ""
    )
    return f"{told}, seed {one.settings.seed}" if one.settings.seed else told


def of_images(study: Study) -> list[Finished]:
    """Those that began with an image of the collection; a visitor's photograph is nobody else's business."""
    return [one for one in study.finished if one.settings.start == "image" and one.source in study.collection]


def _more() -> None:
    st.session_state["finished-more"] = True


def draw(
    study: Study, shown: list[Finished], *, key: str, label: str, chosen: str = "", size: int = 210,
    lines: Mapping[str, list[str]] | None = None, generators: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """A card each; a failure is framed and said in words.

    Parameters
    ----------
    lines : words on each card, by its key; None: how it was made
    generators : whose each is, by its key, as the address names them; None: the page's
    """
    ids = [one.source for one in shown if one.source in study.collection]
    sources = dict(zip(ids, pictures.thumbnails(study.collection, ids, SIDE), strict=True))
    made = []
    for one in shown:
        template = template_address(one)
        if not template:
            continue
        failed, prototype = transformations.is_failure(one.agreed), one.settings.start == "prototype"
        parts = [CardPicture(sources[one.source], one.source, one.source_class)] if one.source in sources else []
        parts.append(CardPicture(template, f"Template image of {one.target}", "" if prototype else one.target))
        title = f"seed {one.settings.seed}" if prototype else one.source
        told = lines[one.key] if lines is not None else _said(one) if prototype else [_how(study, one)]
        words = [line for line in [transformations.verdict(one.agreed), *told] if line]
        made.append(Card(one.key, parts, title, words, FAILED if failed else "", 2.0 if failed else 0.0))
    known, whose = {one.key: one for one in shown}, generators or {}
    cards(
        made, key=key, label=label, size=size, chosen=chosen,
        on_choose=lambda key: open_one(known[key], whose.get(key, "")),
    )  # fmt: skip


def _said(one: Finished) -> list[str]:
    """How sure of the target each network is that took no part."""
    return [f"{name}: {pictures.percent(value)}" for name, value in one.certainty.items() if name not in one.drivers]


def _how(study: Study, one: Finished) -> str:
    """How it was made, where there is more than one way."""
    seed = f", seed {one.settings.seed}" if one.settings.seed else ""
    if one.settings.method == "prior":
        return f"{REACH_NAMES[one.settings.reach]}{seed}"
    return f"{METHODS['ascent']}{seed}" if len(study.methods) > 1 else seed.removeprefix(", ")


def template_address(one: Finished) -> str:
    """The template image for a card; "" where its files are broken."""
    try:
        found = transformation_caches.transformation(one.folder)
    except ArtifactError:
        return ""
    return caches.data_address(Image.fromarray(found.template), SIDE)


def open_one(one: Finished, generator: str = "") -> None:
    """Look at a finished one, of another generator where that is named; for a callback."""
    state.touched()
    if one.source:
        single_image.take(one.source)
    settings = one.settings
    chosen = {
        "begin": settings.start, "target": one.target, "method": settings.method, "reach": settings.reach,
        "attempt": attempt(one), "view": "one", "step": None,
    }  # fmt: skip
    for name, value in (chosen | ({"generator": generator} if generator else {})).items():
        state.pick(name, value)


def attempt(one: Finished) -> str:
    """What tells those apart that differ in nothing else, as it stands in the address."""
    return f"{one.settings.seed}-{one.settings.steps}"
