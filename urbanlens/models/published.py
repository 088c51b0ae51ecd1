"""ImageNet weights that others have published, fetched only when somebody asks for them.

A file is held against the first 8 digits of its SHA-256, which are part of its name, and read as weights alone.
"""

from __future__ import annotations

import hashlib
import urllib.request
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from urbanlens.artifacts import write_atomically
from urbanlens.errors import ModelError
from urbanlens.progress import Progress, silent

SOURCE = "https://download.pytorch.org/models/"
FILES = {
    "vgg11": "vgg11-8a719046.pth",
    "vgg16": "vgg16-397923af.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "mobilenet_v2": "mobilenet_v2-b0353104.pth",
}
"""torchvision's files; behind the dash stand the first digits of a file's SHA-256."""

PIECE = 2**18
PATIENCE_S = 30


def published_weights(
    architecture: str, folder: Path, *, progress: Progress = silent, source: str = SOURCE
) -> dict[str, Tensor]:  # fmt: skip
    """The ImageNet weights of an architecture by its own names; from `folder`, else from the network.

    Parameters
    ----------
    architecture : one of `FILES`
    folder : where fetched files are kept
    progress : told the MB that have come
    source : address that the files lie below

    Raises
    ------
    ModelError
        Where none are published, the network cannot be reached, or the file is not the one that it should be.
    """
    if architecture not in FILES:
        raise ModelError(f"no ImageNet weights are published for {architecture}: there are {', '.join(FILES)}")
    path = folder / FILES[architecture]
    if not path.is_file():
        write_atomically(path, _fetched(source + path.name, path, progress))
    _check(path.read_bytes(), path, str(path), "delete it and try again")
    weights: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def _fetched(address: str, path: Path, progress: Progress) -> bytes:
    parts: list[bytes] = []
    done = 0
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            while piece := answer.read(PIECE):
                parts.append(piece)
                done += len(piece)
                progress(done // 2**20, max(total, done) // 2**20, f"fetching {path.name}, MB")
    except (OSError, ValueError, HTTPException) as error:
        raise ModelError(
            f"{address} cannot be fetched ({error}): without a network, copy the file to {path}, or start from "
            "efficientnet_lite0, whose weights are installed"
        ) from None
    data = b"".join(parts)
    _check(data, path, address, f"try again, or copy the file to {path}")
    return data


def _check(data: bytes, path: Path, found: str, advice: str) -> None:
    """The file found somewhere is the one that its name promises."""
    begins, digest = path.stem.rsplit("-", 1)[1], hashlib.sha256(data).hexdigest()
    if not digest.startswith(begins):
        raise ModelError(
            f"{found} is not the published file (its SHA-256 begins with {digest[:8]}, not with {begins}): it was cut "
            f"short or changed; {advice}"
        )
