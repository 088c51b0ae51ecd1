"""The strip of maps alone, in a real browser, beside the same drawing in Python."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from urbanlens.ui import drawing
from urbanlens.ui.mark_strip import OPACITY

from .conftest import serve, settle
from .mark_strip_page import CELLS, EMPTY, SIZE, maps, picture

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def strip_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("strip")
    yield from serve(home, Path(__file__).with_name("mark_strip_page.py"), home)  # apart from the app and its theme


@pytest.fixture
def page(strip_server: str, visit: Visit) -> Iterator[Page]:
    page = visit(strip_server)
    shows(page, 5)
    yield page
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def strip(page: Page) -> Locator:
    return page.locator("section.strip")


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Mark", exact=True)


def shows(page: Page, mark: int) -> None:
    """Slider, words, labels and the small map that stands out all say the same."""
    expect(strip(page)).to_have_attribute("data-shown", str(mark))
    expect(slider(page)).to_have_value(str(mark))
    expect(slider(page)).to_have_attribute("aria-valuetext", f"Mark {mark}, {2 * mark}%")
    expect(strip(page).locator(".called")).to_have_text(f"Mark {mark}{2 * mark}%")
    expect(page.get_by_role("status")).to_have_text(f"<b>Words</b> of mark {mark}.")  # text, never markup
    expect(page.get_by_role("img", name=f"Map of mark {mark}. <b>Words</b>")).to_be_visible()
    chosen = strip(page).locator(".thumbs [aria-current='true']")
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_attribute("aria-label", f"Mark {mark}: {2 * mark}%")


def told(page: Page, *marks: int) -> int:
    """Python has heard of just these choices; how often its script has run."""
    line = page.get_by_text(f"told: {list(marks)};")
    expect(line).to_be_visible()
    settle(page)
    return int(re.findall(r"runs: (\d+)", line.inner_text())[0])


def test_keys_choose_and_python_hears_where_they_end(page: Page) -> None:
    before = told(page)
    slider(page).focus()
    for key, mark in (
        ("ArrowRight", 6),
        ("ArrowUp", 7),
        ("ArrowLeft", 6),
        ("End", 10),
        ("ArrowRight", 10),
        ("Home", 1),
    ):
        page.keyboard.press(key)
        shows(page, mark)
    # Whoever pauses in between is heard in between.
    line = page.get_by_text(re.compile(r"told: \[.*\b1\];"))
    expect(line).to_be_visible()
    settle(page)
    runs = int(re.findall(r"runs: (\d+)", line.inner_text())[0])
    heard = re.findall(r"\d+", line.inner_text().split(";")[0])
    assert runs - before == len(heard) <= 6
    shows(page, 1)
    expect(slider(page)).to_be_focused()


def test_a_click_on_a_small_map(page: Page) -> None:
    small = strip(page).locator(".thumbs button")
    expect(small).to_have_count(10)
    assert [one.get_attribute("class") for one in small.all()] == ["pale"] * 2 + [""] * 8
    assert {one.get_attribute("tabindex") for one in small.all()} == {"-1"}  # keys have the slider
    small.nth(7).click()
    shows(page, 8)
    told(page, 8)


def test_the_page_chooses_and_another_picture_begins_with_its_own(page: Page) -> None:
    strip(page).locator(".thumbs button").nth(7).click()
    told(page, 8)
    page.get_by_role("button", name="Page chooses 2").click()
    shows(page, 2)
    page.get_by_text("Another picture").click()
    shows(page, 5)
    agrees(page, 5, number=1)
    page.get_by_text("Another picture").click()
    shows(page, 2)
    agrees(page, 2)
    told(page, 8)  # what the page said itself does not come back


def test_play_ends_with_the_last_mark_and_begins_anew(page: Page) -> None:
    slider(page).focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    shows(page, 9)
    page.get_by_role("button", name="Play the maps from mark to mark").click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    shows(page, 10)
    play = page.get_by_role("button", name="Play the maps from mark to mark")
    expect(play).to_have_text("Play")
    play.click()
    expect(strip(page)).to_have_attribute("data-shown", "1")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(play).to_be_visible()


def test_nothing_moves_by_itself_where_that_is_not_wished(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    settle(page)
    shows(page, 5)
    step = page.get_by_role("button", name="Next mark")
    expect(step).to_have_text("Next")
    step.focus()
    page.keyboard.press("Enter")
    shows(page, 6)
    page.keyboard.press("Enter")
    shows(page, 7)
    expect(page.get_by_text(re.compile(r"^told: \[(6, )?7\];"))).to_be_visible()
    settle(page)
    shows(page, 7)


def agrees(page: Page, mark: int, number: int = 0) -> None:
    """The large map has the pixels that Python would draw; an empty one is the picture itself."""
    canvas = strip(page).locator(".stage canvas")
    address = canvas.evaluate("one => one.toDataURL('image/png')")
    drawn = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")
    assert drawn.size == SIZE
    base = picture(number)
    mask = drawing.mask_for(maps(number)[mark - 1], SIZE)
    assert mask.any() == (mark != EMPTY)
    wanted = drawing.overlay(base, mask, OPACITY) if mask.any() else base
    assert np.abs(np.asarray(drawn, int) - np.asarray(wanted, int)).max() <= 2


def test_the_browser_draws_what_python_would(page: Page) -> None:
    assert maps(0).shape == (10, *CELLS)
    agrees(page, 5)
    slider(page).focus()
    page.keyboard.press("End")
    shows(page, 10)
    agrees(page, 10)
    page.keyboard.press("ArrowLeft")
    shows(page, EMPTY)
    agrees(page, EMPTY)


def test_on_a_phone_in_the_dark(strip_server: str, visit: Visit) -> None:
    page = visit(strip_server, width=390, height=844, dark=True)
    shows(page, 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ends = strip(page).evaluate(
        "one => [...one.querySelectorAll('*')].map((part) => part.getBoundingClientRect().right)"
    )
    assert max(ends) <= 390
