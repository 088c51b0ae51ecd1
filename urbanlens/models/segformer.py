"""SegFormer-B0 (Xie et al. 2021) trained on ADE20K: object labels for real photographs, optional and fetched on demand.

It needs the package `transformers`, and weights of 15 MB that are downloaded only when the user asks. NVIDIA's licence
allows research and evaluation only.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.artifacts import file_digest
from urbanlens.collection import ade20k, home
from urbanlens.errors import ModelError
from urbanlens.models.card import ModelCard
from urbanlens.models.layers import Normalize
from urbanlens.models.transform import SquareTransform
from urbanlens.models.weights import LoadedModel
from urbanlens.progress import Progress, silent

NAME = "segformer"
SOURCE = "nvidia/segformer-b0-finetuned-ade-512-512"
REVISION = "489d5cd81a0b59fab9b7ea758d3548ebe99677da"
URL = f"https://huggingface.co/{SOURCE}/resolve/{REVISION}/model.safetensors"
SHA256 = "6ae39addd01de6b1b8bde2cf677d43a5cd733424b8d186de3f95d1c51fee23f9"
BYTES = 15_036_944
SIZE = 512
FETCH = f"python -m urbanlens segment COLLECTION --model {NAME} --fetch"
FILE = "model.safetensors"


def segformer_folder() -> Path:
    """Where the weights lie: `models/segformer-b0` in the user's own folder."""
    return home() / "models" / "segformer-b0"


def segformer(folder: Path | str | None = None) -> LoadedModel:
    """SegFormer-B0 with the 150 objects of ADE20K, ids 1…150, for pictures of any size squeezed to 512 px.

    Parameters
    ----------
    folder : where its weights lie; None: `segformer_folder()`

    Raises
    ------
    ModelError
        Where the weights were not fetched or are damaged, or `transformers` is not installed; it says what to run.
    """
    path = Path(folder or segformer_folder()) / FILE
    if not path.is_file():
        raise ModelError(f"the weights of SegFormer-B0 are not here ({path} is missing): run `{FETCH}`")
    digest = file_digest(path)
    if digest != SHA256:
        raise ModelError(
            f"{path} is not the published file (SHA-256 {digest[:12]}…, it should be {SHA256[:12]}…): "
            f"delete it and run `{FETCH}`"
        )
    return _loaded(SegFormer(_network(path.parent)), digest)


def fetch_segformer(folder: Path | str | None = None, *, progress: Progress = silent) -> Path:
    """Download the weights, whole and verified or not at all; a verified file that is there is kept.

    Parameters
    ----------
    folder : where to; None: `segformer_folder()`
    progress : told the kilobytes that came; what it raises ends the download

    Raises
    ------
    ModelError
        Without a network, or where what came is not the published file.
    """
    path = Path(folder or segformer_folder()) / FILE
    if path.is_file() and file_digest(path) == SHA256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            digest = _download(file, progress)
        if digest != SHA256:
            raise ModelError(
                f"{URL} gave another file than the published one (SHA-256 {digest[:12]}…, it should be "
                f"{SHA256[:12]}…): try again, and ask your network's administrator if it stays so"
            )
        Path(beside).chmod(0o644)
        os.replace(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)
    return path


def _download(file: Any, progress: Progress) -> str:
    """Write the published file; its SHA-256."""
    digest, done = hashlib.sha256(), 0
    try:
        with urllib.request.urlopen(URL, timeout=30) as answer:
            while block := answer.read(1 << 18):
                done += len(block)
                digest.update(block)
                file.write(block)
                progress(min(done, BYTES) // 1000, BYTES // 1000, "fetching SegFormer-B0, kB")
    except OSError as error:
        raise ModelError(
            f"the weights of SegFormer-B0 cannot be fetched ({error}): try again with a network, or bring {URL} "
            f"from another machine to {segformer_folder() / FILE}"
        ) from error
    return digest.hexdigest()


class SegFormer(nn.Module):
    """(N, 3, H, W) RGB in [0, 1] -> (N, 150, H, W) scores of the ADE20K objects 1…150.

    Parameters
    ----------
    network : a `SegformerForSemanticSegmentation`; it answers at a quarter of the side
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.normalize = Normalize()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        # Published in float32, and never measured in less.
        with torch.autocast(images.device.type, enabled=False):
            scores: Tensor = self.network(pixel_values=self.normalize(images.float())).logits
        return functional.interpolate(scores, images.shape[-2:], mode="bilinear", align_corners=False)


def _network(folder: Path) -> nn.Module:
    """The published network; ModelError where `transformers` is missing or reads it otherwise."""
    try:
        package = import_module("transformers")
        config, network = package.SegformerConfig, package.SegformerForSemanticSegmentation
    except ImportError as error:
        raise ModelError(
            f"SegFormer needs the package transformers ({error}): run `pip install transformers`"
        ) from error
    module, report = network.from_pretrained(
        folder,
        config=config(num_labels=len(ade20k.names())),
        local_files_only=True,
        use_safetensors=True,
        output_loading_info=True,
    )
    wrong = sorted({str(name) for part in ("missing_keys", "mismatched_keys") for name in report[part]})
    if wrong:
        raise ModelError(
            f"this version of transformers finds no weights for {wrong[0]} and {len(wrong) - 1} more in {folder}: "
            "run `pip install -U transformers`"
        )
    loaded: nn.Module = module
    return loaded


def _loaded(module: nn.Module, digest: str) -> LoadedModel:
    """The network with a card. Its outputs are 0…149; ADE20K counts from 1, and 0 is unlabelled."""
    names = ade20k.names()
    card = ModelCard(
        name=NAME, task="objects", architecture=NAME, classes=tuple(names.values()), size=SIZE,
        data={"collection": "ADE20K", "source": SOURCE, "revision": REVISION, "object_ids": list(names)},
        weights={"file": FILE, "sha256": digest},
    )  # fmt: skip
    return LoadedModel(module.eval(), card.classes, SquareTransform(SIZE), card, card.name, (), digest)
