"""What the page Transformations knows: its generators, the transformations that are finished, and the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.library import store_for
from urbanlens.transformation.record import METHODS, Method
from urbanlens.ui import explaining, overview, pictures, state, transformation_caches

if TYPE_CHECKING:
    from urbanlens.artifacts import ArtifactStore
    from urbanlens.collection import ImageCollection
    from urbanlens.models import ModelCard
    from urbanlens.transformation.record import Finished, Transformation
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page

TASK = "generator"
FOREIGN = (
    "This generator learnt from the drawn demo world alone. Whatever photograph it is given, it draws streets of that "
    "world, and its classes are the two drawn cities: it shows how the method works, not what another city would be."
)

COMMAND = "`python -m urbanlens train generator COLLECTION`; the demo's took an hour on a laptop."


@dataclass(frozen=True)
class Study:
    """The generator that the page is about, and what it has made of the collection.

    Attributes
    ----------
    network, card : the generator
    finished : what is kept, prototypes first
    collection : the whole collection
    others : all generators that can be chosen, this one too, by their name in the address
    """

    network: Network
    card: ModelCard
    finished: list[Finished]
    collection: ImageCollection
    others: dict[str, Network]

    @property
    def store(self) -> ArtifactStore:
        """Where results about the collection are kept."""
        return store_for(self.collection)

    @property
    def methods(self) -> list[Method]:
        """The ways of maximising that the generator knows."""
        return methods_of(self.card)

    @property
    def classes(self) -> NDArray[np.str_] | None:
        """(N,) the class of each image of the collection, "" where unknown; None where no column tells."""
        return self.collection.texts(self.card.label) if self.card.label in self.collection.table else None

    def class_of(self, image_id: str | None) -> str:
        """The class of an image where it is one of the generator's, else ""."""
        label = self.card.label
        if image_id is None or image_id not in self.collection or label not in self.collection.table:
            return ""
        name = str(self.collection.texts(label, [self.collection.row(image_id)])[0])
        return name if name in self.card.classes else ""


def methods_of(card: ModelCard) -> list[Method]:
    """The ways of maximising that a generator knows: only one with a prior can be guided by it."""
    told = card.data.get("methods")
    if told:
        return [method for method in METHODS if method in told]
    return list(METHODS) if card.options.get("prior_width") else ["ascent"]


def finished_by(collection: ImageCollection, card: ModelCard) -> list[Finished]:
    """What a generator has made of a collection."""
    whole = collection.whole
    return list(transformation_caches.finished(store_for(whole), whole.fingerprint, card.weights_digest))


def choose_study(here: Page) -> Study | None:
    """The generator that the page is about; None, with a hint, where there is none."""
    whole = here.collection.whole
    known = explaining.classifiers(whole, (TASK,))
    if not known:
        st.info(_missing(whole))
        return None
    chosen, telling = next(iter(known)), st.container()
    if len(known) > 1:
        asking, telling = st.columns([1, 1.6], gap="medium", vertical_alignment="bottom")
        with asking:
            chosen = state.choose("Generator", list(known), name="generator", names=titles(known))
    network = known[chosen]
    card = network.card
    assert card is not None
    with telling:
        pictures.quiet(_in_short(card))
    return Study(network, card, finished_by(whole, card), whole, known)


def titles(known: dict[str, Network]) -> dict[str, str]:
    """What generators are called by their names in the address, with what each does."""
    named = explaining.titles(known)
    for name, network in known.items():
        encoder = network.card.options.get("encoder", "") if network.card else ""
        if encoder:
            how = "with a code of its own" if encoder == "learned" else "inverted features, the paper's way"
            named[name] += f": {how}"
    return named


def _missing(whole: ImageCollection) -> str:
    """Why nothing can be shown, and what to do."""
    return (
        "No generator is here: a network that draws pictures, and so can show what would have to change. Train one "
        f"with {COMMAND}{_untellable(whole)}"
    )


def _untellable(whole: ImageCollection) -> str:
    """A sentence where no column tells classes apart; else ""."""
    if any(whole.table[name].nunique() > 1 for name in whole.columns.labels):
        return ""
    return (
        " It learns from a column of labels with at least two classes, and this collection has none: name one, such "
        "as the city, when importing."
    )


def about(here: Page, study: Study) -> None:
    """Whether the generator knows pictures like these at all, and has anything to turn them into."""
    if study.network.from_demo and not overview.is_demo(here.collection):
        pictures.note(FOREIGN)
        if all(one.from_demo for one in study.others.values()):
            told = f"{COMMAND}{_untellable(here.collection.whole)}"
            st.info(f"This collection has no generator of its own yet. Train one with {told}")
    if len(study.card.classes) < 2:
        pictures.note(f"This generator knows one class only, {study.card.classes[0]}: nothing can be turned into it.")


def _in_short(card: ModelCard) -> str:
    own = f"the collection {card.data['collection']}" if card.data.get("collection") else "its collection"
    told = f"{card.name} draws pictures of {listed(card.classes)}, {card.size} px wide, and learnt from those of {own}."
    scores = {name: one for name, one in card.metrics.items() if isinstance(one, dict) and {"real", "drawn"} <= {*one}}
    judges = {name: scores[name] for name in card.data.get("judges", ()) if name in scores}
    if not judges:
        return told
    name, one = next(iter(judges.items()))
    return (
        f"{told} {name}, a network that took no part, names the class of a drawn test image rightly in "
        f"{pictures.percent(one['drawn']['accuracy'])}, of the image itself in "
        f"{pictures.percent(one['real']['accuracy'])}."
    )


def listed(names: tuple[str, ...]) -> str:
    """Names as one says them: a, b and c; of many classes their count."""
    if len(names) > 5:
        return f"{len(names)} classes"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def verdict(agreed: float) -> str:
    """What the networks that took no part say of a template image, by the share of them that see the target."""
    if np.isnan(agreed):
        return "nobody else was asked"
    if agreed == 1:
        return "others agree"
    return "others do not agree" if agreed == 0 else "others are divided"


def is_failure(agreed: float) -> bool:
    """Whether networks that took no part do not all see the target."""
    return bool(agreed < 1)


def certainties(found: Transformation, frame: int = -1, *, driving: bool = False) -> list[tuple[str, float, float]]:
    """Name, p(target) in a frame and on the mere reconstruction, of the networks that took no part or that drove."""
    return [
        (name, float(found.certainty[frame, number]), float(found.certainty[0, number]))
        for number, (name, drives) in enumerate(zip(found.networks, found.drives, strict=True))
        if drives == driving
    ]
