"""Training aesthetic classifiers: a frozen trunk looks at all images, and a head learns from what it saw."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from urbanlens.aesthetics.metrics import aesthetic_metrics, high_low_metrics
from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.chunks import Arrays, in_chunks
from urbanlens.collection import ImageCollection, home
from urbanlens.collection.votes import HIGH_ABOVE, HIGH_LOW, MARK_NAMES, is_high
from urbanlens.engine import choose_device, comfortable_batch
from urbanlens.errors import CollectionError, ModelError
from urbanlens.models import ModelCard, build_model, load_model, save_model
from urbanlens.models.aesthetics import Aesthete, tells_marks
from urbanlens.models.published import published_weights
from urbanlens.models.registry import AESTHETES, architectures, layers_of
from urbanlens.models.weights import round_weights
from urbanlens.progress import Progress, silent
from urbanlens.training.aesthetic_rows import Opinions, opinions
from urbanlens.training.aesthetic_tasks import BINS, SAMPLINGS, HighLowTask, MarksTask, means_of
from urbanlens.training.fit import OPTIMIZERS, FitSettings, autocast, fit, half_type
from urbanlens.training.notes import fit_notes, source_notes
from urbanlens.training.rows import Rows, must_fit

CROPPED = 8 / 7
"""Training images are resized to so many times the network's size, 256 px for 224; chance cuts out a window."""

VIEWS = 4
MOST_BYTES = 1200 * 2**20
"""What is kept of the images takes no more: large ones, or many, are seen in fewer views, but at least in one."""

LOOK = 256
"""Images looked at between two notes on the disk."""

IMAGENET = "imagenet"

PACKAGED: Mapping[str, Any] = {"backbone": "efficientnet_lite0", "layer": "blocks.10", "normalized": True}
"""The packaged ImageNet trunk up to its stride of 16: 224 px give maps of 14 x 14 cells. Deeper layers say less of
beauty: on the demo, a linear fit of the votes is better on this one than on the last."""

SMALL_HEAD: Mapping[str, Any] = {"pool": 1, "hidden": 128}
"""Of a network of high and low on that trunk."""


