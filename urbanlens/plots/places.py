"""A small map of a collection for the margin of a page: all images in grey, to draw others onto."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from urbanlens.plots import world
from urbanlens.plots.maps import bounds_of
from urbanlens.plots.palette import SEQUENTIAL

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from urbanlens.collection import ImageCollection


def places(images: ImageCollection) -> Figure | None:
    """All located images as grey points, with coasts and borders where those help; None where no place is known.

    All by WebGL and in this order: its traces would cover those that are drawn otherwise.
    """
    import plotly.graph_objects as go
    from shapely.geometry import MultiPoint

    located = images.table[images.located]
    if located.empty:
        return None
    figure = go.Figure()
    bounds = bounds_of([MultiPoint(located[["lon", "lat"]].to_numpy(float))])
    if not (images.root / "outlines.geojson").is_file() and world.helps(bounds):
        ground = world.lines(bounds)
        figure.add_scattergl(
            x=ground[:, 0].astype("float32"), y=ground[:, 1].astype("float32"), mode="lines", hoverinfo="skip",
            line={"width": 0.8, "color": "rgba(128,128,128,.6)"}, name="coasts and borders",
        )  # fmt: skip
    figure.add_scattergl(
        x=located["lon"].astype("float32"), y=located["lat"].astype("float32"), mode="markers", hoverinfo="skip",
        marker={"size": 3, "color": "rgba(128,128,128,.35)"}, name="all images",
    )  # fmt: skip
    stretch = 1 / max(0.2, float(np.cos(np.radians(located["lat"].mean()))))
    axis = {"visible": False}
    figure.update_layout(
        height=330, margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False, dragmode="pan",
        xaxis=axis, yaxis={**axis, "scaleanchor": "x", "scaleratio": stretch},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(128,128,128,.08)",
    )  # fmt: skip
    return figure


def places_of(images: ImageCollection, some: pd.DataFrame, colour: str = "#D55E00") -> Figure | None:
    """The map with some images' rows of the table standing out; None where none of them has a place."""
    placed = some[some["lat"].notna() & some["lon"].notna()]
    figure = places(images) if len(placed) else None
    if figure is not None:
        figure.add_scattergl(
            x=placed["lon"].astype("float32"), y=placed["lat"].astype("float32"), mode="markers", name="these images",
            customdata=placed["image_id"], hovertemplate="%{customdata}<extra></extra>",
            marker={"size": 7, "color": colour, "line": {"width": 0.5, "color": "#fff"}},
        )  # fmt: skip
        for axis, values in (("xaxis", placed["lon"]), ("yaxis", placed["lat"])):
            margin = max(0.15 * float(values.max() - values.min()), 0.002)
            figure.update_layout({axis: {"range": [float(values.min()) - margin, float(values.max()) + margin]}})
    return figure


def places_valued(
    images: ImageCollection, values: ArrayLike, title: str, *, colours: tuple[str, str] | None = None
) -> Figure | None:
    """The map with each image coloured by a number; None where no place is known.

    Parameters
    ----------
    values : (N,) of the images; NaN stays grey
    title : what the number is
    colours : of what is above and below 0, for numbers with a sign; None: from dark (low) to bright (high)
    """
    numbers = np.asarray(values, float)
    placed = np.flatnonzero(images.located & np.isfinite(numbers))
    figure = places(images) if len(placed) else None
    if figure is None:
        return None
    table, shown = images.table.iloc[placed], numbers[placed]
    low, high = (float(value) for value in np.percentile(shown, [2, 98]))
    scale = [[i / (len(SEQUENTIAL) - 1), colour] for i, colour in enumerate(SEQUENTIAL)]
    if colours is not None:
        high = max(abs(low), abs(high), 1e-9)
        low, scale = -high, [[0, colours[1]], [0.5, "#C9C9C9"], [1, colours[0]]]
    figure.add_scattergl(
        x=table["lon"].astype("float32"), y=table["lat"].astype("float32"), mode="markers", name=title,
        customdata=table["image_id"], text=[f"{value:.2f}" for value in shown],
        hovertemplate="%{customdata}<br>%{text}<extra></extra>",
        marker={"size": 7, "color": shown.astype("float32"), "cmin": low, "cmax": high, "colorscale": scale,
                "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0}},
    )  # fmt: skip
    figure.update_layout(height=560, margin={"t": 36})  # room for the buttons above the scale
    return figure
