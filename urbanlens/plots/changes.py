"""What changed on average, as a point with its interval beside what chance would give; on light and dark paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.plots.beauty_places import plain, whiskers
from urbanlens.plots.palette import MUTED, OKABE_ITO
from urbanlens.plots.ratios import CLEAR
from urbanlens.plots.scatter import GRID

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

CHANGE, OTHER = OKABE_ITO[0], OKABE_ITO[5]
SAME = MUTED
OWN, BY_CLASS, BY_CHANCE = "transformed", "any image of the target class", "any image of the source's class"
PARTS = ("change", "same", "other")


def change_forest(
    table: pd.DataFrame, *, unit: str = "points", scale: float = 100.0, titles: Mapping[str, str] | None = None,
    span: tuple[float, float] | None = None,
) -> Figure:  # fmt: skip
    """The mean change of each thing with its 95 % interval, a line at 0, and what pairs by chance differ by.

    A point is filled where its interval excludes 0; shapes tell the three kinds apart in print too.

    Parameters
    ----------
    table : of `mean_changes`, from top to bottom
    unit, scale : what the axis counts, and how many of it make 1
    titles : what things are called, by `what`
    span : ends of the axis in the unit, so that several figures share it; None: as far as this table reaches

    Returns
    -------
    figure : a trace for each of the three kinds that is known
    """
    import plotly.graph_objects as go

    names = [plain((titles or {}).get(name, name)) for name in table["what"]]
    place, figure = np.arange(len(table)), go.Figure()
    looks = {"other": (BY_CLASS, OTHER, "square-open", 0.26), "same": (BY_CHANCE, SAME, "diamond-open", -0.26),
             "change": (OWN, CHANGE, "circle", 0.0)}  # fmt: skip
    for part, (name, colour, symbol, shift) in looks.items():
        bounds, own = scale * table[_columns(part)].to_numpy(float), part == "change"
        if not np.isfinite(bounds[:, 0]).any():
            continue
        clear = (bounds[:, 1] > 0) | (bounds[:, 2] < 0)
        figure.add_scatter(
            x=bounds[:, 0], y=place + shift, mode="markers", name=name,
            marker={"size": 10 if own else 7, "color": colour, "line": {"width": 2 if own else 1.5, "color": colour},
                    "symbol": np.where(clear, symbol, f"{symbol}-open") if own else symbol},
            error_x=whiskers(bounds, colour) | {"thickness": 2 if own else 1},
            hovertext=_told(table, names, bounds, scale, further=own), hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"width": 1.5, "color": MUTED})
    height = 130 + 34 * len(table)
    low, high = span or spanned([table], scale)
    figure.update_layout(
        height=height, margin={"l": 4, "r": 12, "t": 34, "b": 90}, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR,
        xaxis={"gridcolor": GRID, "zeroline": False, "range": [low, high],
               "title": {"text": f"◀ falls · change in {unit} · rises ▶", "font": {"size": 12}}},
        yaxis={"tickvals": place, "ticktext": names, "range": [len(table) - 0.4, -0.6], "showgrid": False,
               "zeroline": False, "automargin": True},
        legend={"orientation": "h", "y": -52 / max(height - 124, 1), "yanchor": "top", "x": 0, "traceorder": "reversed",
                "itemsizing": "constant"},
    )  # fmt: skip
    return figure


def spanned(tables: Iterable[pd.DataFrame], scale: float = 100.0) -> tuple[float, float]:
    """As far as the points and whiskers of several tables reach, with 0 in it."""
    numbers = [scale * table[_columns(part)].to_numpy(float).ravel() for table in tables for part in PARTS]
    known = np.concatenate([*numbers, np.zeros(1)])
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    edge = 0.06 * (high - low or 1.0)
    return low - edge, high + edge


def _columns(part: str) -> list[str]:
    """The value and the interval of one of `PARTS`."""
    return ["change", "low", "high"] if part == "change" else [part, f"{part}_low", f"{part}_high"]


def _told(table: pd.DataFrame, names: list[str], bounds: NDArray[Any], scale: float, *, further: bool) -> list[str]:
    """What is told of each point that the pointer rests on."""
    texts = []
    for row, name, (middle, low, high) in zip(table.itertuples(), names, bounds, strict=True):
        within = f" ({low:+.2f} to {high:+.2f})" if np.isfinite(low) else ""
        more = (
            f"<br>{scale * row.before:.2f} before, {scale * row.after:.2f} after"
            f"<br>rose in {row.rose:.0%}, fell in {row.fell:.0%} of {row.images} pairs"
        )  # fmt: skip
        texts.append(f"{name}: " + f"{middle:+.2f}{within}{more if further else ''}".replace("-", "−"))
    return texts
