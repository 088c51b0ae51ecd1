"""What a visitor takes home holds what was found, and the same result gives the same bytes."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from urbanlens.transformation.export import EARLIEST, GAP, SIDE, archive, certainties, gif, strip_png
from urbanlens.transformation.record import Transformation

from .made import NAMES, NETWORKS, shares_of, transformation

SOURCE = Image.new("RGB", (40, 24), "#336699")
NEAREST = (Image.new("L", (9, 30), 200), Image.new("RGB", (300, 300), "#112233"))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def unpacked(data: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture
def found() -> Transformation:
    return transformation(shares=shares_of(np.random.default_rng(0), 2), frames=9)


def test_a_strip_holds_source_steps_template_and_nearest(found: Transformation) -> None:
    alone, whole = opened(strip_png(found)), opened(strip_png(found, SOURCE, NEAREST))
    assert alone.size[0] == GAP + 6 * (SIDE + GAP)
    assert whole.size[0] == GAP + 9 * (SIDE + GAP)
    middle = GAP + SIDE // 2
    assert whole.getpixel((middle, middle)) == (0x33, 0x66, 0x99)
    assert whole.getpixel((whole.width - middle, middle)) == (0x11, 0x22, 0x33)
    template = np.asarray(alone)[GAP : GAP + SIDE, -GAP - SIDE : -GAP]
    shown = np.asarray(Image.fromarray(found.template).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    assert np.array_equal(template, shown)


def test_an_animation_has_every_frame_and_begins_anew(found: Transformation) -> None:
    moving = opened(gif(found, side=32))
    assert (moving.n_frames, moving.size, moving.info["loop"]) == (9, (32, 32), 0)
    times = []
    for number in range(9):
        moving.seek(number)
        times.append(moving.info["duration"])
    assert times[0] == times[-1] > times[1]
    first = transformation(frames=1)
    assert opened(gif(first)).size == (SIDE, SIDE)


def test_an_archive_gives_everything_back(found: Transformation) -> None:
    files = unpacked(archive(found, SOURCE, NEAREST, ["near", "far"]))
    assert files.testzip() is None
    for step, frame in zip(found.steps, found.frames, strict=True):
        assert np.array_equal(np.asarray(opened(files.read(f"steps/{step:04}.png"))), frame), "no loss"
    with np.load(io.BytesIO(files.read("codes.npz")), allow_pickle=False) as codes:
        assert np.array_equal(codes["first"], found.codes[0])
        assert np.array_equal(codes["last"], found.codes[1])
    told = json.loads(files.read("settings.json"))
    assert (told["source"], told["target"], told["nearest"]) == (found.source, found.target, ["near", "far"])
    assert told["settings"] == {"method": "prior", "steps": 50, "reach": "far", "start": "image", "seed": 0}
    assert told["drivers"] == ["pulls"]
    table = pd.read_csv(io.BytesIO(files.read("certainties.csv")))
    assert len(table) == 3 * (9 + 1)
    assert sorted(table["network"].unique()) == sorted(NETWORKS), "a comma in a name breaks nothing"
    assert np.allclose(table.pivot(index="step", columns="network", values="certainty").loc[80, list(NETWORKS)],
                       found.certainty[-1], atol=1e-6)  # fmt: skip
    objects = pd.read_csv(io.BytesIO(files.read("objects.csv")))
    assert list(objects.columns) == ["step", *NAMES]
    assert np.allclose(objects[list(NAMES)].sum(axis=1), 1, atol=1e-3)
    assert {"source.png", "nearest-1.png", "nearest-2.png", "strip.png"} <= set(files.namelist())


def test_the_same_result_gives_the_same_bytes(found: Transformation) -> None:
    assert archive(found, SOURCE) == archive(found, SOURCE)
    assert gif(found) == gif(found)
    assert strip_png(found) == strip_png(found)
    files = unpacked(archive(found))
    assert {one.date_time for one in files.infolist()} == {EARLIEST}
    inner = zipfile.ZipFile(io.BytesIO(files.read("codes.npz")))
    assert {one.date_time for one in inner.infolist()} == {EARLIEST}


def test_a_prototype_of_one_pixel_without_segmenter_or_source() -> None:
    one = transformation("", "", side=1, frames=1)
    files = unpacked(archive(one))
    assert "objects.csv" not in files.namelist() and "source.png" not in files.namelist()
    assert json.loads(files.read("settings.json"))["source_certainty"] == dict.fromkeys(NETWORKS)
    assert (certainties(one)["step"] == 0).all(), "a neutral code is no picture that could be asked about"
    assert opened(strip_png(one)).size[0] == GAP + SIDE + GAP
    assert opened(gif(transformation("", "", side=1, frames=3))).size == (SIDE, SIDE)
