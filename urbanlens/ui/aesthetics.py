"""What the page Aesthetics knows: its networks, what they say of the collection and of one picture, and the votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.aesthetics.baselines import Baselines, baselines, kept_baselines
from urbanlens.aesthetics.readings import TASK, Reading, Readings, kept_readings, readings_key, tells_marks
from urbanlens.collection.columns import TABLE_FILE
from urbanlens.collection.library import store_for
from urbanlens.collection.votes import Votes, fault_texts, votes_of
from urbanlens.errors import CollectionError, UrbanLensError
from urbanlens.explain import test_rows
from urbanlens.progress import part_of
from urbanlens.ui import caches, explaining, overview, pictures, state, work

if TYPE_CHECKING:
    from urbanlens.aesthetics.control import Covered
    from urbanlens.collection import ImageCollection
    from urbanlens.models import ModelCard
    from urbanlens.progress import Progress
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

FOREIGN = (
    "These networks learnt what is beautiful from the drawn demo world alone, where a rule decides it. On real "
    "photographs they show how the method works, not which places are beautiful."
)


@dataclass(frozen=True)
class Study:
    """The networks that the page is about, and the votes.

    Attributes
    ----------
    marks : tells how many voters would give each mark, and tags; None: there is none
    high_low : tells high from low; None: there is none
    votes : of the whole collection's images; None: it has none
    """

    marks: Network | None
    high_low: Network | None
    votes: Votes | None

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Both by the kind that the address names: "marks" before "high-low"."""
        both = {"marks": self.marks, "high-low": self.high_low}
        return {kind: network for kind, network in both.items() if network is not None}


@dataclass(frozen=True)
class Kind:
    """A kind of network: what it answers, in words, and which cards are of it."""

    answers: str
    has: Callable[[ModelCard], bool]

    @property
    def called(self) -> str:
        """Within a sentence."""
        return f"the network of {self.answers}"

    @property
    def title(self) -> str:
        """Above what belongs to it."""
        return f"Network of {self.answers}"


KINDS: Mapping[str, Kind] = {
    "marks": Kind("marks and tags", tells_marks),
    "high-low": Kind("high and low", lambda card: not tells_marks(card)),
}
"""By the name in the address, in the order of the page."""


def kind_of(card: ModelCard) -> Kind:
    """Of which kind a network is."""
    return next(kind for kind in KINDS.values() if kind.has(card))


def choose_study(here: Page) -> Study | None:
    """The networks that the page is about; None, with a hint, where there is none."""
    known = explaining.classifiers(here.collection.whole, (TASK,))
    if not known:
        st.info(
            "No network of this kind is here. Train one on a collection with votes, with "
            "`python -m urbanlens train aesthetics COLLECTION`."
        )
        return None
    chosen: dict[str, Network | None] = {}
    for (kind, spec), column in zip(KINDS.items(), st.columns(len(KINDS), gap="medium"), strict=True):
        with column:
            chosen[kind] = _choose(kind, {name: one for name, one in known.items() if one.card and spec.has(one.card)})
    return Study(chosen["marks"], chosen["high-low"], votes(here.collection.whole))


def _choose(kind: str, offered: Mapping[str, Network]) -> Network | None:
    """One network of a kind; a box to choose only where there are several."""
    if not offered:
        return None
    if len(offered) == 1:
        return next(iter(offered.values()))
    names = explaining.titles(offered)
    return offered[state.choose(KINDS[kind].title, list(offered), name=f"beauty-{kind}", names=names)]


def choose_network(study: Study) -> tuple[str, Network]:
    """Which of the networks a view is about, and its kind; a switch only where there are both."""
    known = study.networks
    if len(known) == 1:
        return next(iter(known.items()))
    names = {kind: KINDS[kind].answers.capitalize() for kind in known}
    kind = state.switch("Network", list(known), name="kind", names=names)
    return kind, known[kind]


def votes(collection: ImageCollection) -> Votes | None:
    """The votes of a collection's images, with a note on those that make no sense; None where it has none."""
    try:
        found = caches.votes(_table_stamp(collection), lambda: votes_of(collection))
    except CollectionError:
        return None
    if found is None:
        return None
    if found.faults:
        pictures.note("Some votes make no sense and are left out: " + "; ".join(fault_texts(collection, found)) + ".")
    return found if found.known.any() else None


def _table_stamp(whole: ImageCollection) -> str:
    """Changes with a collection's table, of which its fingerprint tells the images alone."""
    return f"{whole.root}@{(whole.root / TABLE_FILE).stat().st_mtime_ns} {whole.columns.votes}"


def about(here: Page, study: Study) -> None:
    """How well each network does, in a line with its baseline; and whether it knows pictures like these at all."""
    for network in study.networks.values():
        if network.card is not None:
            pictures.quiet(_in_short(network.card))
    foreign = [kind for kind, network in study.networks.items() if network.from_demo]
    if foreign and not overview.is_demo(here.collection):
        own = len(foreign) < len(study.networks)
        pictures.note(FOREIGN.replace("These networks", KINDS[foreign[0]].called.capitalize()) if own else FOREIGN)


