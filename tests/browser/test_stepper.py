"""The stepper alone, in a real browser."""

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

from .conftest import serve, settle
from .stepper_page import FRAMES, LAST, SIDE, way

Visit = Callable[..., Page]
TEMPLATE = FRAMES


@pytest.fixture(scope="module")
def stepper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("stepper")
    yield from serve(home, Path(__file__).with_name("stepper_page.py"), home)  # apart from the app and its theme


@pytest.fixture
def page(stepper_server: str, visit: Visit) -> Iterator[Page]:
    page = visit(stepper_server, height=1300)
    shows(page, TEMPLATE)
    yield page
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def stepper(page: Page) -> Locator:
    return page.locator("section.stepper")


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Step", exact=True)


def shows(page: Page, stop: int) -> None:
    """Slider, heading, pictures and curves all say the same."""
    root = stepper(page)
    expect(root).to_have_attribute("data-ready", re.compile("."))
    expect(root).to_have_attribute("data-shown", str(stop))
    expect(slider(page)).to_have_value(str(stop))
    title = title_of(stop)
    expect(root.locator(".called")).to_have_text(title)
    expect(slider(page)).to_have_attribute("aria-valuetext", re.compile(f"^{title}"))
    expect(root.locator(".now b")).to_have_text(title)


def title_of(stop: int) -> str:
    if stop == 0:
        return "Original"
    if stop > TEMPLATE:
        return ["Nearest real image", "Real image, 2nd nearest", "Real image, 3rd nearest"][stop - TEMPLATE - 1]
    return "Template image" if stop == TEMPLATE else f"Step {5 * (stop - 1)} of 50"


def told(page: Page, *stops: int) -> int:
    """Python has heard of just these choices; how often its script has run."""
    line = page.get_by_text(f"told: {list(stops)};")
    expect(line).to_be_visible()
    settle(page)
    return int(re.findall(r"runs: (\d+)", line.inner_text())[0])


def test_keys_step_at_once_and_python_hears_where_they_end(page: Page) -> None:
    before = told(page)
    slider(page).focus()
    for key, stop in (("ArrowLeft", 10), ("ArrowDown", 9), ("ArrowRight", 10), ("Home", 0), ("End", LAST)):
        page.keyboard.press(key)
        shows(page, stop)
    page.keyboard.press("ArrowLeft")
    shows(page, LAST - 1)
    line = page.get_by_text(re.compile(rf"told: \[.*\b{LAST - 1}\];"))
    expect(line).to_be_visible()
    settle(page)
    heard = re.findall(r"\d+", line.inner_text().split(";")[0])
    assert int(re.findall(r"runs: (\d+)", line.inner_text())[0]) - before == len(heard) <= 6
    shows(page, LAST - 1)
    expect(slider(page)).to_be_focused()


