"""How far the demo's template images can be believed: unselected transformations, judged by those that took no part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.artifacts import ArtifactKey, ArtifactStore, write_atomically
from urbanlens.chunks import in_chunks
from urbanlens.demo.gates import Gate, at_least
from urbanlens.demo.generators import JUDGES, LABEL, TESTED, WAYS, tested_sources
from urbanlens.demo.markdown import markdown
from urbanlens.explain.trust import wilson_interval
from urbanlens.models.card import CARD_FILE, ModelCard
from urbanlens.progress import Progress, silent
from urbanlens.transformation.changes import counterpart_changes, planted_direction, template_changes
from urbanlens.transformation.counterparts import Searcher
from urbanlens.transformation.looks import CLASSIFIER, FEATURES
from urbanlens.transformation.numbers import OBJECT, numbers_of
from urbanlens.transformation.record import Method, Settings, Transformation
from urbanlens.transformation.shares import collection_shares
from urbanlens.transformation.similarity import own_class_rate

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection
    from urbanlens.transformation.making import Workshop

KIND = "transformation-test"
CHUNK = 20
CLASSES = ("Hanamori", "Steelport")
PLANTED = {"Hanamori": ("signboard", "fence"), "Steelport": ("skyscraper", "earth")}
SEEN_BOUNDS = (0.85, 0.70)
"""Of the first and the second judge: the share of template images in which it sees the target."""

BLUR = 2
"""A picture is shrunk by this factor and enlarged again, for a judge that must stand mild blur."""


@dataclass(frozen=True)
class JudgedGenerator:
    """A generator's unselected transformations of test images, both ways, with two frames each: drawn, and template.

    Attributes
    ----------
    card : of the generator
    found : all transformations
    searcher : the natural images they may lead to
    judged : of each judge, the share of right answers on the test images, as they are and blurred
    """

    card: ModelCard
    found: list[Transformation]
    searcher: Searcher
    judged: dict[str, tuple[float, float]]


def judged_generators(
    collection: ImageCollection, *, ways: Sequence[str] = tuple(WAYS), progress: Progress = silent
) -> dict[str, JudgedGenerator]:  # fmt: skip
    """All shipped generators by each way, on test images; template images' codes are kept, all else is anew."""
    found: dict[str, JudgedGenerator] = {}
    for name in dict.fromkeys(WAYS[way][0] for way in ways):
        if (collection.root / "models" / name / CARD_FILE).is_file():
            methods = {way: WAYS[way][1] for way in ways if WAYS[way][0] == name}
            found |= _judge_generator(collection, name, methods, progress)
    return found


def _judge_generator(
    collection: ImageCollection, name: str, methods: Mapping[str, Method], progress: Progress
) -> dict[str, JudgedGenerator]:
    """One generator by some ways, each with its method; what they share is looked at once."""
    from urbanlens.transformation.making import Workshop

    folder, store = collection.root / "models" / name, ArtifactStore(collection.root / "artifacts")
    workshop = Workshop.open(collection, folder)
    searcher = Searcher.open(collection, folder, workshop.card, store=store, names=FEATURES, progress=progress)
    judged = _judges(collection, workshop)
    found = {}
    for way, method in methods.items():
        turned = [
            one
            for start, target in (CLASSES, CLASSES[::-1])
            for one in _transformed(collection, workshop, start, target, Settings(method), store, progress)
        ]
        found[way] = JudgedGenerator(workshop.card, turned, searcher, judged)
    return found


def _transformed(
    collection: ImageCollection, workshop: Workshop, start: str, target: str, settings: Settings,
    store: ArtifactStore, progress: Progress,
) -> list[Transformation]:  # fmt: skip
    """Transformations of the tested images of a class, from their kept codes."""
    import torch

    from urbanlens.transformation.making import Source, begin, finish
    from urbanlens.transformation.maximize import Way, maximize_activation

    names = tested_sources(collection, start)
    number = workshop.target_number(target)
    pulled = {model.name: model.weights_digest for model in workshop.drivers}
    parameters = {"settings": vars(settings), "sources": names, "target": target, "drivers": pulled}
    key = ArtifactKey(KIND, collection.fingerprint, workshop.generator.weights_digest, parameters, settings.seed)
    sources = [Source(name, collection.image(name), start) for name in names]
    starts, before = begin(workshop, sources, number)

    def compute(rows: range) -> dict[str, NDArray[Any]]:
        part = starts[rows.start : rows.stop]
        targets = torch.full((len(part),), number, device=workshop.device)
        way = maximize_activation(
            workshop.generator, workshop.drivers, part, targets, settings=settings, margins=workshop.margins
        )
        return {"ends": way.codes[-1].cpu().numpy().astype(np.float16)}

    ends = in_chunks(store, key, len(names), compute, chunk=CHUNK, progress=progress, what=f"turning {start}'s images")
    shifts = workshop.shifts(collection, store)
    last = torch.from_numpy(ends["ends"]).float().to(workshop.device)
    return finish(workshop, sources, number, settings, Way((0, settings.steps), (starts, last)), before, shifts)


