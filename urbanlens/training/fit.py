"""The one loop that every task learns by.

After each epoch everything is kept beside the model: a killed run that is started again goes on from there, and
ends with the same weights as one that was never killed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from urbanlens.errors import ModelError
from urbanlens.progress import Progress, silent
from urbanlens.training.checkpoint import Groups, fill_optimizer, optimizer_tensors, read_checkpoint, write_checkpoint

OPTIMIZERS = ("adam", "sgd")
MOMENTUM = 0.9
"""Of stochastic gradient descent."""


class Task(Protocol):
    """What is learnt. The loop knows nothing of images or labels."""

    module: nn.Module

    def describe(self) -> dict[str, Any]:
        """What the result depends on, as plain JSON; a checkpoint of anything else is not used."""

    def steps(self, epoch: int) -> int:
        """How many batches an epoch has."""

    def batches(self, epoch: int, generator: torch.Generator) -> Iterable[Any]:
        """The batches of an epoch; all chance comes from the generator."""

    def loss(self, batch: Any) -> Tensor:
        """The loss of a batch, a scalar; called in train mode under autocast."""

    def validate(self, epoch: int) -> dict[str, float]:
        """Measures on the validation images, among them `score`: the higher the better. Called in eval mode."""

    def may_win(self, epoch: int) -> bool:
        """Whether the weights after this epoch may be chosen; false in stages that only prepare."""


@dataclass(frozen=True)
class FitSettings:
    """How to learn, after a short linear warm-up.

    Attributes
    ----------
    epochs, learning_rate, weight_decay, seed, device : as they say
    warm_up : share of all batches over which the rate rises
    schedule : how the rate then falls: `cosine` to 0 at the end; `step`, times 0.1 every 10 epochs; `constant`, never
    optimizer : Adam with decoupled weight decay (with a decay of 0, plain Adam), or stochastic gradient descent with a
        momentum of 0.9
    """

    epochs: int
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warm_up: float = 0.05
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    seed: int = 0
    device: str = "cpu"
    optimizer: Literal["adam", "sgd"] = "adam"


@dataclass
class FitResult:
    """What happened: one dict of measures an epoch, the chosen epoch, and the seconds spent in all runs together."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    seconds: float = 0.0

    @property
    def best_score(self) -> float:
        """Validation score of the chosen epoch."""
        return self.history[self.best_epoch]["score"] if self.best_epoch >= 0 else float("-inf")


def fit(task: Task, settings: FitSettings, *, checkpoint: Path | None = None, progress: Progress = silent) -> FitResult:
    """Learn, and leave the weights of the best epoch by validation in `task.module`, in eval mode.

    Parameters
    ----------
    task : what to learn
    settings : how
    checkpoint : file that keeps the state after each epoch; a run with the same task and settings goes on from it.
        The caller deletes it when the result is safe
    progress : told the batches done; what it raises ends the run, and the last whole epoch stays kept

    Raises
    ------
    ModelError
        Where the loss is no number, or the checkpoint cannot be read.
    """
    run = _Run(task, settings, checkpoint)
    run.restore()
    starts = [0]
    for epoch in range(settings.epochs):
        starts.append(starts[-1] + task.steps(epoch))
    for epoch in range(len(run.result.history), settings.epochs):
        began = time.monotonic()
        measures = run.learn(epoch, starts, progress)
        task.module.eval()
        with torch.no_grad():
            measures |= task.validate(epoch)
        run.result.seconds += time.monotonic() - began
        run.finish(epoch, measures)
    if run.best is not None:
        task.module.load_state_dict(run.best)
    task.module.eval()
    return run.result


