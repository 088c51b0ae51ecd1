"""What a visitor does, in a real browser, on the demo."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FrameLocator, Page, expect

from urbanlens.demo import open_demo
from urbanlens.ui.routes import ROUTES

from .conftest import READY, settle

Visit = Callable[..., Page]
ADDRESSES = {route.title: "" if route is ROUTES[0] else f"/{route.file}" for route in ROUTES}


def photograph() -> bytes:
    """A street of sorts as JPEG: sky, house, road."""
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[:120], pixels[120:] = (140, 190, 240), (90, 90, 95)
    pixels[60:170, 40:150] = (180, 90, 60)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def map_frame(page: Page) -> FrameLocator:
    """The map, once it stands at its full height with points on it."""
    frame = page.locator('iframe[title*="folium"]')
    expect(frame).to_be_visible()
    inside = page.frame_locator('iframe[title*="folium"]')
    expect(inside.locator(".leaflet-container canvas").first).to_be_visible()
    box = frame.bounding_box()
    assert box is not None
    assert box["height"] > 300
    return inside


def no_error(page: Page) -> None:
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


@pytest.mark.parametrize("title", ADDRESSES)
def test_cold_deep_link(title: str, cold_server: str, visit: Visit) -> None:
    """A link into a server that nobody has visited shows the page in its frame."""
    page = visit(cold_server + ADDRESSES[title])
    expect(page.locator("h1").first).to_be_visible()
    no_error(page)
    expect(page.locator(".st-key-frame a")).to_have_count(len(ROUTES))


@pytest.mark.parametrize("title", ADDRESSES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_fits_a_phone(title: str, dark: bool, server: str, visit: Visit) -> None:
    """No page is wider than a phone's screen."""
    page = visit(server + ADDRESSES[title], width=390, height=844, dark=dark)
    expect(page.locator("h1").first).to_be_visible()
    no_error(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_overview_shows_the_demo(server: str, visit: Visit) -> None:
    page = visit(server)
    for name in ("Hanamori", "Steelport"):
        expect(page.get_by_text(name).first).to_be_visible()
    page.locator(".st-key-frame").get_by_role("link", name="Map", exact=True).click()
    expect(page.get_by_role("heading", name="Map", exact=True)).to_be_visible()


def test_draw_a_rectangle_and_keep_it(server: str, visit: Visit) -> None:
    """A drawn rectangle selects images and groups them, survives another page, and comes back from its address."""
    page = visit(f"{server}/map")
    inside = map_frame(page)
    inside.locator(".leaflet-draw-draw-rectangle").click()
    box = page.locator('iframe[title*="folium"]').bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.35
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + box["width"] * 0.15, top + box["height"] * 0.2, steps=5)
    page.mouse.move(left + box["width"] * 0.25, top + box["height"] * 0.3, steps=5)
    page.mouse.up()
    badge = page.locator(".st-key-selection-badge")
    expect(badge).to_contain_text("Drawn region")
    page.wait_for_selector(READY)
    expect(badge).to_contain_text("Show all images")  # the badge is whole
    counted = badge.inner_text()
    assert "region" in parse_qs(urlparse(page.url).query)
    assert "image" not in parse_qs(urlparse(page.url).query)

    page.locator(".st-key-frame").get_by_role("link", name="Single image", exact=True).click()
    expect(page.get_by_role("heading", name="Single image", exact=True)).to_be_visible()
    expect(badge).to_contain_text("Drawn region")
    page.wait_for_selector(READY)
    address = page.url

    again = visit(address)
    badge = again.locator(".st-key-selection-badge")
    expect(badge).to_contain_text("Drawn region")
    expect(badge).to_contain_text("Show all images")
    assert badge.inner_text() == counted
    no_error(again)


def test_click_a_point_and_explain_its_image(server: str, visit: Visit) -> None:
    """A click on a point of the map shows an image that lies there, and leads to its explanation."""
    page = visit(f"{server}/map")
    inside = map_frame(page)
    image_id, lat, lon = open_demo().table[["image_id", "lat", "lon"]].iloc[0]
    spot = inside.locator(".leaflet-container").evaluate(
        f"() => {{ const at = window.map.latLngToContainerPoint([{lat}, {lon}]); return [at.x, at.y]; }}"
    )
    inside.locator(".leaflet-container").click(position={"x": spot[0], "y": spot[1]})
    card = page.locator(".st-key-clicked-image")
    expect(card.locator("img")).to_be_visible()
    page.wait_for_selector(READY)
    assert parse_qs(urlparse(page.url).query)["image"] == [image_id]
    card.get_by_role("link", name="Explain this image").click()
    expect(page.get_by_role("heading", name="Where the network looked")).to_be_visible()
    assert parse_qs(urlparse(page.url).query)["image"] == [image_id]
    no_error(page)