@dataclass(frozen=True)
class AestheticScheme:
    """How a head learns.

    Attributes
    ----------
    epochs, batch, learning_rate, weight_decay, optimizer : as they say
    warm_up, schedule : as in FitSettings
    sampling : how images are drawn, one of `aesthetic_tasks.SAMPLINGS`
    size : side of the images in px
    views : how many windows of each training image the trunk sees
    least_tagged : a tag of fewer training images is not learnt
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.1
    optimizer: Literal["adam", "sgd"] = "adam"
    warm_up: float = 0.05
    schedule: Literal["cosine", "constant"] = "cosine"
    sampling: str = "class"
    size: int = 224
    views: int = VIEWS
    least_tagged: int = 10

    def check(self) -> None:
        """ModelError where it makes no sense."""
        if not 32 <= self.size <= 1024 or self.epochs < 1 or self.batch < 2 or self.views < 1 or self.least_tagged < 1:
            raise ModelError(
                f"size {self.size}, {self.epochs} epochs, batch {self.batch}, {self.views} views, tags of "
                f"{self.least_tagged} images: the size lies between 32 and 1024 px, the batch is 2 or more, the others "
                "1 or more"
            )
        if self.sampling not in SAMPLINGS or self.optimizer not in OPTIMIZERS:
            raise ModelError(
                f"sampling {self.sampling!r}, optimizer {self.optimizer!r}: there are {', '.join(SAMPLINGS)}, and "
                f"{', '.join(OPTIMIZERS)}"
            )


PAPER: Mapping[str, AestheticScheme] = {
    "high_low": AestheticScheme(
        epochs=50, learning_rate=1e-3, weight_decay=0.0, optimizer="sgd", warm_up=0.0, schedule="constant"
    ),
    "marks_and_tags": AestheticScheme(
        epochs=50, learning_rate=3e-6, weight_decay=0.0, warm_up=0.0, schedule="constant"
    ),
}
"""The paper's settings, by what is learnt. It does not tell the rate of SGD, nor how the losses of marks and tags are
weighed (`aesthetic_tasks.TAG_SHARE`)."""


def train_aesthetics(
    collection: ImageCollection, *, destination: Path | str, architecture: str = "marks_and_tags",
    backbone: str | None = None, layer: str | None = None, normalized: bool | None = None,
    start: Path | str | None = None, options: Mapping[str, Any] | None = None,
    scheme: AestheticScheme | None = None, extra: ImageCollection | None = None, group: str | None = None,
    seed: int = 0, device: str = "auto", progress: Progress = silent,
) -> ModelCard:  # fmt: skip
    """Train a network that tells high from low beauty, or how many voters would give each mark, and tags.

    Parameters
    ----------
    collection : with votes, and perhaps tags
    destination : folder of the model; while it trains, `.NAME.training` beside it keeps what a killed run goes on from
    architecture : a name of `AESTHETES`
    backbone, layer, normalized : as of `Aesthete`; None: as the architecture has it
    start : where the trunk's weights come from: "imagenet", or the folder of a classifier. None: from scratch, where
        the trunk stays as chance made it
    options : of the architecture, such as `hidden`
    scheme : how to learn
    extra : more images to learn from, with the same columns
    group : column whose equal values stay in one split, where the table has no column `split`
    seed, device, progress : as of `train_city`

    Raises
    ------
    CollectionError, ModelError
        Where there is nothing to learn, or settings make no sense.
    """
    way, where, destination = scheme or AestheticScheme(), choose_device(device), Path(destination)
    way.check()
    told = opinions(
        collection, extra, group, seed, least_tagged=way.least_tagged if tells_marks(architecture) else None
    )
    classes = (*MARK_NAMES, *told.tags) if tells_marks(architecture) else HIGH_LOW
    if classes == HIGH_LOW:
        _both(told, collection)
    given = {"backbone": backbone, "layer": layer, "normalized": normalized, **(options or {})}
    shape = {**AESTHETES[architecture].options, **{name: value for name, value in given.items() if value is not None}}
    module = build_model(architecture, len(classes), task="aesthetics", seed=seed, **shape)
    assert isinstance(module, Aesthete)
    trunk = shape.get("backbone") or architecture.removesuffix("_aesthetic")
    begun = _begin(module, start, trunk, shape["layer"], progress)
    round_weights(module)  # what is frozen is seen as it will be shipped, in float16
    kept = destination.parent / f".{destination.name}.training"
    look = Look(module.eval().to(where), way, where, seed, ArtifactStore(kept))
    seen = {split: look.at(told.rows[split], split, progress) for split in ("train", "val")}
    kind = MarksTask if tells_marks(architecture) else HighLowTask
    labels = {split: rows.labels for split, rows in told.rows.items()}
    begun_with = f"{look.depends} {' '.join(named(told.rows[split]) for split in seen)}"
    task = kind(module.head, seen, labels, way.batch, way.sampling, where, begun_with)
    settings = FitSettings(
        way.epochs, way.learning_rate, way.weight_decay, way.warm_up, way.schedule, seed, str(where), way.optimizer
    )
    result = fit(task, settings, checkpoint=kept / "head.pt", progress=progress)
    round_weights(module)
    card = ModelCard(
        destination.name, "aesthetics", architecture, classes, way.size, "votes.mean",
        shape | {"options": _plain(shape["options"])},
        training=fit_notes(result, settings, len(labels["train"]), way.batch)
        | {"start": begun, "frozen": "trunk", "views": look.views(len(labels["train"])), "sampling": way.sampling,
           "optimizer": way.optimizer, "schedule": way.schedule},
        data=source_notes(collection, extra) | told.notes,
        metrics=_metrics(module, told, classes, way.size, where, progress),
    )  # fmt: skip
    card = save_model(module, card, destination)
    shutil.rmtree(kept, ignore_errors=True)
    return card


def _begin(module: Aesthete, start: Path | str | None, backbone: str, layer: str | None, progress: Progress) -> str:
    """Fill in the trunk; returns where its weights are from."""
    if start is None:
        return "from scratch: the trunk is as chance made it"
    if str(start) == IMAGENET:
        network, told = _imagenet(backbone, progress)
        name = told
    else:
        known = load_model(start)
        network, told = known.module, f"{known.name} {known.weights_digest[:12]}"
        name = f"{known.name} ({known.card.architecture})"
    try:
        taken = module.begin_from(network, layer or next(reversed(layers_of(network)), ""))
    except (RuntimeError, ModelError):
        raise ModelError(f"{name} does not fit: its trunk must be that of {backbone}, with the same options") from None
    return f"{told}, with {taken} hidden layers of its classifier" if taken else told


def _imagenet(backbone: str, progress: Progress) -> tuple[nn.Module, str]:
    """A network with ImageNet weights, packaged or fetched, and where they are from."""
    if "pretrained" in architectures("classes")[backbone].options:
        return build_model(backbone, 1000, pretrained=True), f"ImageNet ({backbone}, packaged)"
    weights = published_weights(backbone, home() / "weights", progress=progress)
    network = build_model(backbone, 1000, seed=0)
    network.load_state_dict(weights)
    return network, f"ImageNet ({backbone}, torchvision)"


def _plain(options: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The backbone's options as the card keeps them: packaged weights are not loaded again."""
    return {name: value for name, value in (options or {}).items() if name != "pretrained"} or None


