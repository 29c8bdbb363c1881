"""Pictures with a strong style, drawn by a few lines of code: there is no painting in the pack. For chapter 08.

Drawn by these lines alone, no picture was copied: they are under the licence of the code.
"""

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from minigan.data import to_signed

GLASS = ((14, 40, 110), (30, 110, 190), (235, 180, 40), (200, 40, 50), (240, 230, 200), (20, 130, 110), (120, 30, 90))
EYES = ((0.30, 0.30, 1.0), (0.72, 0.62, -1.0), (0.15, 0.85, 1.0), (0.85, 0.15, -1.0))  # x, y and turn of each whirl


def mosaic(size: int = 256, pieces: int = 350, seed: int = 0) -> Tensor:
    """Coloured glass in dark lead: each place belongs to the nearest of some points. (1, 3, size, size)."""
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(pieces, 2, generator=random)
    colours = torch.tensor(GLASS) / 127.5 - 1
    bands = (6.6 * points[:, 0] + 1.8 * torch.sin(6 * points[:, 1])).long()  # neighbours are often of one kind
    chosen = colours[(bands + torch.randint(3, (pieces,), generator=random)) % len(colours)]
    chosen += 0.15 * torch.randn(pieces, 1, generator=random)
    axis = (torch.arange(size) + 0.5) / size
    nearest, which = torch.cdist(torch.cartesian_prod(axis, axis), points).topk(2, largest=False)
    picture = chosen[which[:, 0]]
    picture[nearest[:, 1] - nearest[:, 0] < 0.008] = -0.9
    return picture.T.reshape(1, 3, size, size).clamp(-1, 1)


def engraving(size: int = 256) -> Tensor:
    """Dark lines on yellowed paper that swell and thin out. (1, 3, size, size)."""
    axis = (torch.arange(size) + 0.5) / size
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    bent = y + 0.06 * torch.sin(7 * x + 3 * y) + 0.05 * torch.sin(11 * y - 5 * x) + 0.03 * torch.sin(17 * x + 1)
    light = torch.sin(5 * x + 4 * torch.sin(3 * y)) * torch.cos(6 * y - 2 * x)
    ink = torch.sigmoid(6 * torch.sin(222 * bent) - 5.7 * light)
    paper, black = (torch.tensor(colour).view(1, 3, 1, 1) / 127.5 - 1 for colour in ((238, 224, 190), (35, 28, 30)))
    return paper + (black - paper) * ink


def whirls(size: int = 256, strokes: int = 5000, seed: int = 0) -> Tensor:
    """Brush strokes in blue and gold that follow a stream with four eyes. (1, 3, size, size)."""
    random = np.random.default_rng(seed)
    places = random.random((strokes, 2))
    paths = [places]
    for _ in range(7):
        turned = flow(paths[-1])
        paths.append(paths[-1] + 0.011 * np.stack([np.cos(turned), np.sin(turned)], 1))
    fine = 2  # drawn at twice the size, then halved: soft edges
    picture = Image.new("RGB", (size * fine, size * fine), (20, 40, 90))
    brush = ImageDraw.Draw(picture)
    widths = random.integers(2, 6, strokes) * size * fine // 256
    for path, colour, width in zip(np.stack(paths, 1), paints(places, random), widths.tolist(), strict=True):
        brush.line([tuple(point) for point in (path * size * fine).tolist()], tuple(colour), width, "curve")
    pixels = np.array(picture.resize((size, size), Image.Resampling.LANCZOS))
    return to_signed(torch.from_numpy(pixels).permute(2, 0, 1))[None]


def flow(places: np.ndarray) -> np.ndarray:
    """The direction of the stream at some places (N, 2) of the unit square, as angles (N,)."""
    x, y = places.T
    across, down = np.full_like(x, 0.6), 0.15 * np.sin(6 * x)
    for left, top, turn in EYES:
        right, below = x - left, y - top
        square = right**2 + below**2 + 0.004
        strength = turn * 3 * np.exp(-square / 0.03) / np.sqrt(square)
        across, down = across - below * strength, down + right * strength
    return np.arctan2(down, across)


def paints(places: np.ndarray, random: np.random.Generator) -> list[list[int]]:
    """The colour of the stroke that begins at each place: gold at the eyes, rings of blue and white around them."""
    distance = np.min([np.hypot(places[:, 0] - left, places[:, 1] - top) for left, top, _ in EYES], axis=0)
    ring = 0.5 + 0.5 * np.sin(38 * distance + 0.7 * random.standard_normal(len(places)))
    kinds = [distance < 0.05, (distance < 0.16) & (ring > 0.55), distance < 0.16, ring < 0.5, ring < 0.85]
    colours = [(250, 225, 120), (240, 190, 60), (60, 130, 200), (28, 60, 140), (90, 160, 215), (220, 235, 240)]
    kind = np.select(kinds, list(range(5)), 5)
    drawn = np.array(colours)[kind] + 18 * random.standard_normal((len(places), 3))
    found: list[list[int]] = drawn.clip(0, 255).astype(int).tolist()
    return found


PATTERNS = {"whirls": whirls, "mosaic": mosaic, "engraving": engraving}