def _judges(collection: ImageCollection, workshop: Workshop) -> dict[str, tuple[float, float]]:
    """How often each judge is right on the test images, as they are and mildly blurred, at the generator's size."""
    import torch
    from torch.nn import functional

    from urbanlens.models.answers import answer

    table = collection.table
    rows = np.flatnonzero((table["split"] == "test") & table[LABEL].notna())
    truth = np.array([workshop.classes.index(name) for name in table[LABEL].iloc[rows]])
    pixels = workshop.pixels([collection.image(collection.ids[row]) for row in rows])
    side = pixels.shape[-1]
    small = functional.interpolate(pixels, size=(side // BLUR,) * 2, mode="bilinear", antialias=True)
    blurred = functional.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    found = {}
    with torch.inference_mode():
        for judge in workshop.judges:
            shares = []
            for images in (pixels, blurred):
                best = torch.cat([answer(judge, part).argmax(1) for part in torch.split(images, 32)]).cpu().numpy()
                shares.append(float((best == truth).mean()))
            found[judge.name] = (shares[0], shares[1])
    return found


def transformation_gates(collection: ImageCollection, judged: JudgedGenerator) -> dict[str, Gate]:
    """The promises about one generator."""
    gates = _drawing(judged)
    for name, (real, blurred) in judged.judged.items():
        gates[f"{name} right on test images"] = at_least(round(real, 4), 0.95)
        gates[f"{name} right on blurred test images"] = at_least(round(blurred, 4), 0.90)
    gates |= _seen(judged)
    gates |= _counterparts(collection, judged)
    return gates | _objects(collection, judged)


def _drawing(judged: JudgedGenerator) -> dict[str, Gate]:
    """(a) what is drawn anew keeps its class."""
    told, gates = judged.card.metrics, {}
    comparator = next(iter(judged.card.data["drivers"]))
    for name, bound, who in ((comparator, 0.95, "whose features it learnt from"), (JUDGES[0], 0.90, "no part in it")):
        if name not in told:
            continue
        share = told[name]["drawn"]["accuracy"] / max(told[name]["real"]["accuracy"], 1e-9)
        gates[f"drawn anew / real, {name} ({who})"] = at_least(round(share, 4), bound)
    return gates


def _seen(judged: JudgedGenerator) -> dict[str, Gate]:
    """(b) who took no part sees the target in the template image; beside it, in what was merely drawn anew."""
    gates: dict[str, Gate] = {}
    for start, target in (CLASSES, CLASSES[::-1]):
        some = [one for one in judged.found if one.target == target]
        for name, bound in zip(JUDGES, SEEN_BOUNDS, strict=True):
            column = some[0].networks.index(name)
            seen, before = (np.array([one.certainty[frame, column] >= 0.5 for one in some]) for frame in (-1, 0))
            low, high = wilson_interval(int(seen.sum()), len(seen))
            gates[f"{start} to {target}: {name} sees {target}"] = at_least(round(float(seen.mean()), 4), bound) | {
                "interval": [round(low, 4), round(high, 4)], "drawn anew": round(float(before.mean()), 4),
            }  # fmt: skip
    return gates


def _counterparts(collection: ImageCollection, judged: JudgedGenerator) -> dict[str, Gate]:
    """(c) the nearest natural image is of the target class, nearly as often as a real image's is of its own."""
    searcher, gates = judged.searcher, {}
    cities = np.isin(searcher.classes, CLASSES)
    tests = cities & (collection.table["split"] == "test").to_numpy()
    numbers = np.array([CLASSES.index(name) if name in CLASSES else -1 for name in searcher.classes])
    for name in searcher.names:
        right = [
            searcher.label(searcher.nearest(one, name, 1, rows=cities)[0][0]) == one.target for one in judged.found
        ]
        share, ceiling = float(np.mean(right)), own_class_rate(searcher.features[name], numbers, tests).share
        low, high = wilson_interval(int(np.sum(right)), len(right))
        beside = {"interval": [round(low, 4), round(high, 4)], "real images": round(ceiling, 4)}
        gates[f"nearest real image of the target class / of a real image's own, by {name}"] = at_least(
            round(share / max(ceiling, 1e-9), 4), 0.9
        ) | {"share": round(share, 4), **beside}
        if name == CLASSIFIER:
            gates[f"nearest real image of the target class, by {name}"] = at_least(round(share, 4), 0.8) | beside
    return gates


def _objects(collection: ImageCollection, judged: JudgedGenerator) -> dict[str, Gate]:
    """(d) objects change as they were planted: on the template images, and on the real images they lead to."""
    store, searcher = ArtifactStore(collection.root / "artifacts"), judged.searcher
    known = collection_shares(collection, store=store)
    numbers = numbers_of(OBJECT, dict(zip(known.names, known.shares.T, strict=True)))
    ids = [collection.ids[int(searcher.nearest(one, searcher.names[0], 1)[0][0])] for one in judged.found]
    tables = {
        "template images": template_changes(judged.found),
        "real images they lead to": counterpart_changes(judged.found, ids, collection, numbers, LABEL),
    }
    gates: dict[str, Gate] = {}
    for where, table in tables.items():
        found = planted_direction(table, PLANTED)
        for target in CLASSES:
            part = found[found["target"] == target]
            clear = int(part["clear"].sum()) if bool(part["rises"].all()) else 0
            changes = {
                str(row["object"]): [round(float(row[name]), 4) for name in ("change", "low", "high")]
                for _, row in part.iterrows()
            }
            gates[f"planted objects that clearly rise towards {target}, {where}"] = at_least(clear, 1) | changes
    return gates


def note_gates(
    collection: ImageCollection, generators: Mapping[str, JudgedGenerator], gates: Mapping[str, Gate]
) -> None:
    """Write into the generators' cards what came out, for their page; those of a second way begin with its name."""
    for name in dict.fromkeys(WAYS[way][0] for way in generators):
        folder = collection.root / "models" / name
        card = ModelCard.read(folder)
        first = next(way for way in generators if WAYS[way][0] == name)
        ways = tuple(f"{way}: " for way in generators if WAYS[way][0] == name)
        own = {gate.removeprefix(f"{first}: "): found for gate, found in gates.items() if gate.startswith(ways)}
        noted = replace(card, metrics={**card.metrics, "gates": own})
        write_atomically(folder / CARD_FILE, noted.to_json().encode())


def transformations(generators: Mapping[str, JudgedGenerator], gates: Mapping[str, Mapping[str, Any]]) -> str:
    """The report's part on transformations: both ways of maximising beside each other."""
    rows: dict[str, dict[str, str]] = {}
    for name in generators:
        for gate, found in gates.items():
            if gate.startswith(f"{name}: "):
                told = f"{found['value']} ({'kept' if found['pass'] else '**not kept**'}{_beside(found)})"
                rows.setdefault(gate.removeprefix(f"{name}: "), {"bound": str(found["bound"])})[name] = told
    table = [(gate, cells["bound"], *(cells.get(name, "") for name in generators)) for gate, cells in rows.items()]
    return "\n\n".join([
        "## Transformations: do template images show what they should?",
        "“Explainability pipeline for urban images” (2017) gives no numbers: these tests are ours. "
        f"{TESTED} test images of each city, evenly over the table, are turned into the other one. In brackets, "
        "where there are any: 95 % intervals (Wilson's), what the merely redrawn images get, what real images get, or "
        "the mean change of a share with its bootstrap interval.",
        markdown(("promise", "bound", *generators), table),
        "docs/GENERATOR.md shows twelve of them, and what was tried.",
    ])  # fmt: skip


def _beside(gate: Mapping[str, Any]) -> str:
    """What stands beside a gate's value."""
    told = [f"{name} {value}" for name, value in gate.items() if name not in ("value", "bound", "pass")]
    return "; " + ", ".join(told) if told else ""
