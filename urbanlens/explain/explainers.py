"""The ways to ask a network where it looked, by name; nothing here loads torch before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from urbanlens.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ExplainerSpec:
    """A way to make masks.

    Attributes
    ----------
    name : its name in `EXPLAINERS`
    title : what it is called on a page
    home : module and function: (model, images (N, 3, H, W), target, layer) -> maps (N, h, w) >= 0, scores (N, K)
    paper : where it is described
    told : what it does, in a sentence
    """

    name: str
    title: str
    home: tuple[str, str]
    paper: str
    told: str

    def __call__(self, model: Any, images: Tensor, target: Any = None, layer: Any = None) -> tuple[Tensor, Tensor]:
        """Raw maps (N, h, w) float32, >= 0, and the scores (N, K) of the same pass."""
        module, function = self.home
        found: tuple[Tensor, Tensor] = getattr(import_module(module), function)(model, images, target, layer)
        return found


EXPLAINERS: Registry[ExplainerSpec] = Registry("explainer")
GRAD_CAM = "grad_cam"

EXPLAINERS.add(
    GRAD_CAM,
    ExplainerSpec(
        GRAD_CAM,
        "Grad-CAM",
        ("urbanlens.explain.gradcam", "grad_cam_and_scores"),
        "Selvaraju et al., Grad-CAM, 2017",
        "As in the papers: each feature counts by its average effect over the whole picture.",
    ),
)
EXPLAINERS.add(
    "hires_cam",
    ExplainerSpec(
        "hires_cam",
        "HiResCAM",
        ("urbanlens.explain.gradcam", "hires_cam_and_scores"),
        "Draelos & Carin, Use HiResCAM instead of Grad-CAM, 2020",
        "Each feature counts by its effect at that very place: nothing is lost by averaging.",
    ),
)
