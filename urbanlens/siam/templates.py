"""Templates for maps that stay as they are: a convex problem with one answer, found in seconds.

With the maps x (N, A, c, c), each attribute's divided by its root mean square, and the scores y::

    min over T, b   1/2 mean (sum_i T_i . x_i + b - y)^2  +  sparse p sum |T|  +  smooth/2 sum (dT)^2

where dT are the differences of neighbouring cells, and p = max |mean (x - mean x)(y - mean y)| is the penalty that
would leave no cell at all. Accelerated proximal gradient steps (Beck & Teboulle, FISTA, 2009)
on the Gram matrix of the maps, so that a step costs the same however many images there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from urbanlens.errors import CollectionError, ModelError
from urbanlens.progress import Progress, silent

STEPS = 400
SPARSE = (3e-5, 1e-4, 3e-4, 1e-3)
SMOOTH = (0.1, 0.3, 1.0, 3.0, 10.0)
"""What is tried."""


@dataclass(frozen=True)
class Templates:
    """What was found.

    Attributes
    ----------
    templates : T (A, c, c), for the maps as they were given
    bias : b
    sparse, smooth : the weights of the two penalties that were chosen
    tried : (sparse, smooth, root mean square error on the validation images) of each pair
    """

    templates: Tensor
    bias: float
    sparse: float
    smooth: float
    tried: tuple[tuple[float, float, float], ...] = ()


class Moments:
    """All that the problem needs of N images: means, Gram matrix and products with the scores."""

    def __init__(self, maps: Tensor, scores: Tensor) -> None:
        if maps.ndim != 4 or len(maps) != len(scores) or len(scores) < 2:
            raise ModelError(f"maps {tuple(maps.shape)} and scores {tuple(scores.shape)}: give (N, A, c, c) and (N,)")
        if float(scores.std()) < 1e-9:
            raise CollectionError(
                f"all {len(scores)} scores are {float(scores[0]):g}: there is nothing to explain; choose another column"
            )
        self.shape = tuple(maps.shape[1:])
        self.scale = maps.float().pow(2).mean((0, 2, 3)).sqrt().clamp(min=1e-6)
        cells = self.shape[1] * self.shape[2]
        self.mean = (maps.float().mean(0) / self.scale[:, None, None]).flatten()
        self.score, count, width = float(scores.mean()), len(maps), len(self.mean)
        self.gram, self.product = torch.zeros(width, width), torch.zeros(width)
        for start in range(0, count, 1024):
            part = maps[start : start + 1024].float().flatten(1) / self.scale.repeat_interleave(cells)
            part -= self.mean
            self.gram.addmm_(part.T, part, alpha=1 / count)
            self.product.add_(part.T @ (scores[start : start + 1024].float() - self.score), alpha=1 / count)

    def solve(self, sparse: float, smooth: float, start: Tensor | None = None, steps: int = STEPS) -> Tensor:
        """T (A, c, c) for the divided maps."""
        shape, peak = self.shape, float(self.product.abs().max())
        found = torch.zeros_like(self.product) if start is None else start.flatten().clone()
        limit = _largest(self.gram) + 8 * smooth
        ahead, momentum, least = found.clone(), 1.0, sparse * peak / limit
        for _ in range(steps):
            slope = self.gram @ ahead - self.product + smooth * _roughness(ahead.view(shape)).flatten()
            after = torch.nn.functional.softshrink(ahead - slope / limit, least)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = after + (momentum - 1) / following * (after - found)
            found, momentum = after, following
        return found.view(shape)


def fit_templates(
    maps: Tensor, scores: Tensor, held_out: tuple[Tensor, Tensor], *, sparse: tuple[float, ...] = SPARSE,
    smooth: tuple[float, ...] = SMOOTH, progress: Progress = silent,
) -> Templates:  # fmt: skip
    """The templates that explain scores from maps that stay as they are.

    Parameters
    ----------
    maps, scores : (N, A, c, c) and (N,) of the training images
    held_out : those of the validation images, which choose the two penalties: the strongest whose error is within one
        standard error of the least (Breiman et al., Classification and Regression Trees, 1984)
    sparse : weights of the sum of all cells, as shares of the least one that would leave none
    smooth : weights of the squared differences between neighbours

    Raises
    ------
    CollectionError
        Where all scores are the same.
    """
    moments = Moments(maps, scores)
    found: list[tuple[float, float, Tensor, float, float]] = []
    done, total = 0, len(sparse) * len(smooth)
    for weight in sorted(smooth):
        start = None
        for share in sorted(sparse, reverse=True):
            progress(done, total, "fitting templates, trial")
            start = moments.solve(share, weight, start)
            templates = start / moments.scale[:, None, None]
            bias = moments.score - float(moments.mean @ start.flatten())
            left = torch.einsum("nahw,ahw->n", held_out[0].float(), templates) + bias - held_out[1].float()
            squares = left.pow(2)
            found.append((share, weight, templates, float(squares.mean()), float(squares.std()) / len(left) ** 0.5))
            done += 1
    progress(done, total, "fitting templates, trial")
    best = min(found, key=lambda one: one[3])
    within = [one for one in found if one[3] <= best[3] + best[4]]
    share, weight, templates, _, _ = max(within, key=lambda one: (one[1], one[0]))
    bias = moments.score - float(moments.mean @ (templates * moments.scale[:, None, None]).flatten())
    tried = tuple((one[0], one[1], float(np.sqrt(one[3]))) for one in found)
    return Templates(templates, bias, share, weight, tried)


def _roughness(templates: Tensor) -> Tensor:
    """The gradient of half the sum of squared differences between neighbouring cells."""
    result = torch.zeros_like(templates)
    down, across = templates.diff(dim=1), templates.diff(dim=2)
    result[:, :-1] -= down
    result[:, 1:] += down
    result[:, :, :-1] -= across
    result[:, :, 1:] += across
    return result


def _largest(gram: Tensor, steps: int = 60) -> float:
    """The largest eigenvalue of a Gram matrix, from above by a hair."""
    vector = torch.ones(len(gram)) / len(gram) ** 0.5
    value = 0.0
    for _ in range(steps):
        vector = gram @ vector
        value = float(vector.norm())
        vector = vector / max(value, 1e-12)
    return 1.05 * value + 1e-9
