"""Many pictures in few bytes: in a palette of 256 colours. For chapter 08 and for the pictures of the benchmarks."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from minigan.data import resize
from minigan.plot import Picture, tile

INK = (38, 38, 38)
GAP, ROOM, LETTERS = 6, 20, 13  # pixels between pictures, above each for its name, and of a letter


def gallery(
    pictures: Mapping[str, Tensor], *, alt: str, columns: int = 3, width: int = 250, save: str | Path | None = None
) -> None:
    """Show images (1, 3, H, W) with their names above them, each at most `width` pixels wide, `columns` in a row.

    A palette of 256 colours for the whole figure takes a third of the bytes of a PNG in full colour.
    """
    shown = {name: Image.fromarray(tile(fitted(picture, width))) for name, picture in pictures.items()}
    names = list(shown)
    rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    heights = [max(shown[name].height for name in row) for row in rows]
    columns = min(columns, len(names))
    size = columns * (width + GAP) - GAP, sum(heights) + len(rows) * (ROOM + GAP) - GAP
    sheet = Image.new("RGB", size, "white")
    brush, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTERS)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, name in enumerate(row):
            left = column * (width + GAP)
            brush.text((left, top + 1), name, INK, font)
            sheet.paste(shown[name], (left, top + ROOM))
        top += ROOM + height + GAP
    show(sheet, alt, save)


def rows(
    batches: Mapping[str, Tensor],
    *,
    alt: str,
    titles: Sequence[str] = (),
    zoom: int = 1,
    save: str | Path | None = None,
) -> None:
    """As `plot.compare`, a row of images (N, C, H, W) beside each name, but pixel for pixel, times `zoom`.

    `titles` stand over the columns, one for each image of the first row; a line break begins a second line.
    """
    sheets = [Image.fromarray(tile(images, len(images))) for images in batches.values()]
    sheets = [sheet.resize((sheet.width * zoom, sheet.height * zoom), Image.Resampling.NEAREST) for sheet in sheets]
    font = ImageFont.load_default(LETTERS)
    left = round(max(map(font.getlength, batches))) + 2 * GAP
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    top = (LETTERS + GAP) * lines + GAP * bool(lines)
    size = left + max(sheet.width for sheet in sheets), top + sum(sheet.height + GAP for sheet in sheets) - GAP
    whole = Image.new("RGB", size, "white")
    brush = ImageDraw.Draw(whole)
    for place, title in enumerate(titles):
        middle = left + (place + 0.5) * sheets[0].width / len(titles)
        brush.multiline_text((middle, top - GAP), title, INK, font, anchor="md", align="center", spacing=2)
    for name, sheet in zip(batches, sheets, strict=True):
        brush.text((left - GAP, top + sheet.height / 2), name, INK, font, anchor="rm")
        whole.paste(sheet, (left, top))
        top += sheet.height + GAP
    show(whole, alt, save)


def show(sheet: Image.Image, alt: str, save: str | Path | None) -> None:
    """Show a drawn sheet in few colours, and save it where that is asked for."""
    written = io.BytesIO()
    in_few_colours(sheet).save(written, "PNG", optimize=True)
    Picture(written.getvalue(), alt).show(save)


def in_few_colours(sheet: Image.Image) -> Image.Image:
    """The picture with the 256 colours that suit it best, not dithered."""
    return sheet.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, 2, dither=Image.Dither.NONE)


def shrink_file(path: Path) -> None:
    """Write a picture's file anew in 256 colours, which takes a third of its bytes."""
    with Image.open(path) as sheet:
        fewer = in_few_colours(sheet)
    fewer.save(path, "PNG", optimize=True)


def fitted(picture: Tensor, width: int) -> Tensor:
    """A picture on the CPU, shrunk where it is wider than `width` pixels."""
    picture = picture.detach().cpu().clamp(-1, 1)
    height, wide = picture.shape[-2:]
    return picture if wide <= width else resize(picture, (round(height * width / wide), width))
