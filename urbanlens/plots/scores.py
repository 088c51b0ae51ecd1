"""What goes with a high score, two networks' scores side by side, and one score as a sum; on light and dark paper."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR, HEAT
from urbanlens.plots.scatter import GRID
from urbanlens.plots.what_if import decimals

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

ADDS, TAKES = OKABE_ITO[0], OKABE_ITO[5]
WHISKER = "rgba(128,128,128,.95)"
CROWD = OKABE_ITO[2]
ALL, BEGINS = "all", "begins at"
SLACK = 1e-4
"""By how much, of the numbers' size, parts may miss their sum: networks compute in float32."""


def co_occurrence_heat(table: pd.DataFrame, *, score_name: str = "score") -> Figure:
    """How often each attribute occurs in each score bracket, and in all images; those on top go with high scores.

    Parameters
    ----------
    table : of `co_occurrence`
    score_name : what the score is called
    """
    import plotly.graph_objects as go

    names, first = list(dict.fromkeys(table["attribute"])), table.drop_duplicates("attribute")
    brackets = table[table["attribute"] == names[0]] if names else table
    wide, count = (len(names), len(brackets)), len(brackets)
    whole = first[["images_with", "images_without"]].sum(axis=1)
    share, having, images = (
        np.column_stack([table[inside].to_numpy(float).reshape(wide), last.to_numpy(float)])
        for inside, last in (("share", first["base"]), ("having", first["images_with"]), ("images", whole))
    )
    base = np.repeat(share[:, -1:], count + 1, 1)
    figure = go.Figure()
    figure.add_heatmap(
        z=share, x=list(range(count + 1)), y=list(range(len(names))), zmin=0,
        zmax=max(0.05, float(np.nanmax(share, initial=0))), colorscale=HEAT, xgap=1, ygap=1, hoverongaps=False,
        text=[[f"{100 * one:.0f}" if np.isfinite(one) else "" for one in row] for row in share],
        texttemplate="%{text}", textfont={"size": 10}, customdata=np.dstack([having, images, base]),
        hovertext=[[name] * (count + 1) for name in names],
        hovertemplate="%{hovertext}: %{z:.0%}<br>%{customdata[0]:.0f} of %{customdata[1]:.0f} images<br>"
        "of all images %{customdata[2]:.0%}<extra></extra>",
        colorbar={"orientation": "h", "thickness": 9, "tickformat": ".0%", "y": 1, "yanchor": "bottom",
                  "title": {"text": "of the bracket's images have it", "side": "top", "font": {"size": 12}}},
    )  # fmt: skip
    sizes = [int(one) for one in brackets["bracket_images"]]
    figure.add_scatter(
        x=list(range(count + 1)), y=[len(names)] * (count + 1), mode="text", text=[*sizes, sum(sizes)],
        textfont={"size": 10}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    # All images are no bracket: a line keeps them apart.
    figure.add_vline(x=count - 0.5, line={"width": 3, "color": "rgba(128,128,128,.9)"})
    figure.update_layout(
        height=190 + 19 * len(names), margin={"l": 4, "r": 8, "t": 70, "b": 4}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={
            "tickvals": [*(one - 0.5 for one in range(count + 1)), count], "ticktext": [*_edges(brackets), "<br>all"],
            "range": [-0.5, count + 0.5], "showgrid": False, "zeroline": False, "tickangle": 0,
            "tickfont": {"size": 11}, "automargin": True, "title": {"text": score_name, "font": {"size": 12}},
        },
        yaxis={
            "tickvals": list(range(len(names) + 1)), "ticktext": [*names, "<i>images</i>"], "automargin": True,
            "range": [len(names) + 0.5, -0.5], "showgrid": False, "zeroline": False,
        },
    )  # fmt: skip
    return figure


def mean_difference_bars(
    table: pd.DataFrame, *, score_name: str = "score", colours: tuple[str, str] = (ADDS, TAKES)
) -> Figure:
    """How much higher the mean score is where an attribute is there than where it is not, with its interval.

    Parameters
    ----------
    table : of `co_occurrence`
    score_name : what the score is called
    colours : #RRGGBB of higher and of lower
    """
    import plotly.graph_objects as go

    rows = table.drop_duplicates("attribute").dropna(subset=["difference"])
    value = rows["difference"].to_numpy(float)
    told = ["mean_with", "images_with", "mean_without", "images_without", "difference_low", "difference_high"]
    sure = np.isfinite(rows["difference_low"].to_numpy(float))
    spans = ["95 % interval {:+.2f} to {:+.2f}".format(*pair) if known else "too few images for an interval"
             for known, pair in zip(sure, rows[told[4:]].itertuples(index=False, name=None), strict=True)]  # fmt: skip
    figure = go.Figure()
    figure.add_bar(
        y=rows["attribute"], x=value, orientation="h", showlegend=False,
        marker={"color": [colours[0] if one >= 0 else colours[1] for one in value],
                "opacity": np.where(sure, 1.0, 0.45)},
        error_x={
            "type": "data", "symmetric": False, "array": rows["difference_high"] - value,
            "arrayminus": value - rows["difference_low"], "thickness": 1.2, "width": 3, "color": WHISKER,
        },
        customdata=rows[told].to_numpy(float), text=spans, textposition="none",
        hovertemplate="%{y}: %{x:+.2f}<br>%{text}<br>with it %{customdata[0]:.2f} (%{customdata[1]:.0f} images)<br>"
        "without %{customdata[2]:.2f} (%{customdata[3]:.0f} images)<extra></extra>",
    )  # fmt: skip
    figure.update_layout(
        height=130 + 19 * len(rows), margin={"l": 4, "r": 12, "t": 42, "b": 50},
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, bargap=0.3,
        xaxis={
            "gridcolor": GRID, "zerolinecolor": "rgba(128,128,128,.8)",
            "title": {"text": f"mean {score_name} with it, minus without it", "font": {"size": 12}},
        },
        yaxis={"autorange": "reversed", "title": None, "automargin": True, "dtick": 1},
    )  # fmt: skip
    return figure


def two_scores(
    frame: pd.DataFrame, ids: Sequence[str], names: tuple[str, str] = ("SIAM", "the free network"), *,
    crowd: bool = False, score_name: str = "score", height: int = 420,
) -> Figure:  # fmt: skip
    """The scores of two networks against each other, or each against what people said; on the line they agree.

    Parameters
    ----------
    frame : of `disagreement`
    ids : of all N images; frame's rows count in them
    names : of SIAM and of the other network
    crowd : each against people's score, where it is known; else the first against the second
    score_name : what the score is called

    Returns
    -------
    figure : customdata of each point is its image's id, so a selection leads back to images
    """
    import plotly.graph_objects as go

    rows, across = (frame.dropna(subset=["crowd"]), "crowd") if crowd else (frame, "free")
    looks = {"free": (names[1], TAKES, "diamond"), "siam": (names[0], ADDS, "circle")}
    figure, shown = go.Figure(), ["free", "siam"] if crowd else ["siam"]
    for column in shown:
        name, colour, symbol = looks[column]
        figure.add_scattergl(
            x=rows[across].to_numpy(float).round(4), y=rows[column].to_numpy(float).round(4), mode="markers",
            name=name, customdata=[ids[row] for row in rows["row"]], showlegend=crowd,
            hovertemplate="%{customdata}<br>%{y:.2f} against %{x:.2f}<extra>%{fullData.name}</extra>",
            marker={"size": 6, "color": colour, "symbol": symbol, "opacity": 0.6,
                    "line": {"width": 0.5, "color": "rgba(255,255,255,.6)"}},
        )  # fmt: skip
    values = rows[[across, *shown]].to_numpy(float)
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    low, high = low - 0.04 * (high - low or 1.0), high + 0.04 * (high - low or 1.0)
    line = {"color": MUTED, "width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", x0=low, y0=low, x1=high, y1=high, line=line, layer="below")
    axis = {"gridcolor": GRID, "zeroline": False, "range": [low, high], "constrain": "domain"}
    said = [f"{score_name}: {name}" for name in (("given", "by the networks") if crowd else (names[1], names[0]))]
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 64 if crowd else 36, "b": 4},  # the buttons, and the legend below
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={**axis, "title": {"text": said[0], "font": {"size": 12}}, "automargin": True},
        yaxis={**axis, "title": {"text": said[1], "font": {"size": 12}}, "automargin": True, "scaleanchor": "x"},
        dragmode="select", clickmode="event+select", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )  # fmt: skip
    return figure


