"""Groups of images: means, shares and intervals, and whether images are in dispute at all."""

from __future__ import annotations

import numpy as np
import pytest

from urbanlens.aesthetics.groups import COLUMNS, WHOLE, marks_by_group, spread_by_chance
from urbanlens.collection.votes import MARKS, Votes


def test_means_and_shares_are_those_of_the_known_images() -> None:
    marks = np.array([4.0, 6.0, 8.0, np.nan] * 10)
    foretold = np.where(np.arange(40) < 20, 5.0, np.nan)
    table = marks_by_group({WHOLE: np.arange(40), "few": np.arange(3), "none": np.array([3])}, marks, foretold)
    assert tuple(table.columns) == COLUMNS
    whole, few, none = table.to_dict("records")
    assert (whole["images"], whole["voted"], whole["foretold_images"]) == (40, 30, 20)
    assert whole["mean"] == pytest.approx(6) and whole["share_high"] == pytest.approx(2 / 3)
    assert whole["mean_low"] < 6 < whole["mean_high"]
    assert whole["foretold"] == whole["foretold_low"] == whole["foretold_high"] == 5
    assert few["mean"] == pytest.approx(6) and np.isnan(few["mean_low"])
    assert none["voted"] == 0 and np.isnan(none["mean"]) and none["foretold"] == 5


def test_a_mean_of_exactly_five_is_not_high() -> None:
    table = marks_by_group({WHOLE: np.arange(2)}, np.array([5.0, 5.1]), np.full(2, np.nan))
    assert table["share_high"].iloc[0] == 0.5


def votes(spreads: np.ndarray, voters: int = 200) -> Votes:
    generator = np.random.default_rng(0)
    given = np.clip(np.round(generator.normal(5.5, spreads[:, None], (len(spreads), voters))), 1, 10).astype(int)
    return Votes(np.stack([np.bincount(row, minlength=11)[1:] for row in given]).astype(float))


def test_equal_spreads_differ_by_chance_alone() -> None:
    seen, chance = spread_by_chance(votes(np.full(400, 1.5)))
    assert seen == pytest.approx(chance, rel=0.15)


def test_truly_disputed_images_differ_more() -> None:
    seen, chance = spread_by_chance(votes(np.where(np.arange(400) % 2, 1.0, 2.0)))
    assert seen > 4 * chance


def test_unknown_or_lone_votes_tell_nothing() -> None:
    counts = np.full((5, len(MARKS)), np.nan)
    assert np.isnan(spread_by_chance(Votes(counts))).all()
    counts[:] = 0
    counts[:, 4] = 1
    assert np.isnan(spread_by_chance(Votes(counts))).all()
