"""The nearest natural images of template images, by every similarity that a generator's networks allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactStore
from urbanlens.embedding.index import NearestIndex
from urbanlens.models.beside import network_at
from urbanlens.models.card import ModelCard
from urbanlens.progress import Progress, part_of, silent
from urbanlens.transformation.similarity import (
    CLASSIFIER,
    PIXELS,
    SIMILARITIES,
    Features,
    counterparts,
    kept_index,
    make_index,
)

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.transformation.record import Transformation


def similarity_network(folder: Path, card: ModelCard, name: str) -> Path | None:
    """The folder of the network that a similarity compares with: for `classifier` the generator's first judge."""
    judges = list(card.data.get("judges", {}).values())
    return network_at(judges[0], folder) if name == CLASSIFIER and judges else None


def known_similarities(card: ModelCard) -> list[str]:
    """Names of the similarities that can be asked for: without a judge, there is no classifier that took no part."""
    return [name for name in SIMILARITIES if name != CLASSIFIER or card.data.get("judges")]


@dataclass(frozen=True)
class Searcher:
    """Natural images of a collection, and what they look like.

    Attributes
    ----------
    indices : by the name of a similarity, what is looked through: an index of features, or thumbnails
    classes : (N,) the class of each image, "" where unknown
    sources : row of each image by its id
    """

    indices: dict[str, NearestIndex | Features]
    classes: NDArray[Any]
    sources: dict[str, int]

    @classmethod
    def open(
        cls, collection: ImageCollection, folder: Path, card: ModelCard, *, store: ArtifactStore | None = None,
        engine: Engine | None = None, names: Sequence[str] | None = None, progress: Progress = silent,
    ) -> Searcher:  # fmt: skip
        """Look at all images of a collection, unless that was done before.

        Parameters
        ----------
        folder, card : of the generator
        names : similarities to look by; None: all that can be asked for
        """
        whole, names = collection.whole, known_similarities(card) if names is None else names
        found = {}
        for number, name in enumerate(names):
            tell = part_of(progress, number * len(whole), len(whole), len(names) * len(whole), "image")
            model = similarity_network(folder, card, name)
            found[name] = make_index(
                whole, name, size=card.size, model=model, store=store, engine=engine, progress=tell
            )
        return cls._of(whole, card, found)

    @classmethod
    def kept(cls, collection: ImageCollection, folder: Path, card: ModelCard, store: ArtifactStore) -> Searcher:
        """What `open` found before, of as many similarities as are kept; loads no torch."""
        whole = collection.whole
        found = {
            name: kept_index(whole, name, size=card.size, model=similarity_network(folder, card, name), store=store)
            for name in known_similarities(card)
        }
        return cls._of(whole, card, {name: values for name, values in found.items() if values is not None})

    @classmethod
    def _of(cls, whole: ImageCollection, card: ModelCard, indices: dict[str, NearestIndex | Features]) -> Searcher:
        classes = np.full(len(whole), "", dtype=object)
        if card.label in whole.table:
            classes = whole.texts(card.label).astype(object)
        return cls(indices, classes, {name: row for row, name in enumerate(whole.ids)})

    @property
    def names(self) -> list[str]:
        """Similarities that can be asked."""
        return list(self.indices)

    @property
    def features(self) -> dict[str, Features]:
        """By the name of a similarity, (N, D) what each image looks like."""
        return {name: one.rows if isinstance(one, NearestIndex) else one for name, one in self.indices.items()}

    def label(self, row: int) -> str:
        """The class of an image."""
        return str(self.classes[row])

    def nearest(
        self, found: Transformation, name: str, k: int, *, frame: int = -1, rows: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Rows (k,) and similarities (k,) of the images nearest to a frame, never the source itself.

        Parameters
        ----------
        rows : (N,) which may be found; None: all
        """
        allowed = np.ones(len(self.classes), bool) if rows is None else rows.copy()
        if found.source in self.sources:
            allowed[self.sources[found.source]] = False
        query = found.frames[frame] if name == PIXELS else found.features[name][frame]
        index, similarity = counterparts(query, self.indices[name], allowed, k)
        return np.asarray(index, np.int64), np.asarray(similarity, np.float32)
