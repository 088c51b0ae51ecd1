"""Which images SIAM learns from, what is known of them, and how it is to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.collection import ImageCollection
from urbanlens.errors import CollectionError, ModelError
from urbanlens.siam.annotations import TWO_OF_THREE, attribute_names, attribute_values, score_values
from urbanlens.training.notes import stages
from urbanlens.training.rows import Rows, trainable
from urbanlens.training.sharing import by_split, enough, joined, rows_of, shared_out

TEMPLATES = "templates"
PHASES = ("attributes", TEMPLATES, "joint")
"""Known phases: f on the attributes; the templates on frozen maps; f and g together. The paper's way is attributes,
joint; its variant "no finetuning" ends after templates."""


@dataclass(frozen=True)
class Scheme:
    """How SIAM, or its baseline, learns.

    Attributes
    ----------
    phases : in their order, of `PHASES`, the templates perhaps again once the maps have changed; a phase that is left
        out must be in the model that is started from
    sizes, epochs : side in px and passes of each stage of the phase `attributes`, or of the baseline
    joint_epochs : passes of the phase `joint`, at the last size; the baseline goes on for as many
    batch, learning_rate, joint_learning_rate, weight_decay, augmented : as they say
    positive : an attribute is there where its value is above; of three workers' votes, 0.5 asks for two
    soft : learn the values themselves instead, as shares of those who saw it; `positive` is then for judging alone
    """

    phases: tuple[str, ...] = PHASES
    sizes: tuple[int, ...] = (128, 240)
    epochs: tuple[int, ...] = (2, 2)
    joint_epochs: int = 2
    batch: int = 32
    learning_rate: float = 1e-3
    joint_learning_rate: float = 3e-4
    weight_decay: float = 0.02
    augmented: bool = True
    positive: float = TWO_OF_THREE
    soft: bool = False

    def check(self) -> None:
        """ModelError where it makes no sense."""
        stages(self.sizes, self.epochs, self.batch)
        learnt = [phase for phase in self.phases if phase != TEMPLATES]
        if not self.phases or not set(self.phases) <= set(PHASES) or len(set(learnt)) < len(learnt):
            raise ModelError(
                f"the phases {', '.join(self.phases) or 'none'} make no sense: choose of {', '.join(PHASES)}; only "
                f"{TEMPLATES} may come again"
            )
        if not 0 <= self.positive < 1:
            raise ModelError(f"attributes above {self.positive} cannot be: give a share from 0 to below 1")
        if self.joint_epochs < 1:
            raise ModelError(f"{self.joint_epochs} joint epochs: give 1 or more, or leave the phase out")


USUAL = Scheme()


@dataclass(frozen=True)
class Learnt:
    """What there is to learn: the names, and images of each split with what is known of them.

    Attributes
    ----------
    names : of the A attributes; () for a baseline
    attributes : labels (N, A); absent without attributes
    scores : labels (N,)
    notes : which attributes cannot be learnt here, and how the images were shared out
    """

    names: tuple[str, ...]
    attributes: dict[str, Rows] = field(default_factory=dict)
    scores: dict[str, Rows] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


def what_to_learn(
    collection: ImageCollection, score: str, scored: ImageCollection | None, attributes: Sequence[str] | None,
    scheme: Scheme, extra: ImageCollection | None, group: str | None, seed: int,
) -> Learnt:  # fmt: skip
    """The images that take part, by split; see `train_siam`."""
    names = list(dict.fromkeys(attribute_names(collection) if attributes is None else attributes))
    values = attribute_values(collection, names)
    known = np.asarray(np.isfinite(values).any(axis=1))
    splits, split_by, test = shared_out(collection, group, seed)
    train = to_learn(values[known & (splits == "train")], scheme)
    constant = [name for i, name in enumerate(names) if _is_constant(train[:, i])]
    kept = [i for i, name in enumerate(names) if name not in constant]
    if not kept:
        raise CollectionError(
            f"none of the attributes {', '.join(names) or '(none)'} can be learnt from {collection.name}: in its "
            f"training images each is always or never above {scheme.positive:g}: change that bound, or add images"
        )
    names = [names[i] for i in kept]
    rows = by_split(collection, to_learn(values[:, kept], scheme), known, splits)
    if extra is not None:
        more = attribute_values(extra, names)
        added = np.asarray(np.isfinite(more).any(axis=1)) & trainable(extra)
        rows["train"] = joined(rows["train"], rows_of(extra, to_learn(more, scheme), added))
    enough(rows, collection, "attributes")
    owner = scored if scored is not None else collection
    scores, told = scored_rows(owner, score, extra if scored is None else None, group, seed)
    notes: dict[str, Any] = {
        "images": {split: len(part) for split, part in rows.items()}, "split_by": split_by,
        "scored_images": told["images"], "scores_split_by": told["split_by"],
        "left_out": dict.fromkeys(constant, "in all or none of the training images"),
    }  # fmt: skip
    drawn = ({collection.fingerprint: test} if test else {}) | told.get("test", {})
    return Learnt(tuple(names), rows, scores, notes | ({"test": drawn} if drawn else {}))


def to_learn(values: NDArray[np.float32], scheme: Scheme) -> NDArray[np.float32]:
    """Shares as the scheme has them learnt: as they are, or as 0 and 1."""
    return values if scheme.soft else hard(values, scheme)


def hard(values: NDArray[np.float32], scheme: Scheme) -> NDArray[np.float32]:
    """Shares to 1 where above the bound, 0 where not, NaN where unknown."""
    return np.where(np.isfinite(values), values > scheme.positive, np.nan).astype(np.float32)


def _is_constant(values: NDArray[np.float32]) -> bool:
    known = values[np.isfinite(values)]
    return not len(known) or bool((known == known[0]).all())


def scored_rows(
    collection: ImageCollection, score: str, extra: ImageCollection | None, group: str | None, seed: int
) -> tuple[dict[str, Rows], dict[str, Any]]:
    """The images with a score, by split, and what a card says of them; arguments as of `train_siam`."""
    values = score_values(collection, score)
    known = np.isfinite(values)
    splits, split_by, test = shared_out(collection, group, seed)
    rows = by_split(collection, values, known, splits)
    if extra is not None:
        more = score_values(extra, score)
        rows["train"] = joined(rows["train"], rows_of(extra, more, np.isfinite(more) & trainable(extra)))
    enough(rows, collection, f"the score {score}")
    if float(rows["train"].labels.std()) < 1e-9:
        raise CollectionError(
            f"the score {score} of {collection.name} is {float(rows['train'].labels[0]):g} in all training images: "
            "there is nothing to explain; choose another column"
        )
    told = {"images": {split: len(part) for split, part in rows.items()}, "split_by": split_by}
    return rows, told | ({"test": {collection.fingerprint: test}} if test else {})
