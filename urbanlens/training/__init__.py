"""One fit loop, and one module for each task that it learns."""

from urbanlens.training.city import train_city
from urbanlens.training.fit import FitResult, FitSettings, Task, fit
from urbanlens.training.metrics import wilson_interval

__all__ = ["FitResult", "FitSettings", "Task", "fit", "train_city", "wilson_interval"]
