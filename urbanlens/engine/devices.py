"""Which device computes, and how much memory it has."""

from __future__ import annotations

import os

import torch
from torch import nn

from urbanlens.errors import ModelError


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """`auto` is the first GPU where there is one, else the CPU; ModelError for a device that is not there."""
    if isinstance(name, str) and name == "auto":
        return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ModelError(f"{name!r} is no device: use auto, cpu, cuda, or cuda:1 for the second GPU") from None
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise ModelError(f"{name} was asked for, but {count or 'no'} GPU can be seen: use auto or cpu")
        return torch.device("cuda", device.index or 0)
    if device.type != "cpu":
        raise ModelError(f"{name!r} is no device for UrbanLens: use auto, cpu, cuda, or cuda:1 for the second GPU")
    return device


def default_memory_limit(device: torch.device) -> int:
    """Bytes that models may take when nobody says: half of a GPU's memory, a quarter of the machine's."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory) // 2
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


def bytes_of(module: nn.Module) -> int:
    """Bytes of a network's parameters and buffers."""
    return sum(part.numel() * part.element_size() for part in (*module.parameters(), *module.buffers()))


def free_unused(device: torch.device) -> None:
    """Give memory that no tensor holds back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def comfortable_batch(device: torch.device) -> int:
    """How many images a device likes at a time.

    A CPU loses half its speed on large batches, whose memory comes and goes; a GPU wants its many cores busy.
    """
    return 4 if device.type == "cpu" else 32
