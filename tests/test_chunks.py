"""Work in chunks: whole, resumed, and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.errors import Cancelled

KEY = ArtifactKey("squares", "collection", parameters={"power": 2})


class Squares:
    """Squares of row numbers; it remembers which rows it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, rows: range) -> Arrays:
        self.asked += list(rows)
        numbers = np.array(rows, np.int64)
        return {"square": numbers**2, "pair": np.stack([numbers, numbers], 1)}


@pytest.mark.parametrize("total", [0, 1, 4, 10])
def test_all_rows_once(tmp_path: Path, total: int) -> None:
    store, work = ArtifactStore(tmp_path), Squares()
    told: list[tuple[int, int]] = []
    found = in_chunks(store, KEY, total, work, chunk=4, progress=lambda done, all_, what: told.append((done, all_)))
    assert np.array_equal(found["square"], np.arange(total) ** 2)
    assert found["pair"].shape == (total, 2)
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert work.asked == list(range(total))
    assert [folder.name for folder in tmp_path.iterdir() if any(folder.iterdir())] == ["squares"]
    again = in_chunks(store, KEY, total, work, chunk=4)
    assert np.array_equal(again["square"], found["square"])
    assert work.asked == list(range(total))


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    store, work = ArtifactStore(tmp_path), Squares()

    def kill(done: int, total: int, what: str) -> None:
        if done == 8:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        in_chunks(store, KEY, 10, work, chunk=4, progress=kill)
    assert kept_arrays(store, KEY) is None
    assert work.asked == list(range(8))
    found = in_chunks(store, KEY, 10, work, chunk=4)
    assert work.asked == list(range(10))
    assert np.array_equal(found["square"], np.arange(10) ** 2)


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)

    def fail(rows: range) -> Arrays:
        if rows.start:
            raise OSError("no space left on device")
        return {"square": np.zeros(len(rows))}

    with pytest.raises(OSError, match="no space"):
        in_chunks(store, KEY, 10, fail, chunk=4)
    assert kept_arrays(store, KEY) is None
    assert np.array_equal(in_chunks(store, KEY, 10, Squares(), chunk=4)["square"][4:], np.arange(4, 10) ** 2)
