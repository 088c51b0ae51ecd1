"""What a killed training run goes on from: one safetensors file, its notes as JSON in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from urbanlens.artifacts import write_atomically
from urbanlens.errors import ModelError

Groups = dict[str, dict[str, Tensor]]


def write_checkpoint(path: Path, groups: Groups, notes: dict[str, Any]) -> None:
    """Write named groups of tensors and plain notes, whole or not at all."""
    tensors = {
        f"{group}/{name}": value.detach().cpu().contiguous().clone()
        for group, part in groups.items()
        for name, value in part.items()
    }
    write_atomically(path, save(tensors, metadata={"notes": json.dumps(notes)}))


def read_checkpoint(path: Path) -> tuple[Groups, dict[str, Any]]:
    """The groups and notes; ModelError where the file cannot be read."""
    groups: Groups = {}
    try:
        with safe_open(path, framework="pt") as file:
            notes: dict[str, Any] = json.loads((file.metadata() or {})["notes"])
            for key in file.keys():  # noqa: SIM118 - the file is no mapping
                group, name = key.split("/", 1)
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}): delete it and start again"
        ) from None
    return groups, notes


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of each parameter, as `number/name`."""
    state = optimizer.state_dict()["state"]
    return {f"{number}/{name}": value for number, part in state.items() for name, value in part.items()}


def fill_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put `optimizer_tensors` back, laid out in memory as the parameters are."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for key, value in tensors.items():
        number, name = key.split("/")
        parameter = parameters[int(number)]
        same = value.shape == parameter.shape and value.ndim
        optimizer.state[parameter][name] = torch.empty_like(parameter).copy_(value).detach() if same else value
