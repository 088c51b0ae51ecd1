"""The masks of a collection under one of its networks: read where they are kept, computed where the visitor asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.library import store_for
from urbanlens.explain import (
    CollectionMaps,
    ObjectCounts,
    count_collection,
    explain_collection,
    kept_counts,
    kept_maps,
    test_rows,
)
from urbanlens.explain.collection_maps import LABEL, PREDICTED, label_numbers, maps_key
from urbanlens.explain.explainers import EXPLAINERS, GRAD_CAM
from urbanlens.explain.trust import balanced_accuracy
from urbanlens.ui import caches, explaining, overview, pictures, state, work

if TYPE_CHECKING:
    from urbanlens.artifacts import ArtifactKey
    from urbanlens.collection import ImageCollection
    from urbanlens.progress import Progress
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.labelling import Source
    from urbanlens.ui.page import Page

Rows = NDArray[np.bool_]
SCOPES = {"test": "Test images", "labelled": "All images with a class", "all": "All images"}


@dataclass(frozen=True)
class Question:
    """What is asked of a network: the class to explain, at which layer (None: the last), and by which explainer."""

    target: str = LABEL
    layer: str | None = None
    explainer: str = GRAD_CAM


USUAL = Question()


@dataclass(frozen=True)
class Study:
    """A network's masks of a whole collection, and the key they are kept under."""

    network: Network
    key: ArtifactKey
    maps: CollectionMaps

    @property
    def name(self) -> str:
        """A short name that no other network of this page has."""
        return self.network.name.removeprefix("own-")


def targets(network: Network) -> dict[str, str]:
    """What masks can explain, by its name in the address."""
    classes = network.card.classes if network.card else ()
    return {LABEL: "each image's own class", PREDICTED: "what the network answers"} | {name: name for name in classes}


def kept(collection: ImageCollection, network: Network, asked: Question = USUAL) -> Study | None:
    """The masks where they have been computed before; loads no torch."""
    card = network.card
    if card is None:
        return None
    whole, column = collection.whole, card.label
    parts = asdict(asked)
    key = maps_key(whole, card, column=column, **parts)

    def read() -> CollectionMaps | None:
        return kept_maps(whole, card, column, **parts, store=store_for(whole))

    labels = hash(label_numbers(whole, column, card.classes).tobytes())
    maps = caches.masks(f"{key.digest}-{labels}", read)
    return None if maps is None else Study(network, key, maps)


def study(collection: ImageCollection, network: Network, asked: Question = USUAL) -> Study | None:
    """The masks; where they are not kept, a button that computes them beside the page, or how far that is."""
    found = kept(collection, network, asked)
    if found is not None:
        return found
    if network.card is None or not (network.can_be_asked or network.from_demo):
        st.info(
            "The folder of this network holds no weights, so it cannot be asked. Copy its folder again, or train it."
        )
        return None
    if not network.can_be_asked:
        st.info(
            "Of this second training only the Grad-CAM masks of each image's own class are shipped, not the network "
            "itself. Choose another network, or that explanation."
        )
        return None
    whole = collection.whole
    store, device = store_for(whole), caches.engine().device
    parts = asdict(asked)
    key = f"masks-{maps_key(whole, network.card, column=network.card.label, **parts).digest}"

    def compute(progress: Progress) -> None:
        # A copy of its own: work of minutes must not keep other visitors from the shared one.
        model = network.load()
        model.module.to(device)
        explain_collection(whole, model, **parts, store=store, progress=progress)

    if not work.asked_for(key):
        what = targets(network)[asked.target].replace("each image's", "the image's")
        where = f", layer {asked.layer}" if asked.layer else ""
        st.info(
            f"Masks by {EXPLAINERS[asked.explainer].title} for {pictures.plain(what)}{where} under "
            f"{pictures.plain(network.title)} are not there yet. They are computed for the whole collection at once, "
            "and kept: a few minutes for thousands of images."
        )
    work.wait_when_asked(key, "Explaining the images", f"Explain all {len(whole):,} images", compute)
    return kept(collection, network, asked)


def counts(collection: ImageCollection, found: Study, source: Source) -> ObjectCounts | None:
    """The objects inside the masks; None while they are counted."""
    whole = collection.whole
    store, labels = store_for(whole), source.labels
    key = f"counts-{found.key.digest}-{source.key}-{hash(tuple(labels.object_names.items()))}"

    def read() -> ObjectCounts | None:
        return kept_counts(whole, found.key, names=labels.object_names, source=source.key, store=store)

    def compute(progress: Progress) -> ObjectCounts:
        return count_collection(
            whole, found.maps, found.key, labels=labels, source=source.key, store=store, progress=progress
        )  # fmt: skip

    ready = caches.counts(key, read)
    return ready if ready is not None else work.wait(key, "Counting the objects inside the masks", compute)


def choose_explainer() -> str:
    """How masks are made."""
    names = {name: EXPLAINERS[name].title for name in EXPLAINERS}
    told = " ".join(f"{EXPLAINERS[name].title}: {EXPLAINERS[name].told}" for name in EXPLAINERS)
    return state.choose("Masks by", list(names), name="by", names=names, help=told)


