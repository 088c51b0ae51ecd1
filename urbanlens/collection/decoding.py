"""Files from anywhere become upright RGB pictures, or one clear error."""

from __future__ import annotations

import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from urbanlens.errors import ImageError

MAX_PIXELS = 100_000_000
MAX_SIDE = 30_000
MAX_BYTES = 256_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF")
"""Pillow's names, AVIF last: the one that a build of Pillow may lack."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2"})
"""File endings, in lower case, that a folder's images are looked for under."""

# What Pillow's readers raise on damaged files.
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError,
            RuntimeError, struct.error, zlib.error, Image.DecompressionBombError)  # fmt: skip


def open_image(source: Path | str | bytes, name: str | None = None) -> Image.Image:
    """Decode a picture safely and wholly.

    Animations give their first frame; 16-bit, grey, CMYK and palette pictures are converted; transparency is laid
    on white; the EXIF orientation is applied.

    Parameters
    ----------
    source
        A file or its bytes.
    name
        What the error calls it; the file's name by default.

    Returns
    -------
    PIL.Image.Image
        RGB, 8 bit, upright, loaded.

    Raises
    ------
    ImageError
        Empty, truncated, no image, or more than `MAX_PIXELS` pixels or `MAX_SIDE` px a side.
    """
    called = name or (Path(source).name if not isinstance(source, bytes) else "the image")
    image = _open(source, called)
    return _decode(image, called)


def open_thumbnail(source: Path | str | bytes, side: int, name: str | None = None) -> Image.Image:
    """A picture of at most `side` px a side, as `open_image`; JPEGs are decoded at a reduced size, which is fast."""
    called = name or (Path(source).name if not isinstance(source, bytes) else "the image")
    image = _open(source, called)
    image.draft("RGB", (side * 2, side * 2))
    small = _decode(image, called)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def open_ids(source: Path | str | bytes, name: str | None = None) -> npt.NDArray[np.uint16]:
    """Read pixel labels: a PNG of ids, grey of 8 or 16 bit or with a palette.

    Returns
    -------
    ids
        (H, W) uint16.

    Raises
    ------
    ImageError
        As `open_image`, and where the file is in colour and so holds no ids.
    """
    called = name or (Path(source).name if not isinstance(source, bytes) else "the labels")
    image = _open(source, called)
    if image.mode not in ("1", "L", "P", "I;16", "I;16B", "I;16L", "I"):
        raise ImageError(f"{called} has colours (mode {image.mode}) where pixel labels are one id a pixel: "
                         "save it as a grey or palette PNG")  # fmt: skip
    try:
        ids = np.asarray(image)
    except _DAMAGED as error:
        raise ImageError(_damaged(called, error)) from error
    if ids.size and (int(ids.max()) > 65535 or int(ids.min()) < 0):
        raise ImageError(f"{called} holds the id {int(ids.max())}; ids go from 0 to 65535")
    return ids.astype(np.uint16)


def _open(source: Path | str | bytes, called: str) -> Image.Image:
    data = source if isinstance(source, bytes) else _read(Path(source), called)
    if not data:
        raise ImageError(f"{called} is empty (0 bytes): copy it again from where it came")
    if len(data) > MAX_BYTES:
        raise ImageError(f"{called} has {len(data):,} bytes; at most {MAX_BYTES:,} are read: make it smaller")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageError(f"{called} has too many pixels; at most {MAX_PIXELS:,} are decoded: make it smaller "
                         f"({error})") from error  # fmt: skip
    except _DAMAGED as error:
        raise ImageError(
            f"{called} is no image that can be read ({len(data):,} bytes); allowed are "
            "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and JPEG 2000, whatever the file is called"
        ) from error
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageError(
            f"{called} is {width:,} x {height:,} px ({width * height / 1e6:,.0f} megapixels); at most "
            f"{MAX_SIDE:,} px a side and {MAX_PIXELS / 1e6:,.0f} megapixels are decoded: make it smaller"
        )
    return image


def _read(path: Path, called: str) -> bytes:
    try:
        if not path.is_file():
            raise ImageError(f"{called} is missing: there is no file {path}")
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"{called} has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{called} cannot be read: {error}") from error


def _decode(image: Image.Image, called: str) -> Image.Image:
    try:
        image.load()
        upright = _upright(image)
        return _rgb(upright)
    except _DAMAGED as error:
        raise ImageError(_damaged(called, error)) from error


def _damaged(called: str, error: BaseException) -> str:
    return f"{called} is damaged or cut short and cannot be decoded ({error}): copy it again from where it came"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGED:
        # A broken EXIF block says nothing about the orientation; the pixels are fine.
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image.copy()
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bit(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _eight_bit(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Deep grey values to 8 bit: 16-bit ones by their full range, others from their least to their greatest value."""
    numbers = np.nan_to_num(values.astype(np.float64))
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind in "iu" and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0 if (high > 255 or values.dtype.itemsize == 2) else 255.0
    span = high - low
    scaled = (numbers - low) / span if span > 0 and math.isfinite(span) else np.zeros_like(numbers)
    return np.asarray(np.rint(scaled * 255), dtype=np.uint8)