def test_pick_a_district_by_keyboard(server: str, visit: Visit) -> None:
    """The list of districts does without a mouse what drawing does with one; its groups come as cards."""
    page = visit(f"{server}/map")
    map_frame(page)
    choice = page.get_by_role("combobox", name="Region")
    choice.focus()
    choice.press("ArrowDown")
    choice.press("ArrowDown")
    choice.press("Enter")
    expect(page.locator(".st-key-selection-badge")).to_be_visible()
    expect(page.get_by_role("heading", name="Groups of similar images")).to_be_visible()
    expect(page.get_by_role("button", name="Images and groups (CSV)")).to_be_visible()
    no_error(page)


def test_drop_a_photograph(server: str, visit: Visit) -> None:
    """A dropped file is explained; the threshold moves the visual explanation only."""
    page = visit(f"{server}/single_image")
    drop(page, "street.jpg", photograph())
    expect(page.get_by_text("street.jpg").first).to_be_visible()
    expect(page.get_by_text("It has never seen a real city").first).to_be_visible()
    expect(page.get_by_role("heading", name="Where the network looked")).to_be_visible()
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    slider.press("ArrowRight")
    expect(page.get_by_text("0.55").first).to_be_visible()
    no_error(page)


def test_sliders_stand_where_they_are_told_after_a_bad_file(server: str, visit: Visit) -> None:
    """A page that was drawn without its sliders shows them again with their values, not with their least."""
    page = visit(f"{server}/single_image")
    drop(page, "broken.jpg", b"this is no picture")
    expect(page.get_by_text("broken.jpg").first).to_be_visible()
    expect(page.get_by_role("slider", name="Threshold")).to_have_count(0)
    drop(page, "street.jpg", photograph())
    expect(page.get_by_text("the mask is at least 0.5.")).to_be_visible()
    drop(page, "again.jpg", photograph()[:-2] + b"\xff\xd9")
    expect(page.get_by_text("again.jpg").first).to_be_visible()
    page.wait_for_selector(READY)
    expect(page.get_by_text("the mask is at least 0.5.")).to_be_visible()
    assert "threshold" not in page.url


def test_back_and_forward(server: str, visit: Visit) -> None:
    """The browser's Back undoes a choice, Forward makes it again."""
    page = visit(f"{server}/single_image")
    slider = page.get_by_role("slider", name="Threshold")
    slider.focus()
    slider.press("ArrowRight")
    expect(page).to_have_url(re.compile("threshold=0.55"))
    expect(page.get_by_text("the mask is at least 0.55.")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("the mask is at least 0.5.")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("the mask is at least 0.55.")).to_be_visible()
    no_error(page)


def test_drop_what_is_no_photograph(server: str, visit: Visit) -> None:
    """A file that is no image is named, and the page goes on."""
    page = visit(f"{server}/single_image")
    drop(page, "broken.jpg", b"this is no picture")
    expect(page.get_by_role("alert").filter(has_text="broken.jpg").first).to_be_visible()
    no_error(page)


def drop(page: Page, name: str, content: bytes) -> None:
    """Drop one file on the page's uploader, as a mouse would."""
    script = """([text, name]) => {
        const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
        const data = new DataTransfer();
        data.items.add(new File([bytes], name, { type: "image/jpeg" }));
        return data;
    }"""
    data = page.evaluate_handle(script, [base64.b64encode(content).decode(), name])
    zone = page.get_by_test_id("stFileUploaderDropzone").first
    for event in ("dragenter", "dragover", "drop"):
        zone.dispatch_event(event, {"dataTransfer": data})


def test_bring_photographs(server: str, home: Path, visit: Visit, tmp_path: Path) -> None:
    """Two uploaded photographs, one of them broken, become a collection of one, and the other is reported."""
    (tmp_path / "good.jpg").write_bytes(photograph())
    (tmp_path / "bad.jpg").write_bytes(photograph()[:200])
    page = visit(f"{server}/collections")
    page.locator('input[type="file"]').first.set_input_files([tmp_path / "good.jpg", tmp_path / "bad.jpg"])
    expect(page.get_by_text("bad.jpg").first).to_be_visible()
    page.get_by_role("textbox", name="Name of the new collection").fill("Two photographs")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("1 image", exact=False).first).to_be_visible()
    settle(page)
    expect(page.get_by_text("bad.jpg").first).to_be_visible()
    no_error(page)
    assert (home / "collections" / "two-photographs" / "images.parquet").is_file()
