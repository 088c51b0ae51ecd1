"""How long work tells how far it is, and learns that it should stop."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called as `progress(done, total, what)`; may raise `urbanlens.errors.Cancelled`, which the work passes on."""


def silent(done: int, total: int, what: str) -> None:
    """The progress of work that nobody watches."""
