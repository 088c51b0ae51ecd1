"""A zip from anywhere, unpacked so that nothing leaves the folder and nothing swells without end."""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from urbanlens.errors import CollectionError
from urbanlens.progress import Progress, silent

MAX_MEMBERS = 500_000
MAX_TOTAL_BYTES = 32_000_000_000
MAX_MEMBER_BYTES = 1_000_000_000
MAX_RATIO = 200
"""How many times a member of more than 10 MB may be larger than its packed bytes; photographs stay below 2."""

_FREE_BYTES = 10_000_000
_CHUNK = 1 << 20
# What zipfile raises on damaged or unknown kinds of archives.
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError,
            NotImplementedError, RuntimeError)  # fmt: skip


def unpack(archive: Path, folder: Path, *, progress: Progress = silent) -> list[tuple[str, str]]:
    """Unpack a zip into an empty folder.

    Returns
    -------
    rejected
        (where, why) of members that were left out: absolute or climbing names, links, encrypted or damaged ones.

    Raises
    ------
    CollectionError
        The file is no zip, or a bomb: too many members or far larger unpacked than packed.
    """
    rejected: list[tuple[str, str]] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _refuse_bombs(archive.name, members, shutil.disk_usage(folder).free)
            taken: set[str] = set()
            for number, member in enumerate(members, start=1):
                why = _unsafe(member, taken)
                if why is None:
                    why = _write(opened, member, folder / member.filename)
                if why is not None:
                    rejected.append((f"{archive.name}: {member.filename}", why))
                progress(number, len(members), "files unpacked")
    except (*_DAMAGED, ValueError) as error:
        if isinstance(error, CollectionError):
            raise
        raise CollectionError(f"{archive.name} is no zip that can be read ({error}): pack it again") from error
    return rejected


def _refuse_bombs(name: str, members: list[zipfile.ZipInfo], free: int) -> None:
    total = sum(member.file_size for member in members)
    if total > free // 2:
        raise CollectionError(
            f"{name} needs {total:,} bytes unpacked, more than half of the {free:,} bytes free here: make room first"
        )
    if len(members) > MAX_MEMBERS or total > MAX_TOTAL_BYTES:
        raise CollectionError(
            f"{name} holds {len(members):,} files of {total:,} bytes unpacked; at most {MAX_MEMBERS:,} files and "
            f"{MAX_TOTAL_BYTES:,} bytes are unpacked: unpack it yourself and import the folder"
        )
    for member in members:
        swollen = member.file_size > max(_FREE_BYTES, MAX_RATIO * member.compress_size)
        if swollen or member.file_size > MAX_MEMBER_BYTES:
            raise CollectionError(
                f"{name}: {member.filename} swells from {member.compress_size:,} to {member.file_size:,} bytes, as a "
                "zip bomb does, and was not unpacked: leave that file out"
            )


def _unsafe(member: zipfile.ZipInfo, taken: set[str]) -> str | None:
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or "\0" in name:
        return "its name is an absolute path: pack the folder with relative names"
    if ".." in PurePosixPath(name).parts:
        return "its name climbs out of the zip with '..': pack the folder again"
    if stat.S_IFMT(member.external_attr >> 16) == stat.S_IFLNK:
        return "it is a link, not a file: pack the file itself"
    if member.flag_bits & 1:
        return "it is encrypted: pack it without a password"
    if "\\" in member.orig_filename:
        member.filename = name
    key = str(PurePosixPath(name))
    if key in taken:
        return "there are two files of this name: rename one"
    taken.add(key)
    return None


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str | None:
    """Write one member; the reason where it is damaged. What is counted is what comes out, not what the zip says."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        written = 0
        with opened.open(member) as source, target.open("wb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                if written > member.file_size:
                    raise CollectionError(f"{member.filename} is larger than the zip says: it is a bomb or damaged")
                file.write(chunk)
    except _DAMAGED as error:
        target.unlink(missing_ok=True)
        return f"it cannot be unpacked ({error}): pack it again"
    return None
