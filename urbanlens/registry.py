"""One registration of a named thing feeds the menu, the command line and the tests."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from urbanlens.errors import UnknownNameError

T = TypeVar("T")


class Registry(Generic[T]):
    """Things by name. A second registration of a name raises; an unknown name lists the known ones."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._things: dict[str, T] = {}

    def add(self, name: str, thing: T) -> T:
        """Register `thing` as `name`; ValueError where the name is taken."""
        if name in self._things:
            raise ValueError(f"there is already a {self.noun} named {name!r}: choose another name")
        self._things[name] = thing
        return thing

    def register(self, name: str) -> Callable[[T], T]:
        """`add` as a decorator."""
        return lambda thing: self.add(name, thing)

    def __getitem__(self, name: str) -> T:
        if name not in self._things:
            close = difflib.get_close_matches(name, self._things, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UnknownNameError(f"no {self.noun} is named {name!r}: {hint}known are {', '.join(self.names())}")
        return self._things[name]

    def names(self) -> list[str]:
        """Names in the order of registration."""
        return list(self._things)

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, name: object) -> bool:
        return name in self._things
