"""Networks judged against planted truth: one that looks where it should, one that looks elsewhere, one at random."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from urbanlens.demo.judging import (
    PLANTED,
    corner_table,
    planted_table,
    pointing_table,
    prevalence,
    rank_correlation,
)
from urbanlens.explain import ObjectCounts, count_objects

SIDE, COUNT = 24, 60
NAMES = {1: "wall", 3: "sky", 7: "road", 14: "earth", 33: "fence", 44: "signboard", 49: "skyscraper"}


def scenes(seed: int = 0) -> tuple[NDArray[np.uint16], NDArray[np.object_]]:
    """Sky above, road below, a wall; in most images the planted objects of their city."""
    rng = np.random.default_rng(seed)
    labels = np.full((COUNT, SIDE, SIDE), 1, np.uint16)
    labels[:, :8], labels[:, 18:] = 3, 7
    classes = np.array(["Hanamori", "Steelport"] * (COUNT // 2), dtype=object)
    for row, city in enumerate(classes):
        for position, number in enumerate(PLANTED[city].values()):
            if rng.random() < 0.9:
                left = int(rng.integers(0, 8)) + 10 * position
                labels[row, 9:15, left : left + 6] = number
    return labels, classes


def counts_of(where: str) -> tuple[ObjectCounts, NDArray[np.object_]]:
    labels, classes = scenes()
    rng = np.random.default_rng(1)
    masks = 0.3 * rng.random(labels.shape).astype(np.float32)
    for row, city in enumerate(classes):
        if where == "planted":
            masks[row][np.isin(labels[row], list(PLANTED[city].values()))] = 1
        elif where == "sky":
            masks[row, :8] = 1
        else:
            masks[row] = rng.random((SIDE, SIDE))
    return count_objects(masks, labels), classes


def test_a_network_that_looks_where_it_should() -> None:
    counts, classes = counts_of("planted")
    table = planted_table(counts, classes, 0.5, NAMES)
    assert table["found"].all()
    assert (table["rank"] <= 2).all()
    assert set(table["object"]) == {"signboard", "fence", "skyscraper", "earth"}
    points = pointing_table(counts, classes).set_index(["class", "measure"])
    assert (points["low"] > points["area"]).all()
    assert points.loc[("Hanamori", "hit"), "mean"] == 1
    ranks = rank_correlation(counts, classes, 0.5).set_index("class")
    assert (ranks["rho"] > 0.5).all()


def test_a_network_that_looks_at_the_sky() -> None:
    counts, classes = counts_of("sky")
    table = planted_table(counts, classes, 0.5, NAMES)
    assert not table["found"].any()
    assert (pointing_table(counts, classes)["mean"] < pointing_table(counts, classes)["area"]).all()


def test_a_network_that_looks_anywhere_finds_nothing() -> None:
    counts, classes = counts_of("anywhere")
    table = planted_table(counts, classes, 0.5, NAMES)
    assert table["lift"].abs().max() < 0.08
    assert table["found"].sum() <= 1
    assert (rank_correlation(counts, classes, 0.5)["p"] > 0.01).all()


def test_prevalence_is_the_share_of_images() -> None:
    labels, classes = scenes()
    rates = prevalence(*counts_of("sky"))
    for city in PLANTED:
        for number in (3, 14, 44):
            mine = labels[classes == city]
            assert rates.loc[number, city] == pytest.approx((mine == number).any((1, 2)).mean())


def test_one_city_alone_is_no_crash() -> None:
    counts, classes = counts_of("planted")
    only = classes == "Hanamori"
    table = planted_table(counts.of(only), classes[only], 0.5, NAMES)
    assert len(table) == 4
    assert (table.loc[table["class"] == "Steelport", "rank"] == 0).all()
    assert len(rank_correlation(counts.of(only), classes[only], 0.5)) == 1


def test_the_corner_with_and_without_a_mark() -> None:
    maps = np.random.default_rng(0).random((40, 8, 8)).astype(np.float32) * 0.2
    maps[:, 0, 0] = 1
    marked = np.arange(40) % 2 == 0
    maps[marked, 6:, 6:] = 0.9
    table = corner_table(maps, marked).set_index("images_with")
    assert table.loc["the mark", "low"] > table.loc["no mark", "high"]
    assert table["images"].tolist() == [20, 20]
