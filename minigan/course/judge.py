"""The judge of chapters 07 to 10: how far two pictures are apart for a network that trains nothing in this course.

A network that has trained a generator flatters it (chapter 03). EfficientNet-Lite0 is the trainer here. The judge is
another architecture with other weights: the first three stages of VGG-16, trained on ImageNet and then to find the
edges that people draw (HED; benchmarks/shipped/judge.py).
"""

from pathlib import Path

from safetensors.torch import load_file

from minigan.backbones import Backbone
from minigan.perceptual import FeatureDistance
from minigan.weights import SHIPPED

LAYERS = ("relu1_2", "relu2_2", "relu3_3")
FILE = SHIPPED / "backbones" / "edge_vgg16.safetensors"


def judge(path: Path = FILE) -> FeatureDistance:
    """The cosine distance on the judge's features, summed over its layers: `judge().per_image(real, fake)` is (N,).

    Raises `FileNotFoundError` where the weights are missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights of the judge at {path}; install minigan again")
    backbone = Backbone("vgg16", LAYERS, weights=None)
    backbone.net.load_state_dict(load_file(path))
    backbone.name = "edge_vgg16"
    return FeatureDistance(backbone, distance="cosine")
