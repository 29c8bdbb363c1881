"""Denoising: a network that predicts the noise of a photograph, told its level or not. Built in chapter 09.

The level sigma of white Gaussian noise is its standard deviation in grey levels of 0..255, as in `data.add_noise`.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan.apps.photographs import ResidualBlock, Spoil, Task, feature_distance, terms
from minigan.train import Batch, TrainConfig

STRONGEST = 60.0  # the highest level that the shipped network has seen
UNKNOWN = -127.5  # in place of a level: nobody has told it


class Denoiser(nn.Module):
    """Noisy images (N, 3, H, W) of any size, and what is known of their level -> clean images (N, 3, H, W).

    The network predicts the noise, which is subtracted (Zhang et al. 2017, section III). It works on 2 x 2 blocks of
    pixels laid out as 12 channels, at a quarter of the cost, and the level is a further channel (Zhang et al. 2018,
    section III). `sigma`: one level, one for each image (N,), or None; `UNKNOWN` among them says that it is not known.
    Noisy images may lie outside [-1, 1], and so may the result.
    """

    def __init__(self, width: int = 64, blocks: int = 5):
        super().__init__()
        self.arguments = {"width": width, "blocks": blocks}
        self.reach = 4 * (blocks + 1) + 2  # pixels to each side that have a say in one; even, as the squares are
        self.start = nn.Sequential(nn.Conv2d(12 + 1, width, 3, 1, 1), nn.ReLU())
        self.blocks = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)))
        self.to_noise = nn.Conv2d(width, 12, 3, 1, 1, bias=False)
        nn.init.zeros_(self.to_noise.weight)  # no noise found: the network starts by changing nothing

    def noise(self, noisy: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        """The noise that the network sees in the images: (N, 3, H, W)."""
        height, width = noisy.shape[-2:]
        even = F.pad(noisy, [0, width % 2, 0, height % 2], mode="replicate")
        squares = F.pixel_unshuffle(even, 2)  # (N, 12, H / 2, W / 2)
        level = torch.as_tensor(UNKNOWN if sigma is None else sigma).to(squares) / 127.5
        level = level.view(-1, 1, 1, 1).expand(len(squares), 1, *squares.shape[-2:])
        features = self.blocks(self.start(torch.cat([squares, level], 1)))
        return F.pixel_shuffle(self.to_noise(features), 2)[..., :height, :width]

    def forward(self, noisy: Tensor, sigma: Tensor | float | None = None) -> Tensor:
        return noisy - self.noise(noisy, sigma)


def noise(levels: tuple[float, float] = (0.0, STRONGEST), told: float = 0.5) -> Spoil:
    """How a photograph is spoiled, for `photographs.pairs`: by new noise each time.

    Gives "noisy" images (N, 3, H, W) and "sigma" (N,): uniform between the `levels`, or `UNKNOWN` but for a share
    `told` of the images. Half of the noisy images are clamped, as in a file; every eighth is grey, with the same noise
    in its three channels.
    """

    def spoil(real: Tensor, random: torch.Generator) -> Batch:
        count = len(real)
        clean, noise = real.clone(), torch.randn(real.shape, generator=random)
        clean[::8], noise[::8] = clean[::8].mean(1, keepdim=True), noise[::8, :1]
        sigma = levels[0] + (levels[1] - levels[0]) * torch.rand(count, generator=random)
        noisy = clean + noise * sigma.view(-1, 1, 1, 1) / 127.5
        noisy[::2] = noisy[::2].clamp(-1, 1)
        known = torch.rand(count, generator=random) < told
        return {"real": clean, "noisy": noisy, "sigma": torch.where(known, sigma, UNKNOWN)}

    return spoil


def task(network: nn.Module | None = None, images: int = 32_000, features: float = 0.0) -> Task:
    """How the denoisers of minigan are trained: the squared error, and `features` times L_FD where that is not 0."""
    config = TrainConfig(images, 16, rate=1e-3, betas=(0.9, 0.99), ema_half_life=4_000)
    if features:
        config = replace(
            config, batch=8, rate=2e-4, ema_half_life=1_000, ema_ramp_up=0.0, weights={"features": features}
        )
    loss = terms(feature_distance() if features else None, F.mse_loss)
    return Task(
        network or Denoiser(),
        noise(),
        lambda network, batch: network(batch["noisy"], batch["sigma"]),
        loss,
        config,
        size=64 if features else 48,
    )


@torch.no_grad()
def denoise(network: nn.Module, noisy: Tensor, sigma: float | None = None) -> Tensor:
    """Noisy images (N, 3, H, W) or (N, 1, H, W) of any size -> clean images of the same shape, in [-1, 1].

    `sigma`: the level from 0 to 255, or None where it is not known. Grey images are cleaned as three equal channels.
    """
    if sigma is not None and not 0 <= sigma <= 255:
        raise ValueError(f"sigma is {sigma}, expected a level from 0 to 255, or None where it is not known")
    device = next(network.parameters()).device
    clean = network(noisy.to(device).expand(-1, 3, -1, -1), sigma).clamp(-1, 1).to(noisy.device)
    return clean.mean(1, keepdim=True) if noisy.shape[1] == 1 else clean


@torch.no_grad()
def non_local_means(noisy: Tensor, sigma: float, strength: float = 0.6, patch: int = 5, search: int = 6) -> Tensor:
    """The classical rival: each pixel becomes a weighted mean of pixels whose surroundings look alike: (N, C, H, W).

    w = exp(-max(d^2 - 2 sigma^2, 0) / (strength sigma)^2), with d^2 the mean squared difference of two squares of
    `patch` pixels a side, of which 2 sigma^2 is noise. Pixels up to `search` away are asked (Buades et al. 2005).
    """
    noise, half = max(sigma, 1e-3) / 127.5, patch // 2
    height, width = noisy.shape[-2:]
    wide = F.pad(noisy, [search + half] * 4, mode="replicate")
    here = wide[..., search : search + height + 2 * half, search : search + width + 2 * half]
    total, weights = torch.zeros_like(noisy), torch.zeros_like(noisy[:, :1])
    for down in range(2 * search + 1):
        for right in range(2 * search + 1):
            there = wide[..., down : down + height + 2 * half, right : right + width + 2 * half]
            difference = F.avg_pool2d((here - there).square().mean(1, keepdim=True), patch, 1)
            exponent = (difference - 2 * noise**2).clamp(min=0) / (strength * noise) ** 2
            weight = torch.exp(-exponent) * (exponent < 5)  # many unlike ones would count as much as few alike
            total += weight * there[..., half : half + height, half : half + width]
            weights += weight
    return (total / weights).clamp(-1, 1)
