"""Figures of neighbours: what they draw is what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd

from urbanlens.plots.neighbours import LEAST_M, MOST_POINTS, OPEN, OTHER, SAME, curves_figure, pairs_scatter


def drawn(figure: object) -> dict[str, object]:
    """The traces of points by their kind."""
    return {trace.name.split(" (")[0]: trace for trace in figure.data if trace.type == "scattergl"}  # type: ignore[attr-defined]


def test_each_pair_is_a_point_of_its_kind_that_names_both_images() -> None:
    kinds = [SAME, OTHER, OPEN, SAME]
    names = [("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")]
    figure = pairs_scatter([0.2, 12.0, 40.0, 200.0], [0.9, 0.5, 0.7, 0.1], kinds, names, d_m=30, s=0.8, widest_m=300)
    traces = drawn(figure)
    assert list(traces) == ["one has no label", "same label", "other label"]
    assert list(traces["same label"].x) == [LEAST_M, 200]  # a logarithm has no room for what is closer
    assert [list(one) for one in traces["same label"].customdata] == [["a", "b", 0.2], ["g", "h", 200.0]]
    assert list(traces["other label"].y) == [0.5]
    assert traces["one has no label"].name.endswith("(1)")
    assert (
        len({trace.marker.color for trace in traces.values()}) == len({t.marker.symbol for t in traces.values()}) == 3
    )


def test_the_thresholds_are_lines_and_a_tint_over_what_joins() -> None:
    figure = pairs_scatter([10.0], [0.9], [OPEN], [("a", "b")], d_m=30, s=0.8, widest_m=300)
    tint, *lines = (trace for trace in figure.data if trace.type == "scatter")
    assert max(tint.x) == 30 and min(tint.y) == 0.8
    assert [set(line.x) == {30} for line in lines] == [True, False]
    assert set(lines[1].y) == {0.8}
    low, high = figure.layout.xaxis.range
    assert 10**low < LEAST_M and 10**high > 300


def test_of_very_many_pairs_as_many_of_each_kind_are_drawn_and_the_legend_tells() -> None:
    random, count = np.random.default_rng(0), 20_000
    kinds = random.choice([SAME, OTHER, OPEN], count, p=[0.9, 0.05, 0.05])
    metres, alike = random.uniform(0, 300, count), random.random(count)
    names = [("a", "b")] * count
    first, second = (pairs_scatter(metres, alike, kinds, names, d_m=30, s=0.8, widest_m=300) for _ in range(2))
    sizes = {name: len(trace.x) for name, trace in drawn(first).items()}
    assert sum(sizes.values()) <= MOST_POINTS
    assert sizes["other label"] == (kinds == OTHER).sum()
    assert drawn(first)["same label"].name == f"same label (1,600 of {(kinds == SAME).sum():,})"
    assert first.to_json() == second.to_json()
    assert len(first.to_json()) < 600_000


def test_no_pairs_give_an_empty_figure() -> None:
    assert not drawn(pairs_scatter([], [], [], [], d_m=30, s=0.8, widest_m=300))


def table() -> pd.DataFrame:
    rows = [("distance", d, 10 * d, 50, 0.9, 0.8, 0.95, 0.5, 0.4) for d in (1.0, 10.0, 100.0)]
    rows += [
        ("similarity", s, 5, n, np.nan if not n else 0.8, 0.0, 1.0, np.nan, np.nan) for s, n in ((0.5, 9), (1.0, 0))
    ]
    names = ["over", "value", "joining", "answered", "share", "low", "high", "base_rate", "by_chance"]
    return pd.DataFrame(rows, columns=names)


def test_curves_show_shares_with_baselines_and_what_joins() -> None:
    figure = curves_figure(table(), d_m=30, s=0.8)
    right = [trace for trace in figure.data if trace.name == "right"]
    assert [list(trace.y) for trace in right] == [[0.9] * 3, [0.8]]  # nothing answered is no point
    band = next(trace for trace in figure.data if trace.name == "95 % interval")
    assert list(band.y) == [0.95] * 3 + [0.8] * 3
    joining = [trace for trace in figure.data if trace.name == "images that join"]
    assert [list(trace.y) for trace in joining] == [[10, 100, 1000], [5, 5]]
    assert {trace.name for trace in figure.data} >= {"a random neighbour", "the commonest label"}
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 5
    assert sorted(shape.x0 for shape in figure.layout.shapes) == [0.8, 0.8, 30, 30]
    assert figure.layout.yaxis3.range[1] > 1000


def test_empty_curves_draw_nothing() -> None:
    figure = curves_figure(table().iloc[:0], d_m=30, s=0.8)
    assert all(len(trace.x) == 0 for trace in figure.data)
