"""Object ratios as bars with their intervals, and residuals as a heat map; they work on light and dark paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BASE = "#111111"
CLEAR = "rgba(0,0,0,0)"
HEAT = [[0.0, "#440154"], [0.25, "#3B528B"], [0.5, "#21918C"], [0.75, "#5EC962"], [1.0, "#FDE725"]]


def ratio_bars(tables: Mapping[str, pd.DataFrame], colours: Mapping[str, str], objects: Sequence[str]) -> Figure:
    """R of each object under one or more networks, with its interval; a mark where the base rate lies.

    Parameters
    ----------
    tables : of each network, `object_ratio`'s rows of one class
    colours : #RRGGBB of each network
    objects : which, from top to bottom

    Returns
    -------
    figure : customdata of each bar is (network, object)
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for network, table in tables.items():
        rows = table.set_index("object").reindex(objects)
        ratio = rows["ratio"].to_numpy(float)
        told = np.stack([rows[name].to_numpy(float) for name in ("base", "low", "high", "images")], 1)
        figure.add_bar(
            y=list(objects), x=ratio, orientation="h", name=network, marker={"color": colours[network]},
            error_x={
                "type": "data", "symmetric": False, "array": told[:, 2] - ratio, "arrayminus": ratio - told[:, 1],
                "thickness": 1.2, "width": 3, "color": "rgba(128,128,128,.95)",
            },
            customdata=[[network, name, *values] for name, values in zip(objects, told.tolist(), strict=True)],
            hovertemplate="%{y}, %{customdata[0]}<br>R %{x:.3f} (%{customdata[3]:.3f} to %{customdata[4]:.3f})<br>"
            "base rate %{customdata[2]:.3f}<br>in %{customdata[5]} images<extra></extra>",
            offsetgroup=network,
        )  # fmt: skip
        figure.add_bar(
            y=list(objects), x=np.full(len(objects), 0.009), base=told[:, 0] - 0.0045, orientation="h",
            marker={"color": BASE, "line": {"color": "#FFFFFF", "width": 1}}, offsetgroup=network, hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name="base rate: chance", hoverinfo="skip",
        marker={"symbol": "square", "size": 8, "color": BASE, "line": {"color": "#FFFFFF", "width": 1}},
    )  # fmt: skip
    height = 130 + len(objects) * max(24, 15 * len(tables))
    figure.update_layout(
        barmode="group", height=height, margin={"l": 4, "r": 12, "t": 30, "b": 70}, bargap=0.25,
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, clickmode="event+select",
        xaxis={
            "range": [0, 1], "gridcolor": GRID, "tickformat": ".0%", "dtick": 0.25,
            "title": {"text": "share of the object's pixels inside the mask", "font": {"size": 12}},
        },
        yaxis={"autorange": "reversed", "title": None, "automargin": True},
        legend={"orientation": "h", "y": -50 / (height - 100), "yanchor": "top", "x": 0},
    )  # fmt: skip
    return figure


def difference_bars(table: pd.DataFrame, above: str, below: str, colours: tuple[str, str]) -> Figure:
    """R^A - R^B of each object with its interval: to the right the network looks at it more in A.

    Parameters
    ----------
    table : of `ratio_difference`
    above, below : names of A and B
    colours : #RRGGBB of A and of B
    """
    import plotly.graph_objects as go

    value = table["difference"].to_numpy(float)
    figure = go.Figure()
    figure.add_bar(
        y=table["object"], x=value, orientation="h", showlegend=False,
        marker={"color": [colours[0] if number >= 0 else colours[1] for number in value]},
        error_x={
            "type": "data", "symmetric": False, "array": table["high"] - value, "arrayminus": value - table["low"],
            "thickness": 1.2, "width": 3, "color": "rgba(128,128,128,.95)",
        },
        customdata=table[["a", "b"]].to_numpy(float),
        hovertemplate="%{y}: %{x:+.3f} (%{customdata[0]:.3f} against %{customdata[1]:.3f})<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        height=120 + 22 * len(table), margin={"l": 4, "r": 12, "t": 34, "b": 50},
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={
            "gridcolor": GRID, "zerolinecolor": "rgba(128,128,128,.8)",
            "title": {"text": f"◀ more in {below} · more in {above} ▶", "font": {"size": 12}},
        },
        yaxis={"autorange": "reversed", "title": None, "automargin": True},
    )  # fmt: skip
    return figure


def residual_heat(table: pd.DataFrame, names: Sequence[str], kind: str, top: float) -> Figure:
    """A residual of every two networks as a heat map with its numbers.

    Parameters
    ----------
    table : of `Residuals.table`
    names : networks, in their order
    kind : which residual, one of `residual.KINDS`
    top : the value of the brightest colour
    """
    import plotly.graph_objects as go

    known = {(row.a, row.b): row.ar for row in table.itertuples() if row.kind in (kind, "same")}
    values = np.array([[known.get((a, b), known.get((b, a), np.nan)) for b in names] for a in names], float)
    text = [[f"{value:.3f}" if np.isfinite(value) else "" for value in row] for row in values]
    figure = go.Figure()
    figure.add_heatmap(
        z=values, x=list(names), y=list(names), zmin=0, zmax=top, colorscale=HEAT, text=text, texttemplate="%{text}",
        hovertemplate="%{y} and %{x}: %{z:.4f}<extra></extra>", colorbar={"thickness": 12, "title": "AR"},
        xgap=2, ygap=2,
    )  # fmt: skip
    figure.update_layout(
        height=140 + 42 * len(names), margin={"l": 4, "r": 4, "t": 30, "b": 4},
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"tickangle": -35, "automargin": True}, yaxis={"autorange": "reversed", "automargin": True},
    )  # fmt: skip
    return figure
