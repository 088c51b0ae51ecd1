"""Training of a template generator: its drivers, its codes and pictures, its prior, and how far it can be believed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from urbanlens.engine import choose_device
from urbanlens.errors import ModelError
from urbanlens.models import LoadedModel, ModelCard, build_model, load_model, save_model
from urbanlens.models.answers import answer
from urbanlens.models.beside import place_of
from urbanlens.models.generator import LEARNED, TemplateGenerator
from urbanlens.models.weights import round_weights
from urbanlens.progress import Progress, silent
from urbanlens.training.checkpoint import read_checkpoint, write_checkpoint
from urbanlens.training.drivers import DRIVERS, JUDGE, ROBUST, Learning, trained
from urbanlens.training.fit import autocast, half_type
from urbanlens.training.metrics import accuracy_of
from urbanlens.training.notes import source_notes
from urbanlens.training.prior import PriorSettings, codes_of, learn_prior
from urbanlens.training.reconstruction import Comparator, Reconstruction, ReconstructionSettings
from urbanlens.training.rows import Labelled, labelled_rows

ARCHITECTURE = "template_generator"
LOOKS = 16
"""Times that the generator is looked at while it learns: samples are drawn, and the checkpoint is written."""

COMPARED = 3
"""Layers of the comparator that features are compared at."""

ENOUGH, STILL, LATE = 0.99, 0.005, 0.75
"""It stops early where the comparator is as often right on the reconstructions as on the images, to this share, and the
error has fallen by less than this share since the look before; but not before this share of the steps: when the
adversarial loss sets in, the error rises for a while."""

DIVERGED = 1.5
"""It stops, with the weights of the best look, where the error is this many times the best one."""

BEST = "best.pt"


@dataclass(frozen=True)
class GeneratorPlan:
    """What is to be trained.

    Attributes
    ----------
    size, channels, width, prior_width, encoder, layer : options of `TemplateGenerator`
    steps, batch : of the reconstruction
    prior_steps : of the prior
    """

    size: int = 128
    channels: int = 16
    width: int = 160
    prior_width: int = 64
    encoder: str = LEARNED
    layer: str | None = None
    steps: int = 8000
    batch: int = 16
    prior_steps: int = 3000

    @classmethod
    def usual(cls, images: int, **given: Any) -> GeneratorPlan:
        """For a collection of so many images: each is seen some ten times, and a few are seen more often."""
        own = cls(steps=int(min(8000, max(2400, 0.63 * images))), prior_steps=int(min(3000, max(1500, 0.4 * images))))
        return replace(own, **given)

    @property
    def options(self) -> dict[str, Any]:
        """Options of the architecture."""
        names = ("size", "channels", "width", "prior_width", "encoder", "layer")
        return {name: getattr(self, name) for name in names}


def train_generator(
    learning: Learning, destination: Path | str, *, plan: GeneratorPlan | None = None,
    judges: Sequence[Path] | None = None, drivers: Sequence[Path] | None = None, progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train a template generator and the networks around it, and write all as a model's folder.

    Parameters
    ----------
    learning : which images, and the label column whose values are the classes
    destination : folder of the model; drivers and judge go to `drivers/` and `judges/` in it. While it trains,
        `.NAME.training` beside it keeps samples, and what a killed run goes on from
    judges : folders of classifiers that take no part, instead of one trained here
    drivers : folders of classifiers that pull, the first of them robust, instead of two trained here
    progress : may raise Cancelled: the same call later goes on

    Returns
    -------
    ModelCard
        With `metrics`: the mean error of the reconstructions of test images, and how often each network is right on
        them and on the images themselves.

    Raises
    ------
    CollectionError, ModelError
        Where the labels cannot be learnt, or the settings make no sense.
    """
    destination, plan = Path(destination), plan or GeneratorPlan()
    chosen = labelled_rows(
        learning.collection, learning.label, learning.extra, learning.seed, classes=learning.classes,
        largest=learning.largest, group=learning.group,
    )  # fmt: skip
    work = destination.parent / f".{destination.name}.training"
    work.mkdir(parents=True, exist_ok=True)
    beside = _Beside(learning, work, plan, chosen, drivers, judges, progress)
    device = choose_device(learning.device)
    comparator = beside.comparator()
    pixels = {split: rows.pixels(plan.size, progress) for split, rows in chosen.rows.items()}
    module = build_model(ARCHITECTURE, len(chosen.classes), task="generator", seed=learning.seed, **plan.options)
    assert isinstance(module, TemplateGenerator)
    told = _reconstruct(module, pixels, chosen, comparator, plan, learning.seed, device, work, progress)
    if module.prior is not None:
        began = time.monotonic()
        settings = PriorSettings(plan.prior_steps, seed=learning.seed, device=str(device))
        codes = codes_of(module, pixels["train"], device)
        told["prior"] = learn_prior(module, codes, chosen.rows["train"].labels, settings, progress)
        told["prior_seconds"] = round(time.monotonic() - began, 1)
    round_weights(module.cpu())
    pulling, judging = beside.all("drivers", DRIVERS), beside.all("judges", (JUDGE,))
    loaded = {name: load_model(folder) for name, folder in {**pulling, **judging}.items()}
    card = ModelCard(
        name=destination.name, task="generator", architecture=ARCHITECTURE, classes=chosen.classes, size=plan.size,
        label=learning.label, options=plan.options, training={
            **asdict(plan), "seed": learning.seed, **told,
            "margins": {name: margin_of(loaded[name], pixels["val"]) for name in pulling},
        },
        data={
            **source_notes(learning.collection, learning.extra), **chosen.describe(),
            "drivers": _places(pulling, work, destination), "judges": _places(judging, work, destination),
        },
        metrics=reconstruction_metrics(module, pixels["test"], chosen.rows["test"].labels, loaded),
    )  # fmt: skip
    card = save_model(module, card, destination)
    for part in ("drivers", "judges"):
        if (work / part).is_dir():
            os.replace(work / part, destination / part)
    shutil.rmtree(work, ignore_errors=True)
    return card


