"""Adversarial losses and gradient penalties against torch's own functions, closed forms and a linear critic."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from minigan.losses import (
    ADVERSARIAL,
    bce_d,
    gradient_penalty,
    hinge_d,
    least_squares_d,
    least_squares_g,
    linear_g,
    minimax_g,
    non_saturating_g,
    r1_penalty,
    squared_gradient_norm,
    wasserstein_d,
)

LOGITS = torch.tensor([-2.0, 0.0, 1.0])
OTHER = torch.tensor([3.0, -1.0, 0.5])


class Linear(nn.Module):
    """D(x) = <w, x>, whose gradient is w everywhere."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, images: Tensor) -> Tensor:
        return (images * self.w).flatten(1).sum(1)


class Quadratic(nn.Module):
    """D(x) = ||x||^2 / 2, whose gradient at x is x itself."""

    def forward(self, images: Tensor) -> Tensor:
        return 0.5 * images.square().flatten(1).sum(1)


def weight_of_norm(norm: float, shape: tuple[int, ...] = (3, 4, 4)) -> Tensor:
    w = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return w * (norm / w.norm())


def images(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gradient(loss: Tensor, at: Tensor) -> Tensor:
    return torch.autograd.grad(loss, at)[0]


# Values


@pytest.mark.parametrize(
    ("loss", "real", "fake", "value"),
    [
        (least_squares_d, [1.0, 3.0], [0.0, 2.0], 0.5 * (0 + 4) / 2 + 0.5 * (0 + 4) / 2),
        (hinge_d, [2.0, 0.0, -1.0], [-3.0, -0.5, 1.0], (0 + 1 + 2) / 3 + (0 + 0.5 + 2) / 3),
        (wasserstein_d, [1.0, 2.0], [5.0, 0.0], 2.5 - 1.5),
        (bce_d, [math.log(3)], [math.log(3)], -math.log(3 / 4) - math.log(1 / 4)),
    ],
)
def test_discriminator_losses_by_hand(loss, real, fake, value):
    assert_close(loss(torch.tensor(real), torch.tensor(fake)), torch.tensor(value))


@pytest.mark.parametrize(
    ("loss", "fake", "value"),
    [
        (minimax_g, [math.log(3)], math.log(1 / 4)),
        (non_saturating_g, [math.log(3)], -math.log(3 / 4)),
        (least_squares_g, [0.0, 3.0], 0.5 * (1 + 4) / 2),
        (linear_g, [1.0, 4.0], -2.5),
    ],
)
def test_generator_losses_by_hand(loss, fake, value):
    assert_close(loss(torch.tensor(fake)), torch.tensor(value))


def test_bce_agrees_with_torch():
    ones, zeros = torch.ones(3), torch.zeros(3)
    expected = F.binary_cross_entropy_with_logits(LOGITS, ones) + F.binary_cross_entropy_with_logits(OTHER, zeros)
    assert_close(bce_d(LOGITS, OTHER), expected)
    assert_close(non_saturating_g(OTHER), F.binary_cross_entropy_with_logits(OTHER, ones))
    assert_close(minimax_g(OTHER), -F.binary_cross_entropy_with_logits(OTHER, zeros))


def test_least_squares_and_hinge_agree_with_torch():
    expected = 0.5 * (F.mse_loss(LOGITS, torch.ones(3)) + F.mse_loss(OTHER, torch.zeros(3)))
    assert_close(least_squares_d(LOGITS, OTHER), expected)
    minus = -torch.ones(3)  # the target for which torch's loss is max(0, 1 - x)
    assert_close(hinge_d(LOGITS, OTHER), F.hinge_embedding_loss(LOGITS, minus) + F.hinge_embedding_loss(-OTHER, minus))


def test_the_value_at_the_optimum_is_minus_log_4():
    zeros = torch.zeros(7)  # D = 1/2 everywhere
    assert_close(-bce_d(zeros, zeros), torch.tensor(-math.log(4)))


def test_the_table_pairs_the_losses_of_one_game():
    assert {
        "minimax": (bce_d, minimax_g),
        "non_saturating": (bce_d, non_saturating_g),
        "least_squares": (least_squares_d, least_squares_g),
        "hinge": (hinge_d, linear_g),
        "wasserstein": (wasserstein_d, linear_g),
    } == ADVERSARIAL


# Properties


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("shape", [(6,), (6, 1), (2, 1, 3, 1)])
def test_logits_of_any_shape_give_the_same_scalar(name, shape):
    d, g = ADVERSARIAL[name]
    real, fake = torch.linspace(-2, 2, 6), torch.linspace(1, -3, 6)
    assert d(real.view(shape), fake.view(shape)).shape == ()
    assert_close(d(real.view(shape), fake.view(shape)), d(real, fake))
    assert_close(g(fake.view(shape)), g(fake))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_losses_pull_the_right_way(name):
    """At logit 0 D raises real and lowers fake scores, and G raises its own, in every game."""
    d, g = ADVERSARIAL[name]
    real, fake = (torch.zeros(4, requires_grad=True) for _ in range(2))
    real_slope, fake_slope = torch.autograd.grad(d(real, fake), (real, fake))
    own_slope = gradient(g(fake), fake)
    expected = {"minimax": 0.5, "non_saturating": 0.5, "least_squares": 1.0, "hinge": 1.0, "wasserstein": 1.0}[name] / 4
    assert_close(real_slope, torch.full((4,), -expected))
    assert_close(fake_slope, torch.full((4,), 0.0 if name == "least_squares" else expected))
    assert_close(own_slope, torch.full((4,), -expected))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-30, 30), min_size=1, max_size=5))
