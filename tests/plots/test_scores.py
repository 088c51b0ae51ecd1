"""Figures of scores: what they draw is what the tables say, and bars add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from urbanlens.plots.scores import (
    ADDS,
    TAKES,
    co_occurrence_heat,
    mean_difference_bars,
    printed,
    signed,
    two_scores,
    waterfall,
)
from urbanlens.siam.brackets import co_occurrence, score_brackets

NAMES = ["water", "road", "trees"]


def table(count: int = 60) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    present = (generator.random((count, 3)) < [0.5, 0.3, 0.6]).astype(float)
    score = 5 + 2 * present[:, 0] - present[:, 2] + generator.normal(0, 0.8, count)
    return co_occurrence(present, score, NAMES, score_brackets(score))


def frame() -> pd.DataFrame:
    siam, free, crowd = np.array([5.0, 2.0, 7.5]), np.array([4.0, 2.5, 7.0]), np.array([4.5, np.nan, 8.0])
    return pd.DataFrame({"row": [3, 0, 1], "siam": siam, "free": free, "crowd": crowd})


def ends(figure: Any) -> tuple[float, float, float]:
    """Where a waterfall begins, where its last bar ends, and the score that it marks."""
    bars, marks = figure.data[1], figure.data[2]
    last = bars.base[-1] + bars.x[-1] if len(bars.x) else marks.x[0]
    base, added = np.array(bars.base, float), np.array(bars.x, float)
    assert np.allclose(base[1:], (base + added)[:-1], atol=1e-9, rtol=0)
    assert marks.x[0] + sum(bars.x) == pytest.approx(last, abs=1e-9)
    return marks.x[0], last, marks.x[1]


def test_the_heat_map_shows_shares_counts_and_the_base_rate() -> None:
    given = table()
    heat, sizes = co_occurrence_heat(given, score_name="scenicness").data
    brackets = given["low"].nunique()
    assert heat.z.shape == (3, brackets + 1)
    assert np.allclose(heat.z[:, :-1].ravel(), given["share"], equal_nan=True)
    first = given.drop_duplicates("attribute")
    assert np.allclose(heat.z[:, -1], first["base"])
    known = np.isfinite(heat.z)
    assert np.allclose((heat.customdata[..., 0] / heat.customdata[..., 1])[known], heat.z[known])
    assert sizes.text[-1] == "60" and sum(map(int, sizes.text[:-1])) == 60
    assert [row[0] for row in heat.hovertext] == first["attribute"].tolist()


def test_the_heat_map_names_every_edge_once() -> None:
    axis = co_occurrence_heat(table(), score_name="scenicness").layout.xaxis
    assert axis.title.text == "scenicness"
    assert len(set(axis.ticktext)) == len(axis.ticktext) == len(axis.tickvals)
    narrow = np.random.default_rng(1).normal(0.5, 0.001, 50)
    drawn = co_occurrence_heat(co_occurrence(np.ones((50, 1)), narrow, ["water"], score_brackets(narrow)))
    assert len(set(drawn.layout.xaxis.ticktext)) == 7


def test_difference_bars_are_the_differences_and_unsure_ones_are_pale() -> None:
    given = table(8)
    bars = mean_difference_bars(given, score_name="scenicness").data[0]
    rows = given.drop_duplicates("attribute").dropna(subset=["difference"])
    assert list(bars.y) == rows["attribute"].tolist()
    assert np.allclose(bars.x, rows["difference"])
    assert [colour == ADDS for colour in bars.marker.color] == (rows["difference"] >= 0).tolist()
    assert [one == 1 for one in bars.marker.opacity] == rows["difference_low"].notna().tolist()
    sure = mean_difference_bars(table()).data[0]
    rows = table().drop_duplicates("attribute")
    assert np.allclose(sure.x + sure.error_x.array, rows["difference_high"])
    assert np.allclose(sure.x - sure.error_x.arrayminus, rows["difference_low"])


def test_points_lead_back_to_images() -> None:
    figure = two_scores(frame(), list("abcd"), score_name="scenicness")
    (points,) = figure.data
    assert points.type == "scattergl"
    assert list(points.customdata) == ["d", "a", "b"]
    assert list(points.x) == [4, 2.5, 7] and list(points.y) == [5, 2, 7.5]
    (line,) = figure.layout.shapes
    assert (line.x0, line.x1) == (line.y0, line.y1) == tuple(figure.layout.xaxis.range)
    assert figure.layout.xaxis.range == figure.layout.yaxis.range


def test_each_against_people_leaves_out_what_nobody_scored() -> None:
    figure = two_scores(frame(), list("abcd"), ("ours", "theirs"), crowd=True)
    assert [trace.name for trace in figure.data] == ["theirs", "ours"]
    for trace in figure.data:
        assert list(trace.customdata) == ["d", "b"]
        assert list(trace.x) == [4.5, 8]
    assert len({trace.marker.symbol for trace in figure.data}) == 2


@pytest.mark.parametrize("most", [0, 1, 5, 32, 33, 50])
def test_the_bars_of_a_waterfall_add_up_to_the_score(most: int) -> None:
    values = np.random.default_rng(0).normal(0, 0.4, 33).astype(np.float32)
    bias = float(np.float32(4.7))
    score = float(np.float32(bias) + values.sum())  # as a network says it, in float32
    figure = waterfall([(f"a{i}", value) for i, value in enumerate(values)], bias, score, most=most)
    begin, last, marked = ends(figure)
    assert begin == bias
    assert last == pytest.approx(score, abs=1e-9)
    assert marked == score
    bars = figure.data[1]
    assert len(bars.x) == min(33, most + 1)
    own = np.abs(bars.x[:most])
    assert (np.diff(own) <= 1e-6).all()
    left = 33 - most
    assert bars.customdata[-1][0] == (f"a{np.abs(values).argmin()}" if left <= 0 else _others(left))


def _others(left: int) -> str:
    return "1 other" if left == 1 else f"{left} others"


def test_a_waterfall_has_signs_colours_and_names_from_top_to_bottom() -> None:
    figure = waterfall([("road", -1.5), ("score", 0.5), ("trees", 2.0)], 4.0, 5.0, score_name="score", crowd=6.25)
    bars = figure.data[1]
    assert list(bars.text) == ["+2.000", "−1.500", "+0.500"]
    assert list(bars.marker.color) == [ADDS, TAKES, ADDS]
    assert list(figure.layout.yaxis.ticktext) == ["begins at", "trees", "road", "score", "<b>score</b>"]
    assert list(bars.y) == [1, 2, 3]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert figure.layout.annotations[0].text == "given 6.250"
    low, high = figure.layout.xaxis.range
    assert low < 4 and high > 6.25
    assert not waterfall([("road", 1.0)], 4.0, 5.0, crowd=float("nan")).layout.shapes


def test_a_network_without_attributes_has_one_bar() -> None:
    assert ends(waterfall([], 4.0, 5.5)) == (4, 5.5, 5.5)
    assert ends(waterfall([], 4.0, 4.0)) == (4, 4, 4)
    assert ends(waterfall([("road", 0.0)], 4.0, 4.0)) == (4, 4, 4)


@pytest.mark.parametrize("score", [9.0, float("nan")])
def test_parts_that_do_not_sum_to_the_score_are_refused(score: float) -> None:
    with pytest.raises(ValueError, match="but the score is"):
        waterfall([("road", 1.0)], 4.0, score)


def test_empty_tables_give_empty_figures() -> None:
    empty = co_occurrence(np.zeros((0, 2)), [], NAMES[:2], [])
    assert co_occurrence_heat(empty).data[0].z.size == 0
    assert len(mean_difference_bars(empty).data[0].x) == 0
    assert len(two_scores(frame().iloc[:0], []).data[0].x) == 0
    assert len(two_scores(frame().iloc[:0], [], crowd=True).data) == 2
    constant = co_occurrence(np.ones((9, 1)), np.full(9, 5.5), ["water"], score_brackets(np.full(9, 5.5)))
    assert co_occurrence_heat(constant).data[0].z.tolist() == [[1, 1]]


@pytest.mark.parametrize(("value", "text"), [(-0.001, "+0.00"), (0, "+0.00"), (-1.234, "−1.23"), (1.235, "+1.24")])
def test_signed_numbers(value: float, text: str) -> None:
    assert signed(value, 2) == text


def test_what_is_printed_adds_up() -> None:
    generator = np.random.default_rng(0)
    for digits in (0, 2, 3):
        for _ in range(50):
            values, bias = generator.normal(size=12), float(generator.normal())
            score = bias + float(values.sum())
            shown = printed(values, bias, score, digits)
            assert round(bias, digits) + shown.sum() == pytest.approx(round(score, digits), abs=1e-9)
            assert np.abs(shown - values).max() < 10.0**-digits
