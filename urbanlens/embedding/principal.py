"""Principal components of many rows by the small matrix of their covariances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def principal(rows: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The rows (N, D) on their `size` axes of largest spread, widest first: (N, size).

    The covariances are D by D, so thousands of rows cost milliseconds. Each axis points where its largest loading is
    positive, so the same rows give the same picture everywhere. Axes that the rows do not have are zero.
    """
    if not len(rows):
        return np.zeros((0, size), np.float32)
    centred = np.asarray(rows, np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :size]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    flat = centred @ axes
    return np.asarray(np.pad(flat, ((0, 0), (0, size - flat.shape[1]))), np.float32)
