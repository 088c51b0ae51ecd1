"""The marks of one picture as a figure, its maps as a strip to take home, and crops as frames on the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from urbanlens.collection.votes import MARKS, mean_of, spread_of
from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

FORETOLD, GIVEN = OKABE_ITO[0], OKABE_ITO[5]

GAP, LETTERS = 12, 26
"""Of the strip, in px."""

DASH, SPACE = 16, 10
"""Of a dashed frame, in px."""


@dataclass(frozen=True)
class Frame:
    """A box on a picture, (left, top, right, bottom) in px, in a colour of its own; dashed, so that print tells it."""

    box: tuple[int, int, int, int]
    colour: str
    dashed: bool = False


def marks_table(foretold: ArrayLike, given: ArrayLike | None = None, usual: ArrayLike | None = None) -> pd.DataFrame:
    """A row a mark: the shares (10,) of the voters that are drawn by `marks_figure`."""
    shares = {"foretold": foretold, "given": given, "usual": usual}
    return pd.DataFrame({"mark": MARKS} | {name: np.asarray(one) for name, one in shares.items() if one is not None})


def marks_figure(
    foretold: ArrayLike, given: ArrayLike | None = None, usual: ArrayLike | None = None, *, height: int = 350
) -> Figure:
    """How many voters would give each mark, beside how many did; above them, each mean with its spread.

    Parameters
    ----------
    foretold, given, usual : (10,) shares of sum 1: of the network, of the crowd, and of pictures in general; None:
        unknown

    Returns
    -------
    figure : bars and steps for the shares, then a point each for the means, whose error bars are one spread long
    """
    import plotly.graph_objects as go

    found = np.asarray(foretold, float)
    figure = go.Figure()
    figure.add_bar(
        x=MARKS, y=found, name="foretold", marker={"color": FORETOLD, "opacity": 0.8},
        hovertemplate="mark %{x}: foretold for %{y:.1%}<extra></extra>",
    )  # fmt: skip
    if usual is not None:
        _step(figure, np.asarray(usual, float), "usual", {"color": MUTED, "width": 1.5, "dash": "dot"})
    if given is not None:
        _step(figure, np.asarray(given, float), "given", {"color": GIVEN, "width": 2.5})
    shown = [one for one in (found, given, usual) if one is not None]
    top = max(0.05, max(float(np.max(one)) for one in shown))
    _mean(figure, found, 1.2 * top, FORETOLD, "foretold", "circle")
    if given is not None:
        _mean(figure, np.asarray(given, float), 1.1 * top, GIVEN, "given", "diamond")
    figure.update_layout(
        height=height, margin={"l": 4, "r": 8, "t": 58, "b": 4}, bargap=0.18, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"tickvals": MARKS, "range": [0.4, 10.6], "showgrid": False, "zeroline": False, "automargin": True,
               "title": {"text": "mark", "font": {"size": 12}}},
        yaxis={"range": [0, 1.28 * top], "tickformat": ".0%", "gridcolor": GRID, "zeroline": False, "automargin": True,
               "title": {"text": "of the voters", "font": {"size": 12}}},
    )  # fmt: skip
    return figure


def _step(figure: Figure, shares: np.ndarray, name: str, line: dict[str, object]) -> None:
    """A line that runs level over each mark, from the first one's left edge to the last one's right edge."""
    figure.add_scatter(
        x=[MARKS[0] - 0.5, *MARKS, MARKS[-1] + 0.5], y=[shares[0], *shares, shares[-1]], mode="lines", name=name,
        line={**line, "shape": "hvh"}, hovertemplate=f"{name}: %{{y:.1%}}<extra></extra>",
    )  # fmt: skip


def _mean(figure: Figure, shares: np.ndarray, y: float, colour: str, name: str, symbol: str) -> None:
    mean, spread = float(mean_of(shares[None])[0]), float(spread_of(shares[None])[0])
    figure.add_scatter(
        x=[mean], y=[y], mode="markers", showlegend=False, name=f"mean, {name}",
        marker={"color": colour, "size": 9, "symbol": symbol},
        error_x={"type": "data", "array": [spread], "color": colour, "thickness": 1.6, "width": 4},
        hovertemplate=f"mean mark, {name}: {mean:.2f} ± {spread:.2f}<extra></extra>",
    )  # fmt: skip


def falls_figure(names: Sequence[str], own: ArrayLike, elsewhere: ArrayLike, *, firm: Sequence[bool]) -> Figure:
    """How far shares move where what a map points at is covered up, beside a part as large elsewhere.

    Parameters
    ----------
    names : of the maps, from top to bottom
    own, elsewhere : (T,) changes of the share, in [-1, 1]
    firm : (T,) of which maps one may make something; the others are pale
    """
    import plotly.graph_objects as go

    covered, others, rows = np.asarray(own, float), np.asarray(elsewhere, float), list(range(len(names)))
    pale = [1.0 if one else 0.4 for one in firm]
    figure = go.Figure()
    for row, (one, other) in enumerate(zip(covered, others, strict=True)):
        figure.add_scatter(
            x=[100 * other, 100 * one], y=[row, row], mode="lines", showlegend=False, hoverinfo="skip",
            line={"color": MUTED, "width": 2}, opacity=pale[row],
        )  # fmt: skip
    for values, name, colour, symbol in (
        (covered, "what the map points at", FORETOLD, "circle"), (others, "a part elsewhere", GIVEN, "diamond-open")
    ):  # fmt: skip
        figure.add_scatter(
            x=100 * values, y=rows, mode="markers", name=name, hovertext=list(names),
            marker={"color": colour, "size": 10, "symbol": symbol, "opacity": pale, "line": {"width": 2}},
            hovertemplate=f"%{{hovertext}}<br>{name} covered: %{{x:+.1f}} points<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"width": 1.5, "color": MUTED})
    figure.update_layout(
        height=110 + 27 * len(rows), margin={"l": 4, "r": 8, "t": 58, "b": 4}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "itemsizing": "constant"},
        xaxis={"gridcolor": GRID, "zeroline": False, "automargin": True, "ticksuffix": "",
               "title": {"text": "the share changes by (points)", "font": {"size": 12}}},
        yaxis={"tickvals": rows, "ticktext": list(names), "range": [len(rows) - 0.4, -0.6], "showgrid": False,
               "zeroline": False, "automargin": True},
    )  # fmt: skip
    return figure


def strip(pictures: Sequence[Image.Image], titles: Sequence[str]) -> Image.Image:
    """Pictures of one size side by side on white, each with a title below."""
    wide, tall = pictures[0].size
    paper = Image.new("RGB", (GAP + len(pictures) * (wide + GAP), tall + 2 * GAP + LETTERS), "white")
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(15)
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left = GAP + number * (wide + GAP)
        paper.paste(picture.convert("RGB"), (left, GAP))
        pen.text((left, GAP + tall + 5), title, "black", font=font)
    return paper


def framed(image: Image.Image, frames: Sequence[Frame], width: int = 4) -> Image.Image:
    """The picture with boxes on it; a dark and a light edge keep each line apart from whatever lies beneath."""
    drawn = image.convert("RGB")
    drawn = drawn.copy() if drawn is image else drawn
    pen = ImageDraw.Draw(drawn)
    for frame in frames:
        left, top, right, bottom = frame.box
        inside = (left, top, max(left, right - 1), max(top, bottom - 1))
        pen.rectangle(inside, outline="#111111", width=min(width + 4, 1 + min(right - left, bottom - top) // 2))
        core = (inside[0] + 2, inside[1] + 2, max(inside[0] + 2, inside[2] - 2), max(inside[1] + 2, inside[3] - 2))
        if frame.dashed:
            _dashed(pen, core, frame.colour, width)
        else:
            pen.rectangle(core, outline=frame.colour, width=width)
    return drawn


def _dashed(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: str, width: int) -> None:
    left, top, right, bottom = box
    for start in range(left, right + 1, DASH + SPACE):
        end = min(start + DASH, right)
        pen.rectangle((start, top, end, top + width - 1), fill=colour)
        pen.rectangle((start, bottom - width + 1, end, bottom), fill=colour)
    for start in range(top, bottom + 1, DASH + SPACE):
        end = min(start + DASH, bottom)
        pen.rectangle((left, start, left + width - 1, end), fill=colour)
        pen.rectangle((right - width + 1, start, right, end), fill=colour)
