import numpy as np
import pytest
from shapely.geometry import box

from urbanlens.embedding import (
    NOISE,
    cluster,
    cluster_both,
    cluster_by_boundary,
    cluster_geographic,
    nearest,
    project,
    typical,
)

METRES_A_DEGREE = 111_195.0


def planted(count: int = 4, each: int = 60, noise: float = 0.25, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = np.eye(40)[:count]
    truth = np.repeat(np.arange(count), each)
    return (centres[truth] + noise / 6 * random.normal(size=(len(truth), 40))).astype(np.float32), truth


def agrees(labels: np.ndarray, truth: np.ndarray) -> bool:
    """Whether both make the same groups, whatever their numbers."""
    pairs = set(zip(labels.tolist(), truth.tolist(), strict=True))
    return len(pairs) == len(set(labels.tolist())) == len(set(truth.tolist()))


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_planted_looks_are_found_with_their_number(method: str) -> None:
    features, truth = planted()
    assert agrees(cluster(features, method), truth)


def test_the_same_seed_gives_the_same_groups_and_the_largest_is_first() -> None:
    features, _ = planted(noise=2)
    features = features[20:]
    labels = cluster(features, clusters=4, seed=5)
    np.testing.assert_array_equal(labels, cluster(features, clusters=4, seed=5))
    sizes = np.bincount(labels)
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_images_are_no_trouble(count: int) -> None:
    assert len(cluster(np.ones((count, 5)))) == count


def towns(lat: float, apart_m: float, spread_m: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two towns side by side at one latitude; metres become degrees of longitude that shrink towards the pole."""
    random = np.random.default_rng(seed)
    truth = np.repeat([0, 1], 80)
    east = truth * apart_m + random.uniform(-spread_m, spread_m, len(truth))
    north = random.uniform(-spread_m, spread_m, len(truth))
    return lat + north / METRES_A_DEGREE, east / METRES_A_DEGREE / np.cos(np.radians(lat)), truth


@pytest.mark.parametrize("lat", [0.0, 60.0])
@pytest.mark.parametrize("method", ["dbscan", "hdbscan"])
def test_towns_are_told_apart_in_metres_at_any_latitude(method: str, lat: float) -> None:
    latitudes, longitudes, truth = towns(lat, apart_m=400, spread_m=100)
    assert agrees(cluster_geographic(latitudes, longitudes, method, radius_m=100), truth)
    assert set(cluster_geographic(latitudes, longitudes, "dbscan", radius_m=350).tolist()) == {0}


def test_the_radius_is_metres() -> None:
    lon = np.array([0, 99, 99 + 102]) / METRES_A_DEGREE
    assert cluster_geographic(np.zeros(3), lon, radius_m=100, min_images=2).tolist() == [0, 0, NOISE]


def test_images_without_coordinates_are_noise() -> None:
    lat, lon, _ = towns(10, 400, 50)
    lat[3] = np.nan
    labels = cluster_geographic(lat, lon)
    assert labels[3] == NOISE
    assert (labels != NOISE).sum() == len(lat) - 1
    assert cluster_geographic([np.nan], [np.nan]).tolist() == [NOISE]


def test_boundaries() -> None:
    inner, outer = box(0, 0, 1, 1), box(0, 0, 3, 3)
    labels = cluster_by_boundary([0.5, 2, 9, np.nan], [0.5, 2, 9, np.nan], [inner, outer])
    assert labels.tolist() == [0, 1, NOISE, NOISE]


def test_looks_within_places() -> None:
    features, truth = planted(count=2)
    places = np.tile([0, 1, NOISE], len(truth) // 3)
    labels, pairs = cluster_both(places, features)
    assert (labels[places == NOISE] == NOISE).all()
    assert pairs == [(0, 0), (0, 1), (1, 0), (1, 1)]
    for number, (place, _look) in enumerate(pairs):
        assert set(places[labels == number].tolist()) == {place}
        assert len(set(truth[labels == number].tolist())) == 1


def test_the_most_typical_image_is_the_nearest_to_the_centre() -> None:
    features, truth = planted(count=2, noise=1)
    features[7] = features[truth == 0].mean(axis=0)
    labels = np.where(np.arange(len(truth)) == 1, NOISE, truth)
    chosen = typical(features, labels, 3)
    assert chosen[0][0] == 7
    assert set(chosen) == {0, 1}
    assert all((labels[rows] == label).all() and len(rows) == 3 for label, rows in chosen.items())


def test_nearest_is_sorted_and_checks_what_it_is_given() -> None:
    features, _ = planted(count=3, noise=2)
    index, similarity = nearest(features[11], features, 20)
    assert index[0] == 11
    assert (np.diff(similarity) <= 0).all()
    exact = np.sort((features / np.linalg.norm(features, axis=1, keepdims=True)) @ features[11])[::-1]
    np.testing.assert_allclose(similarity, exact[:20] / np.linalg.norm(features[11]), atol=1e-5)
    assert len(nearest(features[0], features, 10_000)[0]) == len(features)
    with pytest.raises(ValueError, match="same network"):
        nearest(np.ones(3), features)
    with pytest.raises(ValueError, match="at least 1"):
        nearest(features[0], features, 0)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_projection_keeps_planted_groups_together(method: str) -> None:
    features, truth = planted(count=3, each=25)
    plane = project(features, method, seed=1)
    assert plane.shape == (75, 2)
    np.testing.assert_array_equal(plane, project(features, method, seed=1))
    centres = np.array([plane[truth == group].mean(axis=0) for group in range(3)])
    own = np.linalg.norm(plane[:, None] - centres, axis=2).argmin(axis=1)
    assert (own == truth).all()
    assert np.abs(plane).max() <= 1.001


def test_wrong_requests_say_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="kmeans, hdbscan"):
        cluster(np.ones((5, 2)), "agglomerative")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="pca, tsne, umap"):
        project(np.ones((5, 2)), "lda")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="positive"):
        cluster_geographic([0], [0], radius_m=0)
