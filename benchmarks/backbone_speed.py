"""How fast does a frozen backbone look at pictures, against plain torchvision and timm, and what would be faster?

    python benchmarks/backbone_speed.py            four minutes; writes benchmarks/results/backbone_speed.{json,md,png}
    python benchmarks/backbone_speed.py --quick    a trial within a minute, nothing kept

Random weights everywhere: speed does not depend on them. All look at the same pictures up to the same layers. The
contestants take turns in one process; the ratio is taken within each round, and its median counts.

- plain: the network as its package builds it, in eval mode, in the usual memory layout, up to its last layer of maps.
- feature extractor: the same cut and opened by torchvision's create_feature_extractor, or by timm's features_only.
- minigan: `Backbone`: statistics, channels_last, the graph cut behind the last layer.
- minigan, folded: the same with batch norms in the weights of the convolutions. The library does not do so: the same
  networks become parts of generators and discriminators, whose batch norms stay.
- minigan, bfloat16: under autocast, where the processor computes with it.

The two kinds of work: a forward pass without a graph, as metrics need it, and a forward and backward pass to the
picture, as a loss needs it.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import bench
import timm
import torch
import typer
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from minigan import hardware
from minigan.backbones import Backbone

PLAIN = "plain"
OURS = "minigan"
Look = Callable[[Tensor], list[Tensor]]  # standardised pictures -> feature maps


def plain(name: str) -> tuple[Look, Look]:
    """A network as its package gives it: only its last map, and the maps of every size."""
    if name == "efficientnet_lite0":
        whole = timm.create_model("tf_efficientnet_lite0").eval().requires_grad_(False)
        opened = timm.create_model("tf_efficientnet_lite0", features_only=True).eval().requires_grad_(False)
        return lambda images: [whole.blocks(whole.bn1(whole.conv_stem(images)))], opened
    model = models.get_model(name, weights=None).eval().requires_grad_(False)
    layers = dict.fromkeys(Backbone(name, weights=None).layers)
    if name.startswith("vgg"):
        numbers = [index for index, part in enumerate(model.features) if isinstance(part, nn.MaxPool2d)]
        cut = model.features[: numbers[-1]]  # up to the last ReLU before a pooling, as ours
        opened = create_feature_extractor(model, {f"features.{index - 1}": str(index) for index in numbers})
        return lambda images: [cut(images)], lambda images: list(opened(images).values())
    cut = nn.Sequential(*list(model.children())[:-2])
    opened = create_feature_extractor(model, {layer: layer for layer in layers})
    return lambda images: [cut(images)], lambda images: list(opened(images).values())


def folded(net: fx.GraphModule) -> fx.GraphModule:
    """A copy of a frozen network whose batch norms stand in the weights of the convolutions before them.

    `torch.fx` has the same for plain convolutions only, and EfficientNet's pad in their own way.
    """
    part = deepcopy(net)
    modules = dict(part.named_modules())
    for node in [node for node in part.graph.nodes if node.op == "call_module"]:
        norm, before = modules[node.target], node.args[0]
        if isinstance(norm, nn.BatchNorm2d) and before.op == "call_module" and len(before.users) == 1:
            convolution = modules[before.target]
            statistics = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            fused = fuse_conv_bn_weights(convolution.weight, convolution.bias, *statistics)
            convolution.weight, convolution.bias = (one.requires_grad_(False) for one in fused)
            node.replace_all_uses_with(before)
            part.graph.erase_node(node)
    part.delete_all_unused_submodules()
    part.recompile()
    return part.to(memory_format=torch.channels_last)


def contestants(name: str) -> dict[str, Look]:
    """All that look at pictures."""
    ours, other = (Backbone(name, weights=None, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    last, opened = plain(name)
    found: dict[str, Look] = {PLAIN: last, "feature extractor": opened}
    found[OURS] = lambda images: list(ours.features(images).values())
    if any(isinstance(part, nn.BatchNorm2d) for part in other.net.modules()):
        other.net = folded(other.net)
        found["minigan, folded"] = lambda images: list(other.features(images).values())
    if bench.computes_bfloat16():

        def halved(images: Tensor) -> list[Tensor]:
            with hardware.autocast(images.device, torch.bfloat16):
                return list(ours.features(images).values())

        found["minigan, bfloat16"] = halved
    return found


def forward(look: Look, images: Tensor) -> None:
    with torch.no_grad():
        look(images)


def forward_and_backward(look: Look, images: Tensor) -> None:
    images = images.clone().requires_grad_()
    torch.autograd.grad(torch.stack([maps.float().square().mean() for maps in look(images)]).sum(), images)


WORK: dict[str, Callable[[Look, Tensor], Any]] = {"forward": forward, "forward + backward": forward_and_backward}


def measure(quick: bool) -> bench.Found:
    """A contest for each network, kind of work and size."""
    found, runs = bench.conditions(), []
    sizes = [(1, 64)] if quick else [(16, 64), (8, 128)]
    for name in ("efficientnet_lite0",) if quick else ("efficientnet_lite0", "resnet18", "vgg16"):
        looks = contestants(name)
        for work, run in WORK.items():
            for batch, size in sizes:
                images = torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
                each = {
                    who: (lambda run=run, look=look, images=images: run(look, images)) for who, look in looks.items()
                }
                contest = bench.compared(bench.take_turns(each, 1 if quick else 9), PLAIN)
                runs.append({"network": name, "work": work, "batch": batch, "size": size, **contest})
                typer.echo(f"{name}, {work}, {batch} x {size}: {contest['times as fast'][OURS]}")
    return found | {"runs": runs}


def text(found: bench.Found) -> str:
    """The results in Markdown."""
    rows = [
        [run["network"], run["work"], run["batch"], run["size"], who, *bench.contest_cells(run, who)]
        for run in found["runs"]
        for who in run["milliseconds"]
    ]
    return (
        "# A frozen backbone against plain torchvision and timm\n\n"
        f"`python benchmarks/backbone_speed.py` on {found['machine']}; random weights, "
        f"{found['runs'][0]['rounds'][PLAIN]} rounds in turns.{bench.load(found)}\n\n"
        f"{bench.table(['network', 'work', 'batch', 'pixels', 'contestant', *bench.contest_heads()], rows)}\n\n"
        "Times as fast as the plain network. The feature extractor and minigan derive by all maps, the plain network "
        "by its last one. All spend their time in the same convolutions. Folding changes no feature but by rounding; "
        "the library leaves it, for the same networks become parts of generators and discriminators, whose batch norms "
        "stay. "
        "bfloat16 changes features.\n\n"
        "![Bars of the times as fast as the plain network](backbone_speed.png)\n"
    )


def claim(found: bench.Found) -> str:
    said = []
    for name in dict.fromkeys(run["network"] for run in found["runs"]):
        times = [run["times as fast"][OURS][0] for run in found["runs"] if run["network"] == name]
        said.append(f"{name} {min(times):.2f} to {max(times):.2f}")
    return f"Times as fast as the plain network of its package that a `Backbone` is: {', '.join(said)}"


def draw(found: bench.Found, folder: Path) -> None:
    """A bar for each run of ours."""
    rows = {f"{run['network']}, {run['work']}, {run['size']} px": run["times as fast"][OURS] for run in found["runs"]}
    alt = "Bars of the times as fast as the plain network a frozen backbone is:"
    bench.bars(rows, rows, folder / "backbone_speed.png", "times as fast as the plain network", alt)


def main(quick: bench.Quick = False) -> None:
    """Measure how fast frozen backbones are."""
    bench.publish(__file__, measure(quick), text, draw, quick=quick)


if __name__ == "__main__":
    typer.run(main)
