"""What SIAM and its baseline say of pictures: of one with all its maps, of a collection in numbers that are kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, keep_arrays, kept_arrays
from urbanlens.errors import ModelError
from urbanlens.models.card import SCORING
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

KIND, TEMPLATES = "siam", "siam-templates"
CHUNK = 64

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """One picture: score = bias + sum of contributions, and each contribution is the sum of its template times its map.

    Attributes
    ----------
    names : of the A attributes; () for the baseline
    maps : (A, c, c), where each attribute is; the baseline's (0, c, c)
    templates : (A, c, c), how it counts there
    strength : (A,) root mean square of each attribute's maps over many images
    attributes : (A,) in [0, 1], how surely it is there
    contributions : (A,), what it adds
    total : (c, c), what each cell adds; their sum and the bias are the score
    bias, score : as they say
    margin : the part of the picture that the cells leave out at each side, in [0, 0.5)
    """

    names: tuple[str, ...]
    maps: Array
    templates: Array
    strength: Array
    attributes: Array
    contributions: Array
    total: Array
    bias: float
    score: float
    margin: float = 0.0


@dataclass(frozen=True)
class Readings:
    """The N images of a collection; contributions + bias = score in every row.

    Attributes
    ----------
    names : of the A attributes; () for the baseline
    attributes, contributions : (N, A) float32
    score : (N,) float32
    readable : (N,) whether the image could be decoded; where not, everything else is NaN
    bias : what the score begins with
    """

    names: tuple[str, ...]
    attributes: Array
    contributions: Array
    score: Array
    readable: NDArray[np.bool_]
    bias: float

    def of(self, rows: NDArray[Any]) -> Readings:
        """The same for some images, by number or by mask."""
        parts = {name: getattr(self, name)[rows] for name in ("attributes", "contributions", "score", "readable")}
        return replace(self, **parts)


@dataclass(frozen=True)
class TemplateSet:
    """How SIAM weighs its maps.

    Attributes
    ----------
    names : of the A attributes
    templates : T (A, c, c), in units of the score for a map of 1
    strength : (A,) root mean square of each attribute's maps
    bias : b
    """

    names: tuple[str, ...]
    templates: Array
    strength: Array
    bias: float

    @property
    def typical(self) -> Array:
        """(A, c, c) what each cell adds where the map is as strong as it typically is, in units of the score."""
        return np.asarray(self.templates * self.strength[:, None, None], np.float32)


def read_image(model: LoadedModel, image: Image, *, engine: Engine | None = None) -> Reading:
    """One picture of any size, in full.

    Raises
    ------
    ModelError
        Where the network answers something else.
    """
    import torch

    _check(model.card)
    module: Any = model.module
    bias = float(module.bias.detach())
    device = engine.device if engine is not None else torch.device("cpu")
    pixels = model.transform(image)[None].to(device)
    with torch.inference_mode():
        found = module.to(device)(pixels)
        if model.card.task == "score":
            share = (found.maps[0] / found.maps[0].numel()).cpu().numpy()
            side, none = share.shape[-1], np.zeros(0, np.float32)
            empty = np.zeros((0, side, side), np.float32)
            return Reading((), empty, empty, none, none, none, share, bias, float(found.score[0]))
        maps, templates = module.cropped(found.maps)[0].cpu().numpy(), module.templates.cpu().numpy()
        margin = (module.map_size - module.crop) // 2 / module.map_size
        return Reading(
            model.classes, maps, templates, module.strength.cpu().numpy(), found.attributes[0].cpu().numpy(),
            found.contributions[0].cpu().numpy(), (maps * templates).sum(0), bias, float(found.score[0]), margin,
        )  # fmt: skip


def read_collection(
    collection: ImageCollection, model: LoadedModel, *, store: ArtifactStore, engine: Engine | None = None,
    progress: Progress = silent,
) -> Readings:  # fmt: skip
    """All images of a collection (of a view, of the whole; the view gets its rows), kept in `store`.

    Parameters
    ----------
    progress : told after each chunk of 64 images; may raise Cancelled. A later call goes on from there

    Raises
    ------
    ModelError
        Where the network answers something else.
    """
    _check(model.card)
    whole = collection.whole
    keep_templates(model, store=store)

    def compute(rows: range) -> Arrays:
        return _chunk(whole, model, rows, engine)

    key = readings_key(whole, model.card)
    arrays = in_chunks(store, key, len(whole), compute, chunk=CHUNK, progress=progress, what="reading image")
    return _readings(model.card, arrays).of(collection.positions)


def kept_readings(collection: ImageCollection, card: ModelCard, *, store: ArtifactStore) -> Readings | None:
    """What `read_collection` gives, where it has been computed before; else None. Loads no torch."""
    arrays = kept_arrays(store, readings_key(collection.whole, card))
    return None if arrays is None else _readings(card, arrays).of(collection.positions)


def readings_key(whole: ImageCollection, card: ModelCard) -> ArtifactKey:
    """The key of kept readings."""
    return ArtifactKey(KIND, whole.fingerprint, card.weights_digest, {"size": card.size, "names": list(card.classes)})


def templates_of(model: LoadedModel) -> TemplateSet:
    """The templates of a network; a baseline has none."""
    module: Any = model.module
    if model.card.task != "attributes":
        return TemplateSet((), np.zeros((0, 1, 1), np.float32), np.zeros(0, np.float32), float(module.bias.detach()))
    templates, strength = module.templates.detach().cpu().numpy(), module.strength.cpu().numpy()
    return TemplateSet(model.classes, templates, strength, float(module.bias.detach()))


def keep_templates(model: LoadedModel, *, store: ArtifactStore) -> None:
    """Keep the templates where pages find them without torch."""
    key = _templates_key(model.card)
    if store.find(key) is None:
        found = templates_of(model)
        bias = np.array([found.bias], np.float32)
        keep_arrays(store, key, {"templates": found.templates, "strength": found.strength, "bias": bias})


def kept_templates(card: ModelCard, *, store: ArtifactStore) -> TemplateSet | None:
    """What `keep_templates` kept; else None. Loads no torch."""
    arrays = kept_arrays(store, _templates_key(card))
    names = card.classes if card.task == "attributes" else ()
    if arrays is None:
        return None
    return TemplateSet(names, arrays["templates"], arrays["strength"], float(arrays["bias"][0]))


def _templates_key(card: ModelCard) -> ArtifactKey:
    return ArtifactKey(TEMPLATES, "", card.weights_digest, {"names": list(card.classes)})


def _check(card: ModelCard) -> None:
    if card.task not in SCORING:
        raise ModelError(
            f"{card.name} answers {card.task}, not a score: give a network of `train siam` or `train score`"
        )


def _readings(card: ModelCard, arrays: Arrays) -> Readings:
    names = card.classes if card.task == "attributes" else ()
    bias = float(arrays["bias"][0]) if len(arrays["bias"]) else 0.0
    return Readings(
        names, arrays["attributes"], arrays["contributions"], arrays["score"], arrays["readable"], bias
    )  # fmt: skip


def _chunk(whole: ImageCollection, model: LoadedModel, rows: range, engine: Engine | None) -> Arrays:
    """Numbers of some images; NaN where a file cannot be read."""
    import torch

    from urbanlens.engine import Engine as Engines

    batch = torch.zeros(len(rows), 3, model.card.size, model.card.size)
    readable = np.zeros(len(rows), bool)
    for i, pixels in enumerate(whole.pictures(whole.ids[rows.start : rows.stop], model.transform)):
        if pixels is not None:
            batch[i], readable[i] = pixels, True
    device = next(model.module.parameters()).device

    def answer(part: Any) -> Any:
        with torch.inference_mode():
            found: Any = model.module(part.to(device))
            if model.card.task == "score":
                none = found.score.new_zeros(len(part), 0)
                return none.cpu(), none.cpu(), found.score.cpu()
            return found.attributes.cpu(), found.contributions.cpu(), found.score.cpu()

    attributes, contributions, score = (engine or Engines("cpu")).map(answer, batch)
    bias = np.full(len(readable), float(model.module.bias.detach()), np.float32)  # type: ignore[operator]
    return {
        "attributes": np.where(readable[:, None], attributes.numpy(), np.nan).astype(np.float32),
        "contributions": np.where(readable[:, None], contributions.numpy(), np.nan).astype(np.float32),
        "score": np.where(readable, score.numpy(), np.nan).astype(np.float32),
        "readable": readable,
        "bias": bias,
    }
