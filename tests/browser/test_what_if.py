"""What a visitor changes in an explanation, in a real browser, beside the same sums in Python."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from urbanlens.plots.what_if import Change, Changes, apply, contributions, pack, unpack

from .conftest import READY, serve

Visit = Callable[..., Page]
COUNT, SIDE, BIAS = 22, 15, 5.2


@pytest.fixture(scope="module")
def what_if_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("whatif")
    yield from serve(home, Path(__file__).with_name("what_if_page.py"), home)  # apart from the app and its theme


@pytest.fixture
def page(what_if_server: str, visit: Visit) -> Iterator[Page]:
    page = visit(what_if_server, height=1300)
    expect(root(page)).to_have_attribute("data-score", re.compile("."))
    yield page
    expect(page.locator('[data-testid="stException"]')).to_have_count(0)


def arrays(count: int = COUNT, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Those of `what_if_page`, which cannot be imported without being run."""
    random = np.random.default_rng(seed)
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    places = random.uniform(0.1, 0.9, (count, 2, 1, 1))
    widths = random.uniform(0.02, 0.15, (count, 1, 1))
    maps = np.exp(-((down - places[:, 0]) ** 2 + (right - places[:, 1]) ** 2) / widths)
    signs, slopes = random.normal(0, 0.012, (2, count, 1, 1))
    templates = signs + slopes * (down - 0.5) + random.normal(0, 0.0015, (count, SIDE, SIDE))
    return maps.astype(np.float32), templates.astype(np.float32)


ORDER = [int(i) for i in np.argsort(-np.abs(contributions(*arrays())), kind="stable")]
FIRST = ORDER[0]


def root(page: Page) -> Locator:
    return page.locator(".what-if")


def number(text: str | None) -> float:
    return float((text or "").replace("−", "-"))


def told(page: Page, changes: Changes) -> None:
    """Python has heard of just these changes, and the browser's score is Python's, exactly and as printed."""
    expect(page.get_by_text(re.compile(rf"^packed: {re.escape(pack(changes, COUNT, SIDE))} "))).to_be_visible()
    page.wait_for_selector(READY)
    agrees(page, changes)


def agrees(page: Page, changes: Changes, seed: int = 0) -> None:
    score = BIAS + contributions(*arrays(seed=seed), changes).sum()
    expect(page.locator(".now")).to_have_text(f"{score:.2f}".replace("-", "−"))
    assert float(root(page).get_attribute("data-score") or 0) == pytest.approx(score, abs=1e-6)
    printed = [number(one.text_content()) for one in page.locator(".fall li:not([hidden]) .value").all()]
    assert sum(printed[:-1]) == pytest.approx(printed[-1], abs=1e-9), "the printed numbers add up"
    assert printed[-1] == round(score, 2)


def heard(page: Page) -> Changes:
    text = page.get_by_text(re.compile("^packed: ")).text_content() or ""
    return unpack(text.split(" ")[1], COUNT, SIDE)


