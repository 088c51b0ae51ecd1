"""The demo collection, drawn anew: images and labels first, then the table, the attribute maps and the truth."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.artifacts import ArtifactKey, ArtifactStore, write_atomically
from urbanlens.demo import taking
from urbanlens.demo.rules import CELLS
from urbanlens.demo.viewpoints import SHIPPED, Viewpoint, viewpoints
from urbanlens.errors import CollectionError
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from urbanlens.collection import ImageCollection

TRUTH_FILE = "truth.json"
OUTLINES_FILE = "outlines.geojson"
BATCH = 12
TITLE = "Hanamori and Steelport"
DESCRIPTION = (
    "Two fictional cities and the countryside between them, drawn from one map. What tells the cities apart, what "
    "makes a view scenic and what makes it beautiful was planted, and so is known."
)


def build(
    destination: Path | str,
    *,
    seed: int = 1,
    images: int = SHIPPED,
    mark: bool = True,
    split: str | None = None,
    cities: bool = False,
    progress: Progress = silent,
    workers: int | None = None,
) -> Path:
    """Draw a collection of the demo world; the same arguments give the same bytes.

    Parameters
    ----------
    destination
        The collection's folder. A build that was stopped goes on where it was; a finished one is left as it is.
    seed
        Chooses the cameras, hours and weather. The world itself is always the same, and so are its splits.
    images
        How many; 11 of 31 in each city, the others in the countryside.
    mark
        False leaves out the spurious mark; nothing else changes.
    split
        Draw only at places of this split, for instance more training images: `split="train"`.
    cities
        Draw only the two cities, half of the pictures in each.
    workers
        Processes; default 2.

    Returns
    -------
    Path
        `destination`.

    Raises
    ------
    CollectionError
        The folder holds something else, or a build with other arguments.
    """
    destination = Path(destination)
    settings = {"seed": seed, "images": images, "mark": mark, "split": split} | ({"cities": True} if cities else {})
    planned = viewpoints(seed, images, only=split, cities=cities)
    if _finished(destination, settings):
        return destination
    _begin(destination, settings)
    _draw(destination, settings, planned, progress, 2 if workers is None else workers)
    _finish(destination, settings, planned)
    return destination


def _finished(destination: Path, settings: dict[str, Any]) -> bool:
    file = destination / TRUTH_FILE
    if (destination / taking.UNFINISHED).exists() or not file.is_file():
        return False
    return bool(json.loads(file.read_text()).get("build") == settings)


def _begin(destination: Path, settings: dict[str, Any]) -> None:
    begun = destination / taking.UNFINISHED / "settings.json"
    if begun.is_file():
        if json.loads(begun.read_text()) != settings:
            raise CollectionError(
                f"{destination} holds an unfinished build with {begun.read_text()}, not {json.dumps(settings)}: "
                "run it again with those settings, or choose another folder"
            )
        return
    if (destination / "images.parquet").exists() or (destination / "images").exists():
        raise CollectionError(f"{destination} already holds another collection: choose a new folder")
    write_atomically(begun, json.dumps(settings).encode())


def _draw(
    destination: Path, settings: dict[str, Any], planned: Sequence[Viewpoint], progress: Progress, workers: int
) -> None:
    missing = [v for v in planned if not taking.note_path(destination, v.image_id).is_file()]
    done, total = len(planned) - len(missing), len(planned)
    batches = [missing[k : k + BATCH] for k in range(0, len(missing), BATCH)]
    if workers < 2 or len(batches) < 2:
        for batch in batches:
            progress(done, total, "images drawn")
            done += taking.take(destination, settings["mark"], batch)
        return
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        running: set[Future[int]] = {
            pool.submit(taking.take, destination, settings["mark"], batch) for batch in batches
        }
        while running:
            progress(done, total, "images drawn")
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            done += sum(future.result() for future in finished)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    progress(total, total, "images drawn")


def _finish(destination: Path, settings: dict[str, Any], planned: Sequence[Viewpoint]) -> None:
    from urbanlens.collection import ImageCollection
    from urbanlens.collection.columns import Columns, write_collection
    from urbanlens.demo.charting import outlines, regions
    from urbanlens.demo.planted import truth_of
    from urbanlens.demo.render import OBJECT_NAMES
    from urbanlens.demo.render.attributes import ATTRIBUTES
    from urbanlens.demo.tables import stack, table_of

    maps, measured = stack(destination, planned)
    table = table_of(planned, maps, measured, bool(settings["mark"]))
    names = {number: name for number, name in OBJECT_NAMES.items() if number}
    charted = json.dumps(outlines(), separators=(",", ":"))
    write_atomically(destination / OUTLINES_FILE, charted.encode())
    columns = Columns(
        labels=["city", "district", "district_kind", "view", "season", "time_of_day", "weather"],
        scores=["scenicness"],
        votes="votes",
        tags="tags",
    )
    write_collection(
        destination,
        table,
        title=TITLE,
        description=DESCRIPTION,
        licence="CC0-1.0",
        columns=columns,
        objects=names,
        regions=regions(),
    )
    _keep_maps(ImageCollection.open(destination), maps, list(ATTRIBUTES))
    truth = truth_of(settings, planned, measured, maps)
    write_atomically(destination / TRUTH_FILE, json.dumps(truth, indent=1).encode())
    shutil.rmtree(destination / taking.UNFINISHED)


def attribute_maps_key(collection: ImageCollection) -> ArtifactKey:
    """Under what the true attribute maps of a demo collection are kept."""
    return ArtifactKey("attribute_maps", collection.fingerprint, parameters={"cells": CELLS, "truth": True})


def _keep_maps(collection: ImageCollection, maps: npt.NDArray[np.uint8], names: Sequence[str]) -> None:
    import numpy as np

    store = ArtifactStore(collection.root / "artifacts")
    with store.write(
        attribute_maps_key(collection), attributes=list(names), axes="image (table order), attribute, row, column"
    ) as folder:
        np.savez_compressed(folder / "maps.npz", maps=maps)


def attribute_maps(collection: ImageCollection) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """The true attribute maps of a demo collection: (N, A, 15, 15) shares as 0..255, and the attributes' names."""
    import numpy as np

    store, key = ArtifactStore(collection.root / "artifacts"), attribute_maps_key(collection)
    names = store.manifest(key)["attributes"]
    folder = store.find(key)
    with np.load(Path(str(folder)) / "maps.npz") as kept:
        return kept["maps"], list(names)
