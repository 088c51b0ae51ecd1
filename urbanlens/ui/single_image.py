"""The parts of the page Single image: choosing a picture, the network's answer, and the two masks."""

from __future__ import annotations

import difflib
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.errors import ImageError, UrbanLensError
from urbanlens.ui import drawing, explaining, pictures, state, uploads
from urbanlens.ui.cards import Card, CardPicture, cards
from urbanlens.ui.overview import is_demo

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.ui.explaining import Explained
    from urbanlens.ui.page import Page

COMPARED = 2000
"""Most names that a mistyped one is compared with."""
SEEN = 24
"""Pictures of the wall to choose from."""
_DROPPED = "urbanlens.dropped"
_ROUND = "urbanlens.drop-round"
_PROBLEM = "urbanlens.drop-failed"


@dataclass(frozen=True)
class Subject:
    """The picture that is looked at: of the collection (`image_id`), or dropped in."""

    image: Image
    title: str
    identity: str
    image_id: str | None = None

    @property
    def file(self) -> str:
        """A name for what is saved about it, without an ending."""
        return uploads.slug(self.title.rsplit(".", 1)[0]) or "picture"


def choose_subject(here: Page) -> Subject | None:
    """The picture dropped in, or the one of the collection that was asked for; None (with a message) without any."""
    if state.param("image") and (_DROPPED in st.session_state or _PROBLEM in st.session_state):
        _let_go()  # an image was chosen since, on another page
    drop, own = st.columns([3, 2], gap="large", vertical_alignment="bottom")
    with drop:
        number = st.session_state.setdefault(_ROUND, 0)
        st.file_uploader(
            "Your photograph", uploads.PHOTOGRAPHS, key=f"drop-{number}", on_change=_dropped, args=(f"drop-{number}",)
        )
    with own:
        _choose_own(here)
    failed = st.session_state.get(_PROBLEM)
    if failed:
        st.error(pictures.plain(failed))
        return None
    dropped: Subject | None = st.session_state.get(_DROPPED)
    if dropped is not None:
        return dropped
    pool = here.view if len(here.view) else here.collection
    image_id = state.param("image") or (pool.ids[len(pool) // 2] if len(pool) else "")
    return _of_collection(here.collection, image_id)


def ask(network: explaining.Network, subject: Subject, target: int | None = None) -> Explained:
    """The network's answer about a picture; where it has none the run ends with the reason."""
    try:
        return explaining.explain(network, subject.image, subject.identity, target)
    except UrbanLensError as error:
        st.error(pictures.plain(str(error)))
        st.stop()


def _choose_own(here: Page) -> None:
    """Choose an image of the collection, by its name or at random."""
    pool = here.view if len(here.view) else here.collection
    if st.session_state.get("image-name") is None or _ROUND + "-pending" in st.session_state:
        st.session_state["image-name"] = "" if _DROPPED in st.session_state else state.param("image")
        st.session_state.pop(_ROUND + "-pending", None)
    st.text_input(
        "Or an image of the collection",
        key="image-name",
        placeholder="its name",
        on_change=_named,
        icon=":material/search:",
    )
    label = "Another image" if here.selection is None else "Another image of the selection"
    st.button(
        label, key="another", icon=":material/casino:", on_click=_another, args=(pool.ids,), disabled=not len(pool)
    )


def choose_by_sight(here: Page) -> None:
    """A wall of pictures to choose from, once asked for."""
    if not st.toggle("Choose by sight", key="by-sight"):
        return
    pool = here.view if len(here.view) else here.collection
    number = st.session_state.setdefault("sight-round", 0)
    ids = random.Random(f"{pool.fingerprint}-{number}").sample(pool.ids, min(SEEN, len(pool)))
    sources = pictures.thumbnails(pool, ids, 110)
    wall = [Card(name, [CardPicture(source, name)], name) for name, source in zip(ids, sources, strict=True)]
    cards(wall, key="wall", label="Images to choose from", size=110, on_choose=take)

    def more() -> None:
        st.session_state["sight-round"] = number + 1

    st.button("Other images", key="other-images", icon=":material/refresh:", type="tertiary", on_click=more)


def take(image_id: str) -> None:
    """Look at an image of the collection; for a callback."""
    _let_go()
    state.set_param("image", image_id)
    state.pick("class", None)
    st.session_state[_ROUND + "-pending"] = True


def _let_go() -> None:
    """Forget what was dropped in, with an uploader that is empty again."""
    st.session_state.pop(_DROPPED, None)
    st.session_state.pop(_PROBLEM, None)
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _named() -> None:
    take(str(st.session_state["image-name"]).strip())


def _another(ids: list[str]) -> None:
    take(random.choice(ids))


def _dropped(key: str) -> None:
    """A file was dropped in, or taken away again."""
    state.pick("class", None)
    st.session_state.pop(_DROPPED, None)
    st.session_state.pop(_PROBLEM, None)
    file = st.session_state.get(key)
    if file is None:
        return
    image, problem = uploads.photograph(file)
    if image is None:
        st.session_state[_PROBLEM] = problem
        state.set_param("image", None)
        return
    st.session_state[_DROPPED] = Subject(image, file.name, explaining.digest(image))
    state.set_param("image", None)
    st.session_state[_ROUND + "-pending"] = True


def _of_collection(collection: ImageCollection, image_id: str) -> Subject | None:
    if image_id not in collection:
        ids = collection.ids
        begun = [name for name in ids if name[:2] == image_id[:2]] or ids
        close = difflib.get_close_matches(image_id[:80], begun[:COMPARED], n=3, cutoff=0.3) or ids[:3]
        text = f"No image of this collection is named “{image_id[:80]}”. Names look like: {', '.join(close)}."
        st.error(pictures.plain(text))
        return None
    try:
        image = collection.image(image_id)
    except (ImageError, OSError) as error:
        st.error(pictures.plain(str(error)))
        return None
    return Subject(image, image_id, f"{collection.whole.fingerprint}/{image_id}", image_id)


def is_of_demo(subject: Subject, collection: ImageCollection) -> bool:
    """Whether the picture belongs to the drawn demo world."""
    return subject.image_id is not None and is_demo(collection)


def show_answer(subject: Subject, answer: Explained) -> None:
    """The picture beside the most probable classes."""
    left, right = st.columns(2, gap="large", vertical_alignment="center")
    with left:
        pictures.picture(drawing.display_size(subject.image), subject.title)
    with right:
        name, share = answer.ranked()[0]
        st.subheader(f"{pictures.plain(name)}, {pictures.percent(share)}", anchor=False)
        pictures.bars(answer.ranked()[:5])
        if len(answer.classes) > 5:
            pictures.quiet(f"The five most probable of {len(answer.classes):,} classes.")
        pictures.table_download(answer.table(), f"{subject.file}-probabilities", "Probabilities (CSV)")


@st.fragment
def show_masks(subject: Subject, answer: Explained, target: str, collection: ImageCollection) -> None:
    """The Grad-CAM overlay and the visual explanation, each with its slider; moving one only draws anew."""
    if not answer.found:
        st.info(f"Nothing in this picture speaks for {pictures.plain(target)}: the network's map is empty.")
        return
    image = drawing.display_size(subject.image)
    mask = drawing.mask_for(answer.map, image.size)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Where the network looked", anchor=False)
        opacity = state.slide("Strength of the colour", 0.0, 1.0, name="opacity", default=0.6, step=0.05)
        drawn = drawing.overlay(image, mask, opacity)
        pictures.picture(
            drawn, f"Grad-CAM for {target}: yellow speaks most for it, violet little, what is clear not at all."
        )
        pictures.image_download(drawn, f"{subject.file}-grad-cam")
    with right:
        st.subheader("What counted most", anchor=False)
        threshold = state.slide("Threshold", 0.1, 0.9, name="threshold", default=0.5, step=0.05)
        drawn = drawing.only_above(image, mask, threshold)
        part = float((mask >= threshold).mean())
        pictures.picture(drawn, f"The {part:.0%} of the picture where the mask is at least {threshold:g}.")
        pictures.image_download(drawn, f"{subject.file}-explanation")
    _show_objects(subject, answer, threshold, collection)


def _show_objects(subject: Subject, answer: Explained, threshold: float, collection: ImageCollection) -> None:
    """The true objects inside the mask, where the image has pixel labels."""
    labels = collection.objects(subject.image_id) if subject.image_id is not None else None
    if labels is None:
        return
    mask = drawing.mask_for(answer.map, (labels.shape[1], labels.shape[0]))
    table = explaining.objects_inside(mask, labels, collection.object_names, threshold)
    st.subheader("Which objects lie there", anchor=False)
    if table.empty:
        pictures.quiet("No labelled object lies above this threshold.")
        return
    pictures.object_table(table.head(8))
    pictures.quiet(
        "From the true labels of this image. A ratio above 1: the network looked there more than chance would."
    )
    pictures.table_download(table, f"{subject.file}-objects", "Objects (CSV)")
