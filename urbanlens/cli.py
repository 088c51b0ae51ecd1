"""The command line: every command shows progress, takes --json, resumes after a kill, and exits 2 on bad input."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from urbanlens import __version__
from urbanlens.artifacts import write_atomically
from urbanlens.errors import CollectionError, UrbanLensError

Answer = dict[str, Any]
Command = Callable[[argparse.Namespace], Answer]
ROOT = Path(__file__).parents[1]
REPORT_HEAD = """# What the demo promises, and what it keeps

Written by `python -m urbanlens demo verify --report docs/REPRODUCTION.md` from the shipped images and weights.

| promise | value | bound | kept |
|---|---|---|---|"""


class TerminalProgress:
    """One line on standard error, rewritten at most five times a second, with the time left."""

    def __init__(self) -> None:
        self.started = self.shown = time.monotonic()
        self.visible = sys.stderr.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        now = time.monotonic()
        if not self.visible or (now - self.shown < 0.2 and done < total):
            return
        self.shown = now
        left = (now - self.started) / done * (total - done) if done else 0.0
        sys.stderr.write(f"\r\033[K{what} {done:,} of {total:,}, {left:.0f} s left" if done < total else "\r\033[K")
        sys.stderr.flush()


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
    """A network learns a label column; the best checkpoint by validation is kept."""
    from urbanlens.collection import ImageCollection
    from urbanlens.training import train_city

    collection = ImageCollection.open(arguments.collection)
    extra = ImageCollection.open(arguments.extra) if arguments.extra else None
    options = dict(arguments.options or ()) | ({"pretrained": True} if arguments.pretrained else {})
    card = train_city(
        collection,
        architecture=arguments.architecture,
        destination=arguments.out or collection.root / "models" / arguments.architecture,
        label=arguments.label,
        epochs=tuple(arguments.epochs),
        sizes=tuple(arguments.sizes),
        seed=arguments.seed,
        recipe=arguments.recipe,
        extra=extra,
        augmented=arguments.augmented,
        progress=TerminalProgress(),
        **options,
    )
    return {"model": card.name, "metrics": card.metrics}


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
        progress=TerminalProgress(),
    )
    return {"collection": str(arguments.destination)}


def demo_verify_command(arguments: argparse.Namespace) -> Answer:
    """Compute every gate of the shipped demo anew."""
    from urbanlens.demo import verify

    if arguments.model and arguments.report:
        raise UrbanLensError("--report is about the shipped model: leave out --model, or read the answer instead")
    answer = verify(progress=TerminalProgress(), model=arguments.model)
    if arguments.report:
        rows = [
            f"| {name} | {gate['value']} | {gate['bound']} | {'yes' if gate['pass'] else '**no**'} |"
            for name, gate in answer["gates"].items()
        ]
        text = "\n".join([REPORT_HEAD, *rows, ""])
        write_atomically(arguments.report, text.encode())
    return answer


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


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m urbanlens", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def add(parent: Any, name: str, run: Command) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = parent.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
        command.set_defaults(run=run)
        return command

    command = add(commands, "import", import_command)
    command.add_argument("source", type=Path, help="folder of photographs, CSV, Parquet, GeoJSON or zip")
    command.add_argument("destination", type=Path, help="folder of the new collection")
    command.add_argument("--format", default="auto", help="auto, folder, csv, parquet, geojson or zip")
    add(commands, "check", check_command).add_argument("collection", type=Path)
    command = add(commands, "embed", embed_command)
    command.add_argument("collection", type=Path)
    command.add_argument("--layout", choices=["pca", "tsne", "umap"], help="also lay the images out in a plane")
    add_training(add(commands, "train", train_command))
    demo = commands.add_parser("demo", help="build or verify the demo world").add_subparsers(dest="what", required=True)
    command = add(demo, "build", demo_build_command)
    command.add_argument("destination", type=Path)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--images", type=int, default=3100)
    command.add_argument("--split", choices=["train", "val", "test"], help="draw only at places of this split")
    command.add_argument("--no-mark", dest="mark", action="store_false", help="leave the planted spurious mark out")
    command = add(demo, "verify", demo_verify_command)
    command.add_argument("--model", type=Path, help="folder of another city classifier to judge")
    command.add_argument("--report", type=Path, help="also write the gates as a Markdown table")
    add(commands, "serve", serve_command).add_argument("--port", type=int, default=8501)
    add(commands, "doctor", doctor_command)
    return parser


def add_training(command: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    command.add_argument("task", choices=["city"], help="what to learn: city = any label column")
    command.add_argument("collection", type=Path)
    command.add_argument("--label", default="city", help="the column to learn")
    command.add_argument("--architecture", default="resnet18")
    command.add_argument(
        "--pretrained", action="store_true", help="start from packaged ImageNet weights: for efficientnet_lite0"
    )
    command.add_argument("--out", type=Path, help="folder of the model; default: models/ in the collection")
    command.add_argument("--extra", type=Path, help="another collection whose rows are for training only")
    command.add_argument("--sizes", type=int, nargs="+", default=[96, 128, 224], help="image sizes in px, one a stage")
    command.add_argument("--epochs", type=int, nargs="+", default=[6, 3, 1], help="epochs, one number a stage")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--recipe", choices=["quick", "paper"], default="quick", help="paper: Adam 1e-4, x0.1 a decade"
    )
    command.add_argument(
        "--no-augmentation", dest="augmented", action="store_const", const=False, help="show every image as it is"
    )
    command.add_argument(
        "--options", type=option, nargs="+", metavar="NAME=VALUE", help="of the architecture, such as hidden=256"
    )


def option(text: str) -> tuple[str, Any]:
    """`hidden=256` -> ("hidden", 256); values are JSON."""
    name, _, value = text.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE with a number, true, false or null") from None


def show(answer: Answer, as_json: bool) -> None:
    """The answer on standard output: one JSON line, or a line a value."""
    if as_json:
        print(json.dumps(answer, default=str))
        return
    for name, value in answer.items():
        if isinstance(value, list):
            print(f"{name}: {len(value)}")
            for item in value:
                print("  " + (": ".join(map(str, item.values())) if isinstance(item, dict) else str(item)))
        else:
            print(f"{name}: {json.dumps(value, default=str, indent=1) if isinstance(value, dict) else value}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 when a check failed, 2 with one line on bad input."""
    arguments = build_parser().parse_args(argv)
    try:
        answer = arguments.run(arguments)
    except (UrbanLensError, OSError) as error:
        print(f"urbanlens: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("urbanlens: stopped; run the same command again to go on", file=sys.stderr)
        return 130
    show(answer, arguments.json)
    failed = answer.get("ok") is False or any(not gate["pass"] for gate in answer.get("gates", {}).values())
    return 1 if failed else 0
