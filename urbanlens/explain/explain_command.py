"""The command `explain`: masks of a whole collection, their plane, and the objects inside them, kept as artifacts."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics import readings as aesthetics
from urbanlens.aesthetics.baselines import baselines
from urbanlens.aesthetics.readings import TASK as AESTHETICS
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection
from urbanlens.collection.votes import HIGH_LOW
from urbanlens.embedding.mask_plane import mask_plane
from urbanlens.engine import Engine
from urbanlens.errors import ModelError
from urbanlens.explain.collection_maps import CollectionMaps, explain_collection, maps_key, test_rows
from urbanlens.explain.collection_objects import count_collection
from urbanlens.models import LoadedModel, load_model
from urbanlens.models.card import SCORING
from urbanlens.progress import Progress, silent
from urbanlens.siam.readings import read_collection, readings_key
from urbanlens.training.metrics import classification_metrics


def explain_command(arguments: Namespace, progress: Progress = silent) -> dict[str, Any]:
    """Masks of all images under a network, and what follows from them.

    Parameters
    ----------
    arguments : `collection`, a folder; `model`, a name of the collection's or the demo's models, or a folder; `target`,
        `layer`, `explainer`, `plane` (a layout or None), `seed`
    """
    collection = ImageCollection.open(arguments.collection)
    model = chosen_model(collection, arguments.model)
    store = ArtifactStore(collection.root / "artifacts")
    if model.card.task in SCORING:
        return _read(collection, model, store, progress)
    if model.card.task == AESTHETICS:
        return _judge(collection, model, store, progress)
    engine = Engine()
    model.module.to(engine.device)
    found = explain_collection(
        collection, model, target=arguments.target, layer=arguments.layer, explainer=arguments.explainer,
        engine=engine, store=store, progress=progress,
    )  # fmt: skip
    key = maps_key(
        collection, model.card, arguments.target, model.card.label,
        None if arguments.layer in (None, model.layer) else arguments.layer, arguments.explainer,
    )  # fmt: skip
    answer: dict[str, Any] = {
        "collection": str(collection.root), "model": model.name, "images": int(found.readable.sum()),
        "unreadable": [name for name, fine in zip(collection.ids, found.readable, strict=True) if not fine],
        "empty masks": int(found.empty.sum()), "artifact": str(store.find(key)),
    }  # fmt: skip
    known = test_rows(collection, model.card) & found.readable & (found.labels >= 0)
    if known.any():
        test = classification_metrics(found.labels[known], found.predicted[known], found.classes)
        answer["test"] = {name: test[name] for name in ("images", "accuracy", "interval", "base_rate")}
    if collection.labelled.any():
        counts = count_collection(collection, found, key, store=store, progress=progress)
        answer["images with objects"] = int((counts.total.sum(1) > 0).sum())
    if arguments.plane:
        rows = plane_rows(collection, model, found)
        plane = mask_plane(
            found.maps, key, rows, method=arguments.plane, seed=arguments.seed, store=store, progress=progress
        )
        answer["plane"] = {"masks": len(rows), "trustworthiness": plane.trust, "10 nearest kept": plane.kept}
    return answer


def _read(
    collection: ImageCollection, model: LoadedModel, store: ArtifactStore, progress: Progress
) -> dict[str, Any]:  # fmt: skip
    """What SIAM, or its baseline, says of all images."""
    engine = Engine()
    model.module.to(engine.device)
    found = read_collection(collection, model, store=store, engine=engine, progress=progress)
    sums = found.contributions.sum(1, dtype=np.float64) + found.bias
    answer = {
        "collection": str(collection.root), "model": model.name, "images": int(found.readable.sum()),
        "unreadable": [name for name, fine in zip(collection.ids, found.readable, strict=True) if not fine],
        "artifact": str(store.find(readings_key(collection, model.card))),
    }  # fmt: skip
    if found.names and found.readable.any():
        answer["greatest error of bias + contributions"] = float(np.nanmax(np.abs(sums - found.score)))
    return answer


def _judge(
    collection: ImageCollection, model: LoadedModel, store: ArtifactStore, progress: Progress
) -> dict[str, Any]:  # fmt: skip
    """What a network of beauty says of all images, what a random one would light up, and the objects in the maps."""
    engine = Engine()
    model.module.to(engine.device)
    found = aesthetics.read_collection(collection, model, store=store, engine=engine, progress=progress)
    against = baselines(found, collection, model, store=store, engine=engine, progress=progress)
    answer = {
        "collection": str(collection.root), "model": model.name, "images": int(found.readable.sum()),
        "unreadable": [name for name, fine in zip(collection.ids, found.readable, strict=True) if not fine],
        "artifact": str(store.find(aesthetics.readings_key(collection, model.card))),
    }  # fmt: skip
    answer["images with parts covered up"] = len(against.covered.rows)
    answer["images under random heads"] = len(against.heads.rows)
    for target in HIGH_LOW:
        maps, key = found.as_maps(target), aesthetics.maps_key(collection, model.card, target)
        answer[f"empty maps of {target}"] = int(maps.empty.sum())
        if collection.labelled.any():
            count_collection(collection, maps, key, store=store, progress=progress)
    return answer


def plane_rows(collection: ImageCollection, model: LoadedModel, found: CollectionMaps) -> NDArray[np.int64]:
    """Numbers of the images that the page lays out first: test images, or all where none is known to be one."""
    chosen, test = found.readable & ~found.empty, test_rows(collection, model.card)
    return np.flatnonzero(chosen & test if test.any() else chosen)


def chosen_model(collection: ImageCollection, given: str | None) -> LoadedModel:
    """The network that is meant: a name of the collection's or the demo's models, or a folder; ModelError else."""
    from urbanlens.collection.library import SHIPPED

    own = {folder.name: folder for folder in collection.models}
    shipped = {file.parent.name: file.parent for file in (SHIPPED / "demo" / "models").glob("*/model.json")}
    names = {**shipped, **own}
    if given is None:
        if not own:
            raise ModelError(
                f"{collection.name} has no network of its own: train one with `python -m urbanlens train city`, or "
                f"name one of the demo's with --model: {', '.join(sorted(shipped))}"
            )
        given = sorted(own)[0]
    folder = names.get(given, Path(given))
    model = load_model(folder)
    if model.card.task not in ("classes", AESTHETICS, *SCORING):
        raise ModelError(
            f"{model.name} answers {model.card.task}: give a classifier, SIAM, its baseline, or a network of beauty"
        )
    return model
