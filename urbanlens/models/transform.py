"""From a picture to the pixels that a network takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor


def square_pixels(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """The whole picture as (3, size, size) RGB, resized with antialiasing; what is not square is squeezed.

    Nothing is cropped, so a mask over the square lies over the whole picture.
    """
    small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


@dataclass(frozen=True)
class SquareTransform:
    """Picture -> (3, size, size) float32 RGB in [0, 1]. Networks normalise by themselves."""

    size: int

    def __call__(self, image: Image.Image) -> Tensor:
        return torch.from_numpy(square_pixels(image, self.size)).float() / 255
