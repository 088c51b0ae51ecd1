"""The command `segment`: a collection's images get object labels, and what they are worth is said beside them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from urbanlens.collection import ImageCollection, store_for
from urbanlens.collection.library import SHIPPED
from urbanlens.engine import Engine
from urbanlens.errors import ModelError, UrbanLensError
from urbanlens.explain.agreement import labels_agreement
from urbanlens.explain.segment import Segmented, segment
from urbanlens.models import LoadedModel, ModelCard, load_model
from urbanlens.models.segformer import NAME as SEGFORMER
from urbanlens.models.segformer import fetch_segformer, segformer
from urbanlens.progress import Progress, silent

DEFAULT = SHIPPED / "demo" / "models" / "segmenter"


def segment_command(arguments: Namespace, progress: Progress = silent) -> dict[str, Any]:
    """Name the object of each pixel of all images, and compare with the collection's own labels where it has any.

    Parameters
    ----------
    arguments : `collection`, a folder; `model`, a name, a folder, `segformer` or None; `fetch`, bool
    """
    collection = ImageCollection.open(arguments.collection)
    model = chosen_model(collection, arguments.model, fetch=arguments.fetch, progress=progress)
    engine = Engine()
    model.module.to(engine.device)
    found = segment(collection, model, store=store_for(collection), engine=engine, progress=progress)
    names = sorted(found.shares, key=lambda number: -found.shares[number])
    return {
        "collection": str(collection.root),
        "model": model.name,
        "images": len(collection) - len(found.missing),
        "unreadable": list(found.missing),
        "objects": {found.object_names[number]: round(found.shares[number], 5) for number in names},
        "artifact": str(found.folder),
        "agreement": _agreement(collection, found, model, progress),
    }


def chosen_model(
    collection: ImageCollection, given: str | None, *, fetch: bool = False, progress: Progress = silent
) -> LoadedModel:
    """The segmenter that is meant.

    Parameters
    ----------
    collection : its own models are looked through first
    given : `segformer`, the name of a model of the collection or of the demo, or a folder; None: the demo's segmenter
    fetch : whether SegFormer's weights may be downloaded; an error for another model
    """
    if given == SEGFORMER:
        if fetch:
            fetch_segformer(progress=progress)
        return segformer()
    if fetch:
        raise UrbanLensError(f"--fetch downloads SegFormer's weights: use it with --model {SEGFORMER}")
    if given is None:
        return load_model(DEFAULT)
    for folder in (collection.root / "models" / given, DEFAULT.parent / given):
        if (folder / "model.json").is_file():
            return load_model(folder)
    if not Path(given).is_dir():
        known = sorted({path.name for path in (*collection.models, *DEFAULT.parent.glob("*")) if _segments(path)})
        raise UrbanLensError(
            f"no model is named {given!r}: give a model's folder, {SEGFORMER}, or one of {', '.join(known) or 'none'}"
        )
    return load_model(given)


def _segments(folder: Path) -> bool:
    try:
        return ModelCard.read(folder).task == "objects"
    except ModelError:
        return False


def _agreement(
    collection: ImageCollection, found: Segmented, model: LoadedModel, progress: Progress
) -> dict[str, Any] | None:
    """What the labels are worth on this collection; None where nobody can tell."""
    part, about = collection, "all labelled images"
    if model.card.data.get("fingerprint") == collection.fingerprint and "split" in collection.table:
        part, about = collection.where(collection.table["split"].eq("test").to_numpy()), "test images"
    result = labels_agreement(part, found, progress=progress)
    if result is None:
        return None
    agreement, counted = result
    return {"about": about, "counted_share": counted, **agreement.to_json()}
