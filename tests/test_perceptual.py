"""Perceptual distances against values by hand, the plain formula and the lpips package."""

from types import SimpleNamespace

import lpips
import pytest
import torch
from torch.testing import assert_close

from minigan import perceptual
from minigan.backbones import Backbone
from minigan.data import photo, resize
from minigan.perceptual import (
    DISTANCES,
    LPIPS,
    FeatureDistance,
    cosine_distance,
    feature_matching,
    gram,
    learnt_heads,
    squared_distance,
    style_distance,
    total_variation,
    unit,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=2, size=32, seed=0):
    return torch.rand(count, 3, size, size, generator=seeded(seed)) * 2 - 1


def maps(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def vgg():
    return Backbone("vgg16", weights=None, generator=seeded())


@pytest.fixture(scope="module")
def efficientnet():
    return Backbone("efficientnet_lite0")


# One layer


def test_distances_by_hand():
    real = torch.tensor([[3.0, 0.0], [0.0, 1.0]]).view(2, 2, 1, 1)
    fake = torch.tensor([[0.0, 4.0], [0.0, 2.0]]).view(2, 2, 1, 1)
    assert_close(squared_distance(real, fake), torch.tensor([12.5, 0.5]))  # (9 + 16) / 2, 1 / 2
    assert_close(cosine_distance(real, fake), torch.tensor([1.0, 0.0]))
    assert_close(style_distance(real, fake), torch.tensor([(81 + 256) / 4, 9 / 4]))


def test_gram_by_hand_and_of_any_size():
    features = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])  # two channels at two places
    assert_close(gram(features), torch.tensor([[[2.5, 3.0], [3.0, 4.5]]]))
    assert_close(gram(features.repeat(1, 1, 3, 5)), gram(features))  # divided by H W, and once


def test_style_forgets_places_and_the_other_distances_do_not():
    features = maps(2, 4, 3, 5)
    moved = features.roll((1, 2), (2, 3))
    assert_close(style_distance(features, moved), torch.zeros(2, dtype=torch.float64))
    assert squared_distance(features, moved).amin() > 0.1 and cosine_distance(features, moved).amin() > 0.1
    assert_close(style_distance(features[:1], maps(1, 4, 7, 7)), style_distance(maps(1, 4, 7, 7), features[:1]))


def test_unit_vectors_have_length_one_and_zero_stays_zero():
    features = maps(2, 4, 3, 5)
    assert_close(unit(features).norm(dim=1), torch.ones(2, 3, 5, dtype=torch.float64))
    assert_close(unit(0 * features), 0 * features)
    assert_close(cosine_distance(features, 0 * features), torch.full((2,), 0.5, dtype=torch.float64))


def test_cosine_is_one_minus_the_cosine():
    features, other = maps(2, 4, 3, 5), maps(2, 4, 3, 5, seed=1)
    expected = 1 - torch.cosine_similarity(features, other, dim=1)
    assert_close(cosine_distance(features, other), expected.mean((1, 2)))


def test_cosine_ignores_the_length_of_a_vector():
    features, other = maps(2, 4, 3, 5), maps(2, 4, 3, 5, seed=1)
    assert_close(cosine_distance(features, 7 * other), cosine_distance(features, other))
    assert not torch.allclose(squared_distance(features, 7 * other), squared_distance(features, other))


# All layers


def test_feature_distance_is_the_plain_formula(efficientnet):
    real, fake, weights = images(), images(seed=1), [1.0, 2.0, 0.5, 0.0, 3.0]
    expected = torch.zeros(())
    for weight, f, g in zip(weights, efficientnet(real).values(), efficientnet(fake).values(), strict=True):
        count, channels, height, width = f.shape
        for n in range(count):
            expected += weight * (g[n] - f[n]).norm() ** 2 / (channels * height * width) / count
    distance = FeatureDistance(efficientnet, weights)
    assert_close(distance(real, fake), expected)
    assert_close(
        FeatureDistance(efficientnet, dict(zip(efficientnet.layers, weights, strict=True)))(real, fake), expected
    )
    assert_close(distance.per_image(real, fake).mean(), expected)
    assert_close(distance.from_features(efficientnet(real), efficientnet(fake)), distance.per_image(real, fake))
    assert distance.per_image(real, fake).shape == (2,)


@pytest.mark.parametrize("name", DISTANCES)
def test_a_distance_is_zero_at_itself_symmetric_and_reaches_only_the_fake(efficientnet, name):
    distance = FeatureDistance(efficientnet, distance=name)
    real, fake = images(), images(seed=1).requires_grad_()
    assert_close(distance(real, real), torch.zeros(()), atol=1e-6, rtol=0)
    loss = distance(real, fake)
    assert_close(loss, distance(fake, real))
    loss.backward()
    assert fake.grad.flatten(1).norm(dim=1).amin() > 0
    assert all(parameter.grad is None for parameter in distance.parameters())


