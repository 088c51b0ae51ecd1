"""Small networks for the tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TinyNet(nn.Module):
    """Two convolutions of stride 2, an in-place ReLU, and a pooled linear head with dropout."""

    def __init__(self, num_classes: int = 3, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Conv2d(3, 8, 3, 2, 1)
            self.norm = nn.BatchNorm2d(8)
            self.second = nn.Conv2d(8, 16, 3, 2, 1)
            self.relu = nn.ReLU(inplace=True)
            self.dropout = nn.Dropout(0.5)
            self.fc = nn.Linear(16, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.relu(self.second(self.relu(self.norm(self.first(images)))))
        return self.fc(self.dropout(x.mean((2, 3)) + x.amax((2, 3))))


def plain_grad_cam(module: nn.Module, images: Tensor, target: Tensor | None, stage: nn.Module) -> Tensor:
    """Grad-CAM as the paper writes it: the whole network differentiated, no shortcut."""
    caught: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        caught.append(output)
        return output.clone()

    handle = stage.register_forward_hook(keep)
    module.eval()
    with torch.enable_grad():
        scores = module(images.clone().requires_grad_(True))
    handle.remove()
    target = scores.argmax(1) if target is None else target
    gradient = torch.autograd.grad(scores[torch.arange(len(images)), target].sum(), caught[0])[0]
    weights = gradient.sum((2, 3)) / gradient[0, 0].numel()
    return functional.relu((weights[:, :, None, None] * caught[0]).sum(1)).detach()
