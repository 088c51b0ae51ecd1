"""A page with nothing but the strip of maps, on made-up maps, for the browser's tests."""

import numpy as np
import streamlit as st
from PIL import Image

from urbanlens.ui.caches import png_address
from urbanlens.ui.mark_strip import mark_strip

SIZE, CELLS, EMPTY = (96, 64), (5, 7), 9
"""Of the picture in px (width, height), of a map in cells (rows, columns), and the mark whose map is empty."""


def picture(number: int) -> Image.Image:
    """Always the same, with colours of all kinds."""
    pixels = np.random.default_rng(number).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(SIZE, Image.Resampling.BICUBIC)


def maps(number: int) -> np.ndarray:
    """(10, h, w)"""
    found = np.random.default_rng(number + 10).random((10, *CELLS), np.float32) ** 3
    found[EMPTY - 1] = 0
    return found


def main() -> None:
    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    number = 1 if st.toggle("Another picture") else 0
    kept = f"mark {number}"
    if st.button("Page chooses 2"):
        state[kept] = 2

    def chosen(mark: int) -> None:
        state[kept] = mark
        state["told"] = [*state.get("told", []), mark]

    shares = np.linspace(0.02, 0.2, 10)
    mark_strip(
        png_address(picture(number)), maps(number), shares=[f"{share:.0%}" for share in shares],
        said=[f"<b>Words</b> of mark {mark}." for mark in range(1, 11)], pale=[bool(share < 0.05) for share in shares],
        chosen=state.setdefault(kept, 5), of=f"picture {number}", key="strip", on_choose=chosen,
    )  # fmt: skip
    st.text(f"told: {state.get('told', [])}; chosen: {state[kept]}; runs: {state['runs']}.")
    with st.container(key="frame"):  # what the tests wait for
        st.caption("end of the page")


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    main()
