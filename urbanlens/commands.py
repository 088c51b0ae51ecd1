"""What each command of the command line does: arguments in, an answer out."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from urbanlens import __version__
from urbanlens.artifacts import write_atomically
from urbanlens.errors import CollectionError, UrbanLensError
from urbanlens.terminal import TerminalProgress

Answer = dict[str, Any]
ROOT = Path(__file__).parents[1]


def import_command(arguments: argparse.Namespace) -> Answer:
    """A folder, table or zip of images becomes a collection."""
    from urbanlens.collection import import_images

    report = import_images(
        arguments.source, arguments.destination, format=arguments.format, progress=TerminalProgress()
    )
    return {
        "collection": str(report.collection),
        "imported": report.imported,
        "rejected": [{"where": where, "why": why} for where, why in report.rejected],
        "notes": list(report.notes),
    }


def check_command(arguments: argparse.Namespace) -> Answer:
    """Whether a collection is whole, file by file."""
    from urbanlens.collection import check

    if not arguments.collection.exists():
        raise CollectionError(f"there is no folder {arguments.collection}: give the folder of a collection")
    report = check(arguments.collection, progress=TerminalProgress())
    problems = [{"where": where, "why": why} for where, why in report.problems]
    return {"collection": str(arguments.collection), "images": report.images, "problems": problems, "ok": not problems}


def train_command(arguments: argparse.Namespace) -> Answer:
    """A network learns a label column, the pixel labels, or a score; the best checkpoint by validation is kept."""
    others = {"objects": _train_objects, "siam": _train_siam, "score": _train_siam, "aesthetics": _train_aesthetics,
              "generator": _train_generator}  # fmt: skip
    if arguments.task in others:
        if arguments.neighbours:
            raise UrbanLensError("--neighbours passes on the labels of a column: it goes with train city alone")
        return others[arguments.task](arguments)
    from urbanlens.collection import ImageCollection
    from urbanlens.embedding.joining import Rule
    from urbanlens.training import train_city, train_transfer

    given = arguments
    architecture = given.architecture or ("efficientnet_lite0" if given.transfer else "resnet18")
    if given.transfer and (architecture != "efficientnet_lite0" or given.options):
        raise UrbanLensError(
            "--transfer starts from the ImageNet weights of efficientnet_lite0: leave out --architecture and --options"
        )
    collection = ImageCollection.open(given.collection)
    common = {
        "destination": given.out or collection.root / "models" / architecture,
        "label": given.label, "classes": given.classes, "largest": given.largest, "group": given.group,
        "seed": given.seed, "recipe": given.recipe, "augmented": given.augmented, "progress": TerminalProgress(),
        "extra": ImageCollection.open(given.extra) if given.extra else None,
        "neighbours": Rule(*given.neighbours) if given.neighbours else None,
    }  # fmt: skip
    if given.transfer:
        if len(given.sizes or [0]) != 1 or len(given.epochs or [0]) != 1:
            raise UrbanLensError("--transfer has one stage: give one number for --sizes and one for --epochs")
        epochs = given.epochs[0] if given.epochs else None
        card = train_transfer(collection, size=(given.sizes or [160])[0], epochs=epochs, **common)
    else:
        options = dict(given.options or ()) | ({"pretrained": True} if given.pretrained else {})
        stages: Answer = {"sizes": given.sizes or [96, 128, 224], "epochs": given.epochs or [6, 3, 1]}
        card = train_city(collection, architecture=architecture, **stages, **common, **options)
    kept = ("images", "split_by", "left_out", "joined", "warning")
    told = {name: card.data[name] for name in kept if name in card.data}
    return {"model": card.name, "classes": list(card.classes), **told, "metrics": card.metrics}


def _train_objects(given: argparse.Namespace) -> Answer:
    """A small segmenter learns the collection's pixel labels."""
    from urbanlens.collection import ImageCollection
    from urbanlens.training.objects import train_objects

    collection = ImageCollection.open(given.collection)
    card = train_objects(
        collection,
        destination=given.out or collection.root / "models" / "segmenter",
        sizes=given.sizes or [128, 192],
        epochs=given.epochs or [8, 2],
        seed=given.seed,
        extra=ImageCollection.open(given.extra) if given.extra else None,
        progress=TerminalProgress(),
    )
    return {"model": card.name, "objects": list(card.classes), "metrics": card.metrics}


