"""Cards with pictures, names and numbers side by side; a click chooses one without leaving the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st


@dataclass(frozen=True)
class CardPicture:
    """A picture on a card: a data address, what it shows, a word below it, whether its cells are drawn as squares."""

    url: str
    alt: str
    under: str = ""
    coarse: bool = False


@dataclass(frozen=True)
class Card:
    """What is chosen by a click (`value`), its pictures side by side, a title, lines, and a frame round the pictures.

    Attributes
    ----------
    frame : colour as #RRGGBB; "" for none
    width : of the frame in px
    """

    value: str
    pictures: Sequence[CardPicture]
    title: str
    lines: Sequence[str] = ()
    frame: str = ""
    width: float = 0.0


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "urbanlens_cards", html='<div class="cards" role="group"></div>', css=_text("cards.css"), js=_text("cards.js")
)


def cards(
    shown: Sequence[Card], *, key: str, label: str, size: int = 150, chosen: str | None = None,
    on_choose: Callable[[str], None] | None = None,
) -> None:  # fmt: skip
    """Draw cards; all text is plain text.

    Parameters
    ----------
    label : what the cards are, for those who do not see them
    size : least width of a card in px
    chosen : the value of the one that stands out
    on_choose : called with the value of a card that was clicked, before the run that follows; None: nothing to click
    """
    data = {
        "cards": [asdict(card) for card in shown], "label": label, "size": size, "chosen": chosen,
        "clickable": on_choose is not None,
    }  # fmt: skip
    values = [card.value for card in shown]

    def heard() -> None:
        value = st.session_state[key].get("clicked") if key in st.session_state else None
        if on_choose is not None and value in values:
            on_choose(value)

    _mount(key=key, data=data, on_clicked_change=heard)
