"""The images of a collection that look most like a picture, and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.ui import caches

if TYPE_CHECKING:
    from PIL.Image import Image
    from plotly.graph_objects import Figure

    from urbanlens.collection import ImageCollection

ACCENT = "#C4552D"


def most_similar(
    images: ImageCollection, rows: NDArray[np.float32], image: Image, identity: str, own_id: str | None, count: int = 8
) -> pd.DataFrame:
    """The images nearest to a picture: image_id, similarity (cosine), and their rows of the table; itself left out."""
    from urbanlens.embedding import nearest

    own = images.ids.index(own_id) if own_id in images.ids else None
    query = rows[own] if own is not None else caches.picture_features(identity, image)
    index, similarity = nearest(query, rows, min(count + 1, len(rows)))
    keep = [place for place, row in enumerate(index) if row != own][:count]
    found = images.table.iloc[index[keep]].reset_index(drop=True)
    found.insert(1, "similarity", similarity[keep])
    return found


def captions(found: pd.DataFrame, labels: list[str]) -> list[str]:
    """A line below each picture: its number on the map, its first labels, how similar it is (1: the same)."""
    lines = []
    for number, (_, row) in enumerate(found.iterrows(), start=1):
        values = [str(row[label]) for label in labels[:2] if label in found and pd.notna(row[label])]
        lines.append(" · ".join([f"{number}", *values, f"similarity {row['similarity']:.2f}"]))
    return lines


def small_map(images: ImageCollection, found: pd.DataFrame, own_id: str | None) -> Figure | None:
    """Where the similar images are, among all others; None where no place is known."""
    import plotly.graph_objects as go
    from shapely.geometry import MultiPoint

    from urbanlens.plots import world
    from urbanlens.plots.maps import bounds_of

    located = images.table[images.located]
    placed = found[found["lat"].notna()]
    if located.empty or placed.empty:
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
    # All by WebGL and in this order: its traces would cover those that are drawn otherwise.
    figure.add_scattergl(
        x=placed["lon"], y=placed["lat"], mode="markers+text", name="similar images",
        text=[str(place + 1) for place in placed.index], textfont={"color": "#fff", "size": 11},
        customdata=placed["image_id"], hovertemplate="%{customdata}<extra></extra>",
        marker={"size": 20, "color": ACCENT, "line": {"width": 1.5, "color": "#fff"}},
    )  # fmt: skip
    own = located[located["image_id"] == own_id]
    if len(own):
        figure.add_scattergl(
            x=own["lon"], y=own["lat"], mode="markers", name="this image", text=own["image_id"], hoverinfo="text",
            marker={"size": 15, "symbol": "star", "color": "#FFD34D", "line": {"width": 1, "color": "#3a2a00"}},
        )  # fmt: skip
    stretch = 1 / max(0.2, float(np.cos(np.radians(located["lat"].mean()))))
    axis = {"visible": False}
    figure.update_layout(
        height=330, margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False, dragmode="pan",
        xaxis=axis, yaxis={**axis, "scaleanchor": "x", "scaleratio": stretch},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(128,128,128,.08)",
    )  # fmt: skip
    return figure
