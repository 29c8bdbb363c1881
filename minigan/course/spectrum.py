"""What of a picture's detail is there, and how much of it is right: spectra for chapter 07."""

from collections.abc import Iterable

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]  # real and made, (1, C, H, W)


def windowed_spectrum(images: Tensor, side: int = 128) -> Tensor:
    """The Fourier transforms of the lightness of all half-overlapping squares: (N, C, H, W) -> (M, side, side).

    A window that falls to 0 at the border (Hann's) keeps the border itself, which is no detail, out of the spectrum.
    """
    lightness = images.mean(1)
    squares = lightness.unfold(1, side, side // 2).unfold(2, side, side // 2).flatten(0, 2)
    squares = squares - squares.mean((1, 2), keepdim=True)
    window = torch.hann_window(side).to(images)
    return torch.fft.fft2(squares * window[:, None] * window)


def rings(side: int, count: int = 16) -> Tensor:
    """For each frequency of a square, the number of its ring: (side, side), -1 beyond the last.

    Ring i holds the frequencies from i to i + 1 of `count` parts of 0 to 1/2, in periods to a pixel.
    """
    frequency = torch.fft.fftfreq(side)
    radius = (frequency[:, None].square() + frequency.square()).sqrt()
    ring = (radius * 2 * count).long()
    return torch.where(ring < count, ring, -1)


def drawn_and_right(pairs: Iterable[Pair], side: int = 128, count: int = 16) -> tuple[Tensor, Tensor]:
    """For each ring of frequencies: how much detail was drawn, and how much of it is right, each (count,).

    With X the spectrum of a real picture and Y that of the made one, summed over a ring and over all pictures:
    drawn = sum |Y|^2 / sum |X|^2, 1 where there is as much detail as in reality; right = Re sum X Y* /
    sqrt(sum |X|^2 sum |Y|^2), the Fourier ring correlation (Saxton & Baumeister 1982): 1 where the details agree, 0
    where they have nothing to do with each other.
    """
    inside = rings(side, count)
    members = torch.nn.functional.one_hot(inside.clamp(min=0).flatten(), count) * (inside.flatten() >= 0)[:, None]
    sums = torch.zeros(3, count, dtype=torch.float64)
    for real, fake in pairs:
        x, y = windowed_spectrum(real.double(), side), windowed_spectrum(fake.double(), side)
        products = torch.stack([x.abs().square(), y.abs().square(), (x * y.conj()).real]).sum(1)
        sums += products.flatten(1) @ members.double()
    real_power, power, common = sums
    return power / real_power, common / (real_power * power).sqrt().clamp(min=1e-30)


def comb(images: Tensor, period: int) -> float:
    """How much a grid of this period stands out, in decibels: 0 for a picture that knows no grid.

    The power at the frequencies k / period, over the mean power around them: (N, C, H, W), sides of 64 or more.
    """
    power = windowed_spectrum(images, 64).abs().square().mean(0)
    step, spots, around = 64 // period, [], []
    for down in range(0, 64, step):
        for right in range(0, 64, step):
            if down == 0 or right == 0:  # the axes hold the edges of the picture's own squares
                continue
            near = torch.stack([power[(down + i) % 64, (right + j) % 64] for i in (-1, 0, 1) for j in (-1, 0, 1)])
            far = torch.stack(
                [
                    power[(down + i) % 64, (right + j) % 64]
                    for i in range(-4, 5)
                    for j in range(-4, 5)
                    if max(abs(i), abs(j)) > 2
                ]
            )
            spots.append(near.mean())
            around.append(far.mean())
    return float(10 * torch.log10(torch.stack(spots).mean() / torch.stack(around).mean()))
