"""Templates as figures: profiles say what the numbers say, and a sheet holds every template."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.plots.cells import rgb
from urbanlens.plots.templates import COLUMNS, GAP, LETTERS, SQUARE, profile, template_sheet

COLOURS = ("#3A8F2E", "#C51B7D")
VALUES = np.array([0.2, -0.1, 0.0, 0.4])


@pytest.mark.parametrize("upright", [True, False])
def test_a_profile_draws_each_row_or_column_once(upright: bool) -> None:
    figure = profile(VALUES, colours=COLOURS, score_name="scenicness", upright=upright)
    (bars,) = figure.data
    along, across = (bars.y, bars.x) if upright else (bars.x, bars.y)
    assert list(along) == [1, 2, 3, 4]
    assert list(across) == VALUES.tolist()
    assert list(bars.marker.color) == [COLOURS[0], COLOURS[1], COLOURS[0], COLOURS[0]]
    amount, place = (
        (figure.layout.xaxis, figure.layout.yaxis) if upright else (figure.layout.yaxis, figure.layout.xaxis)
    )
    assert amount.title.text == "adds to the scenicness"
    assert place.title.text == ("row, from the top" if upright else "column, from the left")
    assert (figure.layout.yaxis.autorange == "reversed") == upright, "the first row is the highest"
    assert not figure.layout.showlegend


@pytest.mark.parametrize("upright", [True, False])
def test_what_was_planted_lies_over_it_with_zero_at_the_same_place(upright: bool) -> None:
    planted = np.array([3.0, 0.0, -6.0, 1.0])
    bars, line = profile(VALUES, planted, colours=COLOURS, score_name="score", upright=upright).data
    drawn = np.array(line.x if upright else line.y)
    assert np.abs(drawn).max() == pytest.approx(np.abs(VALUES).max())
    assert np.allclose(drawn / drawn[0], planted / planted[0])
    assert list(line.customdata) == planted.tolist()
    assert list(line.y if upright else line.x) == list(bars.y if upright else bars.x)


def test_nothing_planted_and_nothing_learnt() -> None:
    _, line = profile(np.zeros(4), np.zeros(4), colours=COLOURS, score_name="score", upright=True).data
    assert list(line.x) == [0, 0, 0, 0]
    assert profile([0.3], colours=COLOURS, score_name="score", upright=False).layout.xaxis.dtick == 1


@pytest.mark.parametrize("count", [1, 6, 7, 22])
@pytest.mark.parametrize("both", [False, True])
def test_a_sheet_holds_every_template(count: int, both: bool) -> None:
    templates = np.full((count, 3, 3), -1.0, np.float32)
    planted = np.ones((count, 3, 3), np.float32) if both else None
    titles = [f"attribute {number}" * 5 for number in range(count)]
    sheet = template_sheet(titles, templates, COLOURS, 1.0, planted=planted)
    pixels = np.asarray(sheet)
    tall = SQUARE * (2 if both else 1) + LETTERS + GAP
    for number in range(-(-count // COLUMNS) * COLUMNS):
        x = GAP + number % COLUMNS * (SQUARE + GAP) + SQUARE // 2
        y = GAP + number // COLUMNS * tall + LETTERS + SQUARE // 2
        expected = rgb(COLOURS[1]) if number < count else [255, 255, 255]
        assert pixels[y, x].tolist() == list(expected)
        if both and number < count:
            assert pixels[y + SQUARE, x].tolist() == list(rgb(COLOURS[0]))
    assert (pixels[-GAP // 2] == 255).all() and (pixels[:, -GAP // 2] == 255).all()