@torch.no_grad()
def reconstruction_metrics(
    module: TemplateGenerator, pixels: Tensor, labels: Tensor, networks: Mapping[str, LoadedModel]
) -> dict[str, Any]:
    """Mean absolute error of reconstructions, and accuracies on them and on the images; plain JSON.

    Parameters
    ----------
    pixels, labels : (N, 3, P, P) uint8, (N,)
    networks : by name; each sees the images at its own size
    """
    device = next(module.parameters()).device
    module.eval()
    error, answers = 0.0, {name: ([], []) for name in networks}  # type: ignore[var-annotated]
    for part in torch.split(pixels, 32):
        real = (part.to(device).float() / 255).contiguous(memory_format=torch.channels_last)
        with autocast(device, half_type(device)):
            drawn = module(real).float()
        error += float((drawn - real).abs().mean((1, 2, 3)).sum())
        for name, network in networks.items():
            for images, found in zip((real, drawn), answers[name], strict=True):
                found.append(answer(network, images).argmax(1).cpu())
    truth = labels.numpy()
    told: dict[str, Any] = {"error": round(error / max(len(pixels), 1), 5)}
    for name, (real_found, drawn_found) in answers.items():
        told[name] = {
            "real": accuracy_of(truth, torch.cat(real_found).numpy()),
            "drawn": accuracy_of(truth, torch.cat(drawn_found).numpy()),
        }
    return told


