"""The view One transformation: an image on its way to another class, step by step, and the real images it leads to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.errors import ArtifactError, UrbanLensError
from urbanlens.transformation.record import METHODS, REACHES, Finished, Settings, Transformation
from urbanlens.transformation.shares import segmenter_folder
from urbanlens.ui import (
    caches,
    overview,
    pictures,
    single_image,
    state,
    transformation_caches,
    transformation_finished,
    transformation_nearest,
    transformation_verdict,
    transformation_way,
    transformations,
    work,
)
from urbanlens.ui.single_image import Subject

if TYPE_CHECKING:
    from urbanlens.progress import Progress
    from urbanlens.ui.page import Page
    from urbanlens.ui.transformations import Study

BEGINNINGS = {"image": "Begin with an image", "prototype": "Begin with nothing"}
_MADE = "urbanlens.transformations-made"
"""What this visitor had computed: a photograph of their own is found nowhere else again."""
REMEMBERED = 8


@dataclass(frozen=True)
class Wish:
    """What shall become what, and how; `subject` is None for a prototype."""

    subject: Subject | None
    source_class: str
    target: str
    settings: Settings

    @property
    def source(self) -> str:
        """As `Finished.source`; a photograph by its digest."""
        return "" if self.subject is None else self.subject.image_id or self.subject.identity

    @property
    def title(self) -> str:
        """In words, for a heading."""
        if self.subject is None:
            return f"What makes a place {self.target}"
        return f"{self.subject.title}, on its way to {self.target}"

    def is_met_by(self, one: Finished) -> bool:
        """Whether a finished one is it, whatever its seed and number of steps."""
        mine, theirs = self.settings, one.settings
        same = (one.source, one.target, theirs.method, theirs.start) == (
            self.source, self.target, mine.method, mine.start,
        )  # fmt: skip
        return same and (theirs.reach == mine.reach or mine.method == "ascent" or self.subject is None)


def show(here: Page, study: Study) -> None:
    """Choose what shall become what; open it, or compute it; and follow it step by step."""
    begin = state.switch("Begin", list(BEGINNINGS), name="begin", names=BEGINNINGS)
    subject = _choose_subject(here, study) if begin == "image" else None
    chosen = ""
    if begin == "prototype" or subject is not None:
        wish = _choose_wish(study, subject)
        done = [one for one in study.finished if wish.is_met_by(one)]
        wish = _choose_attempt(wish, done)
        attempt = f"{wish.settings.seed}-{wish.settings.steps}"
        one = next((one for one in done if transformation_finished.attempt(one) == attempt), None)
        found = _open(one) if one is not None else _remembered(study, wish)
        chosen = one.key if one is not None else ""
        st.subheader(pictures.plain(wish.title), anchor=False)
        if wish.source_class == wish.target:
            _already(study, wish)
        elif found is None:
            found = _compute(study, wish)
        if found is not None:
            _present(here, study, wish, found, done)
            if wish.subject is not None and wish.subject.image_id is not None:
                transformation_finished.show_other_ways(study, wish.source, wish.target, chosen)
    transformation_finished.show(study, chosen)


def _choose_subject(here: Page, study: Study) -> Subject | None:
    """The picture to begin with; where nobody has chosen one, that of a finished transformation."""
    subject = single_image.choose_subject(here)
    single_image.choose_by_sight(here)
    if subject is not None and subject.image_id is not None and not state.param("image"):
        usual = _first_finished(here, study)
        if usual is not None:
            return usual
    # A photograph dropped on the demo; of other collections the page says it above.
    if (
        subject is not None
        and study.network.from_demo
        and overview.is_demo(here.collection)
        and not single_image.is_of_demo(subject, here.collection)
    ):
        pictures.note(transformations.FOREIGN)
    return subject


def _first_finished(here: Page, study: Study) -> Subject | None:
    """The first image of the view of which something is finished."""
    inside = set(here.view.ids)
    for one in transformation_finished.of_images(study):
        if one.source in inside:
            try:
                image = study.collection.image(one.source)
            except (UrbanLensError, OSError):
                continue
            return Subject(image, one.source, f"{study.collection.fingerprint}/{one.source}", one.source)
    return None


def _choose_wish(study: Study, subject: Subject | None) -> Wish:
    """The class to be reached, the way of maximising, and how far it goes."""
    source_class = study.class_of(subject.image_id) if subject is not None else ""
    targets = list(study.card.classes)
    usual = next((name for name in targets if name != source_class), targets[0])
    into, how, far = st.columns([1, 1.5, 1], gap="medium")
    with into:
        target = state.choose("Turn it into" if subject else "Prototype of", targets, name="target", default=usual)
    method, reach = study.methods[0], Settings().reach
    with how:
        if len(study.methods) > 1:
            names: dict[str, str] = {name: METHODS[name][:1].upper() + METHODS[name][1:] for name in study.methods}
            chosen = state.choose("How", study.methods, name="method", names=names)
            method = next(one for one in METHODS if one == chosen)
        else:
            pictures.quiet(f"How: {METHODS[method]}, the only way that this generator knows.")
    with far:
        if method == "prior" and subject is not None:
            reach = state.choose(
                "How far", list(REACHES), name="reach", default=reach, names=transformation_finished.REACH_NAMES
            )
    start = "image" if subject is not None else "prototype"
    settings = Settings(method, reach=reach, start="image" if start == "image" else "prototype")
    return Wish(subject, source_class, target, settings)


def _choose_attempt(wish: Wish, done: list[Finished]) -> Wish:
    """Which seed and number of steps, where there are several; the address may ask for one more."""
    usual = Settings()
    known = [transformation_finished.attempt(one) for one in done] or [f"{usual.seed}-{usual.steps}"]
    asked = _parsed(state.param("attempt"))
    if asked is not None and f"{asked[0]}-{asked[1]}" not in known:
        known.append(f"{asked[0]}-{asked[1]}")
    chosen = known[0]
    if len(known) > 1:
        names = {one: "seed {}, {} steps".format(*one.split("-")) for one in known}
        choosing, _ = st.columns([1, 2.5], gap="medium")
        with choosing:
            chosen = state.choose("Attempt", known, name="attempt", default=known[0], names=names)
    seed, steps = _parsed(chosen) or (usual.seed, usual.steps)
    settings = Settings(wish.settings.method, steps, wish.settings.reach, wish.settings.start, seed)
    return Wish(wish.subject, wish.source_class, wish.target, settings)


def _try_again(wish: Wish, done: list[Finished]) -> None:
    """A button for one more attempt, which begins with other noise."""
    if wish.settings.method == "ascent" and wish.subject is not None:
        return  # it draws nothing by chance
    fresh = max([wish.settings.seed, *(one.settings.seed for one in done)]) + 1
    st.button(
        "Try again with other noise", key="another-attempt", type="tertiary", icon=":material/casino:",
        on_click=state.pick, args=("attempt", f"{fresh}-{wish.settings.steps}"),
    )  # fmt: skip


def _parsed(text: str) -> tuple[int, int] | None:
    """Seed and steps of an attempt in the address; None for nonsense."""
    seed, _, steps = text.partition("-")
    if not (seed.isdecimal() and steps.isdecimal() and len(seed) < 6 and len(steps) < 5):
        return None
    return (int(seed), int(steps)) if 1 <= int(steps) <= 1000 else None


def _already(study: Study, wish: Wish) -> None:
    """The image is what it should become."""
    others = [name for name in study.card.classes if name != wish.target]
    st.info(f"This image is of {pictures.plain(wish.target)} already, so nothing has to be turned into it.")
    for name in others[:3]:
        st.button(f"Turn it into {name} instead", key=f"instead-{name}", on_click=state.pick, args=("target", name))


def _open(one: Finished) -> Transformation | None:
    """A finished one; None, with the reason, where its files are broken."""
    try:
        return transformation_caches.transformation(one.folder)
    except ArtifactError as error:
        st.error(pictures.plain(str(error)))
        return None


def _key(study: Study, wish: Wish) -> str:
    whole = [study.collection.fingerprint, study.card.weights_digest, wish.source, wish.target, repr(wish.settings)]
    return f"transform-{hashlib.sha256(repr(whole).encode()).hexdigest()[:20]}"


def _remembered(study: Study, wish: Wish) -> Transformation | None:
    found: Transformation | None = st.session_state.get(_MADE, {}).get(_key(study, wish))
    return found


def _compute(study: Study, wish: Wish) -> Transformation | None:
    """A button that computes it, with progress and a way to stop; the result once it has ended."""
    key, whole, store = _key(study, wish), study.collection, study.store
    folder, subject, asked = study.network.folder, wish.subject, work.asked_for(key)
    engine = caches.engine() if asked else None
    if not asked:
        if subject is not None:
            left, _ = st.columns([1, 2])
            with left:
                pictures.picture(subject.image, " · ".join(filter(None, [wish.source_class, subject.title])), most=360)
        st.info(
            f"This one has not been computed yet. {wish.settings.steps} steps take some ten seconds on a laptop; the "
            "result is kept."
        )

    def compute(progress: Progress) -> Transformation:
        from urbanlens.transformation.making import Workshop, make

        assert folder is not None
        workshop = Workshop.open(whole, folder, engine=engine)
        source = None if subject is None else subject.image_id or subject.image
        made: Transformation = make(
            workshop, whole, source, wish.target, wish.settings, store=store, progress=progress
        )  # fmt: skip
        return made

    label = f"Turn it into {wish.target}" if subject is not None else f"Make a prototype of {wish.target}"
    found: Transformation | None = work.wait_when_asked(key, f"On the way to {wish.target}", label, compute)
    if found is not None:
        made = st.session_state.setdefault(_MADE, {})
        made[key] = found
        while len(made) > REMEMBERED:
            made.pop(next(iter(made)))
    return found


def _present(here: Page, study: Study, wish: Wish, found: Transformation, done: list[Finished]) -> None:
    """Whether others believe it, the way step by step, the real images it leads to, and all of it to take home."""
    transformation_verdict.tell(found, study.card)
    stepping, saving = st.container(), st.container(horizontal=True, gap="small", vertical_alignment="center")
    st.subheader("The nearest real images", anchor=False)
    naming = segmenter_folder(study.collection)
    if found.objects and naming is not None and not naming.is_relative_to(study.collection.root):
        with stepping:
            pictures.quiet(
                "What came and went is named by the demo's segmenter, which learnt from drawn streets: on photographs "
                "it is poor."
            )
    nearest = transformation_nearest.choose_and_find(here, study, found)
    if nearest is not None:
        transformation_nearest.show_best(study, found, nearest)
    way = transformation_way.way_of(study, wish.subject, found, nearest)
    with stepping:
        transformation_way.draw(here, wish.subject, way, of=f"{_key(study, wish)}|{state.widget_key('step')}")
    with saving:
        transformation_way.take_home(wish.subject, way, nearest)
        _try_again(wish, done)