def test_keys_mean_the_same_on_the_play_button_and_space_plays(page: Page) -> None:
    slider(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    expect(stepper(page).locator(".play")).to_have_text("Pause")
    page.keyboard.press(" ")
    expect(stepper(page).locator(".play")).to_have_text("Play")
    stepper(page).locator(".play").focus()
    page.keyboard.press("End")
    shows(page, LAST)
    page.keyboard.press("ArrowLeft")
    shows(page, LAST - 1)


def test_each_network_its_certainty_and_whether_it_pulled(page: Page) -> None:
    rows = stepper(page).locator(".legend li")
    expect(rows).to_have_count(3)
    assert [row.locator(".name").inner_text() for row in rows.all()] == ["<b>judge</b>", "other-judge", "puller"]
    assert [row.locator(".role").inner_text() for row in rows.all()] == ["took no part"] * 2 + ["pulled the picture"]
    assert [row.locator("b").last.inner_text() for row in rows.all()] == ["80 %", "30 %", "99 %"]
    slider(page).focus()
    page.keyboard.press("Home")
    assert [row.locator("b").last.inner_text() for row in rows.all()] == ["10 %", "–", "5 %"]
    page.keyboard.press("End")
    assert [row.locator("b").last.inner_text() for row in rows.all()] == ["not asked"] * 3
    # Lines are told apart by more than their colours.
    dashes = (
        stepper(page).locator("polyline").evaluate_all("all => all.map((one) => getComputedStyle(one).strokeDasharray)")
    )
    assert sorted(dash == "none" for dash in dashes) == [False, False, True, True]  # the way on the map is dotted too
    assert stepper(page).locator(".chart polyline").first.get_attribute("class") == "drives"


def test_objects_nearest_image_and_the_way_on_the_map(page: Page) -> None:
    root = stepper(page)
    fence = root.locator(".bars li").filter(has_text="fence")
    expect(fence.locator(".value")).to_have_text("−18.0")
    expect(root.locator(".one b")).to_have_text("West")
    expect(root.locator(".one span")).to_have_text("Street 3 · similarity 0.70")
    expect(root.locator(".one a")).to_have_attribute("href", "single?3")
    expect(root.locator(".runs .run")).to_have_count(3)
    assert points(page) == 3  # original, first and last nearest; the one between has no place
    slider(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(fence.locator(".value")).to_have_text("0")
    expect(root.locator(".one b")).to_have_text("East")
    expect(root.locator(".runs .run.on")).to_have_count(1)
    assert points(page) == 2
    page.keyboard.press("End")
    expect(fence.locator(".value")).to_have_text("−30.0")
    expect(root.locator(".came .small")).to_contain_text("by the true labels of both")
    page.keyboard.press("ArrowLeft")
    expect(root.locator(".came .small")).to_have_text("Nobody labelled the objects of both images.")
    expect(fence.locator(".value")).to_have_text("–")


def points(page: Page) -> int:
    return len((stepper(page).locator("svg .way").get_attribute("points") or "").split())


def test_the_large_picture_is_the_frame(page: Page) -> None:
    slider(page).focus()
    for stop in (1, 6, TEMPLATE):
        page.keyboard.press("Home")
        for _ in range(stop):
            page.keyboard.press("ArrowRight")
        shows(page, stop)
        address = stepper(page).locator(".now canvas").evaluate("one => one.toDataURL('image/png')")
        drawn = Image.open(io.BytesIO(base64.b64decode(address.split(",")[1]))).convert("RGB")
        small = np.asarray(drawn.resize((SIDE, SIDE), Image.Resampling.BOX), float)
        assert np.abs(small - way().found.frames[stop - 1]).mean() < 8


def test_a_click_on_the_film(page: Page) -> None:
    film = stepper(page).locator(".film")
    box = film.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 4.5 / (LAST + 1), box["y"] + box["height"] / 2)
    shows(page, 4)
    told(page, 4)
    expect(slider(page)).to_be_focused()


def test_play_goes_over_the_template_to_the_last_and_tells_once(page: Page) -> None:
    slider(page).focus()
    page.keyboard.press("End")
    page.get_by_role("button", name="Play the steps").click()
    expect(stepper(page)).to_have_attribute("data-shown", "1")  # it begins anew
    page.get_by_role("button", name="Pause", exact=True).click()
    shown = int(stepper(page).get_attribute("data-shown") or 0)
    expect(page.get_by_text(re.compile(rf"told: \[.*{shown}\];"))).to_be_visible()
    settle(page)
    for _ in range(LAST - 1 - shown):
        slider(page).press("ArrowRight")
    shows(page, LAST - 1)


def test_the_page_chooses_and_another_way_begins_with_its_own(page: Page) -> None:
    slider(page).focus()
    page.keyboard.press("Home")
    told(page, 0)
    page.get_by_role("button", name="Page chooses 2").click()
    shows(page, 2)
    page.get_by_text("Another way").click()
    shows(page, TEMPLATE)
    expect(stepper(page).locator(".from span")).to_contain_text("image-1")
    page.get_by_text("Another way").click()
    shows(page, 2)
    told(page, 0)


def test_a_prototype_has_no_original(page: Page) -> None:
    page.get_by_text("A prototype").click()
    expect(stepper(page)).to_have_attribute("data-shown", str(FRAMES - 1))
    expect(stepper(page).locator(".from b")).to_have_text("Beginning")
    expect(slider(page)).to_have_attribute("max", str(LAST - 1))
    expect(stepper(page).locator(".called")).to_have_text("Template image")


def test_nothing_moves_by_itself_where_that_is_not_wished(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    settle(page)
    shows(page, TEMPLATE)
    step = page.get_by_role("button", name="Next step")
    expect(step).to_have_text("Next")
    step.focus()
    page.keyboard.press("Enter")
    shows(page, TEMPLATE + 1)
    told(page, TEMPLATE + 1)
    shows(page, TEMPLATE + 1)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone(dark: bool, stepper_server: str, visit: Visit) -> None:
    page = visit(stepper_server, width=390, height=844, dark=dark)
    shows(page, TEMPLATE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ends = stepper(page).evaluate(
        "one => [...one.querySelectorAll('*')].map((part) => part.getBoundingClientRect().right)"
    )
    assert max(ends) <= 390
