"""Pictures from noise, steered: a generator that is told the class, and ways through the latents. Built in chapter 11.

Latents are drawn from the standard normal distribution. A label is the number of a class. Where one tensor has to carry
both picture and label, the label travels behind the channels, as one plane for each class.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from minigan import train
from minigan.data import ImageSet
from minigan.nets import Discriminator, Generator
from minigan.train import Batch, TrainState


class ConditionalBatchNorm(nn.Module):
    """Batch norm with a scale and a shift for each class (de Vries et al. 2017): (N, width, H, W) and labels (N,)."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.scale = nn.Embedding(classes, width)
        self.shift = nn.Embedding(classes, width)
        nn.init.normal_(self.scale.weight, 1, 0.5)
        nn.init.normal_(self.shift.weight)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        scale, shift = (table(labels)[:, :, None, None] for table in (self.scale, self.shift))
        return scale * self.norm(features) + shift


class ConditionalGenerator(Generator):
    """Latents (N, latents) and labels (N,) -> images (N, channels, size, size) of these classes, in [-1, 1].

    Chapter 02's generator whose batch norms know the class (Miyato & Koyama 2018, section 5). Without labels it draws
    the classes in turn, 0, 1, 2, ..., which suits grids.
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10, latents: int = 64, width: int = 64):
        super().__init__(size, channels, latents, width)
        self.arguments |= {"classes": classes}
        del self.arguments["upsampling"]
        self.classes = classes
        for layers in (self.start, self.blocks):
            for place, layer in enumerate(layers):
                if isinstance(layer, nn.BatchNorm2d):
                    layers[place] = ConditionalBatchNorm(layer.num_features, classes)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ValueError(f"latents have shape {tuple(latents.shape)}, expected (N, {self.latents})")
        if labels is None:
            labels = torch.arange(len(latents), device=latents.device) % self.classes
        first = through(self.start, latents[:, :, None, None], labels)
        return self.to_image(through(self.blocks, first, labels)).tanh()


def through(layers: Iterable[nn.Module], features: Tensor, labels: Tensor) -> Tensor:
    """Features (N, C, H, W) through layers in turn, of which some are told the labels (N,)."""
    for layer in layers:
        features = layer(features, labels) if isinstance(layer, ConditionalBatchNorm) else layer(features)
    return features


def with_labels(images: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Images (N, C, H, W) with their labels (N,) behind them: (N, C + classes, H, W), the plane of the label is 1."""
    planes = F.one_hot(labels, classes).to(images)[:, :, None, None]
    return torch.cat([images, planes.expand(-1, -1, *images.shape[-2:])], 1)


