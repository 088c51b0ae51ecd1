"""A finished transformation: source, steps, template image, and what every network said on the way; kept on disk."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from urbanlens.artifacts import MANIFEST, ArtifactKey, ArtifactStore
from urbanlens.errors import ArtifactError, ModelError

KIND = "transformation"
FRAMES_FILE, ARRAYS_FILE = "frames.webp", "arrays.npz"
QUALITY = 90

Method = Literal["prior", "ascent"]
METHODS: Mapping[Method, str] = {
    "prior": "guided by what real images look like",
    "ascent": "plain ascent, as in the paper",
}
"""The two ways of maximising a class, and what they are called on the page."""

REACHES: Mapping[str, float] = {"near": 0.8, "middle": 1.5, "far": 2.5}
"""How far the way with a prior goes from its source: the noise that it starts from, in units of a code's spread."""


@dataclass(frozen=True)
class Settings:
    """How a template image is made.

    Attributes
    ----------
    method : a key of `METHODS`
    steps : of maximisation
    reach : a key of `REACHES`; means nothing to `ascent`
    start : `image`, from the code of a source; `prototype`, from a neutral code
    seed : draws the noise
    """

    method: Method = "prior"
    steps: int = 50
    reach: str = "far"
    start: Literal["image", "prototype"] = "image"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS or self.reach not in REACHES or self.start not in ("image", "prototype"):
            raise ModelError(
                f"method {self.method!r}, reach {self.reach!r}, start {self.start!r}: the method is one of "
                f"{', '.join(METHODS)}; the reach one of {', '.join(REACHES)}; the start is image or prototype"
            )
        if not 1 <= self.steps <= 1000:
            raise ModelError(f"{self.steps} steps: give between 1 and 1000")


@dataclass(frozen=True)
class Transformation:
    """The way from an image (or from a neutral code) to the template image of a class.

    S frames of P x P px, M networks, O objects.

    Attributes
    ----------
    source : the image's id, a digest for a dropped photograph, "" for a prototype
    source_class : its class where it is known, else ""
    target : the class whose unit was maximised
    settings : how
    networks, drives : (M,) names of the networks that were asked, and whether each pulled the code
    steps : (S,) number of the step that each frame shows; the first is 0, the mere reconstruction
    frames : (S, P, P, 3) uint8; the last is the template image
    codes : (2, C, h, w) float16, of the first and the last frame
    certainty : (S, M) p(target) on each frame
    source_certainty : (M,) p(target) on the source itself; NaN for a prototype
    objects : (O,) names; () where no segmenter was asked
    shares : (S, O) share of each frame that a segmenter gives to each object
    features : by the name of a similarity, (S, D) what each frame looks like to it, rows of length 1
    """

    source: str
    source_class: str
    target: str
    settings: Settings
    networks: tuple[str, ...]
    drives: tuple[bool, ...]
    steps: NDArray[np.int64]
    frames: NDArray[np.uint8]
    codes: NDArray[np.float16]
    certainty: NDArray[np.float32]
    source_certainty: NDArray[np.float32]
    objects: tuple[str, ...] = ()
    shares: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    features: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @property
    def template(self) -> NDArray[np.uint8]:
        """(P, P, 3) the template image."""
        return np.asarray(self.frames[-1])

    @property
    def independent(self) -> tuple[int, ...]:
        """Numbers of the networks that did not drive."""
        return tuple(number for number, drives in enumerate(self.drives) if not drives)

    def agreed(self, frame: int = -1) -> float:
        """Share of the networks that did not drive which see the target (p >= 0.5) in a frame; NaN of none."""
        answers = self.certainty[frame, list(self.independent)]
        return float((answers >= 0.5).mean()) if len(answers) else float("nan")


