"""Groups of images: by how they look, by where they are, or by both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.embedding.nearest import unit_rows
from urbanlens.embedding.principal import principal

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

Labels = NDArray[np.int64]
NOISE = -1
"""The label of an image that belongs to no cluster."""

EARTH_RADIUS_M = 6_371_008.8
COMPONENTS = 32
"""Principal components that looks are grouped by: faster, and distances that noise drowns less."""
MOST_CLUSTERS = 8
JUDGED = 600


def cluster(
    features: ArrayLike,
    method: Literal["kmeans", "hdbscan"] = "kmeans",
    clusters: int | None = None,
    seed: int = 0,
    *,
    directions: bool = True,
) -> Labels:
    """Group images that look alike.

    Parameters
    ----------
    features : (N, D) embedding.
    method : `kmeans` puts each image into a group; `hdbscan` finds dense groups and leaves the others as noise.
    clusters : how many groups k-means makes; None takes the number from 2 to 8 with the best silhouette.
    seed : of k-means' starts.
    directions : compare rows by their direction, as features are; False: by distance, as places in a plane are.

    Returns
    -------
    labels : (N,), 0 for the largest cluster, 1 for the next …, -1 for noise.

    Raises
    ------
    ValueError
        An unknown method, `clusters` below 1, or features that are no (N, D) table.
    """
    rows = np.asarray(features, np.float32)
    if rows.ndim != 2:
        raise ValueError(f"features have shape {rows.shape}; give a table of N images by D numbers")
    if clusters is not None and clusters < 1:
        raise ValueError(f"clusters is {clusters}; ask for at least 1, or None to choose by silhouette")
    if method not in ("kmeans", "hdbscan"):
        raise ValueError(f"method is {method!r}; known are kmeans, hdbscan")
    if len(rows) < 3:
        return np.zeros(len(rows), np.int64)
    reduced = principal(unit_rows(rows) if directions else rows, min(COMPONENTS, rows.shape[1]))
    if method == "hdbscan":
        from sklearn.cluster import HDBSCAN

        smallest = max(4, len(rows) // 60)
        finder = HDBSCAN(min_cluster_size=min(smallest, len(rows)), min_samples=min(4, len(rows)), copy=True)
        return _by_size(finder.fit_predict(reduced))
    return _by_size(_kmeans(reduced, clusters, seed))


def cluster_geographic(
    lat: ArrayLike,
    lon: ArrayLike,
    method: Literal["dbscan", "hdbscan"] = "dbscan",
    radius_m: float = 100.0,
    min_images: int = 5,
) -> Labels:
    """Group images that were taken close together, by density on the sphere (haversine distance).

    Parameters
    ----------
    lat, lon : (N,) degrees WGS84; an image without coordinates (NaN) is noise.
    method : `dbscan` links images within `radius_m`; `hdbscan` finds the densities by itself and uses `radius_m` as
        the distance below which it splits no further.
    radius_m : metres.
    min_images : images that make a place dense (DBSCAN), or the smallest cluster (HDBSCAN).

    Returns
    -------
    labels : (N,), 0 for the largest cluster, -1 for noise.

    Raises
    ------
    ValueError
        An unknown method, a radius that is not positive, `min_images` below 1, or lat and lon of different lengths.
    """
    latitudes, longitudes = np.asarray(lat, float), np.asarray(lon, float)
    if latitudes.shape != longitudes.shape or latitudes.ndim != 1:
        raise ValueError(f"lat has shape {latitudes.shape}, lon {longitudes.shape}; give two lists of equal length")
    if not radius_m > 0 or min_images < 1:
        raise ValueError(f"radius_m is {radius_m}, min_images {min_images}; both must be positive")
    if method not in ("dbscan", "hdbscan"):
        raise ValueError(f"method is {method!r}; known are dbscan, hdbscan")
    placed = np.isfinite(latitudes) & np.isfinite(longitudes)
    labels = np.full(len(latitudes), NOISE, np.int64)
    if not placed.any():
        return labels
    radians = np.radians(np.column_stack([latitudes[placed], longitudes[placed]]))
    labels[placed] = _by_size(_by_density(radians, method, radius_m / EARTH_RADIUS_M, min_images))
    return labels


def cluster_by_boundary(lat: ArrayLike, lon: ArrayLike, boundaries: Sequence[BaseGeometry]) -> Labels:
    """The boundary that each image lies in.

    Parameters
    ----------
    lat, lon : (N,) degrees WGS84.
    boundaries : polygons in x = lon, y = lat; where they overlap the first one counts.

    Returns
    -------
    labels : (N,) index of the boundary, -1 outside of all and for images without coordinates.
    """
    import shapely

    points = shapely.points(np.asarray(lon, float), np.asarray(lat, float))
    labels = np.full(len(points), NOISE, np.int64)
    for index in reversed(range(len(boundaries))):
        labels[shapely.contains(boundaries[index], points)] = index
    return labels


def cluster_both(
    places: ArrayLike,
    features: ArrayLike,
    method: Literal["kmeans", "hdbscan"] = "kmeans",
    clusters: int | None = None,
    seed: int = 0,
) -> tuple[Labels, list[tuple[int, int]]]:
    """Group by look within each place.

    Parameters
    ----------
    places : (N,) labels of `cluster_geographic` or `cluster_by_boundary`.
    features : (N, D) embedding.
    method, clusters, seed : as of `cluster`, for each place.

    Returns
    -------
    labels : (N,) numbers of the pairs below, -1 for noise of either kind.
    pairs : the (place, look) that each number stands for.
    """
    place_of, rows = np.asarray(places, np.int64), np.asarray(features, np.float32)
    labels = np.full(len(place_of), NOISE, np.int64)
    pairs: list[tuple[int, int]] = []
    for place in np.unique(place_of[place_of != NOISE]):
        here = np.flatnonzero(place_of == place)
        looks = cluster(rows[here], method, clusters, seed)
        for look in np.unique(looks[looks != NOISE]):
            labels[here[looks == look]] = len(pairs)
            pairs.append((int(place), int(look)))
    return labels, pairs


def typical(features: ArrayLike, labels: ArrayLike, n: int = 6) -> dict[int, Labels]:
    """The `n` images nearest to each cluster's centre, nearest first: {label: row numbers}; noise is left out."""
    rows, label_of = unit_rows(np.asarray(features, np.float32)), np.asarray(labels, np.int64)
    chosen: dict[int, Labels] = {}
    for label in np.unique(label_of[label_of != NOISE]):
        members = np.flatnonzero(label_of == label)
        closeness = rows[members] @ rows[members].mean(axis=0)
        chosen[int(label)] = members[np.argsort(-closeness, kind="stable")[:n]]
    return chosen