def _train_siam(given: argparse.Namespace) -> Answer:
    """SIAM by its phases, or the unconstrained network that it is compared with."""
    from urbanlens.collection import ImageCollection
    from urbanlens.siam.annotations import score_names
    from urbanlens.training.siam import train_score, train_siam
    from urbanlens.training.siam_rows import Scheme

    collection = ImageCollection.open(given.collection)
    scored = ImageCollection.open(given.scored) if given.scored else None
    known = score_names(scored or collection)
    score = given.score or (known[0] if known else "")
    ways = {
        "phases": given.phases, "sizes": given.sizes, "epochs": given.epochs, "joint_epochs": given.joint_epochs,
        "positive": given.positive, "augmented": given.augmented,
    }  # fmt: skip
    if given.sizes and not given.epochs:
        ways["epochs"] = [2] * len(given.sizes)
    told: Answer = {name: tuple(way) if isinstance(way, list) else way for name, way in ways.items() if way is not None}
    common: Answer = {
        "destination": given.out or (scored or collection).root / "models" / given.task, "score": score,
        "backbone": given.architecture or "resnet18", "layer": given.layer, "map_size": given.map_size,
        "options": dict(given.options or ()) | ({"pretrained": True} if given.pretrained else {}) or None,
        "scheme": Scheme(**told, soft=given.soft), "start": given.start, "group": given.group, "seed": given.seed,
        "extra": ImageCollection.open(given.extra) if given.extra else None, "progress": TerminalProgress(),
    }  # fmt: skip
    if given.task == "score":
        if scored is not None or given.attributes:
            raise UrbanLensError("train score has no attributes: give the collection with the scores alone")
        card = train_score(collection, **common)
    else:
        more: Answer = {
            "scored": scored,
            "attributes": given.attributes,
            "crop": given.crop,
            "rectified": not given.signed_maps,
        }
        card = train_siam(collection, **common, **more)
    return {"model": card.name, "score": score, "attributes": list(card.classes), "metrics": card.metrics}


def _train_aesthetics(given: argparse.Namespace) -> Answer:
    """A network of beauty learns the votes, and perhaps the tags, on a trunk that stays as it is."""
    from urbanlens.collection import ImageCollection
    from urbanlens.models.aesthetics import tells_marks
    from urbanlens.training.aesthetics import (
        IMAGENET,
        PACKAGED,
        PAPER,
        SMALL_HEAD,
        AestheticScheme,
        train_aesthetics,
    )

    collection = ImageCollection.open(given.collection)
    architecture = given.architecture or "marks_and_tags"
    for option, values in (("--sizes", given.sizes), ("--epochs", given.epochs)):
        if len(values or [0]) != 1:
            raise UrbanLensError(f"train aesthetics has one stage: give one number for {option}")
    usual = PAPER["marks_and_tags" if tells_marks(architecture) else "high_low"]
    trunk: Answer = {"backbone": given.backbone, "layer": given.layer, "options": dict(given.options or ())}
    trunk["start"] = IMAGENET if given.pretrained else given.start
    if given.pretrained and given.start:
        raise UrbanLensError("--pretrained and --start both say where the trunk begins: give one of them")
    if trunk["start"] is None:
        if architecture not in ("marks_and_tags", "high_low") or given.backbone or given.layer:
            raise UrbanLensError(
                "the trunk does not learn, so it must begin from something: give --pretrained, or --start FOLDER"
            )
        head = {} if tells_marks(architecture) else SMALL_HEAD
        trunk = {**PACKAGED, "start": IMAGENET, "options": {**head, **trunk["options"]}}
    ways = {"sampling": given.sampling, "epochs": (given.epochs or [None])[0], "size": (given.sizes or [None])[0]}
    scheme = replace(
        usual if given.recipe == "paper" else AestheticScheme(),
        **{name: way for name, way in ways.items() if way is not None},
    )
    card = train_aesthetics(
        collection,
        destination=given.out or collection.root / "models" / architecture,
        architecture=architecture,
        scheme=scheme,
        group=given.group,
        seed=given.seed,
        extra=ImageCollection.open(given.extra) if given.extra else None,
        progress=TerminalProgress(),
        **trunk,
    )
    told = {name: card.data[name] for name in ("images", "split_by", "without_votes", "faults")}
    return {"model": card.name, "start": card.training["start"], **told, "metrics": card.metrics}


def embed_command(arguments: argparse.Namespace) -> Answer:
    """Every image becomes a feature vector, kept for clusters and similar images."""
    from urbanlens.artifacts import ArtifactStore
    from urbanlens.collection import ImageCollection
    from urbanlens.embedding import embed, kept_projection

    collection = ImageCollection.open(arguments.collection)
    store = ArtifactStore(collection.root / "artifacts")
    features = embed(collection, store=store, progress=TerminalProgress())
    if arguments.layout:
        kept_projection(store, collection.fingerprint, features, arguments.layout)
    return {"images": int(features.shape[0]), "features": int(features.shape[1])}


def demo_build_command(arguments: argparse.Namespace) -> Answer:
    """Draw the demo world anew."""
    from urbanlens.demo import build

    build(
        arguments.destination,
        seed=arguments.seed,
        images=arguments.images,
        mark=arguments.mark,
        split=arguments.split,
        cities=arguments.cities,
        progress=TerminalProgress(),
    )
    return {"collection": str(arguments.destination)}


