"""All that a network's maps are held against over a collection, computed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.control import (
    MOST_COVERED,
    CoveredImages,
    cover_collection,
    kept_covered,
    kept_random_network_intensity,
    random_network_intensity,
)
from urbanlens.aesthetics.random_heads import MOST, RandomHeads, kept_random_heads, random_heads
from urbanlens.explain.collection_maps import test_rows
from urbanlens.progress import Progress, part_of, silent

if TYPE_CHECKING:
    from urbanlens.aesthetics.readings import Readings
    from urbanlens.artifacts import ArtifactStore
    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard


@dataclass(frozen=True)
class Baselines:
    """What is held against the maps of a whole collection's N images.

    Attributes
    ----------
    random : (N,) intensity of the map of high under the same network with random weights
    heads : the same under random heads on its own trunk, for images that it has not learnt from
    covered : what becomes of its answers where the maps' strongest parts are covered, for some of those
    """

    random: NDArray[np.float32]
    heads: RandomHeads
    covered: CoveredImages


def baselines(
    readings: Readings, collection: ImageCollection, model: LoadedModel, *, store: ArtifactStore,
    engine: Engine | None = None, progress: Progress = silent,
) -> Baselines:  # fmt: skip
    """Compute them all, or read what is kept.

    Parameters
    ----------
    readings : the model's, of the whole collection
    progress : told as one piece of work; may raise Cancelled. A later call goes on from there
    """
    whole = collection.whole
    wanted = _judged(whole, model.card, readings)
    counts = [len(whole), *(min(int(wanted.sum()), most) for most in (MOST, MOST_COVERED))]
    starts = [0, counts[0], counts[0] + counts[1]]
    parts = [part_of(progress, start, count, sum(counts), "image")
             for start, count in zip(starts, counts, strict=True)]  # fmt: skip
    return Baselines(
        random_network_intensity(whole, model.card, store=store, engine=engine, progress=parts[0]),
        random_heads(whole, model, wanted, store=store, engine=engine, progress=parts[1]),
        cover_collection(whole, model, wanted, store=store, engine=engine, progress=parts[2]),
    )


def kept_baselines(
    readings: Readings, collection: ImageCollection, card: ModelCard, *, store: ArtifactStore
) -> Baselines | None:
    """What `baselines` gives, where all of it has been computed before; else None. Loads no torch."""
    whole = collection.whole
    wanted = _judged(whole, card, readings)
    random = kept_random_network_intensity(whole, card, store=store)
    heads = kept_random_heads(whole, card, wanted, store=store)
    covered = kept_covered(whole, card, wanted, store=store)
    return None if random is None or heads is None or covered is None else Baselines(random, heads, covered)


def _judged(whole: ImageCollection, card: ModelCard, readings: Readings) -> NDArray[np.bool_]:
    """(N,) the images that a network has not learnt from; where nobody knows of any, all that can be read."""
    fresh = test_rows(whole, card)
    return fresh if fresh.any() else readings.readable
