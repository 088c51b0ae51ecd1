"""Training SIAM, phase by phase, and the unconstrained network that it is compared with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from urbanlens.collection import ImageCollection
from urbanlens.engine import choose_device
from urbanlens.errors import ModelError
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.siam import SIAM, Regressor
from urbanlens.models.trunk import fitting_layer, trunk_of
from urbanlens.models.weights import LoadedModel, round_weights
from urbanlens.progress import Progress, silent
from urbanlens.siam.metrics import attribute_metrics, score_metrics
from urbanlens.siam.templates import Templates, fit_templates
from urbanlens.training.fit import FitResult, FitSettings, fit
from urbanlens.training.notes import fit_notes, source_notes, stages
from urbanlens.training.rows import Rows
from urbanlens.training.siam_rows import USUAL, Learnt, Scheme, hard, scored_rows, what_to_learn
from urbanlens.training.siam_tasks import AttributeTask, JointTask, ScoreTask
from urbanlens.training.supply import Supply


def train_siam(
    collection: ImageCollection, *, destination: Path | str, score: str, scored: ImageCollection | None = None,
    attributes: Sequence[str] | None = None, backbone: str = "resnet18", layer: str | None = None, map_size: int = 15,
    crop: int = 11, rectified: bool = True, options: Mapping[str, Any] | None = None, scheme: Scheme = USUAL,
    start: Path | LoadedModel | None = None, extra: ImageCollection | None = None, group: str | None = None,
    seed: int = 0, device: str = "auto", progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train SIAM and write it as a model's folder.

    Parameters
    ----------
    collection : with the attributes; with the scores, too, where `scored` is None
    destination : folder of the model; while it trains, `.NAME.training` beside it keeps what a killed run goes on from
    score : column of scores, or `votes.mean`, `votes.variance`
    scored : another collection, with the scores
    attributes : which attributes; None: all that the collection has. One that all or no training images have is left
        out, and the card says so
    backbone, layer, map_size, crop, rectified, options : as of `SIAM`; without a layer, the last one that is as fine
        as the maps
    scheme : phases, sizes, epochs, and how labels are read
    start : a trained network to begin from: SIAM with the same attributes, or a classifier of the same backbone
    extra : more images to learn from, with the same columns
    group : column whose equal values stay in one split, where the table has no column `split`
    seed, device, progress : as of `train_city`

    Raises
    ------
    CollectionError, ModelError
        Where there is nothing to learn, or settings make no sense.
    """
    scheme.check()
    destination, where = Path(destination), choose_device(device)
    layer = layer or fitting_layer(backbone, scheme.sizes[-1], map_size, options)
    learnt = what_to_learn(collection, score, scored, attributes, scheme, extra, group, seed)
    shape = {"backbone": backbone, "map_size": map_size, "crop": crop, "layer": layer, "rectified": rectified,
             "options": _plain(options)}  # fmt: skip
    module = build_model("siam", len(learnt.names), task="attributes", seed=seed, **{**shape, "options": options})
    assert isinstance(module, SIAM)
    begun = _begin(module, start, learnt)
    asked = shape | {"options": dict(options or {})}
    run = _Run(module, learnt, scheme, where, seed, destination, progress, begun, asked)
    told = [{"phase": phase, **getattr(run, phase)()} for phase in scheme.phases]
    run.measure_strength()
    card = ModelCard(
        destination.name, "attributes", "siam", learnt.names, scheme.sizes[-1], score, shape,
        data=_data(collection, extra, scored) | learnt.notes,
    )  # fmt: skip
    return run.save(card, destination, told)


