"""A small collection with attributes and a score, and untrained networks that read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Selectbox

from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import Columns, ImageCollection, write_collection
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.plots.what_if import Change, Changes, pack
from urbanlens.siam.readings import read_collection

VIEWS = ("templates", "images", "what-if", "disagree", "together", "map")
NAMES = ("trees", "road", "still_water")
OFF = pack(Changes({1: Change(scale=0), 2: Change(shift=(1, -2))}), 3, 6)
"""The second attribute switched off, the third moved."""
COUNT = 40
SPLITS = ("train", "train", "train", "val", "test")
LONE, UNSCORED, UNPLACED, BROKEN = 5, 9, 14, 19
"""Rows: the only image of its class, one without a score, one without coordinates, one whose file is no picture."""
SHAPE: dict[str, Any] = {
    "backbone": "simple", "map_size": 8, "layer": None,
    "options": {"size": 64, "hidden": 8, "batch_norm": True, "pool": 1, "dropout": 0.0},
}  # fmt: skip


def scenic(root: Path, **columns: object) -> ImageCollection:
    """`COUNT` images of 48 x 36 px of two cities; a column that is given replaces the drawn one, None removes it."""
    generator = np.random.default_rng(4)
    (root / "images").mkdir(parents=True)
    rows = []
    for number in range(COUNT):
        name = f"scene-{number:02}"
        pixels = generator.integers(0, 255, (36, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{name}.png")
        rows.append({
            "image_id": name, "path": f"images/{name}.png", "lat": 0.001 * number, "lon": 0.01,
            "city": "Alone" if number == LONE else ("East", "West")[number % 2], "split": SPLITS[number % 5],
            "scenicness": generator.normal(5, 2), "votes": generator.integers(0, 4, 10).tolist(),
            **{f"attr.{attribute}": generator.random() for attribute in NAMES},
        })  # fmt: skip
    table = pd.DataFrame(rows)
    table.loc[UNSCORED, "scenicness"] = None
    table.loc[UNPLACED, ["lat", "lon"]] = None
    table = table.assign(**{name: value for name, value in columns.items() if value is not None})
    table = table.drop(columns=[name for name, value in columns.items() if value is None])
    (root / "images" / f"scene-{BROKEN:02}.png").write_bytes(b"this is no picture")
    scores = [name for name in ("scenicness",) if name in table]
    votes = "votes" if "votes" in table else None
    write_collection(root, table, title="Scenes", columns=Columns(labels=["city"], scores=scores, votes=votes))
    return ImageCollection.open(root)


def network(folder: Path, task: str, *, seed: int = 0, label: str = "scenicness", learnt: str = "") -> ModelCard:
    """An untrained network of a score in a folder; `learnt` is the fingerprint of what it says it has learnt from."""
    siam = task == "attributes"
    options = {**SHAPE, "crop": 6, "rectified": True} if siam else SHAPE
    names = NAMES if siam else (label,)
    module = build_model("siam" if siam else "regressor", len(names), task=task, seed=seed, **options)
    with torch.no_grad():
        drawn = torch.Generator().manual_seed(seed)
        module.bias.fill_(5.0)
        if siam:
            module.set_templates(torch.randn(len(names), 6, 6, generator=drawn), 5.0)
    data = {"fingerprint": learnt} if learnt else {}
    card = ModelCard(folder.name, task, "siam" if siam else "regressor", names, 64, label, options=options, data=data)
    return save_model(module, card, folder)


def with_networks(collection: ImageCollection, *, read: bool = True, free: bool = True, seed: int = 0) -> None:
    """Give a collection its own `siam` and `free`; what they say of it is kept where `read`."""
    store = ArtifactStore(collection.root / "artifacts")
    for name, task in (("siam", "attributes"), *([("free", "score")] if free else [])):
        folder = collection.root / "models" / name
        network(folder, task, seed=seed, learnt=collection.fingerprint)
        if read:
            read_collection(collection, load_model(folder), store=store)


def selected(app: AppTest, name: str) -> Selectbox[str]:
    """The select box that shows a choice."""
    return next(box for box in app.selectbox if str(box.key).startswith(f"choice-{name}-"))


def told(app: AppTest, key: str) -> Any:
    """What the page handed to its component `key`."""
    found = [one.proto for one in app.get("bidi_component") if one.proto.id.endswith(f"-{key}")]
    assert len(found) == 1, key
    return json.loads(found[0].json or found[0].mixed.json)


def fine(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].value
    assert not app.error, app.error[0].value
    return app