def drag(page: Page, canvas: Locator, *cells: tuple[int, int]) -> None:
    """From the middle of a cell to the middle of others."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    side = box["width"] / SIDE
    places = [(box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side) for row, column in cells]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=3)
    page.mouse.up()


def test_the_waterfall_before_anything_is_changed(page: Page) -> None:
    agrees(page, Changes())
    rows = page.locator(".fall li:not([hidden])")
    expect(rows).to_have_count(13)  # the start, ten attributes, the others, the score
    expect(rows.nth(11)).to_contain_text("12 others")
    expect(page.locator(".fall li:not([hidden]) button")).to_have_count(10)
    expect(page.get_by_role("button", name="<b>clouds</b>")).to_be_visible()  # text, never markup
    expect(page.locator(".head .was")).to_have_text("")
    expect(page.locator(".legend")).to_contain_text("Given5.70")
    page.get_by_role("button", name="Show all 22").click()
    expect(page.locator(".fall li:not([hidden]) button")).to_have_count(22)
    agrees(page, Changes())
    page.get_by_role("button", name="Show the 10 largest").click()
    expect(rows).to_have_count(13)


def test_off_and_on_again(page: Page) -> None:
    before, values = page.locator(".now").text_content(), page.locator(".fall .value").all_text_contents()
    page.get_by_label("Switched on").uncheck()
    expect(page.locator(".fall li.changed")).to_have_count(1)
    after = page.locator(".fall li:not(.changed):not(.score) .value").all_text_contents()
    assert len(set(after) - set(values)) <= 1, "what is unchanged is printed as before, but for a last digit"
    expect(page.locator(".head .was")).to_have_text(f"was {before}")
    expect(page.locator(".live")).to_contain_text(f"was {before}.")
    told(page, Changes({FIRST: Change(scale=0)}))
    expect(page.locator(f"[data-attribute='{FIRST}'] .value")).to_have_text("0.00")
    page.get_by_label("Switched on").check()
    told(page, Changes())
    expect(page.locator(".live")).to_contain_text("as it was")


def test_strength_by_keys(page: Page) -> None:
    page.get_by_label("Strength").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    told(page, Changes({FIRST: Change(scale=1.03)}))
    page.keyboard.press("End")
    told(page, Changes({FIRST: Change(scale=2)}))
    page.keyboard.press("Home")
    expect(page.get_by_label("Switched on")).not_to_be_checked()
    told(page, Changes({FIRST: Change(scale=0)}))


def test_choose_and_move_by_keys(page: Page) -> None:
    """Down the bars, open one, move it with its map and with the buttons."""
    page.locator(f"[data-attribute='{FIRST}']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-attribute='{ORDER[1]}']")).to_have_attribute("aria-pressed", "true")
    page.locator(".map canvas").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    told(page, Changes({ORDER[1]: Change(shift=(-2, 1))}))
    page.get_by_role("button", name="Move down").press("Enter")
    expect(page.locator(".moved")).to_have_text("1 up, 1 right")
    told(page, Changes({ORDER[1]: Change(shift=(-1, 1))}))


def test_drag_the_map(page: Page) -> None:
    drag(page, page.locator(".map canvas"), (7, 7), (9, 4))
    told(page, Changes({FIRST: Change(shift=(2, -3))}))


def test_paint_with_a_pointer(page: Page) -> None:
    canvas = page.locator(".template canvas")
    page.get_by_text("Takes away").click()
    drag(page, canvas, (2, 1), (2, 12))
    most = float(f"{np.abs(arrays()[1][FIRST]).max():.4g}")
    row = dict.fromkeys(range(2 * SIDE + 1, 2 * SIDE + 13), -most)  # no gaps, however fast the hand
    told(page, Changes({FIRST: Change(edits=row)}))
    page.get_by_text("Erase").click()
    drag(page, canvas, (2, 1), (4, 1))
    told(page, Changes({FIRST: Change(edits={**row, 31: 0.0, 46: 0.0, 61: 0.0})}))
    page.get_by_text("Restore").click()
    drag(page, canvas, (2, 1), (2, 12), (2, 1), (4, 1))
    told(page, Changes())


def test_paint_by_keys(page: Page) -> None:
    page.get_by_label("Brush").focus()
    page.keyboard.press("End")
    page.locator(".template canvas").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".live")).to_contain_text("Row 8, column 9")
    page.keyboard.press(" ")
    page.keyboard.press("ArrowUp")
    page.keyboard.press(" ")
    value = float(f"{2 * np.abs(arrays()[1][FIRST]).max():.4g}")
    told(page, Changes({FIRST: Change(edits={7 * SIDE + 8: value, 6 * SIDE + 8: value})}))


def test_reset_one_and_everything(page: Page) -> None:
    page.get_by_label("Switched on").uncheck()
    page.locator(f"[data-attribute='{ORDER[2]}']").click()
    page.get_by_role("button", name="Move left").click()
    both = Changes({FIRST: Change(scale=0), ORDER[2]: Change(shift=(0, -1))})
    told(page, both)
    page.get_by_role("button", name="Reset this attribute").click()
    told(page, Changes({FIRST: Change(scale=0)}))
    expect(page.get_by_role("button", name="Reset this attribute")).to_be_disabled()
    page.get_by_role("button", name="Reset everything").click()
    told(page, Changes())


def test_few_runs_and_none_resets_the_browser(page: Page) -> None:
    """Gestures that come while the script runs are kept, and many of them cause few runs."""
    for _ in range(8):
        page.get_by_role("button", name="Move down").click()
        page.wait_for_timeout(90)
    told(page, Changes({FIRST: Change(shift=(8, 0))}))
    runs = int(re.findall(r"\d+", page.get_by_text(re.compile("^runs: ")).text_content() or "")[0])
    assert runs <= 4


def test_another_image_keeps_changes_and_the_page_can_reset(page: Page) -> None:
    page.get_by_label("Switched on").uncheck()
    wanted = Changes({FIRST: Change(scale=0)})
    told(page, wanted)
    page.get_by_text("Another image").click()
    agrees(page, wanted, seed=1)
    page.get_by_text("Another image").click()
    told(page, wanted)
    page.get_by_role("button", name="Page resets").click()
    told(page, Changes())
    page.get_by_label("Switched on").uncheck()
    told(page, wanted)


def test_images_that_are_changed_apart(what_if_server: str, visit: Visit) -> None:
    """One gesture, then another image: it begins anew, has its own changes, and the first one's come back with it."""
    page = visit(f"{what_if_server}/?apart=1", height=1300)
    expect(root(page)).to_have_attribute("data-score", re.compile("."))
    page.get_by_label("Switched on").uncheck()
    told(page, Changes({FIRST: Change(scale=0)}))
    other = page.get_by_text("Another image")
    other.click()
    expect(page.get_by_text(re.compile("^packed:  ;"))).to_be_visible()
    agrees(page, Changes(), seed=1)
    expect(page.locator(".head .was")).to_have_text("")
    page.get_by_role("button", name="Move down").click()
    page.wait_for_selector(READY)
    expect(page.get_by_text(re.compile(r"^packed: 1_22x15_\d+m1\.0 "))).to_be_visible()
    agrees(page, heard(page), seed=1)
    other.click()
    told(page, Changes({FIRST: Change(scale=0)}))


