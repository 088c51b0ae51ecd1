"""The plane of pictures: requests, frames while zooming and moving, and time from a click to a card.

`python benchmarks/gallery.py` prints one JSON line. 2,000 pictures of the demo are drawn by our component and by
plotly with 2,000 layout images. In each, one wheel turn or one step of a drag is given in every animation frame, and
the intervals between these frames are measured in Chromium without a GPU; the bounds are 2 requests, 40 ms (95th
percentile) and 250 ms (median). A card is the Python run that draws the clicked picture. On a busy machine the frames
wait for the processor: the load is told, and the CPU time of a frame, which depends on it less.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import Browser, Page, Request, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.browser.chromium import FLAGS, find_or_install  # noqa: E402
from tests.browser.conftest import READY, serve  # noqa: E402

PEER = """
import base64, io
import numpy as np, plotly.graph_objects as go, streamlit as st
from PIL import ImageOps
from urbanlens.demo import open_demo
from urbanlens.ui.pictures import picture

st.set_page_config(layout="wide")

@st.cache_resource
def figure(count):
    images, random = open_demo(), np.random.default_rng(0)
    middles = np.array([(-0.6, -0.5), (0.6, -0.5), (-0.6, 0.5), (0.6, 0.5)])
    points = middles[np.arange(count) % 4] + random.normal(0, 0.16, (count, 2))
    drawn = go.Figure(go.Scattergl(x=points[:, 0], y=points[:, 1], mode="markers", marker_opacity=0.01, marker_size=14))
    tiles = []
    for name, (x, y) in zip(images.ids, points):
        buffer = io.BytesIO()
        ImageOps.fit(images.image(name), (64, 64)).save(buffer, "WEBP", quality=80)
        source = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
        tiles.append(dict(source=source, x=x, y=y, xref="x", yref="y", sizex=.05, sizey=.05, xanchor="center",
                          yanchor="middle", layer="above" if PICTURES else "below"))
    if PICTURES:
        drawn.update_layout(images=tiles)
    return drawn.update_layout(height=640, dragmode="pan")

event = st.plotly_chart(figure(2000), on_select="rerun", key="plane", config={"scrollZoom": True})
chosen = event["selection"]["point_indices"]
if chosen:
    with st.container(key="clicked"):
        st.text(f"row {chosen[0]} ")
        images = open_demo()
        picture(images.image(images.ids[chosen[0]]), images.ids[chosen[0]], most=400)
"""

# One event a frame for `frames` frames; answers the times between frames. A pause lets slow redraws come to an end.
FRAMES = """async ([selector, kind, frames]) => {
    const find = (root) => {
        const hit = root.querySelector(selector);
        if (hit) return hit;
        for (const element of root.querySelectorAll('*')) {
            const inner = element.shadowRoot && find(element.shadowRoot);
            if (inner) return inner;
        }
        return null;
    };
    const target = find(document), box = target.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    const fire = (place, name, dx, dy) => {
        const Kind = name.startsWith('pointer') ? PointerEvent : MouseEvent;
        place.dispatchEvent(new Kind(name, { bubbles: true, cancelable: true, composed: true, pointerId: 1,
            clientX: x + dx, clientY: y + dy, button: 0, buttons: 1, view: window }));
    };
    const drag = (name, dx, dy) => {
        fire(target, `pointer${name}`, dx, dy);
        fire(name === 'down' ? target : document.querySelector('.dragcover') || document, `mouse${name}`, dx, dy);
    };
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const times = [];
    if (kind === 'pan') drag('down', 0, 0);
    let last = await frame();
    for (let i = 0; i < frames; i += 1) {
        if (kind === 'pan') drag('move', 120 * Math.sin(i / 8), 60 * Math.sin(i / 11));
        else target.dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, composed: true,
            clientX: x, clientY: y, deltaY: i % 40 < 20 ? -60 : 60 }));
        const now = await frame();
        times.push(now - last);
        last = now;
    }
    if (kind === 'pan') drag('up', 0, 0);
    return times;
}"""

# The page notes the time of the click itself and of the card that shows that row.
WATCH = """() => {
    window.clicked = window.carded = undefined;
    const old = document.querySelector('.st-key-clicked')?.innerText;
    window.addEventListener('pointerup', () => { window.clicked = performance.now(); }, { capture: true, once: true });
    const watch = new MutationObserver(() => {
        const card = document.querySelector('.st-key-clicked');
        if (window.clicked && card && card.querySelector('img') && card.innerText !== old && !window.carded) {
            window.carded = performance.now();
            watch.disconnect();
        }
    });
    watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}"""


def requests_of(page: Page) -> list[Request]:
    """A list that every request of the page is added to."""
    asked: list[Request] = []

    def note(request: Request) -> None:
        asked.append(request)

    page.on("request", note)
    return asked


@contextmanager
def opened(browser: Browser, script: Path, query: str, drawn: str) -> Iterator[tuple[Page, list[Request], float]]:
    """The page once it is drawn, what it asked for, and the ms until then in a server that had drawn it before."""
    with tempfile.TemporaryDirectory() as folder:
        servers = serve(Path(folder), script, Path(folder))
        address = next(servers)
        try:
            for visit in range(2):
                context = browser.new_context(viewport={"width": 1280, "height": 1000})
                page = context.new_page()
                asked = requests_of(page)
                page.goto(address + query)
                started = time.perf_counter()
                page.wait_for_selector(drawn, state="attached", timeout=180_000)
                page.wait_for_selector(READY)
                if visit:
                    yield page, asked, (time.perf_counter() - started) * 1000
                context.close()
        finally:
            servers.close()  # type: ignore[attr-defined]


def cpu_ms(page: Page) -> float:
    """CPU time of all of Chromium's processes so far."""
    assert page.context.browser is not None
    session = page.context.browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return 1000 * sum(float(process["cpuTime"]) for process in processes)


