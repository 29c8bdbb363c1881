"""Adversarial losses and gradient penalties. Built in chapter 02.

Every loss takes logits, the discriminator's raw scores: D(x) = sigmoid(logit). Real comes before fake.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DiscriminatorLoss = Callable[[Tensor, Tensor], Tensor]
GeneratorLoss = Callable[[Tensor], Tensor]


def bce_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))), the discriminator's side of the minimax game (Goodfellow et al. 2014, eq. 1).

    `softplus(-l)` is -log sigmoid(l) and `softplus(l)` is -log(1 - sigmoid(l)), exact where the sigmoid itself rounds
    to 0 or 1.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def minimax_g(fake_logits: Tensor) -> Tensor:
    """E log(1 - D(G(z))), the generator's side of the same game.

    It saturates where D rejects the samples (section 3).
    """
    return -F.softplus(fake_logits).mean()


def non_saturating_g(fake_logits: Tensor) -> Tensor:
    """-E log D(G(z)): the same fixed point, and a strong gradient where samples are bad.

    Goodfellow et al. 2014, section 3.
    """
    return F.softplus(-fake_logits).mean()


def least_squares_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """1/2 E (D(x) - 1)^2 + 1/2 E D(G(z))^2 on raw scores (Mao et al. 2017, eq. 9)."""
    return 0.5 * (real_logits - 1).square().mean() + 0.5 * fake_logits.square().mean()


def least_squares_g(fake_logits: Tensor) -> Tensor:
    """1/2 E (D(G(z)) - 1)^2 (Mao et al. 2017, eq. 9)."""
    return 0.5 * (fake_logits - 1).square().mean()


def hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim & Ye 2017, eq. 4). Scores past the margin no longer count."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def wasserstein_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E D(G(z)) - E D(x): minus the critic's estimate of the Wasserstein distance (Arjovsky et al. 2017, eq. 2)."""
    return fake_logits.mean() - real_logits.mean()


def linear_g(fake_logits: Tensor) -> Tensor:
    """-E D(G(z)), the generator's loss of both the hinge and the Wasserstein game."""
    return -fake_logits.mean()


ADVERSARIAL: dict[str, tuple[DiscriminatorLoss, GeneratorLoss]] = {
    "minimax": (bce_d, minimax_g),
    "non_saturating": (bce_d, non_saturating_g),
    "least_squares": (least_squares_d, least_squares_g),
    "hinge": (hinge_d, linear_g),
    "wasserstein": (wasserstein_d, linear_g),
}


def squared_gradient_norm(discriminator: nn.Module, images: Tensor) -> Tensor:
    """||grad_x D(x)||^2 at each image x: (N, ...) -> (N,), which can be differentiated again.

    The norm runs over all pixels and channels of one image, and over nothing else.
    """
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def r1_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """1/2 E ||grad_x D(x)||^2 over real images (Mescheder et al. 2018, eq. 9, without its gamma)."""
    return 0.5 * squared_gradient_norm(discriminator, real).mean()


def gradient_penalty(
    discriminator: nn.Module, real: Tensor, fake: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """E (||grad_x D(x)|| - 1)^2 at random points between real and fake (Gulrajani et al. 2017, eq. 3, without lambda).

    One mixing weight is drawn for each pair, from `generator`.
    """
    weight = torch.rand((len(real), *[1] * (real.ndim - 1)), generator=generator).to(real)
    squared = squared_gradient_norm(discriminator, torch.lerp(real, fake, weight))
    return (squared.clamp(min=1e-12).sqrt() - 1).square().mean()
