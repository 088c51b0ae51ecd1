"""A new transformation of a demo image, and its loop against the same one that leaves parameters requiring gradients.

Prints one JSON line: seconds of a whole transformation of 50 steps (bound 8), of its loop alone, of the naive loop, and
how much faster ours is (bound 1.4). The naive loop calls `backward`, as most do, so that every weight gets a gradient.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from urbanlens.artifacts import ArtifactStore
from urbanlens.demo import open_demo
from urbanlens.demo.generators import OWN, tested_sources
from urbanlens.transformation import maximize
from urbanlens.transformation.making import Source, Workshop, begin, make
from urbanlens.transformation.record import Settings

REPEATS = 3
STEPS = 50


@contextmanager
def leaving_gradients(workshop: Workshop) -> Iterator[None]:
    """Parameters require gradients, and `backward` fills all of them."""
    modules = [workshop.generator.module, *(model.module for model in workshop.drivers)]
    quiet, grad = torch.nn.Module.requires_grad_, torch.autograd.grad

    def backward(outputs: Tensor, inputs: Tensor, **_: Any) -> Sequence[Tensor]:
        outputs.backward()  # type: ignore[no-untyped-call]
        assert inputs.grad is not None
        return (inputs.grad,)

    torch.nn.Module.requires_grad_ = lambda self, _=True: self  # type: ignore[method-assign, assignment]
    torch.autograd.grad = backward  # type: ignore[assignment]
    for module in modules:
        for parameter in module.parameters():
            parameter.requires_grad = True
    try:
        yield
    finally:
        torch.nn.Module.requires_grad_ = quiet  # type: ignore[method-assign]
        torch.autograd.grad = grad
        for module in modules:
            for parameter in module.parameters():
                parameter.requires_grad, parameter.grad = False, None


def seconds(workshop: Workshop, codes: Tensor, seed: int) -> float:
    """One loop of maximisation."""
    began = time.perf_counter()
    maximize.maximize_activation(
        workshop.generator, workshop.drivers, codes, torch.tensor([1]), settings=Settings(steps=STEPS, seed=seed),
        margins=workshop.margins,
    )  # fmt: skip
    return time.perf_counter() - began


def main() -> None:
    """Both loops in turn on the same codes, after one round that nobody counts."""
    collection = open_demo()
    workshop = Workshop.open(collection, collection.root / "models" / OWN, device="cpu")
    names = tested_sources(collection, "Hanamori", REPEATS + 1)
    codes, _ = begin(workshop, [Source(name, collection.image(name), "Hanamori") for name in names], 1)
    ours, naive, whole = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        store = ArtifactStore(Path(folder))
        for number, name in enumerate(names):
            code = codes[number : number + 1]
            ours.append(seconds(workshop, code, number))
            with leaving_gradients(workshop):
                naive.append(seconds(workshop, code, number))
            began = time.perf_counter()
            make(workshop, collection, name, "Steelport", Settings(steps=STEPS), store=store)
            whole.append(time.perf_counter() - began)
    medians = {
        name: statistics.median(values[1:]) for name, values in (("ours", ours), ("naive", naive), ("whole", whole))
    }
    print(
        json.dumps({
            "benchmark": "transform", "steps": STEPS, "px": workshop.card.size,
            "transformation_s": round(medians["whole"], 2), "bound_s": 8, "loop_s": round(medians["ours"], 2),
            "naive_loop_s": round(medians["naive"], 2), "ratio": round(medians["naive"] / medians["ours"], 2),
            "bound_ratio": 1.4, "threads": torch.get_num_threads(),
        })
    )  # fmt: skip


if __name__ == "__main__":
    main()