def _kmeans(rows: NDArray[np.float32], clusters: int | None, seed: int) -> Labels:
    """Labels of k-means; the number of clusters by silhouette where None."""
    from sklearn.cluster import KMeans

    different = len(np.unique(rows, axis=0))
    if clusters is not None or different < 3:
        count = min(clusters or different, different)
        return np.asarray(KMeans(count, n_init=4, random_state=seed).fit_predict(rows), np.int64)
    from sklearn.metrics import silhouette_score

    best: tuple[float, Labels] | None = None
    for count in range(2, min(MOST_CLUSTERS, different - 1) + 1):
        labels = np.asarray(KMeans(count, n_init=2, random_state=seed).fit_predict(rows), np.int64)
        judged = _judges(labels, seed)
        score = float(silhouette_score(rows[judged], labels[judged]))
        if best is None or score > best[0]:
            best = score, labels
    assert best is not None  # there are at least three different rows, so two clusters were tried
    return best[1]


def _judges(labels: Labels, seed: int) -> Labels:
    """At most 600 rows for the silhouette, with at least two of each cluster where it has two."""
    order = np.random.default_rng(seed).permutation(len(labels))
    assured = [order[labels[order] == label][:2] for label in np.unique(labels)]
    return np.unique(np.concatenate([*assured, order[:JUDGED]]))


def _by_density(radians: NDArray[np.float64], method: str, radius: float, min_images: int) -> Labels:
    """Labels of DBSCAN or HDBSCAN on the sphere; `radius` in radians."""
    if method == "dbscan":
        from sklearn.cluster import DBSCAN

        finder = DBSCAN(eps=radius, min_samples=min_images, metric="haversine", algorithm="ball_tree")
        return np.asarray(finder.fit_predict(radians), np.int64)
    if len(radians) < max(min_images, 2):
        return np.full(len(radians), NOISE, np.int64)
    from sklearn.cluster import HDBSCAN

    densest = HDBSCAN(
        min_cluster_size=max(min_images, 2),
        min_samples=min_images,
        metric="haversine",
        algorithm="ball_tree",
        cluster_selection_epsilon=radius,
        copy=True,
    )
    return np.asarray(densest.fit_predict(radians), np.int64)


def _by_size(labels: ArrayLike) -> Labels:
    """The same groups, numbered from the largest; noise stays noise."""
    old = np.asarray(labels, np.int64)
    names, sizes = np.unique(old[old != NOISE], return_counts=True)
    new = np.full(len(old), NOISE, np.int64)
    for rank, name in enumerate(names[np.argsort(-sizes, kind="stable")]):
        new[old == name] = rank
    return new
