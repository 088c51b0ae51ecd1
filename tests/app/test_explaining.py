"""The pages Explanations and Objects on a small collection with a network and pixel labels of its own."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.app.test_pages import texts
from tests.training.worlds import world
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.explain import count_collection, explain_collection
from urbanlens.explain.collection_maps import LABEL, maps_key
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.ui import lasso, work

from .conftest import Open

OPTIONS = {"size": 32, "hidden": 8, "batch_norm": True, "pool": None, "dropout": 0.0}


def network(root: Path, name: str, seed: int, classes: tuple[str, ...] = ("Dark", "Light")) -> None:
    card = ModelCard(name, "classes", "simple", classes, 32, "city", options=OPTIONS)
    save_model(build_model("simple", len(classes), seed=seed, **OPTIONS), card, root / "models" / name)


def labels(root: Path, ids: list[str]) -> None:
    folder = root / "objects"
    folder.mkdir()
    (folder / "objects.csv").write_text("id,name\n3,rest\n7,square\n")
    pixels = np.full((40, 40), 3, np.uint8)
    pixels[10:30, 10:30] = 7
    for name in ids:
        Image.fromarray(pixels).save(folder / f"{name}.png")


@pytest.fixture(scope="session")
def study(home: Path) -> ImageCollection:
    """The collection `study`: 60 images, pixel labels, two networks whose masks are kept, one whose are not."""
    root = home / "collections" / "study"
    made = world(root, 60)
    labels(root, made.ids)
    collection = ImageCollection.open(root)
    store = ArtifactStore(root / "artifacts")
    for seed, name in enumerate(("first", "second", "third")):
        network(root, name, seed)
        if name != "third":
            model = load_model(root / "models" / name)
            maps = explain_collection(collection, model, store=store)
            count_collection(collection, maps, maps_key(collection, model.card, LABEL, "city"), store=store)
    return collection


def waited(app: AppTest, words: str, seconds: float = 240) -> AppTest:
    """Run the page, each time when its work has ended, until it says something."""
    end = time.monotonic() + seconds
    while words not in texts(app) and time.monotonic() < end:
        for job in list(work._jobs().values()):
            job.finished.wait(end - time.monotonic())
        app.run()
    assert words in texts(app)
    return app


def test_kept_masks_are_shown_at_once(study: ImageCollection, visit: Open) -> None:
    app = waited(visit("explanations", collection="study", model="own-first", images="all"), "Trustworthiness")
    assert not app.exception
    assert not app.error
    assert "t-SNE of" in texts(app)


def test_masks_are_computed_when_asked_for(study: ImageCollection, visit: Open) -> None:
    app = visit("explanations", collection="study", model="own-third", layout="umap")
    assert "are not there yet" in texts(app)
    next(button for button in app.button if button.label == "Explain all 60 images").click().run()
    app = waited(app, "UMAP of")
    assert not app.exception


def test_an_image_is_shown_under_every_network(study: ImageCollection, visit: Open) -> None:
    app = waited(visit("explanations", collection="study", model="own-first", image=study.ids[7]), "The same image")
    assert not app.exception
    assert study.ids[7] in texts(app)
    assert "The same image under every network" in texts(app)
    assert "first: " in texts(app)
    assert "second: " in texts(app)


def test_what_the_lasso_picked_lies_in_the_address(study: ImageCollection, visit: Open) -> None:
    mask = np.zeros(60, bool)
    mask[[3, 4, 9, 10]] = True
    app = visit("explanations", collection="study", model="own-first", images="all", picked=lasso.address(study, mask))
    app = waited(app, "4 images picked")
    assert not app.exception
    objects = visit("objects", collection="study", images="all", picked=lasso.address(study, mask))
    assert "Only the 4 images picked" in texts(objects)


@pytest.mark.parametrize("text", ["", "!!!", "eJwDAAAAAAE", lasso.encode(np.ones(90000, bool)), "x" * 5000])
def test_a_lasso_that_cannot_be_read_is_none(text: str) -> None:
    assert lasso.decode(text, 60) is None


@pytest.mark.parametrize("count", [1, 7, 8, 60, 30_000])
def test_a_lasso_comes_back(count: int) -> None:
    mask = np.random.default_rng(count).random(count) < 0.3
    mask[0] = True
    again = lasso.decode(lasso.encode(mask), count)
    assert again is not None
    assert np.array_equal(again, mask)


def test_objects_of_two_networks(study: ImageCollection, visit: Open) -> None:
    app = waited(
        visit("objects", collection="study", models="own-first|own-second", images="labelled"),
        "Where two classes differ",
    )
    assert not app.exception
    assert not app.error
    assert "Dark:" in texts(app)
    assert "Light:" in texts(app)
    waited(app, "What is compared")
    assert not app.exception


def test_the_images_behind_a_bar(study: ImageCollection, visit: Open) -> None:
    app = visit("objects", collection="study", models="own-first", images="all", cut="0.1", behind="first|Dark|square")
    assert not app.exception
    assert "square in Dark, as first sees it" in texts(app)
    assert "of it inside" in texts(app)


@pytest.mark.parametrize("behind", ["nothing", "first|Dark|dragon", "first|Rome|square", "a|b|c|d"])
def test_a_bar_that_is_not_there(study: ImageCollection, visit: Open, behind: str) -> None:
    app = visit("objects", collection="study", models="own-first", behind=behind)
    assert not app.exception


def test_a_network_of_another_world(study: ImageCollection, visit: Open, home: Path) -> None:
    """Its classes are not the collection's: the images are grouped by its answers, and that is said."""
    network(study.root, "foreign", 5, ("Rome", "Oslo"))
    try:
        collection = ImageCollection.open(study.root)
        model = load_model(study.root / "models" / "foreign")
        store = ArtifactStore(study.root / "artifacts")
        maps = explain_collection(collection, model, store=store)
        count_collection(collection, maps, maps_key(collection, model.card, LABEL, "city"), store=store)
        app = visit("objects", collection="study", models="own-foreign", images="all")
        assert not app.exception
        assert "knows none of this collection" in texts(app)
    finally:
        for file in (study.root / "models" / "foreign").iterdir():
            file.unlink()
        (study.root / "models" / "foreign").rmdir()


def test_a_collection_without_pixel_labels(visit: Open) -> None:
    app = visit("objects")
    assert "no pixel labels" in texts(app)


def test_too_few_images_for_a_plane(study: ImageCollection, visit: Open) -> None:
    import shapely

    from urbanlens.collection import Region, encode_region

    here = Region("Corner", shapely.box(-0.01, -0.01, 0.01, 0.0015))
    app = visit("explanations", collection="study", model="own-first", images="all", region=encode_region(here))
    assert "have a mask" in texts(app)
    assert not app.exception
