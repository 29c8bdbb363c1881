"""Networks and blocks: shapes, counts worked out by hand, the checkerboard, the spectral norm, the start."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from minigan.nets import (
    NORMS,
    UPSAMPLING,
    Discriminator,
    Generator,
    icnr_,
    initialise,
    initialise_for_leaky_relu,
    mlp,
    stages,
    upsample,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def block_spread(images: Tensor, factor: int = 2) -> Tensor:
    """The largest difference between two pixels of one `factor` x `factor` block."""
    blocks = images.unfold(2, factor, factor).unfold(3, factor, factor).flatten(4)
    return (blocks.amax(-1) - blocks.amin(-1)).max()


# Points


def test_mlp_is_the_layers_it_says():
    net = mlp(2, 3, width=5, depth=2)
    assert [tuple(part.weight.shape) for part in net if isinstance(part, nn.Linear)] == [(5, 2), (5, 5), (3, 5)]
    first, _, second, _, last = net
    points = torch.randn(4, 2)

    def leaky(x):
        return torch.where(x > 0, x, 0.2 * x)

    assert_close(net(points), last(leaky(second(leaky(first(points))))))


def test_mlp_without_hidden_layers_is_linear():
    net = mlp(2, 3, width=5, depth=0)
    points = torch.randn(4, 2)
    assert_close(net(points), points @ net[0].weight.T + net[0].bias)


# Sizes


@pytest.mark.parametrize(
    ("size", "expected"),
    [(8, (4, 1)), (28, (7, 2)), (32, (4, 3)), (48, (6, 3)), (64, (4, 4)), (80, (5, 4)), (128, (4, 5)), (256, (4, 6))],
)
def test_stages_by_hand(size, expected):
    assert stages(size) == expected


@given(st.sampled_from([4, 5, 6, 7]), st.integers(1, 6))
def test_stages_finds_every_base_and_doubling(base, doublings):
    if base * 2**doublings <= 256:
        assert stages(base * 2**doublings) == (base, doublings)


@pytest.mark.parametrize(
    ("size", "low", "high"), [(30, 28, 32), (100, 96, 112), (63, 56, 64), (4, 8, 10), (0, 8, 10), (512, 224, 256)]
)
@pytest.mark.parametrize("build", [stages, Generator, Discriminator])
def test_a_size_that_cannot_be_made_is_answered_with_the_nearest(refuses, build, size, low, high):
    with refuses(
        ValueError, f"size is {size} pixels", "expected 4, 5, 6 or 7 doubled", f"nearest are {low} and {high}"
    ):
        build(size)


# Upsampling


def test_icnr_repeats_each_kernel_for_the_pixels_of_its_block():
    weight = icnr_(torch.empty(8, 3, 3, 3), factor=2)
    groups = weight.view(2, 4, 3, 3, 3)
    assert_close(groups, groups[:, :1].expand_as(groups))
    assert (weight[0] - weight[4]).abs().max() > 0.01  # but the two colours differ


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_icnr_leaves_no_spread_inside_a_block_and_the_plain_start_does(factor):
    convolution = nn.Conv2d(3, 2 * factor**2, 3, 1, 1, bias=False)
    features = torch.randn(2, 3, 5, 5)
    assert block_spread(nn.PixelShuffle(factor)(convolution(features)), factor) > 0.1
    icnr_(convolution.weight, factor)
    shuffled = nn.PixelShuffle(factor)(convolution(features))
    assert_close(block_spread(shuffled, factor), torch.tensor(0.0), atol=1e-6, rtol=0)
    assert shuffled.std() > 0.1  # not flat altogether


def test_icnr_starts_at_kaiming_size():
    weight = icnr_(torch.empty(4 * 256, 64, 3, 3))
    assert_close(weight.std().item(), math.sqrt(2 / (64 * 9)), rtol=0.02, atol=0)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("how", UPSAMPLING)
def test_upsample_doubles_height_and_width(how, bias):
    layer = upsample(3, 5, how, bias)
    assert layer(torch.randn(2, 3, 6, 7)).shape == (2, 5, 12, 14)
    kernel = {"transposed": 3 * 5 * 16, "pixel_shuffle": 4 * 5 * 3 * 9, "resize": 5 * 3 * 9}[how]
    assert count(layer) == kernel + bias * (20 if how == "pixel_shuffle" else 5)


@pytest.mark.parametrize("how", UPSAMPLING)
def test_upsample_reaches_all_pixels_equally_often(how):
    """Of constant features and a constant kernel comes a constant picture, away from the border."""
    layer = upsample(2, 1, how)
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
    inside = layer(torch.ones(1, 2, 6, 6))[..., 2:-2, 2:-2]
    assert_close(inside, torch.full_like(inside, 8.0 if how == "transposed" else 18.0))


def test_transposed_convolution_by_hand():
    layer = upsample(1, 1, "transposed")
    nn.init.constant_(layer.weight, 1.0)
    one = torch.zeros(1, 1, 3, 3)
    one[..., 1, 1] = 1  # one pixel paints a 4 x 4 square
    expected = torch.zeros(6, 6)
    expected[1:5, 1:5] = 1
    assert_close(layer(one)[0, 0], expected)


def test_resize_convolution_repeats_each_pixel_first():
    layer = upsample(1, 1, "resize")
    nn.init.dirac_(layer[1].weight)  # a convolution that changes nothing
    features = torch.randn(1, 1, 3, 4)
    assert_close(layer(features), features.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))


def test_an_unknown_upsampling_is_answered_with_the_known(refuses):
    with refuses(ValueError, "upsampling is 'bilinear'", "expected one of transposed, pixel_shuffle, resize"):
        upsample(1, 1, "bilinear")


# Generator


@pytest.mark.parametrize("upsampling", UPSAMPLING)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (48, 3)])
def test_generator_makes_images(size, channels, upsampling):
    generator = Generator(size, channels, latents=7, width=4, upsampling=upsampling)
    images = generator(torch.randn(3, 7))
    assert images.shape == (3, channels, size, size)
    assert images.min() >= -1 and images.max() <= 1
    assert images.std() > 0


def test_generator_reaches_black_and_white_and_not_further():
    generator = Generator(8, 1, latents=4, width=4)
    with torch.no_grad():
        generator.to_image.weight.mul_(1e4)
    images = generator(torch.randn(4, 4))
    assert_close(torch.stack(images.aminmax()), torch.tensor([-1.0, 1.0]))


def test_generator_has_the_parameters_worked_out_by_hand():
    """Latents 5 -> 16 channels at 4 x 4 -> 8 at 8 x 8 -> 3 at 16 x 16, with a norm's 2 numbers a channel."""
    expected = 5 * 16 * 16 + 2 * 16 + 16 * 8 * 16 + 2 * 8 + 8 * 3 * 16 + 3
    assert count(Generator(16, 3, latents=5, width=8)) == expected


