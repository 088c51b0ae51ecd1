"""Transformations that were read, kept for all visitors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from urbanlens.artifacts import MANIFEST
from urbanlens.transformation.record import KIND, Finished, Transformation, read
from urbanlens.transformation.record import finished as list_finished
from urbanlens.ui.caches import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from urbanlens.artifacts import ArtifactStore
    from urbanlens.embedding.index import NearestIndex
    from urbanlens.transformation.looks import Features


@st.cache_resource(show_spinner=False)
def _shelf() -> Shelf[Transformation]:
    return Shelf()


def transformation(folder: Path) -> Transformation:
    """A kept transformation, read once; ArtifactError where its files are missing or broken."""
    manifest = folder / MANIFEST
    stamp = manifest.stat().st_mtime_ns if manifest.is_file() else 0
    found = _shelf().get(f"{folder}@{stamp}", lambda: read(folder))
    return found if found is not None else read(folder)


def finished(store: ArtifactStore, collection: str, generator: str) -> tuple[Finished, ...]:
    """What `urbanlens.transformation.record.finished` lists, anew where one was added or taken away."""
    folders = [root / KIND for root in store.roots]
    stamp = tuple(folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in folders)
    return _finished(tuple(map(str, folders)), stamp, collection, generator, store)


@st.cache_resource(max_entries=16, show_spinner=False)
def _finished(
    folders: tuple[str, ...],  # noqa: ARG001 - in the key
    stamp: tuple[int, ...],  # noqa: ARG001
    collection: str,
    generator: str,
    _store: ArtifactStore,
) -> tuple[Finished, ...]:
    return tuple(list_finished(_store, collection, generator))


@st.cache_resource(show_spinner=False)
def _indices() -> Shelf[NearestIndex | Features]:
    return Shelf()


def index(key: str, kept: Callable[[], NearestIndex | Features | None]) -> NearestIndex | Features | None:
    """What counterparts are looked for in (`urbanlens.transformation.similarity.kept_index`), read once for all."""
    return _indices().get(key, kept)
