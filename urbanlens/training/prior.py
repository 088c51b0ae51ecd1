"""How a generator's prior learns which codes real images have: it takes noise away (Karras et al. 2022, EDM).

L = (1 + s^2) / s^2 |D(z + s n; s) - z|^2 with log s normal; the class is told in four of five cases.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from urbanlens.errors import ModelError
from urbanlens.models.generator import TemplateGenerator
from urbanlens.progress import Progress, silent
from urbanlens.training.descent import descend, follow
from urbanlens.training.fit import autocast, half_type

UNTOLD = 0.2
"""Share of the codes whose class is not told."""

LEVELS = (-0.4, 1.1)
"""Mean and spread of log s."""


@dataclass(frozen=True)
class PriorSettings:
    """How a prior learns."""

    steps: int = 3000
    batch: int = 48
    learning_rate: float = 2e-3
    averaged: float = 0.995
    seed: int = 0
    device: str = "cpu"


@torch.no_grad()
def codes_of(module: TemplateGenerator, pixels: Tensor, device: torch.device, batch: int = 64) -> Tensor:
    """(N, C, h, h) float32 codes of (N, 3, P, P) uint8 images, on the CPU."""
    module.eval()
    parts = []
    for part in torch.split(pixels, batch):
        images = (part.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
        with autocast(device, half_type(device)):
            parts.append(module.encode(images).float().cpu())
    return torch.cat(parts)


def learn_prior(
    module: TemplateGenerator, codes: Tensor, labels: Tensor, settings: PriorSettings, progress: Progress = silent
) -> list[float]:
    """Teach the prior of a generator; the mean loss of each hundred steps.

    Parameters
    ----------
    codes : (N, C, h, h) of real images
    labels : (N,) their classes

    Raises
    ------
    ModelError
        Where the generator has no prior, or the loss is no number.
    """
    if module.prior is None:
        raise ModelError("this generator has no prior to teach: give it a prior_width above 0")
    device = torch.device(settings.device)
    prior: nn.Module = module.prior.to(device).train()
    mean = deepcopy(prior)
    learning = list(prior.parameters())
    optimizer = torch.optim.Adam(learning, settings.learning_rate, (0.9, 0.99))
    chance = torch.Generator().manual_seed(settings.seed)
    history: list[float] = []
    total = 0.0
    for step in range(settings.steps):
        progress(step, settings.steps, "teaching the prior, step")
        share = step / settings.steps
        for group in optimizer.param_groups:
            group["lr"] = (
                settings.learning_rate * min(1, (step + 1) / 50) * max(0.02, (1 + math.cos(math.pi * share)) / 2)
            )
        rows = torch.randint(0, len(codes), (settings.batch,), generator=chance)
        sigma = torch.exp(torch.randn(settings.batch, generator=chance) * LEVELS[1] + LEVELS[0])
        clean = codes[rows]
        noisy = clean + sigma.view(-1, 1, 1, 1) * torch.randn(clean.shape, generator=chance)
        told = labels[rows].clone()
        told[torch.rand(settings.batch, generator=chance) < UNTOLD] = module.num_classes
        with autocast(device, half_type(device)):
            found = module.denoise(noisy.to(device), sigma.to(device), told.to(device))
        weight = ((1 + sigma**2) / sigma**2).to(device)
        loss = ((found - clean.to(device)) ** 2).mean((1, 2, 3)).mul(weight).mean()
        if not math.isfinite(value := float(loss.detach())):
            raise ModelError(
                f"the loss of the prior became {value} in step {step}: teach it with a lower learning rate"
            )
        descend(loss, optimizer, learning, 1.0)
        follow(mean, prior, step, settings.averaged)
        total += value
        if (step + 1) % 100 == 0:
            history.append(round(total / 100, 5))
            total = 0.0
    prior.load_state_dict(mean.state_dict())
    prior.eval()
    return history
