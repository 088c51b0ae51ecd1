"""What a visitor does on the page Aesthetics, in a real browser, on the demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlparse

import pytest
from playwright.sync_api import Locator, Page, expect

from urbanlens.demo import open_demo

from .conftest import serve, settle
from .test_journeys import drop, no_error, photograph

Visit = Callable[..., Page]
NAME = open_demo().ids[40]
"""One image for all tests: what is computed of it is kept by the server."""
VIEWS = {
    "image": ("One image", "Mark by mark"),
    "crop": ("Crop", "Before and after"),
    "gallery": ("Gallery", "Where the network errs most"),
    "places": ("Places", "What the maps light up"),
    "test": ("Do the maps mean anything?", "Side by side"),
    "learnt": ("What was learnt from", "How it learnt"),
}
"""The title of each view, and the last of its headings that is always there."""
RED = """getComputedStyle(document.querySelector('[data-testid="stApp"]')).backgroundColor.match(/\\d+/g)[0]"""
"""Of the red in the page's ground, from 0 to 255."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that nobody enters by its front page: links to this page have to do without what that sets up."""
    yield from serve(tmp_path_factory.mktemp("aesthetics"))


def link(server: str, view: str, **choices: str) -> str:
    given = {"view": view, "image": NAME, **choices}
    return f"{server}/aesthetics?" + "&".join(f"{name}={quote(value)}" for name, value in given.items())


def asked(page: Page, name: str) -> str:
    return parse_qs(urlparse(page.url).query).get(name, [""])[0]


def stands(page: Page, view: str) -> None:
    """The view is there to its end, and nothing went wrong."""
    title, heading = VIEWS[view]
    expect(page.get_by_role("radio", name=title, exact=True)).to_be_checked()
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    settle(page)
    no_error(page)


def strip(page: Page) -> Locator:
    """The maps of the marks, once they are drawn."""
    root = page.locator("section.strip")
    expect(root).to_have_attribute("data-shown", re.compile(r"\d"))
    return root


@pytest.mark.parametrize("view", VIEWS)
def test_a_link_to_each_view(view: str, server: str, visit: Visit) -> None:
    """It draws on a phone, in the light and in the dark, and on a large screen, and nowhere sticks out."""
    page = visit(link(server, view), width=390, height=844)
    fits(page, view)
    assert (asked(page, "view"), asked(page, "image")) == (view, NAME)
    if view == "image":
        expect(strip(page).locator(".thumbs canvas")).to_have_count(10)
    if view in ("image", "crop"):
        expect(page.locator("figcaption", has_text=NAME).first).to_be_visible()
    elif view == "gallery":
        expect(page.get_by_role("group", name="Highest marks").get_by_role("button")).to_have_count(10)
    else:
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{RED} < 100")
    fits(page, view)
    page.set_viewport_size({"width": 1280, "height": 900})
    fits(page, view)


def fits(page: Page, view: str) -> None:
    stands(page, view)
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Streamlit scrolls inside; what sticks out there does not make the page itself wider.
    inner, outer = page.get_by_test_id("stMain").evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert inner <= outer <= width


def test_step_from_mark_to_mark_and_play(server: str, visit: Visit) -> None:
    """The map changes at once; Python hears of it later, and then keeps it."""
    page = visit(link(server, "image", mark="3"))
    root = strip(page)
    settle(page)
    root.evaluate(
        """(root) => { window.seen = []; new MutationObserver(() => window.seen.push([root.dataset.shown,
            document.querySelector('[data-testid="stApp"]').dataset.testScriptState]))
            .observe(root, { attributeFilter: ['data-shown'] }); }"""
    )
    slider = page.get_by_role("slider", name="Mark", exact=True)
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(root.locator(".called")).to_contain_text("Mark 4")
    assert page.evaluate("window.seen[0]") == ["4", "notRunning"]
    page.keyboard.press("ArrowRight")
    expect(root).to_have_attribute("data-shown", "5")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("^Mark 5, "))
    page.wait_for_url(re.compile("mark=5"))
    expect(page.get_by_role("button", name="Map of mark 5 (PNG)")).to_be_visible()
    settle(page)
    expect(slider).to_be_focused()
    expect(root).to_have_attribute("data-shown", "5")
    page.get_by_role("button", name="Play the maps from mark to mark").click()
    expect(root).to_have_attribute("data-shown", "6")
    page.get_by_role("button", name="Pause", exact=True).click()
    shown = root.get_attribute("data-shown") or ""
    page.wait_for_url(re.compile(f"mark={shown}"))
    settle(page)
    expect(root).to_have_attribute("data-shown", shown)
    no_error(page)


def test_drop_a_photograph(server: str, visit: Visit) -> None:
    """Its marks and maps appear, with a word of caution; the address lets go of the image before."""
    page = visit(link(server, "image"))
    before = strip(page).locator(".thumbs").inner_text()
    drop(page, "street.jpg", photograph())
    expect(page.locator("figcaption", has_text="street.jpg")).to_be_visible()
    expect(page.get_by_text("learnt what is beautiful from the drawn demo world alone")).to_be_visible()
    expect(page.get_by_text("Nobody's votes are known for this picture")).to_be_visible()
    expect(page.locator(".numbers b").first).to_have_text(re.compile(r"^\d\.\d\d ± \d\.\d\d$"))
    expect(page.get_by_text(re.compile("^The map of (high|low)")).first).to_be_visible()
    settle(page)  # while the run lasts, the maps of the image before stand below those of the new one
    expect(strip(page).locator(".thumbs")).not_to_have_text(before)
    assert asked(page, "image") == ""
    no_error(page)


def results(page: Page) -> list[str]:
    """The size of each crop, and what the networks say of it."""
    return [one.inner_text() for one in page.locator(".st-key-before-and-after :is(figcaption, .numbers)").all()]


def test_crop(server: str, visit: Visit) -> None:
    """The threshold and the ratio change boxes and results; a link to them shows the same."""
    page = visit(link(server, "crop", threshold="0.4"))
    stands(page, "crop")
    boxes = page.locator("figure.picture img").first
    first, picture = results(page), boxes.get_attribute("src")
    assert len(first) == 6
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_url(re.compile(r"threshold=0\.45"))
    settle(page)
    second = results(page)
    assert second[:2] == first[:2] and second[2:] != first[2:]
    assert boxes.get_attribute("src") != picture
    page.get_by_role("heading", name="Before and after").click()  # a click right after a key only moves the focus
    page.get_by_role("combobox", name="Sides").click()
    page.get_by_role("option", name="16:9", exact=True).click()
    page.wait_for_url(re.compile("ratio=16"))
    settle(page)
    third = results(page)
    for caption in third[2::2]:
        width, height = map(int, re.findall(r"(\d+) x (\d+) px", caption)[0])
        assert width / height == pytest.approx(16 / 9, abs=0.05)
    again = visit(page.url)
    stands(again, "crop")
    assert results(again) == third
    no_error(again)


def test_a_card_of_the_gallery_opens_its_image(server: str, visit: Visit) -> None:
    page = visit(link(server, "gallery"))
    board = page.get_by_role("group", name="Highest marks").get_by_role("button")
    expect(board).to_have_count(10)
    name = board.nth(2).locator(".line").last.inner_text()
    board.nth(2).click()
    expect(page.get_by_role("radio", name="One image", exact=True)).to_be_checked()
    expect(page.locator("figcaption", has_text=name).first).to_be_visible()
    page.wait_for_url(re.compile(f"image={name}"))
    assert asked(page, "view") == "image"
    no_error(page)
