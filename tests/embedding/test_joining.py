"""Joined images in a training, and how far their labels can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.embedding.towns import looks, planted, rows
from urbanlens.embedding.joining import Rule, agreement, curves, joining, trainable
from urbanlens.embedding.neighbours import joined, pairs
from urbanlens.errors import CollectionError
from urbanlens.explain.trust import wilson_interval as wilson
from urbanlens.training.metrics import wilson_interval


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """What `embed` answers instead of looking at pictures."""
    kept: dict[str, np.ndarray] = {}
    monkeypatch.setattr("urbanlens.embedding.features.embed", lambda collection, progress: kept["features"])
    return kept


def test_where_labels_go_by_place_the_rule_is_right_and_chance_is_not() -> None:
    city, truth, labels, features = planted()
    turned = pairs(city, labels, features, within_m=100, asking=labels != "")
    judged = agreement(turned, labels, 50, 0.6)
    assert judged.asked == (labels != "").sum() and judged.answered > 100
    assert judged.share == 1 and judged.interval[1] == 1 and judged.interval[0] > 0.95
    assert judged.by_chance == pytest.approx(0.5, abs=0.05) and 0.5 <= judged.base_rate < 0.65
    # Each really hidden gives the same answer as hidden in turn says it will.
    found = pairs(city, labels, features, within_m=100)
    really = agreement(found, labels, 50, 0.6, truth)
    assert really.answered == len(joined(found, labels, 50, 0.6)) and really.share == 1


def test_a_label_that_is_drawn_by_lot_is_no_better_than_chance() -> None:
    city, _, _, features = planted(count=900)
    lots = np.random.default_rng(3).choice(["a", "b", "c"], 900)
    judged = agreement(pairs(city, lots, features, within_m=20, asking=lots != ""), lots, 8, 0.6)
    assert judged.answered > 100
    assert judged.interval[0] < judged.by_chance < judged.interval[1]
    assert judged.by_chance == pytest.approx(1 / 3, abs=0.02)


def test_agreement_counts_by_hand() -> None:
    city = rows(np.zeros(6), [0, 5, 100, 104, 108, 500])
    labels = np.array(["a", "a", "b", "b", "a", "a"])
    judged = agreement(pairs(city, labels, looks(np.zeros(6), 0.95), within_m=50, asking=labels != ""), labels, 6, 0.5)
    # 0 and 1 give each other a; 2 gets b of 3; 3 has b and a beside it; 4 gets b of 3, wrongly; 5 has nobody.
    assert (judged.asked, judged.answered, judged.right, judged.contradicting) == (6, 4, 3, 1)
    assert judged.base_rate == 3 / 4
    assert judged.by_chance == pytest.approx((3 * 3 / 5 + 1 / 5) / 4)
    assert judged.interval == pytest.approx(wilson_interval(3, 4))


def test_nothing_answered_is_no_share() -> None:
    city = rows(np.zeros(3), [0, 1000, 2000])
    labels = np.array(["a", "b", "a"])
    judged = agreement(pairs(city, labels, looks(np.zeros(3)), within_m=50, asking=labels != ""), labels, 30, 0.5)
    assert (judged.asked, judged.answered, judged.interval) == (3, 0, (0.0, 1.0))
    assert np.isnan(judged.share) and np.isnan(judged.base_rate) and np.isnan(judged.by_chance)


@pytest.mark.parametrize(("right", "total"), [(0, 0), (0, 7), (7, 7), (3, 10), (999, 1000)])
def test_the_interval_is_that_of_the_trainings(right: int, total: int) -> None:
    assert wilson(right, total) == pytest.approx(wilson_interval(right, total), abs=1e-12)
    assert wilson(7, 7)[1] == 1 and wilson(0, 7)[0] == 0


def test_curves_hold_one_threshold_while_the_other_moves() -> None:
    city, _, labels, features = planted()
    found = pairs(city, labels, features, within_m=100)
    turned = pairs(city, labels, features, within_m=100, asking=labels != "")
    table = curves(found, turned, labels, 40, 0.6, distances=[5, 40, 100], similarities=[0.6, 0.99])
    assert table["over"].tolist() == ["distance"] * 3 + ["similarity"] * 2
    by_distance = table[table["over"] == "distance"]
    assert by_distance["joining"].is_monotonic_increasing and by_distance["joining"].iloc[0] > 0
    assert table["joining"].iloc[1] == table["joining"].iloc[3] == len(joined(found, labels, 40, 0.6))
    assert table["joining"].iloc[4] == table["answered"].iloc[4] == 0
    judged = agreement(turned, labels, 40, 0.6)
    assert table.loc[1, ["share", "low", "high"]].tolist() == [judged.share, *judged.interval]


def test_what_is_near_a_held_out_image_or_another_split_is_not_learnt() -> None:
    #          labelled train, test, val; then four without a label
    city = rows(np.zeros(7), [0, 100, 200, 10, 80, 10, 10])
    labels = np.array(["a", "a", "a", "", "", "", ""])
    splits = np.array(["train", "test", "val", "", "", "test", "train"])
    found = pairs(city, labels, looks(np.zeros(7), 0.95), within_m=85, splits=splits)
    table = joined(found, labels, 85, 0.5)
    fine = dict(zip(table["image"], trainable(city, labels, splits, table, 30), strict=True))
    near = dict(zip(table["image"], splits[table["neighbour"]], strict=True))
    assert fine[3] == (near[3] == "train")
    assert fine[6] and near[6] == "train"
    assert not fine[4]  # 20 m from the test image, whoever is its neighbour
    assert not fine.get(5, False)  # of the test itself
    train = table.assign(neighbour=0)
    assert trainable(city, labels, splits, train, 30).tolist() == [image in (3, 6) for image in train["image"]]
    assert trainable(city, labels, splits, train, 95).tolist() == [False] * len(train)
    assert len(trainable(city, labels, splits, table.iloc[:0], 30)) == 0


def test_a_training_gets_rows_labels_and_a_word_for_its_card(embedded: dict[str, np.ndarray]) -> None:
    city, truth, labels, embedded["features"] = planted(unlabelled=0.7)
    north = city.table["lat"].to_numpy() * 111_195
    splits = np.where(north < 180, "train", np.where(north < 240, "val", "test"))
    more = joining(city, labels, splits, Rule(40, 0.6))
    assert len(more.rows) == more.told["images"] > 50
    assert (labels[more.rows] == "").all() and (splits[more.rows] == "train").all()
    assert (more.labels == truth[more.rows]).all()
    held_out = (labels != "") & (splits != "train")
    metres = np.hypot(*(
        np.subtract.outer(city.table[axis].to_numpy()[more.rows], city.table[axis].to_numpy()[held_out])
        for axis in ("lat", "lon")
    )) * 111_195  # fmt: skip
    assert metres.min() > 40
    assert more.told["near_held_out"] > 0 and more.told["agreement"]["share"] == 1
    again = joining(city, labels, splits, Rule(40, 0.6))
    np.testing.assert_array_equal(more.rows, again.rows)


def test_labels_of_the_test_are_never_passed_on(embedded: dict[str, np.ndarray]) -> None:
    city = rows([0, 0, 0, 0], [0, 10, 2000, 2010])
    embedded["features"] = looks(np.zeros(4), 0.95)
    labels, splits = np.array(["a", "", "b", ""]), np.array(["train", "", "test", ""])
    more = joining(city, labels, splits, Rule(50, 0.5))
    assert (more.rows.tolist(), more.labels.tolist()) == ([1], ["a"])


def test_where_nothing_joins_the_training_says_why(embedded: dict[str, np.ndarray]) -> None:
    embedded["features"] = looks(np.zeros(3), 0.95)
    splits = np.array(["train", "test", ""])
    with pytest.raises(CollectionError, match=r"the nearest lies 400\.0 m away: give --neighbours a larger"):
        joining(rows([0, 0, 0], [0, 900, 400]), ["a", "b", ""], splits, Rule(30, 0.5))
    with pytest.raises(CollectionError, match=r"the most alike within that distance: 0\.9"):
        joining(rows([0, 0, 0], [0, 900, 20]), ["a", "b", ""], splits, Rule(30, 0.999))
    with pytest.raises(CollectionError, match="0 images have no label"):
        joining(rows([0, 0, 0], [0, 900, 400]), ["a", "b", "a"], splits, Rule())
    with pytest.raises(CollectionError, match="has coordinates"):
        joining(rows([np.nan] * 3, [np.nan] * 3), ["a", "b", ""], splits, Rule())


@pytest.mark.parametrize(("within_m", "similarity"), [(0, 0.8), (-3, 0.8), (float("nan"), 0.8), (30, 1.2), (30, -2)])
def test_a_rule_that_makes_no_sense_is_refused(within_m: float, similarity: float) -> None:
    with pytest.raises(CollectionError, match="are a beginning"):
        Rule(within_m, similarity)
