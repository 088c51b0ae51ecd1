"""What a visitor does on the pages Explanations and Objects, in a real browser, on the demo."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

from playwright.sync_api import Locator, Page, expect

from .conftest import READY
from .test_journeys import no_error

Visit = Callable[..., Page]
NETWORK = "own-simple"


def stage(page: Page) -> Locator:
    """The plane, once its pictures are drawn; a slow machine reads and packs them for a while."""
    expect(page.locator(".gallery")).to_have_attribute("data-ready", "1", timeout=120_000)
    return page.locator(".stage > canvas")


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def middle(canvas: Locator) -> tuple[float, float, float, float]:
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"], box["height"]


def test_click_a_picture_then_pick_some_and_see_their_objects(server: str, visit: Visit) -> None:
    page = visit(f"{server}/explanations?model={NETWORK}", height=1100)
    x, y, width, height = middle(stage(page))
    page.mouse.click(x, y)
    expect(page.get_by_text("Look closer")).to_be_visible()
    expect(page.get_by_role("heading", name="The same image under every network")).to_be_visible()
    page.wait_for_url(re.compile("image="))
    page.get_by_role("button", name="Lasso", exact=True).click()
    x, y, width, height = middle(stage(page))
    page.mouse.move(x - width / 6, y - height / 6)
    page.mouse.down()
    for across, down in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        page.mouse.move(x + across * width / 6, y + down * height / 6, steps=4)
    page.mouse.up()
    heading = page.get_by_role("heading", name=re.compile(r"^\d+ images picked$"))
    expect(heading).to_be_visible()
    count = int((heading.inner_text()).split()[0])
    assert 10 < count < 435
    page.wait_for_url(re.compile("picked="))
    copied = page.url
    page.get_by_text("Which objects do they look at?").click()
    expect(page.get_by_text(f"Only the {count} images picked")).to_be_visible()
    no_error(page)
    # A copied address restores what was on screen.
    again = visit(copied, height=1100)
    expect(again.get_by_role("heading", name=f"{count} images picked")).to_be_visible()
    expect(again.get_by_text("Look closer")).to_be_visible()
    no_error(again)


def test_step_the_threshold_and_change_what_pictures_show(server: str, visit: Visit) -> None:
    page = visit(f"{server}/explanations?model={NETWORK}")
    stage(page)
    page.get_by_role("slider", name="Threshold").press("ArrowRight")
    page.wait_for_url(re.compile(r"threshold=0\.55"))
    expect(page.locator(".gallery")).to_have_attribute("data-ready", "1")
    page.get_by_role("combobox", name=re.compile("Colour of the frames")).click()
    page.get_by_role("option", name="right or wrong").click()
    expect(page.locator(".gallery").get_by_text("wrong")).to_be_visible()
    assert asked(page)["frame"] == ["answer"]
    no_error(page)


def test_objects_of_the_demo_with_the_truth_beside(server: str, visit: Visit) -> None:
    page = visit(f"{server}/objects?models={NETWORK}&behind=simple|Hanamori|signboard")
    for name in (
        "Hanamori: 217 images",
        "Steelport: 218 images",
        "Against the planted truth",
        "The trap in the corner",
    ):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("heading", name="signboard in Hanamori, as simple sees it")).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("two trainings of one architecture"))).to_be_visible()
    page.get_by_role("slider", name="Threshold of the mask").press("ArrowRight")
    page.wait_for_url(re.compile(r"threshold=0\.6"))
    page.wait_for_selector(READY)
    no_error(page)


def test_one_step_of_back_leads_to_the_page_before(server: str, visit: Visit) -> None:
    """What was chosen goes along in the link, so that the next page has nothing to add to its address."""
    page = visit(f"{server}/objects?models={NETWORK}")
    expect(page.get_by_role("heading", name="Do networks agree?")).to_be_visible()
    page.goto(f"{server}/explanations?model={NETWORK}")
    stage(page)
    page.get_by_role("slider", name="Threshold").press("ArrowRight")
    page.wait_for_url(re.compile(r"threshold=0\.55"))
    page.wait_for_selector(READY)
    before = page.url
    page.get_by_role("link", name="Objects", exact=True).first.click()
    expect(page.get_by_role("heading", name="Do networks agree?")).to_be_visible()
    page.wait_for_selector(READY)
    assert asked(page)["threshold"] == ["0.55"]
    page.go_back()
    stage(page)
    assert asked(page) == parse_qs(urlparse(before).query)
    no_error(page)


def test_a_click_on_a_bar_shows_the_images_behind_it(server: str, visit: Visit) -> None:
    page = visit(f"{server}/objects?models={NETWORK}")
    bar = page.locator(".js-plotly-plot .barlayer .point path").first
    expect(bar).to_be_visible()
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.click(box["x"] + 8, box["y"] + box["height"] / 2)
    expect(page.get_by_role("heading", name=re.compile("in Hanamori, as simple sees it"))).to_be_visible()
    page.wait_for_url(re.compile("behind="))
    no_error(page)
