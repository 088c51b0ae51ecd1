"""Ways to learn, by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from urbanlens.errors import ModelError


@dataclass(frozen=True)
class Recipe:
    """How a classifier learns.

    Attributes
    ----------
    learning_rate, weight_decay, warm_up, schedule : as in FitSettings
    smoothing : how much of each label is spread over all classes
    augmented : whether shift, zoom, colour, blur and noise change the training images
    attack : how far each training image is moved against the network, as a share of the length of a grey image of its
        size; 0: not at all
    """

    learning_rate: float
    weight_decay: float
    warm_up: float
    schedule: Literal["cosine", "step"]
    smoothing: float
    augmented: bool
    attack: float = 0.0


RECIPES = {
    "quick": Recipe(1e-3, 0.02, 0.05, "cosine", 0.05, augmented=True),
    "paper": Recipe(1e-4, 0.0, 0.0, "step", 0.0, augmented=False),
    "robust": Recipe(1e-3, 0.02, 0.1, "cosine", 0.0, augmented=True, attack=0.012),
}
"""`paper`: Adam, 1e-4 times 0.1 every 10 epochs, as in "Deep Visual City Recognition Visualization" (2018).
`quick` reaches the same in fewer epochs and does not take blur for a class.
`robust` learns from images that one step of gradient ascent has made harder (Madry et al. 2018), so that its features
cannot be met by patterns that nobody sees: what a generator is held against."""


def recipe_of(name: str, learning_rate: float | None = None, augmented: bool | None = None) -> Recipe:
    """The recipe `name`, with what is given instead of its own; ModelError for an unknown one."""
    if name not in RECIPES:
        raise ModelError(f"no recipe is named {name!r}: there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if learning_rate is not None:
        recipe = replace(recipe, learning_rate=learning_rate)
    return recipe if augmented is None else replace(recipe, augmented=augmented)
