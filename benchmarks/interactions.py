"""Seconds from a drawn rectangle to its groups, and from a dropped photograph to its explanation, once warm.

`python benchmarks/interactions.py PHOTOGRAPH` prints one JSON line: the medians over the rounds, in a real browser on
the demo. There is no peer that does either; the bounds are 2 s and 1.5 s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

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
    name = f"photograph-{number}.jpg"
    # Trailing bytes make each one new to the cache; a JPEG ends before them.
    content = photograph.read_bytes() + bytes([number])
    file = FilePayload(name=name, mimeType="image/jpeg", buffer=content)
    started = time.perf_counter()
    page.locator('input[type="file"]').first.set_input_files(file)
    # Drawn in the middle of the run that explains the photograph, and for no image of the demo.
    expect(page.get_by_text("It has never seen a real city").first).to_be_visible()
    page.wait_for_selector(READY)
    return time.perf_counter() - started


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
        browser.close()
        next(servers, None)
    answer = {
        "benchmark": "interactions",
        "rounds": arguments.rounds,
        "rectangle_to_groups_s": round(statistics.median(drawn), 2),
        "photograph_to_explanation_s": round(statistics.median(dropped), 2),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
