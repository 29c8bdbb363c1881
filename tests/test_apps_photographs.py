"""What the applications share: crops and pairs, the block, the terms and their window, a task that resumes."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from minigan import train
from minigan.apps import photographs as app
from minigan.data import load, photo, to_pixels, to_signed
from minigan.perceptual import FeatureDistance


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=random(seed)) * 2 - 1


def darker(real, random):
    return {"dark": real - 0.5}


def state(batch=4, seed=0, network=None, **options):
    config = train.TrainConfig(batch=batch, seed=seed, precision="float32", **options)
    return train.start(config, network or nn.Conv2d(3, 3, 1))


# Photographs and crops


def test_photographs_are_whole():
    found, names = app.whole_photographs("test"), load("photos", "test").names
    assert len(found) == len(names) == 19
    torch.testing.assert_close(found[4], to_pixels(photo(names[4]))[0], rtol=0, atol=0)
    assert {tuple(one.shape[-2:]) for one in found} >= {(448, 448), (298, 448), (448, 336)}


@pytest.mark.parametrize(("turned", "turns"), [(True, (0, 1, 2, 3)), (False, (0,))])
def test_crops_are_pieces_of_the_photograph_in_all_ways(turned, turns):
    photograph = torch.arange(48, dtype=torch.uint8).view(1, 6, 8).expand(3, -1, -1)
    drawn = [app.random_crop([photograph], 3, random(seed), turned) for seed in range(2000)]
    crops = {tuple(one[0].flatten().tolist()) for one in drawn}
    ways = [turn for k in turns for turn in (photograph.rot90(k, (1, 2)), photograph.rot90(k, (1, 2)).flip(-1))]
    pieces = {tuple(w.flatten().tolist()) for way in ways for w in way[0].unfold(0, 3, 1).unfold(1, 3, 1).flatten(0, 1)}
    assert crops == pieces and len(pieces) == 2 * len(turns) * 4 * 6


def test_each_photograph_is_as_likely_whatever_its_size():
    photographs = [torch.full((3, 8, 8 + 40 * i), i, dtype=torch.uint8) for i in range(4)]
    drawn = torch.tensor([int(app.random_crop(photographs, 8, random(seed))[0, 0, 0]) for seed in range(4000)])
    assert drawn.bincount().float().div(4000).tolist() == pytest.approx([0.25] * 4, abs=0.03)


def test_a_crop_may_be_the_whole_photograph():
    photograph = noise(3, 5, 5)
    assert app.random_crop([photograph], 5, random(), turned=False).shape == (3, 5, 5)


# Pairs


def test_a_batch_is_pairs_and_an_offset():
    photographs = [torch.randint(0, 256, (3, 20, 30), generator=random(), dtype=torch.uint8)]
    batch = app.pairs(photographs, 8, darker)(state(5))
    assert batch["real"].shape == batch["dark"].shape == (5, 3, 8, 8)
    torch.testing.assert_close(batch["dark"], batch["real"] - 0.5)
    assert batch["real"].is_contiguous(memory_format=torch.channels_last)
    grey = (batch["real"] + 1) * 127.5
    torch.testing.assert_close(grey, grey.round(), rtol=0, atol=1e-4)


def test_offsets_reach_all_places_of_the_grid():
    draw, one = app.pairs([torch.zeros(3, 9, 9, dtype=torch.uint8)], 8, darker), state(1)
    offsets = {tuple(draw(one)["offset"].tolist()) for _ in range(1000)}
    assert offsets == {(down, right) for down in range(8) for right in range(8)}


def test_what_spoil_says_wins_over_the_crop():
    draw = app.pairs([torch.zeros(3, 9, 9, dtype=torch.uint8)], 8, lambda real, random: {"real": real + 1, "x": real})
    batch = draw(state(2))
    assert float(batch["real"].max()) == 0 and float(batch["x"].max()) == -1


def test_batches_follow_the_seed_alone():
    photographs = app.whole_photographs("test")[:3]
    draws = [app.pairs(photographs, 16, darker)(state(3, seed))["real"] for seed in (0, 0, 1)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


def test_small_photographs_are_left_out():
    sizes = [(3, 30), (20, 20), (7, 7)]
    photographs = [torch.full((3, *size), i, dtype=torch.uint8) for i, size in enumerate(sizes)]
    batch = app.pairs(photographs, 8, darker)(state(64))
    assert batch["real"].unique().tolist() == to_signed(torch.tensor([1], dtype=torch.uint8)).tolist()
    with pytest.raises(ValueError, match="none of the 3 pictures has 64 x 64 pixels; give larger ones"):
        app.pairs(photographs, 64, darker)


# The block


def test_a_block_starts_as_the_identity_and_can_learn():
    block, features = app.ResidualBlock(4), noise(2, 4, 5, 6)
    torch.testing.assert_close(block(features), features, rtol=0, atol=0)
    block(features).square().sum().backward()
    assert block.body[2].weight.grad.abs().sum() > 0  # where 0 stands, a gradient arrives


def test_a_block_by_hand():
    block = app.ResidualBlock(1)
    with torch.no_grad():
        for convolution, centre, bias in ((block.body[0], 2.0, -1.0), (block.body[2], 3.0, 0.5)):
            convolution.weight.zero_()
            convolution.weight[0, 0, 1, 1], convolution.bias[0] = centre, bias
    features = torch.tensor([-1.0, 0.25, 2.0]).view(1, 1, 1, 3)
    expected = [x + 3 * max(2 * x - 1, 0) + 0.5 for x in (-1.0, 0.25, 2.0)]
    torch.testing.assert_close(block(features).flatten(), torch.tensor(expected))


# The terms


def batch_of(real, offset=(0, 0)):
    return {"real": real, "offset": torch.tensor(offset)}


def test_terms_by_hand():
    real, fake = torch.zeros(1, 3, 2, 2), torch.tensor([[0.5, -0.5], [0.0, 1.0]]).expand(1, 3, 2, 2)
    assert {name: float(term) for name, term in app.terms()(fake, batch_of(real)).items()} == {"pixel": 0.5}
    squared = app.terms(error=F.mse_loss)(fake, batch_of(real))
    assert float(squared["pixel"]) == pytest.approx((0.25 + 0.25 + 1) / 4)


@pytest.mark.parametrize("offset", [(0, 0), (3, 5), (7, 7)])
def test_the_window_moves_and_real_comes_first(offset):
    seen = []

    def distance(real, fake):
        seen.append((real, fake))
        return (real - fake).square().mean()

    real, fake = noise(2, 3, 16, 16), noise(2, 3, 16, 16, seed=1)
    down, right = offset
    for moving, inner in ((True, (..., slice(down, None), slice(right, None))), (False, ...)):
        app.terms(distance, moving=moving)(fake, batch_of(real, offset))
        assert torch.equal(seen[-1][0], real[inner]) and torch.equal(seen[-1][1], fake[inner])


def test_the_feature_distance_is_the_cosine_and_reaches_the_fake_alone():
    distance = app.feature_distance()
    assert isinstance(distance, FeatureDistance) and list(distance.weights.values()) == [1, 1, 1]
    real, fake = (to_signed(one[:, :32, :32])[None] for one in app.whole_photographs("test")[:2])
    assert float(distance(real, real)) == 0
    fake.requires_grad_()
    named = app.terms(distance)(fake, batch_of(real))
    assert 0 < named["features"].item() < 6  # three cosines, each at most 2
    named["features"].backward()
    assert fake.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in distance.parameters())


# Training


def brightening(images=64):
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 1)
    config = train.TrainConfig(images, 4, rate=0.02, precision="float32", ema_half_life=8)
    return app.Task(network, darker, lambda network, batch: network(batch["dark"]), app.terms(), config, size=8)


def test_a_task_learns_and_its_rate_falls_as_half_a_cosine():
    task = brightening(400)
    rates = []

    def draw_and_note(network, batch):
        rates.append(one.g_optimizer.param_groups[0]["lr"])
        return network(batch["dark"])

    task = app.Task(**{**vars(task), "mend": draw_and_note})
    one = app.begin(task, data="photos")
    app.learn(task, one, app.whole_photographs("test")[:3], quiet=True, log_every=40)
    assert one.facts == {"data": "photos"} and one.seen == 400
    assert one.history[-1]["pixel"] < 0.5 * one.history[0]["pixel"]
    expected = [0.02 * (1 + math.cos(math.pi * step / 100)) / 2 for step in range(100)]
    assert rates == pytest.approx(expected)


def test_ten_steps_are_five_a_save_a_resume_and_five(tmp_path):
    photographs = app.whole_photographs("test")[:3]
    whole = app.learn(brightening(), app.begin(brightening()), photographs, quiet=True, log_every=4)
    part = app.begin(brightening())
    stops = iter(range(8))

    def mend(network, batch):
        if next(stops) == 7:
            raise KeyboardInterrupt
        return network(batch["dark"])

    stopped = app.Task(**{**vars(brightening()), "network": part.generator, "mend": mend})
    with pytest.raises(KeyboardInterrupt):
        app.learn(stopped, part, photographs, quiet=True, run=tmp_path, log_every=4, save_every=16)
    again = train.resume(app.begin(brightening()), tmp_path)
    assert 0 < again.seen < 64
    app.learn(brightening(), again, photographs, quiet=True, run=tmp_path, log_every=4)
    for name, weight in whole.average.state_dict().items():
        torch.testing.assert_close(again.average.state_dict()[name], weight, rtol=0, atol=0)
    assert [entry["pixel"] for entry in again.history][-1] == whole.history[-1]["pixel"]


def test_a_discriminator_learns_at_the_same_rate():
    task = brightening(8)
    critic = nn.Sequential(nn.Conv2d(3, 1, 4), nn.Flatten())
    task = app.Task(**{**vars(task), "discriminator": critic})
    one = app.learn(task, app.begin(task), app.whole_photographs("test")[:1], quiet=True)
    assert set(one.history[-1]) >= {"adversarial", "discriminator", "pixel"}
    rates = [optimizer.param_groups[0]["lr"] for optimizer in (one.g_optimizer, one.d_optimizer)]
    assert rates == pytest.approx([0.02 * (1 + math.cos(math.pi / 2)) / 2] * 2)
