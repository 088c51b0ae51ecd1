"""How long work tells how far it is, and learns that it should stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called as `progress(done, total, what)`; may raise `urbanlens.errors.Cancelled`, which the work passes on."""


def silent(done: int, total: int, what: str) -> None:
    """The progress of work that nobody watches."""


def part_of(progress: Progress, start: int, share: int, whole: int, unit: str, name: str = "") -> Progress:
    """Progress of one part of the work, told as progress of the whole, so that the time left can be foreseen.

    Parameters
    ----------
    progress : of the whole
    start, share, whole : units done before the part, in the part, and in all
    unit : what is counted in the whole
    name : of the part; "": what the part says of itself, up to a comma
    """

    def tell(done: int, total: int, what: str) -> None:
        progress(start + round(share * done / max(total, 1)), whole, f"{name or what.split(',')[0]}, {unit}")

    return tell


class Pace:
    """How long the rest of some work takes, by its speed of late: steps that grow slower, or were kept, do not mislead.

    Parameters
    ----------
    window_s : seconds that the speed is taken over, and longer where the last two reports lie farther apart
    clock : seconds, ever growing
    """

    def __init__(self, window_s: float = 15.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._clock = window_s, clock
        self._seen: deque[tuple[float, int]] = deque()
        self._total = 0

    def note(self, done: int, total: int) -> None:
        """Take down a report; another total, or less done than before, is other work."""
        now, seen = self._clock(), self._seen
        if total != self._total or (seen and done < seen[-1][1]):
            seen.clear()
            self._total = total
        if len(seen) > 1 and now - seen[-2][0] < self._window / 30:
            seen.pop()
        seen.append((now, done))
        while len(seen) > 2 and now - seen[1][0] > self._window:
            seen.popleft()

    def left(self) -> float | None:
        """Seconds; None as long as nothing can be said."""
        seen = list(self._seen)  # another thread takes reports down meanwhile
        if len(seen) < 2:
            return None
        (first, begun), (last, done) = seen[0], seen[-1]
        if last - first < 1 or done <= begun:
            return None
        return max(0.0, (self._total - done) * (last - first) / (done - begun) - (self._clock() - last))
