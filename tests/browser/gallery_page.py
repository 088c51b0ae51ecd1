"""A page with nothing but a plane of pictures of the demo, for the browser's tests and for the benchmark.

`?pictures=60&dots=200` sets how many.
"""

import numpy as np
import streamlit as st

from urbanlens.demo import open_demo
from urbanlens.embedding.spread import spread
from urbanlens.plots.gallery import Atlas, build_atlas
from urbanlens.plots.palette import OKABE_ITO
from urbanlens.ui.gallery import choice, gallery
from urbanlens.ui.pictures import picture

CLASSES = ("Hanamori", "Steelport")


@st.cache_resource(show_spinner=False)
def drawn(count: int) -> tuple[list[str], Atlas]:
    """Images from all over the demo, and their atlas."""
    images = open_demo()
    ids = [images.ids[row] for row in np.linspace(0, len(images.ids) - 1, count).astype(int)]
    return ids, build_atlas(images.image(name) for name in ids)


def layout(count: int) -> np.ndarray:
    """Four heaps, the pictures first; always the same."""
    random = np.random.default_rng(0)
    middles = np.array([(-0.6, -0.5), (0.6, -0.5), (-0.6, 0.5), (0.6, 0.5)])
    return (middles[np.arange(count) % 4] + random.normal(0, 0.16, (count, 2))).astype(np.float32)


@st.cache_data(show_spinner=False)
def places(pictures: int, points: int) -> np.ndarray:
    return spread(layout(points)[:pictures], aspect=1.6)


def keep() -> None:
    """What was clicked and selected, kept before the run that follows."""
    state, done = st.session_state, choice("plane")
    if done.selected is not None:
        state["rows"] = done.selected
    if done.clicked is not None:
        state["row"], state["clicks"] = done.clicked, state.get("clicks", 0) + 1


def main() -> None:
    pictures = int(st.query_params.get("pictures", "60"))
    count = pictures + int(st.query_params.get("dots", "200"))
    images, state = open_demo(), st.session_state
    apart = st.toggle("Spread apart")
    kind = st.radio("Colour", ["city", "heap"], horizontal=True)
    ids, atlas = drawn(pictures)
    cities = images.table.set_index("image_id").loc[ids, "city"]
    by_city = np.resize([CLASSES.index(city) if city in CLASSES else -1 for city in cities], count)
    names = CLASSES if kind == "city" else ("Heap 1", "Heap 2", "Heap 3", "Heap 4")
    answer = gallery(
        layout(count),
        atlas,
        np.arange(pictures),
        ids=ids,
        captions=[f"<b>Picture</b> {number}" for number in range(pictures)],
        colours=by_city if kind == "city" else np.arange(count) % 4,
        palette=list(zip(names, OKABE_ITO, strict=False)),
        spread=places(pictures, count) if apart else None,
        chosen=state.get("row"),
        selected=state.get("rows", ()),
        key="plane",
        height=int(st.query_params.get("height", "640")),
        on_change=keep,
    )
    st.text(f"this run: {answer.clicked} {answer.selected is not None}")
    if state.get("rows"):
        st.text(f"selected {len(state['rows'])}: {' '.join(map(str, state['rows'][:20]))}")
    if "row" in state:
        with st.container(key="clicked"):
            st.text(f"row {state['row']} click {state['clicks']}")
            if state["row"] < pictures:
                picture(images.image(ids[state["row"]]), ids[state["row"]], most=400)
    with st.container(key="frame"):  # what the journeys wait for
        st.caption("end of the page")


st.set_page_config(layout="wide")
main()