def frames(page: Page, target: str, count: int) -> dict[str, float]:
    """95th percentile of the frames of zooming and of moving, and what a frame takes of all Chromium's CPU, in ms."""
    answer = {}
    page.wait_for_timeout(3000)  # what follows a first page is not what is measured here
    for kind in ("zoom", "pan"):
        before = cpu_ms(page)
        times = sorted(page.evaluate(FRAMES, [target, kind, count]))
        answer[f"{kind}_p95_ms"] = round(float(times[int(0.95 * len(times))]), 1)
        answer[f"{kind}_cpu_ms"] = round((cpu_ms(page) - before) / count, 1)
        page.wait_for_timeout(1500)
    return answer


def clicks(page: Page, target: str, rounds: int) -> float | None:
    """Median ms from a click to its card; None where no card came."""
    box = page.locator(target).first.bounding_box()
    assert box is not None
    times = []
    for number in range(rounds):
        page.evaluate(WATCH)
        at = 0.3 + 0.05 * (number % 9)
        page.mouse.click(box["x"] + box["width"] * at, box["y"] + box["height"] * (0.3 + 0.03 * (number % 4)))
        page.wait_for_timeout(1200)
        taken = page.evaluate("window.carded && window.carded - window.clicked")
        times += [float(taken)] if taken else []
    return round(statistics.median(times), 1) if len(times) > rounds // 3 else None


def measure(browser: Browser, count: int, rounds: int) -> dict[str, object]:
    ours = ROOT / "tests/browser/gallery_page.py"
    ready, canvas = '.gallery[data-ready="1"]', ".stage > canvas"
    answer: dict[str, object] = {"benchmark": "gallery", "pictures": 2000, "frames": count, "rounds": rounds}
    answer |= {"cores": os.cpu_count(), "load_at_start": round(os.getloadavg()[0], 1)}
    with opened(browser, ours, "/?pictures=2000&dots=0", ready) as (page, asked, drawn):
        answer["requests"] = sum(urlparse(request.url).path.startswith("/media/") for request in asked)
        answer |= {"drawn_ms": round(drawn), **frames(page, canvas, count)}
        page.get_by_role("button", name="Fit").click()
        page.wait_for_timeout(600)
        answer["click_to_card_ms"] = clicks(page, canvas, rounds)
    with opened(browser, ours, "/?pictures=2000&dots=28000", ready) as (page, _, _):
        answer |= {f"{name}_with_28000_dots": value for name, value in frames(page, canvas, count).items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, pictures in (("plotly_images", True), ("plotly_points_only", False)):
            script = Path(folder) / f"{name}.py"
            script.write_text(PEER.replace("PICTURES", str(pictures)))
            with opened(browser, script, "", ".js-plotly-plot .nsewdrag") as (page, _, drawn):
                answer |= {f"{name}_drawn_ms": round(drawn)}
                answer |= {f"{name}_{what}": value for what, value in frames(page, ".nsewdrag", count).items()}
                page.locator(".js-plotly-plot .nsewdrag").dblclick()
                page.wait_for_timeout(1500)
                answer[f"{name}_click_to_card_ms"] = clicks(page, ".nsewdrag", rounds)
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_or_install(), args=FLAGS)
        answer = measure(browser, arguments.frames, arguments.rounds)
        browser.close()
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
