"""What a visitor does on the page Transformations, in a real browser, on the demo and its finished transformations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote, urlparse

import pytest
from playwright.sync_api import Locator, Page, expect

from urbanlens.collection.library import store_for
from urbanlens.demo import open_demo
from urbanlens.models.card import ModelCard
from urbanlens.transformation.record import Finished, finished

from .conftest import READY, serve, settle
from .test_journeys import drop, no_error, photograph

Visit = Callable[..., Page]
VIEWS = {
    "one": ("One transformation", "The nearest real images"),
    "changed": ("What changed", None),
    "prototypes": ("Prototypes", "Steelport"),
    "labels": ("More labelled images", None),
    "believed": ("Can it be believed?", "All finished ones of this collection"),
}
"""The title of each view, and a heading of it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that nobody enters by its front page: links to this page have to do without what that sets up."""
    yield from serve(tmp_path_factory.mktemp("transformations"))


@pytest.fixture(scope="module")
def shipped() -> list[Finished]:
    """The demo's finished transformations that began with an image and were guided."""
    demo = open_demo()
    card = ModelCard.read(demo.root / "models" / "generator")
    known = finished(store_for(demo), demo.fingerprint, card.weights_digest)
    usual = [one for one in known if one.settings.start == "image" and one.settings.method == "prior"]
    assert len(usual) >= 60
    return usual


def link(server: str, view: str = "one", **choices: str) -> str:
    given = {"view": view, "generator": "own-generator", **choices}
    return f"{server}/transformations?" + "&".join(f"{name}={quote(value)}" for name, value in given.items())


def of(one: Finished) -> dict[str, str]:
    """A finished one as an address says it."""
    return {
        "image": one.source, "target": one.target, "method": one.settings.method, "reach": one.settings.reach,
        "attempt": f"{one.settings.seed}-{one.settings.steps}",
    }  # fmt: skip


def asked(page: Page, name: str) -> str:
    return parse_qs(urlparse(page.url).query).get(name, [""])[0]


def stepper(page: Page) -> Locator:
    """The stepper, once its pictures are there."""
    root = page.locator("section.stepper")
    expect(root).to_have_attribute("data-ready", re.compile("."))
    return root


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Step", exact=True)


def test_a_cold_link_restores_a_step(cold_server: str, visit: Visit, shipped: list[Finished]) -> None:
    page = visit(link(cold_server, **of(shipped[0]), step="2"))
    root = stepper(page)
    expect(root).to_have_attribute("data-shown", "2")
    expect(root.locator(".from span")).to_contain_text(shipped[0].source)
    expect(page.get_by_role("heading", name=f"{shipped[0].source}, on its way to {shipped[0].target}")).to_be_visible()
    expect(root.locator(".legend li")).to_have_count(len(shipped[0].certainty))
    page.wait_for_selector(READY)
    assert {name: asked(page, name) for name in of(shipped[0])} == of(shipped[0])
    assert asked(page, "step") == "2"
    no_error(page)


def test_step_by_keyboard_and_play(server: str, visit: Visit, shipped: list[Finished]) -> None:
    """Every step is there at once; the address hears where the slider rests, and no part of the page but this runs."""
    page = visit(link(server, **of(shipped[0])))
    root = stepper(page)
    expect(root.locator(".called")).to_have_text("Template image")
    expect(root.locator(".runs .run").first).to_be_visible()
    expect(root.locator("svg .way")).to_have_attribute("points", re.compile(r"\d"))
    settle(page)
    slider(page).focus()
    page.keyboard.press("Home")
    expect(root.locator(".called")).to_have_text("Original")
    page.keyboard.press("ArrowRight")
    expect(root.locator(".called")).to_have_text(re.compile("^Step 0 of "))
    expect(root.locator(".said")).to_contain_text("The mere reconstruction.")
    page.wait_for_url(re.compile("step=1(&|$)"))
    settle(page)
    expect(slider(page)).to_be_focused()
    page.keyboard.press(" ")
    expect(root).to_have_attribute("data-shown", "2")
    page.get_by_role("button", name="Pause", exact=True).click()
    shown = root.get_attribute("data-shown") or ""
    page.wait_for_url(re.compile(f"step={shown}(&|$)"))
    page.keyboard.press("End")
    expect(root.locator(".called")).to_contain_text("Real image")
    no_error(page)