def test_blur_is_farther_than_a_shift_though_pixels_say_otherwise(efficientnet):
    picture = resize(photo("coffee"), 128)
    shifted, blurred = picture.roll(2, -1), resize(resize(picture, 32), 128)
    assert squared_distance(picture, blurred) < squared_distance(picture, shifted)
    distance = FeatureDistance(efficientnet, distance="cosine")
    assert distance(picture, blurred) > distance(picture, shifted)


def test_style_compares_pictures_of_two_sizes(efficientnet, refuses):
    assert FeatureDistance(efficientnet, distance="style")(images(1), images(3, 64)) > 0
    with refuses(ValueError, "(1, 16, 16, 16) and (3, 16, 32, 32) at block0", "expected pairs"):
        FeatureDistance(efficientnet)(images(1), images(3, 64))


def test_wrong_weights_and_names(efficientnet, refuses):
    for weights in ([1.0], [1.0] * 6, {"block0": 1.0}):
        with refuses(ValueError, "weights are", "expected one for each of the layers block0, block2"):
            FeatureDistance(efficientnet, weights)
    vectors = Backbone("efficientnet_lite0", ["block2", "pool"], weights=None)
    for distance in ("cosine", "style"):
        with refuses(ValueError, "pool of efficientnet_lite0 gives vectors", f"expected maps for the {distance}"):
            FeatureDistance(vectors, distance=distance)
    assert FeatureDistance(vectors)(images(2), images(2)) == 0
    with refuses(ValueError, "distance 'cosinus' is not known", "'cosine'"):
        FeatureDistance(efficientnet, distance="cosinus")


# LPIPS


@pytest.mark.parametrize("learnt", [True, False])
def test_lpips_equals_the_package_with_equal_weights(vgg, learnt, monkeypatch):
    stages = list(Backbone("vgg16", range(30), weights=None, generator=seeded()).net.children())
    monkeypatch.setattr(lpips.pretrained_networks.tv, "vgg16", lambda pretrained: SimpleNamespace(features=stages))
    theirs = lpips.LPIPS(net="vgg", pretrained=learnt, lpips=learnt, pnet_rand=True, verbose=False)
    real, fake = images(3), images(3, seed=1)
    ours = LPIPS(vgg, "learnt" if learnt else None)
    assert_close(ours.per_image(real, fake), theirs(real, fake).flatten(), rtol=1e-5, atol=1e-6)


def test_lpips_without_heads_is_twice_the_cosine_distance(efficientnet):
    real, fake = images(), images(seed=1)
    expected = 2 * FeatureDistance(efficientnet, distance="cosine")(real, fake)
    assert_close(LPIPS(efficientnet, heads=None)(real, fake), expected)


def test_features_that_are_all_zero_give_no_infinite_gradient(vgg):
    fake = (2 * vgg.mean - 1).repeat(1, 1, 32, 32).requires_grad_()  # standardised: zero, and so are all maps of it
    for distance in (LPIPS(vgg, heads=None), FeatureDistance(vgg, distance="cosine")):
        (gradient,) = torch.autograd.grad(distance(images(1), fake), fake)
        assert torch.isfinite(gradient).all()


def test_learnt_heads_are_not_negative():
    assert [len(head) for head in learnt_heads()] == [64, 128, 256, 512, 512]
    assert min(head.amin().item() for head in learnt_heads()) >= 0


def test_heads_that_do_not_fit_or_are_missing(efficientnet, refuses, monkeypatch):
    with refuses(ValueError, "heads have [64, 128, 256, 512, 512]", "expected [16, 24, 40, 112, 320]", "heads=None"):
        LPIPS(efficientnet)
    with refuses(ValueError, "heads 'learned' is not known", "'learnt'"):
        LPIPS(efficientnet, "learned")
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)
    with refuses(FileNotFoundError, "lpips", "pip install lpips"):
        learnt_heads()


# Without pairs


def test_feature_matching_by_hand():
    real = {"a": torch.tensor([[1.0, 3.0], [3.0, 3.0]]).view(2, 2, 1, 1)}
    fake = {"a": torch.tensor([[0.0, 4.0]]).view(1, 2, 1, 1)}
    assert_close(feature_matching(real, fake), torch.tensor(2.5))  # means (2, 3) and (0, 4): (4 + 1) / 2
    both = feature_matching(real | {"b": real["a"]}, fake | {"b": fake["a"]})
    assert_close(both, torch.tensor(5.0))


def test_feature_matching_does_not_mind_the_order_and_pairs_do(efficientnet):
    real, fake = images(3), images(3).flip(0)
    matched = feature_matching(efficientnet(real), efficientnet(fake))
    assert_close(matched, torch.zeros(()), atol=1e-6, rtol=0)
    assert FeatureDistance(efficientnet)(real, fake) > 0.01


# Total variation


def test_total_variation_by_hand():
    assert total_variation(torch.full((2, 3, 4, 5), 0.7)) == 0
    ramp = torch.arange(5.0).expand(1, 1, 4, 5)
    assert_close(total_variation(ramp), torch.tensor(1.0))
    assert_close(total_variation(ramp + 2 * torch.arange(4.0)[:, None]), torch.tensor(3.0))
