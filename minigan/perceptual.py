"""Distances between images as a pretrained network sees them. Built in chapter 06.

Real comes before fake. A pair is a picture and what should look like it; without pairs, compare a batch's statistics.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan.backbones import Backbone
from minigan.names import known


def squared_distance(real: Tensor, fake: Tensor) -> Tensor:
    """||F(x) - F(G(z))||^2 / (C H W) of each pair of feature maps (Johnson et al. 2016, eq. 2): (N, C, H, W) -> (N,).

    Divided by the number of features, so that a layer's weight does not depend on its size.
    """
    return (real - fake).square().flatten(1).mean(1)


def unit(features: Tensor) -> Tensor:
    """The feature vector at each place divided by its length; a zero vector stays zero. (N, C, H, W)."""
    return F.normalize(features, dim=1, eps=1e-10)


def cosine_distance(real: Tensor, fake: Tensor) -> Tensor:
    """1 - cos of the angle between two feature vectors, averaged over the places of the map: (N, C, H, W) -> (N,).

    Written as ||u - v||^2 / 2 of the unit vectors, which is the same and exactly 0 for equal ones, zero or not.
    """
    return (unit(real) - unit(fake)).square().sum(1).flatten(1).mean(1) / 2


def gram(features: Tensor) -> Tensor:
    """How often two channels are active together: (N, C, H, W) -> (N, C, C), the mean product over all H W places.

    Divided once, by H W and nothing else: pictures of any size can be compared (Gatys et al. 2016, eq. 3, leave the
    sum; Johnson et al. 2016, eq. 3, divide by C H W).
    """
    flat = features.flatten(2)
    return flat @ flat.mT / flat.shape[-1]


def style_distance(real: Tensor, fake: Tensor) -> Tensor:
    """Mean squared difference of two Gram matrices, which forget where things are: maps of any two sizes -> (N,)."""
    return (gram(real) - gram(fake)).square().flatten(1).mean(1)


DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "euclidean": squared_distance,
    "cosine": cosine_distance,
    "style": style_distance,
}


def one_for_each(layers: Sequence[str], weights: Mapping[str, float] | Sequence[float] | None) -> dict[str, float]:
    """The weight of each layer, from weights in the order of the layers or by name; 1 for all where there are none."""
    weights = [1.0] * len(layers) if weights is None else weights
    named = dict(weights) if isinstance(weights, Mapping) else dict(zip(layers, weights, strict=False))
    if set(named) != set(layers) or len(weights) != len(layers):
        given = dict(weights) if isinstance(weights, Mapping) else list(weights)
        raise ValueError(f"weights are {given}, expected one for each of the layers {', '.join(layers)}")
    return {layer: float(named[layer]) for layer in layers}


def check_maps(backbone: Backbone, distance: str) -> None:
    """Raise `ValueError` where a layer gives vectors, which have no places to compare."""
    if vectors := [layer for layer in backbone.layers if layer not in backbone.strides]:
        raise ValueError(
            f"{', '.join(vectors)} of {backbone.name} gives vectors, expected maps for the {distance} distance; choose "
            "layers with places, or distance='euclidean'"
        )


class FeatureDistance(nn.Module):
    """L_FD = sum_i w_i d(F_i(x), F_i(G(z))) over the layers i of a backbone: a scalar, the mean of all pairs.

    `distance` d is "euclidean", "cosine" or "style"; `weights` w_i are one for each layer, in order or by name, by
    default 1. Where the targets stay the same, compute their features once and give them to `from_features`.
    """

    def __init__(
        self,
        backbone: Backbone,
        weights: Mapping[str, float] | Sequence[float] | None = None,
        distance: str = "euclidean",
    ):
        super().__init__()
        self.backbone = backbone
        self.distance = DISTANCES[known(distance, DISTANCES, "distance")]
        if self.distance is not squared_distance:
            check_maps(backbone, distance)
        self.same_shape = self.distance is not style_distance
        self.weights = one_for_each(backbone.layers, weights)

    def by_layer(self, real: Mapping[str, Tensor], fake: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The unweighted distance d of each pair at each layer, from their features: {layer: (N,)}."""
        for layer in self.weights:
            if self.same_shape and real[layer].shape != fake[layer].shape:
                shapes = f"{tuple(real[layer].shape)} and {tuple(fake[layer].shape)}"
                raise ValueError(
                    f"real and fake features are {shapes} at {layer}, expected pairs; crop or resize first"
                )
        return {layer: self.between(layer, real[layer], fake[layer]) for layer in self.weights}

    def between(self, layer: str, real: Tensor, fake: Tensor) -> Tensor:
        return self.distance(real, fake)

    def from_features(self, real: Mapping[str, Tensor], fake: Mapping[str, Tensor]) -> Tensor:
        """The weighted distance of each pair, from their features: (N,)."""
        found = self.by_layer(real, fake)
        return torch.stack([weight * found[layer] for layer, weight in self.weights.items()]).sum(0)

    def per_image(self, real: Tensor, fake: Tensor) -> Tensor:
        """The weighted distance of each pair of images: (N,)."""
        return self.from_features(self.backbone(real), self.backbone(fake))

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.per_image(real, fake).mean()


