"""Disagreement, errors that one attribute explains, and what goes with a high score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from urbanlens.siam.brackets import CO_OCCURRENCE, LEAST, co_occurrence, score_brackets
from urbanlens.siam.compare import chance_explained, disagreement, error_explained, excess
from urbanlens.siam.readings import Readings

NAMES = ("water", "road", "trees", "ice")
BIAS = 5.0


def readings(contributions: NDArray[np.float64], attributes: NDArray[np.float64] | None = None) -> Readings:
    seen = np.zeros_like(contributions) if attributes is None else attributes
    score = (contributions.sum(1) + BIAS).astype(np.float32)
    names = NAMES[: contributions.shape[1]]
    return Readings(names, seen.astype("f4"), contributions.astype("f4"), score, np.isfinite(score), BIAS)


def town(
    count: int = 400, noise: float = 0.02, rest: float = 0.3, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Shares, contributions that follow them on a line, and what people say, who see more than attributes."""
    generator = np.random.default_rng(seed)
    shares = generator.random((count, 4)) * (generator.random((count, 4)) < 0.6)
    right = shares * [2.0, -1.5, 0.5, 1.0]
    crowd = BIAS + right.sum(1) + generator.normal(0, rest, count)
    return shares, right + generator.normal(0, noise, (count, 4)), crowd


def test_the_greatest_disagreement_comes_first_and_unreadable_images_are_left_out() -> None:
    siam = readings(np.array([[1.0], [np.nan], [0.0], [-2.0], [0.5]]))
    free = readings(np.zeros((5, 0)))
    table = disagreement(siam, free, [5.0, 5.0, np.nan, 4.0, 5.0])
    assert table["row"].tolist() == [3, 0, 4, 2]
    assert table["difference"].tolist() == [-2, 1, 0.5, 0]
    known = table.dropna(subset=["crowd"])
    assert np.allclose(known["siam_error"] - known["free_error"], known["difference"])
    assert np.allclose(known["crowd"] + known["siam_error"], known["siam"])
    assert table.set_index("row").loc[2, ["siam_error", "free_error"]].isna().all()
    assert disagreement(siam, free)["crowd"].isna().all()


def test_disagreement_needs_the_same_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        disagreement(readings(np.zeros((3, 1))), readings(np.zeros((2, 0))))
    with pytest.raises(ValueError, match="one score for each of the 3"):
        disagreement(readings(np.zeros((3, 1))), readings(np.zeros((3, 0))), [1.0, 2.0])


@pytest.mark.parametrize("planted", [+2.5, -2.5])
def test_a_planted_error_of_one_attribute_is_found_and_others_are_not(planted: float) -> None:
    shares, contributions, crowd = town()
    contributions[7, 1] += planted  # a reflection that is taken for road, or road that is overlooked
    crowd[[11, 12]] += 3.0 * np.sign(planted)  # what no attribute knows of
    contributions[13] += planted / 3  # wrong in all a little: no single one explains it
    found = error_explained(readings(contributions, shares), crowd, shares)
    assert found["row"].tolist() == [7]
    row = found.iloc[0]
    assert row["attribute"] == "road"
    assert row["excess"] == pytest.approx(planted, abs=0.2)
    assert np.sign(row["error"]) == np.sign(planted)
    assert row["explained"] == pytest.approx(1 - abs(row["error"] - row["excess"]) / abs(row["error"]))
    assert row["annotated"] == pytest.approx(shares[7, 1])
    assert row["seen"] == pytest.approx(shares[7, 1], abs=1e-6)


def test_every_explained_error_is_large_and_mostly_removed_by_its_excess() -> None:
    shares, contributions, crowd = town(noise=0.6)
    given = readings(contributions, shares)
    found = error_explained(given, crowd, shares, share=0.7)
    assert len(found) > 10
    error = np.asarray(given.score, float) - crowd
    assert (found["error"].abs() > np.sqrt(np.mean(error**2))).all()
    assert (found["explained"].between(0.7, 1)).all()
    assert ((found["error"] - found["excess"]).abs() <= 0.3 * found["error"].abs() + 1e-9).all()
    assert (found["error"].abs().diff().dropna() <= 0).all()
    assert found["row"].is_unique


def test_without_annotations_the_whole_contribution_is_taken_away() -> None:
    contributions = np.zeros((50, 3))
    contributions[4, 2], contributions[5, 1], contributions[6, 0] = 2.0, 1.0, 6.0
    crowd = np.full(50, BIAS)
    crowd[[5, 6]] += [-1.0, 3.0]  # of the error 2 the road is half; of the error 3 the water is twice as much
    found = error_explained(readings(contributions), crowd)
    assert found[["row", "attribute", "excess", "explained"]].to_numpy().tolist() == [[4, "trees", 2.0, 1.0]]
    assert found["annotated"].isna().all()


