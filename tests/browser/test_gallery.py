"""What a visitor does with the plane of pictures, in a real browser, on 60 pictures and 200 dots of the demo."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import CDPSession, Locator, Page, expect

from .conftest import READY, serve

Visit = Callable[..., Page]
PICTURES, DOTS = 60, 200


@pytest.fixture(scope="module")
def plane_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("plane")
    yield from serve(home, Path(__file__).with_name("gallery_page.py"), home)  # apart from the app and its theme


@pytest.fixture
def plane(plane_server: str, visit: Visit) -> Iterator[Page]:
    page = visit(f"{plane_server}/?pictures={PICTURES}&dots={DOTS}", height=1100)
    expect(root(page)).to_have_attribute("data-ready", "1")
    yield page
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def root(page: Page) -> Locator:
    return page.locator(".gallery")


def canvas(page: Page) -> Locator:
    return page.locator(".stage > canvas")


def points() -> np.ndarray:
    """The layout of `gallery_page`, which cannot be imported without being run."""
    random = np.random.default_rng(0)
    middles = np.array([(-0.6, -0.5), (0.6, -0.5), (-0.6, 0.5), (0.6, 0.5)])
    count = PICTURES + DOTS
    return (middles[np.arange(count) % 4] + random.normal(0, 0.16, (count, 2))).astype(np.float32)


def view(page: Page) -> tuple[float, float, float]:
    k, x, y = (float(part) for part in (root(page).get_attribute("data-view") or "").split(","))
    return k, x, y


def spot(page: Page, row: int) -> tuple[float, float]:
    """Where a row's point is on the page."""
    (k, x, y), box = view(page), canvas(page).bounding_box()
    assert box is not None
    left, up = points()[row]
    return box["x"] + float(left) * k + x, box["y"] + y - float(up) * k


ROW = PICTURES - 1
"""The last picture: nothing is painted over it."""


def still(page: Page) -> None:
    """Until nothing moves and the script has run."""
    page.wait_for_function(
        """() => { const root = document.querySelector('[data-testid="stBidiComponentIsolated"]').shadowRoot
            .querySelector('.gallery'); return root.dataset.moving === '0'; }"""
    )
    page.wait_for_selector(READY)


def until(page: Page, holds: str, wanted: tuple[float, ...]) -> None:
    """Until the view [k, x, y] stands still and a condition on it and on `wanted` holds."""
    page.wait_for_function(
        f"""(wanted) => {{ const root = document.querySelector('[data-testid="stBidiComponentIsolated"]').shadowRoot
            .querySelector('.gallery'), [k, x, y] = root.dataset.view.split(',').map(Number);
            return root.dataset.moving === '0' && {holds}; }}""",
        arg=list(wanted),
    )


ZOOMED = "Math.abs(k / wanted[0] - 1) <= wanted[1]"
MOVED = "Math.hypot(x - wanted[0], y - wanted[1]) <= 2"


def drag(page: Page, path: list[tuple[float, float]]) -> None:
    page.mouse.move(*path[0])
    page.mouse.down()
    for place in path[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def round_heap(page: Page) -> list[tuple[float, float]]:
    """A line around everything in the upper left quarter (heap 2: rows 2, 6, 10, …)."""
    (_, x, y), box = view(page), canvas(page).bounding_box()
    assert box is not None
    left, top, right, bottom = box["x"] + 5, box["y"] + 5, box["x"] + x, box["y"] + y
    return [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 20)]


def inside_heap() -> int:
    at = points()
    return int(((at[:, 0] < 0) & (at[:, 1] > 0)).sum())


def test_one_request_brings_all_pictures(plane_server: str, visit: Visit) -> None:
    """The atlas is asked for once, and not again after colours, places or the choice have changed."""
    page = visit(f"{plane_server}/?pictures={PICTURES}&dots={DOTS}", height=1100)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(root(page)).to_have_attribute("data-ready", "1")
    assert len([url for url in asked if "/media/" in url and "/static/" not in url]) == 1
    page.get_by_text("heap", exact=True).click()
    expect(page.locator(".legend")).to_contain_text("Heap 4")
    page.get_by_text("Spread apart").click()
    expect(root(page)).to_have_attribute("data-apart", "1.00")
    assert len([url for url in asked if "/media/" in url and "/static/" not in url]) == 1


