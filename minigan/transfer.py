"""Starting from what is known: layers frozen and thawed, rates by depth, classifiers as generators and discriminators.

Built in chapter 05.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan.backbones import Backbone
from minigan.nets import initialise, initialise_for_leaky_relu, upsample

Layer = list[nn.Module]  # a convolution or linear layer, and what belongs to it: the norm behind it
Network = TypeVar("Network", bound=nn.Module)

# Which layers learn, and how fast


def layers(network: nn.Module) -> list[Layer]:
    """What a network learns with, from its input to its output: each convolution or linear layer with its norm."""
    found: list[Layer] = []
    before: Layer = []  # what stands in front of the first convolution belongs to it
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            found.append([*before, module])
            before = []
        elif module._parameters or module._buffers:
            (found[-1] if found else before).append(module)
    return found


def choose(network: nn.Module, count: int | None) -> tuple[list[Layer], int]:
    """The layers of a network, and how many of them `count` means; None means all."""
    found = layers(network)
    if count is not None and not 0 <= count <= len(found):
        has = f"the {type(network).__name__} has {len(found)}"
        raise ValueError(f"{count} layers were asked for, {has}; give 0 to {len(found)}, or nothing for all")
    return found, len(found) if count is None else count


def freeze(network: Network, first: int | None = None) -> Network:
    """Stop the first layers of a network from learning, by default all: weights and the statistics of their norms.

    Of a discriminator these are the layers that see edges and colours (FreezeD, Mo et al. 2020). Gradients still pass
    through. The network is changed and returned.
    """
    found, count = choose(network, first)
    for module in [module for layer in found[:count] for module in layer]:
        allow_to_learn(module, False)
        module.register_forward_pre_hook(stay_in_eval)
    return network


def thaw(network: Network, last: int | None = None) -> Network:
    """Let the last layers of a network learn again, by default all: gradual unfreezing (Howard & Ruder 2018)."""
    found, count = choose(network, last)
    for module in [module for layer in found[len(found) - count :] for module in layer]:
        allow_to_learn(module, True)
        module.training = network.training  # its statistics may move again
    return network


def allow_to_learn(module: nn.Module, wanted: bool) -> None:
    """Whether the weights of one module, without those inside it, get gradients. Forgets an earlier freezing."""
    for weight in module.parameters(recurse=False):
        weight.requires_grad_(wanted)
    for key in [key for key, hook in module._forward_pre_hooks.items() if hook is stay_in_eval]:
        del module._forward_pre_hooks[key]


def stay_in_eval(module: nn.Module, inputs: Any) -> None:
    """Runs before a frozen layer: a parent's `train()` is undone before it can move the statistics of a norm."""
    module.training = False