class _Run:
    """The moving parts of one training run."""

    def __init__(self, task: Task, settings: FitSettings, checkpoint: Path | None) -> None:
        self.task, self.settings, self.checkpoint = task, settings, checkpoint
        self.device = torch.device(settings.device)
        task.module.to(self.device)
        task.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(task.module, settings)
        self.half = half_type(self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half is torch.float16)
        self.result = FitResult()
        self.best: dict[str, Tensor] | None = None

    def learn(self, epoch: int, starts: list[int], progress: Progress) -> dict[str, float]:
        """One pass over the training images."""
        self.task.module.train()
        generator = torch.Generator().manual_seed(self.settings.seed * 100_003 + epoch)
        total, losses = starts[-1], 0.0
        # Dropout draws from torch's own generator: seeded inside the fork, the caller's is left as it was.
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(self.settings.seed * 100_003 + epoch)
            for step, batch in enumerate(self.task.batches(epoch, generator), start=starts[epoch]):
                progress(step, total, f"epoch {epoch + 1} of {self.settings.epochs}, batch")
                losses += self.step(batch, self.rate(epoch, step, total))
        progress(starts[epoch + 1], total, f"epoch {epoch + 1} of {self.settings.epochs}, batch")
        return {"epoch": epoch, "loss": losses / max(1, self.task.steps(epoch))}

    def step(self, batch: Any, rate: float) -> float:
        """One batch."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(self.device, self.half):
            loss = self.task.loss(batch)
        value = float(loss.detach())
        if value != value or abs(value) == float("inf"):
            raise ModelError(f"the loss became {value}: train again with a lower learning rate")
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return value

    def rate(self, epoch: int, step: int, total: int) -> float:
        """Learning rate of a batch."""
        rising = max(1, round(self.settings.warm_up * total))
        if self.settings.warm_up and step < rising:
            return self.settings.learning_rate * (step + 1) / rising
        if self.settings.schedule == "constant":
            return self.settings.learning_rate
        if self.settings.schedule == "step":
            return float(self.settings.learning_rate * 0.1 ** (epoch // 10))
        return self.settings.learning_rate * (1 + cos(pi * (step - rising) / max(1, total - rising))) / 2

    def finish(self, epoch: int, measures: dict[str, float]) -> None:
        """Note an epoch's measures, keep its weights where they are the best, and write the checkpoint."""
        best_before = self.result.best_score
        self.result.history.append(measures)
        if self.task.may_win(epoch) and measures["score"] >= best_before:
            self.result.best_epoch = epoch
            self.best = {name: value.detach().clone() for name, value in self.task.module.state_dict().items()}
        if self.checkpoint is not None:
            write_checkpoint(self.checkpoint, self._tensors(), self._notes())

    def restore(self) -> None:
        """Go on from the checkpoint where there is one of the same task and settings."""
        if self.checkpoint is None or not self.checkpoint.is_file():
            return
        groups, notes = read_checkpoint(self.checkpoint)
        if notes["depends"] != self._depends():
            return
        self.task.module.load_state_dict(groups["module"])
        fill_optimizer(self.optimizer, groups.get("optimizer", {}))
        self.scaler.load_state_dict(notes["scaler"])
        self.best = groups.get("best")
        self.result = FitResult(notes["history"], notes["best_epoch"], notes["seconds"])

    def _tensors(self) -> Groups:
        return {
            "module": self.task.module.state_dict(),
            "optimizer": optimizer_tensors(self.optimizer),
            "best": self.best or {},
        }

    def _notes(self) -> dict[str, Any]:
        return {
            "depends": self._depends(),
            "scaler": self.scaler.state_dict(),
            "history": self.result.history,
            "best_epoch": self.result.best_epoch,
            "seconds": self.result.seconds,
        }

    def _depends(self) -> str:
        return json.dumps({"settings": asdict(self.settings), "task": self.task.describe()}, sort_keys=True)


def _optimizer(module: nn.Module, settings: FitSettings) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(module.parameters(), rate, momentum=MOMENTUM, weight_decay=decay)
    return torch.optim.AdamW(module.parameters(), rate, weight_decay=decay)


def half_type(device: torch.device) -> torch.dtype:
    """The short float type that the device is fast with: bfloat16, or float16 on older GPUs."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def autocast(device: torch.device, half: torch.dtype) -> AbstractContextManager[Any]:
    """Convolutions and products in the short type, everything delicate in float32."""
    return torch.autocast(device.type, half)
