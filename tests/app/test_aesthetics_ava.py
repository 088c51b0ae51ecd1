"""Photographs with AVA's real votes, dealt to them at random: import, training and page work, and find nothing.

The photographs are those of ../shared/photos, the votes those of ../shared/annotations/ava. Which photograph got which
votes was drawn by chance, so whatever a network says of beauty here is chance, and must be told as such.
"""

from __future__ import annotations

import random
import shutil
from argparse import Namespace
from pathlib import Path

import pytest

from tests.collection.samples import PHOTOS
from urbanlens.collection import ImageCollection, import_images
from urbanlens.collection.votes import votes_of
from urbanlens.explain.explain_command import explain_command
from urbanlens.models import ModelCard
from urbanlens.training.aesthetics import IMAGENET, AestheticScheme, train_aesthetics

from .conftest import Open

AVA = PHOTOS.parent / "annotations" / "ava"
COUNT = 60
TAGS = {"1": "Abstract", "24": "Action", "31": "Advertisement"}
VIEWS = ["image", "crop", "gallery", "places", "test", "learnt"]

pytestmark = [
    pytest.mark.skipif(not (PHOTOS.is_dir() and AVA.is_dir()), reason="../shared is not on this machine"),
    pytest.mark.usefixtures("one_thread"),
]


@pytest.fixture(scope="module")
def ava_like(home: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageCollection:
    """60 photographs named as AVA names its own, a text of their votes and tags, and lists of training and test."""
    source, dice = tmp_path_factory.mktemp("ava"), random.Random(0)
    photographs = sorted((PHOTOS / "images").rglob("*.jpg"))
    lines = (AVA / "AVA_format_DERIVED_first3000.txt").read_text().splitlines()
    chosen = [line.split() for line in dice.sample(lines, COUNT)]
    (source / "images").mkdir()
    for photograph, parts in zip(dice.sample(photographs, COUNT), chosen, strict=True):
        shutil.copy(photograph, source / "images" / f"{parts[1]}.jpg")
        parts[12:14] = [*dice.sample(list(TAGS), 1), "0"]
    (source / "AVA.txt").write_text("\n".join(" ".join(parts) for parts in chosen) + "\n")
    shutil.copy(AVA / "tags.txt", source / "tags.txt")
    lists = source / "aesthetics_image_lists"
    lists.mkdir()
    for name, part in (("city_train", chosen[:45]), ("city_test", chosen[45:])):
        (lists / f"{name}.jpgl").write_text("\n".join(parts[1] for parts in part) + "\n")
    report = import_images(source, home / "collections" / "ava-like", title="AVA-like, votes dealt at random")
    assert (report.imported, report.rejected) == (COUNT, [])
    return ImageCollection.open(home / "collections" / "ava-like")


@pytest.fixture(scope="module")
def trained(ava_like: ImageCollection) -> list[ModelCard]:
    """Both networks, on the packaged trunk, for a moment."""
    scheme = AestheticScheme(epochs=2, size=64, views=1, least_tagged=5, batch=8)
    cards = [
        train_aesthetics(
            ava_like, destination=ava_like.root / "models" / architecture, architecture=architecture,
            backbone="efficientnet_lite0", layer="blocks.10", start=IMAGENET, options=options, scheme=scheme,
        )
        for architecture, options in (("marks_and_tags", {}), ("high_low", {"pool": 1, "hidden": 8}))
    ]  # fmt: skip
    for card in cards:
        explained = Namespace(collection=ava_like.root, model=card.name)
        assert explain_command(explained)["images"] == COUNT
    return cards


def test_votes_and_tags_arrive_as_they_were_dealt(ava_like: ImageCollection) -> None:
    votes = votes_of(ava_like)
    assert votes.known.all()
    assert 1 < votes.mean.min() < votes.mean.max() < 10
    assert {tag for tags in ava_like.table["tags"] for tag in tags} == set(TAGS.values())
    assert (ava_like.table["split"] == "test").sum() == 15


def test_chance_is_told_as_chance(trained: list[ModelCard]) -> None:
    marks = trained[0].metrics
    low, high = marks["spearman_interval"]
    assert low < 0 < high
    assert marks["emd_ratio"] > 0.8


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens(trained: list[ModelCard], visit: Open, view: str) -> None:
    app = visit("aesthetics", collection="ava-like", view=view, images="all")
    assert not app.exception, app.exception
    assert not app.error, [error.value for error in app.error]
