"""Small collections that people voted on, and untrained networks of beauty that have read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image

from tests.aesthetics.networks import TAGS, untrained
from tests.training.beauty_worlds import green_world
from urbanlens.aesthetics.baselines import baselines
from urbanlens.aesthetics.readings import maps_key, read_collection
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW
from urbanlens.explain import count_collection
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
    learnt: bool = True, read: bool = True, against: bool = True, blind: bool = False, seed: int = 1,
) -> None:  # fmt: skip
    """Give a collection networks `own-marks` and `own-high-low`, and keep what they say of it.

    Parameters
    ----------
    learnt : whether they say that they learnt from its training images
    read, against : whether their readings are kept, and what they are held against
    blind : heads of zeros, so that every map is empty
    """
    store = ArtifactStore(collection.root / "artifacts")
    for kind in kinds:
        folder = collection.root / "models" / kind
        model = untrained(folder, ARCHITECTURES[kind], tags=tags, seed=seed)
        card = replace(model.card, data={"fingerprint": collection.fingerprint} if learnt else {})
        if blind:
            with torch.no_grad():
                for weights in model.module.head.parameters():
                    weights.zero_()
        save_model(model.module, card, folder)
        if not read:
            continue
        model = load_model(folder)
        known = read_collection(collection, model, store=store)
        if against:
            baselines(known, collection, model, store=store)
        if not collection.labelled.any():
            continue
        for target in HIGH_LOW:
            count_collection(collection, known.as_maps(target), maps_key(collection, model.card, target), store=store)
