"""The images that a visitor picked with the lasso: for the pages Explanations and Objects, and in the address."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from urbanlens.ui import pictures, state

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

Rows = NDArray[np.bool_]
LONGEST = 4000
"""Most letters of a lasso in the address; a larger one lives as long as the visit."""
MARKS = 6
_HELD = "urbanlens.lasso"


def picked(collection: ImageCollection) -> Rows | None:
    """The images picked with the lasso, (N,) of the whole collection; None where nothing is picked."""
    whole = collection.whole
    held: tuple[str, Rows] | None = st.session_state.get(_HELD)
    text = state.param("picked")
    if held is not None and text and text == address(whole, held[1]):
        return held[1]
    begin = whole.fingerprint[:MARKS]
    return decode(text.removeprefix(begin), len(whole)) if text.startswith(begin) else None


def address(whole: ImageCollection, mask: Rows) -> str:
    """The images of a mask as text for the address; its first letters say of which collection.

    Where that is too long, a mere name for them: it is understood as long as the visit lasts.
    """
    text = encode(mask)
    if len(text) > LONGEST:
        text = f"~{zlib.crc32(text.encode()):08x}"
    return whole.fingerprint[:MARKS] + text


def pick(collection: ImageCollection, rows: Sequence[int]) -> None:
    """Keep the images picked with the lasso, for this page and for Objects; none lifts it."""
    whole = collection.whole
    st.session_state.pop(_HELD, None)
    state.set_param("picked", None)
    if not len(rows):
        return
    mask = np.zeros(len(whole), bool)
    mask[list(rows)] = True
    st.session_state[_HELD] = (whole.fingerprint, mask)
    state.set_param("picked", address(whole, mask))


def badge(collection: ImageCollection) -> None:
    """What is picked, and the button that lifts it."""
    chosen = picked(collection)
    if chosen is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pictures.quiet(f"Only the {int(chosen.sum()):,} images picked with the lasso on the page Explanations count.")
        st.button("Count all again", key="lift-lasso", on_click=pick, args=(collection, ()), type="tertiary")


def encode(mask: Rows) -> str:
    """A mask as letters for the address: a bit an image, compressed."""
    return base64.urlsafe_b64encode(zlib.compress(np.packbits(mask).tobytes(), 9)).decode().rstrip("=")


def decode(text: str, count: int) -> Rows | None:
    """The rows of an address; None where it is not one of this collection."""
    try:
        packed = zlib.decompressobj().decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), count)
    except (ValueError, zlib.error):
        return None
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    return bits[:count].astype(bool) if count <= len(bits) < count + 8 and bits[:count].any() else None
