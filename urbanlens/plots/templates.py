"""Templates as figures: what an attribute does by height or side, and all of them on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from urbanlens.plots.cells import signed_cells
from urbanlens.plots.palette import MUTED

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CLEAR = "rgba(0,0,0,0)"
SQUARE, GAP, LETTERS = 150, 18, 20
COLUMNS = 6


def profile(
    values: ArrayLike, planted: ArrayLike | None = None, *, colours: tuple[str, str], score_name: str, upright: bool
) -> Figure:
    """What a template adds along one side of the picture, with the planted one as a line.

    Parameters
    ----------
    values : (c,) sums over the rows, from the top (`upright`), or over the columns, from the left
    planted : (c,) drawn on an axis of its own, zero at the same place
    """
    import plotly.graph_objects as go

    found = np.asarray(values, float)
    cells = np.arange(1, len(found) + 1)
    bars = {"y": cells, "x": found, "orientation": "h"} if upright else {"x": cells, "y": found}
    figure = go.Figure()
    figure.add_bar(
        **bars, marker_color=[colours[0] if value >= 0 else colours[1] for value in found], name="learnt",
        hovertemplate=f"{'row' if upright else 'column'} %{{{'y' if upright else 'x'}}}: "
        f"%{{{'x' if upright else 'y'}:+.3f}}<extra></extra>",
    )  # fmt: skip
    if planted is not None:
        true = np.asarray(planted, float)
        scale = float(np.abs(found).max()) / max(float(np.abs(true).max()), 1e-12)
        line = {"y": cells, "x": true * scale} if upright else {"x": cells, "y": true * scale}
        figure.add_scatter(
            **line, mode="lines", line={"color": MUTED, "dash": "dot", "shape": "vhv" if upright else "hvh"},
            name="planted, scaled", customdata=true, hovertemplate="planted weight %{customdata:+.2f}<extra></extra>",
        )  # fmt: skip
    amount = {"title": f"adds to the {score_name}", "zeroline": True, "zerolinecolor": MUTED}
    place = {"title": "row, from the top" if upright else "column, from the left", "dtick": max(1, len(found) // 5)}
    figure.update_layout(
        height=320, margin={"l": 10, "r": 10, "t": 52, "b": 10}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        bargap=0.12, showlegend=planted is not None,
        legend={"orientation": "h", "y": 1.02, "x": 0, "yanchor": "bottom"},
        xaxis=amount if upright else place, yaxis={**place, "autorange": "reversed"} if upright else amount,
    )  # fmt: skip
    return figure


def template_sheet(
    titles: Sequence[str], templates: NDArray[np.float32], colours: tuple[str, str], peak: float, *,
    planted: NDArray[np.float32] | None = None, planted_peak: float = 1.0,
) -> Image.Image:  # fmt: skip
    """All templates on white paper with their titles, the planted ones below the learnt: (A,), (A, c, c)."""
    font = ImageFont.load_default(13)
    tall = SQUARE * (2 if planted is not None else 1) + LETTERS + GAP
    rows = -(-len(titles) // COLUMNS)
    paper = Image.new("RGB", (GAP + COLUMNS * (SQUARE + GAP), GAP + rows * tall), "white")
    pen = ImageDraw.Draw(paper)
    for number, title in enumerate(titles):
        left, top = GAP + number % COLUMNS * (SQUARE + GAP), GAP + number // COLUMNS * tall
        pen.text((left, top), title[:24], "black", font=font)
        squares = [signed_cells(templates[number], colours, peak)]
        if planted is not None:
            squares.append(signed_cells(planted[number], colours, planted_peak))
        for place, square in enumerate(squares):
            drawn = square.resize((SQUARE, SQUARE - 4), Image.Resampling.NEAREST)
            corner = (left, top + LETTERS + place * SQUARE)
            paper.paste(drawn, corner, drawn)
            pen.rectangle((*corner, corner[0] + SQUARE, corner[1] + SQUARE - 4), outline="#bbbbbb")
    return paper
