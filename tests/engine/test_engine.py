"""The engine: loads once, keeps within its limit, locks, halves, and gives models back as they came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from urbanlens.engine import DeviceMemoryError, Engine, choose_device, default_memory_limit, map_batches, prepare
from urbanlens.errors import ModelError

BYTES = 4 * (10 * 10 + 10)
"""Of one `nn.Linear(10, 10)`."""


class Shelf:
    """Loaders that count."""

    def __init__(self) -> None:
        self.loads: list[str] = []

    def loader(self, name: str) -> Callable[[], nn.Module]:
        def load() -> nn.Module:
            self.loads.append(name)
            return nn.Linear(10, 10)

        return load


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def touch(engine: Engine, shelf: Shelf, *names: str) -> None:
    for name in names:
        with engine.use(name, shelf.loader(name)):
            pass


def test_loads_once(shelf: Shelf) -> None:
    engine = Engine("cpu")
    with engine.use("a", shelf.loader("a")) as first:
        pass
    with engine.use("a", shelf.loader("a")) as second:
        assert second is first
    assert shelf.loads == ["a"]
    assert engine.used_bytes == BYTES


def test_the_least_recently_used_goes_first(shelf: Shelf) -> None:
    engine = Engine("cpu", memory_limit=2 * BYTES)
    touch(engine, shelf, "a", "b", "a", "c")
    assert engine.keys == ["a", "c"]
    assert engine.used_bytes == 2 * BYTES
    touch(engine, shelf, "a", "c", "b")
    assert shelf.loads == ["a", "b", "c", "b"]


def test_what_is_in_use_stays_above_the_limit(shelf: Shelf) -> None:
    engine = Engine("cpu", memory_limit=0)
    with engine.use("a", shelf.loader("a")) as first, engine.use("b", shelf.loader("b")):
        assert engine.keys == ["a", "b"]
        with engine.use("a", shelf.loader("a")) as again:
            assert again is first
    assert engine.keys == []
    assert engine.used_bytes == 0


def test_a_model_with_its_belongings(shelf: Shelf) -> None:
    """Something with a network as `.module` is handed out whole."""
    thing = SimpleNamespace(module=nn.Linear(10, 10), name="mine")
    engine = Engine("cpu")
    with engine.use("a", lambda: thing) as lent:
        assert lent is thing
    assert engine.used_bytes == BYTES


def test_a_failed_load_is_not_remembered(shelf: Shelf) -> None:
    engine = Engine("cpu")

    def fail() -> nn.Module:
        raise ModelError("planted")

    with pytest.raises(ModelError, match="planted"), engine.use("a", fail):
        pass
    with pytest.raises(ModelError, match=r"nn\.Module"), engine.use("a", lambda: 5):  # type: ignore[arg-type]
        pass
    assert engine.keys == []
    touch(engine, shelf, "a")
    assert engine.keys == ["a"]


def test_models_come_back_unchanged(shelf: Shelf) -> None:
    """Modes, hooks, gradients and requires_grad are put back, also after an exception."""
    engine = Engine("cpu")
    touch(engine, shelf, "a")
    with pytest.raises(RuntimeError, match="planted"), engine.use("a", shelf.loader("a")) as model:
        model.eval()
        model.weight.requires_grad_(False)
        model.bias.grad = torch.ones(10)
        model.register_forward_hook(lambda *call: None)
        raise RuntimeError("planted")
    with engine.use("a", shelf.loader("a")) as model:
        assert model.training
        assert model.weight.requires_grad
        assert model.bias.grad is None
        assert not model._forward_hooks
    assert shelf.loads == ["a"]


def test_a_model_loaded_in_inference_mode_can_still_be_explained(shelf: Shelf) -> None:
    engine = Engine("cpu")
    with torch.inference_mode():
        touch(engine, shelf, "a")
    with engine.use("a", shelf.loader("a")) as model:
        assert not model.weight.is_inference()
        model(torch.zeros(1, 10)).sum().backward()
    assert shelf.loads == ["a"]


def test_a_model_whose_weights_were_written_to_is_loaded_anew(shelf: Shelf) -> None:
    engine = Engine("cpu")
    with engine.use("a", shelf.loader("a")) as model, torch.no_grad():
        model.weight.zero_()
    assert engine.keys == []
    with engine.use("a", shelf.loader("a")) as model:
        assert model.weight.abs().max() > 0
    assert shelf.loads == ["a", "a"]


def test_one_user_at_a_time(shelf: Shelf) -> None:
    """A second thread waits for the first; other models do not."""
    engine = Engine("cpu")
    order: list[str] = []
    inside, entered = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait(10)
        with engine.use("b", shelf.loader("b")):
            order.append("other model")
            entered.set()
        with engine.use("a", shelf.loader("a")):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with engine.use("a", shelf.loader("a")):
        inside.set()
        assert entered.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["other model", "first", "second"]
    assert sorted(shelf.loads) == ["a", "b"]


def test_release(shelf: Shelf) -> None:
    engine = Engine("cpu")
    touch(engine, shelf, "a", "b", "c")
    engine.release("b")
    assert engine.keys == ["a", "c"]
    engine.release("never there")
    with engine.use("a", shelf.loader("a")) as model:
        engine.on_release()
        assert model(torch.zeros(1, 10)).shape == (1, 10)
    assert engine.keys == []


@pytest.mark.parametrize(
    "fault", [torch.OutOfMemoryError("planted"), MemoryError(), RuntimeError("CUDA out of memory")]
)
@pytest.mark.parametrize("fits", [1, 3, 5, 64])
def test_batches_are_halved_until_they_fit(fault: Exception, fits: int) -> None:
    sizes: list[int] = []

    def double(rows: torch.Tensor) -> torch.Tensor:
        if len(rows) > fits:
            raise fault
        sizes.append(len(rows))
        return rows * 2

    batch = torch.arange(21)
    assert torch.equal(Engine("cpu").map(double, batch), batch * 2)
    assert max(sizes) <= fits
    assert sum(sizes) == 21


def test_a_single_row_that_does_not_fit() -> None:
    def never(rows: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("planted")

    with pytest.raises(DeviceMemoryError, match="smaller images"):
        Engine("cpu").map(never, torch.arange(8))


@pytest.mark.parametrize("fault", [RuntimeError("shape mismatch"), ValueError("out of memory"), DeviceMemoryError("x")])
def test_other_faults_are_passed_on_at_once(fault: Exception) -> None:
    calls: list[int] = []

    def fail(rows: torch.Tensor) -> torch.Tensor:
        calls.append(len(rows))
        raise fault

    with pytest.raises(type(fault), match=str(fault)):
        map_batches(fail, torch.arange(8))
    assert calls == [8]


def test_results_of_every_kind_are_joined() -> None:
    rows = torch.arange(7)
    tensor, array, words = map_batches(lambda r: (r + 1, r.numpy() * 2, [str(int(x)) for x in r]), rows, size=3)
    assert torch.equal(tensor, rows + 1)
    assert np.array_equal(array, rows.numpy() * 2)
    assert words == [str(number) for number in range(7)]
    sums = map_batches(lambda pair: pair[0] + pair[1], (rows, rows), size=2)
    assert torch.equal(sums, 2 * rows)
    assert map_batches(lambda r: r, rows[:0]).shape == (0,)


@pytest.mark.parametrize("workers", [None, 1, 4])
def test_prepare_keeps_the_order(workers: int | None) -> None:
    rows = prepare(range(20), lambda number: torch.full((3, 2, 2), float(number)), workers=workers)
    assert rows[:, 0, 0, 0].tolist() == list(range(20))
    assert prepare([], lambda image: image, size=8).shape == (0, 3, 8, 8)


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device().type in {"cpu", "cuda"}
    assert default_memory_limit(torch.device("cpu")) > 2**20
    for name in ("gpu", "cuda:99", "meta", ""):
        with pytest.raises(ModelError, match="auto"):
            choose_device(name)
    with pytest.raises(ModelError, match="memory limit"):
        Engine("cpu", memory_limit=-1)
