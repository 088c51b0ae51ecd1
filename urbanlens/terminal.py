"""How far long work is, on one line of the terminal."""

from __future__ import annotations

import sys
import time


class TerminalProgress:
    """One line on standard error, rewritten at most five times a second, with the time left."""

    def __init__(self) -> None:
        self.started = self.shown = time.monotonic()
        self.visible = sys.stderr.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if not self.visible or (now - self.shown < 0.2 and done < total):
            return
        self.shown = now
        left = (now - self.started) / done * (total - done) if done else 0.0
        sys.stderr.write(f"\r\033[K{what} {done:,} of {total:,}, {left:.0f} s left" if done < total else "\r\033[K")
        sys.stderr.flush()
