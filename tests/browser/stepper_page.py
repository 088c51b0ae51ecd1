"""A page with nothing but the stepper, on a made-up way, for the browser's tests."""

import numpy as np
import streamlit as st
from PIL import Image

from urbanlens.plots.stepper import RealImage, Way
from urbanlens.plots.way_map import way_map
from urbanlens.transformation.record import Settings, Transformation
from urbanlens.ui.caches import png_address
from urbanlens.ui.stepper import stepper

SIDE, FRAMES = 32, 11
NETWORKS, DRIVES = ("puller", "<b>judge</b>", "other-judge"), (True, False, False)
OBJECTS = ("sky", "fence", "signboard", "earth")
LAST = 1 + FRAMES + 3 - 1
"""The last stop: after the original and the frames come three real images."""


def picture(seed: int, hue: tuple[int, int, int] = (120, 130, 140)) -> Image.Image:
    """Always the same for a seed."""
    pixels = np.random.default_rng(seed).integers(-60, 60, (6, 6, 3)) + np.array(hue)
    small = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def transformation(seed: int = 0, start: str = "image") -> Transformation:
    """Frames from one picture to another; the first judge sees the target from the middle on, the second never."""
    first, last = (np.asarray(picture(10 * seed + n), np.float32) for n in range(2))
    share = np.linspace(0, 1, FRAMES)[:, None, None, None]
    certainty = np.stack([np.linspace(0.1, 0.99, FRAMES), np.linspace(0.2, 0.8, FRAMES), np.full(FRAMES, 0.3)], 1)
    shares = np.linspace([0.4, 0.2, 0.05, 0.1], [0.4, 0.02, 0.15, 0.2], FRAMES)
    return Transformation(
        f"image-{seed}" if start == "image" else "", "East" if start == "image" else "", "West",
        Settings(start="image" if start == "image" else "prototype"), NETWORKS, DRIVES,
        np.arange(0, 5 * FRAMES, 5), (first * (1 - share) + last * share).round().astype(np.uint8),
        np.zeros((2, 1, 2, 2), np.float16), certainty.astype(np.float32),
        np.array([0.05, 0.1, np.nan], np.float32), OBJECTS, shares.astype(np.float32),
    )  # fmt: skip


def way(seed: int = 0, start: str = "image") -> Way:
    """With five real images, the nearest of which changes twice."""
    objects = [{"sky": 0.3, "fence": 0.1 * n, "tree": 0.05} for n in range(6)]
    real = [
        RealImage(png_address(picture(100 + n)), f"real-{n}", "West" if n > 2 else "East", f"Street {n}", f"single?{n}",
                  None if n == 1 else (0.01 * n, 0.02 * n), objects[n] if n != 4 else None)
        for n in range(5)
    ]  # fmt: skip
    original = RealImage(png_address(picture(99)), f"image-{seed}", "East", "Old Town", "", (0.05, 0.0), objects[5])
    nearest = np.array([0] * 4 + [1] * 3 + [3] * 4)
    return Way(
        transformation(seed, start), original if start == "image" else None, real, nearest,
        np.linspace(0.5, 0.7, FRAMES), [(3, 0.7), (4, 0.65), (2, 0.6)],
    )  # fmt: skip


def main() -> None:
    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    number = 1 if st.toggle("Another way") else 0
    start = "prototype" if st.toggle("A prototype") else "image"
    kept = f"stop {number} {start}"
    if st.button("Page chooses 2"):
        state[kept] = 2

    def chosen(stop: int) -> None:
        state[kept] = stop
        state["told"] = [*state.get("told", []), stop]

    one = way(number, start)
    places = [image.place for image in [*one.real, *([one.original] if one.original else [])]]
    ground = way_map(places, np.linspace(0, 0.06, 50), np.linspace(0, 0.1, 50))
    stepper(one, ground=ground, chosen=state.get(kept), of=kept, key="stepper", on_choose=chosen)
    st.text(f"told: {state.get('told', [])}; chosen: {state.get(kept)}; runs: {state['runs']}.")
    with st.container(key="frame"):  # what the tests wait for
        st.caption("end of the page")


if __name__ == "__main__":
    st.set_page_config(layout="wide")
    main()
