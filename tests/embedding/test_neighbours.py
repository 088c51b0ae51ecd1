"""Labelled neighbours: distances are metres, labels go by place and look, and contradictions join nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.embedding.towns import looks, planted, rows
from urbanlens.embedding.neighbours import MOST, contradicting, joined, metres_to, pairs
from urbanlens.errors import CollectionError

RADIUS_M = 6_371_008.8


def haversine(lat: np.ndarray, lon: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Metres between rows a and b, by the textbook's formula."""
    lat, lon = np.radians(lat), np.radians(lon)
    half = np.sin((lat[a] - lat[b]) / 2) ** 2 + np.cos(lat[a]) * np.cos(lat[b]) * np.sin((lon[a] - lon[b]) / 2) ** 2
    return 2 * RADIUS_M * np.arcsin(np.sqrt(half))


@pytest.mark.parametrize(("lat", "lon"), [(0.0, 0.0), (60.0, 25.0), (-41.0, 180.0), (89.9995, 10.0)])
def test_distances_are_those_of_a_haversine_across_the_antimeridian_and_at_the_pole(lat: float, lon: float) -> None:
    random = np.random.default_rng(1)
    city = rows(np.zeros(60), np.zeros(60))
    city.table["lat"] = np.clip(lat + random.normal(0, 0.001, 60), -90, 90)
    city.table["lon"] = (lon + random.normal(0, 0.002, 60) + 180) % 360 - 180
    labels = np.where(np.arange(60) % 2, "a", "")
    found = pairs(city, labels, looks(np.zeros(60)), within_m=400, most=60)
    places = city.table["lat"].to_numpy(), city.table["lon"].to_numpy()
    asking, answering = (one.ravel() for one in np.meshgrid(np.arange(0, 60, 2), np.arange(1, 60, 2)))
    metres = haversine(*places, asking, answering)
    inside = {(a, b) for a, b, m in zip(asking.tolist(), answering.tolist(), metres, strict=True) if m <= 400}
    assert len(inside) > 100
    assert set(zip(found.image.tolist(), found.neighbour.tolist(), strict=True)) == inside
    np.testing.assert_allclose(found.distance_m, haversine(*places, found.image, found.neighbour), atol=0.01)
    np.testing.assert_allclose(found.nearest_m, metres.min(), atol=0.01)
    nearest = [metres[asking == row].min() for row in range(0, 60, 2)]
    np.testing.assert_allclose(metres_to(city, np.arange(0, 60, 2), np.arange(1, 60, 2)), nearest, atol=0.01)


def test_the_similarity_is_the_cosine_and_the_most_similar_comes_first() -> None:
    city, _, labels, features = planted()
    found = pairs(city, labels, 3 * features, within_m=80)
    np.testing.assert_allclose(found.similarity, (features[found.image] * features[found.neighbour]).sum(1), atol=1e-5)
    same = found.image[1:] == found.image[:-1]
    assert (np.diff(found.image) >= 0).all() and (np.diff(found.similarity)[same] <= 0).all()
    assert (labels[found.image] == "").all() and (labels[found.neighbour] != "").all()


def test_a_planted_world_gives_back_the_labels_of_its_places() -> None:
    city, truth, labels, features = planted()
    found = pairs(city, labels, features, within_m=100)
    table = joined(found, labels, 60, 0.6)
    image = table["image"].to_numpy()
    assert len(image) > 150 and len(set(image.tolist())) == len(image)
    assert (labels[image] == "").all() and (table["label"] == truth[image]).all()
    assert (table["distance_m"] <= 60).all() and (table["similarity"] >= 0.6).all()
    assert not len(contradicting(found, labels, 60, 0.6))
    # Each has its most similar neighbour, not its nearest.
    for row in table.itertuples():
        own = (found.image == row.image) & (found.distance_m <= 60)
        assert row.similarity == found.similarity[own].max()


def test_neighbours_that_contradict_each_other_give_nothing() -> None:
    city = rows([0, 0, 0, 200], [0, 10, 20, 0])
    labels = np.array(["", "a", "b", "c"])
    found = pairs(city, labels, looks(np.zeros(4), closeness=0.95), within_m=300)
    assert joined(found, labels, 15, 0.5)[["image", "label", "neighbour"]].to_numpy().tolist() == [[0, "a", 1]]
    assert not len(joined(found, labels, 25, 0.5))
    torn = contradicting(found, labels, 25, 0.5)
    assert torn["image"].tolist() == [0, 0] and sorted(torn["label"]) == ["a", "b"]
    assert sorted(contradicting(found, labels, 250, 0.5)["label"]) == ["a", "b", "c"]
    # One that does not look alike contradicts nobody.
    other = pairs(city, labels, looks([0, 0, 1, 1], closeness=0.95), within_m=300)
    assert joined(other, labels, 250, 0.5)["label"].tolist() == ["a"]


