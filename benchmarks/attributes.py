"""The page Attributes, once warm: seconds to a dropped photograph's whole reading, to another image, to a what-if.

`python benchmarks/attributes.py PHOTOGRAPH` prints one JSON line: the medians over the rounds, in a real browser on the
demo. No peer does any of it; the bounds are 1 s, 0.3 s and 0.15 s.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import FilePayload, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.chromium import FLAGS, find_or_install
from tests.browser.conftest import READY, serve, settle

NUMBER = """keys => new Promise(done => {
  const root = document.querySelector('.what-if') || [...document.querySelectorAll('*')]
    .map(one => one.shadowRoot?.querySelector('.what-if')).find(Boolean);
  const number = root.querySelector('.now'), slider = root.querySelector('[data-is="scale"]');
  const before = number.textContent, began = performance.now();
  new MutationObserver((_, watch) => {
    if (number.textContent === before) return;
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(number, { childList: true, characterData: true, subtree: true });
  slider.value = keys;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  slider.dispatchEvent(new Event('change', { bubbles: true }));
})"""


def drop(page: Page, photograph: Path, number: int) -> float:
    """Give a photograph under a new name; seconds until scores, waterfall, maps and totals stand."""
    name = f"photograph-{number}.jpg"
    image, content = Image.open(photograph).convert("RGB"), BytesIO()
    # Readings are kept by pixels: some columns less, and it is new to the cache.
    image.crop((0, 0, image.width - 1 - number, image.height)).save(content, "JPEG", quality=92)
    file = FilePayload(name=name, mimeType="image/jpeg", buffer=content.getvalue())
    started = time.perf_counter()
    page.locator('input[type="file"]').first.set_input_files(file)
    expect(page.get_by_text(name, exact=True).last).to_be_visible()
    page.wait_for_selector(READY)
    return time.perf_counter() - started


def switch(page: Page) -> float:
    """Seconds from the button to another image's whole reading."""
    caption = page.locator(".picture figcaption").first
    before = caption.inner_text()
    started = time.perf_counter()
    page.get_by_role("button", name="Another image").click()
    # Looked at in every frame: Playwright's own waiting asks ever more seldom.
    page.wait_for_function("before => document.querySelector('.picture figcaption')?.innerText !== before", arg=before)
    page.wait_for_selector(READY)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = serve(Path(folder))
        address = next(servers)
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{address}/attributes?view=images")
        settle(page)
        expect(page.locator(".picture figcaption").first).to_be_visible()
        switched = [switch(page) for _ in range(arguments.rounds + 1)][1:]
        dropped = [drop(page, arguments.photograph, number) for number in range(arguments.rounds + 1)][1:]
        page.goto(f"{address}/attributes?view=what-if")
        settle(page)
        expect(page.locator(".what-if .now")).to_be_visible()
        moved = [page.evaluate(NUMBER, 40 + 5 * number) for number in range(arguments.rounds)]
        browser.close()
        next(servers, None)
    answer = {
        "benchmark": "attributes",
        "rounds": arguments.rounds,
        "photograph_to_reading_s": round(statistics.median(dropped), 3),
        "another_image_s": round(statistics.median(switched), 3),
        "what_if_s": round(statistics.median(moved) / 1000, 4),
        "what_if_worst_s": round(max(moved) / 1000, 4),
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
