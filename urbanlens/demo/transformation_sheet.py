"""A sheet of unselected transformations: source, some steps, template image, and the real images it leads to."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo.generators import LABEL, WAYS, tested_sources
from urbanlens.errors import ArtifactError
from urbanlens.models.card import ModelCard
from urbanlens.models.transform import square_pixels
from urbanlens.transformation.counterparts import Searcher
from urbanlens.transformation.record import finished

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

EACH_WAY, STEPS, NEAREST = 6, 5, 3
SIDE = 96
GAP = 4
FILES = dict(
    zip(WAYS, ("transformations.webp", "transformations-ascent.webp", "transformations-inverted.webp"), strict=True)
)
"""The sheet of each way of maximising, in docs/."""


def contact_sheet(collection: ImageCollection, way: str) -> bytes:
    """A WebP of twelve shipped transformations by one of `WAYS`, six each way, evenly over the test images, not chosen.

    A row each: the source, five steps, the template image, and the three nearest real images by the first similarity,
    from anywhere in the collection.
    """
    name, method = WAYS[way]
    folder = collection.root / "models" / name
    card, store = ModelCard.read(folder), ArtifactStore(collection.root / "artifacts")
    kept = finished(store, collection.fingerprint, card.weights_digest)
    known = {(one.source, one.target): one for one in kept if one.settings.method == method}
    searcher = Searcher.kept(collection, folder, card, store)
    rows = []
    for start, target in (card.classes[:2], card.classes[1::-1]):
        sources = [source for source in tested_sources(collection, start, len(collection)) if (source, target) in known]
        for source in sources[:: max(1, len(sources) // EACH_WAY)][:EACH_WAY]:
            found = known[source, target].read()
            frames = np.linspace(0, len(found.frames) - 2, STEPS).round().astype(int)
            near, _ = searcher.nearest(found, searcher.names[0], NEAREST)
            pictures = [collection.image(source), *(Image.fromarray(found.frames[frame]) for frame in frames)]
            pictures += [Image.fromarray(found.template), *(collection.image(collection.ids[row]) for row in near)]
            rows.append([square_pixels(picture, SIDE).transpose(1, 2, 0) for picture in pictures])
    if not rows:
        raise ArtifactError(
            f"no transformations of the column {LABEL} are kept: run `python -m urbanlens transform {collection.root} "
            f"--generator {name} --method {method}` first"
        )
    sheet = np.full((len(rows) * (SIDE + GAP), len(rows[0]) * (SIDE + GAP), 3), 255, np.uint8)
    for down, row in enumerate(rows):
        for right, pixels in enumerate(row):
            top, left = down * (SIDE + GAP), right * (SIDE + GAP)
            sheet[top : top + SIDE, left : left + SIDE] = pixels
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "WEBP", quality=85, method=5)
    return buffer.getvalue()
