"""The figures of the test of maps: every image once, extremes apart, correlations with their whiskers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from urbanlens.plots.beauty_test import correlation_dots, intensity_scatter

MARKS = np.array([3.0, 5.0, 7.0, np.nan, 6.5, 4.4])
INTENSITY = np.array([0.1, 0.2, 0.4, 0.3, 0.3, np.nan])
IDS = [f"image {number}" for number in range(6)]


def test_each_known_image_is_drawn_once_and_extremes_stand_out() -> None:
    figure = intensity_scatter(INTENSITY, MARKS, IDS, split=0.25)
    middle, far = figure.data
    assert [one[0] for one in middle.customdata] == ["image 1", "image 4"]
    assert [one[0] for one in far.customdata] == ["image 0", "image 2"]
    assert list(far.x) == [3.0, 7.0] and list(far.y) == [0.1, 0.4]
    assert [shape.y0 for shape in figure.layout.shapes][-1] == 0.25


def test_the_line_is_that_of_least_squares() -> None:
    marks = np.linspace(2, 8, 30)
    line = intensity_scatter(0.1 + 0.05 * marks, marks, [str(i) for i in range(30)]).data[-1]
    assert list(line.y) == pytest.approx([0.2, 0.5])


def test_without_a_split_or_images_nothing_breaks() -> None:
    nothing = np.full(2, np.nan)
    figure = intensity_scatter(nothing, nothing, ["a", "b"])
    assert sum(len(trace.x) for trace in figure.data) == 0
    assert len(figure.layout.shapes) == 2


def test_correlations_lie_on_their_rows_and_other_numbers_do_not_stretch_the_axis() -> None:
    table = pd.DataFrame(
        [
            {"name": "the map", "r": 0.3, "low": 0.2, "high": 0.4, "extreme_r": 0.5, "extreme_low": 0.3,
             "extreme_high": 0.6, "images": 622},
            {"name": "the paper, on so many photographs of AVA", "r": 0.24, "extreme_r": 0.34},
        ]
    )  # fmt: skip
    figure = correlation_dots(table)
    every, extreme = figure.data
    assert list(every.x) == [0.3, 0.24] and list(extreme.x) == [0.5, 0.34]
    assert list(every.error_x.array) == pytest.approx([0.1, 0])
    assert list(every.error_x.arrayminus) == pytest.approx([0.1, 0])
    low, high = figure.layout.xaxis.range
    assert -0.1 < low <= 0 and 0.6 < high < 0.7
    assert "<br>" in figure.layout.yaxis.ticktext[1] and "<br>" not in figure.layout.yaxis.ticktext[0]
    assert every.customdata[1][1] == ""
