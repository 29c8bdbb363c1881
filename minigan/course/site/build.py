"""The site from beginning to end: staged, made by Sphinx, checked. A warning or a broken link is a complaint."""

import hashlib
import io
import re
import shutil
import tempfile
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from minigan.course.site import checks, pages, stage

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NEEDED = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_copybutton", "sphinx-mathjax-offline")
OUT = "docs/_build/site"
WORK = "docs/_build/site-work"  # what Sphinx reads, and what it remembers of it from one time to the next
MARK = "made-by"  # a digest of what made the pages
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Made:
    """A site that was made: where it begins, how many pages it has, and what is wrong with it."""

    front: Path
    pages: int
    complaints: list[str]
    elsewhere: dict[str, list[str]]  # address outside of the site -> pages that link to it


def make(root: Path, out: Path | None = None, names: Collection[str] = (), look: bool = True) -> Made:
    """Make the site in `out`, of the chapters `names` or of all; `look` for broken links and the like afterwards.

    The whole site in its usual place is made anew only where something has changed. Raises ValueError where Sphinx is
    not installed, and for a folder that holds something else.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the site was not made: {', '.join(missing)} not installed; pip install -c constraints.txt -e '.[docs]'"
        )
    target = (out or root / OUT).resolve()
    with workplace(root, target, keep=not names and target == (root / OUT).resolve()) as work:
        staged = stage.begin(root, work / "stage", names)
        with tqdm(desc="staging", unit=" pages", disable=None) as bar:
            stage.fill(staged, lambda name: bool(bar.update()))
        complaints = run_sphinx(staged, work, target)
        sweep(staged, target)
    found = checks.look(target) if look else checks.Found()
    lines = [f"{address}\t{', '.join(dict.fromkeys(names))}" for address, names in sorted(found.elsewhere.items())]
    (target / "links.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    count = len(list(target.rglob("*.html")))
    return Made(target / "index.html", count, complaints + found.complaints, found.elsewhere)


@contextmanager
def workplace(root: Path, target: Path, keep: bool) -> Iterator[Path]:
    """The folder for what lies between sources and site: one that stays, or a passing one and an empty target."""
    if keep:
        yield root / WORK
        return
    if target.exists() and any(target.iterdir()):
        if not (target / "objects.inv").exists():
            raise ValueError(f"{target} holds files that are no site; choose an empty folder with --out")
        shutil.rmtree(target)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def run_sphinx(staged: stage.Stage, work: Path, target: Path) -> list[str]:
    """Let Sphinx make the pages; return its warnings."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    conf, said = staged.root / "docs", io.StringIO()
    settings: dict[str, Any] = {
        "minigan_figures": str(staged.folder / "figures.json"),
        "minigan_glossary": (staged.root / pages.GLOSSARY).read_text(encoding="utf-8"),
        "html_extra_path": [str(staged.extra)],
    }
    with warnings.catch_warnings(), patch_docutils(str(conf)), docutils_namespace():
        warnings.simplefilter("ignore")  # of the libraries about one another; Sphinx's own come through `warning`
        places = (staged.source, conf, target, work / "doctrees")
        fresh = changed(staged.root, work)
        app = Sphinx(*places, "html", settings, status=None, warning=said, freshenv=fresh)
        report_progress(app)
        app.build(force_all=fresh)
    warned = [line for line in COLOUR.sub("", said.getvalue()).splitlines() if line.strip()]
    if warned:
        (work / MARK).unlink()  # pages that draw a warning would be left alone the next time, and be silent
    return warned


def report_progress(app: "Sphinx") -> None:
    """Show how many pages have been read and written."""
    reading, writing = (tqdm(desc=what, unit=" pages", disable=None) for what in ("reading", "writing"))
    app.connect("source-read", lambda *_: bool(reading.update()))
    app.connect("env-updated", lambda *_: reading.close())
    app.connect("html-page-context", lambda *_: bool(writing.update()))
    app.connect("build-finished", lambda *_: writing.close())


def changed(root: Path, work: Path) -> bool:
    """Whether what makes the pages has changed since the last time; then all are made anew."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), root / "docs" / "conf.py", root / "constraints.txt"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    mark = work / MARK
    if mark.exists() and mark.read_text() == digest:
        return False
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(digest)
    return True


def sweep(staged: stage.Stage, target: Path) -> None:
    """Remove what earlier runs left in the site and this one did not make."""
    sources = [path.relative_to(staged.source) for path in staged.written if path.is_relative_to(staged.source)]
    extra = [path.relative_to(staged.extra) for path in staged.written if path.is_relative_to(staged.extra)]
    wanted = {target / path.with_suffix(".html") for path in sources} | {target / path for path in extra}
    there = [*target.rglob("*.html"), *(target / "download").rglob("*.ipynb"), *(target / "thumbs").iterdir()]
    for path in there:
        if path not in wanted and path.name != "search.html" and "_static" not in path.parts:
            path.unlink()
