"""Inpainting: what belongs in a hole, by diffusion, by a network, by a search among drawings. Built in chapter 10.

A mask `known` is 1 where the picture is known and 0 in the hole, as in `data.hole_masks`: (N, 1, H, W).
"""

from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import weights
from minigan.apps.photographs import Spoil, Task, terms
from minigan.backbones import Backbone
from minigan.data import hole_masks
from minigan.nets import Generator
from minigan.train import Batch, TrainConfig
from minigan.transfer import UNet, trainable

DEEPEST = 10  # pixels from the middle of a hole to its edge that the shipped network has learnt to cross


def sweep(images: Tensor, known: Tensor) -> Tensor:
    """One step of the heat equation: each pixel of the hole becomes the mean of its four neighbours (Jacobi)."""
    wide = F.pad(images, [1] * 4, mode="replicate")  # no heat leaves over the edge of the picture
    mean = (wide[..., :-2, 1:-1] + wide[..., 2:, 1:-1] + wide[..., 1:-1, :-2] + wide[..., 1:-1, 2:]) / 4
    return torch.where(known > 0, images, mean)


def halved(images: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and their mask at half the size: of four pixels the mean of those that are known, if any."""
    share = F.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    total = F.avg_pool2d(images * known, 2, ceil_mode=True, count_include_pad=False)
    return total / share.clamp(min=0.1), (share > 0).float()


def diffuse(images: Tensor, known: Tensor, sweeps: int = 30, momentum: float = 0.7) -> Tensor:
    """Fill the holes of images (N, C, H, W) with the smoothest surface: each pixel the mean of its four neighbours.

    It is the state in which the heat equation comes to rest (Laplace's equation). `sweep` carries heat one pixel a
    step, and a wide hole needs thousands. So the fill is made at half the size first, where the way is half as long,
    and each step goes on in the direction of the last one (Golub & Varga 1961).
    """
    fill = images * known
    if min(images.shape[-2:]) > 1 and not bool(known.all()):
        small, seen = halved(images, known)
        large = F.interpolate(diffuse(small, seen, sweeps), images.shape[-2:], mode="bilinear", align_corners=False)
        fill = torch.where(known > 0, images, large)
    before = fill
    for _ in range(sweeps):
        fill, before = before + (1 + momentum) * (sweep(fill, known) - before), fill
    return torch.where(known > 0, images, fill)


class MaskedEncoder(nn.Module):
    """What a `UNet` asks of its backbone, for pictures with their hole as a fourth channel: a map at each size.

    From scratch, or a pretrained `backbone`. That one knows no holes, so it is shown the picture with the hole painted
    over, in a colour that is learnt and starts as none.
    """

    def __init__(self, backbone: Backbone | None, width: int = 32):
        super().__init__()
        self.backbone = backbone
        if backbone is not None:
            self.paint = nn.Conv2d(1, 3, 1, bias=False)
            nn.init.zeros_(self.paint.weight)
            self.channels, self.strides = {"picture": 4, **backbone.channels}, {"picture": 1, **backbone.strides}
            return
        widths = [4, width, 2 * width, 4 * width, 4 * width]
        self.stages = nn.ModuleDict()
        for stage, (inputs, outputs) in enumerate(pairwise(widths), 1):
            filters = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
            self.stages[f"stage{stage}"] = nn.Sequential(filters, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))
        self.channels = dict(zip(("picture", *self.stages), widths, strict=True))
        self.strides = {layer: 2**stage for stage, layer in enumerate(self.channels)}

    def features(self, images: Tensor) -> dict[str, Tensor]:
        maps = {"picture": images}
        if self.backbone is not None:
            return maps | self.backbone.features(images[:, :3] + self.paint(images[:, 3:]))
        for name, stage in self.stages.items():
            images = maps[name] = stage(images)
        return maps


class Inpainter(nn.Module):
    """A filled picture (N, 3, H, W) of any size, and what of it is known -> a better fill, everywhere in the picture.

    A U-Net predicts the change; its last layer starts at 0, so a new network leaves the fill as it is. `encoder`:
    "scratch", or a backbone by name, pretrained where no `weights` of its own are to be loaded. Not clamped.
    """

    def __init__(self, encoder: str = "scratch", width: int = 8, pretrained: bool = False):
        super().__init__()
        self.arguments = {"encoder": encoder, "width": width}
        backbone = None
        if encoder != "scratch":
            backbone = trainable(Backbone(encoder, weights="default" if pretrained else None))
        self.unet = UNet(MaskedEncoder(backbone, 4 * width), width=width)  # type: ignore[arg-type]  # it has all that a U-Net asks of one
        for parameter in self.unet.to_image.parameters():
            nn.init.zeros_(parameter)

    def change(self, images: Tensor, known: Tensor) -> Tensor:
        """What the network would add to each pixel: (N, 3, H, W), from -2 to 2."""
        return 2 * self.unet(torch.cat([images, 1 - known.expand(len(images), -1, -1, -1)], 1))

    def forward(self, filled: Tensor, known: Tensor) -> Tensor:
        return filled + self.change(filled, known)


def strokes(count: int, size: int, thickest: int, random: torch.Generator) -> Tensor:
    """Masks (count, 1, size, size) with a brush stroke of up to `thickest` pixels: straight pieces between 4 points."""
    points = torch.rand(count, 4, 1, 1, 2, generator=random) * size
    start, way = points[:, :-1], points[:, 1:] - points[:, :-1]
    places = torch.stack(torch.meshgrid([torch.arange(size) + 0.5] * 2, indexing="ij"), -1)
    along = ((places - start) * way).sum(-1, keepdim=True) / way.square().sum(-1, keepdim=True).clamp(min=1e-6)
    distance = (places - start - along.clamp(0, 1) * way).norm(dim=-1).amin(1)  # to the nearest of the three pieces
    radius = (2 + (thickest - 2) * torch.rand(count, 1, 1, generator=random)) / 2
    return (distance > radius).float()[:, None]


def holes(smallest: int = 8, largest: int = 32, count: int = 1, sweeps: int = 16) -> Spoil:
    """How a picture is spoiled, for `photographs.pairs`: by `count` square holes, or for every second one strokes.

    Gives "known" masks (N, 1, H, W) and the pictures "filled" by diffusion, (N, 3, H, W).
    """

    def spoil(real: Tensor, random: torch.Generator) -> Batch:
        size = real.shape[-1]
        known = torch.ones(len(real), 1, size, size)
        for _ in range(count):
            known[1::2] *= strokes(len(real) // 2, size, max(3, largest // 2), random)
            for number in range(0, len(real), 2):
                side = int(torch.randint(smallest, largest + 1, (1,), generator=random))
                known[number] *= hole_masks(1, size, min(side, size - 2), random)[0]
        return {"known": known, "filled": diffuse(real, known, sweeps)}

    return spoil


def paste(real: Tensor, fake: Tensor, known: Tensor) -> Tensor:
    """The picture where it is known, the fake in its hole."""
    return torch.where(known > 0, real, fake)


def blend(real: Tensor, fake: Tensor, known: Tensor) -> Tensor:
    """The same without a seam: what the fake is off by around the hole is diffused into it, and added.

    This is the membrane of Poisson image editing (Perez et al. 2003, section 2): the fake's gradients are kept, and
    its values fit at the edge of the hole.
    """
    return fake + diffuse(real - fake, known)


def task(
    network: nn.Module | None = None, pictures: str = "photos", adversarial: float = 0.0, images: int = 12_000
) -> Task:
    """How the inpainters of minigan are trained: the error in the hole alone; for peeps also against a critic.

    `pictures`: "photos", with several small holes at once and the absolute error, or "peeps", with one large hole and
    the squared error. `adversarial`: the weight of that term, beside 1 for the absolute error; its discriminator begins
    as the one that comes with the generator of peeps.
    """
    heads, discriminator = pictures == "peeps", None
    config = TrainConfig(images, 16, rate=2e-3 if heads else 1e-3, betas=(0.9, 0.99), ema_half_life=4_000)
    if adversarial:
        discriminator = weights.shipped_pair("peeps")[1]
        weighted = {"pixel": 1.0, "adversarial": adversarial}
        config = replace(config, rate=5e-4, betas=(0.0, 0.99), ema_half_life=500, ema_ramp_up=0.0, weights=weighted)
    return Task(
        network or Inpainter(),
        holes(16, 40) if heads else holes(6, 20, 4),
        lambda network, batch: paste(batch["real"], network(batch["filled"], batch["known"]), batch["known"]),
        terms(None, F.mse_loss if heads and not adversarial else F.l1_loss),
        config,
        size=64,
        turned=not heads,
        discriminator=discriminator,
    )


@torch.no_grad()
def inpaint(network: Inpainter, images: Tensor, known: Tensor) -> Tensor:
    """Images (N, 3, H, W) with holes -> filled images in [-1, 1], without a seam; what is known stays as it is."""
    filled = diffuse(images, known)
    return paste(images, blend(filled, network(filled, known), known), known).clamp(-1, 1)


def search(
    generator: Generator,
    image: Tensor,
    known: Tensor,
    count: int = 8,
    candidates: int = 1024,
    steps: int = 60,
    critic: nn.Module | None = None,
    weight: float = 0.02,
    random: torch.Generator | None = None,
) -> Tensor:
    """Several fills for one hole: drawings of a GAN that agree with what is known: (1, 3, H, W) -> (count, 3, H, W).

    Of many random drawings those that agree best around the hole, their latents then improved by Adam, with the
    critic's opinion as a further term where there is one (Yeh et al. 2017, section 3). Blended, best first.
    """
    near = known * F.avg_pool2d(1 - known, 15, 1, 7, count_include_pad=False)  # what is close to the hole counts more

    def misfit(drawn: Tensor) -> Tensor:
        return ((drawn - image).abs() * near).sum((1, 2, 3)) / (3 * near.sum())

    many = torch.randn(candidates, generator.latents, generator=random).to(image.device)
    with torch.no_grad():
        found = torch.cat([misfit(generator(part)) for part in many.split(32)])
    latents = many[found.topk(count, largest=False).indices].requires_grad_()
    adam = torch.optim.Adam([latents], 0.03)
    for _ in range(steps):
        drawn = generator(latents)
        loss = misfit(drawn) + (weight * F.softplus(-critic(drawn)) if critic else 0)
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
    with torch.no_grad():
        drawn = generator(latents)
        best = misfit(drawn).argsort()
        return paste(image, blend(image, drawn, known), known)[best].clamp(-1, 1)
