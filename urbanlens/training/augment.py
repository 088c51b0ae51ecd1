"""Changes that a street image may undergo without changing its class.

Never mirrored: writing would be. Degraded on purpose: a network that never saw a blurred image takes blur for a
class (PLATFORM notes: plain networks fell from .9 to .6 on images that were merely shrunk and enlarged).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.models.state import preserved


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift and zoom, colour, blur and noise, each drawn anew for each image.

    Parameters
    ----------
    images : (N, 3, H, W) in [0, 1]
    generator : of the CPU; the same generator state gives the same images
    """
    return degrade(jitter_colour(shift_and_zoom(images, generator), generator), generator).clamp_(0, 1)


def shift_and_zoom(images: Tensor, generator: torch.Generator, smallest: float = 0.88) -> Tensor:
    """A random window of at least `smallest` of each side, enlarged to the whole."""
    count = len(images)
    sides = smallest + (1 - smallest) * torch.rand(count, 2, generator=generator)
    centres = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - sides)
    matrix = torch.zeros(count, 2, 3)
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, :, 2] = sides[:, 0], sides[:, 1], centres
    grid = functional.affine_grid(matrix.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def jitter_colour(images: Tensor, generator: torch.Generator, strength: float = 0.3) -> Tensor:
    """Saturation, contrast and brightness, each times 1 - strength … 1 + strength."""
    factors = 1 + strength * (torch.rand(3, len(images), 1, 1, 1, generator=generator) * 2 - 1)
    saturation, contrast, brightness = factors.to(images.device)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * saturation
    middle = images.mean((1, 2, 3), keepdim=True)
    result: Tensor = (middle + (images - middle) * contrast) * brightness
    return result


def degrade(images: Tensor, generator: torch.Generator, share: float = 0.4, noise: float = 0.06) -> Tensor:
    """Shrink and enlarge a share of the images, by one factor of 1.5 to 3.5 for all; add noise to another share."""
    blurred, noisy = torch.rand(2, len(images), generator=generator) < share
    factor = 1.5 + 2 * float(torch.rand((), generator=generator))
    if blurred.any():
        size = list(images.shape[-2:])
        small = [max(4, round(side / factor)) for side in size]
        rows = blurred.nonzero()[:, 0].to(images.device)
        shrunk = functional.interpolate(images[rows], small, mode="bilinear", align_corners=False, antialias=True)
        enlarged = functional.interpolate(shrunk, size, mode="bilinear", align_corners=False)
        images = images.index_copy(0, rows, enlarged)
    if noisy.any():
        rows = noisy.nonzero()[:, 0].to(images.device)
        amount = noise * torch.rand(len(rows), 1, 1, 1, generator=generator)
        grain = torch.randn(len(rows), *images.shape[1:], generator=generator) * amount
        images = images.index_add(0, rows, grain.to(images.device))
    return images


def attacked(network: nn.Module, images: Tensor, labels: Tensor, share: float) -> Tensor:
    """Each image moved once against the network: x + e g / |g| with g the gradient of its loss.

    Parameters
    ----------
    network : (N, 3, H, W) -> (N, K); its batch norms use, and do not change, what they know
    labels : (N,)
    share : |e|, as a share of the length of a grey image of this size
    """
    reach = share * 0.5 * float(images[0].numel()) ** 0.5
    with preserved(network):
        network.eval().requires_grad_(False)
        moved = images.detach().requires_grad_(True)
        with torch.enable_grad():
            loss = functional.cross_entropy(network(moved).float(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, moved)
    length = gradient.flatten(1).norm(dim=1).clamp_min(1e-9).view(-1, 1, 1, 1)
    result: Tensor = (images + reach * gradient / length).clamp(0, 1).detach()
    return result.contiguous(memory_format=torch.channels_last)
