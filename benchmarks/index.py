"""The index of this folder, README.md: what each script claims, how long it takes, its results, who quotes it.

All of it is read where it stands: the question and the time in the head of the script, the claim in its results, the
quotations in the texts.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bench

HERE = Path(__file__).parent
SHARED = ("__main__", "bench", "index")  # what is no benchmark

# where quotations are looked for: what a reader reads, not what is made of it
TEXTS = (
    *("README.md", "CONTRIBUTING.md", "docs/*.md", "notebooks/src/*.py", "solutions/src/*.py"),
    *("minigan/weights/**/*.md", "minigan/*.py"),
)


@dataclass(frozen=True)
class Script:
    """One benchmark: `python benchmarks/NAME.py`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def head(self) -> str:
        """Its docstring."""
        return ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""

    @property
    def question(self) -> str:
        """The first paragraph of its docstring."""
        return " ".join(self.head.partition("\n\n")[0].split())

    @property
    def takes(self) -> str:
        """How long a run takes, in the words of the line that says how to run it."""
        found = re.search(rf"^ *python benchmarks/{self.name}\.py {{2,}}([^;\n]+);", self.head, re.MULTILINE)
        return found[1] if found else ""

    @property
    def results(self) -> list[Path]:
        """What it has written: JSON, Markdown and pictures of its name."""
        longer = [name for name in names() if name.startswith(f"{self.name}_")]
        return [
            path
            for path in sorted(bench.RESULTS.glob(f"{self.name}*"))
            if (path.stem == self.name or path.stem.startswith(f"{self.name}_"))
            and not any(path.stem == name or path.stem.startswith(f"{name}_") for name in longer)
        ]

    @property
    def claim(self) -> str:
        """What its results say in a sentence; its question where there are none yet."""
        results = bench.kept(self.name)
        say = getattr(importlib.import_module(self.name), "claim", None)
        try:
            return say(results) if say and results else self.question
        except (KeyError, TypeError):  # results of an earlier version of the script
            return self.question

    def quoted(self) -> Iterator[Path]:
        """The texts that name its results or the script itself."""
        name = re.compile(rf"""measured\("{self.name}"\)|benchmarks/{self.name}\.py|results/{self.name}[._]""")
        for pattern in TEXTS:
            for path in sorted(bench.ROOT.glob(pattern)):
                if name.search(path.read_text(encoding="utf-8")):
                    yield path


def names() -> list[str]:
    """The names of all benchmarks."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)


def scripts() -> dict[str, Script]:
    """All benchmarks by name."""
    return {name: Script(HERE / f"{name}.py") for name in names()}


def text_name(path: Path) -> str:
    """A text as the index names it: chapters by their numbers, exercises and cards by their names."""
    if path.parent.name == "src":
        number = path.stem[:2]
        return (
            f"[chapter {number}](../notebooks/{path.stem}.ipynb)" if "notebooks" in path.parts else f"exercise {number}"
        )
    shown = path.relative_to(bench.ROOT).as_posix()
    return f"[{path.name if path.suffix == '.md' else shown}](../{shown})"


def row(script: Script) -> list[str]:
    """One line of the index."""
    files = [f"[{path.suffix[1:]}](results/{path.name})" for path in script.results if path.suffix != ".png"]
    pictures = sum(path.suffix == ".png" for path in script.results)
    files += [f"{pictures} picture{'s' * (pictures != 1)}"] if pictures else []
    quoted = ", ".join(map(text_name, script.quoted())) or "none"
    return [
        f"[{script.name}]({script.path.name})",
        script.claim.rstrip(".").replace("|", "\\|"),
        script.takes,
        ", ".join(files) or "not measured yet",
        quoted,
    ]


def index() -> str:
    """The whole of README.md."""
    heads = ("script", "claim or question", "takes", "results", "quoted by")
    return (
        "# What is measured here\n\n"
        "Every number that the course or its README states comes from one of these scripts, or from a cell that you "
        "can run. Each script says at its head what it measures and how, and writes its results into `results/`: JSON "
        "for the texts that quote it, Markdown for readers, pictures. The results name the machine that they were "
        "measured on.\n\n"
        "    make bench              # all, some hours; finished trainings are kept\n"
        "    make bench QUICK=1      # a trial of each, nothing kept\n"
        "    python benchmarks --only levers\n\n"
        "Where there are results, the second column is what they say; a question has no answer here yet. "
        "This page is written by `python benchmarks --index`.\n\n"
        f"{bench.table(heads, map(row, scripts().values()))}\n\n"
        "What minigan is measured against is listed in [peers.txt](peers.txt) and is no part of its environment: "
        "`make bench` puts it into `runs/peers`. The scripts in `shipped/` train the networks that come with minigan; "
        "the card of each one names its own.\n"
    )