def waterfall(
    contributions: Sequence[tuple[str, float]], bias: float, score: float, *, most: int = 10,
    colours: tuple[str, str] = (ADDS, TAKES), score_name: str = "score", crowd: float | None = None,
    span: float | None = None,
) -> Figure:  # fmt: skip
    """From the bias down to the score: what each attribute adds, the strongest first, the weak ones as one bar.

    Parameters
    ----------
    contributions : (attribute, what it adds); none at all for a network that names no attributes
    bias, score : where it begins and ends, in the score's unit
    most : attributes with a bar of their own
    colours : #RRGGBB of what adds and what takes away
    score_name : what the score is called
    crowd : what people said, a line across; None or NaN: unknown
    span : how far apart scores can lie, which says how many digits are printed; None: as far as in this figure

    Returns
    -------
    figure : the bars' `x` are what they add, their `base` is where they begin, their customdata (name, score so far)

    Raises
    ------
    ValueError
        Where the bias and the contributions do not sum to the score.
    """
    import plotly.graph_objects as go

    names, values = _steps(contributions, bias, score, most)
    ends = bias + np.cumsum(values)
    begins = np.concatenate([[bias], ends])[:-1]
    people = [float(crowd)] if crowd is not None and np.isfinite(crowd) else []
    places = [bias, score, *ends.tolist(), *people]
    low, high = min(places), max(places)
    digits, last, edge = decimals(high - low if span is None else span), len(values) + 1, 0.2 * (high - low or 1.0)
    figure = go.Figure()
    _thread(figure, [bias, *ends.tolist()])
    figure.add_bar(
        y=list(range(1, last)), x=values, base=begins, orientation="h", showlegend=False, cliponaxis=False,
        marker={"color": [colours[0] if one >= 0 else colours[1] for one in values]},
        text=[signed(one, digits) for one in printed(values, bias, score, digits)], textposition="outside",
        constraintext="none",
        customdata=list(zip(names, ends.tolist(), strict=True)),
        hovertemplate="%{customdata[0]}: %{text}<br>so far %{customdata[1]:." + str(digits) + "f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[bias, score], y=[0, last], mode="markers+text", showlegend=False, cliponaxis=False,
        text=[f"  {bias:.{digits}f}", f"  <b>{score:.{digits}f}</b>"], textposition="middle right",
        marker={"symbol": "diamond", "size": 11, "color": MUTED}, hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
    for one in people:
        figure.add_vline(
            x=one, line={"width": 1.5, "dash": "dash", "color": CROWD}, annotation_text=f"given {one:.{digits}f}",
            annotation_position="top", annotation_font_size=12,
        )  # fmt: skip
    figure.update_layout(
        height=140 + 26 * (last + 1), margin={"l": 4, "r": 8, "t": 54, "b": 4}, bargap=0.3,
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"range": [low - edge, high + edge], "gridcolor": GRID, "zeroline": False, "automargin": True,
               "title": {"text": score_name, "font": {"size": 12}}},
        yaxis={"tickvals": list(range(last + 1)), "ticktext": [BEGINS, *names, f"<b>{score_name}</b>"],
               "range": [last + 0.6, -0.6], "showgrid": False, "zeroline": False, "automargin": True},
    )  # fmt: skip
    return figure


