"""The words of the test of maps follow from its numbers."""

from __future__ import annotations

import numpy as np

from urbanlens.aesthetics.map_test import Correlation, MapTest
from urbanlens.ui import aesthetic_verdict as verdict

NAN = float("nan")


def correlation(r: float, half: float = 0.1, images: int = 200) -> Correlation:
    return Correlation(images, r, (r - half, r + half), 0.0005)


def outcome(r: float, accuracy: float = 0.7, base: float = 0.55) -> MapTest:
    return MapTest(
        correlation(r), correlation(r, images=90), 0.2, accuracy, (accuracy - 0.05, accuracy + 0.05), accuracy, base
    )


FEW = MapTest(Correlation(5, NAN, None, NAN), Correlation(0, NAN, None, NAN), NAN, NAN, None, NAN, 0.6)


def test_a_correlation_is_above_0_below_it_or_neither() -> None:
    assert verdict._correlates(correlation(0.3)) == (True, "*r* = +0.30 (+0.20 to +0.40): clearly above 0.")
    passed, told = verdict._correlates(correlation(0.05))
    assert not passed and "contains 0" in told
    passed, told = verdict._correlates(correlation(-0.3))
    assert not passed and "the other way round" in told
    assert verdict._correlates(FEW.everywhere)[0] is None


def test_random_weights_that_reach_as_much_are_told() -> None:
    assert verdict._beside(outcome(0.3), outcome(0.1), (0.05, 0.3))[0] is True
    passed, told = verdict._beside(outcome(0.3), outcome(0.29), (-0.1, 0.1))
    assert passed is False and "not clearly weaker" in told and "chance" not in told
    passed, told = verdict._beside(outcome(0.3), outcome(-0.3), (-0.1, 0.1))
    assert passed is False and "which chance decides" in told
    passed, told = verdict._beside(outcome(0.3), outcome(0.6), (-0.5, -0.1))
    assert passed is False and "clearly stronger" in told
    assert verdict._beside(outcome(0.3), None, None)[0] is None


def test_a_correlation_the_other_way_round_passes_nothing_by_its_strength() -> None:
    other, weak = outcome(-0.65, 0.4), verdict.Heads(np.full(40, 0.1), np.full(40, np.nan))
    assert verdict._beside(other, outcome(0.1), (0.3, 0.7))[0] is False
    assert verdict._over_heads(other, weak)[0] is False
    assert verdict._over_heads(outcome(0.65), weak)[0] is True
    assert verdict._over_heads(outcome(0.05), weak)[0] is False
    assert verdict._over_heads(outcome(0.65), verdict.Heads(weak.extremes, weak.extremes))[0] is None
    assert "the other way round" in verdict._conclusion([False, False, False, False], below=True)


def test_a_split_is_held_against_the_commoner_answer() -> None:
    assert verdict._splits(outcome(0.3, 0.7))[0] is True
    passed, told = verdict._splits(outcome(0.3, 0.57))
    assert passed is False and "not clearly more often" in told
    passed, told = verdict._splits(outcome(0.3, 0.4))
    assert passed is False and "less often" in told
    assert verdict._splits(FEW)[0] is None


def test_the_conclusion_counts_what_was_passed() -> None:
    assert "all four" in verdict._conclusion([True, True, True, True])
    assert "the 2 that could be judged" in verdict._conclusion([True, None, True])
    assert "1 of 3" in verdict._conclusion([True, False, False])
    assert "none of it: no sign" in verdict._conclusion([False, False, False])
    assert "Too few" in verdict._conclusion([None, None, None])


def test_the_table_ends_with_the_paper_and_tells_what_is_unknown() -> None:
    table = verdict.table_of([("Map of a network", outcome(0.3)), ("Few", FEW)])
    assert table["name"].iloc[-1] == verdict.PAPER["name"]
    words = verdict.words(table)
    first, few, paper = words.to_dict("records")
    assert first["All images: r (95 %), p"] == "+0.30 (+0.20 to +0.40), p < 0.001, 200 images"
    assert first["Split: right (95 %)"] == "70.0% (65.0% to 75.0%)"
    assert few["All images: r (95 %), p"] == "too few images" and few["Split: right (95 %)"] == "–"
    assert paper["All images: r (95 %), p"] == "+0.24" and paper["Split: right (95 %)"] == "49.7%"
    assert np.isnan(table["low"].iloc[-1])


def test_the_table_tells_how_far_random_heads_reach() -> None:
    heads = verdict.Heads(np.tile([0.2, -0.4], 20), np.full(40, np.nan))
    table = verdict.table_of([("Map of a network", outcome(0.3)), (heads.name, heads)])
    told = verdict.words(table).to_dict("records")[1]
    assert told["Map"] == "40 random heads on the same trunk"
    assert told["All images: r (95 %), p"] == "|r| 0.30 on average, 95 of 100 below 0.40"
    assert told["Extreme marks alone: r (95 %), p"] == "too few images"
