"""Links and pictures of Markdown texts, led to where their targets stand on the site."""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from minigan.course.site.pages import MADE, Page

FENCE = r"^[ >]*(?P<fence>`{3,}|~{3,})(?:.|\n)*?^[ >]*(?P=fence)[`~]*[ ]*$"
CODE = r"(?P<ticks>(?<!`)`+(?!`))(?:.|\n)+?(?<!`)(?P=ticks)(?!`)"
LABEL = r"(?P<label>!?\[(?:[^\[\]]|\[[^\[\]]*\])*\])"
TARGET = r"\((?P<url>(?:[^()\s]|\([^()\s]*\))+)(?P<title>\s+\"[^\"]*\")?\)"
PATTERN = re.compile(f"{FENCE}|{CODE}|{LABEL}{TARGET}", re.MULTILINE)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def rewrite(text: str, change: Callable[[str, str], str]) -> str:
    """Put `change(label, url)` in the place of each link or picture of a Markdown text; code stays as it is."""

    def replaced(found: re.Match[str]) -> str:
        return change(found["label"], found["url"]) if found["url"] else found[0]

    return PATTERN.sub(replaced, text)


@dataclass
class Linker:
    """Leads links to pages where there are any, pictures to copies, and everything else to the project's address.

    `copies` gathers the pictures that have to be put into the staging folder: staged path -> file of the repository.
    `alts` says what is to be seen on a picture, where that is more than its file does.
    """

    root: Path
    pages: dict[str, Page]
    address: str
    alts: dict[str, str] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)

    def led(self, text: str, source: str, name: str) -> str:
        """The Markdown `text` of the file `source` as it has to stand on the page `name`."""

        def change(label: str, url: str) -> str:
            if label.startswith("!"):
                return self.picture(label, url, source, name)
            return f"{label}({self.target(url, source, name)})"

        return rewrite(text, change)

    def target(self, url: str, source: str, name: str) -> str:
        """Where a link of `source` leads from the page `name`. Raises ValueError for a file that is not there."""
        if SCHEME.match(url) or url.startswith("#"):
            return url
        path, _, anchor = url.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        anchor = f"#{anchor}" if anchor else ""
        if path in self.pages:
            return from_page(name, self.pages[path].staged) + anchor
        if path in MADE:
            return from_page(name, f"{MADE[path]}.md") + anchor
        if path.startswith("..") or not (self.root / path).exists():
            raise ValueError(f"{source} links to {url}, which is not in the repository; mend the link")
        kind = "tree" if (self.root / path).is_dir() else "blob"
        return f"{self.address}/{kind}/main/{path}"

    def picture(self, label: str, url: str, source: str, name: str) -> str:
        """A picture of `source` as it has to stand on the page `name`; its file is put down in `copies`."""
        if SCHEME.match(url):
            raise ValueError(f"{source} shows {url}; a page asks no other host for anything: keep the picture here")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), url))
        if not (self.root / path).is_file():
            raise ValueError(f"{source} shows {url}, which is not in the repository; mend the link")
        self.copies[f"pictures/{path.replace('/', '_')}"] = path
        alt = self.alts.get(path, label[2:-1])
        return f"![{alt}]({from_page(name, 'pictures/' + path.replace('/', '_'))})"


def from_page(name: str, target: str) -> str:
    """The relative address of `target`, both in the folder of all pages, as a page writes it."""
    return posixpath.relpath(target, posixpath.dirname(name) or ".")
