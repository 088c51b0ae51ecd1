"""Attributes and scores of a table: what counts, what is unknown, and what is refused with its row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.errors import CollectionError
from urbanlens.siam.annotations import (
    VOTES_MEAN,
    VOTES_VARIANCE,
    attribute_names,
    attribute_values,
    score_names,
    score_values,
)

SEA = [0.0, 1.0, 0.25, None]
ROAD = [1.0, None, 1 / 3, 0.0]


def town(root: Path, columns: Columns | None = None, **values: list[object]) -> ImageCollection:
    """Four images, or as many as a column has; no picture is ever opened."""
    count = len(next(iter(values.values()), SEA))
    ids = [f"a{n}" for n in range(count)]
    paths = [f"images/{name}.png" for name in ids]
    table = pd.DataFrame({"image_id": ids, "path": paths, "lat": 0.0, "lon": 0.0} | values)
    write_collection(root, table, title="Town", columns=columns)
    return ImageCollection.open(root)


def test_zeros_ones_shares_and_nobody_looked(tmp_path: Path) -> None:
    collection = town(tmp_path, **{"attr.sea": SEA, "attr.road": ROAD})
    assert attribute_names(collection) == ["sea", "road"]
    values = attribute_values(collection)
    assert values.shape == (4, 2)
    assert values.dtype == np.float32
    assert np.array_equal(values[:, 0], np.array([0, 1, 0.25, np.nan], "f4"), equal_nan=True)
    assert np.array_equal(values[:, 1], np.array([1, np.nan, 1 / 3, 0], "f4"), equal_nan=True)


def test_names_choose_and_order_the_columns(tmp_path: Path) -> None:
    collection = town(tmp_path, **{"attr.sea": SEA, "attr.road": ROAD})
    whole = attribute_values(collection)
    assert np.array_equal(attribute_values(collection, ["road", "sea"]), whole[:, ::-1], equal_nan=True)
    assert np.array_equal(attribute_values(collection, ["road"]), whole[:, 1:], equal_nan=True)
    assert attribute_values(collection, []).shape == (4, 0)


def test_only_the_columns_that_the_collection_names_are_attributes(tmp_path: Path) -> None:
    columns = Columns(attributes=["attr.road", "wet"])
    collection = town(tmp_path, columns, **{"attr.sea": SEA, "attr.road": ROAD, "wet": [1, 0, 1, 0]})
    assert attribute_names(collection) == ["road", "wet"]
    assert attribute_values(collection)[:, 1].tolist() == [1, 0, 1, 0]
    with pytest.raises(CollectionError, match="no attribute sea"):
        attribute_values(collection, ["sea"])


def test_a_view_has_the_values_of_its_rows(tmp_path: Path) -> None:
    collection = town(tmp_path, Columns(scores=["beauty"]), **{"attr.sea": SEA, "beauty": [1.0, 2.0, None, 4.0]})
    mask = np.array([False, True, True, False])
    view = collection.where(mask)
    assert np.array_equal(attribute_values(view), attribute_values(collection)[mask])
    assert np.array_equal(score_values(view, "beauty"), score_values(collection, "beauty")[mask], equal_nan=True)
    assert attribute_values(collection.where(np.zeros(4, bool))).shape == (0, 1)


def test_truth_values_and_numbers_as_text_are_read(tmp_path: Path) -> None:
    collection = town(tmp_path, **{"attr.sea": [True, False, None, True], "attr.road": ["0.5", "1", None, "0"]})
    expected = np.array([[1, 0.5], [0, 1], [np.nan, np.nan], [1, 0]], "f4")
    assert np.array_equal(attribute_values(collection), expected, equal_nan=True)


@pytest.mark.parametrize("wrong", [1.5, -0.25])
def test_a_value_that_is_no_share_is_named_with_its_row(wrong: float, tmp_path: Path) -> None:
    collection = town(tmp_path, **{"attr.sea": SEA, "attr.road": [1.0, None, wrong, 0.0]})
    with pytest.raises(CollectionError, match=rf"row 3 \(a2\): the attribute road is {wrong:g}; .*between 0 and 1"):
        attribute_values(collection)
    assert np.nanmax(attribute_values(collection, ["sea"])) == 1


def test_words_in_a_column_of_numbers_are_named_with_their_row(tmp_path: Path) -> None:
    columns = Columns(scores=["beauty"])
    collection = town(tmp_path, columns, **{"attr.sea": ["0", "much", None, "1"], "beauty": ["5", "6", "", "lovely"]})
    with pytest.raises(CollectionError, match=r"row 2 \(a1\): attr.sea is 'much', which is no number.*leave it empty"):
        attribute_values(collection)
    with pytest.raises(CollectionError, match=r"row 3 \(a2\): beauty is '', which is no number"):
        score_values(collection, "beauty")


def test_an_unknown_attribute_lists_the_known(tmp_path: Path) -> None:
    collection = town(tmp_path, **{"attr.sea": SEA, "attr.road": ROAD})
    with pytest.raises(CollectionError, match="no attribute trees, ice: it has sea, road"):
        attribute_values(collection, ["sea", "trees", "ice"])
    with pytest.raises(CollectionError, match=r"no attribute attr\.sea"):
        attribute_values(collection, ["attr.sea"])


def test_no_attributes_at_all(tmp_path: Path) -> None:
    collection = town(tmp_path)
    assert attribute_names(collection) == []
    for names in (None, [], ["sea"]):
        with pytest.raises(CollectionError, match=r"has no attributes: its table needs columns such as attr\.trees"):
            attribute_values(collection, names)


def test_infinite_numbers_are_unknown_or_refused(tmp_path: Path) -> None:
    collection = town(tmp_path, Columns(scores=["beauty"]), beauty=[1.0, np.inf, -np.inf, np.nan])
    assert np.array_equal(score_values(collection, "beauty"), [1, np.nan, np.nan, np.nan], equal_nan=True)


def test_votes_by_hand(tmp_path: Path) -> None:
    first, second = [0] * 10, [0] * 10
    first[0], first[9] = 1, 3  # the mark 1 once, the mark 10 three times
    second[4] = 7
    columns = Columns(scores=["beauty"], votes="votes")
    votes = [first, second, [0] * 10, None, [1, 2, 3]]
    collection = town(tmp_path, columns, votes=votes, beauty=[1.0, 2.0, 3.0, 4.0, None])
    assert score_names(collection) == ["beauty", VOTES_MEAN, VOTES_VARIANCE]
    mean, variance = (score_values(collection, name) for name in (VOTES_MEAN, VOTES_VARIANCE))
    assert mean.dtype == variance.dtype == np.float32
    assert mean[:2].tolist() == [31 / 4, 5]
    assert variance[:2].tolist() == pytest.approx([(6.75**2 + 3 * 2.25**2) / 4, 0])
    assert np.isnan(mean[2:]).all()
    assert np.isnan(variance[2:]).all()
    assert np.array_equal(score_values(collection, "beauty"), [1, 2, 3, 4, np.nan], equal_nan=True)


def test_votes_are_the_moments_of_the_marks(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).integers(0, 30, (12, 10))
    collection = town(tmp_path, Columns(votes="marks"), marks=counts.tolist())
    for row, one in enumerate(counts):
        marks = np.repeat(np.arange(1, 11), one)
        assert score_values(collection, VOTES_MEAN)[row] == pytest.approx(marks.mean())
        assert score_values(collection, VOTES_VARIANCE)[row] == pytest.approx(marks.var(), rel=1e-5)


@pytest.mark.parametrize("name", ["ugliness", "", VOTES_MEAN, "image_id", "attr.sea"])
def test_a_score_that_is_missing_lists_the_known(name: str, tmp_path: Path) -> None:
    collection = town(tmp_path, Columns(scores=["beauty"]), **{"attr.sea": SEA, "beauty": SEA})
    with pytest.raises(CollectionError, match=rf"no score {name!r}: it has beauty"):
        score_values(collection, name)


def test_no_score_at_all(tmp_path: Path) -> None:
    collection = town(tmp_path)
    assert score_names(collection) == []
    with pytest.raises(CollectionError, match="none: its table needs a column of numbers, or of votes"):
        score_values(collection, "beauty")
