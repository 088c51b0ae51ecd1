"""What tests of several parts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Networks of a few cells, and images of 32 px, are faster with one thread: a module asks for it as a whole."""
    import torch  # here: most tests need none

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
