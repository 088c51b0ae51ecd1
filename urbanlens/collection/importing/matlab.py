"""Matrices of numbers and cells of texts from MATLAB files (level 5: what `save` writes with -v6 or -v7).

`scipy.io.loadmat` reads these too, but a few wrong bytes in a file crash it together with the whole program (seen with
scipy 1.17.1), which a server that takes uploads cannot afford. Here every length is checked before it is used.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from urbanlens.errors import CollectionError

MAX_BYTES = 256_000_000
"""How large a file, all that it holds unpacked, or a matrix read from it may be; SUN's largest has 12 MB."""

MAX_CELLS = 1_000_000
"""How many texts a cell array may hold; SUN's largest has 14,340."""

_HEADER = 128
_HDF = b"\x89HDF"
_MATRIX, _COMPRESSED = 14, 15
_CELL, _CHAR, _OPAQUE = 1, 4, 17
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MAX_DEPTH = 4

_Order = Literal["<", ">"]


class _DamageError(Exception):
    """The bytes contradict themselves; turned into a CollectionError that names the file."""


@dataclass(frozen=True)
class _Matrix:
    """A variable, or a member of a cell: what it is, and its bytes not yet read."""

    kind: int
    complex: bool
    shape: tuple[int, ...]
    name: str
    body: memoryview
    order: _Order

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def read_numbers(file: Path, variable: str) -> npt.NDArray[np.float64]:
    """A (rows, columns) matrix of real numbers.

    Raises
    ------
    CollectionError
        The file cannot be read, is cut off or of another kind, or the variable is missing or no such matrix.
    """
    try:
        matrix = _find(file, variable)
        if matrix.kind not in _NUMBERS or matrix.complex or len(matrix.shape) != 2:
            raise CollectionError(
                f"{file.name}: the variable {variable!r} is no matrix of numbers with rows and columns: give SUN's file"
            )
        if 8 * matrix.size > MAX_BYTES:  # a number may take a byte in the file, and little of one packed
            raise CollectionError(
                f"{file.name}: the variable {variable!r} has {matrix.size:,} numbers; at most {MAX_BYTES // 8:,} are "
                "read: give SUN's file"
            )
        kind, data, _ = _element(matrix.body, 0, matrix.order)
        if kind not in _TYPES:
            raise _DamageError(f"numbers of the unknown type {kind}")
        dtype = np.dtype(_TYPES[kind]).newbyteorder(matrix.order)
        if len(data) != matrix.size * dtype.itemsize:
            raise _DamageError(f"{len(data)} bytes for {matrix.size} numbers")
        return np.frombuffer(data, dtype).astype(np.float64).reshape(matrix.shape, order="F")
    except _DamageError as error:
        raise _refusal(file, error) from error


def read_texts(file: Path, variable: str) -> list[str]:
    """The texts of a cell array, column by column; a cell that holds one cell with a text counts as the text.

    Raises
    ------
    CollectionError
        The file cannot be read, is cut off or of another kind, or the variable is missing or no such cell array.
    """
    try:
        matrix = _find(file, variable)
        if matrix.kind != _CELL:
            raise CollectionError(f"{file.name}: the variable {variable!r} is no cell array of texts: give SUN's file")
        if matrix.size > MAX_CELLS:
            raise CollectionError(
                f"{file.name}: the variable {variable!r} has {matrix.size:,} cells; at most {MAX_CELLS:,} are read: "
                "give SUN's file"
            )
        found = []
        for number, member in enumerate(_members(matrix), start=1):
            text = _text(member)
            if text is None:
                raise CollectionError(f"{file.name}: cell {number} of {variable!r} holds no text: put one there")
            found.append(text)
        return found
    except _DamageError as error:
        raise _refusal(file, error) from error


def _refusal(file: Path, why: Exception) -> CollectionError:
    return CollectionError(f"{file.name} is damaged or cut off ({why}): download or copy it again")


def _find(file: Path, variable: str) -> _Matrix:
    seen = []
    for matrix in _variables(file):
        if matrix.name == variable:
            return matrix
        seen.append(matrix.name)
    has = ", ".join(filter(None, seen)) or "none"
    raise CollectionError(f"{file.name} has no variable {variable!r}; it has {has:.200}: give the file as SUN gives it")


def _variables(file: Path) -> Iterator[_Matrix]:
    data = memoryview(_bytes(file))
    order: _Order = "<" if bytes(data[126:128]) == b"IM" else ">"
    start, left = _HEADER, MAX_BYTES
    while start < len(data):
        kind, body, start = _element(data, start, order)
        if kind == _COMPRESSED:
            unpacked = _inflated(body, left)
            left -= len(unpacked)
            kind, body, _ = _element(memoryview(unpacked), 0, order)
        if kind == _MATRIX:
            yield _matrix(body, order)


