"""Pictures in; probabilities and Grad-CAM maps of one pass out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from urbanlens.engine import Engine, prepare
from urbanlens.errors import ModelError
from urbanlens.explain.explainers import EXPLAINERS, GRAD_CAM, ExplainerSpec
from urbanlens.models.weights import LoadedModel
from urbanlens.progress import Progress, silent


@dataclass(frozen=True)
class Explanations:
    """What a network answers for N images, and where it looked.

    Attributes
    ----------
    probabilities : (N, K) float32, each row sums to 1
    targets : (N,) int64, the class that each map explains
    maps : (N, h, w) float32, >= 0, raw Grad-CAM maps
    """

    probabilities: NDArray[np.float32]
    targets: NDArray[np.int64]
    maps: NDArray[np.float32]


def explain_images(
    model: LoadedModel,
    images: Sequence[Image.Image],
    targets: int | Sequence[int] | NDArray[np.int64] | None = None,
    *,
    layer: str | None = None,
    explainer: str = GRAD_CAM,
    batch: int = 32,
    engine: Engine | None = None,
    progress: Progress = silent,
) -> Explanations:
    """Class probabilities and Grad-CAM maps of pictures, in one pass.

    Parameters
    ----------
    model : a classifier, on any device
    images : N pictures of any size
    targets : class number for all, or one each; None, or -1 among several: the most probable one
    layer : dotted name of the layer where to look; None: the model's last convolution stage
    explainer : a name of `EXPLAINERS`
    batch : pictures decoded and held at a time
    engine : halves batches that do not fit into its memory; None: one for the CPU

    Raises
    ------
    ModelError
        Where a target is no class of the model, or there are not as many as pictures.
    """
    engine = engine or Engine("cpu")
    given = None if targets is None else _one_each(targets, len(images))
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for start in range(0, max(len(images), 1), batch):
        pixels = prepare(images[start : start + batch], model.transform, size=model.card.size)
        rows = (pixels,) if given is None else (pixels, torch.from_numpy(given[start : start + batch].copy()))
        parts.append(engine.map(partial(_explain, model, layer, EXPLAINERS[explainer]), rows))
        progress(min(start + batch, len(images)), len(images), "explaining")
    scores, classes, maps = (torch.cat(column).numpy() for column in zip(*parts, strict=True))
    return Explanations(scores, classes, maps)


def _one_each(targets: int | Sequence[int] | NDArray[np.int64], count: int) -> NDArray[np.int64]:
    classes = np.asarray(targets, dtype=np.int64)
    if classes.ndim and classes.shape != (count,):
        raise ModelError(f"{classes.size} targets for {count} images: give one number, or one an image")
    if classes.ndim == 0 and classes < 0:
        raise ModelError(f"{targets} is no class number: give 0 or more, or None for the most probable class")
    return np.broadcast_to(classes, (count,))


def _explain(
    model: LoadedModel, layer: str | None, explainer: ExplainerSpec, rows: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities, classes and maps of one batch, on the CPU."""
    wanted = rows[1] if len(rows) > 1 else torch.full((len(rows[0]),), -1)
    chosen: list[Tensor] = []

    def choose(scores: Tensor) -> Tensor:
        given = wanted.to(scores.device)
        chosen.append(torch.where(given < 0, scores.argmax(1), given))
        return chosen[0]

    maps, scores = explainer(model, rows[0], choose, layer)
    return scores.softmax(1).cpu(), chosen[0].cpu(), maps.cpu()
