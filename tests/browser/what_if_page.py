"""A page with nothing but "what if" on made-up attributes, for the browser's tests.

`?attributes=22` sets how many, `?changes=` what is changed to begin with; with `?apart=1` each image has its changes.
"""

import base64
import io

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from urbanlens.ui.what_if import Changes, pack, unpack, what_if

SIDE, BIAS = 15, 5.2
NAMES = (
    *("trees", "open area", "man-made", "asphalt", "natural light", "<b>clouds</b>", "grass", "driving", "dirty"),
    *("rugged scene", "warm", "vegetation", "enclosed area", "far-away horizon", "soil", "metal", "glass", "wire"),
    *("pavement", "congregating", "cold", "transporting things"),
)


def arrays(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Soft blobs and templates that weigh up and down differently; always the same."""
    random = np.random.default_rng(seed)
    down, right = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    places = random.uniform(0.1, 0.9, (count, 2, 1, 1))
    widths = random.uniform(0.02, 0.15, (count, 1, 1))
    maps = np.exp(-((down - places[:, 0]) ** 2 + (right - places[:, 1]) ** 2) / widths)
    signs, slopes = random.normal(0, 0.012, (2, count, 1, 1))
    templates = signs + slopes * (down - 0.5) + random.normal(0, 0.0015, (count, SIDE, SIDE))
    return maps.astype(np.float32), templates.astype(np.float32)


@st.cache_data(show_spinner=False)
def picture() -> str:
    """A street of sorts."""
    image = Image.new("RGB", (192, 192), "#9cc3e0")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 110, 192, 192), fill="#6f7a66")
    pen.polygon(((80, 110), (112, 110), (170, 192), (22, 192)), fill="#55585c")
    for left, colour in ((6, "#b5654a"), (44, "#d9c7a0"), (124, "#7f8fa6"), (158, "#a34f3b")):
        pen.rectangle((left, 50 + left % 31, left + 30, 120), fill=colour)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def main() -> None:
    count, state = int(st.query_params.get("attributes", "22")), st.session_state
    state["runs"] = state.get("runs", 0) + 1
    reset = st.button("Page resets")
    seed = 1 if st.toggle("Another image") else 0
    maps, templates = arrays(count, seed)
    of = f"image {seed}" if "apart" in st.query_params else ""
    kept = f"changes {of}"
    if reset:
        state[kept] = Changes()
    if kept not in state:
        state[kept] = unpack(st.query_params.get("changes", ""), count, SIDE)
    answer = what_if(
        maps,
        templates,
        BIAS,
        [NAMES[i % len(NAMES)] for i in range(count)],
        picture=picture(),
        crowd=5.7,
        score_name="scenicness",
        limits=(1.0, 10.0),
        changes=state[kept],
        of=of,
        key="if",
    )
    state[kept] = answer
    st.text(f"packed: {pack(answer, count, SIDE)} ;")
    st.text(f"runs: {state['runs']}.")
    with st.container(key="frame"):  # what the tests wait for
        st.caption("end of the page")


st.set_page_config(layout="wide")
main()
