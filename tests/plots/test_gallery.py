import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from urbanlens.plots.gallery import (
    build_atlas,
    choose_pictured,
    pack_classes,
    pack_floats,
    pack_mask,
    pack_rows,
    room,
    unpack_mask,
)


def grounds(count: int) -> list[Image.Image]:
    """Plain pictures of several sizes and modes, each of a colour of its own."""
    colours = [(40 * (i % 5) + 30, 60 * (i % 3) + 40, 200 - 12 * i) for i in range(count)]
    pictures = [Image.new("RGB", (90 + 40 * (i % 3), 60 + 25 * (i % 4)), colour) for i, colour in enumerate(colours)]
    return [picture.convert("RGBA") if i % 2 else picture for i, picture in enumerate(pictures)]


def test_every_picture_has_its_tile() -> None:
    pictures = grounds(11)
    atlas = build_atlas(iter(pictures), cell=32, quality=95)
    sheet = Image.open(io.BytesIO(atlas.data))
    assert (sheet.format, sheet.size) == ("WEBP", (4 * 32, 3 * 32))
    assert (atlas.cell, atlas.columns, atlas.count) == (32, 4, 11)
    pixels = np.asarray(sheet.convert("RGB"), int)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, atlas.columns)
        middle = pixels[row * 32 + 16, column * 32 + 16]
        assert np.abs(middle - np.asarray(picture.convert("RGB").getpixel((0, 0)))).max() < 12


def test_a_tile_shows_the_middle_square() -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 255
    atlas = build_atlas([Image.fromarray(wide)], cell=40)
    assert np.asarray(Image.open(io.BytesIO(atlas.data)).convert("L")).min() > 240


def test_atlas_of_nothing_and_of_too_much() -> None:
    assert build_atlas([]).count == 0
    with pytest.raises(ValueError, match="a WebP holds 16383"):
        build_atlas([Image.new("RGB", (2, 2))] * 5, cell=6000)


def test_two_thousand_small_tiles_fit() -> None:
    atlas = build_atlas([Image.new("RGB", (64, 64))] * 2000)
    assert atlas.columns * atlas.cell <= 16_383 and atlas.count == 2000


def test_few_points_are_all_pictured() -> None:
    points = np.random.default_rng(0).normal(size=(30, 2))
    points[7] = np.nan
    assert choose_pictured(points, 500).tolist() == [i for i in range(30) if i != 7]


@pytest.mark.parametrize("count", [501, 3000, 30_000])
def test_pictures_cover_the_plane(count: int) -> None:
    random = np.random.default_rng(3)
    points = random.normal(0, 0.05, (count, 2))
    points[:40] = random.uniform(-1, 1, (40, 2))  # a thin veil around a dense heap
    rows = choose_pictured(points, 500, seed=1)
    assert len(rows) == 500 == len(np.unique(rows)) and (np.diff(rows) > 0).all()
    assert (rows < 40).sum() >= 30
    np.testing.assert_array_equal(rows, choose_pictured(points, 500, seed=1))
    if count > 600:
        assert rows.tolist() != choose_pictured(points, 500, seed=2).tolist()


def test_equal_points_are_drawn_at_random() -> None:
    assert len(choose_pictured(np.zeros((900, 2)), 500)) == 500


def test_room_between_places() -> None:
    assert room([[0, 0], [1, 0.25], [5, 5]]) == pytest.approx(1)
    assert room([[0, 0], [0.1, 0.4]]) == pytest.approx(0.4)
    assert room([[3, 3]]) == 1


def test_packed_numbers_read_back() -> None:
    values = np.array([[1.5, -2], [np.nan, 0.25]])
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(pack_floats(values)), "<f4"), values.ravel())
    assert np.frombuffer(base64.b64decode(pack_rows([5, 70_000])), "<i4").tolist() == [5, 70_000]
    assert list(base64.b64decode(pack_classes([0, 254, 255, -1, 999]))) == [0, 254, 255, 255, 255]


@given(st.sets(st.integers(0, 99)), st.integers(100, 130))
def test_a_selection_reads_back(rows: set[int], count: int) -> None:
    assert unpack_mask(pack_mask(sorted(rows), count), count) == tuple(sorted(rows))


@pytest.mark.parametrize(("text", "match"), [("?!", "no base64"), ("AAAA", "8 rows need 1"), ("", "0 bytes")])
def test_a_selection_of_something_else(text: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        unpack_mask(text, 8)