def train_score(
    collection: ImageCollection, *, destination: Path | str, score: str, backbone: str = "resnet18",
    layer: str | None = None, map_size: int = 15, options: Mapping[str, Any] | None = None, scheme: Scheme = USUAL,
    start: Path | LoadedModel | None = None, extra: ImageCollection | None = None, group: str | None = None,
    seed: int = 0, device: str = "auto", progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train the unconstrained baseline, the same backbone free to use what it finds; arguments as of `train_siam`."""
    scheme.check()
    destination, where = Path(destination), choose_device(device)
    layer = layer or fitting_layer(backbone, scheme.sizes[-1], map_size, options)
    learnt = Learnt((), {}, *scored_rows(collection, score, extra, group, seed))
    shape = {"backbone": backbone, "map_size": map_size, "layer": layer, "options": _plain(options)}
    module = build_model("regressor", 1, task="score", seed=seed, **{**shape, "options": options})
    assert isinstance(module, Regressor)
    begun = _begin(module, start, learnt)
    asked = shape | {"options": dict(options or {})}
    run = _Run(module, learnt, scheme, where, seed, destination, progress, begun, asked)
    told = [{"phase": "score", **run.score()}, {"phase": "score again", **run.score_again()}]
    card = ModelCard(
        destination.name, "score", "regressor", (score,), scheme.sizes[-1], score, shape,
        data=_data(collection, extra, None) | learnt.notes,
    )  # fmt: skip
    return run.save(card, destination, told)


class _Run:
    """One training: its network, its supplies of images, and one method for each phase."""

    def __init__(
        self, module: SIAM | Regressor, learnt: Learnt, scheme: Scheme, device: torch.device, seed: int,
        destination: Path, progress: Progress, begun: str, asked: dict[str, Any],
    ) -> None:  # fmt: skip
        self.module, self.learnt, self.scheme, self.device, self.seed = module, learnt, scheme, device, seed
        self.kept = destination.parent / f".{destination.name}.training"
        self.progress, self.begun, self.before = progress, begun, f"{begun} {asked}"

        def supply(rows: dict[str, Rows]) -> Supply:
            return Supply(rows, scheme.batch, device, progress, augmented=scheme.augmented)

        self.scored = supply(learnt.scores)
        self.described = supply(learnt.attributes) if learnt.attributes else self.scored
        self.described.share(self.scored)

    def attributes(self) -> dict[str, Any]:
        """Phase: f learns the attributes."""
        assert isinstance(self.module, SIAM)
        way = self.scheme
        sizes = stages(way.sizes, way.epochs, way.batch)
        task = AttributeTask(self.module, [self.described], sizes, self.before)
        return self._fit("attributes", task, len(sizes), way.learning_rate)

    def templates(self) -> dict[str, Any]:
        """Phase: the templates are fitted to maps that stay as they are."""
        assert isinstance(self.module, SIAM)
        module = self.module.to(self.device).eval()
        maps = {split: self._maps(module, split) for split in ("train", "val")}
        train, val = (self.scored.rows[split].labels for split in ("train", "val"))
        found: Templates = fit_templates(maps["train"], train, (maps["val"], val), progress=self.progress)
        module.set_templates(found.templates.to(self.device), found.bias)
        return {"sparse": found.sparse, "smooth": found.smooth, "tried": [list(one) for one in found.tried]}

    def joint(self) -> dict[str, Any]:
        """Phase: f and g learn together."""
        assert isinstance(self.module, SIAM)
        before = f"{self.before} {_plain_scheme(self.scheme)}"
        task = JointTask(self.module, [self.described, self.scored], [self._size] * self.scheme.joint_epochs, before)
        return self._fit("joint", task, self.scheme.joint_epochs, self.scheme.joint_learning_rate)

    def score(self) -> dict[str, Any]:
        """The baseline learns the score."""
        way = self.scheme
        sizes = stages(way.sizes, way.epochs, way.batch)
        return self._fit(
            "score", ScoreTask(self.module, [self.scored], sizes, self.before), len(sizes), way.learning_rate
        )

    def score_again(self) -> dict[str, Any]:
        """The baseline goes on, as SIAM does in its phase `joint`: at the last size and that phase's rate."""
        way = self.scheme
        before = f"{self.before} {_plain_scheme(way)}"
        task = ScoreTask(self.module, [self.scored], [self._size] * way.joint_epochs, before)
        return self._fit("score-again", task, way.joint_epochs, way.joint_learning_rate)

    def measure_strength(self) -> None:
        """How strong each attribute's maps are, for figures that compare templates."""
        assert isinstance(self.module, SIAM)
        module = self.module.to(self.device).eval()
        maps = self._maps(module, "val").float()
        module.strength.copy_(maps.pow(2).mean((0, 2, 3)).sqrt())

    def metrics(self) -> dict[str, Any]:
        """How well the network, as it will be shipped, does on the test images."""
        self.module.to(self.device).eval()
        truth = self.scored.rows["test"].labels.numpy()
        score = self.scored.each("test", self._size, lambda images: self.module(images).score).numpy()
        found = score_metrics(truth, score)
        if isinstance(self.module, SIAM):
            sure = self.described.each("test", self._size, lambda images: self.module(images).attributes).numpy()
            labels = hard(self.described.rows["test"].labels.numpy(), self.scheme)
            found |= attribute_metrics(labels, sure, self.learnt.names)
            found["attribute_images"] = len(labels)
        return found

    def save(self, card: ModelCard, destination: Path, done: Sequence[Mapping[str, Any]]) -> ModelCard:
        """Measure the network as it will be loaded, and write it with its card; `done` tells of each phase."""
        round_weights(self.module)
        told = {**_plain_scheme(self.scheme), "start": self.begun, "seed": self.seed, "done": done}
        card = save_model(self.module, replace(card, training=told, metrics=self.metrics()), destination)
        shutil.rmtree(self.kept, ignore_errors=True)
        return card

    def _fit(self, phase: str, task: Any, epochs: int, rate: float) -> dict[str, Any]:
        settings = FitSettings(epochs, rate, self.scheme.weight_decay, seed=self.seed, device=str(self.device))
        result: FitResult = fit(task, settings, checkpoint=self.kept / f"{phase}.pt", progress=self.progress)
        images = sum(len(supply.rows["train"]) for supply in task.supplies)
        return fit_notes(result, settings, images, self.scheme.batch)

    def _maps(self, module: SIAM, split: str) -> Tensor:
        """The cropped maps of the images with scores, (N, A, c, c) float16."""
        return self.scored.each(split, self._size, lambda images: module.cropped(module.maps(images)).half(), fast=True)

    @property
    def _size(self) -> int:
        return self.scheme.sizes[-1]


def _begin(module: SIAM | Regressor, start: Path | LoadedModel | None, learnt: Learnt) -> str:
    """Fill in what a trained network knows, and what the labels' means say; returns the start's name and digest."""
    with torch.no_grad():
        module.bias.fill_(float(learnt.scores["train"].labels.mean()))
        if isinstance(module, SIAM):
            shares = learnt.attributes["train"].labels.nanmean(0).clamp(1e-3, 1 - 1e-3)
            module.presence.copy_(torch.log(shares / (1 - shares)))
    if start is None:
        return ""
    given = load_model(start) if isinstance(start, Path) else start
    known = given.module
    try:
        if isinstance(known, SIAM) and isinstance(module, SIAM):
            if given.classes != learnt.names:
                raise ModelError(
                    f"{given.name} knows the attributes {', '.join(given.classes)}; to go on from it, learn the same"
                )
            module.load_state_dict(known.state_dict())
        elif isinstance(known, SIAM | Regressor):
            module.trunk.load_state_dict(known.trunk.state_dict())
        else:
            parts = next(
                trunk for layer in given.layers
                if _shapes(trunk := trunk_of(known, layer)) == _shapes(module.trunk)
            )  # fmt: skip
            module.trunk.load_state_dict(parts.state_dict())
    except (RuntimeError, StopIteration):
        raise ModelError(
            f"{given.name} ({given.card.architecture}) does not fit: its trunk must be that of this network"
        ) from None
    return f"{given.name} {given.weights_digest[:12]}"


def _shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


def _plain(options: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A backbone's options as the card keeps them: the packaged weights are not loaded again."""
    return {name: value for name, value in options.items() if name != "pretrained"} if options else None


def _plain_scheme(scheme: Scheme) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(scheme).items()}


def _data(collection: ImageCollection, extra: ImageCollection | None, scored: ImageCollection | None) -> dict[str, Any]:
    told = source_notes(collection, extra)
    return told | {"scored": {"collection": scored.name, "fingerprint": scored.fingerprint}} if scored else told