def test_generator_depends_on_every_latent_number():
    generator = Generator(16, 3, latents=6, width=8).eval()
    latents = torch.randn(1, 6, requires_grad=True)
    generator(latents).square().sum().backward()
    assert (latents.grad != 0).all()


def test_generator_averages_over_the_batch_only_in_training():
    generator = Generator(8, 1, latents=4, width=4)
    latents = torch.randn(6, 4)
    assert (generator(latents)[:3] - generator(latents[:3])).abs().max() > 1e-3
    generator.eval()
    assert_close(generator(latents)[:3], generator(latents[:3]))


def test_generator_with_pixel_shuffle_starts_without_checkerboard():
    images = Generator(16, 3, latents=6, width=8, upsampling="pixel_shuffle")(torch.randn(4, 6))
    assert_close(block_spread(images), torch.tensor(0.0), atol=1e-6, rtol=0)


def test_generator_starts_as_dcgan_says():
    generator = Generator(32, 3, latents=64, width=32)
    weights = [module.weight for module in generator.modules() if isinstance(module, nn.ConvTranspose2d)]
    assert len(weights) == 4
    for weight in weights:
        assert_close(weight.std().item(), 0.02, rtol=0.05, atol=0)
        assert_close(weight.mean().item(), 0.0, rtol=0, atol=1e-3)
    scales = torch.cat([module.weight for module in generator.modules() if isinstance(module, nn.BatchNorm2d)])
    assert_close(scales.mean().item(), 1.0, rtol=0, atol=0.01)
    assert_close(scales.std().item(), 0.02, rtol=0.2, atol=0)


# Discriminator


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (48, 3)])
def test_discriminator_gives_one_logit_for_each_image(size, channels, norm):
    images = torch.randn(5, channels, size, size, requires_grad=True)
    logits = Discriminator(size, channels, width=4, norm=norm)(images)
    assert logits.shape == (5,)
    logits.sum().backward()
    assert images.grad.flatten(1).norm(dim=1).min() > 0


@pytest.mark.parametrize(("norm", "extra"), [("none", 8 + 16), ("batch", 8 + 2 * 16)])
def test_discriminator_has_the_parameters_worked_out_by_hand(norm, extra):
    """3 -> 8 -> 16 channels by 4 x 4 kernels, then a 4 x 4 map to one logit; a norm takes the place of a bias."""
    expected = 3 * 8 * 16 + 8 * 16 * 16 + extra + 16 * 16 + 1
    assert count(Discriminator(16, 3, width=8, norm=norm)) == expected


