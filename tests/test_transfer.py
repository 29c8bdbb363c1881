"""What is frozen stays, what is kept is proved kept, and every shape comes out as it should."""

import math
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import nn

from minigan import data, train, transfer, weights
from minigan.backbones import Backbone
from minigan.nets import UPSAMPLING, Discriminator, Generator
from minigan.transfer import (
    BackwardsGenerator,
    ProjectedDiscriminator,
    UNet,
    backwards,
    classifier_to_discriminator,
    classifier_to_generator,
    freeze,
    kept,
    layers,
    parameter_groups,
    thaw,
    trainable,
)

ODD = (97, 131)


def twin(name: str, **options) -> Backbone:
    """A backbone with random weights."""
    return Backbone(name, weights=None, generator=torch.Generator().manual_seed(0), **options)


@pytest.fixture(scope="module")
def lite() -> Backbone:
    return Backbone("efficientnet_lite0")


@pytest.fixture(scope="module")
def fashion() -> Backbone:
    return Backbone("fashion_classifier")


def small() -> nn.Sequential:
    """Three layers with their norms."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5),
        nn.Flatten(),
        nn.Linear(5, 1),
    )


def state_of(modules) -> list[torch.Tensor]:
    """Copies of all parameters and buffers."""
    return [tensor.clone() for module in modules for tensor in module.state_dict().values()]


def same(before, after) -> bool:
    return all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def train_a_little(generator, discriminator, size=16, steps=4, rate=1e-3, **settings) -> train.TrainState:
    """Some steps on a few pictures, in the training mode that `train.fit` works in."""
    pictures = data.load("peeps", size=size)
    config = train.TrainConfig(images=8 * steps, batch=8, rate=rate, r1_every=2, precision="float32", **settings)
    return train.fit(
        train.start(config, generator, discriminator), replace(pictures, pixels=pictures.pixels[:16]), quiet=True
    )


# Layers


def test_a_layer_is_a_convolution_and_its_norm_in_order():
    net = small()
    assert layers(net) == [[net[0], net[1]], [net[3], net[4]], [net[6]]]


def test_layers_hold_every_parameter_and_every_statistic_once(lite):
    scaled = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3))  # a norm in front of the first convolution
    for net in (scaled, Generator(32), Discriminator(32, norm="spectral"), lite, ProjectedDiscriminator(lite)):
        inside = [module for layer in layers(net) for module in layer]
        found = [
            id(tensor) for module in inside for tensor in (*module._parameters.values(), *module._buffers.values())
        ]
        wanted = [id(tensor) for tensor in (*net.parameters(), *net.buffers())]
        assert sorted(number for number in found if number != id(None)) == sorted(wanted)


def test_layers_of_a_discriminator_and_a_pretrained_network(lite):
    assert len(layers(Discriminator(64))) == 5  # four that halve the side, and the logit
    assert len(layers(Generator(64))) == 5
    blocks = 16
    assert (
        len(layers(lite)) == 1 + 3 * blocks - 1
    )  # the stem; expand, depthwise, project; the first block expands nothing


@pytest.mark.parametrize("function", [freeze, thaw])
@pytest.mark.parametrize("count", [-1, 4])
def test_more_layers_than_there_are(function, count, refuses):
    with refuses(ValueError, f"{count} layers", "the Sequential has 3", "give 0 to 3"):
        function(small(), count)


# Freezing


@pytest.mark.parametrize(("first", "learning"), [(0, [True] * 3), (1, [False, True, True]), (None, [False] * 3)])
def test_freeze_stops_the_first_layers(first, learning):
    net = freeze(small(), first)
    assert [all(w.requires_grad for m in layer for w in m.parameters()) for layer in layers(net)] == learning
    assert [any(w.requires_grad for m in layer for w in m.parameters()) for layer in layers(net)] == learning


def test_thaw_undoes_freeze_layer_by_layer():
    net = freeze(freeze(small()))  # twice is once
    assert sum(len(module._forward_pre_hooks) for module in net.modules()) == 5
    thaw(net, 1)
    assert [next(layer[0].parameters()).requires_grad for layer in layers(net)] == [False, False, True]
    thaw(net)
    assert all(weight.requires_grad for weight in net.parameters())
    assert sum(len(module._forward_pre_hooks) for module in net.modules()) == 0


def test_freeze_again_with_fewer_layers_leaves_the_others_as_they_are():
    net = freeze(freeze(small(), 2), 1)
    assert [next(layer[0].parameters()).requires_grad for layer in layers(net)] == [False, False, True]


def test_frozen_statistics_stay_under_train_and_thawed_ones_move():
    net = freeze(small(), 1)
    images = torch.rand(8, 3, 5, 5)
    net.train()
    net(images)
    assert torch.equal(net[1].running_mean, torch.zeros(4))
    assert not torch.equal(net[4].running_mean, torch.zeros(5))
    thaw(net)(images)  # with no call of train() in between
    assert not torch.equal(net[1].running_mean, torch.zeros(4))


def test_a_frozen_norm_normalises_with_the_statistics_it_came_with():
    net = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3, eps=0.0))
    nn.init.dirac_(net[0].weight)
    net[1].running_mean.fill_(1.0)
    net[1].running_var.fill_(4.0)
    images = torch.rand(4, 3, 2, 2)
    torch.testing.assert_close(freeze(net).train()(images), (images - 1) / 2)


def test_spectral_norm_of_a_frozen_layer_stays_too():
    discriminator = freeze(Discriminator(16, norm="spectral", width=4), 1).train()
    frozen, learning = layers(discriminator)[:2]
    before, other = state_of(frozen), state_of(learning)
    discriminator(torch.rand(2, 3, 16, 16))
    assert same(before, state_of(frozen))
    assert not same(other, state_of(learning))  # its power iteration goes on


def test_gradients_pass_through_frozen_layers_to_the_images_and_not_into_them():
    net = freeze(small(), 2)
    images = torch.rand(2, 3, 5, 5, requires_grad=True)
    net(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert [weight.grad is None for weight in net.parameters()] == [True] * 8 + [False] * 2


@pytest.mark.parametrize("norm", ["none", "batch", "spectral"])
def test_a_training_run_leaves_frozen_layers_bit_equal(norm):
    """Weights, statistics of batch norms, vectors of spectral norms: all under the `.train()` of a real run."""
    torch.manual_seed(0)
    discriminator = freeze(Discriminator(16, width=4, norm=norm), 1)
    generator = freeze(Generator(16, width=4, latents=8), 2)
    parts = {"D": discriminator, "G": generator}
    frozen = {"D": layers(discriminator)[0], "G": layers(generator)[0] + layers(generator)[1]}
    before = {name: state_of(modules) for name, modules in frozen.items()}
    learnt = {name: state_of(layers(part)[2]) for name, part in parts.items()}
    state = train_a_little(generator, discriminator, augment=("brightness",))
    assert discriminator.training and generator.training
    for name, part in parts.items():
        assert same(before[name], state_of(frozen[name]))
        assert not same(learnt[name], state_of(layers(part)[2]))
    assert same(state_of(layers(state.average)[0]), state_of(layers(generator)[0]))


def test_a_frozen_network_can_be_copied():
    copy = deepcopy(freeze(small(), 1)).train()
    copy(torch.rand(8, 3, 5, 5))
    assert torch.equal(copy[1].running_mean, torch.zeros(4))
    assert all(weight.requires_grad for weight in thaw(copy).parameters())


# Rates


def test_rates_by_hand():
    net = small()
    groups = parameter_groups(net, 0.8, 0.5)
    assert [group["lr"] for group in groups] == [0.8, 0.4, 0.2]
    assert [len(group["params"]) for group in groups] == [2, 4, 4]
    assert groups[0]["params"][0] is net[6].weight
    assert groups[2]["params"][0] is net[0].weight


def test_frozen_layers_are_in_no_group_and_the_others_keep_their_rate():
    groups = parameter_groups(freeze(small(), 1), 0.8, 0.5)
    assert [group["lr"] for group in groups] == [0.8, 0.4]


@pytest.mark.parametrize(
    "network", [Generator(16), Discriminator(16, norm="spectral"), Discriminator(16, norm="batch")]
)
def test_groups_hold_every_parameter_once(network):
    held = [weight for group in parameter_groups(network, 1e-3, 0.5) for weight in group["params"]]
    assert sorted(map(id, held)) == sorted(map(id, network.parameters()))
    torch.optim.Adam(parameter_groups(network, 1e-3, 0.5))  # which warns of a parameter that comes twice


def test_a_step_of_sgd_moves_each_layer_at_its_rate():
    net = small()
    before = [weight.detach().clone() for weight in net.parameters()]
    optimizer = torch.optim.SGD(parameter_groups(net, 0.8, 0.5))
    for weight in net.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    moved = [(old - new).detach().mean().item() for old, new in zip(before, net.parameters(), strict=True)]
    assert moved == pytest.approx([0.2] * 4 + [0.4] * 4 + [0.8] * 2)


@pytest.mark.parametrize("decay", [0, 1.5, -1, math.nan])
def test_a_decay_that_is_none(decay, refuses):
    with refuses(ValueError, f"decay is {decay}", "above 0 and up to 1", "1 lets all layers learn alike"):
        parameter_groups(small(), 1e-3, decay)


def test_groups_of_a_network_that_is_frozen(refuses):
    with refuses(ValueError, "all layers of the Sequential are frozen", "expected one that learns", "thaw"):
        parameter_groups(freeze(small()), 1e-3)


# The proof


def test_kept_counts_by_hand():
    origin = small()  # 108 + 4, 4 + 4, 180 + 5, 5 + 5, 5 + 1
    copy = deepcopy(origin)
    assert kept(copy, origin) == (321, 321)
    with torch.no_grad():
        copy[3].weight[0, 0, 0, 0] += 1e-6  # one bit of one number costs its tensor
    assert kept(copy, origin) == (321 - 180, 321)
    renamed = nn.ModuleDict({"somewhere": origin[0], "else": origin[6]})
    assert kept(renamed, origin) == (108 + 4 + 5 + 1, 321)


def test_kept_proves_the_start_and_falls_when_training_begins(lite):
    discriminator = classifier_to_discriminator(lite, frozen=10)
    same, total = kept(discriminator, lite)
    assert same == total == sum(weight.numel() for weight in lite.parameters())
    generator = Generator(32, width=4, latents=8)
    train_a_little(generator, discriminator, size=32, steps=1, rate=1e-4, r1=0.0)
    frozen = sum(w.numel() for layer in layers(lite)[:10] for module in layer for w in module.parameters(recurse=False))
    now, total = kept(discriminator, lite)
    assert frozen <= now < 0.05 * total  # what is frozen, and no more than a few that had no gradient
    assert kept(freeze(deepcopy(lite)), lite) == (total, total)


def test_kept_of_another_network_is_little(fashion):
    assert kept(twin("fashion_classifier"), fashion)[0] == 0


# Classifiers as discriminators


def test_trainable_is_a_copy_that_learns_and_whose_statistics_stay(fashion):
    copy = trainable(fashion, 1)
    flags = [weight.requires_grad for weight in copy.parameters()]
    assert flags == [False] * 3 + [True] * 6  # kernel, scale and shift of each stage
    assert not any(weight.requires_grad for weight in fashion.parameters())
    means = state_of(module for module in copy.modules() if isinstance(module, nn.BatchNorm2d))
    copy.train()(torch.rand(4, 3, 28, 28))
    assert same(means, state_of(module for module in copy.modules() if isinstance(module, nn.BatchNorm2d)))


def test_a_classifier_discriminator_is_its_parts_by_hand(fashion):
    torch.manual_seed(0)
    discriminator = classifier_to_discriminator(fashion, width=8)
    images = torch.rand(2, 1, 28, 28) * 2 - 1
    first, _, last = discriminator.head
    maps = fashion(images)["stage3"]  # (2, 128, 3, 3)
    hidden = torch.einsum("oi,nihw->nohw", first.weight[:, :, 0, 0], maps) + first.bias.view(1, -1, 1, 1)
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    votes = torch.einsum("i,nihw->nhw", last.weight[0, :, 0, 0], hidden) + last.bias
    torch.testing.assert_close(discriminator(images), votes.mean((1, 2)))


def test_its_gradients_reach_the_images_the_head_and_what_is_not_frozen(lite):
    discriminator = classifier_to_discriminator(lite, frozen=3)
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    discriminator(images).sum().backward()
    assert images.grad.abs().sum() > 0
    frozen = [w for layer in layers(discriminator)[:3] for m in layer for w in m.parameters(recurse=False)]
    assert all(weight.grad is None for weight in frozen)
    others = [weight for weight in discriminator.parameters() if weight.requires_grad]
    assert len(others) + len(frozen) == len(list(discriminator.parameters()))
    assert all(weight.grad is not None for weight in others)


def test_a_backbone_without_maps_is_no_start(refuses):
    pool = twin("fashion_classifier", layers=["features", "logits"])
    for make in (classifier_to_discriminator, classifier_to_generator, ProjectedDiscriminator):
        with refuses(ValueError, "fashion_classifier are vectors", "features, logits", "ask for one with a map"):
            make(pool)


def test_the_deepest_map_is_taken_whatever_the_order():
    backbone = twin("fashion_classifier", layers=["stage3", "logits", "stage1"])
    assert transfer.deepest(backbone) == "stage3"


# Classifiers as generators of pictures from pictures

NAMES = [
    "efficientnet_lite0",
    "vgg16",
    "resnet18",
    "fashion_classifier",
    "timm:mobilenetv3_small_050",
    "timm:convnext_atto",
]


@pytest.fixture(scope="module")
def twins() -> dict[str, Backbone]:
    """Random networks of several families, each built once."""
    return {}


def get(twins: dict[str, Backbone], name: str) -> Backbone:
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    if name not in twins:
        twins[name] = twin(name)
    return twins[name]


@pytest.mark.parametrize("upsampling", UPSAMPLING)
@pytest.mark.parametrize("name", NAMES)
def test_every_network_gives_images_of_any_size(name, upsampling, twins):
    net = UNet(get(twins, name), width=2, upsampling=upsampling).eval()
    with torch.no_grad():
        for channels, shape in ((3, ODD), (1, (64, 40))):
            images = net(torch.rand(1, channels, *shape) * 2 - 1)
            assert images.shape == (1, 3, *shape)
            assert images.abs().max() <= 1


# Worked out from each network's maps (channels at strides 1, 2, 4, ...), with 16 channels at full size, doubled on the
# way down and bounded by what comes from below: (in, out) of each learnt upsampling and of each join behind it.
PLANS = {
    "efficientnet_lite0": (  # 16, 24, 40, 112, 320 at 2, 4, 8, 16, 32; the picture itself at 1
        [(320, 256), (256, 128), (128, 64), (64, 32), (32, 16)],
        [(256 + 112, 256), (128 + 40, 128), (64 + 24, 64), (32 + 16, 32), (16 + 3, 16)],
    ),
    "vgg16": (  # 64, 128, 256, 512, 512 at 1, 2, 4, 8, 16
        [(512, 128), (128, 64), (64, 32), (32, 16)],
        [(128 + 512, 128), (64 + 256, 64), (32 + 128, 32), (16 + 64, 16)],
    ),
    "fashion_classifier": (  # 32, 64, 128 at 2, 4, 8
        [(128, 64), (64, 32), (32, 16)],
        [(64 + 64, 64), (32 + 32, 32), (16 + 3, 16)],
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_channels_follow_the_plan(name, twins):
    net = UNet(get(twins, name), upsampling="transposed")
    assert [(up[0].in_channels, up[0].out_channels) for up in net.ups] == PLANS[name][0]
    assert [(join[0].in_channels, join[0].out_channels) for join in net.joins] == PLANS[name][1]
    assert net.to_image.in_channels == 16


def test_a_network_that_begins_with_stride_4_has_steps_without_a_skip(twins):
    net = UNet(get(twins, "timm:convnext_atto"))
    assert [skip is not None for skip in net.skips] == [True, True, True, False, False]  # to 16, 8, 4, 2, 1


def test_a_small_picture_that_the_network_enlarges_comes_back_in_its_own_size():
    """With skips at full size too, as VGG has them."""
    for name in ("vgg16", "fashion_classifier"):
        net = UNet(twin(name, size=64), width=2).eval()
        with torch.no_grad():
            assert net(torch.zeros(1, 3, 32, 48)).shape == (1, 3, 32, 48)


def test_a_unet_sees_the_picture_itself_at_full_size(fashion):
    """Without its encoder the output still follows the input, pixel for pixel."""
    net = classifier_to_generator(fashion, channels=1).eval()
    images = torch.zeros(1, 3, 28, 28)
    other = images.clone()
    other[0, :, 0, 0] = 1e-3
    with torch.no_grad():
        for up in net.ups:
            nn.init.zeros_(up[0][0].weight)  # nothing comes from below
        changed = (net(other) - net(images)).abs()[0, 0]
    assert changed[:3, :3].sum() > 0
    assert changed[3:].sum() == changed[:, 3:].sum() == 0  # two 3 x 3 convolutions reach two pixels


def test_classifier_to_generator_keeps_the_classifier_and_learns_but_for_the_frozen(fashion):
    generator = classifier_to_generator(fashion, frozen=2)
    assert kept(generator, fashion) == (93_024 + 448, 93_024 + 448)  # three kernels, and scales and shifts of 224
    images = torch.rand(2, 3, *ODD, requires_grad=True)
    generator.train()(images).square().mean().backward()
    assert images.grad.abs().sum() > 0
    assert [weight.grad is None for weight in generator.backbone.parameters()] == [True] * 6 + [False] * 3
    assert all(weight.grad is not None for part in (generator.ups, generator.joins) for weight in part.parameters())


def test_upsampling_that_does_not_exist(fashion, refuses):
    for make in (classifier_to_generator, lambda backbone, **how: BackwardsGenerator(backbone, 28, **how)):
        with refuses(ValueError, "upsampling is 'bicubic'", "transposed, pixel_shuffle, resize"):
            make(fashion, upsampling="bicubic")


@pytest.mark.parametrize(("had", "wanted"), [((6, 6), (7, 7)), ((8, 8), (7, 9))])
def test_resized_puts_lost_pixels_back(had, wanted):
    features = torch.full((1, 2, *had), 3.0)
    torch.testing.assert_close(transfer.resized(features, wanted), torch.full((1, 2, *wanted), 3.0))


def test_resized_leaves_alone_what_fits():
    features = torch.rand(1, 2, 3, 4)
    assert transfer.resized(features, (3, 4)) is features


# A classifier run backwards


def test_backwards_is_the_gradient_of_the_convolution():
    """The transposed convolution is by definition what autograd computes for the input."""
    torch.manual_seed(0)
    for kernel in (1, 3, 5):
        convolution = nn.Conv2d(3, 4, kernel, padding=kernel // 2)
        images, maps = torch.rand(2, 3, *ODD, requires_grad=True), torch.rand(2, 4, *ODD)
        (gradient,) = torch.autograd.grad(convolution(images), images, maps)
        torch.testing.assert_close(backwards(convolution)(maps), gradient)


def test_a_backwards_generator_has_the_classifiers_kernels_bit_for_bit(fashion):
    generator = BackwardsGenerator(fashion, 28)
    kernels = [w for w in fashion.parameters() if w.ndim == 4]
    transposed = [m for m in generator.steps.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert len(transposed) == 3
    assert all(torch.equal(mine.weight, w) for mine, w in zip(transposed, reversed(kernels), strict=True))
    assert kept(generator, fashion)[0] == sum(w.numel() for w in kernels) == 93_024


@pytest.mark.parametrize("upsampling", UPSAMPLING)
@pytest.mark.parametrize(("size", "channels"), [(28, 1), (97, 3), (8, 3)])
def test_a_backwards_generator_draws_any_size(upsampling, size, channels, fashion):
    generator = BackwardsGenerator(fashion, size, channels, latents=5, upsampling=upsampling).eval()
    with torch.no_grad():
        images = generator(torch.randn(2, 5))
    assert images.shape == (2, channels, size, size)
    assert images.abs().max() <= 1
    assert not torch.equal(images[0], images[1])


def test_vgg_runs_backwards(twins):
    generator = BackwardsGenerator(get(twins, "vgg16"), 33, upsampling="transposed", latents=4).eval()
    assert generator.sides[-1] == 33
    assert generator.sides == sorted(generator.sides)
    assert sum(isinstance(m, nn.ConvTranspose2d) and m.stride == (1, 1) for m in generator.steps.modules()) == 13
    with torch.no_grad():
        assert generator(torch.zeros(1, 4)).shape == (1, 3, 33, 33)


def test_a_backwards_generator_learns_and_leaves_the_classifier_alone(fashion):
    before = state_of([fashion])
    generator = BackwardsGenerator(fashion, 16, latents=4)
    train_a_little(generator, Discriminator(16, width=4), steps=2)
    assert kept(generator, fashion)[0] == 0
    assert same(before, state_of([fashion]))


def test_what_cannot_run_backwards(twins, refuses, fashion):
    for name in ("efficientnet_lite0", "resnet18"):
        with refuses(ValueError, f"{name} up to", "no chain of plain convolutions", "classifier_to_generator"):
            BackwardsGenerator(get(twins, name), 64)
    with refuses(ValueError, "size is 7 pixels", "halves the side 3 times", "give 8 or more"):
        BackwardsGenerator(fashion, 7)
    with refuses(ValueError, "channels is 2", "expected 3, or 1"):
        BackwardsGenerator(fashion, 28, channels=2)
    with refuses(ValueError, "latents have shape (2, 3)", "expected (N, 64)"):
        BackwardsGenerator(fashion, 28)(torch.zeros(2, 3))


# Frozen features as the eyes of D


def test_only_the_heads_of_a_projected_discriminator_learn(lite):
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(lite, width=8)
    everything = state_of([discriminator])
    still = [discriminator.backbone, discriminator.across, discriminator.scales]
    before = state_of(still)
    learning = [weight for weight in discriminator.parameters() if weight.requires_grad]
    assert sum(w.numel() for w in learning) == sum(w.numel() for w in discriminator.heads.parameters())
    train_a_little(Generator(32, width=4, latents=8), discriminator, size=32, steps=2, r1=0.0)
    assert same(before, state_of(still))
    assert not same(everything, state_of([discriminator]))


def test_its_random_mixing_is_seeded(lite):
    def mixing(seed: int) -> list[torch.Tensor]:
        made = ProjectedDiscriminator(lite, 8, torch.Generator().manual_seed(seed))
        return state_of([made.across, made.scales])

    assert same(mixing(0), mixing(0))
    assert not same(mixing(0), mixing(1))


def test_a_projected_discriminator_by_hand(fashion):
    """Coarse to fine, each finer map added to what came from the coarser; the mean vote of each head, added up."""
    torch.manual_seed(0)
    discriminator = ProjectedDiscriminator(fashion, width=4).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    assert discriminator.layers == ["stage3", "stage2", "stage1"]  # 4, 8 and 16 pixels a side
    maps, logits, coarser = fashion(images), 0, None
    for number, layer in enumerate(("stage3", "stage2", "stage1")):
        mixed = nn.functional.conv2d(maps[layer], discriminator.across[number].weight)
        if coarser is not None:
            mixed = mixed + nn.functional.interpolate(coarser, scale_factor=2, mode="bilinear", align_corners=False)
        coarser = nn.functional.conv2d(mixed, discriminator.scales[number].weight, padding=1)
        logits = logits + discriminator.heads[number](coarser).flatten(1).mean(1)
    torch.testing.assert_close(discriminator(images), logits)


def test_mixing_keeps_the_size_of_the_signal():
    """Otherwise the fine heads would see nothing, or only what came from the coarse maps."""
    discriminator = ProjectedDiscriminator(twin("fashion_classifier"), 64, torch.Generator().manual_seed(0))
    maps = torch.randn(16, 64, 12, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        inner = discriminator.scales[1](maps)[:, :, 1:-1, 1:-1]
    assert inner.std().item() == pytest.approx(1, abs=0.1)


def test_its_gradients_reach_the_images(lite):
    images = torch.rand(2, 3, 64, 64, requires_grad=True)
    discriminator = ProjectedDiscriminator(lite, 8)
    discriminator(images).sum().backward()
    assert images.grad.flatten(1).abs().sum(1).min() > 0
    assert all(weight.grad is None for weight in lite.parameters())
    assert all(weight.grad is not None for weight in discriminator.heads.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_discriminators_judge_images_of_any_size(name, twins):
    backbone = get(twins, name)
    with torch.no_grad():
        for discriminator in (ProjectedDiscriminator(backbone, 4), classifier_to_discriminator(backbone, width=4)):
            discriminator.eval()
            for channels, shape in ((3, ODD), (1, (64, 40))):
                logits = discriminator(torch.rand(2, channels, *shape) * 2 - 1)
                assert logits.shape == (2,)
                assert logits.isfinite().all()


# With the networks that come with minigan


def test_the_shipped_pair_is_a_start_for_fine_tuning():
    generator, discriminator = weights.shipped_pair("peeps")
    origin = deepcopy(generator)
    assert kept(generator, origin)[0] == kept(generator, origin)[1] == sum(w.numel() for w in origin.parameters())
    assert len(layers(discriminator)) == len(layers(generator)) == 5
    assert not same(state_of([generator]), state_of([Generator(**generator.arguments)]))
    state = train_a_little(generator, freeze(discriminator, 2), size=64, steps=1)
    assert state.seen == 8
    assert kept(generator, origin)[0] < kept(origin, origin)[0] / 10


def test_channels_of_neighbouring_stages_fit(lite):
    """The plan of the U-Net has no gap: each step takes what the one below gives."""
    net = UNet(lite)
    widths = [up[0][0].in_channels for up in net.ups] + [net.to_image.in_channels]
    outputs = [join[0].out_channels for join in net.joins]
    assert widths[1:] == outputs
    assert all(after < before for before, after in pairwise(widths))
