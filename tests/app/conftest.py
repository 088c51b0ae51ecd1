"""A small collection in a home of its own, and pages that run without a browser."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from urbanlens.collection import ImageCollection, import_images

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]
SEEDS = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def packages() -> Iterator[None]:
    """Streamlit looks for components in all installed packages with each page: 0.2 s that once is enough for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the collection `town`: 12 images of two cities, the last two without a place."""
    home = tmp_path_factory.mktemp("home")
    source = home / "source"
    source.mkdir()
    rng = np.random.default_rng(3)
    for number in range(12):
        pixels = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(source / f"{number:02}.png")
    table = pd.DataFrame(
        {
            "image_id": [f"view-{number:02}" for number in range(12)],
            "path": [f"{number:02}.png" for number in range(12)],
            "lat": [0.01 * number for number in range(1, 11)] + [None, None],
            "lon": [0.02 * number for number in range(1, 11)] + [None, None],
            "city": ["East", "West"] * 6,
        }
    )
    table.to_csv(source / "town.csv", index=False)
    import_images(source / "town.csv", home / "collections" / "town", title="A [small](town)")
    return home


@pytest.fixture
def town(home: Path) -> ImageCollection:
    return ImageCollection.open(home / "collections" / "town")


@pytest.fixture
def visit(home: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page by its file's name, with what its address says."""
    monkeypatch.setenv("URBANLENS_HOME", str(home))

    def run(page: str, **params: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.switch_page(f"pages/{page}.py")
        for name, value in {"collection": "town", **params}.items():
            app.query_params[name] = value
        return app.run()

    return run


@pytest.fixture(scope="session")
def scenes(home: Path) -> ImageCollection:
    """The collection `scenes` with attributes and a score, whose two networks have read it."""
    from .scenic import scenic, with_networks

    collection = scenic(home / "collections" / "scenes")
    with_networks(collection)
    return collection


@pytest.fixture
def make(home: Path) -> Iterator[Callable[..., ImageCollection]]:
    """A collection `other` of one test, like `scenes`, with changed columns."""
    from .scenic import scenic, with_networks

    root = home / "collections" / "other"
    # The server's shelves keep what networks of the same weights have read.
    seed = next(SEEDS)

    def build(*, read: bool = True, free: bool = True, **columns: object) -> ImageCollection:
        collection = scenic(root, **columns)
        with_networks(collection, read=read, free=free, seed=seed)
        return collection

    yield build
    shutil.rmtree(root, ignore_errors=True)
