import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.embedding import nearest
from urbanlens.embedding.index import NearestIndex, open_index
from urbanlens.embedding.lists import Plan
from urbanlens.embedding.nearest import unit_rows
from urbanlens.errors import Cancelled

KEY = ArtifactKey("index", "some collection")


def grouped(count: int, groups: int, size: int = 16, spread: float = 0.5, seed: int = 0) -> np.ndarray:
    """Rows of length 1 around some centres."""
    random = np.random.default_rng(seed)
    centres = unit_rows(random.normal(size=(groups, size)).astype(np.float32))
    rows = centres[random.integers(0, groups, count)] + spread / size**0.5 * random.normal(size=(count, size))
    return unit_rows(rows.astype(np.float32))


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    return grouped(20_000, 300)


@pytest.fixture(scope="module")
def listed(many: np.ndarray) -> NearestIndex:
    return NearestIndex(many, exact_up_to=5_000)


def by_hand(query: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    exact = unit_rows(rows).astype(np.float64) @ (query / np.linalg.norm(query)).astype(np.float64)
    return np.argsort(-exact, kind="stable")[:k]


def recall(index: NearestIndex, rows: np.ndarray, queries: np.ndarray, k: int = 10) -> float:
    found = index.search(queries, k)[0]
    return float(
        np.mean([np.isin(by_hand(query, rows, k), one).mean() for query, one in zip(queries, found, strict=True)])
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_exact_index_finds_what_comparing_all_finds(seed: int) -> None:
    rows = grouped(3000, 40, size=100, seed=seed) * np.random.default_rng(seed).uniform(0.2, 5, (3000, 1))
    index = NearestIndex(rows)
    assert index.exact
    assert index.how == "exactly"
    far = np.random.default_rng(seed + 9).normal(size=(20, 100)).astype(np.float32)
    for query in (*rows[::150], *far):
        found, similarity = index.search(query, 7)
        np.testing.assert_array_equal(found, by_hand(query, rows, 7))
        np.testing.assert_array_equal(found, nearest(query, rows, 7)[0])
        assert (np.diff(similarity) <= 0).all()
    own, similarity = index.search(rows[:50], 1)
    assert own[:, 0].tolist() == list(range(50))
    np.testing.assert_allclose(similarity, 1, atol=1e-6)


def test_only_allowed_rows_are_found_and_never_one_of_zeros() -> None:
    rows = grouped(500, 5)
    rows[[3, 8]] = 0
    index, odd = NearestIndex(rows), np.arange(500) % 2 == 1
    found, _ = index.search(rows[4], 600, odd)
    assert sorted(found) == sorted(set(range(1, 500, 2)) - {3})
    assert index.search(rows[4], 1000)[0].tolist() == index.search(rows[4], 498)[0].tolist()
    assert not {3, 8} & set(index.search(rows[4], 498)[0].tolist())
    assert index.search(rows[4], 5, np.zeros(500, bool))[0].shape == (0,)
    assert index.search(rows[:3], 5, np.zeros(500, bool))[1].shape == (3, 0)
    everything = index.search(np.zeros(16), 4)  # a picture that cannot be read is as near to all
    assert everything[0].tolist() == [0, 1, 2, 4]


@pytest.mark.parametrize("count", [40, 1001])
def test_equal_rows_come_in_their_order(count: int) -> None:
    rows = np.repeat(grouped(count, 4, size=37)[:1], count, axis=0)
    rows[5] = -rows[5]
    expected = [row for row in range(12) if row != 5][:9]
    for found in (NearestIndex(rows).search(rows[0], 9)[0], nearest(rows[0], rows, 9)[0]):
        assert found.tolist() == expected


def test_lists_find_almost_all_that_comparing_all_finds(listed: NearestIndex, many: np.ndarray) -> None:
    assert not listed.exact
    assert listed.plan is not None
    assert 1 <= listed.plan.visited <= len(listed.plan.centres) / 4
    assert f"in {listed.plan.visited} of {len(listed.plan.centres)} lists" in listed.how
    queries = many[7::100]
    between = unit_rows(0.7 * queries + 0.3 * many[11::100])
    assert recall(listed, many, queries) >= 0.99
    assert recall(listed, many, between) >= 0.98
    own, similarity = listed.search(queries, 1)
    assert own[:, 0].tolist() == list(range(7, 20_000, 100))
    np.testing.assert_allclose(similarity, 1, atol=1e-6)


def test_lists_keep_to_the_allowed_rows(listed: NearestIndex, many: np.ndarray) -> None:
    third = np.arange(len(many)) % 3 == 0
    few = np.flatnonzero(third)
    hits = []
    for query in many[5::400]:
        found, _ = listed.search(query, 10, third)
        assert third[found].all()
        hits.append(np.isin(few[by_hand(query, many[third], 10)], found).mean())
    assert np.mean(hits) >= 0.97
    scarce = np.zeros(len(many), bool)
    scarce[[17, 4, 9_000]] = True
    found, _ = listed.search(many[4], 10, scarce)
    assert found[0] == 4
    assert sorted(found) == [4, 17, 9_000]


def test_lists_are_kept_and_give_the_same_again(many: np.ndarray, listed: NearestIndex, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)

    def stop(done: int, total: int, what: str) -> None:
        if done > 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        open_index(many, store, KEY, exact_up_to=5_000, progress=stop)
    assert store.find(KEY) is None
    seen: list[tuple[int, int]] = []
    first = open_index(
        many, store, KEY, exact_up_to=5_000, progress=lambda done, total, what: seen.append((done, total))
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]
    again = open_index(many, store, KEY, exact_up_to=5_000, progress=stop)  # nothing is left to do or to stop
    np.testing.assert_array_equal(again.search(many[:40], 10)[0], first.search(many[:40], 10)[0])
    assert again.how == first.how == listed.how
    with pytest.raises(ValueError, match="build the index without it"):
        NearestIndex(many[:-1], plan=again.plan, exact_up_to=5_000)


def test_rows_without_groups_are_compared_one_by_one() -> None:
    noise = unit_rows(np.random.default_rng(0).normal(size=(6_000, 64)).astype(np.float32))
    index = NearestIndex(noise, exact_up_to=2_000)
    assert index.exact
    assert "form no groups" in index.how
    assert isinstance(index.plan, Plan)
    assert recall(index, noise, noise[:20]) == 1


def test_without_faiss_the_search_is_exact_and_says_so(many: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    index = NearestIndex(many, exact_up_to=5_000)
    assert index.exact
    assert index.plan is None
    assert "pip install faiss-cpu" in index.how
    np.testing.assert_array_equal(index.search(many[3], 10)[0], by_hand(many[3], many, 10))


def test_few_rows_and_no_rows() -> None:
    none = NearestIndex(np.zeros((0, 8)))
    assert none.search(np.ones(8), 3)[0].shape == (0,)
    one = NearestIndex(np.ones((1, 8)))
    assert one.search(np.ones((2, 8)), 3)[0].tolist() == [[0], [0]]
    assert NearestIndex(grouped(1000, 4), exact_up_to=10).how == "exactly"


def test_rows_of_zeros_are_in_no_list(many: np.ndarray, listed: NearestIndex) -> None:
    rows = many.copy()
    rows[[0, 500]] = 0
    with pytest.raises(ValueError, match="build the index without it"):
        NearestIndex(rows, plan=listed.plan, exact_up_to=5_000)
    index = NearestIndex(rows, exact_up_to=5_000)
    assert not index.exact
    found = index.search(np.concatenate([many[[0, 500]], np.zeros((1, 16))]), 50)[0]
    assert found.shape == (3, 50)
    assert not {0, 500} & set(found.ravel().tolist())


def test_errors_say_what_to_do() -> None:
    index = NearestIndex(np.eye(4))
    with pytest.raises(ValueError, match="N images by D"):
        NearestIndex(np.ones(4))
    with pytest.raises(ValueError, match="rows of zeros"):
        NearestIndex(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="same network"):
        index.search(np.ones(3))
    with pytest.raises(ValueError, match="at least 1"):
        index.search(np.ones(4), 0)
    with pytest.raises(ValueError, match="one truth value for each of 4 images"):
        index.search(np.ones(4), 1, np.array([0, 1]))


def test_few_images_load_no_faiss() -> None:
    code = "import sys, numpy as np; from urbanlens.embedding.index import NearestIndex; "
    code += "NearestIndex(np.eye(4)).search(np.ones(4)); print({'faiss', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
