"""The loop: it learns, chooses by validation, stops when asked, and goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from urbanlens.errors import Cancelled, ModelError
from urbanlens.training import FitResult, FitSettings, fit

SETTINGS = FitSettings(epochs=5, learning_rate=0.02, seed=3)


class Line:
    """A small network with batch norm and dropout that learns to add two numbers."""

    def __init__(self, scores: list[float] | None = None) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.module: nn.Module = nn.Sequential(
                nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1)
            )
        self.scores, self.seen, self.note = scores, [], "line"
        self.first_winner = 0

    def describe(self) -> dict[str, Any]:
        return {"note": self.note}

    def steps(self, epoch: int) -> int:
        return 8

    def batches(self, epoch: int, generator: torch.Generator) -> Iterator[Tensor]:
        self.seen.append(epoch)
        for _ in range(8):
            yield torch.rand(16, 2, generator=generator)

    def loss(self, batch: Tensor) -> Tensor:
        assert self.module.training
        return (self.module(batch).float()[:, 0] - batch.sum(1)).square().mean()

    def validate(self, epoch: int) -> dict[str, float]:
        assert not self.module.training
        points = torch.tensor([[0.2, 0.3], [0.9, 0.6]])
        error = float((self.module(points)[:, 0] - points.sum(1)).abs().mean())
        return {"score": self.scores[epoch] if self.scores else -error}

    def may_win(self, epoch: int) -> bool:
        return epoch >= self.first_winner


class Kill:
    """Progress that stops the run at a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __call__(self, done: int, total: int, what: str) -> None:
        if done == self.at:
            raise Cancelled("stop")


def weights(task: Line) -> Tensor:
    return torch.cat([value.flatten().float() for value in task.module.state_dict().values()])


def test_it_learns() -> None:
    task = Line()
    result = fit(task, replace(SETTINGS, epochs=12))
    assert result.history[-1]["loss"] < 0.2 * result.history[0]["loss"]
    assert len(result.history) == 12
    assert not task.module.training


@pytest.mark.parametrize("at", [0, 1, 8, 13, 24, 39])
def test_a_killed_run_ends_with_the_same_weights(tmp_path: Path, at: int) -> None:
    whole, killed = Line(), Line()
    expected = fit(whole, SETTINGS)
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(Cancelled):
        fit(killed, SETTINGS, checkpoint=path, progress=Kill(at))
    again = Line()
    torch.rand(3)  # the caller's own chance plays no part
    result = fit(again, SETTINGS, checkpoint=path)
    assert torch.equal(weights(again), weights(whole))
    assert again.seen == list(range(len(killed.seen) - 1, 5))
    assert (result.history, result.best_epoch) == (expected.history, expected.best_epoch)


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    first, second = Line(), Line()
    fit(first, SETTINGS, checkpoint=tmp_path / "c")
    fit(second, SETTINGS, checkpoint=tmp_path / "c")
    assert second.seen == []
    assert torch.equal(weights(first), weights(second))


def test_a_checkpoint_of_something_else_is_not_used(tmp_path: Path) -> None:
    fit(Line(), SETTINGS, checkpoint=tmp_path / "c")
    other = Line()
    other.note = "another task"
    fit(other, SETTINGS, checkpoint=tmp_path / "c")
    assert other.seen == [0, 1, 2, 3, 4]
    faster = Line()
    faster.note = "another task"
    fit(faster, replace(SETTINGS, seed=4), checkpoint=tmp_path / "c")
    assert faster.seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("data", [b"", b"nonsense", b"PK\x03\x04 cut short"])
def test_a_broken_checkpoint_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "c").write_bytes(data)
    with pytest.raises(ModelError, match="delete it"):
        fit(Line(), SETTINGS, checkpoint=tmp_path / "c")


def test_the_best_epoch_is_chosen() -> None:
    """The best by validation, the later of equals, among those that may win."""
    kept: list[Tensor] = []

    class Watched(Line):
        def validate(self, epoch: int) -> dict[str, float]:
            kept.append(weights(self))
            return super().validate(epoch)

    task = Watched([0.9, 0.3, 0.7, 0.7, 0.1])
    task.first_winner = 1
    assert fit(task, SETTINGS).best_epoch == 3
    assert torch.equal(weights(task), kept[3])


def test_the_same_seed_gives_the_same_weights_and_another_others() -> None:
    tasks = [Line() for _ in range(3)]
    for task, seed in zip(tasks, (1, 1, 2), strict=True):
        torch.rand(seed)
        fit(task, replace(SETTINGS, seed=seed))
    assert torch.equal(weights(tasks[0]), weights(tasks[1]))
    assert not torch.equal(weights(tasks[0]), weights(tasks[2]))


def test_the_callers_chance_is_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(Line(), SETTINGS)
    assert torch.equal(torch.rand(3), expected)


def test_progress_counts_every_batch() -> None:
    told: list[tuple[int, int]] = []
    fit(Line(), SETTINGS, progress=lambda done, total, what: told.append((done, total)))
    assert {total for _, total in told} == {40}
    assert sorted({done for done, _ in told}) == list(range(41))


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    task = Line()
    task.loss = lambda batch: task.module(batch).sum() * float("nan")  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="learning rate"):
        fit(task, SETTINGS)


def test_no_epochs_choose_nothing() -> None:
    assert fit(Line(), replace(SETTINGS, epochs=0)) == FitResult()