def test_an_image_has_no_part_in_the_line_that_judges_it() -> None:
    shares = np.zeros((30, 1))
    contributions = np.linspace(-0.01, 0.01, 30)[:, None]
    shares[3], contributions[3] = 1.0, 4.0  # the only image with the attribute
    others = np.delete(contributions, 3)
    assert excess(contributions, shares)[3, 0] == pytest.approx(4.0 - others.mean())
    shares[8], contributions[8] = 0.5, 1.0
    line = np.polyfit(np.delete(shares, 8), np.delete(contributions, 8), 1)
    assert excess(contributions, shares)[8, 0] == pytest.approx(1.0 - np.polyval(line, 0.5))


def test_unknown_shares_leave_the_contribution_as_it_is() -> None:
    shares, contributions, _ = town(40)
    shares[5, 0] = np.nan
    shares[9:, 1] = np.nan  # nine are too few for a line
    found = excess(contributions, shares)
    assert found[5, 0] == contributions[5, 0]
    assert (found[:, 1] == contributions[:, 1]).all()
    assert abs(found[np.arange(40) != 5, 0]).max() < 0.1
    with pytest.raises(ValueError, match="give that of the contributions"):
        excess(contributions, shares[:, :2])


def test_unreadable_images_and_unknown_scores_change_nothing() -> None:
    shares, contributions, crowd = town(noise=0.6)
    whole = error_explained(readings(contributions, shares), crowd, shares)
    chance = chance_explained(readings(contributions, shares), crowd, shares, resamples=20)
    more = np.vstack([contributions, np.full((3, 4), np.nan)])
    given = readings(more, np.vstack([shares, np.full((3, 4), np.nan)]))
    people, known = np.append(crowd, [1.0, 9.0, np.nan]), np.vstack([shares, np.ones((3, 4))])
    pd.testing.assert_frame_equal(error_explained(given, people, known), whole)
    assert chance_explained(given, people, known, resamples=20) == chance


def test_errors_that_have_nothing_to_do_with_contributions_are_explained_as_often_as_by_chance() -> None:
    inside = 0
    for seed in range(20):
        generator = np.random.default_rng(seed)
        contributions = generator.normal(0, 0.5, (300, 4))
        given = readings(contributions)
        crowd = np.asarray(given.score, float) - generator.normal(0, 0.6, 300)
        chance = chance_explained(given, crowd, resamples=100, seed=seed)
        assert chance.low <= chance.mean <= chance.high
        assert chance.found == len(error_explained(given, crowd))
        inside += chance.low <= chance.found <= chance.high
    assert inside >= 17


def test_planted_errors_are_more_than_chance_gives_and_the_seed_decides() -> None:
    shares, contributions, crowd = town()
    contributions[np.arange(20), np.arange(20) % 4] += 2.0
    given = readings(contributions, shares)
    chance = chance_explained(given, crowd, shares, resamples=100, seed=3)
    assert chance.found >= 15
    assert chance.found <= chance.large
    assert chance.found > chance.high
    assert chance == chance_explained(given, crowd, shares, resamples=100, seed=3)
    assert chance.mean != chance_explained(given, crowd, shares, resamples=100, seed=4).mean


@pytest.mark.parametrize(
    "given",
    [readings(np.zeros((0, 4))), readings(np.zeros((6, 0))), readings(np.zeros((6, 4))), readings(np.ones((6, 4)))],
    ids=["no image", "no attribute", "no error", "one error"],
)
def test_nothing_to_explain_gives_an_empty_table(given: Readings) -> None:
    crowd = np.full(len(given.score), BIAS)
    found = error_explained(given, crowd)
    assert found.empty
    assert list(found) == ["row", "error", "attribute", "excess", "explained", "seen", "annotated"]
    chance = chance_explained(given, crowd, resamples=5)
    assert (chance.large, chance.found) == (0, 0)
    assert np.isnan([chance.mean, chance.low, chance.high]).all()
    assert error_explained(given, np.full(len(crowd), np.nan)).empty
    assert len(disagreement(given, given)) == len(crowd)


