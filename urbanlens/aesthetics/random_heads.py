"""How strongly maps go with beauty when nothing was learnt: random heads on the network's own trunk.

A trunk with ImageNet weights reacts to busy pictures more than to empty ones, and beauty may go with that. So a map's
intensity can follow the marks although the head, the only part that learns, knows nothing of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.map_test import intensity
from urbanlens.aesthetics.metrics import pearson
from urbanlens.aesthetics.readings import CHUNK, TASK, check_card, tells_marks, untrained
from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.collection.votes import is_extreme
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

KIND = "aesthetics-random-heads"
DRAWS = 40
MOST = 1000
"""Images that are asked of; of more, chance draws so many."""


@dataclass(frozen=True)
class RandomHeads:
    """The intensity of the map of high under B random heads.

    Attributes
    ----------
    rows : (M,) numbers of the images in the whole collection
    intensity : (M, B); NaN where an image cannot be read
    """

    rows: NDArray[np.int64]
    intensity: NDArray[np.float32]

    def correlations(self, marks: NDArray[Any], *, extremes: bool = False) -> NDArray[np.float64]:
        """Pearson's r (B,) of each head's intensities and the mean marks (N,) of the whole collection's images.

        Parameters
        ----------
        extremes : of the images with an extreme mean mark alone
        """
        given = marks[self.rows]
        known = np.isfinite(given) & np.isfinite(self.intensity).all(1)
        if extremes:
            known &= is_extreme(given)
        return np.array([pearson(values, given[known]) for values in self.intensity[known].T])


def random_heads(
    collection: ImageCollection, model: LoadedModel, wanted: NDArray[np.bool_], *, store: ArtifactStore,
    engine: Engine | None = None, progress: Progress = silent,
) -> RandomHeads:  # fmt: skip
    """Intensities under 40 heads as chance makes them before training, on the model's own trunk; kept in `store`.

    Parameters
    ----------
    wanted : (N,) the images of the whole collection that may be asked of
    progress : may raise Cancelled. A later call goes on from there
    """
    from urbanlens.models import build_model

    check_card(model.card)
    whole, rows, card = collection.whole, drawn_rows(wanted, MOST), model.card
    options = untrained(card)
    device = engine.device if engine is not None else next(model.module.parameters()).device
    heads = [
        build_model(card.architecture, len(card.classes), task=TASK, seed=seed, **options).get_submodule("head")
        for seed in range(DRAWS)
    ]
    heads = [head.to(device).eval() for head in heads]

    def compute(part: range) -> Arrays:
        ids = [whole.ids[row] for row in rows[part.start : part.stop]]
        found = np.full((len(ids), DRAWS), np.nan, np.float32)
        for number, pixels in enumerate(whole.pictures(ids, model.transform)):
            if pixels is not None:
                found[number] = intensity(_maps(model.module.to(device), heads, card, pixels[None].to(device)))
        return {"intensity": found}

    key = _key(whole, card, rows)
    arrays = in_chunks(store, key, len(rows), compute, chunk=CHUNK, progress=progress, what="random heads, image")
    return RandomHeads(rows, arrays["intensity"])


def kept_random_heads(
    collection: ImageCollection, card: ModelCard, wanted: NDArray[np.bool_], *, store: ArtifactStore
) -> RandomHeads | None:
    """What `random_heads` gives, where it has been computed before; else None. Loads no torch."""
    rows = drawn_rows(wanted, MOST)
    arrays = kept_arrays(store, _key(collection.whole, card, rows))
    return None if arrays is None else RandomHeads(rows, arrays["intensity"])


def _maps(module: nn.Module, heads: list[nn.Module], card: ModelCard, pixels: Tensor) -> NDArray[np.float32]:
    """(B, h, w) Grad-CAM maps of high under each head, from one pass of the picture (1, 3, H, W) through the trunk."""
    import torch
    from torch.nn import functional

    from urbanlens.models.aesthetics import Aesthete, mean_mark

    assert isinstance(module, Aesthete)
    with torch.inference_mode(False):
        with torch.no_grad():
            cells = module.trunk(pixels.contiguous(memory_format=torch.channels_last))
        cells.requires_grad_(True)
        vectors = module.vectors(cells)
        found = []
        for head in heads:
            scores = head(vectors)
            value = mean_mark(scores) if tells_marks(card) else scores[:, 1]
            (gradient,) = torch.autograd.grad(value.sum(), cells, retain_graph=True)
            found.append(functional.relu(torch.einsum("chw,c->hw", cells[0].detach(), gradient[0].mean((1, 2)))))
    return np.asarray(torch.stack(found).cpu().numpy())


def drawn_rows(wanted: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Numbers of the wanted images (N,); of more than `most`, those that chance drew."""
    rows = np.flatnonzero(wanted)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return np.asarray(rows, np.int64)


def _key(whole: ImageCollection, card: ModelCard, rows: NDArray[np.int64]) -> ArtifactKey:
    digest = hashlib.sha256(rows.tobytes()).hexdigest()[:20]
    parameters = {"size": card.size, "classes": len(card.classes), "options": dict(card.options), "rows": digest,
                  "draws": DRAWS}  # fmt: skip
    return ArtifactKey(KIND, whole.fingerprint, card.weights_digest, parameters)
