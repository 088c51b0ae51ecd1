"""How the images of a collection look to the packaged network, for the pages that compare them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from urbanlens.ui import caches, work

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from urbanlens.collection import ImageCollection


def features_of(images: ImageCollection) -> NDArray[np.float32] | None:
    """Features of a collection or view, (N, D); while they are first computed, a bar with the time left, and None."""
    key = f"embed-{images.whole.fingerprint}"
    kept = caches.kept_features(images)
    if kept is not None:
        work.forget(key)
        return kept
    from urbanlens.collection.library import store_for
    from urbanlens.embedding import embed

    whole, engine = images.whole, caches.engine()
    made: NDArray[np.float32] | None = work.wait(
        key,
        "Learning how the images look",
        lambda progress: embed(whole, engine=engine, store=store_for(whole), progress=progress),
    )
    return None if made is None else made[images.positions]
