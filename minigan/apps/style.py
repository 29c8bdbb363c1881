"""Style transfer: a picture with the content of one and the style of another. Built in chapter 08.

Two ways: descend from the content picture, for any style at once; or train a small network for one style, which then
needs a single pass. Both give a *change*, which is laid over the content picture.
"""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import hardware
from minigan.apps.photographs import Task
from minigan.backbones import Backbone
from minigan.data import resize, to_pixels, to_signed
from minigan.perceptual import gram, total_variation
from minigan.train import Batch, TrainConfig

LAYERS = ("stem", "block1.expand", "block2.expand", "block4.expand", "block6.expand")  # strides 2, 2, 4, 8, 16
CONTENT_LAYER = "block4.expand"
WEIGHTS = {"content": 1.0, "style": 50.0, "variation": 0.1}
PAINTERS_STYLE = 15.0  # weight for a network, which draws the strokes over everything where it is as strong as above
LIMIT = 0.99  # black and white are a little less than -1 and 1, where atanh is infinite


def relative(target: Tensor, found: Tensor) -> Tensor:
    """||found - target||^2 / ||target||^2: 0 where they are equal, 1 where nothing was found. Any shape -> scalar.

    So the losses of all layers, styles and sizes of picture can be added, and one set of weights fits them.
    """
    return (found - target).square().mean() / target.square().mean().clamp(min=1e-12)


class StyleLoss(nn.Module):
    """The terms of style transfer towards one style picture (1, 3, H, W), by name (Gatys et al. 2016, eq. 1 to 7).

    "content": how far the features of one layer are from those of the content picture. "style": how far the Gram
    matrices are from the style's, a mean over the layers of the backbone. "variation": the total variation. The style
    may have another size than the pictures, which may have any; its features are taken once.
    """

    def __init__(self, style: Tensor, backbone: Backbone | None = None, content_layer: str = CONTENT_LAYER):
        super().__init__()
        self.backbone = (backbone or Backbone("efficientnet_lite0", LAYERS)).to(style.device)
        self.content_layer = content_layer
        with torch.no_grad():
            self.grams = {layer: gram(maps) for layer, maps in self.backbone(style).items()}

    @torch.no_grad()
    def target(self, content: Tensor) -> Tensor:
        """What is to be kept of content pictures (N, 3, H, W): their features at one layer."""
        return self.backbone(content)[self.content_layer]

    def forward(self, target: Tensor | None, images: Tensor) -> Batch:
        """The terms of images (N, 3, H, W); without a target from `target` there is no content to keep."""
        features = self.backbone(images)
        styles = [relative(wanted, gram(features[layer])) for layer, wanted in self.grams.items()]
        terms = {"style": torch.stack(styles).mean(), "variation": total_variation(images)}
        return terms if target is None else {"content": relative(target, features[self.content_layer]), **terms}


def lay_over(images: Tensor, change: Tensor, strength: float = 1.0) -> Tensor:
    """tanh(atanh(x) + strength * change): images (N, C, H, W) changed without leaving (-1, 1).

    A change of another size is brought to that of the images, so that a large picture keeps its own detail.
    """
    if change.shape[-2:] != images.shape[-2:]:
        change = F.interpolate(change, images.shape[-2:], mode="bilinear", align_corners=False)
    return (images.clamp(-LIMIT, LIMIT).atanh() + strength * change).tanh()


