"""The mean marks of groups of images side by side, each with its interval; on light and dark paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.plots.beauty import FORETOLD, GIVEN
from urbanlens.plots.palette import MUTED
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LONGEST = 24
"""Letters of a group's name that a figure shows."""


def group_dots(table: pd.DataFrame, *, title: str, foretold: str = "foretold by the network") -> Figure:
    """The mean of each group by the votes and as foretold, with their intervals, the highest on top.

    Parameters
    ----------
    table : of `marks_by_group`; its first row is what the others are held against, a line down the figure
    title : what the numbers are
    foretold : what the network's dots are called

    Returns
    -------
    figure : customdata of each dot is (group, images, low, high)
    """
    import plotly.graph_objects as go

    by = "mean" if table["mean"].notna().any() else "foretold"
    first, rest = table.iloc[:1], table.iloc[1:].sort_values(by, ascending=False, kind="stable")
    rows = pd.concat([first, rest])
    figure, place = go.Figure(), np.arange(len(rows))
    base = float(first[by].iloc[0]) if len(first) else float("nan")
    if np.isfinite(base):
        figure.add_vline(x=base, line={"width": 1.2, "dash": "dot", "color": MUTED})
    both = bool(rows["mean"].notna().any() and rows["foretold"].notna().any())
    looks = {"mean": ("by the votes", "voted", GIVEN, "circle", -0.14 if both else 0.0),
             "foretold": (foretold, "foretold_images", FORETOLD, "diamond", 0.14 if both else 0.0)}  # fmt: skip
    for column, (name, count, colour, symbol, shift) in looks.items():
        if not rows[column].notna().any():
            continue
        told = rows[[column, f"{column}_low", f"{column}_high", count]].to_numpy(float)
        figure.add_scatter(
            x=told[:, 0], y=place + shift, mode="markers", name=name,
            marker={"size": 9, "color": colour, "symbol": symbol}, error_x=whiskers(told, colour),
            customdata=list(zip(rows["group"], told[:, 3], told[:, 1], told[:, 2], strict=True)),
            hovertemplate="%{customdata[0]}: %{x:.2f} (%{customdata[2]:.2f} to %{customdata[3]:.2f})<br>"
            "%{customdata[1]:,.0f} images<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    height = 120 + 27 * len(rows)
    names = [f"{_short(row.group)} ({row.images:,})" for row in rows.itertuples()]
    figure.update_layout(
        height=height, margin={"l": 4, "r": 12, "t": 34, "b": 70}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"gridcolor": GRID, "zeroline": False, "title": {"text": title, "font": {"size": 12}}},
        yaxis={"tickvals": place, "ticktext": names, "range": [len(rows) - 0.4, -0.6], "showgrid": False,
               "zeroline": False, "automargin": True},
        legend={"orientation": "h", "y": -52 / max(height - 104, 1), "yanchor": "top", "x": 0}, showlegend=both,
    )  # fmt: skip
    return figure


def whiskers(told: NDArray[np.float64], colour: str) -> dict[str, object]:
    """Error bars from (value, low, high, …); none where the interval is unknown."""
    above, below = (np.nan_to_num(part) for part in (told[:, 2] - told[:, 0], told[:, 0] - told[:, 1]))
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "thickness": 1.6, "width": 3,
            "color": colour}  # fmt: skip


def plain(name: str) -> str:
    """A user's name in a figure: the angle brackets of html do nothing in it."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(name: str) -> str:
    """A name that leaves room for the figure."""
    return plain(name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…")
