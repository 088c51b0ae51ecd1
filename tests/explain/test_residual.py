"""Average residuals: identities, the controls, and what is said when masks do not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from urbanlens.errors import Cancelled, ModelError
from urbanlens.explain import average_residual, residuals, upsample_masks


def maps(count: int = 12, side: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, side, side), np.float32)


def test_identities() -> None:
    a, b = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    assert average_residual(a, a) == 0
    assert average_residual(a, b) == pytest.approx(average_residual(b, a))
    assert average_residual(np.zeros((1, 2, 2)), np.ones((1, 2, 2))) == 1
    assert average_residual(a, b) == pytest.approx(float(np.abs(a - b).mean()))
    assert average_residual(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(average_residual(a, b))
    c = np.random.default_rng(1).random((3, 8, 8), np.float32)
    assert average_residual(a, c) <= average_residual(a, b) + average_residual(b, c)


def test_masks_that_do_not_fit() -> None:
    with pytest.raises(ModelError, match="cannot be compared"):
        average_residual(np.zeros((2, 4, 4)), np.zeros((2, 5, 4)))
    with pytest.raises(ModelError, match="same images"):
        residuals({"a": maps(3), "b": maps(4)})
    assert np.isnan(average_residual(np.zeros((0, 4, 4)), np.zeros((0, 4, 4))))


def test_pairs_and_controls() -> None:
    one = maps(150)
    given = {"one": one, "same again": one * 3, "other": maps(150, 9, 1)}
    table = residuals(given, size=32).table().set_index(["kind", "a", "b"])["ar"]
    expected = average_residual(upsample_masks(one, 32), upsample_masks(given["other"], 32))
    assert table["pair", "one", "other"] == pytest.approx(expected, abs=1e-6)
    assert table["pair", "one", "same again"] == pytest.approx(0, abs=1e-6)
    assert table["same", "one", "one"] == 0
    assert table["shuffled", "one", "same again"] > 0.1
    assert table["random", "one", "one"] > 0.1
    assert len(table) == 3 + 3 + 3 + 3


def test_a_selection_and_its_interval() -> None:
    found = residuals({"a": maps(40), "b": maps(40, seed=1)}, size=16)
    every, some = found.table(), found.table(np.arange(10))
    assert (every["images"] == 40).all()
    assert (some["images"] == 10).all()
    pair = every[every["kind"] == "pair"].iloc[0]
    assert pair["low"] < pair["ar"] < pair["high"]
    told = some[some["kind"] == "pair"].iloc[0]
    assert told["high"] - told["low"] > pair["high"] - pair["low"]


def test_it_can_be_stopped() -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        residuals({"a": maps(), "b": maps(seed=1)}, size=16, progress=stop)
