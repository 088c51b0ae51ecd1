"""Measures of urban design: identities, ranges, and what they do where they have nothing to go by."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.collection import ade20k
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.transformation.measures import (
    GREEN,
    LANDMARKS,
    MEASURES,
    ROADWAY,
    SKY,
    WALKABLE,
    canonical,
    entropy,
    measure_all,
)

from .made import NAMES, shares_of


def one(name: str, **shares: float) -> float:
    """A measure of one picture, by its objects' shares."""
    names = [key.replace("_", " ") for key in shares]
    return float(MEASURES[name]([list(shares.values())], names)[0])


@pytest.mark.parametrize("name", MEASURES.names())
def test_each_measure_says_what_it_is_and_stays_between_0_and_1(name: str) -> None:
    spec = MEASURES[name]
    assert spec.name == name
    assert all((spec.title, spec.told, spec.formula, spec.source))
    assert any(part.isdigit() and len(part) == 4 for part in spec.source.replace(";", " ").replace(",", " ").split())
    shares = shares_of(np.random.default_rng(1), 200)
    values = spec(shares, NAMES)
    assert values.shape == (200,)
    assert ((values >= 0) & (values <= 1)).all()
    assert np.allclose(spec(shares * 1000, NAMES), values), "pixels do as well as shares"
    order = np.random.default_rng(2).permutation(len(NAMES))
    assert np.allclose(spec(shares[:, order], [NAMES[i] for i in order]), values), "the order of objects means nothing"


@pytest.mark.parametrize("name", MEASURES.names())
def test_nothing_known_is_nan(name: str) -> None:
    values = MEASURES[name]([[0.0] * len(NAMES), [np.nan] * len(NAMES)], NAMES)
    assert np.isnan(values).all()
    assert np.isnan(MEASURES[name](np.ones((2, 1)), ["wall"])).all(), "the only object is none that is meant"
    assert MEASURES[name](np.zeros((0, len(NAMES))), NAMES).shape == (0,)


def test_entropy_of_one_object_is_0_and_of_equal_parts_the_logarithm_of_their_number() -> None:
    assert entropy([1.0, 0.0, 0.0]) == 0
    assert not np.signbit(entropy([1.0, 0.0]))
    for count in (1, 2, 3, 8, 29):
        assert entropy(np.full(count, 1 / count)) == pytest.approx(np.log2(count))
    assert entropy(np.zeros((4, 0, 3))).shape == (4, 0)


def test_complexity_is_the_entropy_over_the_most_that_it_could_be() -> None:
    assert one("complexity", sky=1.0, road=0.0) == 0
    assert one("complexity", sky=0.5, road=0.5) == pytest.approx(1)
    assert one("complexity", sky=0.5, road=0.5, tree=0.0, car=0.0) == pytest.approx(0.5)
    merged = MEASURES["complexity"]([[0.25, 0.25, 0.5]], ["sidewalk", "pavement", "sky"])
    assert merged[0] == pytest.approx(1), "two names of one object are one object"


def test_walkability_is_the_share_of_the_way_that_is_for_people_on_foot() -> None:
    assert one("walkability", sidewalk=0.1, path=0.1, road=0.2, sky=0.6) == pytest.approx(0.5)
    assert one("walkability", sidewalk=0.1, road=0.0, sky=0.9) == 1, "a street without a roadway"
    assert one("walkability", sidewalk=0.0, road=0.3, sky=0.7) == 0
    assert np.isnan(one("walkability", sidewalk=0.0, road=0.0, sky=1.0))
    ratio = np.array([0.1, 0.5, 2.0])
    bounded = [one("walkability", sidewalk=0.1 * r, road=0.1, sky=0.9 - 0.1 * r) for r in ratio]
    assert np.allclose(bounded, ratio / (1 + ratio)), "the same order as pavement over road"


def test_shares_are_those_of_the_pixels_that_are_named() -> None:
    assert one("green", tree=0.2, grass=0.1, sky=0.2) == pytest.approx(0.6)
    assert one("openness", sky=0.25, wall=0.25) == pytest.approx(0.5)
    assert one("landmarks", skyscraper=0.1, tower=0.1, building=0.8) == pytest.approx(0.2)


def test_synonyms_are_known_and_strange_names_are_left_alone() -> None:
    assert canonical(["Pavement", "route", "palm tree", "  Sky", "dragon"]) == [
        "sidewalk", "road", "palm", "sky", "dragon",
    ]  # fmt: skip
    assert one("walkability", Pavement=0.1, route=0.1, sky=0.8) == pytest.approx(0.5)
    meant = {*WALKABLE, *ROADWAY, *SKY, *LANDMARKS, *GREEN} - {"vegetation"}
    assert meant <= set(ade20k.names().values())


def test_all_measures_stand_side_by_side() -> None:
    shares = shares_of(np.random.default_rng(3), 7)
    found = measure_all(shares, NAMES)
    assert found.shape == (7, len(MEASURES)) == (7, 5)
    assert np.array_equal(found[:, 2], MEASURES[MEASURES.names()[2]](shares, NAMES))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ModelError, match="do not fit 8 objects"):
        MEASURES["green"](np.ones((2, 3)), NAMES)
    with pytest.raises(UnknownNameError, match="openness"):
        MEASURES["opennes"]
