"""Template generators: images to codes and back, and a prior that knows which codes real images have.

Generator and losses follow Dosovitskiy & Brox, Generating Images with Perceptual Similarity Metrics based on Deep
Networks (2016). The code keeps its places: a cell of it stands for a part of the picture.
"""

from __future__ import annotations

from math import log
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from urbanlens.errors import ModelError
from urbanlens.models.layers import Normalize
from urbanlens.models.registry import GENERATORS, ArchitectureSpec, options_of
from urbanlens.models.trunk import build_trunk

LEARNED: Final = "learned"
GROUPS: Final = 8
FREQUENCIES: Final = 32


class Residual(nn.Module):
    """Two normalised 3x3 convolutions beside a shortcut; it starts as the shortcut alone."""

    def __init__(self, inside: int, outside: int, told: int = 0) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inside), nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outside), nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.told = nn.Linear(told, outside) if told else None
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        """`told` (N, T) is added to every place."""
        y = self.conv1(functional.silu(self.norm1(x)))
        if self.told is not None and told is not None:
            y = y + self.told(told)[:, :, None, None]
        result: Tensor = self.shortcut(x) + self.conv2(functional.silu(self.norm2(y)))
        return result


class Encoder(nn.Module):
    """(N, 3, P, P) in [0, 1] -> (N, C, P/8, P/8), each channel of mean 0 and spread 1 over real images."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.normalize = Normalize()
        parts: list[nn.Module] = [nn.Conv2d(3, 32, 5, 2, 2)]
        for inside, outside in ((32, 64), (64, 128)):
            parts += [Residual(inside, inside), nn.Conv2d(inside, outside, 3, 2, 1)]
        self.parts = nn.Sequential(*parts, Residual(128, 128), Residual(128, 128), nn.Conv2d(128, channels, 1))
        self.standard = nn.BatchNorm2d(channels, affine=False, momentum=0.02)

    def forward(self, images: Tensor) -> Tensor:
        codes: Tensor = self.standard(self.parts(self.normalize(images)).float())
        return codes


class FrozenEncoder(nn.Module):
    """Features of a network that learns nothing here, each channel of mean 0 and spread 1 over real images."""

    def __init__(self, backbone: str, layer: str | None) -> None:
        super().__init__()
        self.trunk, self.channels = build_trunk(backbone, layer)
        self.trunk.requires_grad_(False)
        self.standard = nn.BatchNorm2d(self.channels, affine=False, momentum=0.02)

    def train(self, mode: bool = True) -> FrozenEncoder:
        """What is frozen stays in eval mode."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        codes: Tensor = self.standard(self.trunk(images).float())
        return codes