def _train_generator(given: argparse.Namespace) -> Answer:
    """A generator of template images, with the networks that pull and judge it."""
    from urbanlens.collection import ImageCollection
    from urbanlens.training.generator import train_generator
    from urbanlens.transformation.transform_command import NAME, learning_of, plan_of

    collection = ImageCollection.open(given.collection)
    folder = given.out or collection.root / "models" / NAME
    card = train_generator(
        learning_of(collection, given), folder, plan=plan_of(collection, given), progress=TerminalProgress()
    )
    return {"model": card.name, "classes": list(card.classes), "data": card.data, "metrics": card.metrics}


def transform_command(arguments: argparse.Namespace) -> Answer:
    """Template images of classes, from images and from nothing, and their nearest natural images."""
    from urbanlens.transformation.transform_command import transform_command

    return transform_command(arguments, TerminalProgress())


def demo_verify_command(arguments: argparse.Namespace) -> Answer:
    """Compute every gate of the shipped demo anew."""
    from urbanlens.demo import verify

    return dict(verify(progress=TerminalProgress(), model=arguments.model))


def demo_train_command(arguments: argparse.Namespace) -> Answer:
    """Train the demo's networks as the shipped ones were, on a CPU or a GPU."""
    from urbanlens.collection import ImageCollection
    from urbanlens.demo import ASSETS
    from urbanlens.demo.beauty import RECIPES as BEAUTY
    from urbanlens.demo.beauty import train_aesthete
    from urbanlens.demo.generators import RECIPES as DRAWING
    from urbanlens.demo.generators import train_demo_generator
    from urbanlens.demo.networks import train_network
    from urbanlens.demo.scoring import RECIPES, train_scorer

    collection = ImageCollection.open(ASSETS)
    extra = ImageCollection.open(arguments.extra) if arguments.extra else None
    found = {}
    for name in arguments.networks:
        kinds = ((RECIPES, train_scorer), (BEAUTY, train_aesthete), (DRAWING, train_demo_generator))
        train: Any = next((train for names, train in kinds if name in names), train_network)
        card = train(collection, name, extra, arguments.out, device=arguments.device, progress=TerminalProgress())
        found[name] = card.metrics
    return {"folder": str(arguments.out), "networks": found}


def reproduce_command(arguments: argparse.Namespace) -> Answer:
    """Compute the papers' tables and the demo's gates anew, and write them as Markdown."""
    from urbanlens.collection import ImageCollection
    from urbanlens.demo import ASSETS, verify
    from urbanlens.demo.beauty import judged_aesthetes
    from urbanlens.demo.reproduction import report
    from urbanlens.demo.scoring import judged_scorers
    from urbanlens.demo.transformation_sheet import FILES, contact_sheet
    from urbanlens.demo.transforming import judged_generators, note_gates

    collection = ImageCollection.open(ASSETS)
    scorers, aesthetes = judged_scorers(collection), judged_aesthetes(collection)
    generators = judged_generators(collection, progress=TerminalProgress())
    gates = verify(progress=TerminalProgress(), scorers=scorers, aesthetes=aesthetes, generators=generators)
    note_gates(collection, generators, gates["gates"])
    text = report(collection, gates["gates"], scorers, aesthetes, generators, progress=TerminalProgress())
    write_atomically(arguments.out, text.encode())
    for way in generators:
        write_atomically(arguments.out.with_name(FILES[way]), contact_sheet(collection, way))
    return {"report": str(arguments.out), **gates}


def explain_command(arguments: argparse.Namespace) -> Answer:
    """Masks of all images under a network, their plane, and the objects inside them, kept for the pages."""
    from urbanlens.explain.explain_command import explain_command

    return explain_command(arguments, TerminalProgress())


def segment_command(arguments: argparse.Namespace) -> Answer:
    """Name the object of each pixel of all images."""
    from urbanlens.explain.segment_command import segment_command

    return segment_command(arguments, TerminalProgress())


def serve_command(arguments: argparse.Namespace) -> Answer:
    """Open the app in the browser."""
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={arguments.port}"]
    code = subprocess.run(command, check=False).returncode
    if code:
        raise UrbanLensError(f"Streamlit ended with code {code}: is port {arguments.port} taken? choose another --port")
    return {}


def doctor_command(_: argparse.Namespace) -> Answer:
    """What this installation can do."""
    from importlib.metadata import version

    from urbanlens.collection import home, list_collections
    from urbanlens.engine import Engine

    names = ("streamlit", "torch", "torchvision", "plotly", "folium", "pillow", "pandas")
    return {
        "urbanlens": __version__,
        "python": sys.version.split()[0],
        "device": str(Engine().device),
        "home": str(home()),
        "collections": [folder.name for folder in list_collections()],
        "packages": {name: version(name) for name in names},
    }
