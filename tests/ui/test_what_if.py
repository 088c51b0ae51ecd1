"""What changed attributes add, the text that carries changes, and who is right about them, page or browser."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from urbanlens.plots.what_if import MOST_VALUE, decimals
from urbanlens.ui import what_if as module
from urbanlens.ui.what_if import Change, Changes, apply, contributions, pack, unpack, what_if

COUNT, SIDE = 4, 5


@pytest.fixture
def arrays() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.random((COUNT, SIDE, SIDE), np.float32), random.normal(0, 1, (COUNT, SIDE, SIDE)).astype(np.float32)


SOME = Changes(
    {
        0: Change(scale=0),
        1: Change(scale=1.37, shift=(-2, 1)),
        3: Change(edits={7: 0.05, 8: 0.05, 9: 0.05, 20: 0.05, 0: -1.25e-7, 24: 0.0, 3: 123400.0}),
    }
)


# --- sums ---------------------------------------------------------------------------------------------------------
def test_unchanged_contributions_and_the_bias_are_the_score(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    maps, templates = arrays
    assert contributions(maps, templates).sum() == pytest.approx(float((maps.astype(float) * templates).sum()))
    assert np.array_equal(apply(maps, templates, Changes())[0], maps)


def test_only_what_is_changed_counts_otherwise(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    before, after = contributions(*arrays), contributions(*arrays, SOME)
    assert after[0] == 0
    assert after[2] == before[2]
    assert (after[[1, 3]] != before[[1, 3]]).all()
    half = contributions(*arrays, Changes({1: Change(scale=0.5)}))
    assert half[1] == pytest.approx(before[1] / 2)


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (-2, 3), (4, -4), (0, -1)])
def test_a_shift_moves_every_cell(arrays: tuple[np.ndarray, np.ndarray], shift: tuple[int, int]) -> None:
    """What comes in from outside is 0."""
    maps, templates = arrays
    moved = apply(maps, templates, Changes({2: Change(shift=shift)}))[0][2]
    for row, column in np.ndindex(SIDE, SIDE):
        source = (row - shift[0], column - shift[1])
        inside = all(0 <= place < SIDE for place in source)
        assert moved[row, column] == (maps[2][source] if inside else 0)


def test_paint_replaces_cells_and_leaves_what_was_given(arrays: tuple[np.ndarray, np.ndarray]) -> None:
    maps, templates = arrays
    kept = templates.copy()
    painted = apply(maps, templates, SOME)[1][3]
    assert [painted.flat[cell] for cell in (7, 20, 24, 3)] == [0.05, 0.05, 0, 123400]
    assert painted.flat[1] == kept[3].flat[1]
    assert np.array_equal(templates, kept)


@pytest.mark.parametrize(
    ("maps", "templates", "match"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3)), r"maps have the shape \(2, 3\); give \(attributes, cells, cells\)"),
        (np.zeros((2, 3, 4)), np.zeros((2, 3, 4)), "as many down as across"),
        (np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), "maps have the shape"),
        (np.zeros((2, 3, 3)), np.zeros((3, 3, 3)), "templates have the shape"),
        (np.full((1, 2, 2), np.nan), np.zeros((1, 2, 2)), "not finite"),
    ],
)
def test_arrays_that_do_not_fit(maps: np.ndarray, templates: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        contributions(maps, templates)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"scale": 2.01}, "scale is 2.01"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"edits": {-1: 0.0}}, "cell -1"),
        ({"edits": {1: float("inf")}}, "cell 1 is painted inf"),
        ({"edits": {1: 2 * MOST_VALUE}}, "at most 1e"),
    ],
)
def test_changes_out_of_bounds(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Change(**change)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (Changes({4: Change(scale=0)}), "attribute 4 is changed; there are 4"),
        (Changes({0: Change(shift=(5, 0))}), "at most 4 cells"),
        (Changes({0: Change(edits={25: 1.0})}), "cell 25 is painted; a template has 25"),
    ],
)
def test_changes_of_other_attributes(arrays: tuple[np.ndarray, np.ndarray], changes: Changes, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        apply(*arrays, changes)
    with pytest.raises(ValueError, match=match):
        pack(changes, COUNT, SIDE)


@pytest.mark.parametrize(("span", "digits"), [(9, 2), (10, 2), (1, 3), (100, 1), (1e-9, 6), (1e9, 0), (0, 2)])
def test_decimals(span: float, digits: int) -> None:
    assert decimals(span) == digits


# --- the text ------------------------------------------------------------------------------------------------------
def test_a_text_brings_back_what_was_packed() -> None:
    text = pack(SOME, COUNT, SIDE)
    assert text == "1_4x5_0s0_1s137m-2.1_3t-1.25e-07c0t123400c3t0.05c7-9.20t0c24"
    assert unpack(text, COUNT, SIDE) == SOME
    assert pack(unpack(text, COUNT, SIDE), COUNT, SIDE) == text


def test_any_changes_survive_the_text() -> None:
    random = np.random.default_rng(1)

    def painted() -> dict[int, float]:
        return {int(cell): float(random.normal() * 10.0 ** random.integers(-8, 5)) for cell in random.choice(25, 9)}

    for _ in range(50):
        changes = Changes(
            {
                int(number): Change(
                    float(random.uniform(0, 2)),
                    (int(random.integers(-4, 5)), int(random.integers(-4, 5))),
                    painted(),
                )
                for number in random.choice(COUNT, 2, replace=False)
            }
        )
        assert unpack(pack(changes, COUNT, SIDE), COUNT, SIDE) == changes


def test_nothing_changed_is_no_text() -> None:
    assert pack(Changes({2: Change()}), COUNT, SIDE) == ""
    assert not unpack("", COUNT, SIDE)
    assert Changes({2: Change()}) == Changes()


@pytest.mark.parametrize(
    "text",
    [
        *("nonsense", "1_4x5", "1_4x5_", "2_4x5_0s0", "1_5x4_0s0", "1_22x15_0s0", "1_4x5_0", "1_4x5_1s0_0s0"),
        *("1_4x5_4s0", "1_4x5_0s201", "1_4x5_0s100", "1_4x5_0s0_0s0", "1_4x5_0s٣", "1_4x5_0s0 ", "1_4x5_0s0\n"),
        *("1_4x5_0m5.0", "1_4x5_0m0.0", "1_4x5_0m1", "1_4x5_0t1c25", "1_4x5_0t1c", "1_4x5_0t1c9-7", "1_4x5_0t1c3.3"),
        *("1_4x5_0t1c3t2c3", "1_4x5_0tc3", "1_4x5_0t1e400c3", "1_4x5_0t9999999c3", "1_4x5_0t1.c3"),
        *("1_4x5_0t1c0-99999999", "<script>", "1_4x5" + "_0s0" * 9999),
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(text, COUNT, SIDE)


def test_a_short_text_makes_nothing_large() -> None:
    """A hundred runs of a million cells each, as an address may bring them."""
    runs = ".".join(f"{i * 1_000_000}-{i * 1_000_000 + 999_999}" for i in range(100))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="cell 999999 is painted; a template has 25, from 0"):
            unpack(f"1_4x5_0t1c{runs}", COUNT, SIDE)
        with pytest.raises(ValueError, match="twice"):
            unpack("1_4x5" + "_0t1c0-24" * 400, COUNT, SIDE)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# --- page and browser ----------------------------------------------------------------------------------------------
GOOD: dict[str, Any] = {
    "maps": np.zeros((2, 3, 3)),
    "templates": np.zeros((2, 3, 3)),
    "bias": 1.0,
    "names": ["a", "b"],
    "key": "if",
}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"names": ["a"]}, "1 names are given; give one for each of the 2 attributes"),
        ({"bias": float("nan")}, "finite"),
        ({"crowd": float("inf")}, "finite"),
        ({"limits": (3, 3)}, "lowest score first"),
        ({"picture": "https://example.org/a.png"}, "no data URL"),
        ({"colours": ("red", "#000000")}, "'red' is no colour"),
        ({"changes": {2: Change(scale=0)}}, "attribute 2 is changed"),
    ],
)
def test_what_does_not_fit_together(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        what_if(**{**GOOD, **change})


def page() -> None:
    import numpy as np
    import streamlit as st

    from urbanlens.ui.what_if import pack, what_if

    ones = np.ones((2, 3, 3))
    answer = what_if(ones, ones, 1.0, ["a", "<b>"], changes=st.query_params.get("c"), key="if")
    st.text(f"now {pack(answer, 2, 3)}")


@pytest.mark.parametrize(
    ("text", "shown"), [("", "now"), ("1_2x3_1s0", "now 1_2x3_1s0"), ("1_9x9_1s0", "now"), ("?", "now")]
)
def test_an_address_brings_changes_or_none(text: str, shown: str) -> None:
    app = AppTest.from_function(page, default_timeout=30)
    app.query_params["c"] = text
    app.run()
    assert not app.exception
    assert app.text[0].value.strip() == shown


OFF, HALF, MOVED = "1_2x3_1s0", "1_2x3_1s50", "1_2x3_1m0.1"


class Turns:
    """Runs of a page, with what its browser has said before each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state: dict[str, Any] = {}
        monkeypatch.setattr(module.st, "session_state", self.state)

    def run(self, asked: str | None, said: str | None = None, of: str = "") -> tuple[int, str]:
        """Serial and changes that the browser is given."""
        if said is not None:
            self.state["if"] = {"changes": said}
        now = module._settle("if", of, 2, 3, asked)
        self.state.setdefault("if", {"changes": None})
        return now.serial, now.answered


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    return Turns(monkeypatch)


