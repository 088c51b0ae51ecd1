"""How a generator learns to draw images from codes: loss of pixels, of features, and of a network that tells it apart.

L = a |G(E(x)) - x| + b |C(G(E(x))) - C(x)| - c D(G(E(x))), after Dosovitskiy & Brox (2016): image loss, feature loss
in a comparator C, adversarial loss. C had better be robust: features of a plain network are met by patterns that nobody
sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.generator import Discriminator, TemplateGenerator
from urbanlens.models.trunk import trunk_of
from urbanlens.training.checkpoint import fill_optimizer, optimizer_tensors, read_checkpoint, write_checkpoint
from urbanlens.training.descent import descend, follow
from urbanlens.training.fit import autocast, half_type

LONGEST = 5.0
"""The gradients of a step are shortened to this length together."""

AVERAGED = 0.99
"""The weights that are kept are a running mean: so much of the mean stays at each step."""


@dataclass(frozen=True)
class ReconstructionSettings:
    """How a generator learns.

    Attributes
    ----------
    steps, batch, learning_rate, seed, device : as they say
    noise : spread of what is added to codes, so that near codes give near pictures
    pixels, features, adversarial : weights of the three losses
    adversarial_from : share of the steps after which the adversarial loss sets in
    """

    steps: int = 8000
    batch: int = 16
    learning_rate: float = 1e-3
    noise: float = 0.12
    pixels: float = 4.0
    features: float = 0.5
    adversarial: float = 0.04
    adversarial_from: float = 0.5
    seed: int = 0
    device: str = "cpu"


class Comparator:
    """Features of a network at its first layers, each channel in units of its spread over some real images.

    Parameters
    ----------
    network : a classifier, of which a copy is taken
    layers : dotted names, from fine to coarse
    images : (N, 3, P, P) real images
    """

    def __init__(self, network: nn.Module, layers: Sequence[str], images: Tensor) -> None:
        own = deepcopy(network).eval().requires_grad_(False)
        self._seen: list[Tensor] = []
        self.trunk = trunk_of(own, layers[-1]).to(images.device)
        for layer in layers:
            own.get_submodule(layer).register_forward_hook(lambda _module, _given, out: self._seen.append(out))
        with torch.no_grad():
            self.spread = [part.float().std((0, 2, 3), keepdim=True) + 1e-2 for part in self(images)]

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Features of each layer, (N, C, h, w)."""
        self._seen.clear()
        self.trunk(images)
        return list(self._seen)

    def distance(self, drawn: Tensor, real: Tensor) -> Tensor:
        """Mean absolute difference of the features, summed over the layers."""
        with torch.no_grad():
            wanted = self(real)
        found = self(drawn)
        terms = [((a - b) / s).float().abs().mean() for a, b, s in zip(found, wanted, self.spread, strict=True)]
        return torch.stack(terms).sum()


class Reconstruction:
    """The moving parts: generator, its running mean, discriminator, their optimizers.

    Parameters
    ----------
    module : the generator; its prior takes no part
    pixels : (N, 3, P, P) uint8 training images
    comparator : what features are compared in
    """

    def __init__(
        self, module: TemplateGenerator, pixels: Tensor, comparator: Comparator,
        settings: ReconstructionSettings,
    ) -> None:  # fmt: skip
        self.module, self.pixels, self.comparator, self.settings = module, pixels, comparator, settings
        self.device = torch.device(settings.device)
        self.half = half_type(self.device)
        module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.discriminator = Discriminator().to(self.device)
        self.mean = deepcopy(module.decoder)
        learning = [value for part in (module.encoder, module.decoder) for value in part.parameters()]
        self.learning = [value for value in learning if value.requires_grad]
        self.optimizer = torch.optim.Adam(self.learning, settings.learning_rate, (0.8, 0.99))
        self.against = torch.optim.Adam(self.discriminator.parameters(), 3e-4, (0.5, 0.99))
        self.done = 0

    def step(self) -> dict[str, float]:
        """One batch; its losses. ModelError where a loss is no number."""
        settings, share = self.settings, self.done / self.settings.steps
        chance = torch.Generator().manual_seed(settings.seed * 1_000_003 + self.done)
        rows = torch.randint(0, len(self.pixels), (settings.batch,), generator=chance)
        real = (self.pixels[rows].to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(share)
        self.module.train()
        with autocast(self.device, self.half):
            codes = self.module.encode(real)
            noise = torch.randn(codes.shape, generator=chance).to(self.device)
            drawn = self.module.decode(codes + settings.noise * noise)
            flat = (drawn - real).abs().mean()
            deep = self.comparator.distance(drawn, real)
            loss = settings.pixels * flat + settings.features * deep
            if share >= settings.adversarial_from:
                risen = min(1.0, (share - settings.adversarial_from) * 8)
                loss = loss - settings.adversarial * risen * self.discriminator(drawn).mean()
        told = {"pixels": float(flat.detach()), "features": float(deep.detach())}
        if not math.isfinite(float(loss.detach())):
            raise ModelError(f"the loss of the generator became {float(loss.detach())} in step {self.done}")
        descend(loss, self.optimizer, self.learning, LONGEST)
        if share >= settings.adversarial_from - 0.03:
            told["discriminator"] = self._tell_apart(real, drawn.detach())
        follow(self.mean, self.module.decoder, self.done, AVERAGED)
        self.done += 1
        return told

    def rate(self, share: float) -> float:
        """Rises over the first 50 steps, and falls as a cosine in the second half."""
        falling = 1.0 if share < 0.5 else max(0.03, (1 + math.cos(math.pi * (share - 0.5) / 0.5)) / 2)
        return self.settings.learning_rate * min(1.0, (self.done + 1) / 50) * falling

    @contextmanager
    def averaged(self) -> Iterator[TemplateGenerator]:
        """The generator with the running mean of its weights, in eval mode."""
        own = self.module.decoder
        self.module.decoder = self.mean
        self.module.eval()
        try:
            yield self.module
        finally:
            self.module.decoder = own

    def save(self, path: Path, notes: dict[str, Any]) -> None:
        """Write a checkpoint, whole or not at all."""
        parts = {"module": self.module, "mean": self.mean, "discriminator": self.discriminator}
        groups = {name: part.state_dict() for name, part in parts.items()}
        groups |= {"optimizer": optimizer_tensors(self.optimizer), "against": optimizer_tensors(self.against)}
        write_checkpoint(path, groups, {**notes, "done": self.done})

    def restore(self, path: Path) -> dict[str, Any]:
        """Go on from a checkpoint; its notes."""
        groups, notes = read_checkpoint(path)
        for name, part in (("module", self.module), ("mean", self.mean), ("discriminator", self.discriminator)):
            part.load_state_dict(groups[name])
        fill_optimizer(self.optimizer, groups.get("optimizer", {}))
        fill_optimizer(self.against, groups.get("against", {}))
        self.done = int(notes["done"])
        return notes

    def _tell_apart(self, real: Tensor, drawn: Tensor) -> float:
        """One step of the discriminator: hinge loss."""
        with autocast(self.device, self.half):
            wrong = functional.relu(1 - self.discriminator(real)).mean()
            loss = wrong + functional.relu(1 + self.discriminator(drawn)).mean()
        descend(loss, self.against, list(self.discriminator.parameters()), LONGEST)
        return float(loss.detach())