class ConditionalDiscriminator(Discriminator):
    """Images `with_labels` (N, channels + classes, size, size) -> logits (N,): real, and of its class?

    f(x, y) = psi(phi(x)) + y^T V phi(x) (Miyato & Koyama 2018, section 3), with phi the last map and y the one-hot
    label: a logit for "real" and one for each class, of which the label chooses its own. No gradient reaches labels.
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10, width: int = 64, norm: str = "batch"):
        super().__init__(size, channels, width, norm)
        self.arguments |= {"classes": classes}
        last = self.to_logit
        self.to_logit = nn.Conv2d(last.in_channels, 1 + classes, last.kernel_size[0])
        nn.init.normal_(self.to_logit.weight, 0, 0.02)
        if norm == "spectral":
            nn.utils.parametrizations.spectral_norm(self.to_logit)
        self.channels = channels

    def forward(self, images: Tensor) -> Tensor:
        images, planes = images.tensor_split([self.channels], dim=1)
        if images.shape[1:] != self.shape or planes.shape[1] != self.arguments["classes"]:
            wanted = f"(N, {self.channels} + {self.arguments['classes']}, {self.shape[1]}, {self.shape[2]})"
            raise ValueError(
                f"images are {tuple(images.shape)} with {planes.shape[1]} planes of labels, expected {wanted}; "
                "pass them through minigan.apps.generate.with_labels first"
            )
        logits = self.to_logit(self.blocks(images)).flatten(1)
        chosen = planes[:, :, 0, 0].argmax(1, keepdim=True)  # not a product: augmentation may have shifted the planes
        return logits[:, 0] + logits[:, 1:].gather(1, chosen)[:, 0]


def draw(state: TrainState, pictures: ImageSet) -> Batch:
    """A batch of random images with their labels: "real", `with_labels`, and the "labels" alone."""
    assert pictures.labels is not None
    chosen = torch.randint(len(pictures), (state.config.batch,), generator=state.random)
    labels = pictures.labels[chosen].to(state.device)
    real = with_labels(pictures[chosen].to(state.device), labels, len(pictures.classes))
    return {"real": state.to_device(real), "labels": labels}


def learn(state: TrainState, pictures: ImageSet | Callable[[TrainState], Batch], **options: Any) -> TrainState:
    """Train a conditional generator against a conditional discriminator; `options` are those of `train.fit`.

    `pictures`: a labelled set, or a function that gives what `draw` gives. The fakes of a batch get the labels of its
    real images, so D cannot tell them apart by how often a class comes.
    """
    if isinstance(pictures, ImageSet) and pictures.labels is None:
        raise ValueError(f"{pictures.name} has no labels to learn from; use a labelled set such as 'fashion'")

    def generate(batch: Batch) -> Tensor:
        fake = state.generator(state.noise(len(batch["labels"])), batch["labels"])
        planes = batch["real"][:, fake.shape[1] :]
        return torch.cat([fake, planes], 1)

    batches = partial(draw, pictures=pictures) if isinstance(pictures, ImageSet) else pictures
    return train.fit(state, batches, generate=generate, **options)


class Truncated(nn.Module):
    """A generator whose first map w is drawn towards its mean: m + psi (w - m) (Karras et al. 2019, appendix B).

    psi 1 changes nothing, 0 leaves one picture, for each class where the generator is told classes. The mean is taken
    over `count` latents. What it makes has the shapes of the generator's own, so it takes the generator's place.
    """

    def __init__(self, generator: Generator, psi: float, count: int = 1000):
        super().__init__()
        self.generator, self.psi, self.latents = generator.eval(), psi, generator.latents
        noise = torch.randn(count, self.latents, generator=torch.Generator().manual_seed(0))
        noise = noise.to(next(generator.parameters()).device)[:, :, None, None]
        kinds = range(getattr(generator, "classes", 1))
        with torch.no_grad():
            means = [through(generator.start, noise, noise.new_full((count,), kind).long()).mean(0) for kind in kinds]
        self.centres: Tensor
        self.register_buffer("centres", torch.stack(means))

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        if labels is None:
            labels = torch.arange(len(latents), device=latents.device) % len(self.centres)
        first = through(self.generator.start, latents[:, :, None, None], labels)
        first = torch.lerp(self.centres[labels], first, self.psi)
        return self.generator.to_image(through(self.generator.blocks, first, labels)).tanh()


def lerp(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
    """The straight way between latents (..., D): share 0 is the start, 1 the end. `share`: a number or (..., 1)."""
    return start + share * (end - start)


def slerp(start: Tensor, end: Tensor, share: Tensor | float) -> Tensor:
    """The way along the sphere between latents (..., D), in direction and length (Shoemake 1985).

    Unit vectors at the angle w are mixed by sin((1 - t) w) / sin w and sin(t w) / sin w, so that the direction turns at
    constant speed; the length changes evenly from one to the other. Parallel latents are mixed as by `lerp`, which is
    the limit. Raises `ValueError` for opposite ones, between which no way is shortest.
    """
    one, other = F.normalize(start, dim=-1), F.normalize(end, dim=-1)
    apart, together = ((one + sign * other).norm(dim=-1, keepdim=True) for sign in (-1, 1))
    if bool((together < 1e-4).any()):
        raise ValueError("start and end are opposite, expected a shortest way between them; move one of them a little")
    angle = 2 * torch.atan2(apart, together)  # exact for small angles too, where the arc cosine is not
    turned = torch.sin((1 - share) * angle) * one + torch.sin(share * angle) * other
    direction = torch.where(angle > 1e-3, turned / angle.sin().clamp(min=1e-12), lerp(one, other, share))
    return lerp(start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True), share) * direction


def walk(latents: Tensor, steps: int, way: Callable[[Tensor, Tensor, Tensor], Tensor] = slerp) -> Tensor:
    """A way through latents (K, D) in their order, `steps` from each to the next: ((K - 1) * steps + 1, D).

    The given latents are on it. Repeat the first at the end for a round trip.
    """
    if latents.ndim != 2 or len(latents) < 2 or steps < 1:
        shape = tuple(latents.shape)
        raise ValueError(f"latents are {shape} and steps {steps}, expected (2 or more, D) and 1 or more; add a latent")
    shares = torch.arange(steps, device=latents.device)[:, None] / steps
    legs = [way(start[None], end[None], shares) for start, end in pairwise(latents)]
    return torch.cat([*legs, latents[-1:]])


def direction(latents: Tensor, attribute: Tensor, without: Sequence[Tensor] = ()) -> Tensor:
    """The unit vector (D,) along which an attribute (N,), measured on the pictures of latents (N, D), grows.

    It is the covariance E[z (a - E a)]. For normal latents that is the attribute's mean gradient (Stein 1981).
    `without`: directions that are taken out of it, so that what they change stays (Shen et al. 2020).
    """
    if latents.ndim != 2 or attribute.shape != latents.shape[:1]:
        shapes = f"latents are {tuple(latents.shape)}, the attribute {tuple(attribute.shape)}"
        raise ValueError(f"{shapes}, expected (N, D) and (N,); measure one number on each picture")
    if not float(attribute.std()) > 0:
        raise ValueError(f"the attribute is {float(attribute[0]):g} for all pictures, expected one that varies")
    found = (latents * (attribute - attribute.mean())[:, None]).mean(0)
    if len(without):
        others = torch.linalg.qr(torch.stack(list(without), 1)).Q  # (D, K), orthonormal
        found = found - others @ (others.T @ found)
    return F.normalize(found, dim=0)


def along(latents: Tensor, direction: Tensor, steps: Tensor | Sequence[float]) -> Tensor:
    """Latents (N, D) moved along a unit vector (D,) by each of S steps, in standard deviations: (N, S, D)."""
    far = torch.as_tensor(steps, dtype=latents.dtype, device=latents.device)
    return latents[:, None] + far[None, :, None] * direction
