"""Activation maximisation: a code is moved until a class's unit rises on the picture that the generator draws of it.

`ascent`, after Nguyen et al. (2016, DGN-AM): z <- clip(z + a g / |g| - d z), g the gradient of the unit's score.
`prior`: the code gets noise, which the generator's prior takes away again step by step (Karras et al. 2022, EDM), and
in every step the networks pull what it will become: sampling from what real images look like, guided from the source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models import LoadedModel
from urbanlens.models.answers import answer
from urbanlens.models.generator import TemplateGenerator
from urbanlens.models.state import preserved
from urbanlens.progress import Progress, silent
from urbanlens.transformation.record import REACHES, Settings

MARGIN: Final = 4.0
"""Enough of a class: the score of its unit above the next one, in units of what the network shows on real images."""

ENDS: Final = 0.06
"""Spread of the noise in the last step but one."""

NEUTRAL: Final = 8.0
"""Spread of the noise that a prototype starts from."""

PULL: Final = 0.2
"""Length of a step of the prior's way, in units of the noise that is left."""

ANCHOR: Final = 1.0
"""Weight of the mean squared distance to the source's code."""

RATE, DECAY, MOST = 0.06, 0.002, 3.0
"""Of the plain ascent: length of a step for each number of the code, share that decays, greatest number of a code."""

JITTER: Final = 3
"""The picture is shifted by up to so many px at random before a network sees it."""

SHARPNESS: Final = 3.0
FRAMES: Final = 25
"""About so many frames are kept of a way, beside the reconstruction."""


@dataclass(frozen=True)
class Way:
    """The codes of N pictures on their way; S frames.

    Attributes
    ----------
    steps : (S,) number of the step that each frame shows; the first is 0, the start
    codes : S times (N, C, h, h)
    """

    steps: tuple[int, ...]
    codes: tuple[Tensor, ...]


def maximize_activation(
    generator: LoadedModel, drivers: Sequence[LoadedModel], codes: Tensor, targets: Tensor, *,
    settings: Settings | None = None, margins: Mapping[str, float] | None = None, progress: Progress = silent,
) -> Way:  # fmt: skip
    """Move codes until the drivers see the target classes in what the generator draws.

    Parameters
    ----------
    generator : its module is a `TemplateGenerator`; it and the drivers go back as they came
    drivers : classifiers of the same classes, on the generator's device
    codes : (N, C, h, h) of the sources, or anything of that shape where `settings.start` is prototype
    targets : (N,) numbers of the classes
    margins : of each driver by name, the mean margin between its two best scores on real images; 1 where it is not said

    Returns
    -------
    Way
        The codes of the kept frames, the start first and the template images' last.

    Raises
    ------
    ModelError
        Where there is no driver, or one of other classes, or no prior for a way that needs one.
    """
    settings, margins = settings or Settings(), margins or {}
    if not drivers:
        raise ModelError("nothing pulls: give at least one classifier of these classes")
    for driver in drivers:
        if driver.classes != generator.classes:
            raise ModelError(
                f"{driver.name} tells {', '.join(driver.classes)} apart, the generator draws "
                f"{', '.join(generator.classes)}: give a classifier of the same classes"
            )
    module = generator.module
    assert isinstance(module, TemplateGenerator)
    if settings.method == "prior" and module.prior is None:
        raise ModelError(f"{generator.name} has no prior: choose the plain ascent, or another generator")
    with ExitStack() as borrowed:
        for model in (generator, *drivers):
            borrowed.enter_context(preserved(model.module))
            model.module.eval().requires_grad_(False)
        climb = _Climb(module, drivers, targets, settings, margins, progress)
        return climb.with_prior(codes) if settings.method == "prior" else climb.plainly(codes)