def test_pictures_and_dots_are_painted_in_their_colours(plane: Page) -> None:
    shot = Image.open(io.BytesIO(canvas(plane).screenshot())).convert("RGB")
    box = canvas(plane).bounding_box()
    assert box is not None
    pixels = np.asarray(shot, int)
    side = float(root(plane).get_attribute("data-side") or 0)
    left, top = spot(plane, ROW)
    tile = pixels[int(top - box["y"] - side * 0.3) : int(top - box["y"] + side * 0.3), int(left - box["x"])]
    assert np.ptp(tile, axis=0).max() > 20  # a photograph of sorts, not a plain square
    orange = np.abs(pixels - np.array([230, 159, 0])).max(axis=2) < 30
    assert orange.sum() > 50
    expect(plane.locator(".legend")).to_contain_text("Hanamori")


def test_wheel_zooms_about_the_pointer(plane: Page) -> None:
    left, top = spot(plane, 5)
    before = view(plane)[0]
    plane.mouse.move(left, top)
    for _ in range(5):
        plane.mouse.wheel(0, -200)
    until(plane, "k > wanted[0]", (2 * before,))
    assert spot(plane, 5) == pytest.approx((left, top), abs=4)  # a pointer is on a whole pixel
    plane.get_by_role("button", name="Fit").click()
    still(plane)
    assert view(plane)[0] == pytest.approx(before, rel=1e-3)


def test_drag_pans_and_clicks_nothing(plane: Page) -> None:
    (left, top), (_, x, y) = spot(plane, ROW), view(plane)
    drag(plane, [(left, top), (left + 60, top + 10), (left + 120, top + 30)])
    until(plane, MOVED, (x + 120, y + 30))
    expect(plane.locator(".st-key-clicked")).to_have_count(0)


def test_click_shows_the_card_and_twice_counts_twice(plane: Page) -> None:
    plane.mouse.move(*spot(plane, ROW))
    card = plane.locator(".stage .card")
    expect(card).to_be_visible()
    expect(card).to_contain_text(f"<b>Picture</b> {ROW}")  # text, never markup
    plane.mouse.click(*spot(plane, ROW))
    expect(plane.locator(".st-key-clicked")).to_contain_text(f"row {ROW} click 1")
    expect(plane.locator(".st-key-clicked img")).to_be_visible()
    still(plane)
    plane.mouse.click(*spot(plane, ROW))
    expect(plane.locator(".st-key-clicked")).to_contain_text(f"row {ROW} click 2")
    expect(plane.get_by_text(f"this run: {ROW} False")).to_be_visible()
    still(plane)
    plane.get_by_text("heap", exact=True).click()
    expect(plane.get_by_text("this run: None False")).to_be_visible()


def test_a_dot_can_be_clicked(plane: Page) -> None:
    places = np.array([spot(plane, row) for row in range(PICTURES + DOTS)])
    side = float(root(plane).get_attribute("data-side") or 0)
    free = [
        row
        for row in range(PICTURES, PICTURES + DOTS)
        if np.abs(places[:PICTURES] - places[row]).max(axis=1).min() > side / 2 + 2
        and np.sort(np.hypot(*(places - places[row]).T))[1] > 8
    ]
    plane.mouse.click(*places[free[0]])
    expect(plane.locator(".st-key-clicked")).to_contain_text(f"row {free[0]} click 1")


def test_lasso_selects_and_clear_lifts(plane: Page) -> None:
    plane.get_by_role("button", name="Lasso").click()
    drag(plane, round_heap(plane))
    expect(plane.get_by_text(f"selected {inside_heap()}: 2 6 10")).to_be_visible()
    expect(root(plane)).to_have_attribute("data-selected", str(inside_heap()))
    still(plane)
    plane.get_by_role("button", name="Clear").click()
    expect(plane.get_by_text(f"selected {inside_heap()}: ")).to_have_count(0)
    expect(plane.get_by_role("button", name="Clear")).to_be_disabled()
    still(plane)
    plane.keyboard.down("Shift")
    drag(plane, round_heap(plane))
    plane.keyboard.up("Shift")
    expect(plane.get_by_text(f"selected {inside_heap()}: 2 6 10")).to_be_visible()
    canvas(plane).press("Escape")
    expect(root(plane)).to_have_attribute("data-selected", "")


def test_spread_apart_keeps_the_selection_and_comes_back(plane: Page) -> None:
    before = view(plane)
    plane.get_by_text("Spread apart").click()
    expect(root(plane)).to_have_attribute("data-apart", "1.00")
    still(plane)
    assert float(root(plane).get_attribute("data-side") or 0) > 30
    plane.get_by_text("Spread apart").click()
    expect(root(plane)).to_have_attribute("data-apart", "0.00")
    still(plane)
    assert view(plane) == pytest.approx(before, rel=1e-3)


