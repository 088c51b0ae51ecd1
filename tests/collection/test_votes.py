"""Votes and tags of a table: what counts, what is unknown, and what is told with its row and image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.collection.samples import photos
from urbanlens.collection import Columns, ImageCollection, check, write_collection
from urbanlens.collection.votes import (
    HIGH_ABOVE,
    HIGH_LOW,
    MARK_NAMES,
    MARKS,
    MIDDLE,
    fault_texts,
    is_extreme,
    mean_of,
    read_votes,
    spread_of,
    tag_counts,
    tag_shares,
    tags_of,
    votes_of,
)
from urbanlens.errors import CollectionError
from urbanlens.siam.annotations import VOTES_MEAN, VOTES_VARIANCE, score_values

FINE = [0, 1, 5, 17, 38, 36, 15, 6, 5, 1]


def cells(*given: object) -> pd.Series[Any]:
    """A column of whatever is given, as it is."""
    column = pd.Series([None] * len(given), dtype=object)
    for row, cell in enumerate(given):
        column.iat[row] = cell
    return column


def town(root: Path, votes: list[Any] | None = None, tags: list[Any] | None = None) -> ImageCollection:
    """An image for each cell; no picture is ever opened."""
    count = len(votes or tags or [None] * 3)
    ids = [f"a{number}" for number in range(count)]
    table = pd.DataFrame({"image_id": ids, "path": [f"images/{name}.png" for name in ids], "lat": 0.0, "lon": 0.0})
    columns = Columns(votes="marks" if votes else None, tags="words" if tags else None)
    write_collection(
        root, table.assign(**({"marks": votes} if votes else {}), **({"words": tags} if tags else {})), title="Town",
        columns=columns,
    )  # fmt: skip
    return ImageCollection.open(root)


def test_means_and_spreads_are_the_moments_of_the_marks() -> None:
    counts = np.random.default_rng(0).integers(0, 30, (20, 10))
    votes = read_votes(cells(*counts.tolist()))
    for row, one in enumerate(counts):
        marks = np.repeat(MARKS, one)
        assert votes.mean[row] == pytest.approx(marks.mean())
        assert votes.spread[row] == pytest.approx(marks.std())
        assert np.allclose(votes.shares[row], one / one.sum())
    assert votes.known.all()
    assert votes.faults == ()
    assert np.array_equal(votes.counts, counts)
    assert np.allclose(votes.shares.sum(1), 1)


def test_all_voters_of_one_mind() -> None:
    votes = read_votes(cells(*(10 * np.eye(10)).tolist()))
    assert votes.mean.tolist() == pytest.approx(MARKS.tolist())
    assert votes.spread.tolist() == pytest.approx([0] * 10)
    assert votes.high.tolist() == [False] * 5 + [True] * 5


@pytest.mark.parametrize("times", [1, 3, 7, 11, 30])
def test_a_mean_of_exactly_the_middle_is_not_high(times: int) -> None:
    """However it is rounded."""
    halves = [[0] * 10 for _ in range(4)]
    for row, (low, high) in enumerate([(4, 6), (1, 9), (3, 7), (2, 8)]):
        halves[row][low - 1] = halves[row][high - 1] = times
        halves[row][4] += times
    votes = read_votes(cells(*halves))
    assert np.allclose(votes.mean, HIGH_ABOVE)
    assert not votes.high.any()
    more = [[*row[:9], row[9] + 1] for row in halves]
    assert read_votes(cells(*more)).high.all()


@pytest.mark.parametrize("nobody", [None, np.nan, pd.NA, float("nan"), [], (), np.array([])], ids=repr)
def test_nobody_voted(nobody: object) -> None:
    votes = read_votes(cells(FINE, nobody))
    assert votes.faults == ()
    assert votes.known.tolist() == [True, False]
    assert np.isnan(votes.counts[1]).all() and np.isnan(votes.shares[1]).all()
    assert np.isnan(votes.mean[1]) and np.isnan(votes.spread[1])
    assert not votes.high[1]


@pytest.mark.parametrize(
    "kind", [list, tuple, np.array, lambda row: np.array(row, "u1"), lambda row: [str(x) for x in row]]
)
def test_ten_counts_of_any_kind(kind: Any) -> None:
    votes = read_votes(cells(kind(FINE)))
    assert votes.faults == ()
    assert votes.counts[0].tolist() == FINE


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([0] * 10, "all 0: nobody voted"),
        (FINE[:9], "9 counts of votes where 10 are needed, one for each mark from 1 to 10"),
        ([*FINE, 0], "11 counts of votes"),
        (np.arange(3), "3 counts of votes"),
        ([*FINE[:9], -1], "ten counts from 0 on are needed"),
        ([*FINE[:9], None], "ten counts from 0 on are needed"),
        ([*FINE[:9], np.nan], "ten counts from 0 on are needed"),
        ([*FINE[:9], np.inf], "ten counts from 0 on are needed"),
        ([*FINE[:9], "many"], "ten numbers are needed"),
        ([*FINE[:9], [1]], "ten numbers are needed"),
        ([[1]] * 10, "ten numbers are needed"),
        ("many", "votes are 'many' where a list of ten counts is needed"),
        ("0 1 5 17 38 36 15 6 5 1", "where a list of ten counts is needed"),
        (7, "votes are 7 where a list"),
        ({"1": 5}, "where a list of ten counts is needed"),
    ],
)
def test_votes_that_make_no_sense(given: object, why: str) -> None:
    votes = read_votes(cells(FINE, given, FINE))
    assert [row for row, _ in votes.faults] == [1]
    assert why in votes.faults[0][1]
    assert votes.known.tolist() == [True, False, True]
    assert np.isnan(votes.mean[1])


def test_faults_name_their_row_and_image(tmp_path: Path) -> None:
    collection = town(tmp_path, [FINE, [0] * 10, None, FINE[:9], FINE[:8], FINE[:7], FINE])
    votes = votes_of(collection)
    assert votes.known.tolist() == [True, False, False, False, False, False, True]
    told = fault_texts(collection, votes)
    assert told[0] == "row 2 (a1): its ten counts of votes are all 0: nobody voted"
    assert told[1].startswith("row 4 (a3): it has 9 counts")
    assert told[3:] == ["and 1 more such rows"]
    assert len(fault_texts(collection, votes, most=10)) == 4
    assert fault_texts(collection, read_votes(cells(FINE))) == []


def test_a_table_keeps_votes_as_they_are(tmp_path: Path) -> None:
    collection = town(tmp_path, [FINE, None, np.array(FINE)])
    votes = votes_of(collection)
    assert votes.known.tolist() == [True, False, True]
    assert votes.counts[[0, 2]].tolist() == [FINE, FINE]
    view = votes_of(collection.where(np.array([False, True, True])))
    assert np.array_equal(view.counts, votes.counts[1:], equal_nan=True)


def test_a_collection_without_votes_says_what_it_needs(tmp_path: Path) -> None:
    collection = town(tmp_path)
    with pytest.raises(CollectionError, match=r"has no votes: its table needs a column `votes` of lists, .* 1 to 10"):
        votes_of(collection)
    assert tags_of(collection) == [()] * 3


@pytest.mark.parametrize("name", [VOTES_MEAN, VOTES_VARIANCE])
def test_siam_explains_the_same_votes(tmp_path: Path, name: str) -> None:
    """As it did before: the moments of the marks, unknown where there are no ten counts."""
    counts = np.random.default_rng(1).integers(0, 9, (6, 10))
    collection = town(tmp_path, [*counts.tolist(), None, FINE[:3], [0] * 10])
    found = score_values(collection, name)
    for row, one in enumerate(counts):
        marks = np.repeat(MARKS, one)
        assert found[row] == pytest.approx(marks.mean() if name == VOTES_MEAN else marks.var(), rel=1e-6)
    assert np.isnan(found[6:]).all()
    assert found.dtype == np.float32


def test_mean_and_spread_of_shares() -> None:
    shares = np.random.default_rng(2).dirichlet(np.ones(10), 50)
    assert np.allclose(mean_of(shares), (shares * MARKS).sum(1))
    assert np.allclose(spread_of(shares) ** 2, (shares * MARKS**2).sum(1) - mean_of(shares) ** 2)
    assert mean_of(shares[:0]).shape == spread_of(shares[:0]).shape == (0,)
    assert mean_of(shares.astype(np.float32)).dtype == np.float64


def test_extreme_means() -> None:
    means = np.array([1, 4.49, MIDDLE[0], 5, MIDDLE[1], 6.51, 10, np.nan])
    assert is_extreme(means).tolist() == [True, True, False, False, False, True, True, False]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_means_on_the_edge_of_the_middle_are_not_extreme(dtype: type) -> None:
    """However they are rounded: a network learns them in short floats."""
    counts = np.random.default_rng(0).integers(1, 99, (200, 4))
    for edge, below in ((MIDDLE[0], 4), (MIDDLE[1], 6)):
        votes = np.zeros((200, 10))
        votes[:, below - 4 : below], votes[:, below : below + 4] = counts, counts[:, ::-1]
        shares = (votes / votes.sum(1, keepdims=True)).astype(dtype)
        assert np.allclose(mean_of(shares), edge, atol=1e-5)
        assert not is_extreme(shares @ MARKS.astype(dtype)).any()
        assert is_extreme(shares @ MARKS + np.sign(edge - 5) * 0.01).all()


def test_names_of_the_marks() -> None:
    assert (MARK_NAMES[0], MARK_NAMES[9], len(MARK_NAMES)) == ("mark 1", "mark 10", 10)
    assert HIGH_LOW == ("low", "high")


def test_tags(tmp_path: Path) -> None:
    collection = town(tmp_path, tags=[["sea", "dusk", "sea"], [], None, ["dusk"], ["sea", None]])
    tags = tags_of(collection)
    assert tags == [("sea", "dusk"), (), (), ("dusk",), ("sea",)]
    assert tag_counts(tags) == {"dusk": 2, "sea": 2}
    assert list(tag_counts([("b",), ("c", "b"), ("a", "c"), ("c",)])) == ["c", "b", "a"]
    assert tag_counts([(), ()]) == {}


def test_shares_of_tags() -> None:
    tags = [("sea", "dusk"), (), ("dusk",), ("unknown",), ("unknown", "sea")]
    shares = tag_shares(tags, ("dusk", "sea", "ice"))
    assert shares.tolist() == [[0.5, 0.5, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert shares.dtype == np.float32
    assert tag_shares(tags, ()).shape == (5, 0)
    assert tag_shares([], ("dusk",)).shape == (0, 1)


def test_check_names_votes_that_make_no_sense(tmp_path: Path) -> None:
    photos(tmp_path / "images", 4)
    town(tmp_path, [FINE, FINE[:9], None, [0] * 10])
    problems = check(tmp_path).problems
    assert [problem.where for problem in problems] == ["images.parquet, row 2 (a1)", "images.parquet, row 4 (a3)"]
    assert "9 counts of votes where 10 are needed" in problems[0].what
    assert "nobody voted" in problems[1].what


def test_check_says_once_that_votes_are_no_lists(tmp_path: Path) -> None:
    photos(tmp_path / "images", 3)
    town(tmp_path, ["many", "few", "none"])
    assert [problem.what for problem in check(tmp_path).problems] == ["marks is 'many' where a list is needed"]