def parameter_groups(network: nn.Module, rate: float, decay: float = 1.0) -> list[dict[str, Any]]:
    """Groups for an optimizer: the last layer learns at `rate`, each one before it `decay` times as fast.

    Early layers hold what most pictures share and need to change least (Howard & Ruder 2018, section 3.2, who divide
    by 2.6). Frozen layers are left out.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"decay is {decay}, expected a number above 0 and up to 1; 1 lets all layers learn alike")
    groups = []
    for depth, layer in enumerate(reversed(layers(network))):
        weights = [weight for module in layer for weight in module.parameters(recurse=False) if weight.requires_grad]
        if weights:
            groups.append({"params": weights, "lr": rate * decay**depth})
    if not groups:
        raise ValueError(f"all layers of the {type(network).__name__} are frozen, expected one that learns; thaw some")
    return groups


def kept(network: nn.Module, origin: nn.Module) -> tuple[int, int]:
    """The proof: of the numbers that `origin` has learnt, how many stand in `network` bit for bit, and their total.

    A tensor counts where any parameter of the network equals it in shape and in every bit, whatever its name.
    """
    ours: dict[torch.Size, list[Tensor]] = {}
    for weight in network.parameters():
        ours.setdefault(weight.shape, []).append(weight)
    theirs = list(origin.parameters())
    same = [weight for weight in theirs if any(torch.equal(weight, mine) for mine in ours.get(weight.shape, []))]
    return sum(weight.numel() for weight in same), sum(weight.numel() for weight in theirs)


# A classifier as the structure of D or G


def trainable(backbone: Backbone, frozen: int = 0) -> Backbone:
    """A copy of a backbone whose layers learn, but for the first `frozen`; the backbone itself stays as it is.

    Its batch norms keep the statistics that they came with: a small batch of other pictures would spoil them.
    """
    return freeze(deepcopy(backbone).requires_grad_(True), frozen)


class ClassifierDiscriminator(nn.Module):
    """Images (N, 3 or 1, H, W) of any size -> logits (N,): a classifier's layers with another head on the last map.

    Each place of the map votes, and the mean of the votes is the logit (a patch discriminator, Isola et al. 2017).
    """

    def __init__(self, backbone: Backbone, width: int = 128):
        super().__init__()
        self.backbone, self.layer = backbone, deepest(backbone)
        channels = backbone.channels[self.layer]
        self.head = nn.Sequential(nn.Conv2d(channels, width, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 1, 1))
        self.head.apply(initialise_for_leaky_relu)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone.features(images)[self.layer]).mean((1, 2, 3))


def deepest(backbone: Backbone) -> str:
    """The layer with the largest stride among those that are maps."""
    if not backbone.strides:
        raise ValueError(f"layers of {backbone.name} are vectors: {', '.join(backbone.layers)}; ask for one with a map")
    return max(backbone.strides, key=lambda layer: backbone.strides[layer])


def classifier_to_discriminator(backbone: Backbone, frozen: int = 0, width: int = 128) -> ClassifierDiscriminator:
    """A discriminator that starts as a pretrained classifier: its head replaced, its parameters kept, all fine-tuned.

    The first `frozen` layers never change. `kept(discriminator, backbone)` proves the start.
    """
    return ClassifierDiscriminator(trainable(backbone, frozen), width)


class UNet(nn.Module):
    """Images (N, 3 or 1, H, W) of any size -> images (N, channels, H, W) in [-1, 1] (Ronneberger et al. 2015).

    The encoder is a backbone. The decoder doubles its deepest map by learnt upsampling until it has the picture's size,
    and is handed the encoder's map of each size on the way: what is left to learn is the way back. `width`: channels
    at full size, twice as many at half size and so on, up to the encoder's own number.
    """

    def __init__(self, backbone: Backbone, channels: int = 3, width: int = 16, upsampling: str = "pixel_shuffle"):
        super().__init__()
        self.backbone, top = backbone, deepest(backbone)
        at = {stride: layer for layer, stride in backbone.strides.items()}
        strides = [backbone.strides[top] // 2**i for i in range(int(math.log2(backbone.strides[top])) + 1)]
        self.skips = [at.get(stride) for stride in strides[1:]]  # None where the backbone has no map of that size
        inputs, self.top = backbone.channels[top], top
        self.ups, self.joins = nn.ModuleList(), nn.ModuleList()
        for stride, skip in zip(strides[1:], self.skips, strict=True):
            outputs = min(inputs, width * stride)
            extra = backbone.channels[skip] if skip else 3 * (stride == 1)  # the picture itself joins at full size
            self.ups.append(nn.Sequential(upsample(inputs, outputs, upsampling), nn.BatchNorm2d(outputs), nn.ReLU()))
            join = nn.Conv2d(outputs + extra, outputs, 3, 1, 1, bias=False)
            self.joins.append(nn.Sequential(join, nn.BatchNorm2d(outputs), nn.ReLU()))
            inputs = outputs
        self.to_image = nn.Conv2d(inputs, channels, 3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.backbone.features(images)
        features = maps[self.top]
        for up, join, skip in zip(self.ups, self.joins, self.skips, strict=True):
            features = up(features)
            if skip:
                features = torch.cat([resized(features, maps[skip].shape[-2:]), maps[skip]], 1)
            elif up is self.ups[-1]:
                features = torch.cat([resized(features, images.shape[-2:]), images.expand(-1, 3, -1, -1)], 1)
            features = join(features)
        return self.to_image(resized(features, images.shape[-2:])).tanh()


def resized(features: Tensor, shape: Sequence[int]) -> Tensor:
    """Features at this height and width: odd sides lose a pixel on the way down, and it is put back here."""
    same = tuple(features.shape[-2:]) == tuple(shape)
    return features if same else F.interpolate(features, tuple(shape), mode="bilinear", align_corners=False)


def classifier_to_generator(
    backbone: Backbone, channels: int = 3, upsampling: str = "pixel_shuffle", frozen: int = 0, width: int = 16
) -> UNet:
    """A generator of pictures from pictures that starts as a pretrained classifier, its head replaced by a way back up.

    `upsampling` is "transposed", "pixel_shuffle" or "resize". The first `frozen` layers of the classifier never change.
    """
    return UNet(trainable(backbone, frozen), channels, width, upsampling)


class BackwardsGenerator(nn.Module):
    """Latents (N, latents) -> images (N, channels, size, size) in [-1, 1]: a classifier run from its end to its start.

    Each convolution becomes the transposed convolution with the very same kernel, each pooling a learnt upsampling; the
    layer behind the latents and the norms are new. For networks that are a chain of convolutions of stride 1 and
    poolings, such as "fashion_classifier" and VGG. `channels` is 3, or 1 for the mean of the three.
    """

    def __init__(self, backbone: Backbone, size: int, channels: int = 3, latents: int = 64, upsampling: str = "resize"):
        super().__init__()
        if channels not in (1, 3):
            raise ValueError(f"channels is {channels}, expected 3, or 1 for grey pictures")
        parts = chain(backbone)
        poolings = sum(isinstance(part, nn.MaxPool2d) for part in parts)  # those that are still to be undone
        if size < 2**poolings:
            has = f"{backbone.name} halves the side {poolings} times"
            raise ValueError(f"size is {size} pixels, {has}; give {2**poolings} or more")
        width = [part.out_channels for part in parts if isinstance(part, nn.Conv2d)][-1]
        first = nn.ConvTranspose2d(latents, width, size // 2**poolings, bias=False)
        self.latents, self.channels = latents, channels
        self.start = nn.Sequential(first, nn.BatchNorm2d(width), nn.ReLU()).apply(initialise)
        self.steps, self.sides = nn.ModuleList(), []
        for part in reversed(parts):
            if isinstance(part, nn.Conv2d):
                step, width = nn.Sequential(backwards(part)), part.in_channels
            else:
                step, poolings = nn.Sequential(upsample(width, width, upsampling)), poolings - 1
            if part is not parts[0]:  # the last one draws the picture
                step.extend([nn.BatchNorm2d(width), nn.ReLU()])
            self.steps.append(step)
            self.sides.append(size // 2**poolings)

    def forward(self, latents: Tensor) -> Tensor:
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ValueError(f"latents have shape {tuple(latents.shape)}, expected (N, {self.latents})")
        features = self.start(latents[:, :, None, None])
        for step, side in zip(self.steps, self.sides, strict=True):
            features = resized(step(features), (side, side))
        return (features.mean(1, keepdim=True) if self.channels == 1 else features).tanh()


def chain(backbone: Backbone) -> list[nn.Conv2d | nn.MaxPool2d]:
    """The convolutions and poolings of a network that has nothing else to undo; a `ValueError` for other networks."""
    parts = [part for part in backbone.net.modules() if isinstance(part, nn.Conv2d | nn.MaxPool2d)]
    strided = any(isinstance(part, nn.Conv2d) and (part.stride != (1, 1) or part.groups > 1) for part in parts)
    if strided or not parts or not isinstance(parts[0], nn.Conv2d):
        what = f"{backbone.name} up to {backbone.layers[-1]} is no chain of plain convolutions and poolings, as VGG is"
        raise ValueError(f"{what}; classifier_to_generator takes any network")
    return parts


def backwards(convolution: nn.Conv2d) -> nn.ConvTranspose2d:
    """The transposed convolution with the same kernel, bit for bit: (N, outputs, H, W) -> (N, inputs, H, W)."""
    inputs, outputs = convolution.out_channels, convolution.in_channels
    height, width = convolution.kernel_size
    transposed = nn.ConvTranspose2d(inputs, outputs, (height, width), padding=(height // 2, width // 2), bias=False)
    with torch.no_grad():
        transposed.weight.copy_(convolution.weight)
    return transposed


# Frozen features as the eyes of D


class ProjectedDiscriminator(nn.Module):
    """Images (N, 3 or 1, H, W) -> logits (N,): small heads on the maps of a frozen network (Sauer et al. 2021).

    The maps are mixed by convolutions that are random and stay so, first across channels, then from coarse to fine
    (section 3.2), so that no head can lean on a few channels that G learns to satisfy. One head for each map; its votes
    at all places are averaged, the heads added. Only the heads learn. `generator` draws the random weights.
    """

    def __init__(self, backbone: Backbone, width: int = 64, generator: torch.Generator | None = None):
        super().__init__()
        deepest(backbone)  # raises where there is no map
        self.backbone = backbone
        self.layers = sorted(backbone.strides, key=lambda layer: backbone.strides[layer], reverse=True)  # coarse first
        across = [nn.Conv2d(backbone.channels[layer], width, 1, bias=False) for layer in self.layers]
        scales = [nn.Conv2d(width, width, 3, 1, 1, bias=False) for _ in self.layers]
        for mixer in (*across, *scales):
            nn.init.kaiming_normal_(mixer.weight, nonlinearity="linear", generator=generator)
        self.across = nn.ModuleList(across).requires_grad_(False)
        self.scales = nn.ModuleList(scales).requires_grad_(False)
        self.heads = nn.ModuleList(voting_head(width) for _ in self.layers)

    def forward(self, images: Tensor) -> Tensor:
        votes, coarser = [], None
        maps = self.backbone.features(images)
        for number, layer in enumerate(self.layers):
            mixed = self.across[number](maps[layer])
            if coarser is not None:
                mixed = mixed + resized(coarser, mixed.shape[-2:])
            coarser = self.scales[number](mixed)
            votes.append(self.heads[number](coarser).mean((1, 2, 3)))
        return torch.stack(votes).sum(0)


def voting_head(width: int) -> nn.Sequential:
    """(N, width, H, W) -> votes (N, 1, H / 2, W / 2), with batch norm."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, 2, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 1, 3, 1, 1),
    )
