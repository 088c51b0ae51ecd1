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
    from urbanlens.plots.places import places

    located = images.table[images.located]
    placed = found[found["lat"].notna()]
    figure = places(images)
    if figure is None or placed.empty:
        return None
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
    return figure
