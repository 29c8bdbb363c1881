"""Small generators and discriminators, and the blocks they are made of. Built in chapter 02."""

from itertools import pairwise

import torch
from torch import Tensor, nn

UPSAMPLING = ("transposed", "pixel_shuffle", "resize")
NORMS = ("none", "batch", "spectral")


def mlp(inputs: int, outputs: int, width: int = 128, depth: int = 2, slope: float = 0.2) -> nn.Sequential:
    """A network for points, not pictures, (N, inputs) -> (N, outputs): `depth` hidden layers of `width` units.

    `slope` of the leaky ReLU below 0; at 0 it is the plain ReLU.
    """
    sizes = [inputs, *[width] * depth]
    hidden = [part for i, o in pairwise(sizes) for part in (nn.Linear(i, o), nn.LeakyReLU(slope))]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], outputs))


def stages(size: int) -> tuple[int, int]:
    """(base, doublings) with size = base * 2 ** doublings and base from 4 to 7: 28 = 7 * 2 * 2, 64 = 4 * 2 ** 4.

    Raises `ValueError` for a side that is not such a number between 8 and 256, and offers the nearest.
    """
    possible = {
        base * 2**doublings: (base, doublings)
        for base in (4, 5, 6, 7)
        for doublings in range(1, 7)
        if base * 2**doublings <= 256
    }
    if size not in possible:
        low, high = sorted(sorted(possible, key=lambda other: abs(other - size))[:2])
        raise ValueError(
            f"size is {size} pixels, expected 4, 5, 6 or 7 doubled up to 256; the nearest are {low} and {high}"
        )
    return possible[size]


def icnr_(weight: Tensor, factor: int = 2) -> Tensor:
    """Fill a convolution's weight so that a pixel shuffle behind it starts without checkerboard (Aitken et al. 2017).

    The `factor` ** 2 channels that become one block of pixels get the same kernel: every block starts as one flat
    colour.
    """
    kernels = torch.empty(weight.shape[0] // factor**2, *weight.shape[1:], device=weight.device)
    nn.init.kaiming_normal_(kernels)
    with torch.no_grad():
        return weight.copy_(kernels.repeat_interleave(factor**2, dim=0))


def upsample(inputs: int, outputs: int, how: str = "transposed", bias: bool = False) -> nn.Module:
    """Double height and width by a learnt layer, (N, inputs, H, W) -> (N, outputs, 2H, 2W).

    "transposed": a 4 x 4 transposed convolution of stride 2; its kernel is a multiple of its stride, so that all
    pixels are reached equally often. "pixel_shuffle": a convolution to four times the channels, laid out as 2 x 2
    blocks (Shi et al. 2016). "resize": nearest neighbour, then a convolution (Odena et al. 2016).
    """
    if how == "transposed":
        return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)
    if how == "pixel_shuffle":
        convolution = nn.Conv2d(inputs, 4 * outputs, 3, 1, 1, bias=bias)
        icnr_(convolution.weight)
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)  # one per pixel of a block: random ones would bring the checkerboard back
        return nn.Sequential(convolution, nn.PixelShuffle(2))
    if how == "resize":
        return nn.Sequential(
            nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=bias)
        )
    raise ValueError(f"upsampling is {how!r}, expected one of {', '.join(UPSAMPLING)}")


class Generator(nn.Module):
    """Latents (N, latents) -> images (N, channels, size, size) in [-1, 1], after DCGAN (Radford et al. 2016).

    The first layer makes a small map of 4 to 7 pixels a side. Each further one doubles the side and halves the
    channels, down to `width` before the picture. `arguments` rebuilds the same network:
    `Generator(**generator.arguments)`.
    """

    def __init__(
        self, size: int = 64, channels: int = 3, latents: int = 128, width: int = 48, upsampling: str = "transposed"
    ):
        super().__init__()
        self.arguments = {key: value for key, value in locals().items() if key not in ("self", "__class__")}
        base, doublings = stages(size)
        widths = [width * 2**i for i in reversed(range(doublings))]
        self.latents = latents
        self.start = nn.Sequential(
            nn.ConvTranspose2d(latents, widths[0], base, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        self.blocks = nn.Sequential()
        for inputs, outputs in pairwise(widths):
            self.blocks.extend([upsample(inputs, outputs, upsampling), nn.BatchNorm2d(outputs), nn.ReLU()])
        self.to_image = upsample(widths[-1], channels, upsampling, bias=True)
        self.apply(initialise)

    def forward(self, latents: Tensor) -> Tensor:
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ValueError(f"latents have shape {tuple(latents.shape)}, expected (N, {self.latents})")
        features = self.start(latents[:, :, None, None])
        return self.to_image(self.blocks(features)).tanh()


class Discriminator(nn.Module):
    """Images (N, channels, size, size) -> logits (N,): each stage halves the side and doubles the channels.

    `norm`: "none" (fit for R1 and gradient penalties), "batch" (as in DCGAN, from the second stage on) or "spectral"
    (Miyato et al. 2018). Without batch norm the weights start as He et al. 2015 advise: the signal keeps its size.
    """

    def __init__(self, size: int = 64, channels: int = 3, width: int = 48, norm: str = "none"):
        super().__init__()
        self.arguments = {key: value for key, value in locals().items() if key not in ("self", "__class__")}
        if norm not in NORMS:
            raise ValueError(f"norm is {norm!r}, expected one of {', '.join(NORMS)}")
        base, doublings = stages(size)
        widths = [channels, *(width * 2**i for i in range(doublings))]
        self.blocks = nn.Sequential()
        for stage, (inputs, outputs) in enumerate(pairwise(widths)):
            normalised = norm == "batch" and stage > 0
            self.blocks.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=not normalised))
            self.blocks.extend([nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)] if normalised else [nn.LeakyReLU(0.2)])
        self.shape = (channels, size, size)
        self.to_logit = nn.Conv2d(widths[-1], 1, base)
        self.apply(initialise if norm == "batch" else initialise_for_leaky_relu)
        if norm == "spectral":
            for convolution in [module for module in self.modules() if isinstance(module, nn.Conv2d)]:
                nn.utils.parametrizations.spectral_norm(convolution)

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[1:] != self.shape:  # larger images would silently give several logits each
            raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, *{self.shape}); resize them first")
        return self.to_logit(self.blocks(images)).flatten()


def initialise(module: nn.Module) -> None:
    """DCGAN's start for nets with batch norm: convolutions N(0, 0.02^2), norms scaled by N(1, 0.02^2).

    For `net.apply`. 3 x 3 kernels are left alone: they belong to pixel shuffle, which has ICNR, or to resizing.
    """
    if isinstance(module, nn.ConvTranspose2d | nn.Conv2d) and module.kernel_size != (3, 3):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)


def initialise_for_leaky_relu(module: nn.Module) -> None:
    """The start for nets without batch norm: Kaiming normal for a leaky ReLU of slope 0.2, no bias. For `net.apply`."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, a=0.2)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
