import numpy as np

from urbanlens.plots import palette
from urbanlens.plots.scatter import scatter


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_first_colours_differ_and_show_on_light_and_dark_paper() -> None:
    assert len(set(palette.CATEGORICAL)) == len(palette.CATEGORICAL) == 24
    for colour in palette.OKABE_ITO:
        assert contrast(colour, "#F3EFE6") > 1.8
        assert contrast(colour, "#1B2223") > 2.5


def test_the_sequential_palette_grows_lighter() -> None:
    light = [luminance(colour) for colour in palette.sequential(24)]
    assert light == sorted(light)
    assert palette.sequential(7) == list(palette.SEQUENTIAL)


def test_bins_span_the_numbers_and_skip_missing_ones() -> None:
    steps, low, high = palette.bins([*np.linspace(0, 100, 101), np.nan], 10)
    assert steps[-1] == -1
    assert (low, high) == (1, 99)
    assert steps[:-1].min() == 0 and steps.max() == 9
    assert (np.diff(steps[:-1]) >= 0).all()
    assert palette.bins([np.nan], 10)[0].tolist() == [-1]


def test_a_scatter_has_one_trace_a_group_and_leads_back_to_images() -> None:
    plane, labels = np.random.default_rng(0).normal(size=(9, 2)), np.array([0, 0, 1, 1, 1, -1, 0, 1, -1])
    figure = scatter(plane, labels, {0: "Look 1", 1: "Look 2"}, {0: "#111111", 1: "#222222"}, ids=list("abcdefghi"))
    assert [trace.name for trace in figure.data] == ["in no cluster", "Look 1", "Look 2"]
    assert list(figure.data[1].customdata) == [[0, 0], [1, 0], [6, 0]]
    assert figure.data[2].text == tuple("cdeh")
    assert sum(len(trace.x) for trace in figure.data) == 9
