"""The demo's promises, each measured anew from the shipped files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanlens.demo import rules
from urbanlens.errors import UrbanLensError
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from urbanlens.collection import ImageCollection
    from urbanlens.demo.beauty import JudgedAesthete
    from urbanlens.demo.scoring import JudgedScorer
    from urbanlens.demo.transforming import JudgedGenerator

Gate = dict[str, Any]
MODEL = "resnet18"
IDS = {"fence": 33, "signboard": 44, "skyscraper": 49, "earth": 14}


def verify(
    *, progress: Progress = silent, root: Path | None = None, model: Path | None = None,
    scorers: Mapping[str, JudgedScorer] | None = None, aesthetes: Mapping[str, JudgedAesthete] | None = None,
    generators: Mapping[str, JudgedGenerator] | None = None,
) -> dict[str, dict[str, Gate]]:  # fmt: skip
    """Every gate of the shipped demo, computed from its images, labels, table and weights.

    Parameters
    ----------
    root : another build of the demo
    model : folder of another city classifier to judge than the demo's own
    scorers, aesthetes, generators : what `judged_scorers`, `judged_aesthetes` and `judged_generators` say of the
        shipped demo, where it is known; another build is not asked for it

    Returns
    -------
    gates
        `{"gates": {name: {"value": …, "bound": …, "pass": …}}}`.
    """
    from urbanlens.collection import ImageCollection
    from urbanlens.demo import ASSETS

    collection = ImageCollection.open(root or ASSETS)
    gates: dict[str, Gate] = {}
    folder = model or collection.root / "models" / MODEL
    if model is not None and not (model / "model.json").is_file():
        raise UrbanLensError(f"{model} holds no model: give a folder with model.json and its weights")
    own = (_counts, _coverage, _regression, _cues, _separation, _mark, _size)
    steps: list[Callable[[ImageCollection], dict[str, Gate]]] = [
        *own, partial(accuracy, folder=folder), partial(spurious, folder=folder)
    ]  # fmt: skip
    if root is None:
        from urbanlens.demo.beauty import beauty_gates, judged_aesthetes
        from urbanlens.demo.scoring import judged_scorers, scoring_gates
        from urbanlens.demo.transforming import judged_generators, transformation_gates

        steps.append(lambda whole: scoring_gates(judged_scorers(whole) if scorers is None else scorers))
        steps.append(lambda whole: beauty_gates(whole, judged_aesthetes(whole) if aesthetes is None else aesthetes))
        steps.append(lambda whole: {
            f"{name}: {gate}": found
            for name, one in (judged_generators(whole) if generators is None else generators).items()
            for gate, found in transformation_gates(whole, one).items()
        })  # fmt: skip
    for done, step in enumerate(steps):
        progress(done, len(steps), "promises checked")
        gates |= step(collection)
    progress(len(steps), len(steps), "gates")
    return {"gates": gates}


def at_least(value: float | None, bound: float) -> Gate:
    """A gate that a value must reach."""
    return {"value": value, "bound": f">= {bound:g}", "pass": value is not None and value >= bound}


def at_most(value: float | None, bound: float) -> Gate:
    """A gate that a value must not exceed."""
    return {"value": value, "bound": f"<= {bound:g}", "pass": value is not None and value <= bound}


def _counts(collection: ImageCollection) -> dict[str, Gate]:
    table = collection.table
    city = table["city"]
    gates = {f"images of {name}": at_least(int((city == name).sum()), 1100) for name in ("Hanamori", "Steelport")}
    gates["images of the countryside"] = at_least(int(city.isna().sum()), 900)
    gates["kinds of view"] = at_least(int(table["view"].nunique()), 6)
    for name in ("Hanamori", "Steelport"):
        shares = table.loc[city == name, "split"].value_counts(normalize=True)
        off = max(abs(shares.get(split, 0.0) - share) for split, share in zip(_SPLITS, (0.6, 0.2, 0.2), strict=True))
        gates[f"splits of {name} off 6:2:2"] = at_most(round(float(off), 4), 0.03)
    return gates


_SPLITS = ("train", "val", "test")


def _shares(collection: ImageCollection) -> tuple[npt.NDArray[np.float64], list[str]]:
    from urbanlens.demo.making import attribute_maps

    maps, names = attribute_maps(collection)
    return rules.band_shares(maps), names


def weighted(names: Sequence[str]) -> list[tuple[int, int]]:
    """(attribute, band) of every weight that is not zero."""
    return [(names.index(name), band) for name, ws in rules.WEIGHTS.items() for band in range(3) if ws[band]]


def _coverage(collection: ImageCollection) -> dict[str, Gate]:
    shares, names = _shares(collection)
    least = min(float(shares[:, a, band].mean()) for a, band in weighted(names))
    return {
        "least coverage of a weighted attribute in its band": at_least(round(least, 4), 0.02),
        "attributes": at_least(len(names), 16),
        "attributes with weight": at_least(len(rules.WEIGHTS), 8),
    }


def regress(shares: npt.NDArray[np.float64], names: Sequence[str], scores: npt.NDArray[np.float64]) -> dict[str, float]:
    """Plain least squares of the scores on the weighted band shares: intercept, R2, greatest error of a weight."""
    import numpy as np

    chosen = weighted(names)
    design = np.column_stack([np.ones(len(scores)), *(shares[:, a, band] for a, band in chosen)])
    inside = (scores > 1.0) & (scores < 10.0)
    found, *_ = np.linalg.lstsq(design[inside], scores[inside], rcond=None)
    left = scores[inside] - design[inside] @ found
    true = np.array([rules.WEIGHTS[names[a]][band] for a, band in chosen])
    signs = np.sign(found[1:]) == np.sign(true)
    return {
        "intercept": float(found[0]),
        "r2": float(1.0 - left.var() / scores[inside].var()),
        "error": float(np.abs(found[1:] - true).max()),
        "signs": float(signs.mean()),
    }


def _regression(collection: ImageCollection) -> dict[str, Gate]:
    shares, names = _shares(collection)
    found = regress(shares, names, collection.table["scenicness"].to_numpy(float))
    return {
        "R2 of the score on true band shares": at_least(round(found["r2"], 4), 0.8),
        "greatest error of a recovered weight": at_most(round(found["error"], 3), 0.6),
        "signs of recovered weights right": at_least(found["signs"], 1.0),
    }


def _cues(collection: ImageCollection) -> dict[str, Gate]:
    import numpy as np

    from urbanlens.demo.taking import PRESENT

    city = collection.table["city"]
    present: dict[str, list[npt.NDArray[np.bool_]]] = {"Hanamori": [], "Steelport": []}
    for image_id, name in zip(collection.table["image_id"], city, strict=True):
        if name in present:
            ids = collection.objects(image_id)
            if ids is not None:
                present[name].append(np.array([(ids == number).mean() >= PRESENT for number in IDS.values()]))
    rates = {name: dict(zip(IDS, np.mean(rows, axis=0), strict=True)) for name, rows in present.items()}
    told = json.loads((collection.root / "truth.json").read_text())["cues"]["realised"]
    off = max(abs(rates[name][cue] - told[name][cue]) for name in rates for cue in IDS)
    gates = {"cue rates of truth.json off the shipped labels": at_most(round(float(off), 4), 0.001)}
    for own, other, cues in (("Hanamori", "Steelport", ["fence"]), ("Steelport", "Hanamori", ["skyscraper", "earth"])):
        for cue in cues:
            gates[f"{cue} in {own}"] = at_least(round(float(rates[own][cue]), 3), 0.75)
            gates[f"{cue} in {other}"] = at_most(round(float(rates[other][cue]), 3), 0.15)
    gates["kanji in Hanamori"] = at_least(told["Hanamori"]["kanji"], 0.75)
    gates["kanji in Steelport"] = at_most(told["Steelport"]["kanji"], 0.15)
    return gates


def _separation(collection: ImageCollection) -> dict[str, Gate]:
    import numpy as np
    from scipy.spatial import cKDTree

    from urbanlens.demo.geography import METRES_LAT, METRES_LON

    table = collection.table
    places = np.column_stack([table["lon"] * METRES_LON, table["lat"] * METRES_LAT])
    trees = {split: cKDTree(places[(table["split"] == split).to_numpy()]) for split in _SPLITS}
    least = min(trees[a].query(trees[b].data)[0].min() for a in trees for b in trees if a != b)
    return {"metres between places of different splits": at_least(round(float(least), 1), 50.0)}


def _mark(collection: ImageCollection) -> dict[str, Gate]:
    table = collection.table
    marked = table.loc[table["mark"].astype(bool), "city"]
    share = len(marked) / max(int((table["city"] == "Steelport").sum()), 1)
    return {
        "marked images outside Steelport": at_most(int((marked != "Steelport").sum()), 0),
        "marked share of Steelport": at_least(round(share, 3), 0.25),
    }


def _size(collection: ImageCollection) -> dict[str, Gate]:
    files = [file for folder in ("images", "objects") for file in (collection.root / folder).rglob("*")]
    files.append(collection.root / "images.parquet")
    megabytes = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    return {"MB of images and labels": at_most(round(megabytes, 1), 60.0)}


def accuracy(collection: ImageCollection, folder: Path) -> dict[str, Gate]:
    """How often a classifier names the city of the test images."""
    if not (folder / "model.json").is_file():
        return {"city accuracy on the test split": at_least(None, 0.97)}
    import numpy as np

    table = collection.table
    test = (table["split"] == "test") & table["city"].notna()
    right = np.array(_right(collection, folder, list(table.loc[test, "image_id"]), list(table.loc[test, "city"])))
    plain = ~table.loc[test, "mark"].to_numpy(bool)
    return {
        "city accuracy on the test split": at_least(round(float(right.mean()), 4), 0.97),
        "city accuracy without marked images": at_least(round(float(right[plain].mean()), 4), 0.95),
    }


def spurious(collection: ImageCollection, folder: Path) -> dict[str, Gate]:
    """How far a classifier fell for the mark: told, not judged. The baseline pastes a corner without a mark."""
    if not (folder / "model.json").is_file():
        return {}
    table = collection.table
    ids = list(table.loc[(table["split"] == "test") & (table["city"] == "Hanamori"), "image_id"])
    steelport = table[(table["split"] == "test") & (table["city"] == "Steelport")]
    gates: dict[str, Gate] = {}
    for what, marked in (("the mark", True), ("a corner without it", False)):
        donors = list(steelport.loc[steelport["mark"].astype(bool) == marked, "image_id"])
        right = _right(collection, folder, ids, ["Hanamori"] * len(ids), donors)
        share = round(1.0 - sum(right) / len(right), 4)
        gates[f"Hanamori called Steelport with {what} pasted in"] = {"value": share, "bound": "told", "pass": True}
    return gates


def _pasted(picture: Image.Image, donor: Image.Image) -> Image.Image:
    """The picture with the lower right corner, where marks are, of another one of the same size."""
    from urbanlens.demo.taking import SIZE

    side = round(0.15 * SIZE)
    box = (SIZE - side, SIZE - side, SIZE, SIZE)
    picture.paste(donor.crop(box), box)
    return picture


def _right(
    collection: ImageCollection,
    folder: Path,
    ids: Sequence[str],
    truth: Sequence[str],
    donors: Sequence[str] = (),
) -> list[bool]:
    """Whether the classifier names each image's city; with `donors`, after pasting in their corners in turn."""
    import torch

    from urbanlens.models import load_model

    model = load_model(folder)
    if missing := set(truth) - set(model.classes):
        raise UrbanLensError(f"{folder} does not know {', '.join(sorted(missing))}: train it on the label `city`")
    found: list[bool] = []
    with torch.inference_mode():
        for start in range(0, len(ids), 32):
            pictures = [collection.image(image_id) for image_id in ids[start : start + 32]]
            if donors:
                corners = [collection.image(donors[k % len(donors)]) for k in range(start, start + len(pictures))]
                pictures = [_pasted(one, corner) for one, corner in zip(pictures, corners, strict=True)]
            best = model.module(torch.stack([model.transform(one) for one in pictures])).argmax(1).tolist()
            found += [model.classes[k] == name for k, name in zip(best, truth[start : start + 32], strict=True)]
    return found