class Canvas(nn.Module):
    """A picture to be painted: its start (N, 3, H, W), changed by a pyramid of learnable grids (N, 3, h, w).

    The grids halve in size down to `smallest` pixels; the change is the sum of all, enlarged to the picture's size. A
    coarse grid moves large areas in one step, as single pixels cannot.
    """

    def __init__(self, start: Tensor, smallest: int = 8):
        super().__init__()
        self.start: Tensor
        self.register_buffer("start", start)
        *batch, height, width = start.shape
        shapes = [(height, width)]
        while min(shapes[-1]) > smallest:
            shapes.append((-(-shapes[-1][0] // 2), -(-shapes[-1][1] // 2)))
        self.grids = nn.ParameterList([start.new_zeros(*batch, *shape) for shape in shapes])

    def change(self) -> Tensor:
        """What has been painted so far: (N, 3, H, W)."""
        size = self.start.shape[-2:]
        return torch.stack([F.interpolate(grid, size, mode="bilinear") for grid in self.grids]).sum(0)

    def forward(self) -> Tensor:
        return lay_over(self.start, self.change())


def paint(
    canvas: nn.Module,
    loss: StyleLoss,
    target: Tensor | None,
    weights: Mapping[str, float] = WEIGHTS,
    steps: int = 200,
    rate: float = 0.02,
) -> Iterator[Batch]:
    """Change what `canvas()` shows by `steps` steps of Adam; gives the terms after each, for progress and curves."""
    optimizer = torch.optim.Adam(canvas.parameters(), rate)
    for _ in range(steps):
        terms = loss(target, canvas())
        optimizer.zero_grad()
        torch.stack([weights[name] * term for name, term in terms.items()]).sum().backward()
        optimizer.step()
        yield {name: term.detach() for name, term in terms.items()}


def within(images: Tensor, longest: int) -> Tensor:
    """Images whose longer side is `longest` pixels or less, the shorter in proportion, but no side is below 2."""
    height, width = images.shape[-2:]
    scale = min(1.0, longest / max(height, width))
    return resize(images, (max(2, round(height * scale)), max(2, round(width * scale))))


def over_pixels(pixels: Tensor, change: Tensor, strength: float = 1.0) -> Tensor:
    """`lay_over` for a picture as bytes (3, H, W) of any size, one channel at a time, which takes little memory."""
    channels = zip(pixels.split(1), change.split(1, 1), strict=True)
    return torch.cat([to_pixels(lay_over(to_signed(one)[None], part, strength))[0] for one, part in channels])


def block(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, instance norm, ReLU. Instance norm gives each picture the same contrast (Ulyanov et al. 2016)."""
    padding = kernel // 2
    filters = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False, padding_mode="replicate")
    return nn.Sequential(filters, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU())


class Residual(nn.Module):
    """x + two blocks of x, the second without ReLU: (N, width, H, W) -> the same. Chapter 07 has one without norm."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(block(width, width), *block(width, width)[:2])

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class Stylist(nn.Module):
    """Images (N, 3, H, W) of any size -> in one style; a small form of the network of Johnson et al. 2016.

    Down to a quarter of the side, some residual blocks, and up again by nearest neighbour and convolution, which
    leaves no checkerboard.
    """

    def __init__(self, width: int = 16, blocks: int = 4):
        super().__init__()
        self.arguments = {"width": width, "blocks": blocks}
        self.net = nn.Sequential(
            block(3, width, 5),
            block(width, 2 * width, stride=2),
            block(2 * width, 4 * width, stride=2),
            *(Residual(4 * width) for _ in range(blocks)),
            nn.Upsample(scale_factor=2),
            block(4 * width, 2 * width),
            nn.Upsample(scale_factor=2),
            block(2 * width, width),
            nn.Conv2d(width, 3, 5, padding=2, padding_mode="replicate"),
        )

    def unsquashed(self, images: Tensor) -> Tensor:
        """The painting before its tanh: (N, 3, H, W)."""
        height, width = images.shape[-2:]
        right, below = max(8 - width, -width % 4), max(8 - height, -height % 4)  # sides of 8, 12, 16, ...
        return self.net(F.pad(images, [0, right, 0, below], mode="replicate"))[..., :height, :width]

    def change(self, images: Tensor) -> Tensor:
        """What `lay_over` has to lay over the images to get the painting."""
        return self.unsquashed(images) - images.clamp(-LIMIT, LIMIT).atanh()

    def forward(self, images: Tensor) -> Tensor:
        return self.unsquashed(images).tanh()


def task(style: Tensor, network: nn.Module | None = None, images: int = 6_000) -> Task:
    """How the network of one style picture (1, 3, H, W) is trained: by the loss of the descent, on many photographs.

    Nothing is spoiled: each photograph is its own content. The loss looks through a moving window, as in chapter 07.
    """
    loss = StyleLoss(style.to(hardware.device()))

    def terms(fake: Tensor, batch: Batch) -> Batch:
        down, right = batch["offset"].tolist()
        return loss(loss.target(batch["real"][..., down:, right:]), fake[..., down:, right:])

    return Task(
        network or Stylist(),
        lambda real, random: {},
        lambda network, batch: network(batch["real"]),
        terms,
        TrainConfig(
            images,
            batch=2,
            rate=2e-3,
            betas=(0.9, 0.99),
            ema_half_life=200,
            weights=WEIGHTS | {"style": PAINTERS_STYLE},
        ),
        size=128,
        turned=False,
    )
