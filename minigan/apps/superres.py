"""Super-resolution: a picture two or four times as large, from pixels, features or an adversary. Built in chapter 07.

The network adds what bicubic enlargement lacks. It is trained on pairs that cost nothing: a photograph, and the same
photograph made small.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan.apps.photographs import ResidualBlock, Spoil, Task, feature_distance, terms
from minigan.data import downscale, resize, to_pixels, to_signed
from minigan.names import known
from minigan.nets import initialise_for_leaky_relu, upsample
from minigan.train import TrainConfig

STYLES = ("pixel", "features", "adversarial")
LAYERS = ("block0", "block2.expand", "block4.expand")  # the first keeps an eye on what the later ones are blind to
FEATURES, ADVERSARIAL, R1 = 1.0, 0.03, 1e-5  # weights beside the pixels' 1, found on training photographs


def enlarged(images: Tensor, scale: int) -> Tensor:
    """The bicubic enlargement, which every learnt one has to beat: (N, 3, H, W) -> (N, 3, scale H, scale W)."""
    return resize(images, (images.shape[-2] * scale, images.shape[-1] * scale))


def shrunk(images: Tensor, scale: int) -> Tensor:
    """The small picture of a pair, rounded to 256 levels as a file would: (N, 3, H, W) -> (N, 3, H/scale, W/scale)."""
    return to_signed(to_pixels(downscale(images, scale)))


class Upscaler(nn.Module):
    """Images (N, 3, H, W) -> (N, 3, scale H, scale W): bicubic plus a learnt residual, after EDSR (Lim et al. 2017).

    Nearly all the work is done at the small size, which is cheap. The last layer starts at 0, so a new network is
    bicubic enlargement. The result is not clamped. `scale` is 2 or 4; `reach` is how many pixels around a small pixel
    have a say in it.
    """

    def __init__(self, scale: int = 4, width: int = 40, blocks: int = 8, upsampling: str = "pixel_shuffle"):
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"scale is {scale}, expected 2 or 4; enlarge twice, or shrink the result, for others")
        self.arguments = {key: value for key, value in locals().items() if key not in ("self", "__class__")}
        self.scale, self.reach = scale, 2 * blocks + 5
        self.first = nn.Conv2d(3, width, 3, 1, 1)
        self.body = nn.Sequential(*(ResidualBlock(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, 1, 1))
        self.ups = nn.Sequential()
        for outputs in (24, 16)[: scale // 2]:
            self.ups.extend([upsample(width, outputs, upsampling, bias=True), nn.LeakyReLU(0.2)])
            width = outputs
        self.to_image = nn.Conv2d(width, 3, 3, 1, 1)
        nn.init.zeros_(self.to_image.weight)
        nn.init.zeros_(self.to_image.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, images: Tensor) -> Tensor:
        features = self.first(images)
        return enlarged(images, self.scale) + self.to_image(self.ups(features + self.body(features)))


class PatchDiscriminator(nn.Module):
    """Images (N, 3, H, W) of any size -> votes (N, H/8, W/8): is this neighbourhood real? (Isola et al. 2017.)

    Each vote sees 38 pixels: enough for texture, too little for what the picture is of. With `detail` it is shown,
    besides, what a blur takes away, so many times as strong: where only the finest is made up, only there it differs.
    """

    def __init__(self, width: int = 32, detail: float = 0.0):
        super().__init__()
        self.arguments = {"width": width, "detail": detail}
        self.detail = detail
        layers: list[nn.Module] = []
        for inputs, outputs in ((6 if detail else 3, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.LeakyReLU(0.2)]
        layers += [nn.Conv2d(4 * width, 4 * width, 3, 1, 1), nn.LeakyReLU(0.2), nn.Conv2d(4 * width, 1, 1)]
        self.votes = nn.Sequential(*layers).apply(initialise_for_leaky_relu)

    def forward(self, images: Tensor) -> Tensor:
        if self.detail:
            smooth = F.avg_pool2d(images, 5, 1, 2, count_include_pad=False)
            images = torch.cat([images, self.detail * (images - smooth)], 1)
        return self.votes(images)[:, 0]


def begun_with(network: Upscaler, **changes: Any) -> Upscaler:
    """An upscaler with other arguments that begins with what this one has learnt about small pictures.

    The way up is new (Lim et al. 2017, section 3.2, change the scale so). As its last layer starts at 0, the new
    network is bicubic enlargement again.
    """
    other = Upscaler(**{**network.arguments, **changes})
    other.first.load_state_dict(network.first.state_dict())
    other.body.load_state_dict(network.body.state_dict())
    return other


def shrinking(scale: int) -> Spoil:
    """How a photograph is spoiled, for `photographs.pairs`: "small" images, 1 / scale of the side."""
    return lambda real, random: {"small": shrunk(real, scale)}


def task(scale: int = 4, style: str = "pixel", network: Upscaler | None = None, images: int = 50_000) -> Task:
    """How the upscalers of minigan are trained.

    "pixel": the mean absolute error. "features" adds L_FD, and goes up by resizing, which cannot hatch what is flat.
    "adversarial" adds a discriminator of neighbourhoods as well. Each is meant to begin with the `network` before it.
    """
    settings: dict[str, Any] = {"batch": 16, "rate": 1e-3, "ema_half_life": 4_000}
    upsampling, critic = "pixel_shuffle", None
    if known(style, STYLES, "style") != "pixel":
        settings = {"batch": 8, "rate": 5e-4, "ema_half_life": 1_500, "r1": R1}
        settings["weights"] = {"pixel": 1.0, "features": FEATURES}
        upsampling = "resize"
    if style == "adversarial":
        settings["weights"]["adversarial"] = ADVERSARIAL
        settings["ema_ramp_up"] = 0.0
        critic = PatchDiscriminator(detail=4.0)
    network = network or Upscaler(scale, upsampling=upsampling)
    if (network.scale, network.arguments["upsampling"]) != (scale, upsampling):
        network = begun_with(network, scale=scale, upsampling=upsampling)
    return Task(
        network,
        shrinking(scale),
        lambda network, batch: network(batch["small"]),
        terms(None if style == "pixel" else feature_distance(LAYERS)),
        TrainConfig(images, betas=(0.9, 0.99), **settings),
        size=96 if style == "pixel" and scale == 4 else 64,
        discriminator=critic,
    )


def magnified(network: Upscaler, images: Tensor, scale: int) -> Tensor:
    """What the network makes of images (N, 3, H, W), within [-1, 1]: (N, 3, scale H, scale W).

    Where `scale` is 2 and the network's is 4, its result is made small again.
    """
    large = network(images).clamp(-1, 1)
    return large if scale == network.scale else downscale(large, network.scale // scale)


@torch.inference_mode()
def enlarge(network: Upscaler, images: Tensor, scale: int | None = None) -> Tensor:
    """Images (N, 3, H, W) of any size -> (N, 3, scale H, scale W) in [-1, 1], with the edge pixels repeated outwards.

    `scale`: by default the network's. For pictures that fit into memory whole; `apps.pictures.treated` cuts larger
    ones into tiles.
    """
    margin, scale = network.reach + 1, scale or network.scale  # one more for what is made small again
    device = next(network.parameters()).device
    large = magnified(network, F.pad(images.to(device), [margin] * 4, mode="replicate"), scale)
    inner = slice(margin * scale, -margin * scale)
    return large[..., inner, inner].cpu()
