"""The engine: models loaded once, the most recently used kept, each used by one caller at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import torch
from torch import nn

from urbanlens.engine.batches import map_batches
from urbanlens.engine.devices import bytes_of, choose_device, default_memory_limit, free_unused
from urbanlens.errors import ModelError
from urbanlens.models.state import preserved

M = TypeVar("M")


@dataclass(eq=False)
class _Entry:
    """A kept model. Its lock is held while it loads and while it is used."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    model: Any = None
    bytes: int = 0
    users: int = 0


class Engine:
    """One device for all networks.

    Parameters
    ----------
    device : `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`; ModelError where it is not there
    memory_limit : bytes that kept models may take together; None: half of the GPU's memory, a quarter of the
        machine's. A model that is in use stays even above the limit.
    """

    def __init__(self, device: str | torch.device = "auto", memory_limit: int | None = None) -> None:
        self.device = choose_device(device)
        if memory_limit is not None and memory_limit < 0:
            raise ModelError(f"a memory limit of {memory_limit} bytes makes no sense: give 0 or more")
        self.memory_limit = default_memory_limit(self.device) if memory_limit is None else memory_limit
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._guard = threading.Lock()

    @contextmanager
    def use(self, key: Hashable, loader: Callable[[], M]) -> Iterator[M]:
        """A model on the device, for this caller alone until the block ends.

        Parameters
        ----------
        key : what tells models apart: the weights' digest, or path and digest
        loader : gives the model where it is not kept: an `nn.Module`, or something with one as `.module`; what it
            raises is passed on and not remembered

        Notes
        -----
        Modes, `requires_grad`, gradients and hooks are put back. A model whose weights were written to is not kept.
        Who needs two models at once takes them in the order of their keys, or two callers may wait for each other.
        """
        entry = self._borrow(key)
        try:
            with entry.lock:
                if entry.model is None:
                    entry.model, entry.bytes = self._load(loader)
                    self._make_room()
                module = _module_of(entry.model)
                before = _versions(module)
                try:
                    with preserved(module):
                        yield cast(M, entry.model)
                finally:
                    if _versions(module) != before:
                        entry.model, entry.bytes = None, 0
        finally:
            self._give_back(key, entry)

    def map(self, fn: Callable[[Any], Any], batch: Any, *, size: int | None = None) -> Any:
        """`fn` over a batch in parts, each with its tensors on the device; parts that do not fit are halved.

        See `map_batches`: N rows in, N results out, in order.
        """
        return map_batches(lambda rows: fn(self._here(rows)), batch, size=size)

    def release(self, key: Hashable | None = None) -> None:
        """Drop a model, or all that are not in use, and give their memory back; those in use go when their use ends."""
        with self._guard:
            for name in [name for name in self._entries if key is None or name == key]:
                entry = self._entries.pop(name)
                if entry.users == 0:
                    entry.model = None
        free_unused(self.device)

    on_release = release

    @property
    def keys(self) -> list[Hashable]:
        """The kept models, the most recently used last."""
        with self._guard:
            return [key for key, entry in self._entries.items() if entry.model is not None]

    @property
    def used_bytes(self) -> int:
        """Bytes of all kept models."""
        with self._guard:
            return sum(entry.bytes for entry in self._entries.values())

    def _borrow(self, key: Hashable) -> _Entry:
        with self._guard:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            entry.users += 1
            return entry

    def _give_back(self, key: Hashable, entry: _Entry) -> None:
        with self._guard:
            entry.users -= 1
            if entry.model is None and entry.users == 0 and self._entries.get(key) is entry:
                del self._entries[key]
        self._make_room()

    def _load(self, loader: Callable[[], M]) -> tuple[M, int]:
        # A caller's inference mode would stick to the weights, and no gradient could ever pass them.
        with torch.inference_mode(False):
            model = loader()
            module = _module_of(model)
            module.to(self.device)
        return model, bytes_of(module)

    def _make_room(self) -> None:
        """Drop the least recently used models that nobody uses until the rest is within the limit."""
        dropped = False
        with self._guard:
            total = sum(entry.bytes for entry in self._entries.values())
            for key in list(self._entries):
                if total <= self.memory_limit:
                    break
                if self._entries[key].users == 0:
                    total -= self._entries.pop(key).bytes
                    dropped = True
        if dropped:
            free_unused(self.device)

    def _here(self, rows: Any) -> Any:
        if isinstance(rows, tuple):
            return tuple(self._here(column) for column in rows)
        return rows.to(self.device) if isinstance(rows, torch.Tensor) else rows


def _module_of(model: Any) -> nn.Module:
    """The network of a model; ModelError for something without one."""
    module = model if isinstance(model, nn.Module) else getattr(model, "module", None)
    if not isinstance(module, nn.Module):
        raise ModelError(f"a {type(model).__name__} is no model: a loader must give an nn.Module, or one as .module")
    return module


def _versions(module: nn.Module) -> list[tuple[int, int]]:
    """Changes when any weight or buffer is replaced or written to."""
    return [(part.data_ptr(), part._version) for part in (*module.parameters(), *module.buffers())]
