"""The figure of groups: dots where the table says, the whole as a line, names as text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from urbanlens.aesthetics.groups import WHOLE, marks_by_group
from urbanlens.plots.beauty_places import LONGEST, group_dots


def table(*, votes: bool = True) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    marks = generator.normal(5, 1, 60) if votes else np.full(60, np.nan)
    groups = {WHOLE: np.arange(60), "low <b>": np.arange(20), "high": np.arange(20, 60), "few": np.arange(3)}
    marks[20:] += 2
    return marks_by_group(groups, marks, np.where(np.arange(60) % 2, 5.0, np.nan) + np.arange(60) / 60)


def test_dots_lie_where_the_table_says() -> None:
    given = table()
    figure = group_dots(given, title="mean mark")
    voted, foretold = figure.data
    order = ["all images", *given.iloc[1:].sort_values("mean", ascending=False)["group"]]
    assert [one[0] for one in voted.customdata] == order
    means = given.set_index("group").loc[order]
    assert list(voted.x) == pytest.approx(means["mean"])
    assert list(foretold.x) == pytest.approx(means["foretold"])
    assert list(voted.error_x.array) == pytest.approx((means["mean_high"] - means["mean"]).fillna(0))
    assert figure.layout.shapes[0].x0 == pytest.approx(given["mean"].iloc[0])
    assert figure.layout.showlegend is True


def test_names_are_text_and_leave_room() -> None:
    given = table().replace("high", "x" * 90)
    names = group_dots(given, title="mean mark").layout.yaxis.ticktext
    assert any("low &lt;b&gt; (20)" in name for name in names)
    assert [name for name in names if name.startswith("x")] == ["x" * (LONGEST - 1) + "… (40)"]


def test_without_votes_the_foretold_stand_alone() -> None:
    figure = group_dots(table(votes=False), title="foretold mean")
    assert [trace.name for trace in figure.data] == ["foretold by the network"]
    assert figure.layout.showlegend is False
    assert figure.layout.shapes[0].x0 == pytest.approx(table(votes=False)["foretold"].iloc[0])


def test_nothing_known_is_an_empty_figure() -> None:
    nothing = np.full(4, np.nan)
    figure = group_dots(marks_by_group({WHOLE: np.arange(4)}, nothing, nothing), title="mean mark")
    assert len(figure.data) == 0
