"""What a visitor does on the page Attributes, in a real browser, on the demo."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from urllib.parse import parse_qs, quote, urlparse

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from urbanlens.demo import open_demo
from urbanlens.models.card import ModelCard
from urbanlens.plots.what_if import Change, Changes, pack

from .conftest import READY, settle
from .test_journeys import drop, no_error

Visit = Callable[..., Page]
NETWORK = "own-siam"
VIEWS = {
    "templates": "Templates", "images": "Images", "what-if": "What if", "disagree": "Where they disagree",
    "together": "Co-occurrence", "map": "Map",
}  # fmt: skip


def link(server: str, view: str, **choices: str) -> str:
    return f"{server}/attributes?siam={NETWORK}&view={view}" + "".join(
        f"&{name}={quote(value)}" for name, value in choices.items()
    )


def asked(page: Page, name: str) -> str:
    return parse_qs(urlparse(page.url).query).get(name, [""])[0]


def card_of_network() -> ModelCard:
    return ModelCard.read(open_demo().root / "models" / "siam")


def switched_off() -> str:
    """The first attribute switched off, as an address says it."""
    card = card_of_network()
    return pack(Changes({0: Change(scale=0)}), len(card.classes), int(card.options["crop"]))


def cards(page: Page, label: str) -> Locator:
    return page.get_by_role("group", name=label).get_by_role("button")


def what_if(page: Page) -> Locator:
    """The what-if, once it has its numbers."""
    root = page.locator("section.what-if")
    expect(root).to_have_attribute("data-score", re.compile("."))
    return root


def to_view(page: Page, view: str) -> None:
    page.get_by_role("radio", name=VIEWS[view], exact=True).click()
    page.wait_for_url(re.compile(f"view={view}"))
    page.wait_for_selector(READY)


def picture() -> bytes:
    """A PNG of grass below a sky."""
    pixels = np.zeros((90, 120, 3), np.uint8)
    pixels[:40], pixels[40:] = (150, 190, 240), (70, 140, 50)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_cold_link_to_a_changed_image(cold_server: str, visit: Visit) -> None:
    name, changes = open_demo().ids[40], switched_off()
    page = visit(link(cold_server, "what-if", image=name, changes=changes))
    root = what_if(page)
    expect(page.get_by_text(f"of {name}")).to_be_visible()
    expect(root.locator(".was")).to_contain_text("was ")
    page.wait_for_selector(READY)
    assert (asked(page, "changes"), asked(page, "image"), asked(page, "view")) == (changes, name, "what-if")
    no_error(page)


def test_a_click_on_a_template_opens_it(server: str, visit: Visit) -> None:
    page = visit(link(server, "templates"))
    names = card_of_network().classes
    board = cards(page, "Templates of all attributes")
    expect(board).to_have_count(len(names))
    chosen = board.nth(3)
    title = chosen.locator("b").inner_text()
    chosen.click()
    expect(page.get_by_role("heading", name=title.capitalize(), exact=True)).to_be_visible()
    page.wait_for_url(re.compile(f"attribute={title.replace(' ', '_')}(&|$)"))
    expect(board.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    no_error(page)


def test_cards_by_keyboard(server: str, visit: Visit) -> None:
    page = visit(link(server, "templates"))
    board = cards(page, "Templates of all attributes")
    board.first.focus()
    page.keyboard.press("Tab")
    expect(board.nth(1)).to_be_focused()
    title = board.nth(1).locator("b").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=title.capitalize(), exact=True)).to_be_visible()
    page.wait_for_selector(READY)
    expect(board.nth(1)).to_be_focused()
    expect(board.nth(1)).to_have_attribute("aria-pressed", "true")


def test_drop_a_picture_and_change_it(server: str, visit: Visit) -> None:
    page = visit(link(server, "images"))
    drop(page, "meadow.png", picture())
    expect(page.locator("figcaption", has_text="meadow.png")).to_be_visible()
    expect(page.get_by_text("by SIAM")).to_be_visible()
    expect(page.get_by_text("given", exact=True)).to_have_count(0)
    expect(page.get_by_role("heading", name="How the score comes about")).to_be_visible()
    expect(page.locator(".js-plotly-plot .barlayer .point").first).to_be_visible()
    score = page.locator(".numbers b").first.inner_text()
    page.wait_for_selector(READY)
    to_view(page, "what-if")
    root = what_if(page)
    expect(page.get_by_text("of meadow.png")).to_be_visible()
    expect(root.locator(".now")).to_have_text(score)
    assert asked(page, "image") == ""
    no_error(page)


def test_a_map_leads_to_its_template(server: str, visit: Visit) -> None:
    page = visit(link(server, "images", image=open_demo().ids[40]))
    board = cards(page, "Maps of the attributes that push most")
    expect(board.first).to_be_visible()
    title = board.nth(1).locator("b").inner_text()
    board.nth(1).click()
    expect(page.get_by_role("heading", name=title.capitalize(), exact=True)).to_be_visible()
    expect(page.get_by_role("radio", name="Templates", exact=True)).to_be_checked()
    page.wait_for_url(re.compile(f"attribute={title.replace(' ', '_')}(&|$)"))
    assert asked(page, "view") == "templates"
    no_error(page)


def test_an_image_that_tells_leads_to_its_sum(server: str, visit: Visit) -> None:
    page = visit(link(server, "templates", attribute="trees"))
    board = cards(page, "Adds most in: trees")
    expect(board.first).to_be_visible()
    name = board.first.locator(".line").last.inner_text()
    board.first.click()
    expect(page.locator("figcaption", has_text=name)).to_be_visible()
    page.wait_for_url(re.compile(f"image={name}"))
    expect(page.get_by_role("textbox", name="Or an image of the collection")).to_have_value(name)
    no_error(page)


def test_what_was_changed_is_in_the_address(server: str, visit: Visit) -> None:
    page = visit(link(server, "what-if", image=open_demo().ids[40]))
    root = what_if(page)
    before = root.locator(".now").inner_text()
    page.get_by_label("Strength").focus()
    page.keyboard.press("End")
    expect(root.locator(".now")).not_to_have_text(before)
    page.wait_for_url(re.compile("changes=1_"))
    page.wait_for_selector(READY)
    after = root.locator(".now").inner_text()
    again = visit(page.url)
    expect(what_if(again).locator(".now")).to_have_text(after)
    expect(again.locator("section.what-if .was")).to_have_text(f"was {before}")
    no_error(again)
    # Another image begins anew.
    again.get_by_role("button", name="Another image").click()
    expect(again.locator("section.what-if .was")).to_have_text("")
    expect(again).not_to_have_url(re.compile("changes="))
    no_error(again)


def test_a_change_outlives_another_view_and_the_browsers_back_undoes_it(server: str, visit: Visit) -> None:
    page = visit(link(server, "what-if", image=open_demo().ids[41]))
    before = what_if(page).locator(".now").inner_text()
    page.get_by_label("Switched on").uncheck()
    page.wait_for_url(re.compile("changes=1_"))
    page.wait_for_selector(READY)
    after = what_if(page).locator(".now").inner_text()
    assert after != before
    to_view(page, "images")
    expect(page.get_by_role("heading", name="Where in the picture")).to_be_visible()
    to_view(page, "what-if")
    expect(what_if(page).locator(".now")).to_have_text(after)
    for _ in range(3):
        page.go_back()
        page.wait_for_selector(READY)
    expect(what_if(page).locator(".now")).to_have_text(before)
    assert asked(page, "changes") == ""
    no_error(page)


def strengthen(page: Page) -> str:
    """One gesture: the chosen attribute counts twice. The score after it, once the address has it."""
    before = what_if(page).locator(".now").inner_text()
    page.get_by_label("Strength").focus()
    page.keyboard.press("End")
    expect(page.locator("section.what-if .was")).to_have_text(f"was {before}")
    page.wait_for_url(re.compile("changes=1_"))
    page.wait_for_selector(READY)
    return page.locator("section.what-if .now").inner_text()


def begins_anew(page: Page) -> None:
    expect(page.locator("section.what-if .was")).to_have_text("")
    expect(page).not_to_have_url(re.compile("changes="))
    page.wait_for_selector(READY)
    no_error(page)


def test_a_gesture_does_not_follow_to_another_image_and_back_restores_it(server: str, visit: Visit) -> None:
    name = open_demo().ids[42]
    page = visit(link(server, "what-if", image=name))
    after = strengthen(page)
    page.get_by_role("button", name="Another image").click()
    expect(page.get_by_text(f"of {name}")).to_have_count(0)
    begins_anew(page)
    for _ in range(3):  # the image and the changes are steps of their own
        page.go_back()
        page.wait_for_timeout(300)
        settle(page)
        if asked(page, "image") == name:
            break
        expect(page.locator("section.what-if .was")).to_have_text("")
    expect(page.get_by_text(f"of {name}")).to_be_visible()
    expect(what_if(page).locator(".now")).to_have_text(after)
    assert asked(page, "changes")
    no_error(page)


def test_back_undoes_a_single_gesture(server: str, visit: Visit) -> None:
    page = visit(link(server, "what-if", image=open_demo().ids[43]))
    before = what_if(page).locator(".now").inner_text()
    strengthen(page)
    page.go_back()
    expect(page.locator("section.what-if .now")).to_have_text(before)
    begins_anew(page)


def test_a_gesture_does_not_follow_to_another_network(server: str, visit: Visit) -> None:
    page = visit(link(server, "what-if", image=open_demo().ids[42]))
    strengthen(page)
    page.wait_for_url(re.compile("changes="))
    settle(page)  # the run that the gesture causes would close the menu again
    page.get_by_role("heading", name="Attributes").click()  # a click right after a key only moves the focus
    page.get_by_role("combobox", name="Network").click()
    other = page.get_by_role("option").filter(has_not_text=re.compile(f"^{re.escape(card_of_network().name)}$"))
    other.first.click()
    expect(page).not_to_have_url(re.compile(f"siam={NETWORK}(&|$)"))
    begins_anew(page)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_a_phone(view: str, dark: bool, server: str, visit: Visit) -> None:
    page = visit(link(server, view), width=390, height=844, dark=dark)
    expect(page.get_by_role("radio", name=VIEWS[view], exact=True)).to_be_checked()
    expect(page.get_by_text("How this works")).to_be_visible()
    settle(page)
    no_error(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    # Streamlit scrolls inside; what sticks out there does not make the page itself wider.
    inner, outer = page.get_by_test_id("stMain").evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert inner <= outer
