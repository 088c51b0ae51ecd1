"""Long work over the rows of a collection: done chunk by chunk, each kept, so that a killed run goes on."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.progress import Progress, silent

Arrays = dict[str, NDArray[Any]]


def kept_arrays(store: ArtifactStore, key: ArtifactKey) -> Arrays | None:
    """The arrays of a finished result, by name; None where it is not there."""
    folder = store.find(key)
    return None if folder is None else _read(folder)


def keep_arrays(store: ArtifactStore, key: ArtifactKey, arrays: Mapping[str, NDArray[Any]], **notes: Any) -> None:
    """Keep arrays as a result, whole or not at all."""
    with store.write(key, **notes) as folder:
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values)


def in_chunks(
    store: ArtifactStore,
    key: ArtifactKey,
    total: int,
    compute: Callable[[range], Arrays],
    *,
    chunk: int = 64,
    progress: Progress = silent,
    what: str = "image",
) -> Arrays:
    """Arrays over `total` rows, computed `chunk` rows at a time and kept as one result.

    Parameters
    ----------
    store, key : where and as what it is kept; a result that is there is read
    compute : row numbers -> arrays by name, each of as many rows
    progress : told after each chunk; what it raises ends the run, and finished chunks stay for the next one

    Returns
    -------
    dict
        The arrays of all rows, by name.
    """
    finished = kept_arrays(store, key)
    if finished is not None:
        return finished
    parts: list[Arrays] = []
    keys: list[ArtifactKey] = []
    progress(0, total, what)
    for start in range(0, max(total, 1), chunk):
        rows = range(start, min(start + chunk, total))
        keys.append(_chunk_key(key, start, chunk))
        try:
            part = kept_arrays(store, keys[-1])
        except FileNotFoundError:  # another run has just joined the chunks and taken this one away
            part = None
        if part is None:
            part = compute(rows)
            keep_arrays(store, keys[-1], part)
        parts.append(part)
        progress(rows.stop, total, what)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    keep_arrays(store, key, whole)
    for done in keys:
        folder = store.find(done)
        if folder is not None and folder.is_relative_to(store.roots[-1]):
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(OSError):  # another run's chunks may still lie beside it
                folder.parent.rmdir()
    return whole


def _chunk_key(key: ArtifactKey, start: int, chunk: int) -> ArtifactKey:
    return replace(key, kind=f"{key.kind}-chunk", parameters={**key.parameters, "start": start, "chunk": chunk})


def _read(folder: Path) -> Arrays:
    return {file.stem: np.load(file, allow_pickle=False) for file in sorted(folder.glob("*.npy"))}
