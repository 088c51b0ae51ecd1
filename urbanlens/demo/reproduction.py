"""The papers' tables, computed anew from what is shipped, theirs beside ours, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore
from urbanlens.demo.beauty_report import beauty
from urbanlens.demo.judging import corner_table, demo_rows, planted_table, pointing_table, rank_correlation
from urbanlens.demo.markdown import markdown
from urbanlens.demo.networks import AGAIN, NETWORKS
from urbanlens.demo.scoring_report import attributes_and_scores
from urbanlens.demo.transforming import transformations
from urbanlens.errors import ArtifactError
from urbanlens.explain import EXPLAINERS, CollectionMaps, ObjectCounts, kept_counts, kept_maps
from urbanlens.explain.collection_maps import LABEL, maps_key
from urbanlens.explain.residual import keep_residuals, kept_residuals, residuals, residuals_key
from urbanlens.models.card import CARD_FILE, ModelCard
from urbanlens.progress import Progress, silent

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.demo.beauty import JudgedAesthete
    from urbanlens.demo.scoring import JudgedScorer
    from urbanlens.demo.transforming import JudgedGenerator

THRESHOLD = 0.5
ACCURACY = {"vgg11": 0.9998, "resnet18": 0.9996, "simple": 0.9931, "simpler": 0.9818}
AR = {
    ("vgg11", "resnet18"): 0.4349, ("vgg11", "simple"): 0.4303, ("vgg11", "simpler"): 0.4502,
    ("resnet18", "simple"): 0.4118, ("resnet18", "simpler"): 0.4136, ("simple", "simpler"): 0.3149,
    ("vgg11", "vgg11-retrained"): 0.2679, ("resnet18", "resnet18-retrained"): 0.2265,
    ("simple", "simple-retrained"): 0.2411, ("simpler", "simpler-retrained"): 0.2460,
}  # fmt: skip
"""The paper's tables: "Deep Visual City Recognition Visualization" (2018), section 3.2 and table 2."""


@dataclass(frozen=True)
class Judged:
    """A network, its masks and counts (also those by every explainer) on the test images of the two cities."""

    card: ModelCard
    key: ArtifactKey
    maps: CollectionMaps
    by: dict[str, tuple[CollectionMaps, ObjectCounts]]
    counts: ObjectCounts
    classes: NDArray[Any]
    marked: NDArray[np.bool_]


def judged(collection: ImageCollection) -> dict[str, Judged]:
    """All networks of the demo whose masks are shipped; ArtifactError where masks are missing."""
    store = ArtifactStore(collection.root / "artifacts")
    rows, table, found = demo_rows(collection), collection.table, {}
    for name in [*NETWORKS, *(f"{name}{AGAIN}" for name in NETWORKS)]:
        folder = collection.root / "models" / name
        if not (folder / CARD_FILE).is_file():
            continue
        card = ModelCard.read(folder)
        key = maps_key(collection, card, LABEL, card.label)
        maps, counts = (
            kept_maps(collection, card, card.label, store=store),
            kept_counts(collection, key, store=store),
        )
        if maps is None or counts is None:
            raise ArtifactError(
                f"the masks of {name} are not there: run `python -m urbanlens explain {collection.root} --model {name}`"
            )
        by = {}
        for explainer in EXPLAINERS:
            seen = kept_maps(collection, card, card.label, explainer=explainer, store=store)
            its_key = maps_key(collection, card, LABEL, card.label, None, explainer)
            counted = kept_counts(collection, its_key, store=store)
            if seen is not None and counted is not None:
                by[EXPLAINERS[explainer].title] = (seen.of(rows), counted.of(rows))
        found[name] = Judged(
            card, key, maps.of(rows), by, counts.of(rows), table["city"].to_numpy(object)[rows],
            table["mark"].to_numpy(bool)[rows],
        )  # fmt: skip
    return found


