"""The measurements of chapter 04 and benchmarks/backbones.py, on answers that are known."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from minigan import data
from minigan.backbones import Backbone
from minigan.course.suitability import (
    agreement,
    apart,
    blocky,
    blurred,
    cost,
    distances,
    milliseconds,
    partner_rate,
    sketch,
    sketches,
    triplets,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def photos():
    return data.load("photos", "test", size=129)[:4]


def test_a_sketch_is_the_mean_of_fields_and_leaves_vectors():
    maps = torch.arange(16.0).view(1, 1, 4, 4)
    assert_close(sketch(maps, 2), torch.tensor([[2.5, 4.5, 10.5, 12.5]]))
    assert_close(sketch(torch.ones(2, 5)), torch.ones(2, 5))


def test_sketches_do_not_depend_on_the_batch():
    backbone = Backbone("vgg16", [0, 3], weights=None, generator=seeded())
    images = torch.rand(5, 3, 16, 16, generator=seeded()) * 2 - 1
    found = sketches(backbone, images, batch=2)
    assert found["conv1_1"].shape == (5, 64 * 16)
    assert_close(found, sketches(backbone, images))


def test_distances_by_hand():
    a, b = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0], [6.0, 0.0]])
    assert_close(distances(a, b, "euclidean"), torch.tensor([[5.0, 3.0]]))
    assert_close(distances(a, b), torch.tensor([[1.0, 0.0]]))


def test_partners_are_counted():
    a = torch.eye(4)
    assert partner_rate(a, a) == partner_rate(a, 5 * a) == 1
    assert partner_rate(a, a[[1, 0, 2, 3]], "euclidean") == 0.5


def test_a_moved_picture_is_the_neighbouring_cut_and_damage_has_the_share_of_its_error(photos):
    for share in (1.0, 0.25):
        reference, moved, damaged = triplets(photos, share)
        assert_close(moved[..., :-1], reference[..., 1:])
        error = (moved - reference).square().flatten(1).mean(1)
        assert list(damaged) == ["blur", "blocks", "noise"]
        for images in damaged.values():
            ratio = (images - reference).square().flatten(1).mean(1) / error
            assert ratio.max() <= share * 1.0001 and ratio.min() > 0.9 * share
            assert images.abs().max() <= 1.0001


def test_blur_keeps_what_is_even_and_blocks_keep_means():
    even = torch.full((1, 3, 32, 32), 0.3)
    assert_close(blurred(even, 2.0), even)
    images = torch.rand(1, 3, 16, 24, generator=seeded()) - 0.5
    means = torch.nn.functional.avg_pool2d(images, 8)
    coarse = blocky(images, 1e6)
    assert_close(coarse, means.repeat_interleave(8, 2).repeat_interleave(8, 3))
    assert_close(blocky(images, 1e-5), images, rtol=0, atol=1e-4)


def test_apart_is_one_minus_cosine():
    real, fake = torch.zeros(1, 2, 1, 2), torch.zeros(1, 2, 1, 2)
    real[0, 0] = 1
    fake[0, 0, 0, 0], fake[0, 1, 0, 1] = 5, 2  # the same direction, then a right angle
    assert_close(apart(real, fake), torch.tensor([0.5]))
    assert_close(apart(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])), torch.tensor([1.0]))


def test_the_pretrained_network_agrees_with_people_where_its_random_twin_does_not(photos):
    trio = triplets(photos, 0.25)
    found = agreement(Backbone("efficientnet_lite0", ["block10"]), *trio)["block10"]
    assert found == {"blur": 1.0, "blocks": 1.0, "noise": 1.0}
    twin = Backbone("efficientnet_lite0", ["block10"], weights=None, generator=seeded())
    assert sum(agreement(twin, *trio)["block10"].values()) < 1


def test_cost_by_hand():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(8 * 4 * 4, 10))
    outputs, weights, work = cost(net.to("meta"), torch.empty(2, 3, 8, 8, device="meta"))
    assert outputs.shape == (2, 10)
    assert weights == 3 * 8 * 9 + 8 + 128 * 10 + 10
    assert work == 8 * 4 * 4 * 27 + 128 * 10
    assert not any(module._forward_hooks for module in net.modules())


def test_milliseconds_are_measured():
    assert 0 < milliseconds(Backbone("vgg16", [0], weights=None), size=16, batch=2, rounds=1) < 1e4
