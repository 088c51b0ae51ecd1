"""Batches: pixels made ready by several threads, and batches that shrink until they fit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from urbanlens.errors import UrbanLensError

T = TypeVar("T")
CPU_MESSAGES = ("not enough memory", "can't allocate memory", "out of memory")
"""What torch says in a plain RuntimeError where the machine's memory is used up."""


class DeviceMemoryError(UrbanLensError, MemoryError):
    """Not even a batch of one image fits into the device's memory."""


def prepare(
    images: Iterable[T], transform: Callable[[T], Tensor], *, size: int | None = None, workers: int | None = None
) -> Tensor:
    """Transform images in a thread pool: (N, 3, H, W), in their order.

    Parameters
    ----------
    images : pictures, or whatever `transform` takes: ids, paths
    transform : one of them -> (3, H, W); decoding and resizing let other threads run
    size : side in px of the empty batch that no image at all gives; None: an empty batch has sides of 0
    workers : threads; None: one a core, at most 8
    """
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        pixels = list(pool.map(transform, images))
    return torch.stack(pixels) if pixels else torch.zeros(0, 3, size or 0, size or 0)


def map_batches(fn: Callable[[Any], Any], batch: Any, *, size: int | None = None) -> Any:
    """`fn` over a batch in parts; a part that does not fit into memory is halved and the work goes on.

    Parameters
    ----------
    fn : rows -> results of the same length; tensors, arrays, lists, or a tuple of those
    batch : N rows: tensor, array or list, or a tuple of those
    size : rows at a time to begin with; None: all

    Returns
    -------
    As `fn` gives them, all parts joined.

    Raises
    ------
    DeviceMemoryError
        Where a single row does not fit.
    """
    total = len(batch[0]) if isinstance(batch, tuple) else len(batch)
    step = max(1, min(size or total, total))
    results: list[Any] = []
    start = 0
    while start < total or not results:
        try:
            results.append(fn(_rows(batch, start, start + step)))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if step == 1:
                raise DeviceMemoryError(
                    "not even one image fits into the device's memory: close other programs, or use smaller images"
                ) from error
            failed = True
        else:
            failed = False
            start += step
        if failed:
            # Outside the handler: the traceback would keep the failed part's tensors alive.
            step = step // 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
    return _join(results)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory is used up; the CPU's allocator says so in a RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return not isinstance(error, DeviceMemoryError)
    return isinstance(error, RuntimeError) and any(text in str(error).lower() for text in CPU_MESSAGES)


def _rows(batch: Any, start: int, stop: int) -> Any:
    if isinstance(batch, tuple):
        return tuple(column[start:stop] for column in batch)
    return batch[start:stop]


def _join(results: list[Any]) -> Any:
    if len(results) == 1:
        return results[0]
    first = results[0]
    if isinstance(first, tuple):
        return tuple(_join(list(column)) for column in zip(*results, strict=True))
    if isinstance(first, Tensor):
        return torch.cat(results)
    if isinstance(first, np.ndarray):
        return np.concatenate(results)
    return [row for result in results for row in result]
