"""From low-resolution maps to masks over the image.

Tensors in give tensors out, NumPy arrays give NumPy arrays; arrays need no torch.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from urbanlens.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", "Tensor", NDArray[Any])
FLAT = 1e-6
"""Contrast, relative to the map's height, up to which a map points nowhere: rounding of a flat map is no pattern."""


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
    height, width = map(int, size) if isinstance(size, Sequence) else (int(size), int(size))
    if len(maps.shape) != 3:
        raise ModelError(f"maps of shape {tuple(maps.shape)} cannot be upsampled: give (N, h, w)")
    if height < 1 or width < 1:
        raise ModelError(f"masks of {height} x {width} px cannot be made: give sides of at least 1 px")
    if _is_tensor(maps):
        return _upsampled_tensor(maps, height, width)  # type: ignore[return-value]
    cells = np.asarray(maps, np.float32)
    if 0 in cells.shape:
        return cast(Array, np.zeros((len(cells), height, width), np.float32))
    masks = upsample(cells, upsampler(cells.shape[1], height), upsampler(cells.shape[2], width))
    low, high = masks.min((1, 2), keepdims=True), masks.max((1, 2), keepdims=True)
    flat = high - low <= FLAT * np.abs(high)
    masks = np.where(flat, np.float32(0), (masks - low) / np.where(flat, np.float32(1), high - low))
    return cast(Array, np.clip(masks, 0, 1, out=masks))


def _upsampled_tensor(maps: Tensor, height: int, width: int) -> Tensor:
    import torch
    from torch.nn import functional

    masks = functional.interpolate(maps.float()[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0]
    low, high = masks.amin((1, 2), keepdim=True), masks.amax((1, 2), keepdim=True)
    flat = high - low <= FLAT * high.abs()
    return torch.where(flat, 0.0, (masks - low) / torch.where(flat, 1.0, high - low)).clamp_(0, 1)


def enlarge(cells: NDArray[np.float32], size: Sequence[int]) -> NDArray[np.float32]:
    """One map (h, w), bilinearly enlarged to (H, W) px, its values as they are."""
    down, across = (upsampler(side, pixels) for side, pixels in zip(cells.shape, size, strict=True))
    return np.asarray(upsample(np.asarray(cells, np.float32)[None], down, across)[0], np.float32)


def upsampler(cells: int, pixels: int) -> NDArray[np.float64]:
    """The weights (pixels, cells) of bilinear resizing along one axis, as torch has them (align_corners=False)."""
    place = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    before = np.minimum(place.astype(int), max(cells - 2, 0))
    share = place - before
    weights = np.zeros((pixels, cells))
    np.add.at(weights, (np.arange(pixels), before), 1 - share)
    np.add.at(weights, (np.arange(pixels), np.minimum(before + 1, cells - 1)), share)
    return weights


def upsample(cells: NDArray[np.float32], down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float32]:
    """down @ m @ across' of each map m: (N, h, w) -> (N, rows of down, rows of across)."""
    count, height, width = cells.shape
    wide = cells.reshape(-1, width) @ across.T.astype(np.float32)
    turned = wide.reshape(count, height, len(across)).transpose(0, 2, 1).reshape(-1, height)
    tall = turned @ down.T.astype(np.float32)
    return tall.reshape(count, len(across), len(down)).transpose(0, 2, 1)


def visual_explanation(images: Array, masks: Tensor | NDArray[Any], threshold: float = 0.5) -> Array:
    """The images with everything under the threshold blacked out.

    Parameters
    ----------
    images : tensor (N, 3, H, W), or array (N, H, W, 3), of any type
    masks : (N, H, W) in [0, 1]
    threshold : a pixel stays where mask >= threshold; 0 keeps everything
    """
    kept = masks >= threshold if _is_tensor(masks) else np.asarray(masks) >= threshold
    if _is_tensor(images):
        import torch

        _same_size(tuple(images.shape), (images.shape[0], *images.shape[-2:]), tuple(kept.shape))
        return images * torch.as_tensor(kept)[:, None].to(images.device)  # type: ignore[return-value]
    pictures = np.asarray(images)
    _same_size(pictures.shape, pictures.shape[:3], tuple(kept.shape))
    shown = np.asarray(kept.cpu() if _is_tensor(kept) else kept)[..., None]
    return cast(Array, pictures * shown.astype(pictures.dtype))


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
    kept = np.asarray(mask.cpu() if _is_tensor(mask) else mask) >= threshold
    if kept.ndim != 2:
        raise ModelError(f"a mask of shape {kept.shape} has no crop: give (H, W)")
    if not kept.any():
        return 0, 0, kept.shape[1], kept.shape[0]
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _is_tensor(values: Any) -> TypeGuard[Tensor]:
    """Whether these are torch's numbers; where torch was never loaded they cannot be."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(values, torch.Tensor)


def _same_size(shape: tuple[int, ...], expected: tuple[int, ...], kept: tuple[int, ...]) -> None:
    if len(shape) != 4 or kept != tuple(expected):
        raise ModelError(f"masks of shape {kept} do not fit images of shape {shape}: upsample them to the images' size")
