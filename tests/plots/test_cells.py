"""Maps of a few cells as pictures: colours, where they lie, and what stays clear."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from urbanlens.plots.cells import over_image, padded, rgb, signed_cells

COLOURS = ("#3A8F2E", "#C51B7D")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_a_colour_as_numbers() -> None:
    assert rgb("#3A8F2E").tolist() == [58, 143, 46]


def test_the_sign_is_the_colour_and_the_size_its_strength() -> None:
    drawn = signed_cells([[2.0, -1.0, 0.0], [0.5, -4.0, 1.0]], COLOURS, 2.0)
    assert (drawn.mode, drawn.size) == ("RGBA", (3, 2))
    found = pixels(drawn)
    assert found[..., 3].tolist() == [[255, 128, 0], [64, 255, 128]]
    assert (found[0, 0, :3] == rgb(COLOURS[0])).all() and (found[0, 1, :3] == rgb(COLOURS[1])).all()


@pytest.mark.parametrize("peak", [0.0, 1e-30])
def test_nothing_at_all_is_clear(peak: float) -> None:
    assert pixels(signed_cells(np.zeros((3, 3)), COLOURS, peak))[..., 3].max() == 0


def test_cells_lie_over_the_middle_and_the_margin_stays_grey() -> None:
    image = Image.new("RGB", (80, 40), "#4060A0")
    full = signed_cells(np.ones((4, 4)), COLOURS, 1.0)
    drawn = pixels(over_image(image, full, 0.25, grey=1.0))
    assert (drawn[12:28, 24:56] == rgb(COLOURS[0])).all()
    border = np.ones((40, 80), bool)
    border[10:30, 20:60] = False
    outside = drawn[border]
    assert (outside == outside[:, :1]).all(), "grey has no colour"
    assert drawn.shape == (40, 80, 3)


def test_the_image_is_seen_where_cells_are_clear() -> None:
    image = Image.effect_noise((32, 32), 60).convert("RGB")
    clear = signed_cells(np.zeros((4, 4)), COLOURS, 1.0)
    assert np.abs(pixels(over_image(image, clear, grey=0.0)) - pixels(image)).max() == 0
    assert pixels(image).shape == pixels(over_image(image, clear, 0.1)).shape


def test_a_clear_neighbour_does_not_bleed_its_colour() -> None:
    """Cells next to nothing fade; they do not become the other colour on the way."""
    cells = signed_cells([[1.0, -1e-9]], COLOURS, 1.0)
    drawn = pixels(over_image(Image.new("RGB", (64, 32), "white"), cells))
    green, away = rgb(COLOURS[0]), rgb(COLOURS[1])
    share = (255 - drawn[16, :, 0]) / (255 - green[0])
    assert np.abs(255 - drawn[16, :, 1] - share * (255 - green[1])).max() <= 2
    assert away[1] < green[1]


@pytest.mark.parametrize(("side", "crop"), [(15, 11), (8, 6), (12, 12), (9, 1)])
def test_padded_maps_are_of_the_whole_image(side: int, crop: int) -> None:
    margin = (side - crop) // 2 / side
    found = padded(np.ones((crop, crop), np.float32), margin)
    assert found.shape == (side, side)
    assert found.sum() == crop * crop
    first = (side - crop) // 2
    assert found[first : first + crop, first : first + crop].all()
