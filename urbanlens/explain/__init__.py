"""Where in an image a network finds its answer: Grad-CAM masks and what follows from them."""

from urbanlens.explain.explanations import Explanations, explain_images
from urbanlens.explain.grad_cam import grad_cam, grad_cam_and_scores
from urbanlens.explain.masks import crop_box, upsample_masks, visual_explanation

__all__ = [
    "Explanations",
    "crop_box",
    "explain_images",
    "grad_cam",
    "grad_cam_and_scores",
    "upsample_masks",
    "visual_explanation",
]
