"""Where a page knows the objects of each pixel from: the collection's own labels, or a segmentation network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.collection.library import store_for
from urbanlens.errors import ArtifactError, UrbanLensError
from urbanlens.explain.collection_objects import own_labels
from urbanlens.ui import caches, library, pictures, state, work

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.explain.collection_objects import Labels
    from urbanlens.models import LoadedModel
    from urbanlens.progress import Progress

OWN, SEGMENTER, SEGFORMER = "own", "segmenter", "segformer"
TITLES = {
    OWN: "the collection's pixel labels",
    SEGMENTER: "the demo's small segmenter",
    SEGFORMER: "SegFormer (ADE20K)",
}


@dataclass(frozen=True)
class Source:
    """The labels that are used, and a name for them in the keys of what follows from them."""

    name: str
    labels: Labels
    key: str


def choose_source(collection: ImageCollection) -> Source | None:
    """The labels that the visitor wants; None (with what to do) while there are none."""
    whole = collection.whole
    offered = {OWN: TITLES[OWN]} if whole.labelled.any() else {}
    if (library.DEMO_FOLDER / "models" / SEGMENTER / "model.json").is_file():
        offered[SEGMENTER] = TITLES[SEGMENTER]
    if _segformer_is_here():
        offered[SEGFORMER] = TITLES[SEGFORMER]
    if not offered:
        st.info("This collection has no pixel labels, and no segmentation network is here to name its objects.")
        return None
    chosen = state.choose("Objects known from", list(offered), name="labels", names=offered)
    if chosen == OWN:
        return Source(OWN, whole, own_labels(whole))
    if not whole.labelled.any():
        pictures.quiet("This collection has no pixel labels, so a network has to name the object of each pixel.")
    if chosen == SEGMENTER and whole.root != library.DEMO_FOLDER.resolve():
        pictures.note(_worth())
    return _named(whole, chosen)


def _named(whole: ImageCollection, name: str) -> Source | None:
    """The labels that a segmentation network gave, or a button to get them."""
    from urbanlens.explain.segment import segment, segmented

    store, device = store_for(whole), caches.engine().device
    key = f"segment-{whole.fingerprint}-{name}"

    def compute(progress: Progress) -> None:
        model = segmenter(name)
        model.module.to(device)
        segment(whole, model, store=store, progress=progress)

    if not work.running(key):
        try:
            model = caches.segmenter(name, segmenter)
            return Source(name, segmented(whole, model, store), f"{name}-{model.weights_digest[:20]}")
        except ArtifactError:
            pass
        except UrbanLensError as error:
            st.error(pictures.plain(str(error)))
            return None
    work.wait_when_asked(key, "Naming the objects", f"Name the objects in all {len(whole):,} images", compute)
    return None


def segmenter(name: str) -> LoadedModel:
    """The segmentation network of a name; ModelError where its files are missing."""
    if name == SEGFORMER:
        from urbanlens.models.segformer import segformer

        return segformer()
    from urbanlens.models import load_model

    return load_model(library.DEMO_FOLDER / "models" / SEGMENTER)


def _worth() -> str:
    """How well the small segmenter did on real photographs, from its card."""
    from urbanlens.models import ModelCard

    told = ModelCard.read(library.DEMO_FOLDER / "models" / SEGMENTER).metrics.get("photographs")
    text = "The small segmenter learnt on the drawn demo world"
    if not told:
        return f"{text}: on real photographs its objects cannot be trusted."
    return (
        f"{text}. On {told['images']:,} labelled real photographs it named {told['accuracy']:.1%} of the pixels "
        f"rightly; always saying the commonest object is right for {told['base_rate']:.1%}. Its objects there cannot "
        "be trusted."
    )


def _segformer_is_here() -> bool:
    from urbanlens.collection.library import home

    return any((home() / "models" / "segformer-b0").glob("*.safetensors"))
