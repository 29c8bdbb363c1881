"""Chromium for the tests: the system's own, kept from the network, with a record of what its pages asked for.

A module of tests says `pytestmark = chromium.needed`, which skips it where no browser can be used.
Its fixture `browser` yields from `launched()` and has the scope "module", never the session's: while Playwright is
there, nothing else can run asyncio. A test opens a page by `with visit(browser) as (page, record)`, and ends with
`assert record.complaints() == []`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "_build" / "browser"  # screenshots, to be looked at; not under version control
VARIABLE = "MINIGAN_CHROMIUM"  # the path of another browser of the family
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
EVERYTHING = os.environ.get("MINIGAN_BROWSER") == "all"  # as `make browser` sets it; else a part that stands for all
PATIENCE = 300_000  # milliseconds for anything that is waited for: a machine may have much else to do
LONGEST = 1800  # seconds for a whole notebook, likewise
LOCAL = ("127.0.0.1", "localhost")
OFFLINE = (  # no name is looked up, so nothing leaves this machine, whatever a page or the browser itself wants
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str | None:
    """The browser that is used, or None: what MINIGAN_CHROMIUM names, else the first that the system has."""
    named = os.environ.get(VARIABLE)
    return shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)


def obstacle() -> str:
    """Why no browser can be used here, and what to do; an empty text where one can."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        return "the browser's tests need Playwright; install it: pip install -c constraints.txt -e '.[browser]'"
    if executable() is None:
        named = os.environ.get(VARIABLE)
        found = f"{VARIABLE} names {named!r}, which is no program" if named else "no Chromium was found"
        return f"{found}; install one (on Debian: sudo apt install chromium), or name its program in {VARIABLE}"
    return ""


needed = pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "there is a browser")


@contextmanager
def launched() -> "Iterator[Browser]":
    """A headless browser, for as long as the block runs."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(OFFLINE))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Record:
    """What a page did: each list holds what should not have been."""

    elsewhere: list[str] = field(default_factory=list)  # addresses on another host
    refused: list[str] = field(default_factory=list)  # answers of 400 and more, and requests without an answer
    errors: list[str] = field(default_factory=list)  # what scripts threw or wrote into the console as an error

    def complaints(self) -> list[str]:
        """All of it, in words; empty for a page without a fault."""
        lists = {"asked elsewhere for": self.elsewhere, "was refused": self.refused, "erred": self.errors}
        return [f"{what} {item}" for what, items in lists.items() for item in dict.fromkeys(items)]


@contextmanager
def visit(browser: "Browser", width: int = 1400, height: int = 1000) -> "Iterator[tuple[Page, Record]]":
    """A new page of its own context, in a window of this size, and the record of what it does."""
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page, record = context.new_page(), Record()

    def asked(request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "file", "about") and address.hostname not in LOCAL:
            record.elsewhere.append(request.url)

    page.on("request", asked)
    page.on("websocket", asked)
    page.on("response", lambda r: record.refused.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on("pageerror", lambda error: record.errors.append(str(error)))
    page.on("console", lambda said: record.errors.append(said.text) if said.type == "error" else None)
    try:
        yield page, record
    finally:
        context.close()


def faults(page: "Page", within: str | None = None, without: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds serious or critical on a page, or in the element `within`: a line for each element.

    without: rules that are not ours to keep there, such as "document-title" for a fragment.
    """
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    found = Axe().run(page, context=within, options=options).response["violations"]
    grave = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))}: {node['html'][:160]}"
        for violation in grave
        for node in violation["nodes"]
    ]


def keep(page: "Page", name: str, whole: bool = False) -> Path:
    """A screenshot of the window, or of the `whole` page, as docs/_build/browser/`name`.png."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path, full_page=whole)
    return path
