"""Metrics against scipy, scikit-learn, prdc and scikit-image, closed forms, values by hand, and properties."""

import math
import warnings

import numpy as np
import prdc
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics.pairwise import polynomial_kernel
from torch import Tensor, nn
from torch.testing import assert_close

from minigan import data, metrics
from minigan.backbones import Backbone
from minigan.metrics import (
    Score,
    density_coverage,
    embed,
    frechet_distance,
    kernel_distance,
    nearest,
    precision_recall,
    psnr,
    share_nearer,
    ssim,
)

TWO_SETS = [frechet_distance, kernel_distance, precision_recall, density_coverage]


def normal(n: int, width: int, seed: int = 0, mean: float = 0.0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return mean + scale * torch.randn(n, width, generator=generator, dtype=torch.float64)


def correlated(n: int, width: int, seed: int) -> Tensor:
    return normal(n, width, seed) @ normal(width, width, seed + 100) + normal(1, width, seed + 200)


def pictures(n: int, channels: int = 3, size: int = 24, seed: int = 0) -> Tensor:
    return (
        torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1
    )


# Scores


@pytest.mark.parametrize(
    ("made", "printed"),
    [
        (Score("FID", 41.29, "efficientnet_lite0", 2000), "FID[efficientnet_lite0, n=2000] = 41.3"),
        (Score("FID", 1234.6, "vgg16", (5000, 200)), "FID[vgg16, n=5000 real, 200 fake] = 1235"),
        (Score("KID", 0.012345, "vgg16", 50, spread=0.00061), "KID[vgg16, n=50] = 0.0123 ± 0.00061"),
        (Score("recall", 0.0, "vgg16", 50), "recall[vgg16, n=50] = 0"),
    ],
)
def test_a_score_prints_its_recipe(made, printed):
    assert str(made) == repr(made) == printed
    assert float(made) == made.value


def test_a_score_cannot_be_changed():
    with pytest.raises(AttributeError):
        Score("FID", 1.0, "vgg16", 10).value = 0.0  # type: ignore[misc]


@pytest.mark.parametrize("function", TWO_SETS)
def test_scores_know_how_they_were_made(function):
    real, fake = normal(40, 3), normal(30, 3, 1)
    found = function(real, fake, "toy")
    for one in found if isinstance(found, tuple) else (found,):
        assert (one.extractor, one.n) == ("toy", (40, 30))
    found = function(real, real)
    for one in found if isinstance(found, tuple) else (found,):
        assert (one.extractor, one.n) == ("unnamed", 40)


# Features


class Counting(nn.Module):
    """Means and maxima of the channels; remembers the sizes of its batches, its mode, and whether it keeps a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.norm, self.frozen = nn.BatchNorm2d(3), nn.Dropout().eval()
        self.seen: list[tuple[int, bool, bool]] = []

    def forward(self, images: Tensor) -> Tensor:
        features = self.scale * self.norm(images)
        self.seen.append((len(images), self.norm.training, features.requires_grad))
        return torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)


def test_embedding_is_the_extractor_in_eval_mode_without_gradients():
    images, network = pictures(10).float(), Counting()
    features = embed(images, network, batch=4)
    assert network.seen == [(4, False, False), (4, False, False), (2, False, False)]
    assert network.training and network.norm.training and not network.frozen.training
    assert int(network.norm.num_batches_tracked) == 0
    assert_close(features, network.eval()(images).detach())


def test_the_mode_comes_back_after_an_error():
    network = nn.Sequential(nn.Conv2d(1, 4, 3))
    with pytest.raises(RuntimeError):
        embed(pictures(2).float(), network)
    assert network.training and network[0].training


def test_maps_are_averaged_over_places():
    maps = torch.arange(24.0).reshape(2, 3, 2, 2)
    found = embed(torch.zeros(2, 3, 8, 8), lambda images: maps)
    assert_close(found, torch.tensor([[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]))


def test_all_ways_to_give_images_agree():
    held = data.load("peeps", "test")
    images = held[:]
    labels = torch.zeros(len(images))

    def channels(part: Tensor) -> Tensor:
        return part.mean((2, 3))

    expected = images.mean((2, 3))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=50)
    for given_as in (images, held, list(images.split(70)), iter(images.split(70)), loader):
        assert_close(embed(given_as, channels), expected)


def test_a_mapping_of_one_layer_is_taken_as_that_layer():
    images = pictures(5).float()
    assert_close(embed(images, lambda part: {"pool": part.mean((2, 3))}), images.mean((2, 3)))
    assert_close(embed(images, lambda part: {"maps": part}), images.mean((2, 3)))


def test_a_backbone_with_one_layer_is_an_extractor():
    images = pictures(4, channels=1).float()
    net = Backbone("efficientnet_lite0", ["pool"], weights=None, size=32, generator=torch.Generator().manual_seed(0))
    features = embed(images, net, batch=3)
    assert features.shape == (4, 1280)
    assert_close(features, net(images)["pool"])


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_features_are_float32_at_least(dtype, expected):
    assert embed(pictures(2).float(), lambda images: images.mean((2, 3)).to(dtype)).dtype == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_images_follow_the_network_to_its_device():
    images = pictures(4).float()
    network = nn.Conv2d(3, 5, 3)
    here = embed(images, network)
    there = embed(images, network.cuda())
    assert there.device.type == "cpu"
    assert_close(there, here, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_embedded(refuses):
    images = pictures(3).float()
    with refuses(ValueError, "span [0.00, 255.00]", "expected [-1, 1]", "to_signed"):
        embed([torch.linspace(0, 255, 48).reshape(1, 3, 4, 4)], nn.Identity())
    with refuses(TypeError, "str", "expected a tensor", "minigan.data.load"):
        embed("peeps", nn.Identity())
    with refuses(ValueError, "0 images", "expected 1 or more", "once"):
        embed(iter([]), nn.Identity())
    with refuses(ValueError, "batch is 0", "expected 1 or more"):
        embed(images, nn.Identity(), batch=0)
    with refuses(TypeError, "gave a list", "expected one tensor", "choose one layer"):
        embed(images, lambda part: [part])
    with refuses(ValueError, "gave the layers 'block4', 'pool'", "expected one", "['pool']"):
        embed(images, lambda part: {"block4": part, "pool": part.mean((2, 3))})
    with refuses(ValueError, "gave the layers none", "expected one"):
        embed(images, lambda part: {})
    with refuses(ValueError, "shape (3, 3, 24) for 3 images", "expected (3, D)", "flatten"):
        embed(images, lambda part: part.mean(3))
    with refuses(ValueError, "shape (1, 3) for 3 images", "expected (3, D)"):
        embed(images, lambda part: part.mean((2, 3))[:1])
    with refuses(ValueError, "widths [1728, 3072]", "expected one", "same size"):
        embed([images, pictures(3, size=32)], lambda part: part.flatten(1))
    with refuses(ValueError, "hold 9 NaN or infinite values", "expected finite numbers", "diverged"):
        embed(images, lambda part: part.mean((2, 3)) / 0)


@pytest.mark.parametrize("function", TWO_SETS)
def test_feature_sets_that_cannot_be_compared(function, refuses):
    good = normal(20, 3)
    with refuses(TypeError, "real features are a ndarray", "expected a tensor", "embed"):
        function(good.numpy(), good)
    with refuses(ValueError, "fake features are a torch.float64 tensor of shape (4, 3, 8, 8)", "expected", "embed"):
        function(good, torch.zeros(4, 3, 8, 8, dtype=torch.float64))
    with refuses(ValueError, "real features are a torch.int64 tensor", "expected floats"):
        function(good.long(), good)
    with refuses(ValueError, "shape (20, 0)", "expected floats (N, D)"):
        function(good[:, :0], good[:, :0])
    with refuses(ValueError, "fake features are of n = 1 images", "expected 2 or more", "give more images"):
        function(good, good[:1])
    with refuses(ValueError, "width 3, fake features 2", "expected the same", "same extractor"):
        function(good, good[:, :2])
    broken = good.clone()
    broken[3, 1], broken[4, 0] = math.nan, math.inf
    with refuses(ValueError, "fake features hold 2 NaN or infinite", "expected finite"):
        function(good, broken)


# Frechet distance


def recipe_with_sqrtm(real: Tensor, fake: Tensor) -> float:
    """The usual way, through scipy's matrix square root."""
    x, y = real.numpy(), fake.numpy()
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = scipy.linalg.sqrtm(covariance_x @ covariance_y).real
    difference = x.mean(0) - y.mean(0)
    return float(difference @ difference + np.trace(covariance_x + covariance_y - 2 * root))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("n", "m", "width"), [(200, 200, 16), (300, 150, 64), (1000, 130, 128)])
