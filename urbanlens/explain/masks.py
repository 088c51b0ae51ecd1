"""From low-resolution maps to masks over the image.

Tensors in give tensors out, NumPy arrays give NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from urbanlens.errors import ModelError

Array = TypeVar("Array", Tensor, NDArray[Any])


def upsample_masks(maps: Array, size: int | Sequence[int]) -> Array:
    """Maps as masks of the image's size: bilinear, then min-max to [0, 1] for each image.

    Parameters
    ----------
    maps : (N, h, w), as `grad_cam` gives them
    size : (H, W) in px, or one number for a square

    Returns
    -------
    Tensor or ndarray
        (N, H, W) float32. A map without contrast, an empty one above all, becomes 0 everywhere: it points nowhere.
    """
    rows = torch.as_tensor(maps)
    if rows.ndim != 3:
        raise ModelError(f"maps of shape {tuple(rows.shape)} cannot be upsampled: give (N, h, w)")
    height, width = map(int, size) if isinstance(size, Sequence) else (int(size), int(size))
    if height < 1 or width < 1:
        raise ModelError(f"masks of {height} x {width} px cannot be made: give sides of at least 1 px")
    masks = functional.interpolate(rows.float()[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    # Relative to the map's own height, so that rounding of a flat map is not blown up into a pattern.
    flat = high - low <= 1e-6 * high.abs()
    masks = torch.where(flat, 0.0, (masks - low) / torch.where(flat, 1.0, high - low)).clamp_(0, 1)
    return _like(masks, maps)


def visual_explanation(images: Array, masks: Tensor | NDArray[Any], threshold: float = 0.5) -> Array:
    """The images with everything under the threshold blacked out.

    Parameters
    ----------
    images : tensor (N, 3, H, W), or array (N, H, W, 3), of any type
    masks : (N, H, W) in [0, 1]
    threshold : a pixel stays where mask >= threshold; 0 keeps everything
    """
    kept = torch.as_tensor(masks) >= threshold
    if isinstance(images, Tensor):
        _same_size(tuple(images.shape), (images.shape[0], *images.shape[-2:]), kept)
        return images * kept[:, None].to(images.device)
    _same_size(images.shape, images.shape[:3], kept)
    return cast(NDArray[Any], images * kept.numpy()[..., None].astype(images.dtype))


def crop_box(mask: Tensor | NDArray[Any], threshold: float = 0.5) -> tuple[int, int, int, int]:
    """The smallest box round everything that is not under the threshold.

    Parameters
    ----------
    mask : (H, W) in [0, 1]
    threshold : a pixel counts where mask >= threshold

    Returns
    -------
    tuple
        (left, top, right, bottom) in px, right and bottom not included, as `PIL.Image.crop` takes it; the whole
        image where nothing counts.
    """
    kept = np.asarray(torch.as_tensor(mask).cpu()) >= threshold
    if kept.ndim != 2:
        raise ModelError(f"a mask of shape {kept.shape} has no crop: give (H, W)")
    if not kept.any():
        return 0, 0, kept.shape[1], kept.shape[0]
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _same_size(shape: tuple[int, ...], expected: tuple[int, ...], kept: Tensor) -> None:
    if len(shape) != 4 or tuple(kept.shape) != tuple(expected):
        raise ModelError(
            f"masks of shape {tuple(kept.shape)} do not fit images of shape {shape}: upsample them to the images' size"
        )


def _like(result: Tensor, given: Array) -> Array:
    return result if isinstance(given, Tensor) else result.numpy()