def test_swapping_real_and_fake_mirrors_the_cross_entropy(values):
    """-log D(x) and -log(1 - D(x)) are mirror images, so d(real, fake) = d(-fake, -real)."""
    logits, other = torch.tensor(values, dtype=torch.float64), torch.tensor(values[::-1], dtype=torch.float64) + 1
    for loss in (bce_d, hinge_d, wasserstein_d):
        assert_close(loss(logits, other), loss(-other, -logits))


def test_minimax_saturates_where_d_is_sure_and_the_other_does_not():
    logit = torch.tensor([-10.0], dtype=torch.float64, requires_grad=True)
    sigmoid = 1 / (1 + math.exp(10))
    assert_close(gradient(minimax_g(logit), logit).item(), -sigmoid)
    assert_close(gradient(non_saturating_g(logit), logit).item(), -(1 - sigmoid))


@pytest.mark.parametrize("extreme", [-200.0, 200.0])
def test_extreme_logits_stay_exact(extreme):
    """log(sigmoid(-200)) is -inf in float32; the losses are 0 and 200, and their gradients 0 and 1."""
    logits = torch.tensor([extreme], requires_grad=True)
    cost_of_real, cost_of_fake = (0.0, 200.0) if extreme > 0 else (200.0, 0.0)
    agreed = torch.tensor([-extreme])
    both = bce_d(logits, agreed)
    assert_close(both.item(), 2 * cost_of_real)
    assert_close(gradient(both, logits).item(), -1.0 if cost_of_real else 0.0)
    assert_close(non_saturating_g(logits).item(), cost_of_real)
    assert_close(minimax_g(logits).item(), -cost_of_fake)
    for d, g in ADVERSARIAL.values():
        assert d(logits, -logits).isfinite() and g(logits).isfinite()


# Gradient penalties


def test_squared_gradient_norm_is_one_value_for_each_image():
    at = images(5)
    assert_close(squared_gradient_norm(Quadratic(), at), at.square().flatten(1).sum(1))
    assert_close(squared_gradient_norm(Linear(weight_of_norm(3)), at), torch.full((5,), 9.0, dtype=torch.float64))


def test_squared_gradient_norm_leaves_the_images_alone():
    at = images(2)
    squared_gradient_norm(Quadratic(), at)
    assert not at.requires_grad


def test_r1_of_a_linear_critic_is_half_its_squared_norm():
    assert_close(r1_penalty(Linear(weight_of_norm(3)), images(4)).item(), 4.5)


def test_r1_is_the_mean_over_images_and_not_over_the_batch():
    at = images(6)
    assert_close(r1_penalty(Quadratic(), at), at.square().sum() / 12)
    assert_close(r1_penalty(Quadratic(), torch.cat([at, at])), r1_penalty(Quadratic(), at))


@pytest.mark.parametrize(("norm", "penalty"), [(3.0, 4.0), (1.0, 0.0), (0.5, 0.25)])
@pytest.mark.parametrize("count", [1, 5])
def test_gradient_penalty_of_a_linear_critic(norm, penalty, count):
    value = gradient_penalty(Linear(weight_of_norm(norm)), images(count), images(count, seed=1))
    assert_close(value.item(), penalty)


def test_gradient_penalty_of_a_constant_critic_is_one_and_has_a_finite_gradient():
    critic = Linear(torch.zeros(3, 4, 4, dtype=torch.float64))
    value = gradient_penalty(critic, images(2), images(2, seed=1))
    assert_close(value.item(), 1.0, atol=1e-5, rtol=0)
    assert gradient(value, critic.w).isfinite().all()


def test_gradient_penalty_is_taken_between_real_and_fake_with_one_weight_a_pair():
    seen = []

    class Spy(Quadratic):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images.detach())
            return super().forward(images)

    real, fake = images(64), images(64, seed=1)
    value = gradient_penalty(Spy(), real, fake, torch.Generator().manual_seed(3))
    weights = (seen[0] - real) / (fake - real)
    first = weights[:, :1, :1, :1]
    assert_close(weights, first.expand_as(weights))
    drawn = torch.rand(64, 1, 1, 1, generator=torch.Generator().manual_seed(3)).double()
    assert_close(first, drawn)
    assert_close(value, (seen[0].flatten(1).norm(dim=1) - 1).square().mean())


@pytest.mark.parametrize("penalty", ["r1", "gradient_penalty"])
def test_penalties_train_the_critic_and_not_the_generator(penalty):
    critic, fake = Linear(weight_of_norm(3)), images(2, seed=1).requires_grad_()
    real = images(2)
    value = r1_penalty(critic, real) if penalty == "r1" else gradient_penalty(critic, real, fake)
    slope = {"r1": critic.w, "gradient_penalty": 2 * (3 - 1) * critic.w / 3}[penalty]
    assert_close(gradient(value, critic.w), slope.detach())
    assert fake.grad is None
    if penalty == "gradient_penalty":
        again = gradient_penalty(critic, real, fake)
        with pytest.raises(RuntimeError, match="not have been used in the graph"):
            torch.autograd.grad(again, fake)


def test_gradient_penalty_pulls_a_critic_to_norm_one():
    critic = Linear(weight_of_norm(3))
    optimiser = torch.optim.SGD(critic.parameters(), lr=0.25)
    for seed in range(40):
        optimiser.zero_grad()
        gradient_penalty(critic, images(2, seed), images(2, seed + 1)).backward()
        optimiser.step()
    assert_close(critic.w.norm().item(), 1.0)
