"""Grad-CAM in images a second: a plain forward pass, ours, and three packages, in turn on the same images.

`python benchmarks/grad_cam.py` prints one JSON line; bounds: ours at .95 (ResNet18) and .90 (VGG11) of a plain forward
pass and 3 times pytorch-grad-cam, raw maps within 1e-5 of captum's relative to the largest value. Medians over rounds
in which each contender has a turn; ratios are medians of the rounds' own ratios, by the clock and by CPU seconds. The
packages are those of benchmarks/requirements.txt; what is not installed is null.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: threads that wait sleep, and count no CPU time
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))
from urbanlens.explain import grad_cam, upsample_masks
from urbanlens.models import build_model

SIZE = 224
TARGET = 0
INSTALL = "pip install --no-deps -r benchmarks/requirements.txt"
BOUNDS = {"resnet18": 0.95, "vgg11": 0.90}
Run = Callable[[Tensor], Any]


@contextmanager
def forward(model: Any) -> Iterator[Run]:
    """The scores alone."""
    with torch.no_grad():
        yield model


@contextmanager
def ours(model: Any) -> Iterator[Run]:
    """Raw low-resolution maps."""
    yield lambda images: grad_cam(model, images, TARGET)


@contextmanager
def ours_as_masks(model: Any) -> Iterator[Run]:
    """Masks of the images' size, which is what pytorch-grad-cam gives."""
    yield lambda images: upsample_masks(grad_cam(model, images, TARGET), SIZE)


@contextmanager
def pytorch_grad_cam(model: Any) -> Iterator[Run]:
    """Masks of the images' size."""
    without_torchvision()
    target = import_module("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget(TARGET)
    with import_module("pytorch_grad_cam").GradCAM(model=model, target_layers=[_layer(model)]) as cam:
        yield lambda images: cam(input_tensor=images, targets=[target] * len(images))


@contextmanager
def torchcam(model: Any) -> Iterator[Run]:
    """Low-resolution maps, normalised."""
    with import_module("torchcam.methods").GradCAM(model, target_layer=_layer(model)) as cam:
        yield lambda images: cam(class_idx=TARGET, scores=model(images))


@contextmanager
def captum(model: Any) -> Iterator[Run]:
    """Raw low-resolution maps (N, 1, h, w)."""
    cam = import_module("captum.attr").LayerGradCam(model, _layer(model))
    yield lambda images: cam.attribute(images, TARGET, relu_attributions=True)


CONTENDERS: dict[str, Callable[[Any], Any]] = {
    "forward": forward,
    "ours": ours,
    "ours_as_masks": ours_as_masks,
    "pytorch_grad_cam": pytorch_grad_cam,
    "torchcam": torchcam,
    "captum": captum,
}
PEERS = ("pytorch_grad_cam", "torchcam", "captum")


def _layer(model: Any) -> nn.Module:
    module: nn.Module = dict(model.named_modules())[model.layers[-1]]
    return module


def without_torchvision() -> None:
    """pytorch-grad-cam imports torchvision, which not every build of torch can load; Grad-CAM uses none of it."""
    if "torchvision" in sys.modules:
        return
    parts = {"torchvision": (), "torchvision.transforms": ("Compose", "Normalize", "ToTensor")}
    for name, attributes in {**parts, "torchvision.transforms.functional": ("resize",)}.items():
        module: Any = ModuleType(name)
        for attribute in attributes:
            setattr(module, attribute, None)
        sys.modules[name] = module


def compete(name: str, rounds: int, batch: int) -> dict[str, Any]:
    """Figures of one architecture."""
    torch.manual_seed(0)
    model = build_model(name, 1000).eval()
    images = torch.rand(batch, 3, SIZE, SIZE)
    contenders = [each for each in CONTENDERS if each not in PEERS or find_spec(each)]
    clock: dict[str, list[float]] = {each: [] for each in contenders}
    spent: dict[str, list[float]] = {each: [] for each in contenders}
    for turn in range(rounds + 1):
        for each in contenders[turn % len(contenders) :] + contenders[: turn % len(contenders)]:
            with CONTENDERS[each](model) as run:
                run(images[: batch if turn else 1])  # its own memory and caches are ready
                started, used = time.perf_counter(), time.process_time()
                run(images)
                ended, used = time.perf_counter(), time.process_time() - used
            model.zero_grad(set_to_none=True)
            if turn:
                clock[each].append(ended - started)
                spent[each].append(used)
    answer: dict[str, Any] = {"images_per_s": dict.fromkeys(CONTENDERS), "bound": BOUNDS[name]}
    answer["images_per_s"] |= {each: round(batch / statistics.median(clock[each]), 1) for each in contenders}
    for by, times in (("clock", clock), ("cpu", spent)):
        answer[f"ours_to_forward_by_{by}"] = _ratio(times["forward"], times["ours"])
        for peer in PEERS:
            answer[f"ours_to_{peer}_by_{by}"] = _ratio(times[peer], times["ours"]) if peer in times else None
    answer["masks_to_pytorch_grad_cam_by_clock"] = (
        _ratio(clock["pytorch_grad_cam"], clock["ours_as_masks"]) if "pytorch_grad_cam" in clock else None
    )
    answer["difference_to_captum"] = _difference(model, images) if "captum" in contenders else None
    return answer


def _ratio(theirs: list[float], mine: list[float]) -> float:
    """How many times as fast mine is: the median over the rounds."""
    return round(statistics.median(their / my for their, my in zip(theirs, mine, strict=True)), 3)


def _difference(model: Any, images: Tensor) -> float:
    """The largest difference of raw maps, relative to the largest value of captum's."""
    mine = grad_cam(model, images, TARGET)
    with captum(model) as run:
        theirs = run(images)[:, 0].detach()
    return float((mine - theirs).abs().max() / theirs.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    missing = [peer for peer in PEERS if not find_spec(peer)]
    answer = {
        "benchmark": "grad_cam",
        "size": SIZE,
        "batch": arguments.batch,
        "rounds": arguments.rounds,
        "threads": arguments.threads,
        "torch": torch.__version__,
        "missing": dict.fromkeys(missing, INSTALL),
        **{name: compete(name, arguments.rounds, arguments.batch) for name in BOUNDS},
    }
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
