"""Augmentation: what each change may do, how far it goes, and that gradients pass through it."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from minigan.augment import AUGMENTATIONS, augment, brightness, one_each, saturation, translation
from minigan.losses import non_saturating_g
from minigan.nets import Discriminator, Generator


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 4, channels: int = 3, height: int = 16, width: int = 16) -> Tensor:
    return torch.rand(count, channels, height, width, generator=generator(9)) * 2 - 1


def test_one_number_for_each_image():
    numbers = one_each(torch.zeros(2000, 3, 2, 2, dtype=torch.float64), generator())
    assert numbers.shape == (2000, 1, 1, 1) and numbers.dtype == torch.float64
    assert numbers.min() >= 0 and numbers.max() < 1
    assert_close(numbers.mean().item(), 0.5, rtol=0, atol=0.02)
    assert_close(numbers.var().item(), 1 / 12, rtol=0.05, atol=0)


def test_brightness_adds_one_amount_to_an_image():
    batch = images(1000, 3, 2, 2)
    shift = brightness(batch, generator()) - batch
    first = shift[:, :1, :1, :1]
    assert_close(shift, first.expand_as(shift))
    assert_close(first, (one_each(batch, generator()) - 0.5) * 0.5, atol=1e-6, rtol=0)
    assert_close(torch.stack([first.min(), first.max()]), torch.tensor([-0.25, 0.25]), atol=0.005, rtol=0)


def test_saturation_multiplies_the_distance_from_grey():
    batch = images()
    grey = batch.mean(1, keepdim=True)
    factor = 2 * one_each(batch, generator())
    assert_close(saturation(batch, generator()), grey + factor * (batch - grey))
    assert_close(saturation(batch).mean(1, keepdim=True), grey)


def test_saturation_leaves_grey_images_as_they_are():
    assert_close(saturation(images(channels=1)), images(channels=1))
    assert_close(saturation(images(channels=1).expand(-1, 3, -1, -1)), images(channels=1).expand(-1, 3, -1, -1))


def moved(image: Tensor, down: int, right: int) -> Tensor:
    """An oracle for one image (C, H, W): cut a window out of a copy whose border is repeated outwards."""
    _, height, width = image.shape
    padded = torch.nn.functional.pad(image[None], (width,) * 2 + (height,) * 2, mode="replicate")[0]
    return padded[:, height + down : 2 * height + down, width + right : 2 * width + right]


def test_translation_by_hand():
    """Eight pixels in a row: the picture moves by one at most, and its border pixel fills the gap."""
    row = torch.arange(8.0).expand(1, 1, 8, 8)
    seen = {tuple(translation(row, generator(seed))[0, 0, 0].tolist()) for seed in range(30)}
    assert seen == {(0, 1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5, 6, 7, 7), (0, 0, 1, 2, 3, 4, 5, 6)}


def test_translation_moves_whole_pixels_by_every_amount_up_to_an_eighth():
    batch = images(1, 3, 16, 24).expand(600, -1, -1, -1)
    possible = {(down, right): moved(batch[0], down, right) for down in range(-2, 3) for right in range(-3, 4)}
    counts = dict.fromkeys(possible, 0)
    for image in translation(batch, generator()):
        matches = [shift for shift, expected in possible.items() if image.equal(expected)]
        assert len(matches) == 1
        counts[matches[0]] += 1
    assert min(counts.values()) > 0
    rows = torch.tensor([sum(n for (down, _), n in counts.items() if down == d) for d in range(-2, 3)]) / 600
    columns = torch.tensor([sum(n for (_, right), n in counts.items() if right == r) for r in range(-3, 4)]) / 600
    assert_close(rows, torch.full((5,), 1 / 5), atol=0.06, rtol=0)
    assert_close(columns, torch.full((7,), 1 / 7), atol=0.06, rtol=0)


def test_translation_of_small_images_leaves_them():
    assert_close(translation(images(height=7, width=7)), images(height=7, width=7))


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_image_of_a_batch_is_changed_in_its_own_way(name):
    batch = images(1).expand(12, -1, -1, -1)
    changed = AUGMENTATIONS[name](batch, generator())
    assert len({tuple(image.flatten().tolist()) for image in changed}) > 6


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_same_seed_gives_the_same_change(name):
    batch = images()
    first = AUGMENTATIONS[name](batch, generator(1))
    assert first.shape == batch.shape and first.dtype == batch.dtype
    assert_close(AUGMENTATIONS[name](batch, generator(1)), first)
    assert not AUGMENTATIONS[name](batch, generator(2)).equal(first)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    AUGMENTATIONS[name](batch, generator(1))
    assert state.equal(torch.get_rng_state())  # a generator of one's own leaves the global one alone


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_gradients_reach_the_images(name):
    batch = images(2, 3, 8, 8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: AUGMENTATIONS[name](x, generator()), batch)
    (gradient,) = torch.autograd.grad(AUGMENTATIONS[name](batch, generator()).sum(), batch)
    assert_close(gradient.sum().item(), float(batch.numel()))  # what is moved or changed is weighted, never lost


def test_augment_applies_the_named_in_turn():
    batch, source = images(), generator(3)
    expected = translation(brightness(batch, source), source)
    assert_close(augment(batch, ["brightness", "translation"], generator(3)), expected)
    assert not augment(batch, ["translation", "brightness"], generator(3)).equal(expected)


def test_augment_without_names_changes_nothing():
    batch = images()
    assert augment(batch, ()) is batch


def test_an_unknown_augmentation(refuses):
    for names in (["colour"], ["brightness", "colour"]):
        with refuses(ValueError, "augmentation 'colour' is not known", "expected some of brightness, saturation"):
            augment(images(), names)


def test_the_generator_learns_through_augmentation_and_discriminator():
    torch.manual_seed(0)
    maker, judge = Generator(16, 3, latents=8, width=4), Discriminator(16, 3, width=4)
    non_saturating_g(judge(augment(maker(torch.randn(4, 8)), AUGMENTATIONS))).backward()
    for name, parameter in maker.named_parameters():
        assert parameter.grad is not None and parameter.grad.norm() > 0, name