@pytest.mark.parametrize("width", [1, 3, 8])
def test_batch_norm_stands_from_the_second_stage_on(width):
    net = Discriminator(32, 3, width, norm="batch")
    norms = [module.num_features for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms == [2 * width, 4 * width]


@pytest.mark.parametrize("norm", ["none", "spectral"])
def test_without_batch_norm_an_image_is_judged_on_its_own(norm):
    net = Discriminator(16, 3, width=8, norm=norm).eval()
    images = torch.randn(6, 3, 16, 16)
    assert_close(net(images)[:2], net(images[:2]))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())


def test_spectral_norm_bounds_the_largest_singular_value():
    net = Discriminator(16, 3, width=8, norm="spectral")
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) == 3
    with torch.no_grad():
        for convolution in convolutions:
            convolution.parametrizations.weight.original.mul_(50)
        for _ in range(60):  # each forward pass in training is one step of the power iteration
            net(torch.zeros(1, 3, 16, 16))
        net.eval()
        for convolution in convolutions:
            largest = torch.linalg.svdvals(convolution.weight.flatten(1))[0]
            assert_close(largest.item(), 1.0, rtol=5e-3, atol=0)


def test_without_batch_norm_the_signal_keeps_its_size():
    """He's start keeps the mean square of unit noise, but for what zero padding costs.

    Of the 4 n taps in a row of n outputs 2 fall on the border's zeros: a part 1 - 1 / (2 n) is left, for rows and for
    columns.
    """
    net = Discriminator(64, 3, width=48)
    signal, expected = torch.randn(32, 3, 64, 64), 1.0
    with torch.no_grad():
        for layer in net.blocks:
            signal = layer(signal)
            if isinstance(layer, nn.LeakyReLU):
                expected *= (1 - 1 / (2 * signal.shape[-1])) ** 2
                assert_close(signal.square().mean().item(), expected, rtol=0.2, atol=0)
    assert signal.shape == (32, 384, 4, 4)


def test_discriminator_refuses_images_of_another_size(refuses):
    net = Discriminator(16, 3, width=4)
    for shape in [(2, 3, 32, 32), (2, 3, 8, 8), (2, 1, 16, 16)]:
        with refuses(ValueError, f"images have shape {shape}", "expected (N, *(3, 16, 16))", "; resize them"):
            net(torch.zeros(shape))


def test_an_unknown_norm_is_answered_with_the_known(refuses):
    with refuses(ValueError, "norm is 'instance'", "expected one of none, batch, spectral"):
        Discriminator(16, norm="instance")


@pytest.mark.parametrize(
    "net", [Generator(16, 1, 5, 4, "resize"), Discriminator(28, 1, 4, "spectral")], ids=["generator", "discriminator"]
)
def test_arguments_rebuild_the_network(net):
    again = type(net)(**net.arguments)
    assert again.arguments == net.arguments
    again.load_state_dict(net.state_dict())
    inputs = torch.randn(2, 5) if isinstance(net, Generator) else torch.randn(2, 1, 28, 28)
    assert_close(again.eval()(inputs), net.eval()(inputs))


# The start


def test_initialise_leaves_3_x_3_kernels_to_their_own_start():
    """They carry ICNR's equal kernels, which a fresh draw would undo."""
    small, large = nn.Conv2d(4, 8, 3), nn.Conv2d(64, 64, 4)
    before = small.weight.detach().clone()
    nn.Sequential(small, large).apply(initialise)
    assert_close(small.weight.detach(), before)
    assert_close(large.weight.std().item(), 0.02, rtol=0.05, atol=0)


def test_initialise_for_leaky_relu_has_the_spread_of_he():
    layer = nn.Conv2d(64, 128, 4)
    layer.apply(initialise_for_leaky_relu)
    assert_close(layer.weight.std().item(), math.sqrt(2 / (1 + 0.2**2) / (64 * 16)), rtol=0.03, atol=0)
    assert_close(layer.bias.detach(), torch.zeros(128))


@settings(max_examples=6, deadline=None)
@given(size=st.sampled_from([8, 12, 20, 24]), channels=st.sampled_from([1, 3]), how=st.sampled_from(UPSAMPLING))
def test_what_g_makes_d_can_judge(size, channels, how):
    latents = torch.randn(2, 3)
    logits = Discriminator(size, channels, width=2)(Generator(size, channels, 3, 2, how)(latents))
    assert logits.shape == (2,)


def test_generator_refuses_latents_of_another_width(refuses):
    with refuses(ValueError, "(2, 5)", "(N, 8)"):
        Generator(16, latents=8, width=2)(torch.zeros(2, 5))
