"""Generation: the class reaches both networks, training and averaging with labels, ways and directions of latents."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from minigan import data, losses, train, weights
from minigan.apps import generate as app
from minigan.augment import augment
from minigan.data import ImageSet
from minigan.nets import Generator
from minigan.train import TrainConfig


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=random(seed))


def networks(classes=3, **options):
    torch.manual_seed(0)
    shape = {"size": 8, "channels": 1, "classes": classes, "width": 4}
    return app.ConditionalGenerator(latents=5, **shape), app.ConditionalDiscriminator(**shape, **options)


def bright(count=96, size=8):
    """Pictures whose class is their brightness: black, grey, white."""
    labels = torch.arange(count) % 3
    pixels = (labels * 127)[:, None, None, None].expand(-1, 1, size, size).to(torch.uint8)
    return ImageSet(pixels, "bright", labels=labels, classes=("black", "grey", "white"))


# Told the class


def test_conditional_batch_norm_by_hand():
    layer = app.ConditionalBatchNorm(2, 3)
    features, labels = noise(6, 2, 4, 5) * 3 + 1, torch.tensor([0, 1, 2, 2, 1, 0])
    mean, variance = features.mean((0, 2, 3), keepdim=True), features.var((0, 2, 3), unbiased=False, keepdim=True)
    expected = (features - mean) / (variance + 1e-5).sqrt()
    scale, shift = layer.scale.weight[labels], layer.shift.weight[labels]
    torch.testing.assert_close(layer(features, labels), scale[:, :, None, None] * expected + shift[:, :, None, None])


def test_equal_scales_and_shifts_are_the_generator_of_chapter_02():
    told, _ = networks()
    plain = Generator(8, 1, 5, 4)
    weights_of = {key: value for key, value in told.state_dict().items() if "scale" not in key and "shift" not in key}
    plain.load_state_dict({key.replace(".norm.", "."): value for key, value in weights_of.items()}, strict=False)
    for module, norm in zip(
        [one for one in told.modules() if isinstance(one, app.ConditionalBatchNorm)],
        [one for one in plain.modules() if isinstance(one, nn.BatchNorm2d)],
        strict=True,
    ):
        nn.init.constant_(module.scale.weight, 0.7)
        nn.init.constant_(module.shift.weight, 0.2)
        nn.init.constant_(norm.weight, 0.7)
        nn.init.constant_(norm.bias, 0.2)
    latents = noise(6, 5)
    torch.testing.assert_close(told(latents, torch.tensor([0, 1, 2, 0, 1, 2])), plain(latents))


def test_the_class_changes_the_picture_and_none_means_in_turn():
    generator = networks()[0].eval()
    latents = noise(1, 5).expand(4, -1)
    images = generator(latents, torch.tensor([0, 1, 2, 0]))
    assert images.shape == (4, 1, 8, 8) and images.abs().max() <= 1
    assert torch.equal(images[0], images[3]) and not torch.allclose(images[0], images[1])
    torch.testing.assert_close(generator(latents), images)
    with pytest.raises(ValueError, match=r"latents have shape \(4, 6\), expected \(N, 5\)"):
        generator(noise(4, 6))


def test_labels_travel_behind_the_channels():
    images, labels = noise(3, 2, 4, 5), torch.tensor([2, 0, 2])
    both = app.with_labels(images, labels, 3)
    assert both.shape == (3, 5, 4, 5)
    assert torch.equal(both[:, :2], images)
    assert both[:, 2:].amin((2, 3)).tolist() == both[:, 2:].amax((2, 3)).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 1]]


def test_the_logit_is_that_of_real_and_that_of_the_class():
    _, discriminator = networks(norm="none")
    images, labels = noise(4, 1, 8, 8), torch.tensor([0, 2, 1, 1])
    logits = discriminator.to_logit(discriminator.blocks(images)).flatten(1)
    assert logits.shape == (4, 4)
    one_hot = torch.eye(3)[labels]
    expected = logits[:, 0] + (one_hot * logits[:, 1:]).sum(1)  # psi + y^T V phi
    torch.testing.assert_close(discriminator(app.with_labels(images, labels, 3)), expected)


def test_augmentation_leaves_the_label_and_penalties_leave_it_alone():
    _, discriminator = networks(norm="none")
    both = app.with_labels(noise(8, 1, 8, 8).clamp(-1, 1), torch.arange(8) % 3, 3)
    moved = augment(both, ("brightness", "translation"), random())
    assert torch.equal(moved[:, 1:, 0, 0].argmax(1), torch.arange(8) % 3)
    both.requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(both).sum(), both)
    assert gradient[:, :1].abs().max() > 0 and gradient[:, 1:].abs().max() == 0
    alone = both.detach()[:, :1].requires_grad_()
    (expected,) = torch.autograd.grad(discriminator(torch.cat([alone, both.detach()[:, 1:]], 1)).sum(), alone)
    penalty = losses.r1_penalty(discriminator, both)
    torch.testing.assert_close(penalty, 0.5 * expected.square().flatten(1).sum(1).mean())


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 4, 8, 16), (2, 5, 8, 8)])
def test_a_picture_without_its_label_is_refused(shape, refuses):
    with refuses(ValueError, "planes of labels, expected (N, 1 + 3, 8, 8)", "with_labels"):
        networks()[1](torch.zeros(shape))


@pytest.mark.parametrize("place", [0, 1])
def test_both_are_written_and_read_again(place, tmp_path):
    network = networks()[place].eval()
    weights.save_network(tmp_path / "a.safetensors", network)
    again, _ = weights.load_network(tmp_path / "a.safetensors", type(network))
    given = (noise(3, 5), torch.tensor([2, 1, 0])) if place == 0 else (noise(3, 4, 8, 8),)
    torch.testing.assert_close(again(*given), network(*given), rtol=0, atol=0)
    with pytest.raises(OSError, match="is not known"):
        weights.load_network(tmp_path / "a.safetensors")


# Training


def begin(images=64, **settings):
    config = TrainConfig(images=images, batch=16, precision="float32", **settings)
    return train.start(config, *networks(norm="none"))


def test_a_batch_has_each_picture_with_its_own_label():
    state = begin()
    batch = app.draw(state, bright())
    assert batch["real"].shape == (16, 4, 8, 8) and batch["labels"].shape == (16,)
    torch.testing.assert_close(batch["real"][:, 1:, 0, 0].argmax(1), batch["labels"])
    brightness = (batch["real"][:, 0, 3, 3] + 1) * 127.5 / 127
    torch.testing.assert_close(brightness.round().long(), batch["labels"])


def test_fakes_get_the_labels_of_the_real_ones():
    seen = []
    state = begin(images=16, r1=0.0)
    state.discriminator.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    app.learn(state, bright(), quiet=True)
    fake, real, again = seen
    assert torch.equal(fake[:, 1:], real[:, 1:]) and torch.equal(fake, again)
    assert not torch.equal(fake[:, :1], real[:, :1])


def test_the_average_follows_scales_shifts_and_statistics():
    state = begin(images=160, ema_half_life=16, ema_ramp_up=0.0)
    before = {name: value.clone() for name, value in state.average.state_dict().items()}
    app.learn(state, bright(), quiet=True)
    after, last = state.average.state_dict(), state.generator.state_dict()
    for name, value in after.items():
        if "running" in name:
            torch.testing.assert_close(value, last[name])
        if name.endswith(("scale.weight", "shift.weight")):
            assert not torch.equal(value, before[name]) and not torch.equal(value, last[name])


def test_a_short_training_draws_what_is_asked_for():
    state = begin(images=16 * 250, rate=3e-3, betas=(0.5, 0.99), ema_half_life=200)
    app.learn(state, bright(), quiet=True)
    asked = torch.arange(30) % 3
    with torch.no_grad():
        brightness = state.average.eval()(noise(30, 5), asked).mean((1, 2, 3))
    means = [float(brightness[asked == label].mean()) for label in range(3)]
    assert means[0] < -0.5 < means[1] < 0.5 < means[2]


def test_a_function_may_draw_the_batches_and_a_run_is_resumed(tmp_path):
    straight = app.learn(begin(), lambda state: app.draw(state, bright()), quiet=True)
    app.learn(begin(images=32), bright(), run=tmp_path, quiet=True)
    resumed = app.learn(train.resume(begin(), tmp_path), bright(), quiet=True)
    for name, value in straight.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name
    assert weights.find(str(tmp_path), app.ConditionalGenerator)[0].classes == 3


def test_pictures_without_labels_are_refused(refuses):
    with refuses(ValueError, "bright has no labels", "use a labelled set"):
        app.learn(begin(), replace(bright(), labels=None))


# Truncation


def test_truncation_by_hand():
    generator = Generator(8, 1, 5, 4).eval()
    latents, spread = noise(4, 5, seed=1), noise(1000, 5, seed=0)
    with torch.no_grad():
        mean = generator.start(spread[:, :, None, None]).mean(0)
        first = generator.start(latents[:, :, None, None])
        expected = generator.to_image(generator.blocks(mean + 0.3 * (first - mean))).tanh()
        torch.testing.assert_close(app.Truncated(generator, 0.3)(latents), expected)
        torch.testing.assert_close(app.Truncated(generator, 1.0)(latents), generator(latents))
        same = app.Truncated(generator, 0.0)(latents)
    torch.testing.assert_close(same, same[:1].expand(4, -1, -1, -1))


def test_each_class_has_an_average_of_its_own():
    generator, _ = networks()
    truncated = app.Truncated(generator, 0.0)
    assert not generator.training and truncated.latents == 5
    with torch.no_grad():
        images = truncated(noise(6, 5))
        assert torch.equal(truncated(noise(6, 5), torch.arange(6) % 3), images)
        torch.testing.assert_close(images[:3], images[3:])
        assert not torch.allclose(images[0], images[1])
        latents, labels = noise(4, 5), torch.tensor([2, 2, 0, 1])
        torch.testing.assert_close(app.Truncated(generator, 1.0)(latents, labels), generator(latents, labels))


# Ways


def test_lerp_and_slerp_by_hand():
    one, other = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 4.0])
    torch.testing.assert_close(app.lerp(one, other, 0.25), torch.tensor([1.5, 1.0]))
    middle = 3 * math.sqrt(0.5)
    torch.testing.assert_close(app.slerp(one, other, 0.5), torch.tensor([middle, middle]))
    third = torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6)])
    torch.testing.assert_close(app.slerp(one, other, 1 / 3), third * (2 + 2 / 3))


def test_slerp_keeps_the_length_and_turns_evenly():
    one, other = (nn.functional.normalize(noise(7, 20, seed=seed), dim=1) for seed in (1, 2))
    shares = torch.linspace(0, 1, 9)
    path = torch.stack([app.slerp(one, other, float(share)) for share in shares])
    torch.testing.assert_close(path.norm(dim=-1), torch.ones(9, 7))
    angles = (path[1:] * path[:-1]).sum(-1).acos()
    whole = (one * other).sum(1).acos()
    torch.testing.assert_close(angles, (whole / 8).expand(8, -1), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(path[0], one)
    torch.testing.assert_close(path[-1], other)


def test_slerp_agrees_with_the_formula_in_double_precision():
    one, other = np.random.default_rng(0).normal(size=(2, 5, 30))
    share = 0.3
    lengths = np.linalg.norm(one, axis=1, keepdims=True), np.linalg.norm(other, axis=1, keepdims=True)
    a, b = one / lengths[0], other / lengths[1]
    angle = np.arccos((a * b).sum(1, keepdims=True))
    turned = (np.sin(0.7 * angle) * a + np.sin(0.3 * angle) * b) / np.sin(angle)
    ours = app.slerp(torch.from_numpy(one), torch.from_numpy(other), share)
    torch.testing.assert_close(ours, torch.from_numpy(turned * (0.7 * lengths[0] + 0.3 * lengths[1])))


def test_slerp_between_parallel_latents_is_lerp():
    latents = noise(4, 6)
    ends = torch.cat([latents[:2], 3 * latents[2:3], latents[3:] + 1e-7])
    torch.testing.assert_close(app.slerp(latents, ends, 0.25), app.lerp(latents, ends, 0.25))
    assert app.slerp(latents, latents, 0.5).isfinite().all()


def test_there_is_no_way_between_opposite_latents(refuses):
    latents = noise(3, 6)
    ends = torch.cat([latents[:2], -2 * latents[2:]])
    with refuses(ValueError, "start and end are opposite", "move one of them"):
        app.slerp(latents, ends, 0.5)


@pytest.mark.parametrize("way", [app.lerp, app.slerp])
def test_a_walk_passes_through_its_stations(way):
    stations = noise(3, 6)
    path = app.walk(stations, 4, way)
    assert path.shape == (9, 6)
    torch.testing.assert_close(path[::4], stations)
    torch.testing.assert_close(path[1], way(stations[0], stations[1], 0.25))
    torch.testing.assert_close(app.walk(stations, 1, way), stations)


@pytest.mark.parametrize(("shape", "steps"), [((1, 6), 4), ((3, 6), 0), ((6,), 4)])
def test_a_walk_that_cannot_be(shape, steps, refuses):
    with refuses(ValueError, f"latents are {shape} and steps {steps}", "expected (2 or more, D) and 1 or more"):
        app.walk(torch.ones(shape), steps)


# Directions


def test_the_direction_of_a_linear_attribute_is_its_gradient():
    latents, gradient = noise(20_000, 6), torch.tensor([1.0, -2.0, 0.0, 0.0, 0.5, 3.0])
    found = app.direction(latents, latents @ gradient + 7)
    torch.testing.assert_close(found, gradient / gradient.norm(), rtol=0, atol=0.03)
    assert float(found.norm()) == pytest.approx(1)


def test_the_direction_of_a_curved_attribute_is_its_mean_gradient():
    """Of sin(z0) + z1^2 + z2 the mean gradient is (E cos z0, 0, 1) = (exp(-1/2), 0, 1)."""
    latents = noise(200_000, 3)
    found = app.direction(latents, latents[:, 0].sin() + latents[:, 1].square() + latents[:, 2])
    expected = torch.tensor([math.exp(-0.5), 0, 1])
    torch.testing.assert_close(found, expected / expected.norm(), rtol=0, atol=0.02)


def test_other_directions_are_taken_out():
    latents = noise(500, 6)
    others = [nn.functional.normalize(noise(6, seed=seed), dim=0) for seed in (5, 6)]
    found = app.direction(latents, latents[:, 0] + latents[:, 1], others)
    assert float(found.norm()) == pytest.approx(1)
    assert all(abs(float(found @ other)) < 1e-6 for other in others)
    assert float(found @ app.direction(latents, latents[:, 0] + latents[:, 1])) > 0


def test_attributes_that_cannot_be(refuses):
    with refuses(ValueError, "latents are (4, 6), the attribute (3,)", "expected (N, D) and (N,)"):
        app.direction(noise(4, 6), torch.ones(3))
    with refuses(ValueError, "the attribute is 2 for all pictures", "expected one that varies"):
        app.direction(noise(4, 6), torch.full((4,), 2.0))


def test_along_moves_by_so_many_steps():
    latents, towards = noise(2, 3), torch.tensor([0.0, 1.0, 0.0])
    moved = app.along(latents, towards, [-2, 0, 1.5])
    assert moved.shape == (2, 3, 3)
    torch.testing.assert_close(moved[:, 1], latents)
    steps = torch.tensor([-2, 0, 1.5])[None, :, None] * towards
    torch.testing.assert_close(moved, latents[:, None] + steps)


# What is shipped


def test_the_shipped_generator_draws_what_is_asked_for():
    """By the classifier that had no part in its training."""
    from minigan.backbones import Backbone

    generator, facts = weights.shipped_app("fashion_classes", app.ConditionalGenerator)
    assert facts["classes"] == list(data.FASHION)
    asked = torch.arange(200) % 10
    with torch.no_grad():
        answers = Backbone("fashion_classifier", ["logits"])(generator(noise(200, 64), asked))["logits"].argmax(1)
    assert float((answers == asked).float().mean()) > 0.75
