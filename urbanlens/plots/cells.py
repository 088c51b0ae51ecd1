"""Maps of a few cells as pictures: alone, and over the image that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

ACROSS, GAP, LETTERS = 4, 16, 38


def rgb(colour: str) -> NDArray[np.float32]:
    """#RRGGBB as three numbers of 0 to 255."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32)


def signed_cells(values: ArrayLike, colours: tuple[str, str], peak: float) -> Image.Image:
    """A signed map as one pixel a cell: the first colour for what adds, the second for what takes away, 0 is clear.

    Parameters
    ----------
    values : (h, w)
    peak : the size that is drawn in full colour; what is larger looks the same

    Returns
    -------
    RGBA picture of w x h px; being clear where nothing is, it suits light and dark paper.
    """
    cells = np.asarray(values, np.float32)
    alpha = np.clip(np.abs(cells) / max(peak, 1e-12), 0, 1)
    adds, takes = (rgb(colour) for colour in colours)
    pixels = np.where((cells >= 0)[..., None], adds, takes)
    return Image.fromarray(np.concatenate([pixels, 255 * alpha[..., None]], -1).round().astype(np.uint8), "RGBA")


def over_image(image: Image.Image, cells: Image.Image, margin: float = 0.0, *, grey: float = 0.75) -> Image.Image:
    """A picture of cells, smoothly enlarged, over the image that it belongs to.

    Parameters
    ----------
    cells : RGBA, as of `signed_cells`
    margin : the part of the image at each side that the cells leave out, in [0, 0.5)
    grey : how far the image's own colours fade, so that those of the cells can be told, in [0, 1]
    """
    pale = Image.blend(image.convert("RGB"), image.convert("L").convert("RGB"), grey)
    left, top = round(margin * image.width), round(margin * image.height)
    size = (max(1, image.width - 2 * left), max(1, image.height - 2 * top))
    # Enlarged with the alpha multiplied in, or the colour of clear cells would bleed into their neighbours.
    enlarged = cells.convert("RGBa").resize(size, Image.Resampling.BILINEAR).convert("RGBA")
    pale.paste(enlarged, (left, top), enlarged)
    return pale


def padded(cells: NDArray[np.float32], margin: float) -> NDArray[np.float32]:
    """A map of the middle of an image with empty cells round it, so that it lies over the whole image."""
    side = cells.shape[-1]
    edge = round(margin * side / max(1 - 2 * margin, 1e-6))
    return np.pad(cells, edge)


def framed_sheet(
    pictures: Sequence[Image.Image], titles: Sequence[str], colours: Sequence[str], widths: Sequence[float]
) -> Image.Image:
    """Pictures of one size, each in a frame of its own colour and width in px, four in a row on white, with titles."""
    edge = round(max(widths, default=0)) + 1
    wide, tall = pictures[0].width + 2 * edge, pictures[0].height + 2 * edge
    rows = -(-len(pictures) // ACROSS)
    paper = Image.new(
        "RGB", (GAP + min(ACROSS, len(pictures)) * (wide + GAP), GAP + rows * (tall + LETTERS + GAP)), "white"
    )
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(15)
    for number, (picture, title, colour, width) in enumerate(zip(pictures, titles, colours, widths, strict=True)):
        left, top = GAP + number % ACROSS * (wide + GAP), GAP + number // ACROSS * (tall + LETTERS + GAP)
        frame = max(1, round(width))
        framed = ImageOps.expand(picture.convert("RGB"), frame, colour)
        paper.paste(framed, (left + edge - frame, top + edge - frame))
        pen.text((left, top + tall + 4), title, "black", font=font)
    return paper