def _bytes(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise CollectionError(f"{file.name} has {size:,} bytes; at most {MAX_BYTES:,} are read: give SUN's file")
        raw = file.read_bytes()
    except OSError as error:
        raise CollectionError(f"{file.name} cannot be read ({error})") from error
    if _HDF in (raw[:4], raw[512:516]):
        raise CollectionError(
            f"{file.name} is a MATLAB 7.3 file (HDF5), which is not read here: save it in MATLAB with save(…, '-v7')"
        )
    if len(raw) < _HEADER and (not raw or raw.startswith(b"MATLAB")):
        raise _DamageError(f"{len(raw)} bytes, where its header alone has {_HEADER}")
    if raw[124:128] not in (b"\0\x01IM", b"\x01\0MI"):
        raise CollectionError(f"{file.name} is no MATLAB file of level 5: save it in MATLAB with save(…, '-v7')")
    return raw


def _inflated(packed: memoryview, most: int) -> bytes:
    """The bytes unpacked, at most `most` of them."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, most) if most else b""  # 0 would mean: any number
    except zlib.error as error:
        raise _DamageError(str(error)) from error
    if not unpacker.eof:
        raise _DamageError("a variable does not end, or is far too large unpacked")
    return data


def _element(data: memoryview, start: int, order: _Order) -> tuple[int, memoryview, int]:
    """The type and bytes of the element at `start`, and where the next one starts."""
    if start < 0 or start + 8 > len(data):
        raise _DamageError("it ends within a variable")
    first, second = np.frombuffer(data[start : start + 8], f"{order}u4").tolist()
    if first >> 16:  # the short form: type, length and up to four bytes in eight
        kind, length, begin, following = first & 0xFFFF, first >> 16, start + 4, start + 8
        if length > 4:
            raise _DamageError(f"a short element of {length} bytes")
    else:
        kind, length, begin = first, second, start + 8
        following = begin + (length if kind == _COMPRESSED else -(-length // 8) * 8)
    if begin + length > len(data):
        raise _DamageError("it ends within a variable")
    return kind, data[begin : begin + length], following


def _matrix(data: memoryview, order: _Order) -> _Matrix:
    if not data:  # how an empty member of a cell may be written
        return _Matrix(_NUMBERS[0], False, (0, 0), "", data, order)
    _, raw_flags, start = _element(data, 0, order)
    if len(raw_flags) != 8:
        raise _DamageError("a variable without its flags")
    flags = int(np.frombuffer(raw_flags, f"{order}u4")[0])
    if flags & 0xFF == _OPAQUE:  # an object, which has no shape
        return _Matrix(_OPAQUE, False, (), "", data[:0], order)
    _, raw_shape, start = _element(data, start, order)
    _, raw_name, start = _element(data, start, order)
    if len(raw_shape) % 4 or not 8 <= len(raw_shape) <= 32:
        raise _DamageError("a variable without its shape")
    shape = tuple(np.frombuffer(raw_shape, f"{order}i4").tolist())
    if min(shape) < 0:
        raise _DamageError(f"a variable of the shape {shape}")
    name = bytes(raw_name).decode("utf-8", "replace").rstrip("\0")
    return _Matrix(flags & 0xFF, bool(flags & _COMPLEX), shape, name, data[start:], order)


def _members(matrix: _Matrix) -> Iterator[_Matrix]:
    start = 0
    for _ in range(matrix.size):
        kind, body, start = _element(matrix.body, start, matrix.order)
        if kind != _MATRIX:
            raise _DamageError(f"a cell with a member of the type {kind}")
        yield _matrix(body, matrix.order)


def _text(matrix: _Matrix, depth: int = 0) -> str | None:
    """The one line of text in a matrix of characters, or in a cell of one member; None where there is none."""
    if matrix.kind == _CELL and matrix.size == 1 and depth < _MAX_DEPTH:
        return _text(next(_members(matrix)), depth + 1)
    if not matrix.size and matrix.kind in (_CHAR, *_NUMBERS):
        return ""
    if matrix.kind != _CHAR or matrix.shape[0] != 1:
        return None
    kind, data, _ = _element(matrix.body, 0, matrix.order)
    encoding = _ENCODINGS.get(kind, "")
    if not encoding:
        raise _DamageError(f"a text of the unknown type {kind}")
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if matrix.order == "<" else "-be"
    try:
        return bytes(data).decode(encoding)
    except UnicodeDecodeError as error:
        raise _DamageError(f"a text that is no {encoding}") from error
