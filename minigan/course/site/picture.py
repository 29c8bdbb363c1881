"""A picture of the front page for the README, taken in Chromium."""

import io
import shutil
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = (1400, 1500)
COLOURS = 255  # of the file, which then is a quarter as large


def take(front: Path, target: Path) -> None:
    """Save the upper part of the page `front` as `target`. Raises ValueError where no browser can be used."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None or find_spec("playwright") is None:
        raise ValueError(
            "no picture was taken: it needs Chromium and Playwright; install them (on Debian: "
            "sudo apt install chromium; pip install -c constraints.txt -e '.[browser]')"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(front.as_uri())
        page.wait_for_function("[...document.images].slice(0, 12).every(image => image.complete)")
        shot = page.screenshot()
        browser.close()
    with Image.open(io.BytesIO(shot)) as picture:
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    target.parent.mkdir(parents=True, exist_ok=True)
    small.save(target, "PNG", optimize=True)
