"""All maps of one picture under the demo's network of marks: ours in one pass, and pytorch-grad-cam target by target.

`python benchmarks/score_maps.py PHOTOGRAPH` prints one JSON line; bounds: at least 5 times as fast for the maps of the
ten marks and all tags, and a whole reading of a new photograph (decoding, all maps under both networks, parts covered
up, both crops) within 1.5 s. Medians over rounds in which each contender has a turn. The maps agree: the largest
difference of masks is printed. The package is that of benchmarks/requirements.txt; where it is missing it is null.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: threads that wait sleep, and count no CPU time
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from grad_cam import without_torchvision

from urbanlens.aesthetics.control import cover
from urbanlens.aesthetics.crops import average_box, map_box
from urbanlens.aesthetics.readings import HIGH, read_image
from urbanlens.collection import open_image
from urbanlens.collection.votes import HIGH_LOW, MARK_NAMES
from urbanlens.demo import ASSETS
from urbanlens.explain import upsample_masks
from urbanlens.explain.gradcam import grad_cam_each
from urbanlens.models import LoadedModel, load_model

BOUND, BOUND_S = 5.0, 1.5
NAMES = ("aesthetic-marks", "aesthetic-high-low")


def ours(model: LoadedModel, pixels: torch.Tensor) -> Any:
    """Masks (T, H, W) of all outputs from one pass."""
    return upsample_masks(grad_cam_each(model.module, pixels, layer="trunk")[0][0], pixels.shape[-1]).numpy()


def theirs(model: LoadedModel, pixels: torch.Tensor) -> Any:
    """Masks (T, H, W), one Grad-CAM after the other."""
    without_torchvision()
    target = import_module("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
    with import_module("pytorch_grad_cam").GradCAM(model=model.module, target_layers=[model.module.trunk]) as cam:
        return np.concatenate([cam(input_tensor=pixels, targets=[target(k)]) for k in range(len(model.classes))])


def whole_reading(file: Path, models: list[LoadedModel]) -> None:
    """A photograph decoded, all its maps under both networks, twelve of them covered up, and both crops."""
    image = open_image(file)
    readings = [read_image(model, image) for model in models]
    marks = next(reading for reading in readings if reading.has_marks)
    cover(models[0], image, marks, (*HIGH_LOW, *MARK_NAMES))
    box = map_box(marks.map(HIGH), image.size)
    tag = next(iter(marks.tags), None)
    other = map_box(marks.map(tag), image.size) if tag else None
    if box and other:
        average_box(box, other)


def timed(work: Callable[[], Any]) -> float:
    """Seconds."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    models = [load_model(ASSETS / "models" / name) for name in NAMES]
    model = models[0]
    pixels = model.transform(open_image(arguments.photograph))[None]
    contenders: dict[str, Callable[[], Any]] = {"ours": lambda: ours(model, pixels)}
    if find_spec("pytorch_grad_cam"):
        contenders["pytorch_grad_cam"] = lambda: theirs(model, pixels)
    contenders["whole_reading"] = lambda: whole_reading(arguments.photograph, models)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(arguments.rounds + 1):
        for name, work in contenders.items():
            spent = timed(work)
            if turn:  # the first is to warm up
                times[name].append(spent)
    answer: dict[str, Any] = {
        "benchmark": "score_maps", "maps": len(model.classes), "size": model.card.size, "rounds": arguments.rounds,
        "threads": torch.get_num_threads(), "torch": torch.__version__,
        **{f"{name}_s": round(statistics.median(taken), 4) for name, taken in times.items()},
        "ours_to_pytorch_grad_cam": None, "bound": BOUND, "whole_reading_bound_s": BOUND_S,
    }  # fmt: skip
    if "pytorch_grad_cam" in times:
        ratios = [slow / fast for slow, fast in zip(times["pytorch_grad_cam"], times["ours"], strict=True)]
        answer["ours_to_pytorch_grad_cam"] = round(statistics.median(ratios), 1)
        difference = np.abs(ours(model, pixels) - theirs(model, pixels)).max((1, 2))
        answer["largest_difference_of_masks"] = round(float(difference.max()), 4)
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