def _both(told: Opinions, collection: ImageCollection) -> None:
    """CollectionError where all training images are high, or none is."""
    high = is_high(means_of(told.rows["train"].labels))
    if high.all() or not high.any():
        raise CollectionError(
            f"all {len(high)} training images of {collection.name} are {HIGH_LOW[int(high.all())]}, with a mean mark "
            f"{'above' if high.all() else 'of at most'} {HIGH_ABOVE:g}: there is nothing to tell apart; train "
            "marks_and_tags"
        )


def named(rows: Rows) -> str:
    """20 hex digits over the images of some rows, each with its collection."""
    owners = {id(owner): owner.whole.fingerprint for owner, _ in rows.images}
    told = repr([(owners[id(owner)], name) for owner, name in rows.images])
    return hashlib.sha256(told.encode()).hexdigest()[:20]


class Look:
    """What the frozen trunk sees of images, kept on disk part by part, so that a killed run goes on."""

    def __init__(
        self, module: Aesthete, way: AestheticScheme, device: torch.device, seed: int, store: ArtifactStore
    ) -> None:  # fmt: skip
        self.module, self.way, self.device, self.seed, self.store = module, way, device, seed, store
        digest = hashlib.sha256()
        for name, value in module.trunk.state_dict().items():
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        self.depends = f"{digest.hexdigest()[:20]} {way.size} {way.views} {module.pool} {seed}"

    def views(self, images: int) -> int:
        """Windows of each training image."""
        one = images * self._width * 2
        return max(1, min(self.way.views, MOST_BYTES // max(one, 1)))

    @property
    def _width(self) -> int:
        with torch.no_grad():
            probe = self.module.trunk(torch.zeros(1, 3, 64, 64, device=self.device))
        return int(probe.shape[1]) * self.module.pool**2

    def at(self, rows: Rows, split: str, progress: Progress) -> Tensor:
        """(N, V, D) float16: training images in windows by chance, others whole, in a single view."""
        views = self.views(len(rows)) if split == "train" else 1
        must_fit(2 * len(rows) * views * self._width * 2, f"what is seen of {len(rows):,} images")
        key = ArtifactKey("look", named(rows), self.depends, {"split": split, "views": views})
        compute = partial(self._part, rows, split, views)
        arrays = in_chunks(self.store, key, len(rows), compute, chunk=LOOK, progress=progress, what="looking at image")
        return torch.from_numpy(arrays["seen"])

    def _part(self, rows: Rows, split: str, views: int, chosen: range) -> Arrays:
        side = round(self.way.size * CROPPED) if split == "train" else self.way.size
        part = Rows(rows.images[chosen.start : chosen.stop], rows.labels[chosen.start : chosen.stop])
        pixels = part.pixels(side, silent)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + chosen.start)
        corners = torch.randint(side - self.way.size + 1, (views, len(pixels), 2), generator=generator)
        return {"seen": torch.stack([self._see(self._windows(pixels, view)) for view in corners], 1).numpy()}

    def _windows(self, pixels: Tensor, corners: Tensor) -> Tensor:
        """A window of each image (N, 3, H, W) at its own corner (N, 2)."""
        size = self.way.size
        if pixels.shape[-1] == size:
            return pixels
        cut = [one[:, y : y + size, x : x + size] for one, (y, x) in zip(pixels, corners.tolist(), strict=True)]
        return torch.stack(cut)

    def _see(self, pixels: Tensor) -> Tensor:
        """What the trunk sees of images, (N, D)."""
        return torch.cat([self._see_few(few) for few in torch.split(pixels, comfortable_batch(self.device))])

    @torch.no_grad()
    def _see_few(self, pixels: Tensor) -> Tensor:
        images = (pixels.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
        with autocast(self.device, half_type(self.device)):
            return self.module.vectors(self.module.trunk(images)).half().cpu()


def _metrics(
    module: Aesthete, told: Opinions, classes: tuple[str, ...], size: int, device: torch.device, progress: Progress
) -> dict[str, Any]:
    """How well the network, as it will be shipped, does on the test images."""
    rows, parts = told.rows["test"], []
    module.to(device).eval()
    with torch.no_grad():
        for start in range(0, len(rows), 64):
            part = Rows(rows.images[start : start + 64], rows.labels[start : start + 64])
            parts.append(module(part.pixels(size, silent).to(device).float() / 255).cpu())
            progress(min(start + 64, len(rows)), len(rows), "judging on test image")
    scores, labels = torch.cat(parts), rows.labels.numpy().astype(np.float64)
    if classes == HIGH_LOW:
        return high_low_metrics(labels[:, :BINS], scores.softmax(1)[:, 1].numpy())
    shares, tags = scores[:, :BINS].softmax(1).numpy(), scores[:, BINS:].softmax(1).numpy()
    usual = told.rows["train"].labels[:, :BINS].double().mean(0).numpy()
    return aesthetic_metrics(labels[:, :BINS], shares, usual, labels[:, BINS:] > 0, tags, classes[BINS:])