class LPIPS(FeatureDistance):
    """The learnt perceptual distance (Zhang et al. 2018, eq. 1): squared distance of unit feature vectors.

    The channels of a layer are weighted by its head, (C,); the places are averaged, the layers added. `heads`: "learnt"
    for those of the lpips package, which fit the default layers of VGG-16; a sequence of tensors; or None for all 1:
    that is twice the cosine distance.
    """

    def __init__(self, backbone: Backbone | None = None, heads: str | Sequence[Tensor] | None = "learnt"):
        super().__init__(backbone or Backbone("vgg16"), distance="cosine")
        channels = [self.backbone.channels[layer] for layer in self.backbone.layers]
        if heads is None:
            heads = [torch.ones(count) for count in channels]
        elif isinstance(heads, str):
            heads = learnt_heads() if known(heads, ["learnt"], "heads") else []
        if [head.numel() for head in heads] != channels:
            sizes = [head.numel() for head in heads]
            raise ValueError(
                f"heads have {sizes} weights, expected {channels} for {self.backbone.name}; use heads=None"
            )
        for layer, head in zip(self.backbone.layers, heads, strict=True):
            self.register_buffer(f"head_{layer.replace('.', '_')}", head.detach().clone().view(1, -1, 1, 1))

    def between(self, layer: str, real: Tensor, fake: Tensor) -> Tensor:
        head = self.get_buffer(f"head_{layer.replace('.', '_')}")
        return F.conv2d((unit(real) - unit(fake)).square(), head).flatten(1).mean(1)


def learnt_heads() -> list[Tensor]:
    """The heads that the lpips package has for VGG-16, version 0.1: non-negative weights, one for each channel."""
    package = find_spec("lpips")
    folders = list(package.submodule_search_locations or []) if package else []
    files = [path for folder in folders if (path := Path(folder) / "weights" / "v0.1" / "vgg.pth").is_file()]
    if not files:
        raise FileNotFoundError(
            "the learnt heads are in the package lpips, not installed; pip install lpips, or heads=None"
        )
    heads = torch.load(files[0], map_location="cpu", weights_only=True)
    return [heads[f"lin{layer}.model.1.weight"].flatten() for layer in range(5)]


def feature_matching(real: Mapping[str, Tensor], fake: Mapping[str, Tensor]) -> Tensor:
    """sum_i ||E F_i(x) - E F_i(G(z))||^2 / (C H W) for batches that are no pairs (Salimans et al. 2016, section 3.1).

    Takes the features of two batches of any two sizes, gives a scalar: only their means are compared.
    """
    distances = [squared_distance(real[i].mean(0, keepdim=True), fake[i].mean(0, keepdim=True)) for i in real]
    return torch.stack(distances).sum()


def total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, down plus across (Rudin et al. 1992): (N, C, H, W) -> scalar."""
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    across = (images[..., 1:] - images[..., :-1]).abs().mean()
    return down + across