def test_a_baseline_has_large_errors_that_no_attribute_explains() -> None:
    chance = chance_explained(readings(np.zeros((6, 0))), [5.0, 5, 5, 5, 5, 9], resamples=5)
    assert (chance.large, chance.found, chance.mean, chance.high) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("score", "edges"),
    [
        (np.linspace(1.2, 9.7, 90), np.arange(1, 11)),
        (np.linspace(1, 10, 90), np.arange(1, 11)),
        (np.linspace(-1.5, 1.5, 90), [-2, -1, 0, 1, 2]),
        (np.linspace(0, 100, 90), np.arange(0, 101, 10)),
        ([1.5, 4.5], [1, 2, 3, 4, 5]),
        ([0, 1] * 9, [0, 0.5, 1]),
        ([1, 2, 3, 4, 5] * 9, [1, 1.5, 2.5, 3.5, 4.5, 5]),
        (np.linspace(0, 1, 101), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([0.0] * 90 + list(np.linspace(0, 1, 10)), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        ([5.5] * 9, [5.5, 5.5]),
        ([], []),
        ([np.nan], []),
    ],
)
def test_brackets(score: list[float], edges: list[float]) -> None:
    assert np.allclose(score_brackets([*score, np.nan]), edges)


@pytest.mark.parametrize("scale", [1e-6, 0.3, 1.0, 7.0, 1e4])
def test_brackets_hold_every_score(scale: float) -> None:
    score = np.random.default_rng(0).normal(3, scale, 200).astype(np.float32)
    edges = score_brackets(score)
    assert 3 <= len(edges) - 1 <= 12
    assert (np.diff(edges) > 0).all()
    assert np.histogram(score.astype(float), edges)[0].sum() == 200


def village() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator = np.random.default_rng(1)
    present = (generator.random((120, 3)) < [0.5, 0.3, 0.6]).astype(float)
    score = 5 + 1.5 * present[:, 0] - present[:, 2] + generator.normal(0, 0.8, 120)
    present[generator.random((120, 3)) < 0.1] = np.nan
    return present, score


def test_counts_of_brackets_sum_to_those_of_all_images() -> None:
    present, score = village()
    edges = score_brackets(score)
    table = co_occurrence(present, score, NAMES[:3], edges)
    assert list(table) == CO_OCCURRENCE
    assert len(table) == 3 * (len(edges) - 1)
    for i, name in enumerate(NAMES[:3]):
        part = table[table["attribute"] == name]
        assert part["low"].tolist() == edges[:-1].tolist()
        assert part["bracket_images"].sum() == 120
        assert part["having"].sum() == np.nansum(present[:, i]) == part["images_with"].iloc[0]
        assert part["images"].sum() == np.isfinite(present[:, i]).sum()
        assert np.average(part["share"].fillna(0), weights=part["images"]) == pytest.approx(part["base"].iloc[0])
        assert part["base"].iloc[0] == pytest.approx(np.nanmean(present[:, i]))
        assert part[CO_OCCURRENCE[7:]].nunique().eq(1).all()


def test_differences_are_welchs_and_sorted() -> None:
    present, score = village()
    table = co_occurrence(present, score, NAMES[:3], score_brackets(score))
    rows = table.drop_duplicates("attribute").set_index("attribute")
    assert rows.index.tolist() == ["water", "road", "trees"]
    for i, name in enumerate(NAMES[:3]):
        has, lacks = score[present[:, i] == 1], score[present[:, i] == 0]
        welch = ttest_ind(has, lacks, equal_var=False).confidence_interval(0.95)
        assert rows.loc[name, ["difference_low", "difference_high"]].tolist() == pytest.approx([welch.low, welch.high])
        assert rows.loc[name, "difference"] == pytest.approx(has.mean() - lacks.mean())
    assert rows.loc["water", "difference_low"] > 0 > rows.loc["trees", "difference_high"]
    assert rows.loc["road", "difference_low"] < 0 < rows.loc["road", "difference_high"]


def test_booleans_shares_and_scores_outside_the_edges() -> None:
    present, score = np.array([[True], [False], [True], [True]]), np.array([1.0, 2.0, 9.0, np.nan])
    table = co_occurrence(present, score, ["water"], [1, 2, 3])
    assert table[["having", "images"]].to_numpy().tolist() == [[1, 1], [0, 1]]
    assert table["images_with"].tolist() == [1, 1]
    assert table["difference_low"].isna().all()
    halves = co_occurrence(np.array([[0.5], [0.75]]), [1.0, 2.0], ["water"], [1, 2])
    assert halves["having"].tolist() == [1]


def test_an_attribute_that_all_or_few_images_have_has_no_interval_and_comes_last() -> None:
    score = np.linspace(0, 10, 40)
    present = np.stack([np.ones(40), np.arange(40) < LEAST - 1, np.arange(40) < LEAST], 1)
    rows = co_occurrence(present, score, NAMES[:3], [0, 5, 10]).drop_duplicates("attribute").set_index("attribute")
    assert rows.index[-1] == "water"
    assert np.isnan(rows.loc["water", "difference"])
    assert np.isnan(rows.loc["road", "difference_low"])
    assert np.isfinite(rows.loc["trees", "difference_low"])


def test_constant_scores_and_no_images() -> None:
    present = np.arange(20)[:, None] % 2
    constant = co_occurrence(present, np.full(20, 5.5), ["water"], score_brackets(np.full(20, 5.5)))
    row = constant.iloc[0]
    assert len(constant) == 1
    assert (row["images"], row["share"], row["difference"]) == (20, 0.5, 0)
    assert (row["difference_low"], row["difference_high"]) == (0, 0)
    empty = co_occurrence(np.zeros((0, 2)), [], NAMES[:2], score_brackets([]))
    assert empty.empty
    assert list(empty) == CO_OCCURRENCE
    assert co_occurrence(np.zeros((4, 0)), np.arange(4.0), [], [0, 1, 2, 3]).empty
    with pytest.raises(ValueError, match="images, attributes"):
        co_occurrence(np.zeros((4, 2)), np.arange(4.0), ["water"], [0, 3])
