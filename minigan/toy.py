"""Distributions whose density is known, on a line or in a plane, and the discriminator that is best there.

Built in chapter 01.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class GaussianMixture:
    """Round Gaussians in d dimensions: the sum over k of weight_k N(x; centre_k, sigma_k^2 I).

    `centres`: K points of d numbers. `sigma`: one width, or one for each centre. `weights`: by default all equal; they
    are divided by their sum.
    """

    def __init__(
        self,
        centres: Tensor | Sequence[Sequence[float]],
        sigma: float | Sequence[float],
        weights: Sequence[float] | None = None,
    ):
        self.centres = torch.as_tensor(centres, dtype=torch.float32)
        if self.centres.ndim != 2:
            shape = tuple(self.centres.shape)
            raise ValueError(f"centres have shape {shape}, expected (K, d); write points on a line as [[-1.0], [1.0]]")
        count, self.dimension = self.centres.shape
        self.sigma = one_each(sigma, count, "sigma")
        self.weights = one_each(1.0 if weights is None else weights, count, "weights")
        if not self.sigma.min() > 0:
            raise ValueError(f"sigma is {sigma}, expected widths above 0")
        if not (self.weights.min() >= 0 and self.weights.sum() > 0):
            raise ValueError(f"weights are {weights}, expected numbers of 0 or more, not all 0")
        self.weights = self.weights / self.weights.sum()

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw n points (n, d): choose a Gaussian by its weight, then a point from it."""
        which = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        return self.centres[which] + self.sigma[which, None] * torch.randn(n, self.dimension, generator=generator)

    def log_prob(self, points: Tensor) -> Tensor:
        """The logarithm of the density at points (n, d): n values, exact where the density itself rounds to 0."""
        if points.ndim != 2 or points.shape[1] != self.dimension:
            raise ValueError(f"points have shape {tuple(points.shape)}, expected (n, {self.dimension})")
        squared = (points[:, None] - self.centres).square().sum(-1)
        constant = self.weights.log() - self.dimension * (self.sigma.log() + 0.5 * math.log(2 * math.pi))
        return torch.logsumexp(constant - 0.5 * squared / self.sigma.square(), dim=1)


def one_each(values: float | Sequence[float], count: int, name: str) -> Tensor:
    """One number for each of `count` centres, from one for all or from a list of them."""
    numbers = torch.as_tensor(values, dtype=torch.float32)
    if numbers.shape not in ((), (count,)):
        raise ValueError(f"{name} is {values}, expected one number or {count}, one for each centre")
    return numbers.expand(count)


def ring(count: int = 8, radius: float = 1.0, sigma: float = 0.1) -> GaussianMixture:
    """`count` equal Gaussians on a circle: the usual test of whether a GAN drops modes (Metz et al. 2017)."""
    angles = torch.arange(count) * (2 * math.pi / count)
    return GaussianMixture(radius * torch.stack([angles.cos(), angles.sin()], 1), sigma)


def lattice(side: int = 5, spacing: float = 1.0, sigma: float = 0.1) -> GaussianMixture:
    """`side` x `side` equal Gaussians on a square around 0: harder than the ring, for it has more modes to lose."""
    ticks = (torch.arange(side) - (side - 1) / 2) * spacing
    return GaussianMixture(torch.cartesian_prod(ticks, ticks), sigma)


def optimal_logit(real: GaussianMixture, fake: GaussianMixture, points: Tensor) -> Tensor:
    """log p(x) - log q(x), the logit of the best discriminator D* = p / (p + q) (Goodfellow et al. 2014, prop. 1)."""
    return real.log_prob(points) - fake.log_prob(points)


def midpoints(extent: float, cells: int, dimension: int) -> tuple[Tensor, float]:
    """The middles of equal cells that fill [-extent, extent]^d, as points (cells^d, d), and the volume of one cell."""
    width = 2 * extent / cells
    ticks = (torch.arange(cells) + 0.5) * width - extent
    points = torch.cartesian_prod(*[ticks] * dimension).reshape(-1, dimension)
    return points, width**dimension


def jensen_shannon(real: GaussianMixture, fake: GaussianMixture, extent: float = 8.0, cells: int = 800) -> float:
    """JS(p, q) = 1/2 KL(p || m) + 1/2 KL(q || m), m = (p + q) / 2, in nats: 0 for equal densities, at most log 2.

    By the midpoint rule on [-extent, extent]^d. Raises `ValueError` where the cells do not hold the whole of p and q,
    because they are too few for the narrowest Gaussian or `extent` is too small.
    """
    points, volume = midpoints(extent, cells, real.dimension)
    p, q = (density.log_prob(points).double() for density in (real, fake))
    m = torch.logaddexp(p, q) - math.log(2)
    held = [float(density.exp().sum() * volume) for density in (p, q)]
    if max(abs(1 - part) for part in held) > 1e-3:
        raise ValueError(
            f"the cells hold {held[0]:.4f} of p and {held[1]:.4f} of q, expected 1; use a larger extent than {extent} "
            f"or more cells than {cells}"
        )
    return float((p.exp() * (p - m) + q.exp() * (q - m)).sum() * volume / 2)


class Modes(NamedTuple):
    """How many centres hold samples, and the share of samples that lie near a centre."""

    found: int
    good: float


def count_modes(samples: Tensor, real: GaussianMixture, within: float = 3.0, least: float = 0.1) -> Modes:
    """Count the modes of `real` that samples (n, d) have found, and the share of good samples.

    A sample is good if it lies within `within` sigma of its nearest centre. A mode is found if it holds at least
    `least` times the samples that are its due, so that one stray sample is not a mode.
    """
    if len(samples) == 0:
        raise ValueError("there are no samples to count modes in; draw at least a few for each mode")
    distance, nearest = torch.cdist(samples, real.centres).min(1)
    good = distance <= within * real.sigma[nearest]
    held = torch.bincount(nearest[good], minlength=len(real.centres))
    return Modes(int((held >= least * real.weights * len(samples)).sum()), float(good.float().mean()))