def choose_layer(network: Network) -> str | None:
    """The layer whose masks are shown; None: the last, as in the papers. Offered where the network can be asked."""
    layers = network.card.layers if network.card and network.can_be_asked else ()
    if len(layers) < 2:
        return None
    names = {name: f"{name}, the last convolution" if name == layers[-1] else name for name in reversed(layers)}
    told = "Earlier layers see finer places but know less of what they see."
    chosen = state.choose("Layer", list(names), name="layer", names=names, help=told)
    return None if chosen == layers[-1] else chosen


def about_network(network: Network, foreign: bool) -> None:
    """What the network is, how it differs from the paper's, and how well it answers (`foreign`: another collection)."""
    card = network.card
    if card is None:
        return
    metrics, training = card.metrics, card.training
    parts = [f"{card.architecture}, {card.size} px"]
    beyond = ", ".join(
        name.replace("_", " ") + ("" if value is True else f" {value}")
        for name, value in card.options.items()
        if name != "size" and value
    )
    parts += [beyond] if beyond else []
    if "augmented" in training:
        parts.append("trained on changed images" if training["augmented"] else "trained on images as they are")
    text = " · ".join(parts)
    if {"images", "accuracy", "interval", "base_rate"} <= set(metrics):
        low, high = metrics["interval"]
        whose = " of the demo" if network.from_demo and foreign else ""
        text += (
            f". Right for {metrics['accuracy']:.1%} of {metrics['images']:,} test images{whose} "
            f"({low:.1%} to {high:.1%}); always the commonest class: {metrics['base_rate']:.1%}."
        )
    pictures.quiet(text)
    warn_weak(network)
    if card.data.get("warning"):
        pictures.note(str(card.data["warning"]))


@st.cache_data(max_entries=64, show_spinner=False)
def _balanced(confusion: list[list[int]]) -> tuple[float, float]:
    return balanced_accuracy(confusion)


def warn_weak(network: Network) -> None:
    """Say so where a network does not surely answer better than always naming the commonest class."""
    metrics = network.card.metrics if network.card else {}
    if not {"accuracy", "interval", "base_rate"} <= set(metrics) or metrics["interval"][0] > metrics["base_rate"]:
        return
    text = (
        f"Over all test images {network.title} is right for {metrics['accuracy']:.0%}, not surely more than the "
        f"{metrics['base_rate']:.0%} of always naming the commonest class. "
    )
    value, limit = _balanced(metrics.get("confusion", []))
    if not value > limit:
        pictures.note(text + "There is no sign that it knows the classes: draw no conclusions from its masks.")
        return
    recall = sorted(metrics.get("recall", {}).items(), key=lambda item: -item[1])
    by_class = ", ".join(f"{name} {share:.0%}" for name, share in recall)
    pictures.note(
        text
        + f"With every class counted alike it is right for {value:.0%} (by mere chance below {limit:.0%}, in 97.5 % "
        f"of draws), so it knows some of them. Right by class: {by_class}. Trust its masks for no class that it seldom "
        "gets right."
    )


def choose_scope(here: Page, networks: Sequence[Network]) -> Rows:
    """Which images a page is about: (N,) of the whole collection, those inside the selected region.

    Test images are those that none of the networks has learnt from.
    """
    collection = here.collection.whole
    test = np.logical_and.reduce([test_rows(collection, one.card) for one in networks if one.card])
    columns = {one.card.label for one in networks if one.card and one.card.label in collection.table}
    offered = {name: title for name, title in SCOPES.items() if name != "test" or np.any(test)}
    if not columns:
        offered.pop("labelled", None)
    learnt = "Images that a network has learnt from are answered better than others would be." if np.any(test) else None
    scope = state.choose("Images", list(offered), name="images", names=offered, help=learnt)
    rows = np.ones(len(collection), bool)
    if scope == "test":
        rows = np.asarray(test, bool)
    elif scope == "labelled":
        rows = np.asarray(collection.table[sorted(columns)].notna().all(axis=1))
    if here.selection is not None:
        inside = np.zeros(len(collection), bool)
        inside[here.view.positions] = True
        rows = rows & inside
    return rows


def title_of(networks: Mapping[str, Network]) -> dict[str, str]:
    """What the networks are called in a menu: by what they answer only where that differs."""
    same = len({network.card.classes for network in networks.values() if network.card}) <= 1
    mixed = len({network.from_demo for network in networks.values()}) > 1 or not any(
        name.startswith("own-") for name in networks
    )
    return {
        name: (network.card.name if same and network.card else network.title)
        + (", of the demo" if network.from_demo and mixed else "")
        for name, network in networks.items()
    }


def of_interest(collection: ImageCollection) -> dict[str, Network]:
    """The collection's own networks, then the demo's where it is another and they can be asked."""
    found = explaining.classifiers(collection.whole)
    demo = overview.is_demo(collection.whole)
    return {name: one for name, one in found.items() if demo or not one.from_demo or one.can_be_asked}
