"""Where a user's collections lie, and where results about a collection are kept."""

from __future__ import annotations

import os
from pathlib import Path

from urbanlens.artifacts import ArtifactStore
from urbanlens.collection.collection import ImageCollection
from urbanlens.collection.columns import DESCRIPTION_FILE

SHIPPED = Path(__file__).resolve().parents[2] / "assets"
"""The folder of the shipped collections, which is never written to."""


def home() -> Path:
    """The user's own folder: the environment variable `URBANLENS_HOME`, else `~/.urbanlens`."""
    given = os.environ.get("URBANLENS_HOME")
    return Path(given).expanduser() if given else Path.home() / ".urbanlens"


def collections_folder() -> Path:
    """The folder that imports through the app go to."""
    return home() / "collections"


def list_collections() -> list[Path]:
    """The user's imported collections, by name."""
    return sorted(file.parent for file in collections_folder().glob(f"*/{DESCRIPTION_FILE}"))


def is_shipped(collection: ImageCollection) -> bool:
    """Whether the collection belongs to the program and so is never written to."""
    return collection.root.is_relative_to(SHIPPED)


def store_for(collection: ImageCollection) -> ArtifactStore:
    """The kept results of a collection: in its own folder, or in the user's where that one must not be written."""
    own = collection.root / "artifacts"
    if is_shipped(collection) or not os.access(collection.root, os.W_OK):
        return ArtifactStore(own, home() / "cache" / collection.name)
    return ArtifactStore(own)
