"""Principal components by the smaller of two matrices: the covariances of the columns, or the products of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def principal(rows: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """The rows (N, D) on their `size` axes of largest spread, widest first: (N, size).

    The covariances are D by D, so thousands of rows cost milliseconds; where there are fewer rows than columns their
    N by N products serve as well. Each axis points where its largest loading is positive, so the same rows give the
    same picture everywhere. Axes that the rows do not have are zero.
    """
    if not len(rows):
        return np.zeros((0, size), np.float32)
    centred = np.asarray(rows, np.float64) - rows.mean(axis=0, dtype=np.float64)
    count, columns = centred.shape
    if count < columns:
        values, sides = np.linalg.eigh(centred @ centred.T)
        values, sides = values[::-1][:size], sides[:, ::-1][:, :size]
        real = values > 1e-12 * max(float(values[0]), 1e-30)
        axes = centred.T @ sides[:, real] / np.sqrt(values[real])
    else:
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :size]
    if not axes.shape[1]:
        return np.zeros((count, size), np.float32)
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.where(axes[largest, np.arange(axes.shape[1])] < 0, -1, 1)
    flat = centred @ axes
    return np.asarray(np.pad(flat, ((0, 0), (0, size - flat.shape[1]))), np.float32)
