"""Neighbours on the map: how far apart they are against how alike they look, and what the two thresholds do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SAME, OTHER, OPEN = 0, 1, 2
"""Kinds of pairs: of one label, of two labels, and of an image without a label and one that has one."""
LOOKS = {
    OPEN: ("one has no label", OKABE_ITO[2], "diamond"),
    SAME: ("same label", OKABE_ITO[0], "circle"),
    OTHER: ("other label", OKABE_ITO[5], "x"),
}
"""Name, colour and sign of each kind; those drawn last lie above."""
MOST_POINTS = 4800
LEAST_M = 1.0
"""What lies closer together is drawn here: a logarithm knows no 0."""
TICKS = (1, 3, 10, 30, 100, 300, 1000, 3000)
RIGHT, JOINING = OKABE_ITO[0], OKABE_ITO[2]
BELOW = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}


def pairs_scatter(
    distance_m: ArrayLike, similarity: ArrayLike, kinds: ArrayLike, names: Sequence[tuple[str, str]], *, d_m: float,
    s: float, widest_m: float, height: int = 430, seed: int = 0,
) -> Figure:  # fmt: skip
    """Distance and similarity of pairs; whatever lies in the upper left, within both thresholds, joins.

    Parameters
    ----------
    distance_m, similarity, kinds : (P,); a kind is `SAME`, `OTHER` or `OPEN`
    names : (P,) the ids of both images
    d_m, s : the thresholds
    widest_m : where the axis of distances ends
    seed : draws the pairs where there are more than can be shown, as many of each kind where there are so many

    Returns
    -------
    figure : customdata of each point is (id, id, metres)
    """
    import plotly.graph_objects as go

    metres, alike, kind = np.asarray(distance_m, float), np.asarray(similarity, float), np.asarray(kinds, np.int64)
    figure, there = go.Figure(), [one for one in LOOKS if (kind == one).any()]
    lowest = min(-0.02, s - 0.05, float(alike.min(initial=0.0)) - 0.02)
    _thresholds(figure, d_m, s, lowest, widest_m)
    generator = np.random.default_rng(seed)
    for one in there:
        name, colour, symbol = LOOKS[one]
        every = np.flatnonzero(kind == one)
        rows = np.sort(generator.permutation(every)[: MOST_POINTS // len(there)])
        shown = f"{len(every):,}" if len(rows) == len(every) else f"{len(rows):,} of {len(every):,}"
        figure.add_scattergl(
            x=np.maximum(metres[rows], LEAST_M).round(2), y=alike[rows].round(4), mode="markers",
            name=f"{name} ({shown})", customdata=[[*names[row], round(float(metres[row]), 1)] for row in rows.tolist()],
            hovertemplate="%{customdata[0]} and %{customdata[1]}<br>%{customdata[2]} m apart, alike to %{y:.2f}"
            f"<extra>{name}</extra>",
            marker={"size": 5, "color": colour, "symbol": symbol, "opacity": 0.55},
        )  # fmt: skip
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 36, "b": 4}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={**_metres_axis(widest_m), "title": {"text": "metres between the two images", "font": {"size": 12}}},
        yaxis={"gridcolor": GRID, "zeroline": False, "automargin": True, "range": [lowest, 1.02],
               "title": {"text": "how alike they look", "font": {"size": 12}}},
        legend={**BELOW, "itemsizing": "constant"},
        clickmode="event+select", dragmode="select", uirevision="pairs",
    )  # fmt: skip
    return figure


def curves_figure(table: pd.DataFrame, *, d_m: float, s: float, height: int = 430) -> Figure:
    """Above, how often the rule is right, with its interval and what chance would get; below, how many images join.

    Parameters
    ----------
    table : of `urbanlens.embedding.joining.curves`
    d_m, s : the thresholds that stand while the other one moves
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=2, cols=2, shared_xaxes="columns", shared_yaxes="rows", vertical_spacing=0.08, horizontal_spacing=0.06,
        row_heights=[0.62, 0.38],
    )  # fmt: skip
    for column, (over, at) in enumerate((("distance", d_m), ("similarity", s)), start=1):
        rows = table[table["over"] == over].sort_values("value")
        _agreement(figure, rows, column)
        figure.add_scatter(
            x=rows["value"], y=rows["joining"], mode="lines+markers", name="images that join", showlegend=column == 1,
            legendgroup="joining", line={"color": JOINING, "width": 2, "shape": "hv" if over == "distance" else "vh"},
            marker={"size": 5}, hovertemplate="%{y:,} images join<extra></extra>", row=2, col=column,
        )  # fmt: skip
        for row in (1, 2):
            figure.add_vline(x=at, line={"width": 1.5, "dash": "dash", "color": MUTED}, row=row, col=column)
    figure.update_xaxes(gridcolor=GRID, zeroline=False)
    figure.update_xaxes(title={"text": "within … metres", "font": {"size": 12}}, row=2, col=1)
    figure.update_xaxes(title={"text": "alike to at least …", "font": {"size": 12}}, row=2, col=2)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%", row=1)
    figure.update_yaxes(range=[0, 1.1 * max(int(table["joining"].max()), 1)] if len(table) else None, row=2)
    figure.update_yaxes(title={"text": "right when hidden", "font": {"size": 12}}, row=1, col=1)
    figure.update_yaxes(title={"text": "images that join", "font": {"size": 12}}, row=2, col=1)
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 36, "b": 4}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, legend=BELOW,
        hovermode="x unified", dragmode="zoom",
    )  # fmt: skip
    return figure


