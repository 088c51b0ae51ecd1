"""Seconds from a drawn rectangle to its groups, from a dropped photograph to its explanation, and to its template.

`python benchmarks/interactions.py PHOTOGRAPH` prints one JSON line: the medians over the rounds, once warm, in a real
browser on the demo. There is no peer that does any of them. The bounds are 2 s and 1.5 s; for the template image there
is one for computing it alone (`transform.py`).
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.chromium import FLAGS, find_or_install
from tests.browser.conftest import READY, serve, settle


def draw(page: Page, address: str, number: int) -> float:
    """Draw a rectangle over a part of Hanamori in a new visit; seconds until its groups can be downloaded."""
    page.goto(f"{address}/map")
    settle(page)
    expect(page.frame_locator('iframe[title*="folium"]').locator("canvas").first).to_be_visible()
    inside = page.frame_locator('iframe[title*="folium"]')
    inside.locator(".leaflet-draw-draw-rectangle").click()
    box = page.locator('iframe[title*="folium"]').bounding_box()
    assert box is not None
    left, top = box["x"] + box["width"] * (0.12 + 0.01 * number), box["y"] + box["height"] * 0.4
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + box["width"] * 0.1, top + box["height"] * 0.1, steps=4)
    page.mouse.move(left + box["width"] * 0.15, top + box["height"] * 0.15, steps=4)
    before = page.url
    page.mouse.up()
    started = time.perf_counter()
    page.wait_for_function("before => location.href !== before", arg=before)
    expect(page.get_by_role("button", name="Images and groups (CSV)")).to_be_visible()
    page.wait_for_selector(READY)
    return time.perf_counter() - started


def drop(page: Page, address: str, photograph: Path, number: int) -> float:
    """Give a photograph under a new name in a new visit; seconds until its Grad-CAM stands."""
    page.goto(f"{address}/single_image")
    settle(page)
    expect(page.get_by_role("heading", name="Images that look alike")).to_be_visible()
    file = renewed(photograph, number)
    started = time.perf_counter()
    page.locator('input[type="file"]').first.set_input_files(file)
    # Drawn in the middle of the run that explains the photograph, and for no image of the demo.
    expect(page.get_by_text("It has never seen a real city").first).to_be_visible()
    page.wait_for_selector(READY)
    return time.perf_counter() - started


def turn(page: Page, address: str, photograph: Path, number: int) -> float:
    """Give a photograph under a new name to the generator in a new visit; seconds until its template image stands."""
    page.goto(f"{address}/transformations?view=one&generator=own-generator&target=Steelport")
    settle(page)
    file = renewed(photograph, number)
    page.locator('input[type="file"]').first.set_input_files(file)
    button = page.get_by_role("button", name="Turn it into Steelport")
    expect(button).to_be_visible()
    settle(page)
    started = time.perf_counter()
    button.click()
    expect(page.locator("section.stepper .from span")).to_contain_text(file["name"], timeout=120_000)
    page.wait_for_selector(READY)
    return time.perf_counter() - started


def renewed(photograph: Path, number: int) -> FilePayload:
    """The photograph with a small mark of its own, so that nothing is known of it yet."""
    with Image.open(photograph) as image:
        marked = image.convert("RGB")
    marked.paste((37 * number % 256, 91 * number % 256, 151 * number % 256), (0, 0, 16, 16))
    buffer = io.BytesIO()
    marked.save(buffer, "JPEG", quality=95)
    return FilePayload(name=f"photograph-{number}.jpg", mimeType="image/jpeg", buffer=buffer.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = serve(Path(folder))
        address = next(servers)
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        drawn = [draw(page, address, number) for number in range(arguments.rounds + 1)][1:]
        dropped = [drop(page, address, arguments.photograph, number) for number in range(arguments.rounds + 1)][1:]
        turned = [turn(page, address, arguments.photograph, number) for number in range(arguments.rounds + 1)][1:]
        browser.close()
        next(servers, None)
    answer = {
        "benchmark": "interactions",
        "rounds": arguments.rounds,
        "rectangle_to_groups_s": round(statistics.median(drawn), 2),
        "photograph_to_explanation_s": round(statistics.median(dropped), 2),
        "photograph_to_template_image_s": round(statistics.median(turned), 2),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
