"""One fit loop, and one module for each task that it learns."""

from urbanlens.training.city import train_city
from urbanlens.training.fit import FitResult, FitSettings, Task, fit
from urbanlens.training.metrics import wilson_interval
from urbanlens.training.transfer import train_transfer

__all__ = ["FitResult", "FitSettings", "Task", "fit", "train_city", "train_transfer", "wilson_interval"]
