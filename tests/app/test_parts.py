"""The parts of the pages that need no server."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image

from urbanlens.collection import ImageCollection
from urbanlens.errors import Cancelled, CollectionError
from urbanlens.progress import Progress
from urbanlens.ui import drawing, explaining, library, overview, pictures, similar, state, uploads, work

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        (None, {}, True),
        ("127.0.0.1", {"Host": "localhost:8501", "Origin": "http://localhost:8501"}, True),
        ("::1", {"Host": "[::1]:8501"}, True),
        ("::ffff:127.0.0.1", {"Host": "localhost:8501"}, True),
        ("::ffff:192.168.1.7", {"Host": "localhost:8501"}, False),
        ("192.168.1.7", {"Host": "localhost:8501"}, False),
        (None, {"Host": "lab.example.org"}, False),
        (None, {"Host": "127.0.0.1:8501", "Origin": "https://lab.example.org"}, False),
        (None, {"Host": "localhost", "X-Forwarded-For": "10.0.0.9"}, False),
    ],
)
def test_only_a_browser_on_this_computer_is_local(
    monkeypatch: pytest.MonkeyPatch, address: str | None, headers: dict[str, str], local: bool
) -> None:
    monkeypatch.setattr(st, "context", SimpleNamespace(ip_address=address, headers=headers))
    assert library.visitor_is_local() is local


def test_collections_of_one_title_are_told_apart(tmp_path: Path) -> None:
    folders = {}
    for name, title in (("one", "Streets"), ("two", "Streets"), ("three", "Parks")):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        (folders[name] / "collection.toml").write_text(f'title = "{title}"')
    assert library.titles(folders) == {"one": "Streets (one)", "two": "Streets (two)", "three": "Parks"}


def test_captions_are_escaped(town: ImageCollection) -> None:
    html = pictures.grid_html(town, town.ids[:1], ["<script>alert(1)</script> & co"], linked=False)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert re.search(r'src="data:image/webp;base64,[A-Za-z0-9+/=]+"', html)


def test_markdown_of_users_is_inert() -> None:
    assert pictures.plain("![x](http://far.example)") == r"\!\[x\]\(http://far.example\)"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a.jpg", "a.jpg"), ("../../etc/passwd", "passwd"), ("C:\\x\\b.png", "b.png"), ("..", "unnamed"), ("a\0b", "ab")],
)
def test_names_of_uploads_cannot_climb(given: str, kept: str) -> None:
    assert uploads.safe_name(given) == kept


def test_slug() -> None:
    assert uploads.slug("  My City: 2026/North ") == "my-city-2026-north"
    assert uploads.slug("../..") == ""


def test_mosaic_is_fair_and_repeatable(town: ImageCollection) -> None:
    some = overview.chosen(town, 6)
    assert some == overview.chosen(town, 6)
    assert len(set(some)) == 6
    cities = town.table.set_index("image_id").loc[some, "city"]
    assert set(cities.value_counts()) == {3}


def test_mosaic_of_few_or_no_images(town: ImageCollection) -> None:
    assert len(overview.chosen(town, 40)) == 12
    assert overview.chosen(town.where(np.zeros(len(town), bool))) == []


def test_overlay_without_strength_is_the_picture() -> None:
    image = Image.fromarray(RNG.integers(0, 255, (20, 30, 3), dtype=np.uint8))
    mask = RNG.random((20, 30), dtype=np.float32)
    assert np.array_equal(drawing.overlay(image, mask, 0.0), image)
    assert np.array_equal(drawing.only_above(image, mask, 0.0), image)
    assert not np.asarray(drawing.only_above(image, mask, 1.01)).any()


def test_objects_inside_are_shares() -> None:
    labels = RNG.integers(0, 4, (16, 16)).astype(np.uint16)
    mask = RNG.random((16, 16), dtype=np.float32)
    names = {1: "tree", 2: "road", 3: "wall"}
    found = explaining.objects_inside(mask, labels, names, 0.5)
    assert found["inside"].sum() == pytest.approx(1)
    everything = explaining.objects_inside(mask, labels, names, 0.0)
    assert everything["ratio"].to_numpy() == pytest.approx(1)
    assert explaining.objects_inside(mask, labels, names, 2.0).empty


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (1, "100 %"), (0.9999, "> 99.9 %"), (0.0002, "< 0.1 %")])
def test_percent_never_rounds_to_certainty(share: float, text: str) -> None:
    assert pictures.percent(share) == text


def test_work_ends_with_its_result() -> None:
    job = work.Job("counting")
    job.run(lambda progress: 7)
    assert (job.result, job.error, job.finished.is_set()) == (7, None, True)


@pytest.mark.parametrize("problem", [CollectionError("no folder: give another"), OSError("disk full")])
def test_work_tells_what_a_user_can_put_right(problem: Exception) -> None:
    def fail(progress: Progress) -> Any:
        raise problem

    job = work.Job("failing")
    job.run(fail)
    assert job.error == str(problem)


def test_work_stops_when_asked() -> None:
    job = work.Job("long")
    seen = []

    def slow(progress: Progress) -> None:
        for number in range(5):
            seen.append(number)
            progress(number, 5, "counting")
            job.stop.set()

    job.run(slow)
    assert seen == [0, 1]
    assert job.error == str(Cancelled("Stopped. Parts that were finished are kept."))


def test_duration() -> None:
    assert [work.duration(seconds) for seconds in (0, 1, 42, 200)] == [
        "1 second",
        "1 second",
        "42 seconds",
        "3 minutes",
    ]


def test_an_image_is_not_its_own_neighbour(town: ImageCollection) -> None:
    rows = np.eye(12, 5, dtype=np.float32) + 0.1
    image = town.image(town.ids[2])
    found = similar.most_similar(town, rows, image, "x", town.ids[2], count=4)
    assert town.ids[2] not in set(found["image_id"])
    assert found["similarity"].is_monotonic_decreasing
    assert len(similar.captions(found, ["city"])) == 4


def test_small_map_needs_places(town: ImageCollection) -> None:
    found = town.table.iloc[[0, 3]].assign(similarity=[0.9, 0.8]).reset_index(drop=True)
    figure = similar.small_map(town, found, town.ids[5])
    assert figure is not None
    assert [trace.name for trace in figure.data] == ["all images", "similar images", "this image"]
    assert similar.small_map(town, town.table.iloc[[10]].assign(similarity=[0.5]), None) is None


def test_thumbnails_stay_within_their_limit(town: ImageCollection) -> None:
    from urbanlens.ui.caches import Thumbnails

    store = Thumbnails(limit=3000)
    first = [store.get(town, image_id, 40) for image_id in town.ids]
    assert store.bytes <= 3000 + max(map(len, first))
    assert first == [store.get(town, image_id, 40) for image_id in town.ids]
    assert isinstance(town.table, pd.DataFrame)


@pytest.mark.parametrize("parts", [["a"], ["Sankt Gallen", "a|b", "ü,%"], ["", "x"]])
def test_several_texts_come_back_from_the_address(parts: list[str]) -> None:
    assert state.unpacked(state.packed(parts)) == parts