def report(
    collection: ImageCollection, gates: Mapping[str, Mapping[str, Any]], scorers: Mapping[str, JudgedScorer],
    aesthetes: Mapping[str, JudgedAesthete], generators: Mapping[str, JudgedGenerator], progress: Progress = silent,
) -> str:  # fmt: skip
    """The whole document: what the demo promises and keeps, and the papers' tables."""
    rows = [(name, gate["value"], gate["bound"], "yes" if gate["pass"] else "**no**") for name, gate in gates.items()]
    return "\n\n".join([
        "# What can be reproduced",
        "Written by `python -m urbanlens reproduce` from the shipped images, labels, weights and masks.",
        "## What the demo promises, and what it keeps",
        markdown(("promise", "value", "bound", "kept"), rows),
        city_recognition(collection, progress),
        attributes_and_scores(collection, scorers),
        beauty(collection, aesthetes),
        transformations(generators, gates),
        "",
    ])  # fmt: skip


def city_recognition(collection: ImageCollection, progress: Progress = silent) -> str:
    """The tables of "Deep Visual City Recognition Visualization" and what the planted truth says of them."""
    networks = judged(collection)
    table = _residual_table(collection, networks, progress)
    first = {name: one for name, one in networks.items() if not name.endswith(AGAIN)}
    names = collection.object_names
    return "\n\n".join([
        "## City recognition: where four networks look",
        "“Deep Visual City Recognition Visualization” and “Sight-seeing in the eyes of deep neural networks” (2018). "
        "Theirs: Tokyo 24/7 and Pittsburgh, 76,000 photographs each. Ours: test images of two drawn cities. The "
        "networks are smaller than theirs and see smaller images; each `model.json` says how.",
        "### Accuracy on the test images",
        _accuracies(networks),
        "### Average residual between masks",
        _residual_rows(table),
        _controls(table),
        "### Which planted objects R found",
        _planted(first, names),
        "### Pointing game and energy on the planted objects",
        _pointing(first),
        "### Does R rank objects as the truth does?",
        _ranks(first),
        "### The spurious mark",
        _marks(first),
    ])  # fmt: skip


def _residual_table(collection: ImageCollection, networks: dict[str, Judged], progress: Progress) -> pd.DataFrame:
    """The residuals of all networks on the test images, kept for the page Objects."""
    store, rows = ArtifactStore(collection.root / "artifacts"), np.flatnonzero(demo_rows(collection))
    key = residuals_key({name: one.key for name, one in networks.items()}, rows)
    found = kept_residuals(store, key)
    if found is None:
        found = residuals({name: one.maps.maps for name, one in networks.items()}, progress=progress)
        keep_residuals(store, key, found)
    return found.table()


def _accuracies(networks: dict[str, Judged]) -> str:
    rows = []
    for name, one in networks.items():
        metrics = one.card.metrics
        right = float((one.maps.predicted == one.maps.labels).mean())
        low, high = metrics["interval"]
        theirs = ACCURACY.get(name.removesuffix(AGAIN))
        rows.append((
            name, f"{right:.4f}", f"{low:.3f} to {high:.3f}", f"{theirs:.4f}" if theirs else "",
            f"{metrics['base_rate']:.3f}", f"{one.maps.empty.mean():.3f}", one.card.size,
        ))  # fmt: skip
    return markdown(("network", "ours", "95 %", "paper", "base rate", "empty masks", "px"), rows)


def _residual_rows(table: pd.DataFrame) -> str:
    known = {(row.kind, row.a, row.b): row for row in table.itertuples()}
    rows = []
    for (a, b), theirs in AR.items():
        pair = known.get(("pair", a, b)) or known.get(("pair", b, a))
        unrelated = known.get(("shuffled", a, b)) or known.get(("shuffled", b, a))
        if pair is None or unrelated is None:
            continue
        ours = f"{pair.ar:.4f} ({pair.low:.4f} to {pair.high:.4f})"
        rows.append((f"{a} – {b}", ours, f"{theirs:.4f}", f"{unrelated.ar:.4f}"))
    return markdown(("networks", "ours (95 %)", "paper", "control: unrelated images"), rows)


