"""From images to finished transformations: everything that takes part, and one call that makes and keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.engine import choose_device
from urbanlens.errors import ModelError
from urbanlens.models import LoadedModel, ModelCard, load_model
from urbanlens.models.answers import answer
from urbanlens.models.beside import network_at
from urbanlens.models.folded import fold
from urbanlens.models.transform import square_pixels
from urbanlens.progress import Progress, part_of, silent
from urbanlens.transformation.counterparts import known_similarities
from urbanlens.transformation.maximize import Way, maximize_activation
from urbanlens.transformation.record import Settings, Transformation, keep, read, transformation_key
from urbanlens.transformation.shares import SEGMENTER, segmenter_folder
from urbanlens.transformation.similarity import (
    CLASSIFIER,
    FEATURES,
    Shift,
    measure_shift,
    picture_features,
    shift_key,
    shifted,
)

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine

BATCH = 10
"""Transformations that are computed at once."""

SHIFT_IMAGES = 120
"""About so many images tell what a generator adds to every one."""


@dataclass(frozen=True, eq=False)
class Workshop:
    """A generator and the networks around it.

    Attributes
    ----------
    generator : draws
    drivers : pull the code towards a class
    judges : take no part, and are asked what they see
    segmenter : names the objects in what was drawn; None: nobody does
    device : where all of them compute
    """

    generator: LoadedModel
    drivers: Sequence[LoadedModel]
    judges: Sequence[LoadedModel]
    segmenter: LoadedModel | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def open(
        cls, collection: ImageCollection, folder: Path | str, *, engine: Engine | None = None, device: str = "auto"
    ) -> Workshop:  # fmt: skip
        """The generator of a folder with the networks that its card names, as copies of their own.

        Parameters
        ----------
        collection : its own segmenter names objects, else the demo's

        Raises
        ------
        ModelError
            Where the folder holds no generator, or a network that its card names is not there.
        """
        folder = Path(folder)
        card = ModelCard.read(folder)
        if card.task != "generator":
            raise ModelError(f"{card.name} answers {card.task}: give the folder of a generator")
        where = engine.device if engine is not None else choose_device(device)
        found = {
            part: [fold(load_model(network_at(place, folder))) for place in card.data.get(part, {}).values()]
            for part in ("drivers", "judges")
        }
        segmenter = segmenter_folder(collection)
        shop = cls(
            load_model(folder), found["drivers"], found["judges"], fold(load_model(segmenter)) if segmenter else None,
            where,
        )  # fmt: skip
        for model in (shop.generator, *shop.networks, *([shop.segmenter] if shop.segmenter else [])):
            model.module.to(where)
        return shop

    @property
    def card(self) -> ModelCard:
        """The generator's."""
        return self.generator.card

    @property
    def classes(self) -> tuple[str, ...]:
        """What can be maximised."""
        return self.generator.classes

    @property
    def networks(self) -> list[LoadedModel]:
        """Drivers, then judges."""
        return [*self.drivers, *self.judges]

    @property
    def margins(self) -> Mapping[str, float]:
        """Of each driver, its mean margin on real images."""
        return dict(self.card.training.get("margins", {}))

    @cached_property
    def feature_models(self) -> dict[str, LoadedModel | None]:
        """By the name of a similarity that compares features: the network whose features they are."""
        known = [name for name in known_similarities(self.card) if name in FEATURES]
        return {name: self.judges[0] if name == CLASSIFIER else None for name in known}

    def shifts(self, collection: ImageCollection, store: ArtifactStore) -> dict[str, Shift]:
        """What the generator adds to every image, by the name of a similarity; measured once on validation images."""
        found, whole = {}, collection.whole
        pictures: list[NDArray[np.uint8]] = []
        for name, model in self.feature_models.items():
            key = shift_key(whole.fingerprint, self.generator.weights_digest, name, size=self.card.size, model=model)
            shift = Shift.kept(store, key)
            if shift is None:
                pictures = pictures or self._drawn_anew(whole)
                reals, drawn = (picture_features(images, name, model=model) for images in pictures)
                shift = measure_shift(drawn, reals, name)
                shift.keep(store, key)
            found[name] = shift
        return found

    @torch.no_grad()
    def _drawn_anew(self, whole: ImageCollection) -> list[NDArray[np.uint8]]:
        """Some validation images (n, P, P, 3), and their reconstructions."""
        table = whole.table
        rows = np.arange(len(whole))
        if "split" in table and (table["split"] == "val").any():
            rows = np.flatnonzero(table["split"] == "val")
        if self.card.label in table and table[self.card.label].isin(self.classes).iloc[rows].any():
            rows = rows[table[self.card.label].isin(self.classes).to_numpy()[rows]]
        some = [whole.ids[row] for row in rows[:: max(1, len(rows) // SHIFT_IMAGES)]]
        readable = [image for image in whole.pictures(some, lambda image: image.copy()) if image is not None]
        real = self.pixels(readable)
        drawn = torch.cat([self.generator.module(part).float() for part in torch.split(real, 32)])
        return [pictures_of(real), pictures_of(drawn)]

    def target_number(self, target: str) -> int:
        """The class's number; ModelError for an unknown one, or where there is no other class to come from."""
        if target not in self.classes:
            raise ModelError(f"the generator knows no class {target!r}: it knows {', '.join(self.classes)}")
        if len(self.classes) < 2:
            raise ModelError(f"the generator knows {target} alone: there is nothing to come from")
        return self.classes.index(target)

    def key(self, fingerprint: str, source: str, target: str, settings: Settings) -> ArtifactKey:
        """Under what a transformation is kept."""
        digests = {model.name: model.weights_digest for model in self.networks}
        if self.segmenter is not None:
            digests[SEGMENTER] = self.segmenter.weights_digest
        return transformation_key(fingerprint, self.generator.weights_digest, digests, source, target, settings)

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """(N, 3, P, P) float32 in [0, 1], on the device."""
        stack = np.stack([square_pixels(image, self.card.size) for image in images])
        pixels = torch.from_numpy(stack).to(self.device).float() / 255
        return pixels.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def draw(self, codes: Tensor) -> Tensor:
        """Pictures (N, 3, P, P) float32 in [0, 1] of codes (N, C, h, h)."""
        module: Any = self.generator.module
        drawn = torch.cat([module.decode(part).float().clamp(0, 1) for part in torch.split(codes, 32)])
        return drawn.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def certainty(self, images: Tensor) -> NDArray[np.float32]:
        """(N, M, K) what each network says of pictures (N, 3, P, P)."""
        parts = [
            torch.stack([answer(model, part).softmax(1) for model in self.networks], 1)
            for part in torch.split(images, 32)
        ]
        return np.asarray(torch.cat(parts).cpu().numpy(), np.float32)

    @torch.no_grad()
    def shares(self, images: Tensor) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Names (O,) and shares (N, O) of the objects in pictures (N, 3, P, P)."""
        if self.segmenter is None:
            return (), np.zeros((len(images), 0), np.float32)
        side, count = self.segmenter.card.size, len(self.segmenter.classes)
        rows = []
        for part in torch.split(images, 16):
            large = torch.nn.functional.interpolate(part, size=(side, side), mode="bilinear", align_corners=False)
            named = self.segmenter.module(large).argmax(1).flatten(1)
            rows.append(torch.stack([torch.bincount(one, minlength=count) for one in named]).float() / named.shape[1])
        return self.segmenter.classes, np.asarray(torch.cat(rows).cpu().numpy(), np.float32)


def make(
    workshop: Workshop, collection: ImageCollection, source: str | Image.Image | None, target: str,
    settings: Settings | None = None, *, store: ArtifactStore, progress: Progress = silent,
) -> Transformation:  # fmt: skip
    """One transformation, computed and kept, or read where it is kept already.

    Parameters
    ----------
    source : an image's id; a photograph; None: a neutral code, for a prototype
    target : the class whose unit is maximised
    progress : told the steps; may raise Cancelled, and nothing is kept then

    Raises
    ------
    ModelError
        Where the class is not known, or the source is of that class already.
    """
    return make_many(workshop, collection, [source], target, settings, store=store, progress=progress)[0]


def make_many(
    workshop: Workshop, collection: ImageCollection, sources: Sequence[str | Image.Image | None], target: str,
    settings: Settings | None = None, *, store: ArtifactStore, progress: Progress = silent,
) -> list[Transformation]:  # fmt: skip
    """`make` for several sources, some at a time; each is kept as soon as it is finished."""
    settings = settings or Settings()
    number = workshop.target_number(target)
    fingerprint = collection.whole.fingerprint
    found: dict[int, Transformation] = {}
    shifts: dict[str, Shift] = {}
    missing: list[tuple[int, Source]] = []
    for place, source in enumerate(sources):
        one = source_of(workshop, collection, source, target, settings)
        folder = store.find(workshop.key(fingerprint, one.name, target, settings))
        if folder is not None:
            found[place] = read(folder)
        else:
            missing.append((place, one))
    for start in range(0, len(missing), BATCH):
        part = missing[start : start + BATCH]
        shifts = shifts or workshop.shifts(collection, store)
        tell = part_of(progress, start, len(part), len(missing), "transformation") if len(missing) > 1 else progress
        made = _make_batch(workshop, [one for _, one in part], number, settings, shifts, tell)
        for (place, one), transformation in zip(part, made, strict=True):
            keep(store, workshop.key(fingerprint, one.name, target, settings), transformation)
            found[place] = transformation
    return [found[place] for place in range(len(sources))]


@dataclass(frozen=True)
class Source:
    """What is transformed: its name in the record, the picture (None for a prototype), its class where it is known."""

    name: str
    image: Image.Image | None
    label: str


def source_of(
    workshop: Workshop, collection: ImageCollection, source: str | Image.Image | None, target: str, settings: Settings
) -> Source:  # fmt: skip
    """What is meant by an image's id, a photograph, or None; ModelError where it cannot become the target."""
    if (source is None) != (settings.start == "prototype"):
        raise ModelError("a prototype starts from no image, everything else from one: give what the settings say")
    if source is None:
        return Source("", None, "")
    if not isinstance(source, str):
        digest = hashlib.sha256(square_pixels(source, workshop.card.size).tobytes()).hexdigest()[:20]
        return Source(digest, source, "")
    column = workshop.card.label
    label = str(collection.texts(column, [collection.row(source)])[0]) if column in collection.table else ""
    if label == target:
        raise ModelError(f"{source} is of the class {target} already: choose another class, or another image")
    return Source(source, collection.image(source), label)


def _make_batch(
    workshop: Workshop, sources: Sequence[Source], target: int, settings: Settings, shifts: Mapping[str, Shift],
    progress: Progress,
) -> list[Transformation]:  # fmt: skip
    starts, before = begin(workshop, sources, target)
    targets = torch.full((len(sources),), target, device=workshop.device)
    way = maximize_activation(
        workshop.generator, workshop.drivers, starts, targets, settings=settings, margins=workshop.margins,
        progress=progress,
    )  # fmt: skip
    return finish(workshop, sources, target, settings, way, before, shifts)


@torch.no_grad()
def begin(workshop: Workshop, sources: Sequence[Source], target: int) -> tuple[Tensor, NDArray[np.float32]]:
    """Codes (N, C, h, h) of sources, and p(target) (N, M) on the pictures themselves; of prototypes, zeros and NaN.

    ModelError where some have a picture and others none.
    """
    module: Any = workshop.generator.module
    images = [source.image for source in sources if source.image is not None]
    if images and len(images) < len(sources):
        raise ModelError("some of these begin with a picture and others with none: make them one kind after the other")
    if not images:
        unknown = np.full((len(sources), len(workshop.networks)), np.nan, np.float32)
        return torch.zeros(len(sources), *module.code_shape, device=workshop.device), unknown
    pixels = workshop.pixels(images)
    codes = torch.cat([module.encode(part) for part in torch.split(pixels, 32)])
    return codes, workshop.certainty(pixels)[:, :, target]


def finish(
    workshop: Workshop, sources: Sequence[Source], target: int, settings: Settings, way: Way,
    before: NDArray[np.float32], shifts: Mapping[str, Shift],
) -> list[Transformation]:  # fmt: skip
    """Draw the codes of a way, and ask everybody what they see; all frames of all sources at once."""
    frames = len(way.steps)
    # (N * S, ...): the frames of one source follow one another.
    codes = torch.stack(list(way.codes), 1)
    drawn = workshop.draw(codes.flatten(0, 1))
    pictures = pictures_of(drawn)
    objects, shares = workshop.shares(drawn)
    certainty = workshop.certainty(drawn)[:, :, target]
    features = {
        name: shifted(picture_features(pictures, name, model=model), shifts.get(name))
        for name, model in workshop.feature_models.items()
    }
    made = []
    for row, source in enumerate(sources):
        own = slice(row * frames, (row + 1) * frames)
        made.append(
            Transformation(
                source.name, source.label, workshop.classes[target], settings,
                tuple(model.name for model in workshop.networks),
                tuple(number < len(workshop.drivers) for number in range(len(workshop.networks))),
                np.array(way.steps, np.int64), pictures[own], codes[row, [0, -1]].half().cpu().numpy(), certainty[own],
                before[row], objects, shares[own], {name: rows[own] for name, rows in features.items()},
            )
        )  # fmt: skip
    return made


def pictures_of(images: Tensor) -> NDArray[np.uint8]:
    """(N, P, P, 3) uint8 of (N, 3, P, P) in [0, 1]."""
    whole = (images.clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy() * 255).round()
    return np.asarray(whole, np.uint8)
