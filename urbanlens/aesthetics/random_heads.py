"""How strongly maps go with beauty when nothing was learnt: random heads on the network's own trunk.

A trunk with ImageNet weights lights up more in some pictures than in others, and beauty may go with that. So a map's
intensity can follow the marks although the head, the only part that learns, knows nothing of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.map_test import intensity
from urbanlens.aesthetics.metrics import pearson
from urbanlens.aesthetics.readings import check_card, device_of, tells_marks
from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks, kept_arrays
from urbanlens.collection.votes import is_extreme
from urbanlens.progress import Progress, silent
from urbanlens.siam.metrics import FEWEST

if TYPE_CHECKING:
    from torch import Tensor, nn

    from urbanlens.collection import ImageCollection
    from urbanlens.engine import Engine
    from urbanlens.models import LoadedModel, ModelCard

KIND = "aesthetics-random-heads"
DRAWS = 40
FIRST_SEED = 1_000_003
"""Of the heads: far from those that training uses, whose head would be the trained one's own beginning."""

MOST = 1000
"""Images that are asked of; of more, chance draws so many."""

TOGETHER = 32


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

    def correlations(
        self, marks: NDArray[Any], *, extremes: bool = False, among: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64]:
        """Pearson's r (B,) of each head's intensities and the mean marks (N,) of the whole collection's images.

        NaN of fewer than ten images.

        Parameters
        ----------
        extremes : of the images with an extreme mean mark alone
        among : (N,) the images that count; None: all
        """
        given = marks[self.rows]
        known = np.isfinite(given) & np.isfinite(self.intensity).all(1)
        if extremes:
            known &= is_extreme(given)
        if among is not None:
            known &= among[self.rows]
        if known.sum() < FEWEST:
            return np.full(self.intensity.shape[1], np.nan)
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
    from urbanlens.models.aesthetics import Aesthete

    check_card(model.card)
    whole, rows, module = collection.whole, drawn_rows(wanted, MOST), model.module.to(device_of(model, engine))
    assert isinstance(module, Aesthete)

    @cache
    def cells() -> tuple[Tensor, NDArray[np.bool_]]:
        return _cells(whole, model, rows)

    def compute(part: range) -> Arrays:
        seen, readable = cells()
        found = np.full((len(part), len(rows)), np.nan, np.float32)
        for number, draw in enumerate(part):
            head = module.fresh_head(FIRST_SEED + draw).to(seen.device).eval()
            found[number, readable] = _intensities(module, head, seen, tells_marks(model.card))
        return {"intensity": found}

    key = _key(whole, model.card, rows)
    arrays = in_chunks(store, key, DRAWS, compute, chunk=8, progress=progress, what="random head")
    return RandomHeads(rows, arrays["intensity"].T)


def kept_random_heads(
    collection: ImageCollection, card: ModelCard, wanted: NDArray[np.bool_], *, store: ArtifactStore
) -> RandomHeads | None:
    """What `random_heads` gives, where it has been computed before; else None. Loads no torch."""
    rows = drawn_rows(wanted, MOST)
    arrays = kept_arrays(store, _key(collection.whole, card, rows))
    return None if arrays is None else RandomHeads(rows, arrays["intensity"].T)


def _cells(
    whole: ImageCollection, model: LoadedModel, rows: NDArray[np.int64]
) -> tuple[Tensor, NDArray[np.bool_]]:  # fmt: skip
    """What the trunk makes of the readable images (R, C, h, w) float16, and which of the M images these are."""
    import torch

    module: Any = model.module
    device = next(module.parameters()).device
    found, readable = [], np.zeros(len(rows), bool)
    with torch.inference_mode(False), torch.no_grad():
        for number, pixels in enumerate(whole.pictures([whole.ids[row] for row in rows], model.transform)):
            if pixels is not None:
                readable[number] = True
                picture = pixels[None].to(device).contiguous(memory_format=torch.channels_last)
                found.append(module.trunk(picture).half().contiguous())
    return torch.cat(found) if found else torch.zeros(0, 1, 1, 1, device=device), readable


def _intensities(module: nn.Module, head: nn.Module, cells: Tensor, marks: bool) -> NDArray[np.float32]:
    """The intensity (R,) of each picture's map of high under a head."""
    import torch

    from urbanlens.explain.gradcam import weighted_maps
    from urbanlens.models.aesthetics import Aesthete, mean_mark

    assert isinstance(module, Aesthete)
    parts = [np.zeros(0, np.float32)]
    with torch.inference_mode(False):
        for few in torch.split(cells, TOGETHER):
            one = few.float().requires_grad_(True)
            scores = head(module.vectors(one))
            value = mean_mark(scores) if marks else scores[:, 1]
            (gradient,) = torch.autograd.grad(value.sum(), one)
            parts.append(intensity(weighted_maps(one.detach(), gradient).cpu().numpy()))
    return np.concatenate(parts)


def drawn_rows(wanted: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Numbers of the wanted images (N,); of more than `most`, those that chance drew."""
    rows = np.flatnonzero(wanted)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    return np.asarray(rows, np.int64)


def _key(whole: ImageCollection, card: ModelCard, rows: NDArray[np.int64]) -> ArtifactKey:
    digest = hashlib.sha256(rows.tobytes()).hexdigest()[:20]
    parameters = {"size": card.size, "classes": len(card.classes), "options": dict(card.options), "rows": digest,
                  "draws": DRAWS, "seed": FIRST_SEED}  # fmt: skip
    return ArtifactKey(KIND, whole.fingerprint, card.weights_digest, parameters)
