"""toy: densities, samples and divergences against scipy, torch.distributions and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import jensenshannon
from torch import distributions
from torch.testing import assert_close

from minigan import toy

UNEVEN = toy.GaussianMixture([[-2.0, 0.0], [1.0, 1.0], [0.0, 3.0]], sigma=[0.5, 1.0, 2.0], weights=[1.0, 2.0, 5.0])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same_in_torch(mixture: toy.GaussianMixture) -> distributions.MixtureSameFamily:
    spread = mixture.sigma[:, None].expand_as(mixture.centres)
    components = distributions.Independent(distributions.Normal(mixture.centres, spread), 1)
    return distributions.MixtureSameFamily(distributions.Categorical(mixture.weights), components)


# GaussianMixture


def test_density_of_one_gaussian_by_hand():
    one = toy.GaussianMixture([[3.0]], sigma=2.0)
    expected = [-math.log(2 * math.sqrt(2 * math.pi)), -math.log(2 * math.sqrt(2 * math.pi)) - 0.5]
    assert_close(one.log_prob(torch.tensor([[3.0], [5.0]])), torch.tensor(expected))


def test_density_agrees_with_scipy():
    points = torch.randn(50, 2, generator=seeded())
    each = [
        w * stats.multivariate_normal(c, s**2 * np.eye(2)).pdf(points.numpy())
        for w, c, s in zip([1 / 8, 2 / 8, 5 / 8], UNEVEN.centres.numpy(), [0.5, 1.0, 2.0], strict=True)
    ]
    assert_close(UNEVEN.log_prob(points).exp().double(), torch.from_numpy(sum(each)), rtol=1e-4, atol=1e-7)


def test_density_agrees_with_torch_distributions():
    points = 3 * torch.randn(50, 2, generator=seeded(1))
    assert_close(UNEVEN.log_prob(points), same_in_torch(UNEVEN).log_prob(points))


def test_log_density_is_finite_and_right_far_from_every_centre():
    far = torch.tensor([[100.0]])
    assert_close(toy.GaussianMixture([[0.0]], 0.1).log_prob(far), torch.tensor([-5e5]), rtol=1e-5, atol=0.0)


def test_density_sums_to_one():
    points, volume = toy.midpoints(14.0, 300, 2)
    assert float(UNEVEN.log_prob(points).exp().sum() * volume) == pytest.approx(1, abs=1e-4)


def test_samples_follow_the_weights_the_centres_and_the_widths():
    samples = UNEVEN.sample(100_000, seeded())
    weights = torch.tensor([1.0, 2.0, 5.0]) / 8
    mean = weights @ UNEVEN.centres
    variance = weights @ (UNEVEN.centres - mean).square() + weights @ torch.tensor([0.25, 1.0, 4.0])
    assert samples.shape == (100_000, 2)
    assert_close(samples.mean(0), mean, rtol=0, atol=0.03)
    assert_close(samples.var(0), variance, rtol=0.03, atol=0)


def test_samples_on_a_line_pass_a_kolmogorov_smirnov_test():
    mixture = toy.GaussianMixture([[-2.0], [1.5]], sigma=[0.5, 1.0], weights=[0.4, 0.6])
    samples = mixture.sample(5000, seeded(2))[:, 0].numpy()
    result = stats.kstest(samples, lambda x: 0.4 * stats.norm.cdf(x, -2, 0.5) + 0.6 * stats.norm.cdf(x, 1.5, 1))
    assert result.pvalue > 0.01


def test_samples_repeat_with_the_seed_and_change_with_it():
    assert torch.equal(UNEVEN.sample(10, seeded(3)), UNEVEN.sample(10, seeded(3)))
    assert not torch.equal(UNEVEN.sample(10, seeded(3)), UNEVEN.sample(10, seeded(4)))


def test_a_weight_of_zero_is_never_drawn_and_adds_no_density():
    mixture = toy.GaussianMixture([[0.0], [50.0]], 1.0, weights=[1.0, 0.0])
    assert mixture.sample(1000, seeded()).max() < 10
    points = torch.tensor([[0.3], [50.0]])
    assert_close(mixture.log_prob(points), toy.GaussianMixture([[0.0]], 1.0).log_prob(points))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], 1.0), r"centres have shape \(2,\), expected \(K, d\)"),
        (([[1.0]], 0.0), "sigma is 0.0, expected widths above 0"),
        (([[1.0]], float("nan")), "expected widths above 0"),
        (([[1.0], [2.0]], 1.0, [1.0]), "weights is .* expected one number or 2"),
        (([[1.0], [2.0]], 1.0, [1.0, -1.0]), "expected numbers of 0 or more"),
        (([[1.0], [2.0]], 1.0, [0.0, 0.0]), "not all 0"),
        (([[1.0], [2.0]], [1.0, 1.0, 1.0]), "sigma is .* expected one number or 2"),
    ],
)
def test_wrong_mixtures_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        toy.GaussianMixture(*arguments)


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 1)])
def test_points_of_another_dimension_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(n, 2\)"):
        UNEVEN.log_prob(torch.zeros(shape))


# ring, lattice


def test_ring_of_four_by_hand():
    expected = torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, 0.0], [0.0, -3.0]])
    assert_close(toy.ring(4, radius=3.0).centres, expected, rtol=0, atol=1e-6)


def test_neighbours_on_the_ring_are_equally_far():
    centres = toy.ring(8, radius=2.0).centres
    gaps = (centres - centres.roll(1, 0)).norm(dim=1)
    assert_close(gaps, torch.full((8,), 4 * math.sin(math.pi / 8)))


def test_lattice_of_two_by_hand():
    expected = torch.tensor([[-1.5, -1.5], [-1.5, 1.5], [1.5, -1.5], [1.5, 1.5]])
    assert_close(toy.lattice(2, spacing=3.0).centres, expected)


def test_lattice_is_centred_and_has_all_modes():
    lattice = toy.lattice()
    assert len(lattice.centres.unique(dim=0)) == 25
    assert_close(lattice.centres.mean(0), torch.zeros(2))


# optimal_logit


def test_optimal_logit_of_two_gaussians_is_a_line():
    """log N(x; 1, 1) - log N(x; -1, 1) = 2 x."""
    x = torch.tensor([[-3.0], [0.0], [0.7]])
    logit = toy.optimal_logit(toy.GaussianMixture([[1.0]], 1.0), toy.GaussianMixture([[-1.0]], 1.0), x)
    assert_close(logit, 2 * x[:, 0])


def test_sigmoid_of_the_optimal_logit_is_the_share_of_real_density():
    fake = toy.GaussianMixture([[0.0, 0.0]], 1.5)
    points = torch.randn(40, 2, generator=seeded())
    p, q = UNEVEN.log_prob(points).exp(), fake.log_prob(points).exp()
    assert_close(toy.optimal_logit(UNEVEN, fake, points).sigmoid(), p / (p + q))


def test_no_other_logit_reaches_a_higher_value():
    """The value of the game on a fine grid falls when the optimal logit is moved, whichever way."""
    real, fake = toy.GaussianMixture([[1.0]], 1.0), toy.GaussianMixture([[0.0]], 2.0)
    points, cell = toy.midpoints(12.0, 1000, 1)
    p, q = real.log_prob(points).exp(), fake.log_prob(points).exp()
    best = toy.optimal_logit(real, fake, points)

    def value(logit: torch.Tensor) -> float:
        return float((-p * torch.nn.functional.softplus(-logit) - q * torch.nn.functional.softplus(logit)).sum() * cell)

    for change in (0.1, -0.1, 0.1 * points[:, 0], 0.1 * torch.sin(5 * points[:, 0])):
        assert value(best + change) < value(best) - 1e-4


# midpoints, jensen_shannon


def test_midpoints_by_hand():
    points, volume = toy.midpoints(2.0, 4, 1)
    assert_close(points, torch.tensor([[-1.5], [-0.5], [0.5], [1.5]]))
    assert volume == 1
    points, volume = toy.midpoints(1.0, 2, 2)
    assert_close(points, torch.tensor([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]]))
    assert volume == 1


def test_equal_densities_have_divergence_zero():
    assert toy.jensen_shannon(UNEVEN, UNEVEN, 14.0, 300) == pytest.approx(0, abs=1e-9)


def test_separate_densities_have_divergence_log_2():
    left, right = toy.GaussianMixture([[-4.0]], 0.1), toy.GaussianMixture([[4.0]], 0.1)
    assert toy.jensen_shannon(left, right) == pytest.approx(math.log(2), abs=1e-6)


def test_half_of_eight_separate_modes_by_hand():
    """p = 1/8 on eight modes, q = 1/4 on four of them: JS = 3/4 log(4/3)."""
    whole = toy.ring(8, radius=3.0, sigma=0.1)
    half = toy.GaussianMixture(whole.centres[:4], 0.1)
    assert toy.jensen_shannon(whole, half, 4.0, 400) == pytest.approx(0.75 * math.log(4 / 3), abs=1e-4)


def test_divergence_agrees_with_scipy_and_is_symmetric():
    real = toy.GaussianMixture([[-2.0], [1.5]], sigma=[0.5, 1.0], weights=[0.4, 0.6])
    fake = toy.GaussianMixture([[0.0]], 2.0)
    x = np.linspace(-12, 12, 5001)
    p = 0.4 * stats.norm.pdf(x, -2, 0.5) + 0.6 * stats.norm.pdf(x, 1.5, 1)
    expected = jensenshannon(p, stats.norm.pdf(x, 0, 2)) ** 2  # scipy gives the square root
    assert toy.jensen_shannon(real, fake, 12.0) == pytest.approx(expected, abs=1e-5)
    assert toy.jensen_shannon(fake, real, 12.0) == pytest.approx(expected, abs=1e-5)


def test_divergence_in_the_plane_agrees_with_monte_carlo():
    real, fake = toy.ring(8, 1.0, 0.2), toy.GaussianMixture([[0.0, 0.0]], 0.7)
    draws = [mixture.sample(100_000, seeded(i)) for i, mixture in enumerate((real, fake))]
    torch_real, torch_fake = same_in_torch(real), same_in_torch(fake)
    terms = []
    for own, points in zip((torch_real, torch_fake), draws, strict=True):
        mean = torch.logaddexp(torch_real.log_prob(points), torch_fake.log_prob(points)) - math.log(2)
        terms.append(float((own.log_prob(points) - mean).mean()))
    assert toy.jensen_shannon(real, fake, 4.0, 300) == pytest.approx(sum(terms) / 2, abs=0.005)


@pytest.mark.parametrize(("extent", "cells"), [(1.0, 800), (8.0, 20)])
def test_cells_that_miss_the_density_are_refused(extent, cells):
    with pytest.raises(ValueError, match=r"larger extent than .* or more cells than"):
        toy.jensen_shannon(toy.GaussianMixture([[0.0]], 1.0), toy.GaussianMixture([[1.7]], 0.05), extent, cells)


# count_modes


def test_real_samples_find_every_mode_and_the_good_share_is_that_of_a_rayleigh_distribution():
    """In the plane a Gaussian holds 1 - exp(-9/2) = 98.9 % within three sigma."""
    ring = toy.ring()
    modes = toy.count_modes(ring.sample(20_000, seeded()), ring)
    assert modes.found == 8
    assert modes.good == pytest.approx(stats.rayleigh.cdf(3), abs=0.003)


def test_modes_by_hand():
    """Three modes of ten samples: one full, one with a stray, one missed by all but bad samples."""
    real = toy.GaussianMixture([[0.0], [10.0], [20.0]], sigma=1.0)
    samples = torch.tensor([[0.0]] * 27 + [[10.5]] * 1 + [[24.0]] * 2)
    assert toy.count_modes(samples, real, least=0.2) == (1, pytest.approx(28 / 30))
    assert toy.count_modes(samples, real, least=0.1) == (2, pytest.approx(28 / 30))
    assert toy.count_modes(samples, real, within=5.0, least=0.1) == (3, 1.0)


def test_width_of_each_mode_is_its_own():
    real = toy.GaussianMixture([[0.0], [10.0]], sigma=[0.1, 2.0])
    assert toy.count_modes(torch.tensor([[1.0], [11.0]]), real) == (1, 0.5)


def test_due_of_each_mode_is_its_weight():
    real = toy.GaussianMixture([[0.0], [10.0]], sigma=1.0, weights=[0.01, 0.99])
    samples = torch.cat([torch.zeros(1, 1), torch.full((99, 1), 10.0)])
    assert toy.count_modes(samples, real, least=0.9).found == 2


def test_nothing_good_is_nothing_found():
    assert toy.count_modes(torch.full((100, 2), 9.0), toy.ring()) == (0, 0.0)


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match="no samples"):
        toy.count_modes(torch.zeros(0, 2), toy.ring())
