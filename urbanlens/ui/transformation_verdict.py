"""Whether a template image is what it was meant to be: what networks say of it that took no part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.ui import pictures
from urbanlens.ui.transformations import certainties, is_failure

if TYPE_CHECKING:
    from urbanlens.models import ModelCard
    from urbanlens.transformation.record import Transformation

LENIENT = 0.5
"""A network that is so sure of the target on the mere reconstruction proves nothing by being sure of it later."""


def tell(found: Transformation, card: ModelCard) -> None:
    """A failure as a failure; agreement with what it is worth. `card` is the generator's."""
    others, target = certainties(found), pictures.plain(found.target)
    if not others:
        st.warning(
            f"No network was asked that took no part, so nothing tells whether this is {target} to anybody but the "
            "networks that pulled it there."
        )
        return
    agreed = found.agreed()
    if is_failure(agreed):
        none = agreed == 0
        head = "Other networks do not agree" if none or len(others) == 1 else "Not all other networks agree"
        st.warning(f"**{head} that this is {target}.** {pictures.plain(_said(found))}", icon=":material/gpp_maybe:")
    else:
        pictures.quiet(f"Networks that took no part agree that this is {found.target}. {_said(found)}")
    _lenient(found)
    warn_of_guessing(card)


def _said(found: Transformation) -> str:
    """Who says what, each beside what it says of the beginning."""
    begun = "the mere reconstruction" if found.settings.start == "image" else "the neutral beginning"
    others = [
        f"{name} is {pictures.percent(now)} sure of it, of {begun} it was {pictures.percent(first)}"
        for name, now, first in certainties(found)
    ]
    drove = [f"{name} {pictures.percent(now)}" for name, now, _ in certainties(found, driving=True)]
    text = f"{'; '.join(others)}."
    return f"{text} Those that pulled: {', '.join(drove)}." if drove else text


def _lenient(found: Transformation) -> None:
    """Judges that see the target before anything was changed."""
    names = [name for name, now, first in certainties(found) if first >= LENIENT and now >= LENIENT]
    if not names or found.settings.start != "image":
        return
    sees = "sees" if len(names) == 1 else "see"
    pictures.note(
        f"{' and '.join(names)} {sees} {found.target} in the mere reconstruction already, where nothing has been "
        "changed yet: that it is seen in the end says little."
    )


def guessing(card: ModelCard) -> list[str]:
    """Networks around a generator that may not know the classes at all, with what they reach on real test images."""
    told = []
    for name in (*card.data.get("drivers", ()), *card.data.get("judges", ())):
        real = card.metrics.get(name, {}).get("real", {})
        if real.get("accuracy") is None or "base_rate" not in real:
            continue
        low, high = real["interval"]
        if low <= real["base_rate"]:
            told.append(
                f"{name} is right in {pictures.percent(real['accuracy'])} of {real['images']:,} ({low:.0%} to "
                f"{high:.0%}), always naming the most frequent class would be in {pictures.percent(real['base_rate'])}"
            )
    return told


def warn_of_guessing(card: ModelCard) -> None:
    """Networks whose word is worth little, whatever they say of a template image."""
    told = guessing(card)
    if told:
        pictures.note(
            f"On real test images that nobody learnt from, {'; '.join(told)}. Such a network may know the camera or "
            "the day rather than the class: that it is sure of a template image proves nothing."
        )
