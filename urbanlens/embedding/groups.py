"""Groups of a collection's images with names that a reader understands, as tables and as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from urbanlens.embedding.clusters import (
    NOISE,
    Labels,
    cluster,
    cluster_both,
    cluster_by_boundary,
    cluster_geographic,
)

if TYPE_CHECKING:
    import pandas as pd

    from urbanlens.collection import ImageCollection, Region

How = Literal["look", "place", "both"]
Place = Literal["boundary", "dbscan", "hdbscan"]
Look = Literal["kmeans", "hdbscan"]


@dataclass(frozen=True)
class Grouping:
    """How images are to be grouped; hashable, so that it can stand in a key."""

    how: How = "look"
    place: Place = "boundary"
    look: Look = "kmeans"
    clusters: int | None = None
    radius_m: float = 100.0
    min_images: int = 5
    seed: int = 0

    @property
    def needs_features(self) -> bool:
        """Whether the images' looks count."""
        return self.how != "place"


@dataclass(frozen=True)
class Groups:
    """The group of each image, and the groups' names; -1 is in no group."""

    labels: Labels
    names: dict[int, str]

    def sizes(self) -> dict[int, int]:
        """Images of each group, the largest first."""
        counts = {label: int((self.labels == label).sum()) for label in self.names}
        return dict(sorted(counts.items(), key=lambda item: -item[1]))


def group(
    view: ImageCollection, grouping: Grouping, features: NDArray[np.float32] | None, boundaries: Sequence[Region] = ()
) -> Groups:
    """Group the images of a collection or view.

    Parameters
    ----------
    features : (N, D) embedding of the view; may be None where only places count.
    boundaries : regions for `place="boundary"`; where they overlap, the smaller one counts.

    Raises
    ------
    ValueError
        Looks are asked for without features, or boundaries without any region.
    """
    if grouping.needs_features and features is None:
        raise ValueError("grouping by look needs the embedding: call urbanlens.embedding.embed first")
    if grouping.how == "look":
        labels = cluster(_some(features), grouping.look, grouping.clusters, grouping.seed)
        return Groups(labels, {label: f"Look {label + 1}" for label in _present(labels)})
    places, names = _places(view, grouping, boundaries)
    if grouping.how == "place":
        return Groups(places, {label: names[label] for label in _present(places)})
    labels, pairs = cluster_both(places, _some(features), grouping.look, grouping.clusters, grouping.seed)
    return Groups(labels, {i: f"{names[place]} · look {look + 1}" for i, (place, look) in enumerate(pairs)})


def mix(values: pd.Series[Any], most: int = 3) -> list[tuple[str, float]]:
    """The commonest values and their shares of all rows; a missing value counts as "none"."""
    counts = values.astype(object).where(values.notna(), "none").astype(str).value_counts()
    return [(str(name), float(count) / max(len(values), 1)) for name, count in counts.head(most).items()]


def group_table(view: ImageCollection, groups: Groups) -> pd.DataFrame:
    """One row an image: image_id, lat, lon, the collection's labels, cluster number (from 1; 0 for none) and name."""
    columns = list(dict.fromkeys(["image_id", "lat", "lon", *view.columns.labels, *view.columns.scores]))
    table = view.table[columns].copy()
    table["cluster"] = groups.labels + 1
    table["cluster_name"] = [groups.names.get(int(label), "") for label in groups.labels]
    return table


def group_geojson(view: ImageCollection, groups: Groups) -> dict[str, Any]:
    """The rows of `group_table` that have coordinates as a GeoJSON FeatureCollection of points."""
    table = group_table(view, groups)
    table = table[table["lat"].notna() & table["lon"].notna()]
    properties = table.drop(columns=["lat", "lon"]).astype(object)
    properties = properties.where(properties.notna(), None)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(float(lon), 7), round(float(lat), 7)]},
                "properties": {str(name): _plain(value) for name, value in row.items()},
            }
            for lat, lon, row in zip(table["lat"], table["lon"], properties.to_dict("records"), strict=True)
        ],
    }


def _places(view: ImageCollection, grouping: Grouping, boundaries: Sequence[Region]) -> tuple[Labels, dict[int, str]]:
    """Label of each image's place, and the places' names."""
    lat, lon = view.table["lat"].to_numpy(float), view.table["lon"].to_numpy(float)
    if grouping.place == "boundary":
        if not boundaries:
            raise ValueError("this collection has no boundaries: group by density, or add a regions.geojson")
        smallest_first = sorted(boundaries, key=lambda region: float(region.geometry.area))
        labels = cluster_by_boundary(lat, lon, [region.geometry for region in smallest_first])
        return labels, {i: region.name for i, region in enumerate(smallest_first)}
    labels = cluster_geographic(lat, lon, grouping.place, grouping.radius_m, grouping.min_images)
    return labels, {label: f"Place {label + 1}" for label in _present(labels)}


def _present(labels: Labels) -> list[int]:
    return [int(label) for label in np.unique(labels) if label != NOISE]


def _some(features: NDArray[np.float32] | None) -> NDArray[np.float32]:
    return np.zeros((0, 1), np.float32) if features is None else features


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return value.item() if isinstance(value, np.generic) else value