class Decoder(nn.Module):
    """(N, C, h, h) -> (N, 3, P, P) in [0, 1]."""

    def __init__(self, channels: int, side: int, size: int, width: int) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), Residual(width, width)]
        while side < size // 8:
            parts += [nn.Upsample(scale_factor=2), Residual(width, width)]
            side *= 2
        for inside, outside in ((width, width * 3 // 5), (width * 3 // 5, width * 3 // 10)):
            outside = max(GROUPS, outside // GROUPS * GROUPS)
            inside = max(GROUPS, inside // GROUPS * GROUPS)
            parts += [Residual(inside, inside), nn.Upsample(scale_factor=2), nn.Conv2d(inside, outside, 3, padding=1)]
        last = nn.Conv2d(outside, 12, 3, padding=1)
        # The four pixels that a cell becomes start alike: no checkerboard to unlearn.
        last.weight.data = last.weight.data[::4].repeat_interleave(4, 0)
        last.bias.data = last.bias.data[::4].repeat_interleave(4, 0)  # type: ignore[union-attr]
        ending = [nn.GroupNorm(GROUPS, outside), nn.SiLU(), last, nn.PixelShuffle(2)]
        self.parts = nn.Sequential(*parts, Residual(outside, outside), *ending)

    def forward(self, codes: Tensor) -> Tensor:
        return torch.sigmoid(2 * self.parts(codes).float())


class Attention(nn.Module):
    """Every place looks at every other one (four heads), beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.ask, self.out = (
            nn.GroupNorm(GROUPS, width),
            nn.Conv2d(width, 3 * width, 1),
            nn.Conv2d(width, width, 1),
        )
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        count, width, height, breadth = x.shape
        asked = self.ask(self.norm(x)).reshape(count, 3, 4, width // 4, height * breadth).transpose(-1, -2)
        query, key, value = asked.unbind(1)
        found = functional.scaled_dot_product_attention(query, key, value).transpose(-1, -2)
        result: Tensor = x + self.out(found.reshape(count, width, height, breadth))
        return result


class Prior(nn.Module):
    """Noisy codes -> what they most likely were (Karras et al. 2022, EDM, with a spread of 1).

    D(z; s) = z / (1 + s^2) + s / sqrt(1 + s^2) F(z / sqrt(1 + s^2); log s / 4). Told a class, it knows the codes of
    that class; class K stands for any.
    """

    frequencies: Tensor
    places: Tensor

    def __init__(self, channels: int, side: int, num_classes: int, width: int) -> None:
        super().__init__()
        told = 2 * width
        self.level = nn.Sequential(nn.Linear(2 * FREQUENCIES, told), nn.SiLU(), nn.Linear(told, told))
        self.kind = nn.Embedding(num_classes + 1, told)
        self.begin = nn.Conv2d(channels + 2, width, 3, padding=1)
        self.position = nn.Parameter(torch.zeros(1, width, side, side))
        self.fine = nn.ModuleList([Residual(width, width, told) for _ in range(2)])
        self.down = nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.coarse = nn.ModuleList([Residual(2 * width, 2 * width, told) for _ in range(3)])
        self.attention = Attention(2 * width)
        self.up = nn.Sequential(nn.Upsample(size=(side, side)), nn.Conv2d(2 * width, width, 3, padding=1))
        self.again = nn.ModuleList([Residual(2 * width, width, told), Residual(width, width, told)])
        self.end = nn.Sequential(nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, channels, 3, padding=1))
        nn.init.zeros_(self.end[2].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.end[2].bias)  # type: ignore[arg-type]
        nn.init.normal_(self.kind.weight, 0, 0.02)
        line = torch.linspace(-1, 1, side)
        self.register_buffer("places", torch.stack(torch.meshgrid(line, line, indexing="ij"))[None], persistent=False)
        waves = torch.exp(torch.linspace(0, log(200), FREQUENCIES))
        self.register_buffer("frequencies", waves, persistent=False)

    def forward(self, codes: Tensor, sigma: Tensor, classes: Tensor | None = None) -> Tensor:
        level = sigma.view(-1, 1, 1, 1)
        scale = (1 + level**2).rsqrt()
        waves = sigma.view(-1, 1).log() / 4 * self.frequencies
        if classes is None:
            classes = torch.full((len(codes),), self.kind.num_embeddings - 1, device=codes.device)
        told = functional.silu(self.level(torch.cat([waves.sin(), waves.cos()], 1)) + self.kind(classes))
        places = self.places.expand(len(codes), -1, -1, -1)
        x = self.begin(torch.cat([codes * scale, places], 1)) + self.position
        for block in self.fine:
            x = block(x, told)
        y = self.attention(self.coarse[0](self.down(x), told))
        for block in list(self.coarse)[1:]:
            y = block(y, told)
        y = torch.cat([self.up(y), x], 1)
        for block in self.again:
            y = block(y, told)
        result: Tensor = codes * scale**2 + level * scale * self.end(y).float()
        return result


class TemplateGenerator(nn.Module):
    """Encoder, decoder and prior; its forward pass is the reconstruction (N, 3, P, P) -> (N, 3, P, P).

    Parameters
    ----------
    num_classes : K, classes that the prior can be told
    size : P, side of the images in px, a multiple of 16
    channels : C of the code; the frozen encoder's own number takes its place
    width : of the decoder
    prior_width : of the prior; 0: there is none
    encoder : `learned`, or a name of `MODELS` whose features are inverted
    layer : of that network; None: the last
    """

    def __init__(
        self, num_classes: int = 2, size: int = 128, channels: int = 16, width: int = 160, prior_width: int = 64,
        encoder: str = LEARNED, layer: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if size % 16 or not 32 <= size <= 512:
            raise ModelError(f"a generator of {size} px cannot be: give a multiple of 16 between 32 and 512")
        if width % GROUPS or prior_width % GROUPS or width < 32:
            raise ModelError(
                f"width {width}, prior_width {prior_width}: give multiples of {GROUPS}, the width from 32 on"
            )
        self.num_classes, self.size = num_classes, size
        self.encoder = Encoder(channels) if encoder == LEARNED else FrozenEncoder(encoder, layer)
        with torch.no_grad():
            shape = self.encoder.eval()(torch.zeros(1, 3, size, size)).shape
        self.encoder.train()
        self.code_shape = (int(shape[1]), int(shape[2]), int(shape[3]))
        self.decoder = Decoder(self.code_shape[0], self.code_shape[1], size, width)
        self.prior = Prior(self.code_shape[0], self.code_shape[1], num_classes, prior_width) if prior_width else None

    def encode(self, images: Tensor) -> Tensor:
        """(N, 3, P, P) in [0, 1] -> codes (N, C, h, h)."""
        codes: Tensor = self.encoder(images)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> (N, 3, P, P) in [0, 1]."""
        images: Tensor = self.decoder(codes.contiguous(memory_format=torch.channels_last))
        return images

    def denoise(self, codes: Tensor, sigma: Tensor, classes: Tensor | None = None) -> Tensor:
        """What codes with normal noise of spread `sigma` (N,) most likely were, of any class or of `classes` (N,)."""
        if self.prior is None:
            raise ModelError("this generator has no prior: train one, or choose plain ascent")
        found: Tensor = self.prior(codes.contiguous(memory_format=torch.channels_last), sigma, classes)
        return found

    def forward(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))


_PAPER = "Dosovitskiy & Brox, Generating Images with Perceptual Similarity Metrics, 2016; Karras et al., EDM, 2022"
GENERATORS.add(
    "template_generator",
    ArchitectureSpec("template_generator", TemplateGenerator, _PAPER, options_of(TemplateGenerator)),
)


class Discriminator(nn.Module):
    """(N, 3, P, P) in [0, 1] -> (N, 1, P/8, P/8), how real each part looks; its slope is bounded (spectral norm)."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        bounded = nn.utils.parametrizations.spectral_norm
        parts: list[nn.Module] = []
        inside = 3
        for outside in (width, 2 * width, 4 * width):
            parts += [bounded(nn.Conv2d(inside, outside, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inside = outside
        self.parts = nn.Sequential(*parts, bounded(nn.Conv2d(inside, 1, 3, padding=1)))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.parts(images * 2 - 1).float()
        return scores
