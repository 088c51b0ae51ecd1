"""Milliseconds from a key to the next step of a transformation on the page, in a real browser on the demo.

`python benchmarks/stepper.py` prints one JSON line: the median and the slowest of all steps of one transformation,
three times over. The bound is 100 ms. There is no peer that shows transformations.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.browser.chromium import FLAGS, find_or_install
from tests.browser.conftest import serve, settle

ROUNDS = 3
BOUND_MS = 100


def main() -> None:
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        servers = serve(Path(folder))
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{next(servers)}/transformations?view=one")
        slider = page.get_by_role("slider", name="Step", exact=True)
        expect(slider).to_be_visible(timeout=60_000)
        settle(page)
        root = page.locator("section.stepper")
        expect(root).to_have_attribute("data-ready", re.compile("."), timeout=60_000)
        slider.focus()
        for _ in range(ROUNDS):
            page.keyboard.press("Home")
            expect(root).to_have_attribute("data-shown", "0")
            for step in range(1, int(slider.evaluate("slider => slider.max")) + 1):
                page.keyboard.press("ArrowRight")
                expect(root).to_have_attribute("data-shown", str(step))
                found.append(float(root.evaluate("root => root.dataset.ms")))
        browser.close()
        next(servers, None)
    answer = {
        "benchmark": "stepper",
        "steps": len(found),
        "median_ms": round(statistics.median(found), 1),
        "slowest_ms": round(max(found), 1),
        "bound_ms": BOUND_MS,
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