def test_the_browser_is_not_overruled_by_its_own_words(turns: Turns) -> None:
    assert turns.run(None) == (0, "")
    assert turns.run(None, f"0:{OFF}") == (0, OFF)
    assert turns.run(OFF, f"0:{OFF}") == (0, OFF)  # a page that hands in what came out
    assert turns.run(OFF, f"0:{HALF}") == (0, HALF)  # and is one run behind
    assert turns.run(HALF, f"0:{MOVED}") == (0, MOVED)
    assert turns.run(MOVED, f"0:{MOVED}") == (0, MOVED)


def test_the_page_overrules_the_browser_once(turns: Turns) -> None:
    turns.run("", f"0:{OFF}")
    turns.run(OFF)
    assert turns.run(HALF) == (1, HALF)
    assert turns.run(HALF) == (1, HALF)
    assert turns.run(HALF, f"0:{OFF}") == (1, HALF)  # said before the browser knew
    assert turns.run(HALF, f"1:{OFF}") == (1, OFF)


def test_another_page_in_between(turns: Turns) -> None:
    turns.run("", f"0:{OFF}")
    turns.run(OFF)
    del turns.state["if"]
    assert turns.run(OFF)[1] == OFF
    del turns.state["if"]
    assert turns.run(None)[1] == ""


def test_another_image_takes_what_the_page_asks(turns: Turns) -> None:
    """Also right after the first gesture, when the page asks for nothing as it did before."""
    assert turns.run("", of="a") == (0, "")
    assert turns.run("", f"0:{OFF}", of="a") == (0, OFF)
    assert turns.run("", of="b") == (1, "")
    assert turns.run("", of="b") == (1, "")
    assert turns.run("", f"1:{HALF}", of="b") == (1, HALF)
    assert turns.run(OFF, of="a") == (2, OFF)  # back to the first, which brings what was changed there
    assert turns.run(None, of="b") == (3, "")


def test_what_no_browser_can_have_said_counts_for_nothing(turns: Turns) -> None:
    turns.run(None)
    for said in ("", "0", "0:?", "0:1_9x9_1s0", "x:1_2x3_1s0", 7):
        assert turns.run(None, said) == (0, "")  # type: ignore[arg-type]


def test_other_attributes_begin_anew(turns: Turns) -> None:
    turns.run("", f"0:{OFF}")
    now = module._settle("if", "", 3, 3, None)
    assert (now.serial, now.answered) == (1, "")
