"""A folder of photographs: where, when and which way, as the camera wrote it into EXIF."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from urbanlens.collection.columns import Columns
from urbanlens.collection.importing.listing import Listing, is_image_name, linked_folders, walk
from urbanlens.errors import CollectionError

_GPS, _EXIF = 0x8825, 0x8769
_LAT_REF, _LAT, _LON_REF, _LON, _DIRECTION = 1, 2, 3, 4, 17
_TIME, _TIME_ORIGINAL, _OFFSET_ORIGINAL = 0x0132, 0x9003, 0x9011


@dataclass(frozen=True)
class Shot:
    """What EXIF says of a photograph; NaN or None where it does not.

    Attributes
    ----------
    heading
        Degrees clockwise from north, in [0, 360).
    captured_at
        ISO time, with its offset where the camera knew it.
    note
        Why a place that was there is not used.
    """

    lat: float = math.nan
    lon: float = math.nan
    heading: float = math.nan
    captured_at: str | None = None
    note: str = ""


def read_shot(image: Image.Image) -> Shot:
    """Read the EXIF block of an opened picture; a damaged block says nothing."""
    try:
        exif = image.getexif()
        gps, detail = dict(exif.get_ifd(_GPS)), dict(exif.get_ifd(_EXIF))
        time = _time(detail.get(_TIME_ORIGINAL) or exif.get(_TIME), detail.get(_OFFSET_ORIGINAL))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, struct.error, AttributeError, OverflowError):
        return Shot(note="its EXIF block is damaged and was not read")
    lat, lon, note = _place(gps)
    heading = _number(gps.get(_DIRECTION))
    return Shot(lat, lon, heading % 360 if math.isfinite(heading) else math.nan, time, note)


def _place(gps: Mapping[int, Any]) -> tuple[float, float, str]:
    nowhere = (math.nan, math.nan)
    if _LAT not in gps and _LON not in gps:
        return *nowhere, ""
    lat, lat_note = _degrees(gps.get(_LAT), gps.get(_LAT_REF), "N", "S", 90)
    lon, lon_note = _degrees(gps.get(_LON), gps.get(_LON_REF), "E", "W", 180)
    if lat_note or lon_note:
        return *nowhere, lat_note or lon_note
    if lat == 0 and lon == 0:
        return *nowhere, "its GPS says 0, 0, which a camera without a fix writes"
    return lat, lon, ""


def _degrees(value: Any, ref: Any, positive: str, negative: str, limit: int) -> tuple[float, str]:
    parts = list(value) if isinstance(value, tuple | list) else [value]
    numbers = [_number(part) for part in parts]
    if not 1 <= len(numbers) <= 3 or not all(map(math.isfinite, numbers)):
        return math.nan, f"its GPS holds {value!r} where degrees, minutes and seconds are needed"
    degrees = sum(number / 60**power for power, number in enumerate(numbers))
    letter = (ref.decode("latin-1") if isinstance(ref, bytes) else str(ref or "")).strip("\0 ").upper()[:1]
    if letter not in (positive, negative) and degrees >= 0:
        return math.nan, f"its GPS does not say whether {degrees:.4f}° is {positive} or {negative}"
    degrees = -abs(degrees) if letter == negative else degrees
    if abs(degrees) > limit:
        return math.nan, f"its GPS says {degrees:g}°, outside of -{limit}…{limit}"
    return degrees, ""


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return math.nan


def _time(value: Any, offset: Any) -> str | None:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value or "")
    try:
        moment = datetime.strptime(text.strip("\0 ")[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return None
    zone = str(offset or "").strip("\0 ")
    return moment + zone if len(zone) == 6 and zone[0] in "+-" else moment


def list_folder(folder: Path, title: str) -> Listing:
    """Every image file below `folder`; the first sub-folder becomes the label column `folder` where there are some."""
    files = list(walk(folder))
    images = [path for path in files if is_image_name(path)]
    if not images:
        raise CollectionError(
            f"{folder} holds no image among its {len(files)} files: give a folder with .jpg, .png, .webp or .tif files"
        )
    paths = [path.relative_to(folder).as_posix() for path in images]
    table = pd.DataFrame({"path": pd.Series(paths, dtype="str"), "lat": math.nan, "lon": math.nan})
    listing = Listing(folder, table, list(paths), title, exif=True)
    for link in linked_folders(folder):
        listing.rejected.append((link, "it is a link to a folder, which is not followed: copy the folder there"))
    tops = [path.split("/")[0] if "/" in path else None for path in paths]
    if 2 <= len({top for top in tops if top is not None}) <= 200:
        table["folder"] = pd.Series(tops, dtype="str")
        listing.columns = Columns(labels=["folder"])
    if len(files) > len(images):
        others = [path.relative_to(folder).as_posix() for path in files if not is_image_name(path)]
        listing.notes.append(f"{len(others)} other files were left alone, as {', '.join(others[:3])}")
    return listing
