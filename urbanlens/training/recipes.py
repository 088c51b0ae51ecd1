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
    """

    learning_rate: float
    weight_decay: float
    warm_up: float
    schedule: Literal["cosine", "step"]
    smoothing: float
    augmented: bool


RECIPES = {
    "quick": Recipe(1e-3, 0.02, 0.05, "cosine", 0.05, augmented=True),
    "paper": Recipe(1e-4, 0.0, 0.0, "step", 0.0, augmented=False),
}
"""`paper`: Adam, 1e-4 times 0.1 every 10 epochs, as in "Deep Visual City Recognition Visualization" (2018).
`quick` reaches the same in fewer epochs and does not take blur for a class."""


def recipe_of(name: str, learning_rate: float | None = None, augmented: bool | None = None) -> Recipe:
    """The recipe `name`, with what is given instead of its own; ModelError for an unknown one."""
    if name not in RECIPES:
        raise ModelError(f"no recipe is named {name!r}: there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if learning_rate is not None:
        recipe = replace(recipe, learning_rate=learning_rate)
    return recipe if augmented is None else replace(recipe, augmented=augmented)
