"""Grad-CAM masks as points, without ever making the masks.

A mask (H, W) is the bilinear upsample of a map m of h w cells, then min-max to [0, 1]. The upsample is linear and
separable, so with one matrix an axis, Wy (H, h) and Wx (W, w), and each one's decomposition W = Q R::

    mask = Wy c Wx' = Qy (Ry c Rx') Qx',      c = (m - low) / (high - low)

Bilinear weights sum to 1, so the offset may be taken from the cells before the upsample. Q has orthonormal columns:
distances, and with them the principal components, of the masks (N, H W) are those of the rows Ry c Rx' (N, h w).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from urbanlens.embedding.principal import principal
from urbanlens.explain.masks import FLAT, upsample, upsampler

SIZE = 224
"""Side in px of the masks that rows stand for, where nothing else is asked for."""
COMPONENTS = 50


@dataclass(frozen=True)
class MaskComponents:
    """Masks on their axes of largest spread.

    Attributes
    ----------
    rows : (N, components) float32, widest axis first; axes that the masks do not have are zero.
    explained : (components,) float32, the share of the masks' variance on each axis.
    """

    rows: NDArray[np.float32]
    explained: NDArray[np.float32]


def mask_components(maps: ArrayLike, size: int | Sequence[int] = SIZE, components: int = COMPONENTS) -> MaskComponents:
    """Principal components of the masks that `upsample_masks(maps, size)` would give.

    Parameters
    ----------
    maps : (N, h, w) raw maps, as `grad_cam` gives them.
    size : (H, W) of the masks in px, or one number for a square.
    components : axes to keep, at least 1.

    Returns
    -------
    MaskComponents
        Equal to the components of the full (N, H W) matrix up to rounding.

    Raises
    ------
    ValueError
        Maps that are no (N, h, w) or not finite, a side or a number of axes below 1.
    """
    if components < 1:
        raise ValueError(f"components is {components}; keep at least 1 axis")
    flat = mask_rows(maps, size)
    rows = principal(flat, components)
    total = float(np.var(flat, axis=0, dtype=np.float64).sum()) if len(flat) else 0.0
    spread = np.var(rows, axis=0, dtype=np.float64) if len(flat) else np.zeros(components)
    return MaskComponents(rows, np.asarray(spread / total if total > 0 else np.zeros(components), np.float32))


def mask_rows(maps: ArrayLike, size: int | Sequence[int] = SIZE) -> NDArray[np.float32]:
    """The masks in an orthonormal basis of all masks of their size: products and distances are the masks' own.

    Parameters
    ----------
    maps : (N, h, w) raw maps.
    size : (H, W) of the masks in px, or one number for a square.

    Returns
    -------
    rows : (N, min(h, H) min(w, W)) float32; the row of a map without contrast is zero.

    Raises
    ------
    ValueError
        Maps that are no (N, h, w) or not finite, or a side below 1.
    """
    cells = np.asarray(maps, np.float32)
    if cells.ndim != 3 or 0 in cells.shape[1:]:
        raise ValueError(f"maps have shape {cells.shape}; give (N, h, w) raw maps, not masks or scores")
    if not np.isfinite(cells).all():
        raise ValueError("some maps hold NaN or infinity; leave out the images whose explanation failed")
    height, width = map(int, size) if isinstance(size, Sequence) else (int(size), int(size))
    if height < 1 or width < 1:
        raise ValueError(f"masks of {height} x {width} px cannot be made; give sides of at least 1 px")
    down, across = upsampler(cells.shape[1], height), upsampler(cells.shape[2], width)
    low, high = _extremes(cells, down, across)
    flat = high - low <= FLAT * np.abs(high)
    scaled = np.where(flat, np.float32(0), (cells - low) / np.where(flat, np.float32(1), high - low))
    rows = upsample(scaled, np.linalg.qr(down)[1], np.linalg.qr(across)[1])
    return np.asarray(rows.reshape(len(cells), rows.shape[1] * rows.shape[2]), np.float32)


def _extremes(
    cells: NDArray[np.float32], down: NDArray[np.float64], across: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The smallest and the largest pixel of each upsampled map, each (N, 1, 1).

    Between four cell centres the upsample is linear along either axis, so the extremes of the pixels there lie at
    the corners: of each axis only the first and the last pixel between two centres need be made, at most 2h and 2w.
    """
    corners = upsample(cells, down[_ends(down)], across[_ends(across)])
    return corners.min((1, 2), keepdims=True), corners.max((1, 2), keepdims=True)


def _ends(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first and the last pixel of each stretch between two cell centres."""
    before = (weights > 0).argmax(axis=1)
    new = np.flatnonzero(np.diff(before)) + 1
    return np.unique(np.concatenate([[0], new - 1, new, [len(before) - 1]]))