def _in_short(card: ModelCard) -> str:
    told = card.metrics
    kind = kind_of(card).called.capitalize()
    if "balanced_accuracy" not in told:
        return f"{kind} ({card.name}): nothing is known of how well it does."
    own = card.data.get("collection") or "its collection"
    return (
        f"{kind} ({card.name}) tells high from low rightly in {pictures.percent(told['balanced_accuracy'])} of the "
        f"test images of {own}, both counted alike; by chance in 50 %."
    )


def certain(share: float) -> str:
    """A certainty as a reader should take it: no network is ever wholly sure."""
    return pictures.percent(min(max(share, 1e-6), 1 - 1e-6))


def within(interval: tuple[float, float] | None, *, percent: bool = False) -> str:
    """A 95 % interval behind its value; nothing where too few images tell of none."""
    if interval is None:
        return ""
    low, high = interval
    return f" ({low:.1%} to {high:.1%})" if percent else f" ({low:.3f} to {high:.3f})"


def read(network: Network, subject: Subject) -> Reading:
    """What a network says of one picture, with all its maps; where it cannot, the run ends with the reason."""
    from urbanlens.aesthetics.readings import read_image

    def compute() -> Reading:
        engine = caches.engine()
        with engine.use(network.key, network.load) as model:
            return read_image(model, subject.image, engine=engine)

    try:
        return caches.beauty(subject.identity, network.key, compute)
    except UrbanLensError as error:
        st.error(pictures.plain(str(error)))
        st.stop()


def covered(network: Network, subject: Subject, reading: Reading, targets: tuple[str, ...]) -> Covered:
    """What becomes of the answers where the strongest part of each map is covered up."""
    from urbanlens.aesthetics.control import cover

    def compute() -> Covered:
        engine = caches.engine()
        with engine.use(network.key, network.load) as model:
            return cover(model, subject.image, reading, targets, engine=engine)

    return caches.covered(subject.identity, f"{network.key} {targets}", compute)


def kept(collection: ImageCollection, network: Network) -> Readings | None:
    """A network's readings of the whole collection where they have been computed before; loads no torch."""
    card, whole = network.card, collection.whole
    if card is None:
        return None
    key = readings_key(whole, card)
    return caches.beauties(key.digest, lambda: kept_readings(whole, card, store=store_for(whole)))


def readings(collection: ImageCollection, network: Network) -> Readings | None:
    """What a network says of all images; where that is not kept, a button that computes it, and None."""
    found = kept(collection, network)
    if found is not None or network.card is None:
        return found
    whole, card = collection.whole, network.card
    if not work.asked_for(_work_key(whole, card)):
        st.info(
            f"{kind_of(card).called.capitalize()} has not read this collection yet. It reads all its images at once, "
            "and what it says is kept: a minute or two for thousands of images."
        )
    _compute(whole, network, card, "Reading the images", f"Read all {len(whole):,} images")
    return kept(collection, network)


def held_against(collection: ImageCollection, kind: str, network: Network, found: Readings) -> Baselines | None:
    """What a network's maps are held against; where that is not kept, a button that computes it, and None."""
    whole, card = collection.whole, network.card
    assert card is not None

    def known() -> Baselines | None:
        # Which images count depends on the card and the table too.
        key = f"{network.key} {readings_key(whole, card).digest} {_table_stamp(whole)}"
        return caches.baselines(key, lambda: kept_baselines(found, whole, card, store=store_for(whole)))

    if known() is None:
        label = f"Compute what its maps are held against ({KINDS[kind].called})"
        _compute(whole, network, card, "Reading the images under random networks", label)
    return known()


def _work_key(whole: ImageCollection, card: ModelCard) -> str:
    return f"beauty-{readings_key(whole, card).digest}"


def _compute(whole: ImageCollection, network: Network, card: ModelCard, title: str, label: str) -> None:
    """All that is kept of a collection, in one piece of work whoever asks: what is there already is only read."""
    from urbanlens.aesthetics.readings import read_collection

    store, engine = store_for(whole), caches.engine()

    def compute(progress: Progress) -> None:
        # A copy of its own: work of minutes must not keep other visitors from the shared one.
        model, count = network.load(), len(whole)
        model.module.to(engine.device)
        first, then = (part_of(progress, start, count, 2 * count, "image") for start in (0, count))
        read = read_collection(whole, model, store=store, engine=engine, progress=first)
        baselines(read, whole, model, store=store, engine=engine, progress=then)

    work.wait_when_asked(_work_key(whole, card), title, label, compute)


def unlearnt(collection: ImageCollection, network: Network) -> NDArray[np.bool_]:
    """(N,) images of the whole collection that a network has not learnt from; none where nobody knows."""
    return test_rows(collection.whole, network.card) if network.card else np.zeros(len(collection.whole), bool)
