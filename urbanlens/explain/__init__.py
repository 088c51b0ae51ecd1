"""Where in an image a network finds its answer: Grad-CAM masks and what follows from them.

What needs torch is imported when it is first asked for: pages that show kept results load none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from urbanlens.explain.collection_maps import CollectionMaps, explain_collection, kept_maps, test_rows
from urbanlens.explain.collection_objects import count_collection, kept_counts
from urbanlens.explain.explainers import EXPLAINERS, ExplainerSpec
from urbanlens.explain.masks import crop_box, upsample_masks, visual_explanation
from urbanlens.explain.objects import ObjectCounts, count_objects, object_ratio, ratio_difference, ratio_table
from urbanlens.explain.residual import Residuals, average_residual, residuals
from urbanlens.explain.trust import mean_interval, pointing

if TYPE_CHECKING:
    from urbanlens.explain.explanations import Explanations, explain_images
    from urbanlens.explain.gradcam import grad_cam, grad_cam_and_scores, hires_cam_and_scores

__all__ = [
    "EXPLAINERS",
    "CollectionMaps",
    "ExplainerSpec",
    "Explanations",
    "ObjectCounts",
    "Residuals",
    "average_residual",
    "count_collection",
    "count_objects",
    "crop_box",
    "explain_collection",
    "explain_images",
    "grad_cam",
    "grad_cam_and_scores",
    "hires_cam_and_scores",
    "kept_counts",
    "kept_maps",
    "mean_interval",
    "object_ratio",
    "pointing",
    "ratio_difference",
    "ratio_table",
    "residuals",
    "test_rows",
    "upsample_masks",
    "visual_explanation",
]

_HOMES = {
    "Explanations": "explanations",
    "explain_images": "explanations",
    "grad_cam": "gradcam",
    "grad_cam_and_scores": "gradcam",
    "hires_cam_and_scores": "gradcam",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"urbanlens.explain.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
