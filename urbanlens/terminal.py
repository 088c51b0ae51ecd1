"""How far long work is, on one line of the terminal."""

from __future__ import annotations

import sys
import time

from urbanlens.progress import Pace


class TerminalProgress:
    """One line on standard error, rewritten at most five times a second, with the time left."""

    def __init__(self) -> None:
        self.shown = time.monotonic()
        self.pace = Pace()
        self.visible = sys.stderr.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        self.pace.note(done, total)
        if not self.visible or (now - self.shown < 0.2 and done < total):
            return
        self.shown = now
        left = self.pace.left()
        told = f", {left:.0f} s left" if left is not None else ""
        sys.stderr.write(f"\r\033[K{what} {done:,} of {total:,}{told}" if done < total else "\r\033[K")
        sys.stderr.flush()
