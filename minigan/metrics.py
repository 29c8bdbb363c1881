"""How good pictures are: distances between sets of features, PSNR and SSIM of pairs, the search for copies.

Built in chapter 03.

`embed` turns images into features once; the other functions compare two feature sets, tensors (N, D), real before
fake. A score depends on the extractor and on the number of images as much as on the pictures, so it carries both.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan.data import ImageSet, check_images

BLOCK = 1000  # rows of a distance matrix, or of a set that it is computed from, in memory at a time


@dataclass(frozen=True, repr=False)
class Score:
    """A number with its recipe, printed as `FID[efficientnet_lite0, n=2000] = 41.3`; `float(score)` is the number.

    `n`: images on each side, or (real, fake) where the two differ. `spread`: a standard deviation, where there is one.
    """

    name: str
    value: float
    extractor: str
    n: int | tuple[int, int]
    spread: float | None = None

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        count = self.n if isinstance(self.n, int) else "{} real, {} fake".format(*self.n)
        value, *spread = (
            f"{number:.3g}" if abs(number) < 1000 else f"{number:.0f}"
            for number in (self.value, self.spread)
            if number is not None
        )
        return f"{self.name}[{self.extractor}, n={count}] = {' ± '.join([value, *spread])}"


# Features


@torch.no_grad()
def embed(images: Tensor | ImageSet | Iterable[Any], extractor: Callable[[Tensor], Any], batch: int = 16) -> Tensor:
    """The features (N, D) of images, on the CPU, in float32 or, where the extractor computes so, in float64.

    `images`: a batch in [-1, 1], an `ImageSet`, or batches in turn, such as a loader gives; of (images, labels) the
    images are taken. `extractor`: a network or function from images (N, C, H, W) to (N, D), or to feature maps
    (N, D, h, w), of which the mean over all places is taken, or to one of these by its layer's name, such as
    `Backbone("efficientnet_lite0", ["pool"])`. A network gets the images on its own device and runs in
    eval mode; afterwards each of its parts is in the mode that it was in.
    """
    network = extractor if isinstance(extractor, nn.Module) else nn.Identity()
    weight = next(chain(network.parameters(), network.buffers()), None)
    in_training = [part for part in network.modules() if part.training]
    found: list[Tensor] = []
    try:
        network.eval()
        for part in in_batches(images, batch):
            features = pooled(extractor(part if weight is None else part.to(weight.device)), len(part)).cpu()
            found.append(features.to(torch.promote_types(features.dtype, torch.float32)))
    finally:
        for module in in_training:
            module.training = True
    if not found:
        raise ValueError("there are 0 images, expected 1 or more; an iterator gives its batches only once")
    widths = sorted({features.shape[1] for features in found})
    if len(widths) > 1:
        raise ValueError(f"the extractor gave features of widths {widths}, expected one; give all images the same size")
    return check_features(torch.cat(found), least=1)


def in_batches(images: Tensor | ImageSet | Iterable[Any], batch: int) -> Iterator[Tensor]:
    """Checked batches: `batch` images of a tensor or `ImageSet` at a time, others as they come. Labels are dropped."""
    if batch < 1:
        raise ValueError(f"batch is {batch}, expected 1 or more images")
    if isinstance(images, Tensor):
        parts: Iterable[Any] = check_images(images).split(batch)
    elif isinstance(images, ImageSet):
        pictures = images
        parts = (pictures[start : start + batch] for start in range(0, len(pictures), batch))
    else:
        parts = images
    for part in parts:
        part = part[0] if isinstance(part, tuple | list) else part
        if not isinstance(part, Tensor):
            kind = type(part).__name__
            raise TypeError(
                f"a batch of images is a {kind}, expected a tensor (N, C, H, W); minigan.data.load makes them"
            )
        yield check_images(part)


def pooled(features: Any, count: int) -> Tensor:
    """An extractor's answer to `count` images as (N, D): the mean over all places where it gave maps (N, D, h, w)."""
    if isinstance(features, Mapping):
        if len(features) != 1:
            layers = ", ".join(map(repr, features)) or "none"
            raise ValueError(f"the extractor gave the layers {layers}, expected one; ask it for one, as in ['pool']")
        (features,) = features.values()
    if not isinstance(features, Tensor):
        kind = type(features).__name__
        raise TypeError(f"the extractor gave a {kind}, expected one tensor (N, D) or (N, D, h, w); choose one layer")
    if features.ndim not in (2, 4) or len(features) != count:
        shape, wanted = tuple(features.shape), f"({count}, D) or ({count}, D, h, w)"
        raise ValueError(f"the extractor gave shape {shape} for {count} images, expected {wanted}; flatten the rest")
    return features.mean((2, 3)) if features.ndim == 4 else features


