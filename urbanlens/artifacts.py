"""Results kept on disk under a key that covers everything they depend on.

A result lies at `<root>/<kind>/<key>/`: its files, and `manifest.json` written last. It is written beside and
renamed into place, so a half-written one is never read and a killed job leaves nothing that looks finished.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urbanlens.errors import ArtifactError

FORMAT = 1
"""Raise it when the meaning of any kept file changes: every older result is then computed anew."""

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ArtifactKey:
    """What a result depends on: its kind, the collection, the model's weights, parameters and seed."""

    kind: str
    collection: str
    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None

    def describe(self) -> dict[str, Any]:
        """All parts as plain JSON."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "collection": self.collection,
            "model": self.model,
            "parameters": dict(self.parameters),
            "seed": self.seed,
        }

    @property
    def digest(self) -> str:
        """20 hex digits that change when any part does."""
        text = json.dumps(self.describe(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:20]


class ArtifactStore:
    """Results under one or more folders: read from any, written to the last.

    The shipped results of the demo are such a first folder that is never written to.
    """

    def __init__(self, *roots: Path | str) -> None:
        if not roots:
            raise ValueError("an artifact store needs at least one folder")
        self.roots = [Path(root) for root in roots]

    def find(self, key: ArtifactKey) -> Path | None:
        """The folder of a finished result, or None."""
        for root in self.roots:
            folder = root / key.kind / key.digest
            if (folder / MANIFEST).is_file():
                return folder
        return None

    def manifest(self, key: ArtifactKey) -> dict[str, Any]:
        """The manifest of a finished result; ArtifactError where there is none."""
        folder = self.find(key)
        if folder is None:
            raise ArtifactError(f"no finished {key.kind} for this collection and these settings: compute it first")
        return dict(json.loads((folder / MANIFEST).read_text()))

    @contextlib.contextmanager
    def write(self, key: ArtifactKey, **notes: Any) -> Iterator[Path]:
        """A fresh folder to fill; it becomes the result when the block ends well, and vanishes when it does not."""
        target = self.roots[-1] / key.kind / key.digest
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=target.parent))
        except OSError as error:
            raise _told(error, self.roots[-1]) from None
        try:
            try:
                yield folder
            except OSError as error:
                raise _told(error, self.roots[-1]) from None
            manifest = {**key.describe(), "files": sorted(p.name for p in folder.iterdir()), **notes}
            (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
            folder.chmod(0o755)
            try:
                os.replace(folder, target)
            except OSError:
                # Another session finished the same result first, or an unreadable one is in the way.
                if not (target / MANIFEST).is_file():
                    shutil.rmtree(target, ignore_errors=True)
                    os.replace(folder, target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _told(error: OSError, root: Path) -> OSError:
    """A full disk or a folder that must not be written to, in words; any other error as it is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ArtifactError(f"the disk of {root} is full: make room and start again; what was finished is kept")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return ArtifactError(f"{root} must not be written to: change its permissions, or copy the collection elsewhere")
    return error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file or nothing: beside, then renamed over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