def _thresholds(figure: Figure, d_m: float, s: float, lowest: float, widest_m: float) -> None:
    """Two lines, and a tint over what lies within both."""
    figure.add_scatter(
        x=[LEAST_M / 2, d_m, d_m, LEAST_M / 2], y=[s, s, 1.1, 1.1], mode="lines", fill="toself", line={"width": 0},
        fillcolor="rgba(128,128,128,.16)", hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    line = {"width": 1.5, "dash": "dash", "color": MUTED}
    for x, y in (([d_m, d_m], [lowest, 1.1]), ([LEAST_M / 2, widest_m * 2], [s, s])):
        figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _metres_axis(widest_m: float) -> dict[str, Any]:
    """Metres on a logarithm, with the first tick for whatever is closer."""
    ticks = [tick for tick in TICKS if tick <= widest_m]
    return {
        "type": "log", "range": [np.log10(LEAST_M * 0.9), np.log10(widest_m * 1.05)], "gridcolor": GRID,
        "zeroline": False, "automargin": True, "tickvals": ticks,
        "ticktext": [f"≤ {tick}" if tick <= LEAST_M else f"{tick:,}" for tick in ticks],
    }  # fmt: skip


def _agreement(figure: Figure, rows: pd.DataFrame, column: int) -> None:
    """The share of right labels, its interval as a band, and the two baselines."""
    told = rows.dropna(subset=["share"])
    value = told["value"].to_numpy(float)
    band: NDArray[np.float64] = np.concatenate([told["high"].to_numpy(float), told["low"].to_numpy(float)[::-1]])
    figure.add_scatter(
        x=np.concatenate([value, value[::-1]]), y=band, fill="toself", fillcolor="rgba(0,114,178,.18)",
        line={"width": 0}, hoverinfo="skip", name="95 % interval", legendgroup="interval", showlegend=column == 1,
        row=1, col=column,
    )  # fmt: skip
    figure.add_scatter(
        x=value, y=told["share"], mode="lines+markers", name="right", legendgroup="right", showlegend=column == 1,
        line={"color": RIGHT, "width": 2}, marker={"size": 5},
        customdata=told[["low", "high", "answered"]].to_numpy(float),
        hovertemplate="right %{y:.1%} (%{customdata[0]:.1%} to %{customdata[1]:.1%}) of %{customdata[2]:,}"
        "<extra></extra>",
        row=1, col=column,
    )  # fmt: skip
    for name, key, dash in (("a random neighbour", "by_chance", "dot"), ("the commonest label", "base_rate", "dash")):
        figure.add_scatter(
            x=value, y=told[key], mode="lines", name=name, legendgroup=key, showlegend=column == 1,
            line={"color": MUTED, "width": 1.5, "dash": dash}, hovertemplate=name + " %{y:.1%}<extra></extra>",
            row=1, col=column,
        )  # fmt: skip
