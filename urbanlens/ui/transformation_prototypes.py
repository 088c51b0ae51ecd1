"""The view Prototypes: what each class looks like to the networks, begun with nothing, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from urbanlens.progress import part_of
from urbanlens.transformation.record import METHODS, Method, Settings
from urbanlens.ui import caches, pictures, state, transformation_finished, work

if TYPE_CHECKING:
    from urbanlens.progress import Progress
    from urbanlens.transformation.record import Finished
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

SEEDS = 4
"""How many of a class are made at a press of the button."""


def show(here: Page, study: Study) -> None:  # noqa: ARG001 - as every view
    """The prototypes of all classes, a column each; a click follows one step by step."""
    pictures.quiet(
        "A prototype begins with no image at all: from a neutral code that stands for nothing in particular, the "
        "picture is pulled towards a class, from other noise each time. What all prototypes of a class share is what "
        "the networks know of it; what only one of them has is chance."
    )
    method = _choose_method(study)
    found = {name: _of(study, name, method) for name in study.card.classes}
    if any(found.values()):
        _columns(study, {name: ones for name, ones in found.items() if ones})
    missing = {name: _seeds(ones) for name, ones in found.items()}
    if any(missing.values()):
        _make(study, method, missing)


def _choose_method(study: Study) -> Method:
    if len(study.methods) == 1:
        return study.methods[0]
    names: dict[str, str] = {name: METHODS[name][:1].upper() + METHODS[name][1:] for name in study.methods}
    chosen = state.switch("How", study.methods, name="method", names=names)
    return next(method for method in METHODS if method == chosen)


def _of(study: Study, target: str, method: Method) -> list[Finished]:
    """The prototypes of a class, by their seeds."""
    known = [one for one in study.finished if one.settings.start == "prototype" and one.target == target]
    return sorted((one for one in known if one.settings.method == method), key=lambda one: one.settings.seed)


def _columns(study: Study, found: dict[str, list[Finished]]) -> None:
    """A class beside the other, each with how many others see it in its prototypes."""
    names = list(found)
    for at in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="large"), names[at : at + 2], strict=False):
            with column:
                st.subheader(pictures.plain(name), anchor=False)
                pictures.quiet(_summary(found[name]))
                transformation_finished.draw(
                    study, found[name], key=f"prototypes-{names.index(name)}", label=f"Prototypes of {name}", size=130
                )
    pictures.quiet(
        "Framed are those in which the networks that took no part do not all see the class. A click opens one."
    )


def _summary(ones: list[Finished]) -> str:
    """How often the networks that took no part see the class, each by its name."""
    judges = [name for name in ones[0].certainty if name not in ones[0].drivers]
    if not judges:
        return "No network was asked that took no part."
    told = []
    for name in judges:
        answers = np.array([one.certainty[name] for one in ones if name in one.certainty])
        sure = pictures.percent(float(answers.mean()))
        told.append(f"{name} in {int((answers >= 0.5).sum())} of {len(answers)} ({sure} sure on average)")
    return f"Networks that took no part see it here: {', '.join(told)}."


def _seeds(ones: list[Finished]) -> list[int]:
    """Seeds that are still to be made, for `SEEDS` prototypes in all."""
    known = {one.settings.seed for one in ones}
    free = (seed for seed in range(SEEDS + len(known)) if seed not in known)
    return [next(free) for _ in range(max(0, SEEDS - len(known)))]


def _make(study: Study, method: Method, missing: dict[str, list[int]]) -> None:
    """A button that makes what is missing."""
    wanted = [(name, seed) for name, seeds in missing.items() for seed in seeds]
    key = f"prototypes-{study.collection.fingerprint}-{study.card.weights_digest[:20]}-{method}"
    asked = work.asked_for(key)
    if not asked:
        st.info(f"{len(wanted)} prototypes have not been made yet; each takes some ten seconds on a laptop.")
    whole, store, folder = study.collection, study.store, study.network.folder
    engine = caches.engine() if asked else None

    def compute(progress: Progress) -> bool:
        from urbanlens.transformation.making import Workshop, make

        assert folder is not None
        workshop = Workshop.open(whole, folder, engine=engine)
        for number, (name, seed) in enumerate(wanted):
            part = part_of(progress, 50 * number, 50, 50 * len(wanted), "step", f"prototype {number + 1}")
            make(
                workshop, whole, None, name, Settings(method, start="prototype", seed=seed), store=store, progress=part
            )
        return True

    if work.wait_when_asked(key, "Making prototypes", f"Make {SEEDS} prototypes of each class", compute):
        st.rerun()
