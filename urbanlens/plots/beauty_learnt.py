"""What an aesthetic classifier learnt from, and how its losses fell; on light and dark paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from urbanlens.collection.votes import HIGH_ABOVE, MIDDLE
from urbanlens.plots.beauty_places import plain
from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = (OKABE_ITO[0], OKABE_ITO[1])
MEASURES: Mapping[str, str] = {
    "loss": "loss while training", "emd": "distance from the votes (EMD), validation", "validation_loss":
    "loss, validation", "balanced_accuracy": "balanced accuracy, validation",
}  # fmt: skip
"""What the notes of a training call its measures, in words; others are not drawn."""


def mark_histogram(parts: Mapping[str, Sequence[float]], edges: Sequence[float]) -> Figure:
    """How often each mean mark was given, in shares: one histogram as bars, a second one as a line above.

    Parameters
    ----------
    parts : counts (B,) of each set of images, by its name; at most two
    edges : (B + 1,)
    """
    import plotly.graph_objects as go

    figure, bounds = go.Figure(), np.asarray(edges, float)
    for number, (name, counts) in enumerate(parts.items()):
        total = max(float(np.sum(counts)), 1.0)
        share, told = np.asarray(counts, float) / total, np.stack([bounds[:-1], bounds[1:], np.asarray(counts)], 1)
        said = "%{customdata[0]:.2f} to %{customdata[1]:.2f}: %{y:.1%}, %{customdata[2]:,.0f} images"
        shape = {"x": (bounds[:-1] + bounds[1:]) / 2, "y": share, "name": name, "customdata": told,
                 "hovertemplate": f"{said}<extra>%{{fullData.name}}</extra>"}  # fmt: skip
        if number == 0:
            figure.add_bar(**shape, width=np.diff(bounds) * 0.94, marker={"color": COLOURS[0], "opacity": 0.8})
        else:
            figure.add_scatter(**shape, mode="lines", line={"shape": "hvh", "width": 2.2, "color": COLOURS[1]})
    for bound in MIDDLE:
        figure.add_vline(x=bound, line={"width": 1.2, "dash": "dot", "color": MUTED})
    figure.add_vline(
        x=HIGH_ABOVE, line={"width": 1.8, "color": MUTED}, annotation_text="low | high", annotation_font_size=12,
        annotation_position="top", annotation_xanchor="center",
    )  # fmt: skip
    figure.update_layout(
        height=340, margin={"l": 4, "r": 8, "t": 44, "b": 76}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"range": [bounds[0], bounds[-1]], "dtick": 1, "showgrid": False, "zeroline": False,
               "title": {"text": "mean mark by the votes", "font": {"size": 12}}},
        yaxis={"gridcolor": GRID, "tickformat": ".0%", "rangemode": "tozero", "title": None, "automargin": True},
        legend={"orientation": "h", "y": -0.27, "yanchor": "top", "x": 0}, showlegend=True, bargap=0,
    )  # fmt: skip
    return figure


def tag_bars(tags: Mapping[str, int], images: int) -> Figure:
    """How many of the training images have each tag, the most frequent on top.

    Parameters
    ----------
    tags : images with each tag
    images : of all
    """
    import plotly.graph_objects as go

    names, counts = list(tags), np.asarray(list(tags.values()), float)
    shares = counts / max(images, 1)
    figure = go.Figure()
    figure.add_bar(
        y=[plain(name) for name in names], x=counts, orientation="h", marker={"color": COLOURS[0], "opacity": 0.85},
        customdata=shares, hovertemplate="%{y}: %{x:,.0f} images, %{customdata:.1%}<extra></extra>",
        text=[f"{count:,.0f}" for count in counts], textposition="outside", cliponaxis=False,
    )  # fmt: skip
    figure.update_layout(
        height=100 + 21 * len(names), margin={"l": 4, "r": 36, "t": 34, "b": 44}, paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR, bargap=0.3, xaxis={"gridcolor": GRID, "zeroline": False,
        "title": {"text": "training images", "font": {"size": 12}}},
        yaxis={"autorange": "reversed", "title": None, "automargin": True, "dtick": 1},
    )  # fmt: skip
    return figure


def learning_curves(history: Sequence[Mapping[str, float]], best: int = -1) -> Figure | None:
    """The losses and measures after each epoch, one small figure under the other; None where none is known.

    Parameters
    ----------
    history : of a model's card
    best : number of the epoch whose weights were kept; -1: unknown
    """
    from plotly.subplots import make_subplots

    known = [name for name in MEASURES if any(name in epoch for epoch in history)]
    if not known:
        return None
    titles = [MEASURES[name] for name in known]
    figure = make_subplots(rows=len(known), cols=1, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.16)
    for row, name in enumerate(known, 1):
        values = [epoch.get(name) for epoch in history]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)), y=values, mode="lines+markers", row=row, col=1, showlegend=False,
            line={"color": OKABE_ITO[0 if row == 1 else 1], "width": 2}, marker={"size": 4}, name=MEASURES[name],
            hovertemplate="epoch %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
        if best >= 0:
            figure.add_vline(x=best + 1, row=row, col=1, line={"width": 1.4, "dash": "dash", "color": MUTED})
    figure.update_annotations(font_size=12)
    figure.update_layout(
        height=90 + 140 * len(known), margin={"l": 4, "r": 8, "t": 54, "b": 44},
        paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
    )  # fmt: skip
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, nticks=5)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(row=len(known), col=1, title={"text": "epoch", "font": {"size": 12}})
    return figure
