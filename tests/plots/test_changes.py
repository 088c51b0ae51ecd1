"""The figure of changes draws what the table says, with chance beside it and nothing that is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from urbanlens.plots.changes import BY_CHANCE, BY_CLASS, OWN, change_forest, spanned
from urbanlens.transformation.changes import MEAN_COLUMNS


def table_of(count: int = 3, **columns: Any) -> pd.DataFrame:
    change = np.array([0.2, 0.01, -0.1])[:count]
    filled = {
        "kind": "object", "what": ["sky", "<b>road</b>", "tree"][:count], "before": 0.3, "after": 0.3 + change,
        "change": change, "low": change - 0.05, "high": change + 0.05, "rose": 0.75, "fell": 0.25, "images": 30,
        "direction": "up", "same": 0.0, "same_low": -0.02, "same_high": 0.02, "other": 0.1, "other_low": 0.05,
        "other_high": 0.15,
    }  # fmt: skip
    return pd.DataFrame({**filled, **columns}, columns=list(MEAN_COLUMNS))


def traces(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_points_intervals_and_chance_are_drawn_in_points() -> None:
    drawn = traces(change_forest(table_of()))
    assert set(drawn) == {OWN, BY_CHANCE, BY_CLASS}
    own = drawn[OWN]
    assert np.allclose(own.x, [20, 1, -10])
    assert np.allclose(own.error_x.array, 5) and np.allclose(own.error_x.arrayminus, 5)
    assert list(own.marker.symbol) == ["circle", "circle-open", "circle"], "filled where the interval leaves out 0"
    assert np.allclose(drawn[BY_CLASS].x, 10) and np.allclose(drawn[BY_CHANCE].error_x.array, 2)
    assert len({trace.marker.color for trace in drawn.values()}) == 3
    assert "20.00 (+15.00 to +25.00)" in own.hovertext[0] and "rose in 75%" in own.hovertext[0]


def test_names_are_escaped_and_may_be_replaced() -> None:
    figure = change_forest(table_of(), titles={"sky": "Sky"})
    assert list(figure.layout.yaxis.ticktext) == ["Sky", "&lt;b&gt;road&lt;/b&gt;", "tree"]
    assert "<b>road" not in traces(figure)[OWN].hovertext[1]


def test_what_is_unknown_is_not_drawn() -> None:
    nan = float("nan")
    gone = {f"{part}{end}": nan for part in ("same", "other") for end in ("", "_low", "_high")}
    figure = change_forest(table_of(low=nan, high=nan, **gone))
    assert set(traces(figure)) == {OWN}
    own = traces(figure)[OWN]
    assert np.allclose(own.error_x.array, 0)
    assert set(own.marker.symbol) == {"circle-open"}
    assert "nan" not in own.hovertext[0].split("<br>")[0]
    assert np.isfinite(figure.layout.xaxis.range).all()


@pytest.mark.parametrize("count", [0, 1])
def test_an_empty_table_and_a_single_row_are_figures_too(count: int) -> None:
    figure = change_forest(table_of(count))
    assert figure.layout.height > 100
    assert len(figure.layout.yaxis.ticktext or ()) == count


def test_figures_side_by_side_share_their_axis() -> None:
    small, large = table_of(1), table_of(other_low=-0.6)
    low, high = spanned([small, large])
    assert low < -60 and high > 25
    for table in (small, large):
        assert tuple(change_forest(table, span=(low, high)).layout.xaxis.range) == (low, high)
    assert spanned([]) == pytest.approx((-0.06, 0.06))
    assert spanned([table_of(1)], scale=1.0)[1] < 1


def test_marks_are_counted_in_their_own_unit() -> None:
    figure = change_forest(table_of(1), unit="marks", scale=1.0)
    assert np.allclose(traces(figure)[OWN].x, [0.2])
    assert "marks" in figure.layout.xaxis.title.text
