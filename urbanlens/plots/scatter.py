"""Images as points in a plane, in the same colours as on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from urbanlens.plots.palette import MUTED

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

GRID = "rgba(128,128,128,0.18)"


def scatter(
    plane: ArrayLike,
    labels: ArrayLike,
    names: Mapping[int, str],
    colours: Mapping[int, str],
    *,
    ids: Sequence[str] | None = None,
    chosen: int | None = None,
    height: int = 420,
    title: str = "",
) -> Figure:
    """One point an image, one trace a cluster; works on light and dark paper.

    Parameters
    ----------
    plane : (N, 2) of `urbanlens.embedding.project`.
    labels : (N,) cluster of each image; labels that `names` lacks are drawn quiet, without a legend.
    names, colours : of each cluster.
    ids : (N,) shown when the pointer rests on a point.
    chosen : this cluster stands out, the others are faint.

    Returns
    -------
    figure : customdata of each point is (row, label), so a selection leads back to images.
    """
    import plotly.graph_objects as go

    points, label_of = np.asarray(plane, float), np.asarray(labels, np.int64)
    figure = go.Figure()
    for label in [-1, *names]:
        rows = np.flatnonzero(label_of == label if label != -1 else ~np.isin(label_of, list(names)))
        if not len(rows):
            continue
        quiet = label == -1
        figure.add_scattergl(
            x=points[rows, 0].round(4),
            y=points[rows, 1].round(4),
            mode="markers",
            name="in no cluster" if quiet else names[label],
            customdata=[[row, int(label_of[row])] for row in rows.tolist()],
            text=None if ids is None else [ids[row] for row in rows.tolist()],
            hovertemplate=("%{text}<br>" if ids is not None else "") + "<extra>%{fullData.name}</extra>",
            marker={
                "size": 4 if quiet else 7,
                "color": MUTED if quiet else colours[label],
                "opacity": 0.35 if quiet or chosen not in (None, label) else 0.9,
                "line": {"width": 0.5, "color": "rgba(255,255,255,.6)"},
            },
            showlegend=not quiet,
        )
    axis = {"showticklabels": False, "title": None, "gridcolor": GRID, "zeroline": False}
    figure.update_layout(
        height=height,
        margin={"l": 4, "r": 4, "t": 30 if title else 4, "b": 4},
        title=title or None,
        xaxis=axis,
        yaxis={**axis, "scaleanchor": "x"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode="select",
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "itemsizing": "constant"},
        clickmode="event+select",
    )
    return figure
