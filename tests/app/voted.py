"""Small collections that people voted on, and untrained networks of beauty that have read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from tests.aesthetics.networks import TAGS, untrained
from tests.training.beauty_worlds import green_world
from urbanlens.aesthetics.control import cover_collection, random_network_intensity
from urbanlens.aesthetics.readings import maps_key, read_collection
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW
from urbanlens.explain import count_collection, test_rows
from urbanlens.models import load_model, save_model

VIEWS = ("image", "crop", "gallery", "places", "test", "learnt")
COUNT, LARGE, BROKEN, UNVOTED, UNPLACED = 60, 1, 11, 7, 4
"""Images, and rows: a picture larger than the others, a file that is none, one without votes, or coordinates."""
ARCHITECTURES = {"marks": "marks_and_tags", "high-low": "high_low"}
NINE, ZEROS = [1] * 9, [0] * 10


def voted(root: Path, *, objects: bool = True, **columns: object) -> ImageCollection:
    """`green_world` in two cities with one broken file; a column that is given replaces the drawn one, None none."""
    cities = {"city": ["East", "West", "West"] * (COUNT // 3)}
    places = {"lat": [None if row == UNPLACED else 0.01 * row for row in range(COUNT)]}
    made = green_world(root, COUNT, objects=objects, **(cities | places | columns))
    large = root / made.table["path"][LARGE]
    with Image.open(large) as small:
        small.resize((200, 160)).save(large)
    (root / made.table["path"][BROKEN]).write_bytes(b"this is no picture")
    described = root / "collection.toml"
    described.write_text(described.read_text().replace("labels = []", 'labels = ["city"]'))
    return ImageCollection.open(root)


def with_networks(
    collection: ImageCollection, *, kinds: tuple[str, ...] = tuple(ARCHITECTURES), tags: tuple[str, ...] = TAGS,
    learnt: bool = True, read: bool = True, blind: bool = False, seed: int = 1, data: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Give a collection networks `own-marks` and `own-high-low`, and keep what they say of it.

    Parameters
    ----------
    learnt : whether they say that they learnt from its training images
    read : whether their readings are kept, with all that is computed from them
    blind : heads of zeros, so that every map is empty
    data : what their cards say besides
    """
    store = ArtifactStore(collection.root / "artifacts")
    for kind in kinds:
        folder = collection.root / "models" / kind
        model = untrained(folder, ARCHITECTURES[kind], tags=tags, seed=seed)
        card = replace(model.card, data={**({"fingerprint": collection.fingerprint} if learnt else {}), **(data or {})})
        if blind:
            with torch.no_grad():
                for weights in model.module.head.parameters():
                    weights.zero_()
        save_model(model.module, card, folder)
        if not read:
            continue
        model = load_model(folder)
        known = read_collection(collection, model, store=store)
        random_network_intensity(collection, model.card, store=store)
        fresh = test_rows(collection, model.card)
        cover_collection(collection, model, fresh if fresh.any() else known.readable, store=store)
        if not collection.labelled.any():
            continue
        for target in HIGH_LOW:
            count_collection(collection, known.as_maps(target), maps_key(collection, model.card, target), store=store)
