"""Masks drawn onto pictures, fast enough for a slider."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ANCHORS = np.array(
    [(13, 8, 135), (126, 3, 168), (204, 71, 120), (248, 149, 64), (240, 249, 33)], dtype=np.float32
)  # the perceptually even "plasma" scale of matplotlib
LONGEST = 1000
SHORTEST = 720


def display_size(image: Image.Image, longest: int = LONGEST) -> Image.Image:
    """The picture, its longer side between `SHORTEST` and `longest` px, so that a mask's edge is smooth on it."""
    if max(image.size) < SHORTEST:
        scale = SHORTEST / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return image.resize(size, Image.Resampling.LANCZOS)
    small = image.copy()
    small.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return small


def fitted(image: Image.Image, longest: int) -> Image.Image:
    """The picture with its longer side at `longest` px, small ones enlarged: maps over it need room."""
    scale = longest / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def colours(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) in [0, 1] to (H, W, 3) in [0, 255], from deep blue over red to yellow."""
    places = np.linspace(0, 1, len(ANCHORS))
    steps = np.linspace(0, 1, 256)
    table = np.stack([np.interp(steps, places, ANCHORS[:, i]) for i in range(3)], 1).astype(np.float32)
    return table[np.clip(mask * 255, 0, 255).astype(np.uint8)]


def overlay(image: Image.Image, mask: NDArray[np.float32], opacity: float) -> Image.Image:
    """The mask in colour over the picture: what is low stays clear, so the picture can be read.

    Parameters
    ----------
    mask
        (H, W) in [0, 1], of the picture's size.
    opacity
        In [0, 1]; 0 is the picture itself.
    """
    pixels = np.asarray(image, dtype=np.float32)
    weight = (opacity * np.minimum(1, 1.25 * mask))[..., None]
    return Image.fromarray((pixels * (1 - weight) + colours(mask) * weight).round().astype(np.uint8))


def only_above(image: Image.Image, mask: NDArray[np.float32], threshold: float) -> Image.Image:
    """The visual explanation of one picture; see `urbanlens.explain.visual_explanation`."""
    from urbanlens.explain import visual_explanation

    return Image.fromarray(visual_explanation(np.asarray(image)[None], mask[None], threshold)[0])


def mask_for(raw: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The mask (H, W) in [0, 1] of a raw map (h, w), for a picture or labels of `size` (width, height) px."""
    from urbanlens.explain import upsample_masks

    mask: NDArray[np.float32] = upsample_masks(raw[None], (size[1], size[0]))[0]
    return mask