def printed(values: ArrayLike, bias: float, score: float, digits: int) -> NDArray[np.float64]:
    """The values rounded so that what is printed adds up, too: those nearest to the next step take up what is left."""
    unit = 10.0**-digits
    steps = np.asarray(values, float) / unit
    whole = np.round(steps)
    left = int(round(score / unit) - round(bias / unit) - whole.sum())
    order = np.argsort(-np.sign(left) * (steps - whole), kind="stable")[: abs(left)]
    whole[order] += np.sign(left)
    return np.asarray(whole * unit, np.float64)


def _thread(figure: Figure, ends: Sequence[float]) -> None:
    """A line from the end of each bar to the beginning of the next, so that the eye follows the sum."""
    turns = [turn for row, end in enumerate(ends) for turn in ((end, row), (end, row + 1), (None, None))]
    figure.add_scatter(
        x=[end for end, _ in turns], y=[row for _, row in turns], mode="lines", hoverinfo="skip", showlegend=False,
        line={"width": 1, "color": MUTED},
    )  # fmt: skip


def signed(value: float, digits: int) -> str:
    """A number with its sign, and a minus that is as wide as the plus; nothing is +0."""
    text = f"{value:+.{digits}f}"
    return f"{0:+.{digits}f}" if float(text) == 0 else text.replace("-", "−")


def _steps(
    contributions: Sequence[tuple[str, float]], bias: float, score: float, most: int
) -> tuple[list[str], list[float]]:
    """Names and values of the bars; with the bias they sum to the score."""
    order = sorted(contributions, key=lambda part: -abs(part[1]))
    names, values = [name for name, _ in order], [float(value) for _, value in order]
    if not values:
        return (["what it does not name"], [score - bias]) if score != bias else ([], [])
    missing = score - bias - sum(values)
    if not abs(missing) <= SLACK * (1 + abs(bias) + sum(map(abs, values))):
        raise ValueError(
            f"the bias {bias:g} and the contributions sum to {score - missing:g}, but the score is {score:g}"
        )
    if len(values) > most:
        left = len(values) - most
        names = [*names[:most], "1 other" if left == 1 else f"{left} others"]
        values = [*values[:most], sum(values[most:])]
    # What float32 lost goes where it shows least: to the strongest, or to the others if no attribute has its own bar.
    values[0] += score - bias - sum(values)
    return names, values


def _edges(brackets: pd.DataFrame) -> list[str]:
    """Where each bracket begins, and where the last one ends, with as few digits as keep them apart."""
    edges = [float(edge) for edge in (*brackets["low"], *brackets["high"][-1:])]
    steps = [high - low for low, high in pairwise(edges) if high > low]
    digits = 0 if all(edge.is_integer() for edge in edges) else max(1, decimals(10 * min(steps, default=1.0)))
    return [f"{edge:.{digits}f}" for edge in edges]
