"""The device layer that all networks share: one place that loads, locks, batches and frees."""

from urbanlens.engine.batches import DeviceMemoryError, map_batches, prepare
from urbanlens.engine.devices import choose_device, comfortable_batch, default_memory_limit
from urbanlens.engine.engine import Engine

__all__ = [
    "DeviceMemoryError",
    "Engine",
    "choose_device",
    "comfortable_batch",
    "default_memory_limit",
    "map_batches",
    "prepare",
]
