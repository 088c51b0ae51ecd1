"""Figures of marks, strips of maps and frames on pictures: what they draw is what they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from urbanlens.collection.votes import mean_of, spread_of
from urbanlens.plots.beauty import (
    FORETOLD,
    GAP,
    GIVEN,
    Frame,
    falls_figure,
    framed,
    marks_figure,
    marks_table,
    strip,
)

FOUND = np.array([0.02, 0.05, 0.1, 0.2, 0.25, 0.2, 0.1, 0.05, 0.02, 0.01])
CROWD = np.array([0, 0, 0.05, 0.1, 0.2, 0.3, 0.2, 0.1, 0.05, 0])
USUAL = np.full(10, 0.1)


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_the_marks_are_drawn_as_they_are() -> None:
    figure = marks_figure(FOUND, CROWD, USUAL)
    drawn = traces(figure)
    assert list(drawn["foretold"].x) == list(range(1, 11))
    assert np.allclose(drawn["foretold"].y, FOUND)
    for name, shares in (("given", CROWD), ("usual", USUAL)):
        line = drawn[name]
        assert line.line.shape == "hvh", "level over each mark"
        assert (line.x[0], line.x[-1]) == (0.5, 10.5)
        assert np.allclose(line.y[1:-1], shares)
        assert (line.y[0], line.y[-1]) == (shares[0], shares[-1])
    assert drawn["given"].line.color != drawn["foretold"].marker.color
    assert drawn["given"].line.dash != drawn["usual"].line.dash


def test_above_the_marks_stand_their_means_with_one_spread_to_each_side() -> None:
    figure = marks_figure(FOUND, CROWD)
    drawn = traces(figure)
    for name, shares in (("mean, foretold", FOUND), ("mean, given", CROWD)):
        point = drawn[name]
        assert point.x[0] == pytest.approx(mean_of(shares[None])[0])
        assert point.error_x.array[0] == pytest.approx(spread_of(shares[None])[0])
        assert point.y[0] > max(FOUND.max(), CROWD.max())
        assert point.y[0] < figure.layout.yaxis.range[1]
    assert drawn["mean, foretold"].marker.symbol != drawn["mean, given"].marker.symbol


def test_without_a_crowd_only_what_is_foretold_is_drawn() -> None:
    assert set(traces(marks_figure(FOUND))) == {"foretold", "mean, foretold"}
    assert set(traces(marks_figure(FOUND, usual=USUAL))) == {"foretold", "usual", "mean, foretold"}


def test_a_certain_mark_fits_the_figure() -> None:
    sure = np.eye(10)[3]
    figure = marks_figure(sure, sure)
    assert figure.layout.yaxis.range[1] > 1.2
    assert traces(figure)["mean, given"].error_x.array[0] == pytest.approx(0, abs=1e-6)


def test_the_table_holds_what_is_known() -> None:
    table = marks_table(FOUND, None, USUAL)
    assert list(table.columns) == ["mark", "foretold", "usual"]
    assert table["mark"].tolist() == list(range(1, 11))
    assert np.allclose(table["foretold"], FOUND)
    assert list(marks_table(FOUND, CROWD).columns) == ["mark", "foretold", "given"]


def test_falls_are_drawn_in_points_and_doubtful_ones_are_pale() -> None:
    names = ["mark 1", "mark 2", "mark 3"]
    figure = falls_figure(names, [-0.041, 0.01, 0.0], [-0.006, 0.0, 0.0], firm=[True, False, False])
    drawn = traces(figure)
    own, elsewhere = drawn["what the map points at"], drawn["a part elsewhere"]
    assert np.allclose(own.x, [-4.1, 1, 0]) and np.allclose(elsewhere.x, [-0.6, 0, 0])
    assert list(own.y) == list(elsewhere.y) == [0, 1, 2]
    assert list(own.marker.opacity) == list(elsewhere.marker.opacity) == [1, 0.4, 0.4]
    assert own.marker.symbol != elsewhere.marker.symbol
    assert list(figure.layout.yaxis.ticktext) == names
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1], "the first on top"
    threads = [trace for trace in figure.data if trace.mode == "lines"]
    assert np.allclose([sorted(one.x) for one in threads], [(-4.1, -0.6), (0, 1), (0, 0)])
    assert len(falls_figure([], [], [], firm=[]).data) == 2


def test_a_strip_holds_every_picture_as_it_is() -> None:
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    paper = strip([Image.new("RGB", (40, 30), colour) for colour in colours], ["mark 1: 10 %", "mark 2", "mark 3"])
    pixels = np.asarray(paper)
    for number, colour in enumerate(colours):
        left = GAP + number * (40 + GAP)
        assert (pixels[GAP : GAP + 30, left : left + 40] == colour).all()
    assert (pixels[0] == 255).all() and (pixels[:, 0] == 255).all()
    assert (pixels[GAP + 30 :, GAP : GAP + 40] < 128).any(), "the title below"


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))


def test_a_frame_lies_inside_its_box_and_leaves_the_rest_alone() -> None:
    plain = Image.new("RGB", (120, 90), (90, 120, 90))
    drawn = np.asarray(framed(plain, [Frame((20, 10, 100, 80), GIVEN)]))
    changed = (drawn != (90, 120, 90)).any(-1)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == (20, 10, 100, 80)
    assert not changed[30:60, 40:80].any()
    assert (drawn[13, 40:80] == rgb(GIVEN)).all(), "one line from corner to corner"
    assert (np.asarray(plain) == (90, 120, 90)).all(), "the picture itself stays as it was"


def test_a_dashed_frame_has_gaps_on_every_side() -> None:
    drawn = np.asarray(framed(Image.new("RGB", (200, 160), "white"), [Frame((10, 10, 190, 150), FORETOLD, True)]))
    coloured = (drawn == rgb(FORETOLD)).all(-1)
    for line in (coloured[13, 20:180], coloured[146, 20:180], coloured[20:140, 13], coloured[20:140, 186]):
        assert 0.3 < line.mean() < 0.9


@pytest.mark.parametrize("box", [(0, 0, 120, 90), (5, 5, 6, 6), (0, 0, 1, 90), (119, 89, 120, 90), (3, 3, 9, 9)])
@pytest.mark.parametrize("dashed", [False, True])
def test_any_box_can_be_framed(box: tuple[int, int, int, int], dashed: bool) -> None:
    drawn = framed(Image.new("L", (120, 90), 128), [Frame(box, GIVEN, dashed)])
    assert drawn.mode == "RGB" and drawn.size == (120, 90)
    assert (np.asarray(drawn) != 128).any()