@torch.no_grad()
def margin_of(network: LoadedModel, pixels: Tensor, most: int = 300) -> float:
    """Mean distance between the two best scores of a classifier on real images (N, 3, P, P) uint8."""
    some = pixels[:: max(1, len(pixels) // most)]
    best = torch.cat([answer(network, part.float() / 255).topk(2, 1).values for part in torch.split(some, 32)])
    return round(float((best[:, 0] - best[:, 1]).mean()), 4)


class _Beside:
    """The folders of the networks around a generator: those that were given, else those that are trained here."""

    def __init__(
        self, learning: Learning, work: Path, plan: GeneratorPlan, chosen: Labelled, drivers: Sequence[Path] | None,
        judges: Sequence[Path] | None, progress: Progress,
    ) -> None:  # fmt: skip
        if drivers is not None and not drivers:
            raise ModelError("a generator needs at least one driver: give the folder of a classifier")
        self.learning, self.work, self.plan, self.classes = learning, work, plan, chosen.classes
        self.images, self.progress = len(chosen.rows["train"]), progress
        self.given = {"drivers": drivers, "judges": judges}

    def comparator(self) -> LoadedModel:
        """The first driver."""
        return self._checked(next(iter(self.all("drivers", (ROBUST,)).values())))

    def all(self, part: str, names: Sequence[str]) -> dict[str, Path]:
        """Folders by name; what is missing is trained."""
        folders = self.given[part]
        if folders is None:
            for name in names:
                trained(name, self.work / part, self.learning, self.plan.size, self.images, self.progress)
            folders = [self.work / part / name for name in names]
        for folder in folders:
            self._checked(folder)
        return {folder.name: folder for folder in folders}

    def _checked(self, folder: Path) -> LoadedModel:
        model = load_model(folder)
        if model.classes != self.classes:
            raise ModelError(
                f"{model.name} tells {', '.join(model.classes)} apart, the generator {', '.join(self.classes)}: "
                "give networks of the same classes"
            )
        return model


def _places(networks: Mapping[str, Path], work: Path, destination: Path) -> dict[str, str]:
    """Of each network its place, as seen from the generator's folder."""
    return {
        name: folder.relative_to(work).as_posix() if folder.is_relative_to(work) else place_of(folder, destination)
        for name, folder in networks.items()
    }


def _reconstruct(
    module: TemplateGenerator, pixels: Mapping[str, Tensor], chosen: Labelled, comparator: LoadedModel,
    plan: GeneratorPlan, seed: int, device: torch.device, work: Path, progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Teach encoder and decoder, look at them now and then, and leave the best of the looks in the module."""
    some = (pixels["train"][:: max(1, len(pixels["train"]) // 64)].to(device).float() / 255)[:64]
    features = Comparator(comparator.module.to(device), comparator.layers[:COMPARED], some)
    settings = ReconstructionSettings(plan.steps, plan.batch, seed=seed, device=str(device))
    run = Reconstruction(module, pixels["train"], features, settings)
    checkpoint, looks = work / "checkpoint.pt", _Looks(work, pixels["val"], chosen.rows["val"].labels, comparator)
    depends = _depends(plan, seed, chosen, comparator)
    if checkpoint.is_file():
        notes = run.restore(checkpoint)
        if notes["depends"] != depends:
            raise ModelError(f"{work} holds another unfinished training: end it with the same settings, or delete it")
        looks.history = notes["history"]
    every = max(1, plan.steps // LOOKS)
    began, why = time.monotonic(), ""
    while run.done < plan.steps and not why:
        progress(run.done, plan.steps, "learning to draw, step")
        run.step()
        if run.done % every == 0 or run.done == plan.steps:
            with run.averaged() as averaged:
                why = looks.look(averaged, run.done, run.done / plan.steps)
            run.save(checkpoint, {"depends": depends, "history": looks.history})
    module.decoder = run.mean
    return {"history": looks.history, "stopped": why, "seconds": round(time.monotonic() - began, 1)}


class _Looks:
    """What is seen of a generator while it learns: samples on disk, its errors, and whether it should stop."""

    def __init__(self, work: Path, pixels: Tensor, labels: Tensor, network: LoadedModel) -> None:
        order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))[:300]
        self.work, self.pixels, self.labels = work, pixels[order], labels[order]
        self.networks = {network.name: network}
        self.history: list[dict[str, Any]] = []

    def look(self, module: TemplateGenerator, done: int, share: float) -> str:
        """Note how good it is after so many steps, draw samples, keep the best; why it should stop, or ""."""
        told = reconstruction_metrics(module, self.pixels, self.labels, self.networks)
        note = {"step": done, "error": told["error"]} | {
            name: round(told[name]["drawn"]["accuracy"] / max(told[name]["real"]["accuracy"], 1e-9), 4)
            for name in self.networks
        }
        self._sheet(module, done)
        best = min((one["error"] for one in self.history), default=float("inf"))
        before = self.history[-1]["error"] if self.history else float("inf")
        self.history.append(note)
        if note["error"] <= best:
            write_checkpoint(self.work / BEST, {"module": module.state_dict()}, note)
        if note["error"] > DIVERGED * best:
            groups, _ = read_checkpoint(self.work / BEST)
            module.load_state_dict(groups["module"])
            return f"the error rose to {note['error']:.4f}, {note['error'] / best:.1f} times the best: the best is kept"
        good = min(note[name] for name in self.networks) >= ENOUGH
        return (
            "good enough, and no longer better"
            if good and share >= LATE and note["error"] > before * (1 - STILL)
            else ""
        )

    @torch.no_grad()
    def _sheet(self, module: TemplateGenerator, done: int) -> None:
        """Some images above their reconstructions, as a PNG."""
        device = next(module.parameters()).device
        real = self.pixels[:12].to(device).float() / 255
        both = torch.stack([real, module(real).float()]).clamp(0, 1)  # (2, n, 3, P, P)
        sheet = (both.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).cpu().numpy() * 255).astype(np.uint8)
        folder = self.work / "samples"
        folder.mkdir(exist_ok=True)
        Image.fromarray(sheet).save(folder / f"{done:06d}.png")


def _depends(plan: GeneratorPlan, seed: int, chosen: Labelled, comparator: LoadedModel) -> str:
    """Everything that a checkpoint depends on."""
    images = hashlib.sha256(repr([name for _, name in chosen.rows["train"].images]).encode()).hexdigest()
    settings = {
        **asdict(replace(plan, prior_steps=0)), "seed": seed, "images": images, "against": comparator.weights_digest,
    }  # fmt: skip
    return json.dumps(settings, sort_keys=True)