def test_frechet_distance_is_that_of_the_matrix_square_root(n, m, width, seed):
    real, fake = correlated(n, width, seed), correlated(m, width, seed + 10)
    expected = torch.tensor(recipe_with_sqrtm(real, fake))
    assert_close(torch.tensor(float(frechet_distance(real, fake))), expected, rtol=1e-6, atol=0.0)


def test_frechet_distance_by_hand():
    real = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])  # variances 2/3 and 8/3, no covariance
    fake = torch.tensor([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) + torch.tensor([3.0, 4.0])
    expected = (
        25 + 2 * (math.sqrt(8 / 3) - math.sqrt(2 / 3)) ** 2
    )  # of each axis the square of the difference of sigmas
    assert float(frechet_distance(real, fake)) == pytest.approx(expected, rel=1e-12)


@given(seed=st.integers(0, 1000), n=st.integers(2, 40), width=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_frechet_distance_has_the_properties_of_a_distance(seed, n, width):
    real, fake = correlated(n, width, seed), correlated(n + 3, width, seed + 1)
    turn = torch.linalg.qr(normal(width, width, seed)).Q
    shift = normal(1, width, seed + 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # n <= width is part of what is tried
        size = float(real.var(0).sum())
        assert 0 <= float(frechet_distance(real, real)) <= 1e-8 * size
        moved = float(frechet_distance(real, real + shift))  # equal covariances: the squared mean difference
        assert moved == pytest.approx(float(shift.square().sum()), rel=1e-8, abs=1e-8 * size)
        there = float(frechet_distance(real, fake))
        assert there > 0
        for same in (frechet_distance(fake, real), frechet_distance(real @ turn, fake @ turn)):
            assert float(same) == pytest.approx(there, rel=1e-8)
        assert float(frechet_distance(3 * real, 3 * fake)) == pytest.approx(9 * there, rel=1e-8)


@pytest.mark.parametrize(("n", "rows"), [(12, 12), (20, 20), (21, 20), (300, 20)])
def test_the_factor_of_the_covariance(n, rows):
    features = correlated(n, 20, 1)
    factor = metrics.covariance_factor(features)
    assert factor.shape == (rows, 20)
    assert_close(factor.T @ factor, features.T.cov())


def test_a_channel_that_is_dead_is_no_trouble():
    features = correlated(300, 20, 1)
    features[:, [4, 11]] = 0.0
    factor = metrics.covariance_factor(features)
    assert factor.shape == (20, 20)
    assert_close(factor.T @ factor, features.T.cov())
    other = correlated(300, 20, 2)
    expected = torch.tensor(recipe_with_sqrtm(features[:, 5:11], other[:, 5:11]))  # scipy wants full rank
    features[:, :4] = features[:, 12:] = 0.0
    far = float(other.var(0)[:5].sum() + other.var(0)[11:].sum() + other.mean(0)[:5].square().sum())
    far += float(other.mean(0)[11:].square().sum())
    assert_close(torch.tensor(float(frechet_distance(features, other))), expected + far, rtol=1e-6, atol=0.0)
    assert float(frechet_distance(features, features)) == pytest.approx(0, abs=1e-7 * float(features.var(0).sum()))


def test_dead_channels_do_not_ask_for_singular_values(monkeypatch):
    real, fake = correlated(300, 20, 1), correlated(300, 20, 2)
    expected = float(frechet_distance(real[:, :15], fake[:, :15]))
    real[:, 15:] = fake[:, 15:] = 3.0
    monkeypatch.setattr(torch.linalg, "svdvals", lambda matrix: torch.tensor([math.nan]))
    assert float(frechet_distance(real, fake)) == pytest.approx(expected, rel=1e-9)


def test_one_picture_again_and_again_has_no_spread():
    real = correlated(300, 20, 1)
    fake = real[:1].expand(300, -1)
    expected = real.var(0).sum() + (real.mean(0) - real[0]).square().sum()
    assert float(frechet_distance(real, fake)) == pytest.approx(float(expected))


@pytest.mark.parametrize("smallest", [1e-1, 1e-5, 1e-7, 1e-9, 0.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_nuclear_norm_is_the_sum_of_singular_values_however_small_they_are(smallest, seed):
    left, right = (torch.linalg.qr(normal(40, 40, seed + i)).Q for i in (0, 50))
    values = torch.linspace(1, 2, 40, dtype=torch.float64)
    values[15:] = smallest
    found = metrics.nuclear_norm(left * values @ right)
    assert_close(found, values.sum(), rtol=1e-8, atol=0.0)


def test_singular_values_are_found_in_full_only_where_rounding_asks_for_it(monkeypatch):
    monkeypatch.setattr(torch.linalg, "svdvals", lambda matrix: torch.tensor([math.nan]))
    assert metrics.nuclear_norm(torch.diag(torch.tensor([3.0, 2.0, 0.1], dtype=torch.float64))) == pytest.approx(5.1)
    assert metrics.nuclear_norm(torch.diag(torch.tensor([3.0, 2.0, *[1e-9] * 8], dtype=torch.float64))).isnan()


@pytest.mark.parametrize("transposed", [False, True])
def test_gram_is_the_product_with_itself(transposed):
    rows = normal(30, 7)
    rows = rows.T if transposed else rows
    assert_close(metrics.gram(rows), rows.T @ rows)


def test_frechet_distance_sees_more_noise_as_farther():
    real, noise = correlated(500, 8, 0), normal(500, 8, 7)
    found = [float(frechet_distance(real, real + sigma * noise)) for sigma in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert found == sorted(found) and found[1] > 100 * found[0] + 1e-6


def test_float32_features_are_compared_in_float64():
    real, fake = correlated(400, 32, 0).float(), correlated(400, 32, 0).float() * 1.001
    assert float(frechet_distance(real, fake)) == float(frechet_distance(real.double(), fake.double()))


@pytest.mark.parametrize(("n", "warns"), [(9, True), (8, True), (10, False)])
def test_frechet_distance_warns_where_n_makes_it_meaningless(n, warns):
    real, fake = normal(50, 9), normal(n, 9, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frechet_distance(real, fake)
    assert [str(one.message) for one in caught] == warns * [
        f"FID of {n} images in 9 dimensions says more about n than about the pictures; "
        "give more than 9 images, or use kernel_distance"
    ]
    assert all(one.filename == __file__ for one in caught)  # it points at the caller's line


@pytest.mark.parametrize("measure", [precision_recall, density_coverage])
@pytest.mark.parametrize(("n", "warns"), [(6, True), (7, False)])
def test_balls_that_hold_half_of_their_set_are_told(measure, n, warns):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        measure(normal(n, 4), normal(40, 4, 1), k=3)
    assert [str(one.message) for one in caught] == warns * [
        "with k = 3 the ball of each of 6 images holds half of them, so it says nothing about where they lie; "
        "give more than 6 images"
    ]
    assert all(one.filename == __file__ for one in caught)  # it points at the caller's line


# Kernel distance


def mmd_with_sklearn(real: Tensor, fake: Tensor) -> float:
    """The unbiased squared maximum mean discrepancy, with scikit-learn's kernel and plain sums."""
    x, y = real.numpy(), fake.numpy()
    within = []
    for z in (x, y):
        kernel = polynomial_kernel(z, degree=3, coef0=1)
        within.append((kernel.sum() - np.trace(kernel)) / (len(z) * (len(z) - 1)))
    return float(sum(within) - 2 * polynomial_kernel(x, y, degree=3, coef0=1).mean())


@pytest.mark.parametrize("block", [7, 1000])
def test_kernel_distance_of_whole_sets(block, monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", block)
    real, fake = normal(60, 10), normal(60, 10, 1, mean=0.3)
    found = kernel_distance(real, fake, subset_size=60)
    assert float(found) == pytest.approx(mmd_with_sklearn(real, fake), rel=1e-10)
    assert found.spread is None  # each subset is the whole, and there is nothing to differ


@pytest.mark.parametrize("block", [7, 1000])
def test_kernel_distance_is_the_mean_over_its_subsets(block, monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", block)
    real, fake = normal(50, 6), normal(33, 6, 1, mean=0.3)
    found = kernel_distance(real, fake, subsets=9, subset_size=20, seed=4)
    generator = torch.Generator().manual_seed(4)
    of_real = metrics.random_subsets(9, 20, 50, generator).bool()
    of_fake = metrics.random_subsets(9, 20, 33, generator).bool()
    each = [mmd_with_sklearn(real[i], fake[j]) for i, j in zip(of_real, of_fake, strict=True)]
    assert float(found) == pytest.approx(np.mean(each), rel=1e-10)
    assert found.spread == pytest.approx(np.std(each, ddof=1), rel=1e-10)


def test_kernel_distance_by_hand():
    real, fake = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    # k(0, 1) = 1, k(1, 2) = 27; between: k(0, 1) = k(0, 2) = 1, k(1, 1) = 8, k(1, 2) = 27, mean 37 / 4
    assert float(kernel_distance(real, fake, subset_size=2)) == pytest.approx(1 + 27 - 37 / 2)


def test_random_subsets_hold_what_was_asked_for():
    found = metrics.random_subsets(400, 3, 10, torch.Generator().manual_seed(0))
    assert found.shape == (400, 10) and set(found.unique().tolist()) == {0.0, 1.0}
    assert found.sum(1).eq(3).all()
    assert_close(found.mean(0), torch.full((10,), 0.3), atol=0.08, rtol=0.0)  # no image is preferred


def test_kernel_distance_is_unbiased_and_symmetric():
    at_zero = [float(kernel_distance(normal(40, 8, seed), normal(40, 8, seed + 500))) for seed in range(100)]
    error = np.std(at_zero) / math.sqrt(len(at_zero))
    assert abs(np.mean(at_zero)) < 4 * error and min(at_zero) < 0 < max(at_zero)
    real, fake = normal(40, 8), normal(40, 8, 1, mean=0.5)
    there, back = (kernel_distance(*pair, subset_size=40) for pair in ((real, fake), (fake, real)))
    assert float(there) == pytest.approx(float(back)) and float(there) > 10 * error


def test_kernel_distance_is_seeded():
    real, fake = normal(100, 4), normal(100, 4, 1)
    assert kernel_distance(real, fake) == kernel_distance(real, fake)
    assert kernel_distance(real, fake, seed=1) != kernel_distance(real, fake)


def test_subsets_that_cannot_be_drawn(refuses):
    real, fake = normal(30, 4), normal(20, 4, 1)
    with refuses(ValueError, "subset_size is 21", "expected 2 to 20", "leave it out"):
        kernel_distance(real, fake, subset_size=21)
    with refuses(ValueError, "subset_size is 1", "expected 2 to 20"):
        kernel_distance(real, fake, subset_size=1)
    with refuses(ValueError, "subsets is 1", "expected 2 or more"):
        kernel_distance(real, fake, subsets=1)
    assert "±" not in repr(kernel_distance(real[:2], fake[:2]))  # the least that works


# Precision and recall, density and coverage


@pytest.mark.parametrize("block", [7, 1000])
@pytest.mark.parametrize(
    ("n", "m", "k", "mean"), [(80, 80, 3, 0.5), (60, 90, 5, 0.0), (90, 60, 1, 1.0), (50, 50, 5, 9.0)]
)
def test_neighbours_agree_with_prdc(n, m, k, mean, block, monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", block)
    real, fake = normal(n, 6), normal(m, 6, 1, mean=mean, scale=0.8)
    expected = prdc.compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    found = (*precision_recall(real, fake, k=k), *density_coverage(real, fake, k=k))
    assert [score.name for score in found] == ["precision", "recall", "density", "coverage"]
    assert {score.name: score.value for score in found} == pytest.approx(expected, abs=1e-12)


def test_neighbours_by_hand():
    real = torch.tensor([[0.0], [1.0], [3.0], [7.0]])  # k = 1: radii 1, 1, 2, 4
    fake = torch.tensor([[-0.5], [3.5], [20.0]])  # k = 1: radii 4, 4, 16.5
    assert_close(metrics.reach(real, 1), torch.tensor([1.0, 1.0, 2.0, 4.0]))
    # -0.5 lies in the ball of 0; 3.5 in those of 3 and 7; 20 in none.
    precision, recall = precision_recall(real, fake, k=1)
    assert float(precision) == pytest.approx(2 / 3)
    assert float(recall) == 1  # 0, 1, 3 lie in the ball of -0.5, and 7 in those of 3.5 and 20
    density, coverage = density_coverage(real, fake, k=1)
    assert float(density) == pytest.approx(3 / 3)
    assert float(coverage) == pytest.approx(3 / 4)  # the ball of 1, from 0 to 2, is empty


def test_one_mode_is_precise_and_covers_little():
    real = torch.cat([normal(200, 4, seed, mean=20.0 * seed) for seed in range(4)])
    fake = normal(800, 4, 9, scale=0.5)  # only the first of four
    precision, recall = map(float, precision_recall(real, fake))
    density, coverage = map(float, density_coverage(real, fake))
    assert precision > 0.95 and recall < 0.26
    assert density > 1 and coverage < 0.26


def test_a_set_has_everything_of_itself():
    real = 2 ** torch.arange(20.0, dtype=torch.float64)[:, None]  # all distances differ, and none is rounded
    assert [float(score) for score in precision_recall(real, real)] == [1, 1]
    density, coverage = density_coverage(real, real, k=4)
    assert float(coverage) == 1 and float(density) == 5 / 4  # each ball holds its centre and k others


@pytest.mark.parametrize("function", [precision_recall, density_coverage])
@pytest.mark.parametrize("k", [0, 5])
def test_more_neighbours_than_images(function, k, refuses):
    with refuses(ValueError, f"k is {k} for 5 images", "expected 1 to 4", "give more images"):
        function(normal(5, 3), normal(5, 3, 1), k=k)


# Copies


@given(seed=st.integers(0, 1000), count=st.integers(1, 30), held=st.integers(1, 30), width=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_nearest_is_the_smallest_distance(seed, count, held, width):
    queries, training = normal(count, width, seed), normal(held, width, seed + 1)
    apart = (queries[:, None] - training).square().sum(2).sqrt()
    distance, index = nearest(queries, training)
    assert_close(distance, apart.min(1).values)
    assert_close(apart.gather(1, index[:, None])[:, 0], distance)


def test_copies_of_pictures_are_found_at_distance_zero(monkeypatch):
    monkeypatch.setattr(metrics, "BLOCK", 5)
    peeps = data.load("peeps")[:40]
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    distance, index = nearest(peeps[order], peeps)
    assert distance.eq(0).all()  # exactly, though cdist alone would round it
    assert_close(index, order)


def test_share_nearer_tells_copies_from_new_pictures():
    training, new, others = normal(100, 2), normal(1000, 2, 1), normal(2000, 2, 2)
    assert share_nearer(training + 1e-3, training, new) == 1
    assert share_nearer(training + 100, training, new) == 0
    assert share_nearer(new, training, new) == pytest.approx(0.5, abs=0.001)
    assert share_nearer(others, training, new) == pytest.approx(0.5, abs=0.05)


def test_examples_that_cannot_be_compared(refuses):
    images = pictures(3)
    with refuses(ValueError, "1728 values each, training examples 3072", "expected as many", "same size"):
        nearest(images, pictures(3, size=32))
    with refuses(ValueError, "training features hold 1 NaN", "expected finite"):
        nearest(images, torch.where(torch.arange(images.numel()).view_as(images) == 7, math.nan, images))
    with refuses(ValueError, "query features are a torch.float64 tensor of shape (1728,)", "expected floats (N, D)"):
        nearest(images[0].flatten(), images)
    with refuses(ValueError, "training features are of n = 0 images", "expected 1 or more"):
        nearest(images, images[:0])


# Pairs


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_pairs_agree_with_scikit_image(channels, noise):
    target = data.resize(pictures(3, channels, 9), (24, 31))
    prediction = (target + noise * pictures(3, channels, 31, seed=1)[:, :, :24]).clamp(-1, 1)
    x, y = ((images.numpy() + 1) / 2 for images in (target, prediction))
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    similar = [structural_similarity(a, b, data_range=1, channel_axis=0, **gaussian) for a, b in zip(x, y, strict=True)]
    noisy = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(x, y, strict=True)]
    assert_close(ssim(target, prediction), torch.tensor(similar), rtol=1e-9, atol=1e-9)
    assert_close(psnr(target, prediction), torch.tensor(noisy), rtol=1e-9, atol=1e-9)
    assert_close(ssim(target.float(), prediction.float()), torch.tensor(similar).float(), rtol=1e-3, atol=1e-4)


def test_pairs_by_hand():
    dark, grey, light = (torch.full((1, 1, 11, 11), level) for level in (-1.0, 0.0, 1.0))
    assert_close(psnr(dark, light), torch.tensor([0.0]))
    assert_close(psnr(torch.cat([grey, dark]), torch.cat([light, dark])), torch.tensor([20 * math.log10(2), math.inf]))
    # constant pictures have no variance, so that (2 m_x m_y + c1) / (m_x^2 + m_y^2 + c1) is left
    assert_close(ssim(grey, light), torch.tensor([(1 + 1e-4) / (1.25 + 1e-4)]))
    assert_close(ssim(dark, light), torch.tensor([1e-4 / (1 + 1e-4)]))


def test_pairs_have_their_properties():
    target, noise = pictures(4).mul(0.5), pictures(4, seed=1)
    assert_close(ssim(target, target), torch.ones(4, dtype=torch.float64))
    assert_close(ssim(target, target + 0.1 * noise), ssim(target + 0.1 * noise, target))
    for measure in (ssim, psnr):
        found = torch.stack([measure(target, target + sigma * noise) for sigma in (0.05, 0.1, 0.2, 0.4)])
        assert (found.diff(dim=0) < 0).all()


@pytest.mark.parametrize("measure", [ssim, psnr])
def test_gradients_reach_the_prediction(measure):
    target, prediction = pictures(2), pictures(2, seed=1).requires_grad_()
    (gradient,) = torch.autograd.grad(measure(target, prediction).sum(), prediction)
    assert (gradient.abs().amax((1, 2, 3)) > 0).all()
    step = 1e-3 * gradient / gradient.norm()
    with torch.no_grad():
        moved = (prediction + step).clamp(-1, 1)
        assert (measure(target, moved).sum() > measure(target, prediction).sum()).all()


@pytest.mark.parametrize("measure", [ssim, psnr])
def test_pairs_that_cannot_be_compared(measure, refuses):
    target = pictures(2)
    with refuses(
        ValueError, "target has shape (2, 3, 24, 24), prediction (2, 3, 32, 32)", "expected the same", "resize"
    ):
        measure(target, pictures(2, size=32))
    with refuses(ValueError, "expected [-1, 1]", "clamp"):
        measure(target, target * 1.5)
    with refuses(ValueError, "(3, 24, 24)", "expected (N, 3, H, W)"):
        measure(target[0], target[0])


def test_ssim_needs_room_for_its_window(refuses):
    with refuses(ValueError, "10 x 24 pixels", "expected 11 x 11 or more", "psnr"):
        ssim(pictures(1)[:, :, :10], pictures(1)[:, :, :10])
    assert ssim(pictures(1, size=11), pictures(1, size=11)).shape == (1,)