def check_features(features: Tensor, name: str = "", least: int = 2) -> Tensor:
    """Return `features` unchanged, or raise what is wrong with their type, shape, number or values."""
    what = f"{name} features".strip()
    if not isinstance(features, Tensor):
        kind = type(features).__name__
        raise TypeError(f"{what} are a {kind}, expected a tensor (N, D); minigan.metrics.embed makes one of images")
    if features.ndim != 2 or features.shape[1] == 0 or not features.is_floating_point():
        got = f"a {features.dtype} tensor of shape {tuple(features.shape)}"
        raise ValueError(f"{what} are {got}, expected floats (N, D); pass images through minigan.metrics.embed first")
    if len(features) < least:
        raise ValueError(f"{what} are of n = {len(features)} images, expected {least} or more; give more images")
    # the sum alone is one pass where all is well
    if not features.sum().isfinite() and (wrong := int((~features.isfinite()).sum())):
        remedy = "look for a network that has diverged, or images that it cannot take"
        raise ValueError(f"{what} hold {wrong} NaN or infinite values, expected finite numbers; {remedy}")
    return features


def check_pair(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Both feature sets in float64, or what is wrong with them. Apple's GPUs lack float64: theirs go to the CPU."""
    check_features(real, "real")
    check_features(fake, "fake")
    if real.shape[1] != fake.shape[1]:
        widths = f"real features have width {real.shape[1]}, fake features {fake.shape[1]}"
        raise ValueError(f"{widths}, expected the same; embed both with the same extractor")
    device = torch.device("cpu") if real.device.type == "mps" else real.device
    return real.detach().to(device).double(), fake.detach().to(device).double()


def sizes(real: Tensor, fake: Tensor) -> int | tuple[int, int]:
    """The `n` of a `Score`: one number where both sides have as many images."""
    return len(real) if len(real) == len(fake) else (len(real), len(fake))


# Distances between two distributions


def frechet_distance(real: Tensor, fake: Tensor, extractor: str = "unnamed") -> Score:
    """||m_r - m_f||^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)) between the Gaussians of two feature sets.

    m and S are a set's mean and covariance (Heusel et al. 2017, eq. 6). With S_r = A^T A and S_f = B^T B, the
    eigenvalues of S_r S_f are the squared singular values of A B^T, so the trace of the root is the sum of these
    singular values: real, never negative, and found without a matrix square root. Fewer images give a larger distance;
    a `UserWarning` says where they are no more than the features are wide.
    """
    real, fake = check_pair(real, fake)
    n, width = min(len(real), len(fake)), real.shape[1]
    if n <= width:
        warnings.warn(
            f"FID of {n} images in {width} dimensions says more about n than about the pictures; "
            f"give more than {width} images, or use kernel_distance",
            stacklevel=2,
        )
    means, spreads = (real.mean(0) - fake.mean(0)).square().sum(), real.var(0).sum() + fake.var(0).sum()
    varies = (real != real[0]).any(0) & (fake != fake[0]).any(0)  # a channel that is 0 for all adds nothing to the root
    a, b = covariance_factor(real[:, varies]), covariance_factor(fake[:, varies])
    regular = n > a.shape[1] > 0  # or else one of the values is 0, or there is none
    root = nuclear_norm(a @ b.T) if regular else torch.linalg.svdvals(a @ b.T).sum()
    value = means + spreads - 2 * root
    return Score("FID", float(value.clamp(min=0)), extractor, sizes(real, fake))  # only rounding gets below 0


def covariance_factor(features: Tensor) -> Tensor:
    """A with A^T A the covariance of features (n, d): (n, d) or, where n > d, a triangle (d, d)."""
    centred = features - features.mean(0)
    factor = centred
    if len(centred) > centred.shape[1]:
        factor, failed = torch.linalg.cholesky_ex(gram(centred), upper=True)
        if failed:  # as where a channel is 0 for all images
            factor = torch.linalg.qr(centred, mode="r").R
    return factor / math.sqrt(len(features) - 1)


def nuclear_norm(matrix: Tensor) -> Tensor:
    """The sum of the singular values, from the eigenvalues of M M^T: several times as fast as singular values.

    Rounding moves an eigenvalue by about 2e-16 of the largest, which may be much for the root of a small one. Where
    that could change the sum by more than 1e-8 of itself, the singular values are computed after all.
    """
    squares = torch.linalg.eigvalsh(gram(matrix.T)).clamp(min=0)
    values, error = squares.sqrt(), 2e-16 * squares[-1]
    reliable = (error / (values + error.sqrt())).sum() <= 1e-8 * values.sum()
    return values.sum() if reliable else torch.linalg.svdvals(matrix).sum()


def gram(rows: Tensor) -> Tensor:
    """X^T X: (n, d) -> (d, d). On the CPU by numpy, which computes one half of it and mirrors the other."""
    if rows.device.type != "cpu":
        return rows.T @ rows
    array = rows.numpy()
    return torch.from_numpy(array.T @ array)


def kernel_distance(
    real: Tensor,
    fake: Tensor,
    extractor: str = "unnamed",
    subsets: int = 100,
    subset_size: int | None = None,
    seed: int = 0,
) -> Score:
    """KID: the squared maximum mean discrepancy with a cubic kernel k (Bińkowski et al. 2018, section 4).

    E k(x, x') + E k(y, y') - 2 E k(x, y) over different real x, x' and different fake y, y'. Unbiased at any n, so it
    may fall below 0. Value and spread are mean and standard deviation over random subsets of `subset_size` images, by
    default half of the smaller set and 1000 at most; there is no spread where each holds all. Each kernel is computed
    once, however many subsets there are.
    """
    real, fake = check_pair(real, fake)
    most = min(len(real), len(fake))
    size = min(1000, max(2, most // 2)) if subset_size is None else subset_size
    if not 2 <= size <= most:
        raise ValueError(f"subset_size is {size}, expected 2 to {most}, the images of the smaller set; leave it out")
    if subsets < 2:
        raise ValueError(f"subsets is {subsets}, expected 2 or more; a single one has no spread")
    generator = torch.Generator().manual_seed(seed)
    in_real = random_subsets(subsets, size, len(real), generator).to(real)
    in_fake = random_subsets(subsets, size, len(fake), generator).to(fake)
    alike = sum_over_others(real, in_real) + sum_over_others(fake, in_fake)
    values = alike / (size * (size - 1)) - 2 * sum_over_pairs(real, fake, in_real, in_fake) / size**2
    spread = None if size == len(real) == len(fake) else float(values.std())
    return Score("KID", float(values.mean()), extractor, sizes(real, fake), spread)


def cubic_kernel(x: Tensor, y: Tensor) -> Tensor:
    """k(x, y) = (<x, y> / d + 1)^3 for each pair: (n, d), (m, d) -> (n, m). It compares moments up to the third."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def random_subsets(subsets: int, size: int, count: int, generator: torch.Generator) -> Tensor:
    """Which of `count` images each subset holds: (subsets, count) of 0 and 1, with `size` ones in each row."""
    ranks = torch.rand((subsets, count), generator=generator).argsort(1)
    return (ranks < size).float()


def sum_over_pairs(x: Tensor, y: Tensor, in_x: Tensor, in_y: Tensor) -> Tensor:
    """The sum of k(x, y) over the pairs of each subset. `in_x` (subsets, n) and `in_y` (subsets, m) hold 0 and 1."""
    blocks = zip(x.split(BLOCK), in_x.split(BLOCK, 1), strict=True)
    return torch.stack([(members @ cubic_kernel(rows, y) * in_y).sum(1) for rows, members in blocks]).sum(0)


def sum_over_others(x: Tensor, in_x: Tensor) -> Tensor:
    """The same over the pairs of two different members of one set."""
    with_itself = (x.square().mean(1) + 1) ** 3  # the diagonal of cubic_kernel(x, x)
    return sum_over_pairs(x, x, in_x, in_x) - in_x @ with_itself


# Quality and variety apart


def precision_recall(real: Tensor, fake: Tensor, extractor: str = "unnamed", k: int = 3) -> tuple[Score, Score]:
    """Precision, the share of fake images that look real, and recall, the share of real images that are covered.

    Each image claims a ball that reaches to its k-th nearest neighbour in its own set. A fake image looks real where
    some real image's ball holds it, and a real image is covered where some fake image's ball does (Kynkäänniemi et
    al. 2019, eq. 1 and 2). One real outlier has a huge ball; `density_coverage` minds it less.
    """
    real, fake = check_pair(real, fake)
    precision = balls_around(fake, real, reach(real, k)) > 0
    recall = balls_around(real, fake, reach(fake, k)) > 0
    n = sizes(real, fake)
    return (
        Score("precision", float(precision.double().mean()), extractor, n),
        Score("recall", float(recall.double().mean()), extractor, n),
    )


def density_coverage(real: Tensor, fake: Tensor, extractor: str = "unnamed", k: int = 5) -> tuple[Score, Score]:
    """Density, how deep the fake images lie among the real, and coverage, the share of real images with a fake nearby.

    With the balls of `precision_recall`, around real images only: density counts the balls that hold a fake image, over
    k, near 1 where both sets have one distribution and above it where fakes crowd; coverage is the share of balls that
    hold a fake image (Naeem et al. 2020, section 3).
    """
    real, fake = check_pair(real, fake)
    radii = reach(real, k)
    density = balls_around(fake, real, radii).double().mean() / k
    coverage = (nearest(real, fake)[0] <= radii).double().mean()
    n = sizes(real, fake)
    return Score("density", float(density), extractor, n), Score("coverage", float(coverage), extractor, n)


def reach(features: Tensor, k: int) -> Tensor:
    """Of each example the distance to its k-th nearest other: (N, D) -> (N,). Warns where k is half of N or more."""
    if not 1 <= k < len(features):
        raise ValueError(f"k is {k} for {len(features)} images, expected 1 to {len(features) - 1}; give more images")
    if 2 * k >= len(features):
        warnings.warn(
            f"with k = {k} the ball of each of {len(features)} images holds half of them, so it says nothing about "
            f"where they lie; give more than {2 * k} images",
            stacklevel=3,
        )
    rows = [torch.cdist(block, features).kthvalue(k + 1).values for block in features.split(BLOCK)]  # 1st: itself
    return torch.cat(rows)


def balls_around(points: Tensor, centres: Tensor, radii: Tensor) -> Tensor:
    """Of each point the number of balls, with these centres and radii, that hold it: (N, D), (M, D), (M,) -> (N,)."""
    return torch.cat([(torch.cdist(block, centres) <= radii).sum(1) for block in points.split(BLOCK)])


# Has it copied?


def nearest(queries: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """Of each query the distance to its nearest training example, and that one's index: (N,) and (N,).

    Both are images, features or points, (N, ...) and (M, ...); the distance is Euclidean over all but the first
    dimension.
    """
    queries, training = flat(queries, "query"), flat(training, "training")
    if queries.shape[1] != training.shape[1]:
        widths = f"queries have {queries.shape[1]} values each, training examples {training.shape[1]}"
        raise ValueError(f"{widths}, expected as many; bring both to the same size first")
    blocks, parts = queries.split(BLOCK), training.split(BLOCK)
    index = torch.cat([torch.cat([torch.cdist(block, part) for part in parts], 1).argmin(1) for block in blocks])
    # cdist rounds away small distances between long vectors, and a copy is a small distance
    exact = [(block - training[which]).norm(dim=1) for block, which in zip(blocks, index.split(BLOCK), strict=True)]
    return torch.cat(exact), index


def flat(examples: Tensor, name: str) -> Tensor:
    """Examples of any shape as features, one row each."""
    rows = examples.flatten(1) if isinstance(examples, Tensor) and examples.ndim > 2 else examples
    return check_features(rows, name, least=1)


def share_nearer(samples: Tensor, training: Tensor, new: Tensor) -> float:
    """The share of samples nearer to the training set than the median new real example: a half if all is well."""
    return float((nearest(samples, training)[0] < nearest(new, training)[0].median()).float().mean())


# Pairs: a target and its prediction


def psnr(target: Tensor, prediction: Tensor) -> Tensor:
    """Peak signal-to-noise ratio 10 log10(1 / MSE) of each image, in decibels: (N, C, H, W) in [-1, 1] -> (N,).

    The mean squared error is that of values in [0, 1]. Infinite where prediction and target are equal.
    """
    x, y = to_unit(target, prediction)
    return -10 * (x - y).square().flatten(1).mean(1).log10()


def ssim(target: Tensor, prediction: Tensor) -> Tensor:
    """Structural similarity of each image, 1 where both are equal: (N, C, H, W) in [-1, 1] -> (N,).

    (2 m_x m_y + c1)(2 s_xy + c2) / ((m_x^2 + m_y^2 + c1)(s_x^2 + s_y^2 + c2)) with local means m, variances s^2 and
    covariances s_xy under a Gaussian window of 11 x 11 pixels and sigma 1.5, on values in [0, 1] (Wang et al. 2004,
    eq. 13). The mean over channels and over all places where the whole window fits.
    """
    x, y = to_unit(target, prediction)
    if min(x.shape[-2:]) < 11:
        size = " x ".join(map(str, x.shape[-2:]))
        raise ValueError(f"images are {size} pixels, expected 11 x 11 or more, the window of SSIM; use psnr")
    window = torch.exp(-torch.arange(-5, 6).to(x).square() / (2 * 1.5**2))
    window = window / window.sum()
    maps = torch.stack([x, y, x * x, y * y, x * y]).flatten(0, 2)[:, None]  # (5 N C, 1, H, W)
    local = F.conv2d(F.conv2d(maps, window.view(1, 1, 11, 1)), window.view(1, 1, 1, 11))
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = local.unflatten(0, (5, len(x), -1)).flatten(2)  # each (N, C h w)
    c1, c2 = 0.01**2, 0.03**2
    means = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    variances = mean_xx - mean_x.square() + mean_yy - mean_y.square()
    return (means * (2 * (mean_xy - mean_x * mean_y) + c2) / (variances + c2)).mean(1)


def to_unit(target: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Both batches of images in [0, 1], or what is wrong with them."""
    check_images(target)
    check_images(prediction)
    if target.shape != prediction.shape:
        shapes = f"target has shape {tuple(target.shape)}, prediction {tuple(prediction.shape)}"
        raise ValueError(f"{shapes}, expected the same; pass one through minigan.data.resize, or crop it")
    dtype = torch.promote_types(torch.promote_types(target.dtype, prediction.dtype), torch.float32)
    return (target.to(dtype) + 1) / 2, (prediction.to(dtype) + 1) / 2
