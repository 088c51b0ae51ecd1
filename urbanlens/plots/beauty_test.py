"""Whether the intensity of maps goes with beauty: a picture of all images, and the correlations side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.collection.votes import MIDDLE, is_extreme
from urbanlens.plots.beauty_places import whiskers
from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID
from urbanlens.siam.metrics import FEWEST

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

EXTREME, EVERY = OKABE_ITO[5], OKABE_ITO[0]


def intensity_scatter(
    intensity: ArrayLike, marks: ArrayLike, ids: Sequence[str], *, split: float = float("nan"), height: int = 400
) -> Figure:
    """Mean mark and mean intensity of each image's map, as the paper's figure 7; extreme marks stand out.

    Parameters
    ----------
    intensity, marks : (N,)
    ids : (N,)
    split : the intensity above which a picture is called high, a line across; NaN: none

    Returns
    -------
    figure : customdata of each point is (its image's id,)
    """
    import plotly.graph_objects as go

    values, given = np.asarray(intensity, float), np.asarray(marks, float)
    known = np.isfinite(values) & np.isfinite(given)
    far = known & is_extreme(given)
    figure = go.Figure()
    looks = [(known & ~far, f"marks of {MIDDLE[0]:g} to {MIDDLE[1]:g}", MUTED, "circle"),
             (far, "extreme marks", EXTREME, "diamond")]  # fmt: skip
    for rows, name, colour, symbol in looks:
        figure.add_scattergl(
            x=given[rows].round(4), y=values[rows].round(4), mode="markers", name=name,
            customdata=[[ids[row]] for row in np.flatnonzero(rows).tolist()],
            hovertemplate="%{customdata[0]}<br>mark %{x:.2f}, intensity %{y:.3f}<extra></extra>",
            marker={"size": 6, "color": colour, "symbol": symbol, "opacity": 0.6,
                    "line": {"width": 0.5, "color": "rgba(255,255,255,.6)"}},
        )  # fmt: skip
    _trend(figure, given[known], values[known])
    for bound in MIDDLE:
        figure.add_vline(x=bound, line={"width": 1, "dash": "dot", "color": MUTED})
    if np.isfinite(split):
        figure.add_hline(y=split, line={"width": 1, "dash": "dash", "color": MUTED})
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 64, "b": 4}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"gridcolor": GRID, "zeroline": False, "automargin": True, "dtick": 1,
               "title": {"text": "mean mark by the votes", "font": {"size": 12}}},
        yaxis={"gridcolor": GRID, "zeroline": False, "automargin": True,
               "title": {"text": "mean intensity of the map of high", "font": {"size": 12}}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        clickmode="event+select", dragmode="zoom",
    )  # fmt: skip
    return figure


def _trend(figure: Figure, marks: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """The line of least squares, where there are images enough for one."""
    if len(marks) < FEWEST or np.ptp(marks) == 0:
        return
    slope, start = np.polyfit(marks, values, 1)
    ends = np.array([marks.min(), marks.max()])
    figure.add_scatter(
        x=ends, y=start + slope * ends, mode="lines", hoverinfo="skip", showlegend=False,
        line={"width": 2.5, "color": EVERY},
    )  # fmt: skip


def correlation_dots(table: pd.DataFrame) -> Figure:
    """The correlation under each map with its interval, over all images and over those with extreme marks.

    Parameters
    ----------
    table : name, r, low, high, extreme_r, extreme_low, extreme_high; from top to bottom. NaN is not drawn.
    """
    import plotly.graph_objects as go

    figure, place = go.Figure(), np.arange(len(table))
    looks = {"": ("all images", EVERY, "circle", -0.14), "extreme_": ("extreme marks alone", EXTREME, "diamond", 0.14)}
    for part, (name, colour, symbol, shift) in looks.items():
        told = table[[f"{part}r", f"{part}low", f"{part}high"]].to_numpy(float)
        figure.add_scatter(
            x=told[:, 0], y=place + shift, mode="markers", name=name,
            marker={"size": 9, "color": colour, "symbol": symbol}, error_x=whiskers(told, colour),
            customdata=list(zip(table["name"], [_within(row) for row in told], strict=True)),
            hovertemplate="%{customdata[0]}: r %{x:+.2f}%{customdata[1]}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"width": 1.2, "color": MUTED})
    height = 130 + 34 * len(table)
    figure.update_layout(
        height=height, margin={"l": 4, "r": 12, "t": 34, "b": 70}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"gridcolor": GRID, "zeroline": False, "range": _span(table),
               "title": {"text": "Pearson’s r with the mean mark", "font": {"size": 12}}},
        yaxis={"tickvals": place, "ticktext": [_wrapped(name) for name in table["name"]], "showgrid": False,
               "zeroline": False, "automargin": True, "range": [len(table) - 0.4, -0.6]},
        legend={"orientation": "h", "y": -52 / max(height - 104, 1), "yanchor": "top", "x": 0},
    )  # fmt: skip
    return figure


def _within(told: NDArray[np.float64]) -> str:
    return f" ({told[1]:+.2f} to {told[2]:+.2f})" if np.isfinite(told[1:]).all() else ""


def _span(table: pd.DataFrame) -> list[float]:
    """As far as the whiskers reach, with 0 in it."""
    drawn = [f"{part}{name}" for part in ("", "extreme_") for name in ("r", "low", "high")]
    numbers = table[drawn].to_numpy(float)
    low, high = min(0.0, float(np.nanmin(numbers, initial=0.0))), max(0.0, float(np.nanmax(numbers, initial=0.0)))
    edge = 0.06 * (high - low or 1.0)
    return [low - edge, high + edge]


def _wrapped(name: str, longest: int = 26) -> str:
    """A long name in two lines, so that a narrow figure keeps its room."""
    if len(name) <= longest:
        return name
    at = name.rfind(" ", 0, longest)
    return f"{name[:at]}<br>{name[at + 1 :]}" if at > 0 else name