def test_a_zoomed_view_outlives_colours_and_clicks(plane: Page) -> None:
    plane.get_by_role("button", name="Zoom in").click()
    plane.get_by_role("button", name="Zoom in").click()
    still(plane)
    before = view(plane)
    plane.get_by_text("heap", exact=True).click()
    expect(plane.locator(".legend")).to_contain_text("Heap 4")
    plane.mouse.click(*spot(plane, ROW))
    still(plane)
    assert view(plane) == before


def test_keys_do_all_of_it(plane: Page) -> None:
    """From picture to picture, in and out, open, select and lift, without a mouse."""
    canvas(plane).focus()
    plane.keyboard.press("ArrowRight")
    expect(root(plane)).not_to_have_attribute("data-focus", "-1")
    first = int(root(plane).get_attribute("data-focus") or -1)
    expect(plane.locator(".live")).to_contain_text(f"Picture {first + 1} of {PICTURES}")
    plane.keyboard.press("ArrowRight")
    expect(root(plane)).not_to_have_attribute("data-focus", str(first))
    second = int(root(plane).get_attribute("data-focus") or -1)
    assert points()[second, 0] > points()[first, 0]
    still(plane)
    plane.keyboard.press("Enter")
    expect(plane.locator(".st-key-clicked")).to_contain_text(f"row {second} click 1")
    still(plane)
    plane.keyboard.press(" ")
    expect(plane.get_by_text(f"selected 1: {second}")).to_be_visible()
    plane.keyboard.press("Escape")
    expect(root(plane)).to_have_attribute("data-selected", "")
    still(plane)
    before = view(plane)
    plane.keyboard.press("+")
    until(plane, ZOOMED, (1.5 * before[0], 1e-3))
    plane.keyboard.press("Shift+ArrowRight")
    plane.keyboard.press("0")
    until(plane, ZOOMED, (before[0], 0.01))
    plane.keyboard.press("Shift+Tab")
    expect(plane.get_by_role("button", name="Save picture")).to_be_focused()


def test_save_picture(plane: Page) -> None:
    side = root(plane).get_attribute("data-side")
    with plane.expect_download() as answer:
        plane.get_by_role("button", name="Save picture").click()
    saved = Image.open(answer.value.path())
    box = canvas(plane).bounding_box()
    assert box is not None
    assert (answer.value.suggested_filename, saved.format) == ("pictures.png", "PNG")
    pixels = np.asarray(saved.convert("RGB")).astype(int)
    fine = 2400 / box["width"]
    assert saved.width == pytest.approx(2400, abs=2)
    assert box["height"] + 60 < saved.height / fine < box["height"] + 230
    assert pixels.std() > 10
    below = pixels[int((box["height"] + 33) * fine) + 2 :]
    for swatch in plane.locator(".legend i").all():
        colour = [int(part) for part in re.findall(r"\d+", swatch.evaluate("one => one.style.background"))]
        assert (below == colour).all(-1).sum() >= 300, "the legend's colours stand below the picture"
    assert root(plane).get_attribute("data-side") == side


def pinch(session: CDPSession, kind: str, places: list[tuple[float, float]]) -> None:
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_fingers_on_a_phone(plane_server: str, visit: Visit) -> None:
    """One finger moves, two zoom, a tap opens, and nothing is wider than the screen."""
    page = visit(f"{plane_server}/?pictures={PICTURES}&dots={DOTS}", width=390, height=844)
    expect(root(page)).to_have_attribute("data-ready", "1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    session = page.context.new_cdp_session(page)
    (left, top), (before, x, y) = spot(page, ROW), view(page)
    pinch(session, "touchStart", [(left, top)])
    pinch(session, "touchMove", [(left + 15, top + 5)])
    pinch(session, "touchMove", [(left + 40, top + 20)])
    pinch(session, "touchEnd", [])
    until(page, MOVED, (x + 40, y + 20))
    pinch(session, "touchStart", [(150, 600), (230, 600)])
    for step in range(1, 5):
        pinch(session, "touchMove", [(150 - 10 * step, 600), (230 + 10 * step, 600)])
    pinch(session, "touchEnd", [])
    until(page, ZOOMED, (2 * before, 0.02))
    expect(page.locator(".st-key-clicked")).to_have_count(0)
    page.get_by_role("button", name="Fit").click()
    still(page)
    at = spot(page, ROW)
    pinch(session, "touchStart", [at])
    pinch(session, "touchEnd", [])
    expect(page.locator(".st-key-clicked")).to_contain_text(f"row {ROW} click 1")
