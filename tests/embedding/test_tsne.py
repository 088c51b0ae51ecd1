"""t-SNE: groups and neighbours are kept, a seed is a plane, and a wish to stop is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactStore
from urbanlens.embedding import kept_projection, project
from urbanlens.embedding import tsne as module
from urbanlens.embedding.quality import neighbours_kept, trustworthiness
from urbanlens.embedding.tsne import tsne, without_self
from urbanlens.errors import Cancelled


def planted(groups: int = 8, each: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Groups that lie on curves in 20 dimensions."""
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(groups), each)
    along = random.random((groups * each, 1)) * random.normal(size=(groups, 20))[truth]
    rows = 4 * random.normal(size=(groups, 20))[truth] + 3 * along + 0.1 * random.normal(size=along.shape)
    return rows.astype(np.float32), truth


@pytest.mark.parametrize("forces", ["bh", "fft"])
def test_groups_and_neighbours_are_kept(forces: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FFT_FROM", 0 if forces == "fft" else 10_000)
    monkeypatch.setattr(module, "MAIN", 150)
    rows, truth = planted()
    plane = project(rows, "tsne", seed=1)
    assert trustworthiness(rows, plane) > 0.98
    assert neighbours_kept(rows, plane) > 0.6
    gaps = np.linalg.norm(plane[:, None] - plane, axis=2)
    np.fill_diagonal(gaps, np.inf)
    assert (truth[gaps.argmin(axis=1)] == truth).mean() > 0.99


@pytest.mark.parametrize("threads_from", [0, 5_000])
def test_a_seed_is_a_plane(threads_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "THREADS_FROM", threads_from)
    monkeypatch.setattr(module, "MAIN", 50)
    rows, _ = planted(4, 40)
    np.testing.assert_array_equal(tsne(rows, 1), tsne(rows, 1))
    assert (tsne(rows, 1) != tsne(rows, 2)).any()


@pytest.mark.parametrize("count", [10, 40])
def test_equal_rows_give_a_plane(count: int) -> None:
    rows = np.ones((count, 6), np.float32)
    assert np.isfinite(project(rows, "tsne")).all()
    rows[: count // 3] = 0
    plane = project(rows, "tsne")
    assert np.isfinite(plane).all()
    assert np.ptp(plane[: count // 3], axis=0).max() < 0.1 < np.ptp(plane, axis=0).max()


def test_progress_goes_from_nothing_to_all() -> None:
    seen: list[tuple[int, int]] = []
    project(planted(4, 20)[0], "tsne", progress=lambda done, total, what: seen.append((done, total)))
    done = [each for each, _ in seen]
    assert done == sorted(done)
    assert len({total for _, total in seen}) == 1
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1]
    assert len(seen) > 50


@pytest.mark.parametrize("at", [0, 100, 400])
def test_a_wish_to_stop_is_heard_at_once_and_nothing_is_kept(at: int, tmp_path: Path) -> None:
    seen: list[int] = []

    def stop(done: int, total: int, what: str) -> None:
        seen.append(done)
        if done >= at:
            raise Cancelled("enough")

    store, rows = ArtifactStore(tmp_path), planted(4, 20)[0]
    with pytest.raises(Cancelled):
        kept_projection(store, "city", rows, "tsne", progress=stop)
    assert seen[-1] <= at + 10
    assert kept_projection(store, "city", rows, "tsne", compute=False) is None


def test_a_row_is_not_its_own_neighbour() -> None:
    own = np.array([5, 6, 7])
    near = np.array([[5, 1, 2], [3, 6, 4], [0, 1, 2]])  # first, in between, and lost among equals
    index, far = without_self(own, near, near * 0.5)
    assert index.tolist() == [[1, 2], [3, 4], [0, 1]]
    assert far.tolist() == [[0.5, 1], [1.5, 2], [0, 0.5]]