class _Climb:
    """One run of maximisation."""

    def __init__(
        self, module: TemplateGenerator, drivers: Sequence[LoadedModel], targets: Tensor, settings: Settings,
        margins: Mapping[str, float], progress: Progress,
    ) -> None:  # fmt: skip
        self.module, self.drivers, self.targets, self.settings = module, drivers, targets, settings
        self.scales = [max(margins.get(driver.name, 1.0), 1e-6) for driver in drivers]
        self.progress = progress
        self.device = next(module.parameters()).device
        self.chance = torch.Generator().manual_seed(settings.seed)
        self.half = torch.autocast(self.device.type, torch.bfloat16)
        every = max(1, settings.steps // FRAMES)
        self.kept = {*range(every, settings.steps + 1, every), settings.steps}

    def with_prior(self, start: Tensor) -> Way:
        """From noise of the chosen reach to none."""
        steps, neutral = self.settings.steps, self.settings.start == "prototype"
        reach = NEUTRAL if neutral else REACHES[self.settings.reach]
        levels = torch.exp(torch.linspace(math.log(reach), math.log(ENDS), steps + 1)).tolist()
        clean = torch.zeros_like(start) if neutral else start
        # On the way from an image the prior knows no class: what tells the classes apart comes from the drivers alone.
        told = self.targets if neutral else None
        code = clean + reach * self._noise(clean)
        found = [clean]
        numbers = [0]
        for step, (level, then) in enumerate(pairwise(levels), start=1):
            self.progress(step - 1, steps, "moving the code, step")
            code = code.detach().requires_grad_(True)
            sigma = torch.full((len(code),), level, device=self.device)
            with torch.enable_grad():
                with self.half:
                    likely = self.module.denoise(code, sigma, told).float()
                wanting = self.wanting(likely)
                away = ((likely - clean) ** 2).mean((1, 2, 3)) if not neutral else 0.0
                (pull,) = torch.autograd.grad((wanting + ANCHOR * away).sum(), code)
            still = (wanting.detach() > self.satisfied).float().view(-1, 1, 1, 1)
            move = -PULL * level * still * pull / (pull.pow(2).mean((1, 2, 3), keepdim=True).sqrt() + 1e-8)
            likely = likely.detach() + move
            code = likely + then / level * (code.detach() + move - likely)
            if step in self.kept:
                found.append(likely)
                numbers.append(step)
        self.progress(steps, steps, "moving the code, step")
        return Way(tuple(numbers), tuple(found))

    def plainly(self, start: Tensor) -> Way:
        """Steps of one length along the gradient, decay, and codes kept where those of real images are."""
        steps = self.settings.steps
        code = 0.1 * self._noise(start) if self.settings.start == "prototype" else start.clone()
        found = [code]
        numbers = [0]
        for step in range(1, steps + 1):
            self.progress(step - 1, steps, "moving the code, step")
            moving = code.detach().requires_grad_(True)
            with torch.enable_grad():
                (pull,) = torch.autograd.grad(self.scores(moving).sum(), moving)
            length = pull.pow(2).mean((1, 2, 3), keepdim=True).sqrt() + 1e-8
            code = (code + RATE * pull / length - DECAY * code).clamp(-MOST, MOST)
            if step in self.kept:
                found.append(code)
                numbers.append(step)
        self.progress(steps, steps, "moving the code, step")
        return Way(tuple(numbers), tuple(found))

    @property
    def satisfied(self) -> float:
        """What `wanting` is where every driver shows as much of the class as on real images."""
        return math.log(2) / SHARPNESS

    def wanting(self, codes: Tensor) -> Tensor:
        """(N,) how much of the class the drivers miss in the pictures of codes: softplus(MARGIN - margin)."""
        pictures = self._shifted(codes)
        lacks = []
        for driver, scale in zip(self.drivers, self.scales, strict=True):
            with self.half:
                scores = answer(driver, pictures)
            lacks.append(functional.softplus((MARGIN - margin(scores, self.targets) / scale) * SHARPNESS) / SHARPNESS)
        return torch.stack(lacks).mean(0)

    def scores(self, codes: Tensor) -> Tensor:
        """(N,) the mean score of the class's unit."""
        pictures, rows = self._shifted(codes), torch.arange(len(codes))
        with self.half:
            found = [answer(driver, pictures)[rows, self.targets] for driver in self.drivers]
        return torch.stack(found).mean(0)

    def _shifted(self, codes: Tensor) -> Tensor:
        """Pictures of codes, all shifted alike by a few px."""
        with self.half:
            pictures = self.module.decode(codes)
        down, right = torch.randint(-JITTER, JITTER + 1, (2,), generator=self.chance).tolist()
        moved = torch.roll(pictures, (int(down), int(right)), (2, 3))
        return moved.contiguous(memory_format=torch.channels_last)

    def _noise(self, like: Tensor) -> Tensor:
        """The same for each code: a way does not depend on what else is computed beside it."""
        return torch.randn(like.shape[1:], generator=self.chance).to(self.device).expand_as(like)


def margin(scores: Tensor, classes: Tensor) -> Tensor:
    """(N,) the score of each one's class above the best other one; the score itself where there is no other."""
    own = scores.gather(1, classes.view(-1, 1).to(scores.device))[:, 0]
    if scores.shape[1] == 1:
        return own
    others = scores.scatter(1, classes.view(-1, 1).to(scores.device), float("-inf"))
    return own - others.amax(1)