def _controls(table: pd.DataFrame) -> str:
    pairs = table[table["kind"] == "pair"]
    again = np.array(
        [a.removesuffix(AGAIN) == b.removesuffix(AGAIN) for a, b in zip(pairs["a"], pairs["b"], strict=True)]
    )
    random = table.loc[table["kind"] == "random", "ar"]
    lines = [f"A network against random masks of its own coarseness: {random.min():.4f} to {random.max():.4f}."]
    if again.any() and (~again).any():
        same, other = pairs.loc[again, "ar"], pairs.loc[~again, "ar"]
        verdict = "holds" if same.max() < other.min() else "does not hold for every pair"
        lines.append(
            f"The paper finds that two trainings of one architecture ({same.min():.4f} to {same.max():.4f} here) "
            f"always differ less than two architectures ({other.min():.4f} to {other.max():.4f} here): this {verdict}."
        )
    return " ".join(lines)


def _planted(networks: dict[str, Judged], names: dict[int, str]) -> str:
    rows, told = [], []
    for by in dict.fromkeys(by for one in networks.values() for by in one.by):
        strongest, judges = 0, {name: one for name, one in networks.items() if by in one.by}
        for name, one in judges.items():
            table = planted_table(one.by[by][1], one.classes, THRESHOLD, names).rename(columns={"class": "city"})
            tops = table.groupby("city", sort=False).first()
            strongest += int(((tops["rank"] > 0) & (tops["rank"] <= 2)).all())
            rows += [
                (name, by, row.city, row.object, f"{row.own:.2f} / {row.other:.2f}", f"{row.ratio:.3f}",
                 f"{row.base:.3f}", f"{row.lift:+.3f} ({row.lift_low:+.3f} to {row.lift_high:+.3f})",
                 f"{row.rank} of {row.of}", "found" if row.found else "missed")
                for row in table.itertuples()
            ]  # fmt: skip
        told.append(f"by {by} for {strongest} of {len(judges)} networks")
    head = (
        "network", "masks by", "city", "planted", "in its images / the other's", "R", "base rate", "R − base (95 %)",
        "rank", "",
    )  # fmt: skip
    text = (
        "Each city's most telling object (the greatest difference in how many images hold it) comes first. It is among "
        f"the two highest of R minus base rate, in both cities, {', '.join(told)}."
    )
    return markdown(head, rows) + "\n\n" + text


def _pointing(networks: dict[str, Judged]) -> str:
    rows = []
    for name, one in networks.items():
        for row in pointing_table(one.counts, one.classes).rename(columns={"class": "city"}).itertuples():
            rows.append((name, row.city, row.measure, f"{row.mean:.3f} ({row.low:.3f} to {row.high:.3f})",
                         f"{row.area:.3f}", row.images))  # fmt: skip
    return markdown(("network", "city", "measure", "mean (95 %)", "by chance (area)", "images"), rows)


def _ranks(networks: dict[str, Judged]) -> str:
    rows = []
    for name, one in networks.items():
        for row in rank_correlation(one.counts, one.classes, THRESHOLD).rename(columns={"class": "city"}).itertuples():
            rows.append((name, row.city, f"{row.rho:+.2f}", f"{row.p:.4f}", row.objects))
    return markdown(("network", "city", "Spearman's rho", "p (random orders)", "objects"), rows)


def _marks(networks: dict[str, Judged]) -> str:
    rows = []
    for name, one in networks.items():
        mine = one.classes == "Steelport"
        test = one.card.metrics.get("mark_test", {})
        for by, (maps, _) in one.by.items():
            told = corner_table(maps.maps[mine], one.marked[mine]).set_index("images_with")
            with_, without = told.loc["the mark"], told.loc["no mark"]
            rows.append((
                name, _share(test.get("marked")), _share(test.get("bare")), by,
                f"{with_['mean']:.3f} ({with_['low']:.3f} to {with_['high']:.3f})",
                f"{without['mean']:.3f} ({without['low']:.3f} to {without['high']:.3f})",
            ))  # fmt: skip
    head = (
        "network",
        "turned by the mark",
        "turned by a bare corner",
        "masks by",
        "mask there with the mark",
        "without",
    )
    told = (
        "Turned: Hanamori's test images called Steelport once the corner of a marked, or of an unmarked, image of "
        "Steelport is pasted in. A mask that betrayed the mark would be brighter there with it than without."
    )
    return markdown(head, rows) + "\n\n" + told


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