def test_open_another_finished_one(server: str, visit: Visit, shipped: list[Finished]) -> None:
    page = visit(link(server, **of(shipped[0]), step="3"))
    stepper(page)
    board = page.get_by_role("group", name="Finished transformations").get_by_role("button")
    expect(board.first).to_be_visible()
    pressed = board.nth(1)
    name = pressed.locator("b").inner_text()
    pressed.click()
    expect(page.get_by_role("heading", name=re.compile(f"^{name}, on its way to"))).to_be_visible()
    root = stepper(page)
    expect(root.locator(".from span")).to_contain_text(name)
    expect(root.locator(".called")).to_have_text("Template image")
    page.wait_for_url(re.compile(f"image={name}"))
    settle(page)
    assert asked(page, "step") == ""
    no_error(page)


def test_failures_are_told_as_such(server: str, visit: Visit, shipped: list[Finished]) -> None:
    failed = next((one for one in shipped if one.agreed < 1), None)
    if failed is not None:
        page = visit(link(server, **of(failed)))
        expect(
            page.get_by_text(re.compile(f"networks (do not )?agree that this is {failed.target}")).first
        ).to_be_visible()
        no_error(page)
    page = visit(link(server, which="fail"))
    expect(
        page.get_by_text(f"{len(shipped):,} finished", exact=False).or_(page.get_by_text("finished;"))
    ).to_be_visible()
    no_error(page)


def test_other_real_images_by_another_similarity(server: str, visit: Visit, shipped: list[Finished]) -> None:
    page = visit(link(server, **of(shipped[0]), among="class"))
    root = stepper(page)
    slider(page).focus()
    page.keyboard.press("End")
    expect(root.locator(".one b")).to_have_text(shipped[0].target)
    page.get_by_role(
        "heading", name="The nearest real images"
    ).click()  # a click right after a key only moves the focus
    page.get_by_role("combobox", name="Alike by").click()
    page.get_by_role("option", name="Everyday things", exact=True).click()
    page.wait_for_url(re.compile("alike=lite0"))
    settle(page)
    expect(root.locator(".one b")).to_have_text(shipped[0].target)
    no_error(page)


def test_compute_one_and_cancel_another(server: str, visit: Visit, shipped: list[Finished]) -> None:
    """A photograph is turned into a city of the demo, with a word of caution; the next is stopped on its way."""
    page = visit(link(server, target="Steelport"))
    stepper(page)
    drop(page, "street.jpg", photograph())
    expect(page.get_by_text("learnt from the drawn demo world alone")).to_be_visible()
    page.get_by_role("button", name="Turn it into Steelport").click()
    expect(page.get_by_role("heading", name="street.jpg, on its way to Steelport")).to_be_visible()
    expect(page.locator("section.stepper .from span")).to_contain_text("street.jpg", timeout=120_000)
    settle(page)
    page.get_by_role("button", name="Try again with other noise").click()
    page.get_by_role("button", name="Turn it into Steelport").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Stopped.")).to_be_visible(timeout=60_000)
    no_error(page)


def test_a_prototype_opens(server: str, visit: Visit, shipped: list[Finished]) -> None:
    page = visit(link(server, "prototypes"))
    board = page.get_by_role("group", name="Prototypes of Steelport").get_by_role("button")
    expect(board).to_have_count(8)
    board.nth(3).click()
    expect(page.get_by_role("heading", name="What makes a place Steelport")).to_be_visible()
    root = stepper(page)
    expect(root.locator(".from b")).to_have_text("Beginning")
    page.wait_for_url(re.compile("begin=prototype"))
    no_error(page)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_a_phone(view: str, server: str, visit: Visit) -> None:
    """In the light and in the dark, and on a large screen, and nowhere it sticks out."""
    page = visit(link(server, view), width=390, height=844)
    fits(page, view)
    page.emulate_media(color_scheme="dark")
    fits(page, view)
    page.set_viewport_size({"width": 1280, "height": 900})
    fits(page, view)


def fits(page: Page, view: str) -> None:
    title, heading = VIEWS[view]
    expect(page.get_by_role("radio", name=title, exact=True)).to_be_checked()
    if heading is not None:
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_text("How is this computed?").last).to_be_visible()
    settle(page)
    no_error(page)
    width = page.evaluate("innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Streamlit scrolls inside; what sticks out there does not make the page itself wider.
    inner, outer = page.get_by_test_id("stMain").evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert inner <= outer <= width
