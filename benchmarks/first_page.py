"""Time to the first page and of a rerun, ours against a one-line Streamlit app started the same way.

`python benchmarks/first_page.py` prints one JSON line. Each round starts two fresh servers and browser contexts in
turn; the medians of the rounds are compared.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.browser.chromium import FLAGS, find_or_install  # noqa: E402
from tests.browser.conftest import READY, free_port, wait_for  # noqa: E402

# A rerun can be over before a driver looks: the page itself notes the key press and the end of the run it causes.
WATCH = """() => {
    const app = document.querySelector('[data-testid="stApp"]');
    window.addEventListener('keydown', () => { window.pressed = performance.now(); }, { capture: true, once: true });
    let ran = false;
    new MutationObserver(() => {
        const state = app.dataset.testScriptState;
        if (state === 'running' || state === 'rerunRequested') ran = true;
        if (ran && state === 'notRunning' && window.ended === undefined) window.ended = performance.now();
    }).observe(app, { attributes: true });
}"""


def measure(browser: Browser, app: Path, seen: str) -> tuple[float, float]:
    """Seconds from starting the server to the first page, and of one rerun by the keyboard."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(app), "--server.headless=true", f"--server.port={port}"]
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--server.fileWatcherType=none"],
        cwd=app.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    context = browser.new_context()
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        page.get_by_text(seen).first.wait_for()
        page.wait_for_selector(READY)
        first = time.perf_counter() - started
        page.evaluate(WATCH)
        page.keyboard.press("r")
        page.wait_for_function("window.ended !== undefined")
        return first, float(page.evaluate("window.ended - window.pressed")) / 1000
    finally:
        context.close()
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        trivial = Path(folder) / "app.py"
        trivial.write_text("import streamlit as st\nst.title('one line')\n")
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        times: dict[str, list[tuple[float, float]]] = {"ours": [], "trivial": []}
        for _ in range(rounds):
            times["trivial"].append(measure(browser, trivial, "one line"))
            times["ours"].append(measure(browser, ROOT / "app.py", "Hanamori"))
        browser.close()
    answer: dict[str, float | str] = {"benchmark": "first_page", "rounds": rounds}
    for position, what in enumerate(("first_page_s", "rerun_s")):
        ours, peer = (statistics.median(pair[position] for pair in times[name]) for name in ("ours", "trivial"))
        answer |= {f"ours_{what}": round(ours, 3), f"trivial_{what}": round(peer, 3), f"{what}_ratio": ours / peer}
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
