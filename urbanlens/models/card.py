"""The description of a trained network, kept as `model.json` beside its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from urbanlens.artifacts import file_digest
from urbanlens.errors import ModelError

CARD_FILE = "model.json"
WEIGHTS_FILE = "weights.safetensors"
FORMAT = 1
SCORING = ("attributes", "score")
"""Tasks of networks that mark a whole picture: SIAM's, and that of the network that is free to use what it finds."""


@dataclass(frozen=True)
class ModelCard:
    """What a network is, what it learnt from, and how well; `card["metrics"]` reads the same as `card.metrics`.

    Attributes
    ----------
    name : the model's own name, that of its folder
    task : what it answers: `classes` of whole pictures, `objects` of pixels, `attributes` of whole pictures and the
        score that they add up to, or a `score` alone
    architecture : a name of `MODELS`; of a segmenter, of `SEGMENTERS`; of a network that scores, of `SCORERS`
    classes : names of the outputs, in their order; of SIAM the attributes, of its baseline the score
    size : side of the square input in px
    label : the table's column that it learnt
    options : options of the architecture
    layers : dotted names of the layers where Grad-CAM can look, from fine to coarse; filled by `save_model`
    training, data, metrics : how, from what, and how well it learnt; plain JSON
    weights : file, sha256, dtype and parameters of the weights; filled by `save_model`
    """

    name: str
    task: str
    architecture: str
    classes: tuple[str, ...]
    size: int
    label: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def __getitem__(self, name: str) -> Any:
        if name not in {part.name for part in fields(self)}:
            raise KeyError(name)
        return getattr(self, name)

    def to_json(self) -> str:
        """The text of `model.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: str = CARD_FILE) -> ModelCard:
        """Read the text of `model.json`; ModelError names `where` and what is wrong with it."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ModelError(
                f"{where} is not JSON ({error}): copy the model's folder again, or train it anew"
            ) from None
        if not isinstance(values, dict):
            raise ModelError(f"{where} holds a {type(values).__name__}: it must be an object with name, classes, …")
        _check(values, where)
        known = {part.name for part in fields(cls)}
        lists = {"classes": tuple(values["classes"]), "layers": tuple(values.get("layers", ()))}
        return cls(**{key: value for key, value in values.items() if key in known} | lists)

    @property
    def weights_digest(self) -> str:
        """SHA-256 of its weights, part of every artifact's key; "" where the card does not say."""
        return str(self.weights.get("sha256", ""))

    @classmethod
    def read(cls, folder: Path | str) -> ModelCard:
        """The card of a model's folder; ModelError where there is none. Loads neither weights nor torch."""
        path = Path(folder) / CARD_FILE
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(
                f"{folder} holds no {CARD_FILE}: a model is a folder with {CARD_FILE} and {WEIGHTS_FILE}; "
                "train one with `python -m urbanlens train city COLLECTION`"
            ) from None
        except UnicodeDecodeError:
            raise ModelError(f"{path} is not text: copy the model's folder again, or train it anew") from None
        card = cls.from_json(text, str(path))
        weights = Path(folder) / WEIGHTS_FILE
        if not card.weights_digest and weights.is_file():
            card = replace(card, weights={**card.weights, "sha256": file_digest(weights)})
        return card


def _check(values: Mapping[str, Any], where: str) -> None:
    """Every required part is there and of its type."""
    kinds = {"name": str, "task": str, "architecture": str, "classes": list, "size": int}
    missing = [name for name in kinds if name not in values]
    if missing:
        raise ModelError(f"{where} lacks {', '.join(missing)}: copy the model's folder again, or train it anew")
    for name, kind in kinds.items():
        if not isinstance(values[name], kind):
            raise ModelError(f"{where}: {name} is {values[name]!r}, it must be a {kind.__name__}")
    for name in ("classes", "layers"):
        if not isinstance(values.get(name, []), list) or not all(
            isinstance(part, str) for part in values.get(name, [])
        ):
            raise ModelError(f"{where}: {name} is {values[name]!r}, it must be a list of texts")
    if len(set(values["classes"])) < len(values["classes"]):
        raise ModelError(f"{where}: classes is {values['classes']!r}, it must name each class once")
    for name in ("options", "training", "data", "metrics", "weights"):
        if not isinstance(values.get(name, {}), dict):
            raise ModelError(f"{where}: {name} is {values[name]!r}, it must be an object")
    if values.get("format", FORMAT) != FORMAT:
        raise ModelError(f"{where} has format {values['format']!r}, this version reads {FORMAT}: update UrbanLens")
    if not values["classes"] or not 16 <= values["size"] <= 4096:
        raise ModelError(f"{where}: it needs at least one class, and a size between 16 and 4096 px")
