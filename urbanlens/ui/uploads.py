"""Files that a visitor gives: kept in a private folder while they are read, and removed afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from urbanlens.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image
    from streamlit.runtime.uploaded_file_manager import UploadedFile

PHOTOGRAPHS = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif"]


def photograph(file: UploadedFile) -> tuple[Image | None, str]:
    """A dropped photograph, decoded safely, and "" ; or None and what is wrong with it."""
    from urbanlens.collection import open_image

    try:
        return open_image(file.getvalue(), file.name), ""
    except ImageError as error:
        return None, str(error)


def stored(files: Sequence[UploadedFile], called: str) -> Path:
    """The files in a fresh folder `called` so, under their own names; a name that repeats gets a number.

    The caller removes the folder with `discard`.
    """
    folder = Path(tempfile.mkdtemp(prefix="urbanlens-upload-")) / called
    folder.mkdir()
    for file in files:
        name = safe_name(file.name)
        target = folder / name
        number = 2
        while target.exists():
            target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
            number += 1
        with target.open("wb") as out:
            file.seek(0)
            shutil.copyfileobj(file, out)
    return folder


def discard(folder: Path) -> None:
    """Remove a folder made by `stored`."""
    shutil.rmtree(folder.parent, ignore_errors=True)


def safe_name(given: str) -> str:
    """The last part of a file's name, without what a path could be built from."""
    name = given.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "").strip()
    return name if name not in ("", ".", "..") else "unnamed"


def slug(title: str) -> str:
    """A folder name made of a title: small letters, digits and hyphens."""
    letters = "".join(letter if letter.isalnum() else "-" for letter in title.lower())
    return "-".join(part for part in letters.split("-") if part)[:60]
