"""Cards: what goes to the browser, and which clicks count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from urbanlens.ui import cards as module
from urbanlens.ui.cards import Card, CardPicture, cards


def page() -> None:
    """Two cards, one of them with words that look like markup."""
    from urbanlens.ui.cards import Card, CardPicture, cards

    picture = CardPicture("data:image/png;base64,", "Map of <b>", "learnt", coarse=True)
    shown = [Card("one", [picture], "<b>One</b>", ["adds 1"], "#123456", 3.0), Card("two", [picture, picture], "Two")]
    cards(shown, key="board", label="Some cards", size=120, chosen="two", on_choose=lambda value: None)
    cards(shown, key="still", label="Nothing to click")


def test_what_goes_to_the_browser() -> None:
    app = AppTest.from_function(page, default_timeout=30).run()
    assert not app.exception
    board, still = (one.proto for one in app.get("bidi_component"))
    data = json.loads(board.json or board.mixed.json)
    assert [card["value"] for card in data["cards"]] == ["one", "two"]
    first = data["cards"][0]
    assert (first["title"], first["lines"], first["frame"], first["width"]) == ("<b>One</b>", ["adds 1"], "#123456", 3)
    assert first["pictures"] == [
        {"url": "data:image/png;base64,", "alt": "Map of <b>", "under": "learnt", "coarse": True}
    ]
    assert (data["label"], data["size"], data["chosen"], data["clickable"]) == ("Some cards", 120, "two", True)
    assert json.loads(still.json or still.mixed.json)["clickable"] is False


def test_words_never_become_markup() -> None:
    script = module._text("cards.js")
    assert "innerHTML" not in script and "insertAdjacentHTML" not in script
    assert "textContent" in script


class Mount:
    """Stands where the browser would."""

    def __call__(self, **settings: Any) -> None:
        self.clicked = settings["on_clicked_change"]


@pytest.mark.parametrize(("said", "heard"), [("two", ["two"]), ("three", []), (None, []), (7, []), (["two"], [])])
def test_only_a_card_that_is_there_can_be_chosen(
    said: object, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mount, chosen = Mount(), []
    monkeypatch.setattr(module, "_mount", mount)
    monkeypatch.setattr(module.st, "session_state", {"board": {"clicked": said}})
    shown = [Card(name, [CardPicture("data:,", "")], name) for name in ("one", "two")]
    cards(shown, key="board", label="Some cards", on_choose=chosen.append)
    mount.clicked()
    assert chosen == heard


def test_a_click_on_cards_that_cannot_be_clicked_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    mount = Mount()
    monkeypatch.setattr(module, "_mount", mount)
    monkeypatch.setattr(module.st, "session_state", {})
    cards([Card("one", [], "one")], key="board", label="Some cards")
    mount.clicked()
