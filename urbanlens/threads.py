"""How many threads read files, and how torch's threads wait for each other."""

from __future__ import annotations

import os

READERS = 4
"""Pictures or labels read side by side; Pillow decodes without holding the others up."""


def wait_without_spinning() -> None:
    """Let waiting threads sleep; call it before torch is loaded.

    By default they spin, and two jobs on the same cores then take each other's time: with a training beside it, an
    explanation of 20 images took 63 s (18 CPU-seconds) spinning and 6 s (3) sleeping. A choice of the user's own in
    the environment stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
