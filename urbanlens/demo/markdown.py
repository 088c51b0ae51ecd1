"""Markdown tables, and the numbers in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [" | ".join(map(str, row)) for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(f"| {line} |" for line in lines)


def with_interval(value: float | None, interval: tuple[float, float] | None, sign: str = "") -> str:
    """A number with its 95 % interval behind it, as far as they are known; `sign` "+" prints one always."""
    if value is None or not isfinite(value):
        return "unknown"
    told = f"{value:{sign}.3f}"
    if interval is None or not all(map(isfinite, interval)):
        return told
    return f"{told} ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})"
