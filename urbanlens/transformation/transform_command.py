"""The command `transform`: from images, or a folder of photographs, to template images and their nearest real ones."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from urbanlens.artifacts import ArtifactStore
from urbanlens.collection import ImageCollection, import_images
from urbanlens.collection.columns import DESCRIPTION_FILE
from urbanlens.collection.splits import evenly
from urbanlens.errors import CollectionError, ModelError
from urbanlens.models.card import ModelCard
from urbanlens.progress import Progress, silent
from urbanlens.training.drivers import Learning
from urbanlens.training.generator import GeneratorPlan, train_generator
from urbanlens.transformation.counterparts import Searcher
from urbanlens.transformation.making import Workshop, make_many
from urbanlens.transformation.record import Settings, Transformation

NAME = "generator"


def transform_command(arguments: Namespace, progress: Progress = silent) -> dict[str, Any]:
    """The whole pipeline; what is there already is not computed again, so that a stopped run goes on.

    Parameters
    ----------
    arguments : `collection`, a folder, or with `into` what is imported to there; `target`; `sources`, `count`,
        `prototypes`; `method`, `reach`, `steps`, `seed`; `generator`, a name or folder; `label`, `largest`, `group`,
        `extra`, `learn_steps`, `prior_steps`, `device`, for the training of a generator that is not there yet
    """
    collection = _collection(arguments, progress)
    folder = _generator(collection, arguments, progress)
    store = ArtifactStore(collection.root / "artifacts")
    workshop = Workshop.open(collection, folder, device=arguments.device)
    searcher = Searcher.open(collection, folder, workshop.card, store=store, progress=progress)
    common = {"method": arguments.method, "reach": arguments.reach, "steps": arguments.steps}
    told = []
    for target in [arguments.target] if arguments.target else list(workshop.classes):
        workshop.target_number(target)
        settings = Settings(**common, seed=arguments.seed)
        sources = arguments.sources or some_sources(collection, workshop.card, target, arguments.count)
        found = make_many(workshop, collection, sources, target, settings, store=store, progress=progress)
        for seed in range(arguments.prototypes):
            neutral = Settings(**common, start="prototype", seed=seed)
            found += make_many(workshop, collection, [None], target, neutral, store=store, progress=progress)
        told += [_line(collection, workshop, searcher, one) for one in found]
    return {
        "collection": str(collection.root), "generator": workshop.card.name,
        "drivers": [model.name for model in workshop.drivers], "judges": [model.name for model in workshop.judges],
        "transformations": told,
    }  # fmt: skip


def some_sources(collection: ImageCollection, card: ModelCard, target: str, count: int) -> list[str]:
    """Ids of images of other classes that the generator has not learnt from, evenly over the table."""
    table = collection.table
    values = table[card.label]
    fitting = values.isin([name for name in card.classes if name != target]).to_numpy()
    test = card.data.get("test")
    if test is not None:
        fitting = fitting & np.isin(table["image_id"].to_numpy(str), test)
    elif "split" in table and (fitting & (table["split"] == "test").to_numpy()).any():
        fitting = fitting & (table["split"] == "test").to_numpy()
    rows = np.flatnonzero(fitting)
    if not len(rows):
        raise CollectionError(f"{collection.name} has no image to turn into {target}: all are of that class already")
    return [collection.ids[row] for row in evenly(rows, count)]


def _collection(arguments: Namespace, progress: Progress) -> ImageCollection:
    given = Path(arguments.collection)
    if arguments.into is None:
        return ImageCollection.open(given)
    into = Path(arguments.into)
    if not (into / DESCRIPTION_FILE).is_file():
        import_images(given, into, progress=progress)
    return ImageCollection.open(into)


def _generator(collection: ImageCollection, arguments: Namespace, progress: Progress) -> Path:
    """The folder of the generator that is asked for; the collection's own is trained where it is not there yet."""
    wanted = arguments.generator or NAME
    own = collection.root / "models" / wanted
    if (own / "model.json").is_file():
        return own
    if arguments.generator is not None:
        folder = Path(wanted)
        if not (folder / "model.json").is_file():
            known = [one.name for one in collection.models if ModelCard.read(one).task == "generator"]
            raise ModelError(f"there is no generator {wanted!r}: {collection.name} has {', '.join(known) or 'none'}")
        return folder
    learning = learning_of(collection, arguments)
    train_generator(learning, own, plan=plan_of(collection, arguments), progress=progress)
    return own


def learning_of(collection: ImageCollection, arguments: Namespace) -> Learning:
    """What the command line says of the images to learn from."""
    extra = ImageCollection.open(arguments.extra) if arguments.extra else None
    return Learning(
        collection, arguments.label, getattr(arguments, "classes", None), arguments.largest, arguments.group, extra,
        arguments.seed, arguments.device,
    )  # fmt: skip


def plan_of(collection: ImageCollection, arguments: Namespace) -> GeneratorPlan:
    """The usual plan for so many images, with what the command line says instead."""
    images = len(collection) + (len(ImageCollection.open(arguments.extra)) if arguments.extra else 0)
    given = {"steps": arguments.learn_steps, "prior_steps": arguments.prior_steps, "encoder": None, "layer": None}
    invert = getattr(arguments, "invert", None)
    if invert is not None:
        name, _, layer = invert.partition(":")
        given |= {"encoder": name, "layer": layer or None, "prior_width": 0}
    return GeneratorPlan.usual(images, **{name: value for name, value in given.items() if value is not None})


def _line(
    collection: ImageCollection, workshop: Workshop, searcher: Searcher, one: Transformation
) -> dict[str, Any]:  # fmt: skip
    last = one.certainty[-1]
    nearest = {
        name: [
            {"image": collection.ids[row], "similarity": round(float(value), 4), "class": searcher.label(row)}
            for row, value in zip(*searcher.nearest(one, name, 3), strict=True)
        ]
        for name in searcher.names
    }
    return {
        "source": one.source or "prototype", "class": one.source_class, "target": one.target,
        "certainty": {model.name: round(float(value), 3) for model, value in zip(workshop.networks, last, strict=True)},
        "others agree": one.agreed(), "nearest": nearest,
    }  # fmt: skip
