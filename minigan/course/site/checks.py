"""What a finished site must hold to: nothing from other hosts, no link into the void, a text for every picture."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

TAG = re.compile(r"<(?P<name>[a-z][a-z0-9]*)\b(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([a-z-]+)=(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
CSS_URL = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
LOADS = {  # what a page fetches by itself
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("object", "data"),
    ("use", "href"),
}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch", "manifest"}
SHORTEST_ALT = 15


@dataclass
class Found:
    """What is wrong with a site, and where it leads outside of itself: address -> pages."""

    complaints: list[str] = field(default_factory=list)
    elsewhere: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class Html:
    """The tags of a page that matter here: (name, attributes), and the places that a link can lead to."""

    path: Path
    tags: list[tuple[str, dict[str, str]]]

    @property
    def anchors(self) -> set[str]:
        return {attributes[key] for _, attributes in self.tags for key in ("id", "name") if key in attributes}


def read(path: Path) -> Html:
    """A page as its tags."""
    tags = []
    for tag in TAG.finditer(path.read_text(encoding="utf-8")):
        pairs = ATTRIBUTE.findall(tag["attributes"])
        tags.append((tag["name"].lower(), {key.lower(): unescape(one or two) for key, one, two in pairs}))
    return Html(path, tags)


def look(site: Path) -> Found:
    """Read all pages and style sheets of a site."""
    found = Found()
    pages = {path: read(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}
    anchors = {path: page.anchors for path, page in pages.items()}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        for tag, attributes in page.tags:
            found.complaints += [f"{name}: {fault}" for fault in fetched_elsewhere(tag, attributes)]
            if tag == "img" and (fault := bad_alt(attributes)):
                found.complaints.append(f"{name}: {fault}")
            if tag == "a" and "href" in attributes:
                follow(attributes["href"], path, anchors, site, found)
    for sheet in sorted(site.rglob("*.css")):
        urls = [one or two for one, two in CSS_URL.findall(sheet.read_text(encoding="utf-8"))]
        found.complaints += [f"{sheet.relative_to(site)}: fetches {url}" for url in urls if is_elsewhere(url)]
    found.complaints = list(dict.fromkeys(found.complaints))
    return found


def is_elsewhere(url: str) -> bool:
    return url.startswith("//") or urlsplit(url).scheme in ("http", "https", "ftp", "ws", "wss")


def fetched_elsewhere(tag: str, attributes: dict[str, str]) -> list[str]:
    """What a tag fetches from another host."""
    urls = [attributes[key] for name, key in LOADS if name == tag and key in attributes]
    if tag == "link" and set(attributes.get("rel", "").split()) & FETCHED_LINKS:
        urls.append(attributes.get("href", ""))
    urls += [one or two for one, two in CSS_URL.findall(attributes.get("style", ""))]
    return [f"fetches {url}" for url in urls if is_elsewhere(url)]


def bad_alt(attributes: dict[str, str]) -> str:
    """What is wrong with a picture's alternative text. An empty one says that the picture is an ornament."""
    source, alt = attributes.get("src", ""), attributes.get("alt")
    if alt is None or (not alt and not source.endswith(".svg")):
        return f"no alternative text for {source}"
    if alt and (len(alt) < SHORTEST_ALT or alt == source) and not source.endswith(".svg"):
        return f"the alternative text of {source} is {alt!r}; say what is to be seen"
    return ""


def follow(href: str, page: Path, anchors: dict[Path, set[str]], site: Path, found: Found) -> None:
    """Look where a link leads; a complaint for a page, a file or a place that is not there."""
    name = page.relative_to(site).as_posix()
    if fault := bad_address(href):
        found.complaints.append(f"{name}: the link {href!r} {fault}")
        return
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        found.elsewhere[href].append(name)
        return
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        found.complaints.append(f"{name}: the link {href} leads to no file")
    elif parts.fragment and target in anchors and unquote(parts.fragment) not in anchors[target]:
        found.complaints.append(f"{name}: the link {href} leads to no place of that page")


def bad_address(href: str) -> str:
    """What is wrong with the form of an address. Nothing is asked of the network."""
    if re.search(r"[\s<>\"{}|\\^`]", href):
        return "holds signs that no address may hold"
    parts = urlsplit(href)
    if parts.scheme in ("http", "https") and "." not in (parts.hostname or ""):
        return "names no host"
    if parts.scheme not in ("", "http", "https", "mailto"):
        return f"begins with {parts.scheme}:, expected https: or a path"
    return ""
