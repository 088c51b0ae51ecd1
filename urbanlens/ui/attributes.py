"""What the page Attributes knows: its networks, what they say of the collection, and of one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.collection.library import store_for
from urbanlens.errors import CollectionError, UrbanLensError
from urbanlens.explain import test_rows
from urbanlens.progress import part_of
from urbanlens.siam.annotations import attribute_names, attribute_values, score_names, score_values
from urbanlens.siam.readings import (
    Reading,
    Readings,
    TemplateSet,
    keep_templates,
    kept_readings,
    kept_templates,
    read_collection,
    read_image,
    readings_key,
    templates_of,
)
from urbanlens.ui import caches, explaining, overview, pictures, state, work

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.progress import Progress
    from urbanlens.ui.explaining import Network
    from urbanlens.ui.page import Page
    from urbanlens.ui.single_image import Subject

PAIRS: Mapping[str, tuple[str, str, str]] = {
    "green": ("Green adds, magenta takes away (as in the paper)", "#3A8F2E", "#C51B7D"),
    "blue": ("Blue adds, orange takes away", "#2166AC", "#E66101"),
}
"""Both stay apart for colour-blind eyes (ColorBrewer's PiYG and PuOr end in such hues)."""


FOREIGN = (
    "These attributes and this score were learnt on the drawn demo world alone. On real photographs they show how the "
    "method works, not what is in the picture."
)


@dataclass(frozen=True)
class Study:
    """SIAM, the network that it is compared with (None: there is none), and how the page is coloured.

    Attributes
    ----------
    siam, free : the networks
    colours : of what adds and of what takes away, #RRGGBB
    crowd : (N,) score given to the whole collection's images, NaN where unknown; None: the table has none
    """

    siam: Network
    free: Network | None
    colours: tuple[str, str]
    crowd: NDArray[np.float32] | None

    @property
    def soft(self) -> bool:
        """Whether SIAM answers with shares, as its labels had them, rather than with yes or no."""
        return bool(self.siam.card.training.get("soft")) if self.siam.card else False

    def positive(self, default: float) -> float:
        """The share from which an attribute counted as there when SIAM learnt it."""
        return float(self.siam.card.training.get("positive", default)) if self.siam.card else default

    def amount(self, value: float) -> str:
        """How much of an attribute a picture holds, in words: what its labels meant when it was learnt."""
        share = pictures.percent(value)
        return f"share seen: {share}" if self.soft else f"seen with {share} certainty"

    @property
    def score(self) -> str:
        """What the score is called."""
        return plain_score(self.siam.card.label if self.siam.card else "score")


def plain_score(name: str) -> str:
    """A score column as one says it."""
    return {"votes.mean": "mean of the votes", "votes.variance": "variance of the votes"}.get(
        name, name.replace("_", " ")
    )


def plain(name: str) -> str:
    """An attribute as one says it."""
    return name.replace("_", " ")


def begun(text: str) -> str:
    """A name at the beginning of a line: its first letter is a capital, the others stay as they are."""
    return text[:1].upper() + text[1:]


def choose_study(here: Page) -> Study | None:
    """The networks and colours that the page is about; None, with a hint, where there is no network."""
    collection = here.collection.whole
    known = explaining.classifiers(collection, ("attributes",))
    if not known:
        st.info(
            "No network of this kind is here. Train one on a collection with attributes and a score, with "
            "`python -m urbanlens train siam COLLECTION --score COLUMN`."
        )
        return None
    asking, looking = st.columns([1.4, 1], gap="medium")
    with asking:
        siam = known[state.choose("Network", list(known), name="siam", names=explaining.titles(known))]
    with looking:
        names = {name: title for name, (title, _, _) in PAIRS.items()}
        _, adds, takes = PAIRS[state.choose("Colours", list(names), name="pair", names=names)]
    others = explaining.classifiers(collection, ("score",))
    same = [one for one in others.values() if _label(one) == _label(siam) and _scored_in(one) == _scored_in(siam)]
    return Study(siam, same[0] if same else None, (adds, takes), crowd_of(collection, _label(siam)))


def _label(network: Network) -> str:
    return network.card.label if network.card else ""


def _scored_in(network: Network) -> str:
    """The collection that a network has its scores from, so that two are compared that learnt from the same."""
    data = network.card.data if network.card else {}
    return str(data.get("scored", data).get("fingerprint", ""))


def crowd_of(collection: ImageCollection, score: str) -> NDArray[np.float32] | None:
    """(N,) the score that was given, where the collection has one of this name."""
    if score not in score_names(collection):
        return None
    try:
        return score_values(collection, score)
    except CollectionError as error:
        pictures.note(str(error))
        return None


def annotated(collection: ImageCollection, names: tuple[str, ...]) -> NDArray[np.float32] | None:
    """(N, A) the collection's own shares of the attributes, NaN where unknown; None where it knows none of them."""
    own = attribute_names(collection)
    known = [name for name in names if name in own]
    if not known:
        return None
    try:
        values = attribute_values(collection, known)
    except CollectionError as error:
        pictures.note(str(error))
        return None
    found = np.full((len(collection), len(names)), np.nan, np.float32)
    found[:, [names.index(name) for name in known]] = values
    return found


def about(here: Page, study: Study) -> None:
    """What the networks learnt, how well they do, and what must not be asked of them."""
    card = study.siam.card
    if card is None:
        return
    metrics, rival = card.metrics, study.free.card.metrics if study.free and study.free.card else {}
    parts = [f"{card.architecture.upper()} on {card.options.get('backbone', '')}, {card.size} px"]
    if "rmse" in metrics:
        parts.append(
            f"error of the score (RMSE) on {metrics['images']:,} test images {metrics['rmse']:.2f}"
            f"{within(metrics.get('rmse_interval'))}; always answering the mean: {metrics['rmse_of_mean']:.2f}"
        )
    if "rmse" in rival:
        parts.append(f"a network free of attributes: {rival['rmse']:.2f}")
    if metrics.get("mean_ap") is not None:
        parts.append(
            f"attributes found with a mean average precision of {metrics['mean_ap']:.2f}; by chance: "
            f"{metrics['mean_base_rate']:.2f}"
        )
    pictures.quiet(" · ".join(parts) + ".")
    if study.siam.from_demo and not overview.is_demo(here.collection):
        pictures.note(FOREIGN)


def within(interval: Sequence[float] | None) -> str:
    """A 95 % interval behind its value; nothing where too few images tell of none."""
    return "" if interval is None else f" ({interval[0]:.2f} to {interval[1]:.2f})"


def templates(collection: ImageCollection, network: Network) -> TemplateSet | None:
    """How a network weighs its maps; read from what is kept, else from its weights."""
    card = network.card
    if card is None:
        return None
    store = store_for(collection.whole)

    def read() -> TemplateSet:
        found = kept_templates(card, store=store)
        if found is not None:
            return found
        model = network.load()
        keep_templates(model, store=store)
        return templates_of(model)

    try:
        return caches.templates(network.key, read)
    except UrbanLensError as error:
        st.error(pictures.plain(str(error)))
        return None


def kept(collection: ImageCollection, network: Network) -> Readings | None:
    """A network's readings of the whole collection where they have been computed before; loads no torch."""
    card, whole = network.card, collection.whole
    if card is None:
        return None
    key = readings_key(whole, card)
    return caches.readings(key.digest, lambda: kept_readings(whole, card, store=store_for(whole)))


def readings(collection: ImageCollection, study: Study) -> tuple[Readings, Readings | None] | None:
    """What SIAM and its rival say of all images; where that is not kept, a button that computes it."""
    whole = collection.whole
    networks = [study.siam] + ([study.free] if study.free else [])
    missing = [network for network in networks if kept(whole, network) is None]
    if missing:
        _ask_all(whole, networks, missing)
        missing = [network for network in networks if kept(whole, network) is None]
    siam = kept(whole, study.siam)
    if missing or siam is None:
        return None
    return siam, kept(whole, study.free) if study.free else None


def _ask_all(whole: ImageCollection, networks: list[Network], missing: list[Network]) -> None:
    # Of all networks: where one fails, this is told under the same key once the others are done.
    cards = [network.card for network in networks if network.card]
    key = "readings-" + "-".join(readings_key(whole, card).digest for card in cards)
    store, device = store_for(whole), caches.engine().device

    def compute(progress: Progress) -> None:
        for number, network in enumerate(missing):
            # A copy of its own: work of minutes must not keep other visitors from the shared one.
            model = network.load()
            model.module.to(device)
            told = part_of(
                progress, number * len(whole), len(whole), len(missing) * len(whole), "image",
                f"network {number + 1} of {len(missing)}",
            )  # fmt: skip
            read_collection(whole, model, store=store, progress=told)

    if not work.asked_for(key):
        st.info(
            "The networks have not read this collection yet. They read all its images at once, and what they say is "
            "kept: a minute or two for thousands of images."
        )
    work.wait_when_asked(key, "Reading the images", f"Read all {len(whole):,} images", compute)


def read(network: Network, subject: Subject) -> Reading:
    """What a network says of one picture, in full; where it cannot, the run ends with the reason."""

    def compute() -> Reading:
        engine = caches.engine()
        with engine.use(network.key, network.load) as model:
            return read_image(model, subject.image, engine=engine)

    try:
        return caches.reading(subject.identity, network.key, compute)
    except UrbanLensError as error:
        st.error(pictures.plain(str(error)))
        st.stop()


def crowd_score(here: Page, study: Study, subject: Subject) -> float | None:
    """The score that a picture was given, where it was."""
    if study.crowd is None or subject.image_id is None:
        return None
    value = float(study.crowd[here.collection.whole.row(subject.image_id)])
    return value if np.isfinite(value) else None


def unlearnt(collection: ImageCollection, study: Study) -> NDArray[np.bool_]:
    """(N,) images that none of the networks has learnt from."""
    cards = [network.card for network in (study.siam, study.free) if network and network.card]
    return np.asarray(np.logical_and.reduce([test_rows(collection.whole, card) for card in cards]), bool)
