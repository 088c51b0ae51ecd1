"""How well a classifier answers, with the doubt that a small test set leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.explain.trust import wilson_interval

__all__ = ["accuracy_of", "classification_metrics", "wilson_interval"]


def accuracy_of(truth: NDArray[np.int64], answers: NDArray[np.int64]) -> dict[str, Any]:
    """Share of right answers with its 95 % interval, number of images, share of the most frequent class; plain JSON."""
    right, total = int((truth == answers).sum()), len(truth)
    low, high = wilson_interval(right, total)
    most = int(np.bincount(truth).max()) if total else 0
    return {
        "accuracy": right / total if total else None, "interval": [low, high], "images": total,
        "base_rate": most / max(total, 1),
    }  # fmt: skip


def classification_metrics(
    truth: NDArray[np.int64], answers: NDArray[np.int64], classes: tuple[str, ...]
) -> dict[str, Any]:
    """What `accuracy_of` gives, recall of each class, confusion.

    `confusion[i][j]` counts images of class i that were called class j.
    """
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(confusion, (truth, answers), 1)
    counts = confusion.sum(1)
    return {
        **accuracy_of(truth, answers),
        "recall": {name: float(confusion[i, i] / max(counts[i], 1)) for i, name in enumerate(classes)},
        "confusion": confusion.tolist(),
    }
