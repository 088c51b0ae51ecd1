"""The command line: every command shows progress, takes --json, resumes after a kill, and exits 2 on bad input."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from urbanlens import commands as does
from urbanlens.commands import ROOT, Answer
from urbanlens.errors import UrbanLensError
from urbanlens.threads import wait_without_spinning

Command = Callable[[argparse.Namespace], Answer]
MOST_LINES = 200
"""So many entries of a list are printed for people; JSON has all of them."""


def build_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = argparse.ArgumentParser(prog="python -m urbanlens", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def add(parent: Any, name: str, run: Command) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = parent.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.add_argument("--json", action="store_true", help="print the answer as one line of JSON")
        command.set_defaults(run=run)
        return command

    command = add(commands, "import", does.import_command)
    command.add_argument("source", type=Path, help="folder of photographs, CSV, Parquet, GeoJSON or zip")
    command.add_argument("destination", type=Path, help="folder of the new collection")
    command.add_argument("--format", default="auto", help="auto, folder, csv, parquet, geojson or zip")
    add(commands, "check", does.check_command).add_argument("collection", type=Path)
    command = add(commands, "embed", does.embed_command)
    command.add_argument("collection", type=Path)
    command.add_argument("--layout", choices=["pca", "tsne", "umap"], help="also lay the images out in a plane")
    add_training(add(commands, "train", does.train_command))
    command = add(commands, "explain", does.explain_command)
    command.add_argument("collection", type=Path)
    command.add_argument("--model", help="name of one of the collection's or the demo's networks, or a folder")
    command.add_argument("--target", default="label", help="label, predicted, or the name of a class")
    command.add_argument("--layer", help="where to look; default: the last convolution")
    command.add_argument("--by", dest="explainer", default="grad_cam", help="grad_cam or hires_cam")
    command.add_argument("--plane", choices=["tsne", "umap"], help="also lay the masks out in a plane")
    command.add_argument("--seed", type=int, default=0, help="of the plane")
    command = add(commands, "segment", does.segment_command)
    command.add_argument("collection", type=Path)
    command.add_argument("--model", help="name or folder of a segmenter, or segformer; default: the demo's")
    command.add_argument("--fetch", action="store_true", help="download SegFormer's weights first (needs a network)")
    add_transforming(add(commands, "transform", does.transform_command))
    demo = commands.add_parser("demo", help="build or verify the demo world").add_subparsers(dest="what", required=True)
    command = add(demo, "build", does.demo_build_command)
    command.add_argument("destination", type=Path)
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--images", type=int, default=3100)
    command.add_argument("--split", choices=["train", "val", "test"], help="draw only at places of this split")
    command.add_argument("--cities", action="store_true", help="draw nothing of the countryside")
    command.add_argument("--no-mark", dest="mark", action="store_false", help="leave the planted spurious mark out")
    command = add(demo, "verify", does.demo_verify_command)
    command.add_argument("--model", type=Path, help="folder of another city classifier to judge")
    command = add(demo, "train", does.demo_train_command)
    command.add_argument("networks", nargs="+", metavar="NETWORK", help="such as vgg11, vgg11-retrained or siam")
    command.add_argument("--extra", type=Path, help="more images of the training cells: demo build EXTRA --split train")
    command.add_argument("--out", type=Path, required=True, help="folder that the models go to")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")
    command = add(commands, "reproduce", does.reproduce_command)
    command.add_argument("--out", type=Path, default=ROOT / "docs" / "REPRODUCTION.md", help="the Markdown file")
    add(commands, "serve", does.serve_command).add_argument("--port", type=int, default=8501)
    add(commands, "doctor", does.doctor_command)
    return parser


def add_training(command: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    command.add_argument(
        "task", choices=["city", "objects", "siam", "score", "aesthetics", "generator"],
        help="city: any label column; objects: the pixel labels; siam: a score by way of attributes; score: the score "
        "alone, for comparison; aesthetics: votes of beauty, and tags; generator: pictures of the classes of a column",
    )  # fmt: skip
    command.add_argument("collection", type=Path)
    command.add_argument("--label", default="city", help="the column to learn")
    command.add_argument("--classes", nargs="+", metavar="NAME", help="learn only these values of the column")
    command.add_argument("--largest", type=int, metavar="N", help="learn only the N values with the most images")
    command.add_argument(
        "--group", metavar="COLUMN", help="images with equal values here stay together in training or in the test"
    )
    command.add_argument("--out", type=Path, help="folder of the model; default: models/ in the collection")
    command.add_argument("--extra", type=Path, help="another collection whose rows are for training only")
    command.add_argument(
        "--neighbours", type=float, nargs=2, metavar=("METRES", "SIMILARITY"),
        help="for city: images without a label join one that was taken within so many metres and looks so much alike "
        "(cosine, 1: the same), such as 30 0.8",
    )  # fmt: skip
    add_learning(command)
    add_drawing(command.add_argument_group("for generator"))
    add_scoring(command.add_argument_group("for siam and score"))
    group = command.add_argument_group("for aesthetics")
    group.add_argument("--backbone", help="the trunk's network; default: as in the paper")
    group.add_argument(
        "--sampling", choices=["class", "score", "each"],
        help="how images are drawn; default: class. The loss of high_low weighs extreme marks sevenfold, score draws "
        "them so once more",
    )  # fmt: skip


def add_learning(command: argparse.ArgumentParser) -> None:
    """How a network learns: which one, from which start, at which sizes, and how long."""
    command.add_argument(
        "--transfer", action="store_true", help="train only the last blocks of efficientnet_lite0: a few minutes"
    )
    command.add_argument("--architecture", help="default: resnet18; marks_and_tags (aesthetics)")
    command.add_argument(
        "--pretrained",
        action="store_true",
        help="start from ImageNet weights: packaged ones of efficientnet_lite0; for aesthetics, others are fetched",
    )
    command.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        help="image sizes in px, one a stage; default: 96 128 224; 160 (--transfer); 128 240 (siam, score); "
        "224 (aesthetics)",
    )
    command.add_argument(
        "--epochs",
        type=int,
        nargs="+",
        help="epochs, one number a stage; default: 6 3 1; 12 (--transfer); 2 each (siam, score); 30 (aesthetics)",
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--recipe",
        choices=["quick", "paper", "robust"],
        default="quick",
        help="paper: the paper's own; for a city, Adam 1e-4, x0.1 a decade",
    )
    command.add_argument(
        "--no-augmentation", dest="augmented", action="store_const", const=False, help="show every image as it is"
    )
    command.add_argument(
        "--options", type=option, nargs="+", metavar="NAME=VALUE", help="of the architecture, such as hidden=256"
    )


def add_drawing(command: Any) -> None:
    """The options of `train generator`."""
    command.add_argument(
        "--learn-steps", type=int, help="batches that the generator learns from; default: by the images"
    )
    command.add_argument("--prior-steps", type=int, help="batches that its prior learns from")
    command.add_argument("--invert", metavar="NETWORK[:LAYER]", help="invert the features of a frozen network")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_transforming(command: argparse.ArgumentParser) -> None:
    """The options of `transform`."""
    command.add_argument("collection", type=Path, help="a collection; with --into, what is imported first")
    command.add_argument("--into", type=Path, help="folder of the new collection")
    command.add_argument("--target", help="the class to be reached; default: each in turn")
    command.add_argument("--sources", nargs="+", metavar="IMAGE", help="ids; default: some that were not learnt from")
    command.add_argument("--count", type=int, default=6, help="so many sources, where none are named")
    command.add_argument("--prototypes", type=int, default=1, help="so many prototypes of each class")
    command.add_argument("--method", choices=["prior", "ascent"], default="prior")
    command.add_argument("--reach", choices=["near", "middle", "far"], default="far")
    command.add_argument("--steps", type=int, default=50)
    command.add_argument(
        "--generator", help="name or folder; default: the collection's own, trained where it is missing"
    )
    command.add_argument("--label", default="city", help="the column whose values are the classes")
    command.add_argument("--classes", nargs="+", metavar="NAME", help="only these")
    command.add_argument("--largest", type=int, metavar="N", help="only the N classes with the most images")
    command.add_argument("--group", metavar="COLUMN", help="images with equal values here stay together")
    command.add_argument("--extra", type=Path, help="another collection to learn from")
    command.add_argument("--seed", type=int, default=0)
    add_drawing(command)


def add_scoring(command: Any) -> None:
    """The options of `train siam` and `train score`."""
    command.add_argument("--score", help="column of scores, votes.mean or votes.variance; default: the first")
    command.add_argument("--scored", type=Path, help="another collection, which has the scores")
    command.add_argument("--attributes", nargs="+", metavar="NAME", help="default: all that the collection has")
    command.add_argument("--soft", action="store_true", help="learn shares of the attributes, not yes and no")
    command.add_argument("--positive", type=float, help="an attribute is there above this share; default: 0.5")
    command.add_argument("--layer", help="where the backbone ends; default: the last layer as fine as the maps")
    command.add_argument("--map-size", type=int, default=15, help="cells a side of the attribute maps")
    command.add_argument("--crop", type=int, default=11, help="cells a side of their middle part, and the templates")
    command.add_argument("--signed-maps", action="store_true", help="maps may be negative, as in the paper")
    command.add_argument("--phases", nargs="+", help="of attributes, templates, joint; default: all, in this order")
    command.add_argument("--joint-epochs", type=int, help="passes of the phase joint; default: 2")
    command.add_argument("--start", type=Path, help="folder of a trained network to begin from")


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
            for item in value[:MOST_LINES]:
                print("  " + (": ".join(map(str, item.values())) if isinstance(item, dict) else str(item)))
            if len(value) > MOST_LINES:
                print(f"  and {len(value) - MOST_LINES} more, which --json prints")
        else:
            print(f"{name}: {json.dumps(value, default=str, indent=1) if isinstance(value, dict) else value}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 when a check failed, 2 with one line on bad input."""
    wait_without_spinning()
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
