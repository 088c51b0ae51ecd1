"""Every odd or bad picture of the list: decoded rightly, or one clear error."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.collection.samples import encoded, picture, write
from urbanlens.collection.decoding import MAX_PIXELS, MAX_SIDE, open_ids, open_image, open_thumbnail
from urbanlens.errors import ImageError


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing: what a decompression bomb begins with."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def colour(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(v) for v in value)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_each_kind_of_file_gives_the_same_picture(kind: str) -> None:
    image = open_image(encoded(kind=kind))
    assert (image.mode, image.size) == ("RGB", (32, 24))
    assert np.abs(np.asarray(image, int) - np.asarray(picture(), int)).mean() < 6


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = encoded(Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)), kind)
    with pytest.raises(ImageError, match=r"cut\.img"):
        open_image(write(tmp_path / "cut.img", whole[: len(whole) // 2]))


@pytest.mark.parametrize("data", [b"hello, I am text", b"%PDF-1.7 ...", b"\xff\xd8\xff", b"PK\x03\x04" + b"\0" * 40])
def test_another_file_renamed_to_jpg_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ImageError, match=r"street\.jpg.*(no image|damaged)"):
        open_image(write(tmp_path / "street.jpg", data))


def test_an_image_under_another_kinds_name_is_read(tmp_path: Path) -> None:
    assert open_image(write(tmp_path / "really-a-png.jpg", encoded())).size == (32, 24)


def test_an_empty_or_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"void\.jpg is empty"):
        open_image(write(tmp_path / "void.jpg", b""))
    with pytest.raises(ImageError, match=r"gone\.jpg is missing"):
        open_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError, match="missing"):
        open_image(tmp_path)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), name) for name in ("red", "lime", "blue")]
    image = open_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    red, green, blue = colour(image, 8, 8)
    assert red > 240 and green < 20 and blue < 20


def test_sixteen_bits_become_eight_by_their_full_range() -> None:
    deep = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    grey = np.asarray(open_image(encoded(Image.fromarray(deep))))[..., 0]
    assert np.array_equal(grey, np.rint(deep / 257).astype(np.uint8))


def test_floating_point_values_are_stretched_and_a_flat_one_is_black() -> None:
    values = np.linspace(-2, 3, 64, dtype=np.float32).reshape(8, 8)
    grey = np.asarray(open_image(encoded(Image.fromarray(values), "TIFF")))[..., 0]
    assert (grey.min(), grey.max()) == (0, 255)
    assert np.asarray(open_image(encoded(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"))).max() == 0


def test_cmyk_grey_one_bit_and_palette_become_rgb() -> None:
    for mode, kind in (("CMYK", "JPEG"), ("CMYK", "TIFF"), ("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("P", "GIF")):
        image = open_image(encoded(picture().convert(mode), kind))
        assert (image.mode, image.size) == ("RGB", (32, 24)), (mode, kind)
    red, green, blue = colour(open_image(encoded(picture().convert("CMYK"), "TIFF")), 30, 20)
    assert abs(red - 200) < 4 and abs(green - 30) < 4 and abs(blue - 40) < 4


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert colour(open_image(encoded(clear)), 4, 4) == (255, 255, 255)
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([255, 0, 0] + [0, 0, 0] * 255)
    assert colour(open_image(encoded(palette, transparency=0)), 4, 4) == (255, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation: int) -> None:
    turned = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
              4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
              7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270}[orientation]  # fmt: skip
    stored = picture() if turned is None else picture().transpose(turned)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(encoded(stored, exif=exif))
    assert np.array_equal(np.asarray(image), np.asarray(picture()))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_damaged_exif_block_does_not_spoil_the_picture() -> None:
    assert open_image(encoded(kind="JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff broken")).size == (32, 24)


@pytest.mark.parametrize("size", [(50_000, 10), (10, 50_000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_bombs_and_huge_sides_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match=r"bomb\.png.*(at most)"):
        open_image(png_header(*size), "bomb.png")


def test_the_error_of_a_wide_image_gives_the_numbers() -> None:
    with pytest.raises(ImageError, match=rf"50,000 x 10 px.*{MAX_SIDE:,}.*{MAX_PIXELS // 10**6}"):
        open_image(png_header(50_000, 10), "wide.png")


def test_a_thumbnail_keeps_the_shape_and_the_errors() -> None:
    small = open_thumbnail(encoded(picture((400, 300)), "JPEG"), 100)
    assert small.size == (100, 75)
    with pytest.raises(ImageError):
        open_thumbnail(b"", 100)


def test_ids_are_read_unchanged() -> None:
    ids = np.arange(64, dtype=np.uint16).reshape(8, 8)
    assert np.array_equal(open_ids(encoded(Image.fromarray(ids.astype(np.uint8)))), ids)
    assert np.array_equal(open_ids(encoded(Image.fromarray(ids * 1000))), ids * 1000)
    palette = Image.fromarray(ids.astype(np.uint8)).convert("P")
    palette.putpalette([7] * 768)
    assert open_ids(encoded(palette)).dtype == np.uint16


def test_ids_in_colour_are_refused() -> None:
    with pytest.raises(ImageError, match=r"mask\.png has colours"):
        open_ids(encoded(), "mask.png")