def test_an_address_brings_its_changes(what_if_server: str, visit: Visit) -> None:
    changes = Changes({3: Change(0.4, (1, 2), {4: 0.01, 5: 0.01}), 20: Change(edits={0: -2e-5})})
    page = visit(f"{what_if_server}/?changes={pack(changes, COUNT, SIDE)}", height=1300)
    expect(root(page)).to_have_attribute("data-score", re.compile("."))
    agrees(page, changes)
    page.locator("[data-attribute='3']").evaluate("one => one.click()")
    expect(page.locator(".moved")).to_have_text("1 down, 2 right")
    page.get_by_role("button", name="Move up").click()
    told(page, Changes({3: Change(0.4, (0, 2), {4: 0.01, 5: 0.01}), 20: Change(edits={0: -2e-5})}))


def test_the_squares_show_the_numbers(page: Page) -> None:
    """Opacity of the template's colours is the size of its cells; a moved map leaves its first row empty."""
    read = """(name) => { const canvas = document.querySelector('[data-testid="stBidiComponentIsolated"]').shadowRoot
        .querySelector(`.${name} canvas`), context = canvas.getContext('2d'), cell = canvas.width / 15, found = [];
        for (let i = 0; i < 225; i += 1) found.push([...context.getImageData((i % 15 + .25) * cell,
            (Math.floor(i / 15) + .25) * cell, 1, 1).data]);
        return found; }"""
    page.get_by_text("Takes away").click()
    drag(page, page.locator(".template canvas"), (0, 0), (0, 1))
    changes = Changes({FIRST: Change(edits=heard_edits(page))})
    pixels = np.array(page.evaluate(read, "template"), float)
    values = apply(*arrays(), changes)[1][FIRST].ravel()
    assert np.abs(pixels[:, 3] / 255 - np.abs(values) / np.abs(values).max()).max() < 0.02
    strong = np.abs(values) > 0.5 * np.abs(values).max()
    blue = pixels[:, 2] > pixels[:, 0]
    assert (blue[strong] == (values[strong] > 0)).all()


def heard_edits(page: Page) -> dict[int, float]:
    expect(page.get_by_text(re.compile(r"^packed: 1_22x15_\d+t"))).to_be_visible()
    return dict(heard(page).attributes[FIRST].edits)


def test_save_picture(page: Page) -> None:
    page.get_by_label("Switched on").uncheck()
    with page.expect_download() as answer:
        page.get_by_role("button", name="Save picture").click()
    assert answer.value.suggested_filename == "what-if.svg"
    sheet = ElementTree.parse(answer.value.path()).getroot()
    space = {"s": "http://www.w3.org/2000/svg"}
    assert sheet.tag == "{http://www.w3.org/2000/svg}svg"
    title: Any = sheet.find("s:title", space)
    assert title.text.startswith(f"Scenicness {page.locator('.now').text_content()}, was ")
    texts = [one.text for one in sheet.findall("s:text", space)]
    assert {"<b>clouds</b>", "12 others", "Start"} <= set(texts)
    fills = [one.get("fill") for one in sheet.findall("s:rect", space)]
    assert "#0072B2" in fills and "#D55E00" in fills


def test_the_number_follows_in_the_browser(page: Page, record_property: Callable[[str, object], None]) -> None:
    """How long that takes is written down; no test depends on it."""
    page.get_by_label("Strength").focus()
    ages = []
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
        ages.append(float(root(page).get_attribute("data-ms") or -1))
    record_property("ms from key to number", ages)
    assert min(ages) >= 0


def test_on_a_phone_in_the_dark(what_if_server: str, visit: Visit) -> None:
    page = visit(what_if_server, width=390, height=844, dark=True)
    expect(root(page)).to_have_attribute("data-score", re.compile("."))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ends = root(page).evaluate(
        "one => [...one.querySelectorAll('*')].map((part) => part.getBoundingClientRect().right)"
    )
    assert max(ends) <= 390
    drag(page, page.locator(".template canvas"), (3, 3), (3, 5))
    edits = heard_edits(page)
    assert sorted(edits) == [48, 49, 50]
    told(page, Changes({FIRST: Change(edits=edits)}))