def test_looser_thresholds_reach_more_images() -> None:
    city, _, labels, features = planted()
    labels[:40] = np.where(labels[:40] == "", "", "Mixed")
    found = pairs(city, labels, features, within_m=200)

    def reached(d: float, s: float) -> set[int]:
        torn = set(contradicting(found, labels, d, s)["image"].tolist())
        joins = set(joined(found, labels, d, s)["image"].tolist())
        assert not torn & joins
        return torn | joins

    for tight, loose in [((20, 0.7), (50, 0.7)), ((50, 0.9), (50, 0.3)), ((10, 0.95), (200, -1))]:
        assert reached(*tight) < reached(*loose)
        assert set(contradicting(found, labels, *tight)["image"]) <= set(contradicting(found, labels, *loose)["image"])


def test_splits_never_mix() -> None:
    city, truth, labels, features = planted()
    splits = np.random.default_rng(5).choice(["train", "val", "test", ""], len(truth))
    found = pairs(city, labels, features, within_m=100, splits=splits, most=400)
    mine, theirs = splits[found.image], splits[found.neighbour]
    assert ((mine == "") | (mine == theirs)).all()
    assert {"train", "val", "test"} <= set(theirs[mine == ""].tolist())
    every = pairs(city, labels, features, within_m=100, most=400)
    allowed = (splits[every.image] == "") | (splits[every.image] == splits[every.neighbour])
    assert int(allowed.sum()) == len(found) < len(every)


def test_an_image_is_no_neighbour_of_itself() -> None:
    city, _, labels, features = planted(count=80, unlabelled=0)
    found = pairs(city, labels, features, within_m=300, asking=labels != "")
    assert (found.image != found.neighbour).all()
    assert set(found.image.tolist()) == set(range(80))
    twice = rows([0, 0, 0], [0, 0, 0])  # at one spot
    alone = pairs(twice, ["a", "b", ""], looks(np.zeros(3)), within_m=1, asking=[True, True, True])
    assert sorted(zip(alone.image, alone.neighbour, strict=True)) == [(0, 1), (1, 0), (2, 0), (2, 1)]


def test_of_many_neighbours_the_nearest_are_looked_at_and_that_is_told() -> None:
    city = rows(np.zeros(MOST + 11), np.arange(MOST + 11))
    labels = np.array(["", *["a"] * (MOST + 10)])
    found = pairs(city, labels, looks(np.zeros(MOST + 11)), within_m=100)
    assert sorted(found.neighbour.tolist()) == list(range(1, MOST + 1)) and found.crowded == 1
    near = pairs(city, labels, looks(np.zeros(MOST + 11)), within_m=MOST + 0.5)
    assert len(near) == MOST and near.crowded == 0


def test_images_without_place_or_look_take_no_part() -> None:
    city = rows([0, 0, np.nan, 0], [0, 5, np.nan, 10])
    features = looks(np.zeros(4))
    features[3] = 0
    found = pairs(city, ["", "a", "", ""], features, within_m=100)
    assert found.asked.tolist() == found.image.tolist() == [0]
    nowhere = rows([np.nan] * 3, [np.nan] * 3)
    none = pairs(nowhere, ["", "a", "b"], looks(np.zeros(3)), within_m=100, splits=["", "train", "test"])
    assert len(none) == len(none.asked) == 0 and np.isnan(none.nearest_m)
    assert not len(joined(none, ["", "a", "b"], 10, 0))
    assert not len(contradicting(none, ["", "a", "b"], 10, 0))


@pytest.mark.parametrize("labels", [["", "", ""], ["a", "b", "a"]])
def test_all_or_none_labelled(labels: list[str]) -> None:
    found = pairs(rows([0, 0, 0], [0, 1, 2]), labels, looks(np.zeros(3)), within_m=10)
    assert len(found) == 0 and np.isnan(found.nearest_m)
    assert joined(found, labels, 10, 0).columns.tolist() == ["image", "label", "neighbour", "distance_m", "similarity"]


def test_nothing_near_says_how_far_the_nearest_is() -> None:
    found = pairs(rows([0, 0, 0], [0, 500, 900]), ["", "a", "b"], looks(np.zeros(3)), within_m=100)
    assert len(found) == 0 and found.nearest_m == pytest.approx(500, abs=0.1)


def test_a_view_and_a_second_call_give_the_same() -> None:
    city, _, labels, features = planted()
    first, second = (pairs(city, labels, features, within_m=100) for _ in range(2))
    for name in ("image", "neighbour", "distance_m", "similarity"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    west = city.table["lon"].to_numpy() < 0.01
    view = pairs(city.where(west), labels[west], features[west], within_m=100)
    inside = np.flatnonzero(west)
    mine = west[first.image]
    np.testing.assert_array_equal(inside[view.image], first.image[mine])
    np.testing.assert_array_equal(inside[view.neighbour], first.neighbour[mine])


def test_what_does_not_fit_is_refused() -> None:
    city = rows([0, 0], [0, 1])
    with pytest.raises(CollectionError, match="a label and a row for each image"):
        pairs(city, ["a"], looks([0, 0]), within_m=10)
    with pytest.raises(CollectionError, match="numbers above 0"):
        pairs(city, ["a", ""], looks([0, 0]), within_m=0)
