"""The figures of what was learnt from: shares of the marks, counts of the tags, losses by epoch."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.collection.votes import HIGH_ABOVE, MIDDLE
from urbanlens.plots.beauty_learnt import learning_curves, mark_histogram, tag_bars

EDGES = np.linspace(1, 10, 37).tolist()


def test_both_histograms_are_shares_and_the_bounds_are_drawn() -> None:
    first, second = np.zeros(36), np.zeros(36)
    first[[10, 12]], second[20] = [30, 10], 5
    figure = mark_histogram({"learnt": first.tolist(), "here": second.tolist()}, EDGES)
    bars, line = figure.data
    assert sum(bars.y) == pytest.approx(1) and max(bars.y) == pytest.approx(0.75)
    assert sum(line.y) == pytest.approx(1)
    assert bars.customdata[10].tolist() == [3.5, 3.75, 30]
    assert {shape.x0 for shape in figure.layout.shapes} == {*MIDDLE, HIGH_ABOVE}


def test_an_empty_histogram_is_flat() -> None:
    assert sum(mark_histogram({"none": [0.0] * 36}, EDGES).data[0].y) == 0


def test_tags_are_bars_with_their_share() -> None:
    (bars,) = tag_bars({"leafy": 30, "a <i>": 10}, 40).data
    assert list(bars.x) == [30, 10] and list(bars.customdata) == [0.75, 0.25]
    assert list(bars.y) == ["leafy", "a &lt;i&gt;"]


def test_each_measure_has_a_curve_and_the_kept_epoch_a_line() -> None:
    history = [{"epoch": i, "loss": 1 / (i + 1), "emd": 0.1, "score": -1.0, "other": 3.0} for i in range(5)]
    figure = learning_curves(history, best=2)
    assert figure is not None
    assert [trace.name for trace in figure.data] == ["loss while training", "distance from the votes (EMD), validation"]
    assert list(figure.data[0].x) == [1, 2, 3, 4, 5]
    assert {shape.x0 for shape in figure.layout.shapes} == {3}


def test_a_history_without_measures_has_no_figure() -> None:
    assert learning_curves([]) is None
    assert learning_curves([{"epoch": 0, "score": 1.0}]) is None