@dataclass(frozen=True)
class Finished:
    """A transformation that is kept, as its manifest tells of it; `read` gives the whole.

    Attributes
    ----------
    certainty : p(target) on the template image by the network's name
    drivers : names of the networks that drove
    """

    key: str
    folder: Path
    source: str
    source_class: str
    target: str
    settings: Settings
    certainty: Mapping[str, float]
    drivers: tuple[str, ...]

    @property
    def agreed(self) -> float:
        """Share of the networks that did not drive which see the target in the template image; NaN of none."""
        answers = [value >= 0.5 for name, value in self.certainty.items() if name not in self.drivers]
        return float(np.mean(answers)) if answers else float("nan")

    def read(self) -> Transformation:
        """The whole; ArtifactError where a file is missing or broken."""
        return read(self.folder)


def transformation_key(
    collection: str, generator: str, networks: Mapping[str, str], source: str, target: str, settings: Settings
) -> ArtifactKey:  # fmt: skip
    """Under what a transformation is kept.

    Parameters
    ----------
    collection : fingerprint of the collection
    generator : digest of the generator's weights
    networks : name and digest of every network that was asked
    """
    parameters = {**asdict(settings), "networks": dict(networks), "source": source, "target": target}
    return ArtifactKey(KIND, collection, generator, parameters, settings.seed)


def keep(store: ArtifactStore, key: ArtifactKey, found: Transformation) -> None:
    """Write a transformation, whole or not at all; its frames as one strip."""
    last = dict(zip(found.networks, found.certainty[-1].astype(float).round(4).tolist(), strict=True))
    notes = {
        "source": found.source, "source_class": found.source_class, "target": found.target,
        "settings": asdict(found.settings), "certainty": last,
        "drivers": [name for name, drives in zip(found.networks, found.drives, strict=True) if drives],
        "objects": list(found.objects), "side": int(found.frames.shape[1]),
    }  # fmt: skip
    with store.write(key, **notes) as folder:
        (folder / FRAMES_FILE).write_bytes(_strip(found.frames))
        arrays: dict[str, Any] = {
            f"features.{name}": values.astype(np.float16) for name, values in found.features.items()
        }
        np.savez_compressed(
            folder / ARRAYS_FILE, steps=found.steps, codes=found.codes.astype(np.float16), certainty=found.certainty,
            source_certainty=found.source_certainty, shares=found.shares.astype(np.float16), **arrays,
        )  # fmt: skip


def read(folder: Path) -> Transformation:
    """A kept transformation."""
    try:
        told = json.loads((folder / MANIFEST).read_text())
        side = int(told["side"])
        with Image.open(folder / FRAMES_FILE) as strip:
            frames = np.asarray(strip.convert("RGB"), np.uint8).reshape(-1, side, side, 3)
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        names = list(told["certainty"])
        features = {
            name.removeprefix("features."): values.astype(np.float32)
            for name, values in arrays.items()
            if name.startswith("features.")
        }
        return Transformation(
            told["source"], told["source_class"], told["target"], Settings(**told["settings"]), tuple(names),
            tuple(name in told["drivers"] for name in names), arrays["steps"], frames, arrays["codes"],
            arrays["certainty"], arrays["source_certainty"], tuple(told["objects"]),
            arrays["shares"].astype(np.float32), features,
        )  # fmt: skip
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise ArtifactError(f"the transformation in {folder} cannot be read ({error}): compute it again") from None


def finished(store: ArtifactStore, collection: str, generator: str) -> list[Finished]:
    """All kept transformations of a collection by a generator, prototypes first, then by source and target."""
    found: dict[str, Finished] = {}
    for root in store.roots:
        for file in sorted((root / KIND).glob(f"*/{MANIFEST}")):
            told = json.loads(file.read_text())
            if (told["collection"], told["model"]) != (collection, generator):
                continue
            found.setdefault(
                file.parent.name,
                Finished(
                    file.parent.name, file.parent, told["source"], told["source_class"], told["target"],
                    Settings(**told["settings"]), told["certainty"], tuple(told["drivers"]),
                ),
            )  # fmt: skip
    return sorted(found.values(), key=lambda one: (one.source, one.target, one.settings.method, one.settings.seed))


def _strip(frames: NDArray[np.uint8]) -> bytes:
    """Frames below each other as one lossy WebP."""
    buffer = io.BytesIO()
    Image.fromarray(frames.reshape(-1, *frames.shape[2:])).save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()
