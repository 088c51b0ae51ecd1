"""How alike two pictures are, pixel by pixel: structural similarity on small grey ones.

Z. Wang et al., Image Quality Assessment: From Error Visibility to Structural Similarity, 2004. Over a window, with
means m, variances v and the covariance c of two grey pictures x, y in [0, 1], weighted by a Gaussian::

    SSIM = (2 m_x m_y + C1) (2 c + C2) / ((m_x^2 + m_y^2 + C1) (v_x + v_y + C2)),   C1 = .01^2,  C2 = .03^2

and its mean over all windows: 1 for equal pictures, about 0 for unrelated ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 64
"""Side in px of the grey pictures that are compared."""
WINDOW, SIGMA, STRIDE = 7, 1.5, 2
"""Side and width of the Gaussian window in px, and from one window to the next."""
C1, C2 = 0.01**2, 0.03**2
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
AT_ONCE = 128

Grey = NDArray[np.float32]


def ssim(query: NDArray[np.generic], thumbnails: NDArray[np.generic]) -> Grey:
    """Structural similarity of a picture to each of N thumbnails.

    Parameters
    ----------
    query : (P, P, 3) or (P, P), uint8, or grey of float in [0, 1]
    thumbnails : (N, s, s, 3) or (N, s, s), likewise; the query is shrunk to their side

    Returns
    -------
    similarity : (N,) float32, at most 1

    Raises
    ------
    ValueError
        Where a picture is not square, or smaller than a window of 7 px.
    """
    many = np.asarray(thumbnails)
    if many.ndim not in (3, 4) or many.shape[1] != many.shape[2] or many.shape[1] < WINDOW:
        raise ValueError(f"thumbnails have shape {many.shape}; give (N, s, s) or (N, s, s, 3), with s of 7 px or more")
    one = np.asarray(query)
    if one.ndim not in (2, 3) or one.shape[0] != one.shape[1]:
        raise ValueError(f"the picture has shape {one.shape}; give a square one, (P, P, 3) or (P, P)")
    side = many.shape[1]
    windows = _windows(side)
    x = grey(one[None], side)
    mean = _local(x, windows)
    spread = _local(x * x, windows) - mean**2
    parts = []
    for start in range(0, len(many), AT_ONCE):
        y = grey(many[start : start + AT_ONCE], side)
        means = _local(y, windows)
        spreads = _local(y * y, windows) - means**2
        product = mean * means
        shared = _local(x * y, windows) - product
        above = (2 * product + C1) * (2 * shared + C2)
        below = (mean**2 + means**2 + C1) * (spread + spreads + C2)
        parts.append((above / below).mean(axis=(1, 2)))
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def grey(pictures: NDArray[np.generic], side: int = SIDE) -> Grey:
    """(n, side, side) in [0, 1] of pictures (n, P, P, 3) or (n, P, P), uint8 or float in [0, 1].

    Shrunk smoothly, and rounded to what 8 bits hold, so that what was kept equals what is computed; what is grey and
    of this side already stays as it is.
    """
    values = pictures.astype(np.float32)
    if pictures.dtype == np.uint8:
        values /= 255
    if values.ndim == 3 and values.shape[1] == side:
        return values
    if values.ndim == 4:
        values = values @ LUMINANCE
    if values.shape[1] != side:
        size, smooth = (side, side), Image.Resampling.BILINEAR
        small = [np.asarray(Image.fromarray(picture).resize(size, smooth)) for picture in values]
        values = np.stack(small) if small else np.zeros((0, side, side), np.float32)
    return np.asarray(np.rint(values * 255) / 255, np.float32)


def _windows(side: int) -> Grey:
    """(side, W) weights of the pixels in each window along one axis."""
    away = np.arange(WINDOW) - (WINDOW - 1) / 2
    weights = np.exp(-(away**2) / (2 * SIGMA**2))
    starts = range(0, side - WINDOW + 1, STRIDE)
    windows = np.zeros((side, len(starts)), np.float32)
    for number, start in enumerate(starts):
        windows[start : start + WINDOW, number] = weights / weights.sum()
    return windows


def _local(pictures: Grey, windows: Grey) -> Grey:
    """(n, W, W) weighted means in all windows of pictures (n, s, s)."""
    count, side, _ = pictures.shape
    along = (pictures.reshape(-1, side) @ windows).reshape(count, side, -1)
    return np.asarray(windows.T @ along, np.float32)
