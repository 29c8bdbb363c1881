"""The library's reference, written from its source: signatures, docstrings and comments as they stand, no import.

Each entry leads to the cell of the chapter that shows it. Docstrings are prose with back-ticks; what Markdown would
take for marks in a formula is escaped.
"""

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from minigan.course.chapters import chapters
from minigan.course.librarycells import Definition, definitions, module_path, public, segment
from minigan.course.site.notebooks import Shown

GROUPS = {
    "Pictures": ("data", "plot", "hardware"),
    "The game": ("toy", "nets", "losses", "augment", "train", "weights"),
    "Judging": ("metrics",),
    "Pretrained networks": ("backbones", "transfer", "perceptual"),
    "Applications": (
        *("apps.photographs", "apps.superres", "apps.style", "apps.denoise", "apps.inpaint", "apps.generate"),
        *("apps.patterns", "apps.tasks"),
    ),
    "Several processes": ("distributed",),
    "In a notebook": ("course.scale", "course.checking"),
}
CODE = re.compile(r"(`+)(?:.|\n)+?\1")
MARKS = re.compile(r"[*_<$~\[\]\\]")
BUILT = re.compile(r"\s*Built in chapter \d\d\.$", re.MULTILINE)  # the page says it with a link
LONGEST_VALUE = 16  # lines of a constant that are shown


@dataclass(frozen=True)
class Module:
    """A library module as the reference needs it."""

    name: str
    source: str

    @property
    def page(self) -> str:
        return f"reference/{self.name}"

    @property
    def doc(self) -> str:
        return ast.get_docstring(ast.parse(self.source)) or ""

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        return re.split(r"(?<=\.)(?<!al\.)(?<!eq\.)\s", self.doc.replace("\n", " "), maxsplit=1)[0]

    @property
    def built(self) -> str:
        """The name of the chapter that builds it, or an empty text."""
        return next((chapter.name for chapter in chapters() if self.name in chapter.builds), "")


def modules(root: Path) -> dict[str, list[Module]]:
    """The modules of the reference, by group."""
    read = {group: [(name, module_path(root, name)) for name in names] for group, names in GROUPS.items()}
    return {
        group: [Module(name, path.read_text(encoding="utf-8")) for name, path in pairs if path.exists()]
        for group, pairs in read.items()
    }


def page(module: Module, shown: Iterable[Shown], built: str) -> str:
    """A module's page. `built` leads to the chapter that builds it; empty where that has no page."""
    where = {name: cell for cell in shown if cell.module == module.name for name in cell.names}
    parts = [
        f"# minigan.{module.name}",
        f"```{{py:module}} minigan.{module.name}\n```",
        prose(BUILT.sub("", module.doc)),
    ]
    if built:
        parts.append(f"{{.built-in}}\nBuilt in {built}.")
    defined, done = definitions(module.source), set()
    for name in public(module.source):
        node = defined[name]
        if id(node) in done:
            continue
        done.add(id(node))
        together = [other for other in public(module.source) if defined[other] is node]
        parts.append(entry(module, together, node, where.get(name)))
    return "\n\n".join(parts) + "\n"


def entry(module: Module, names: list[str], node: Definition, shown: Shown | None) -> str:
    """One definition: its signature, its docstring, what is in it, and where a chapter shows it."""
    link = ""
    if shown:
        chapter = shown.chapter.rpartition("/")[2][:2]
        link = f"{{.shown-in}}\nShown in {{ref}}`chapter {chapter}, {plain(shown.section)} <{shown.label}>`"
    if isinstance(node, ast.ClassDef):
        body = [bases(node), docstring(node), link, *inside(node, module)]
        return directive("class", names[0] + class_arguments(node), body)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return directive("function", names[0] + arguments(node), [docstring(node), link])
    body = [prose(lines_above(module.source, node)), value(module.source, node), link]
    first = [directive("data", name, []) for name in names[:-1]]  # defined in one line with the last
    return "\n\n".join([*first, directive("data", names[-1], body, annotation(node))])


def inside(node: ast.ClassDef, module: Module) -> list[str]:
    """The public fields, properties and methods of a class."""
    parts = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id[0] != "_":
            options = ":no-contents-entry:\n" + annotation(item)
            options += f"\n:value: {json.dumps(ast.unparse(item.value))}" if item.value else ""  # as YAML
            parts.append(directive("attribute", item.target.id, [comment(module.source, item)], options, depth=4))
        elif isinstance(item, ast.FunctionDef) and item.name[0] != "_":
            marks = {ast.unparse(mark) for mark in item.decorator_list}
            if "property" in marks:
                returns = f":type: {ast.unparse(item.returns)}" if item.returns else ""
                parts.append(directive("property", item.name, [docstring(item)], returns, depth=4))
            else:
                kind = next((kind for kind in ("classmethod", "staticmethod") if kind in marks), "")
                skip = "staticmethod" not in marks
                options = f":{kind}:" if kind else ""
                parts.append(
                    directive("method", item.name + arguments(item, skip), [docstring(item)], options, depth=4)
                )
    return parts


def directive(kind: str, signature: str, body: list[str], options: str = "", depth: int = 5) -> str:
    """A directive of Sphinx's Python domain in Markdown."""
    fence = ":" * depth
    return "\n".join([f"{fence}{{py:{kind}}} {signature}", options, "", "\n\n".join(filter(None, body)), fence])


def arguments(node: ast.FunctionDef | ast.AsyncFunctionDef, skip_first: bool = False) -> str:
    """The signature of a function as it stands; `skip_first` leaves out `self`."""
    given = ast.unparse(node.args)
    given = given.partition(",")[2].strip() if skip_first else given
    given = given.removeprefix("/, ") if skip_first else given
    returns = ast.unparse(node.returns).strip("'") if node.returns else ""  # in quotes where it is not yet defined
    return f"({given})" + (f" -> {returns}" if returns else "")


def class_arguments(node: ast.ClassDef) -> str:
    """What the class is called with; nothing where that is the list of its fields."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return arguments(item, skip_first=True).removesuffix(" -> None")
    return ""


def bases(node: ast.ClassDef) -> str:
    named = ", ".join(f"`{ast.unparse(base)}`" for base in node.bases)
    return f"{{.bases}}\nA {named}." if named else ""


def docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return prose(ast.get_docstring(node) or "")


def annotation(node: Definition) -> str:
    return f":type: {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""


def comment(source: str, node: Definition) -> str:
    """What the comment behind a field says, or that on the lines above it."""
    behind = re.search(r"  # (.+)$", source.splitlines()[node.lineno - 1])
    return prose(behind[1] if behind else lines_above(source, node))


def lines_above(source: str, node: Definition) -> str:
    """The comment on the lines above a definition."""
    above: list[str] = []
    for line in reversed(source.splitlines()[: node.lineno - 1]):
        if not line.lstrip().startswith("# "):
            break
        above.insert(0, line.lstrip()[2:])
    return " ".join(above)


def value(source: str, node: Definition) -> str:
    """A constant as it stands in the source with its comments; of a long one, the beginning."""
    lines = segment(source, node).splitlines()
    if len(lines) > LONGEST_VALUE:
        lines = [*lines[: LONGEST_VALUE - 1], "    ..."]
    return "```python\n" + "\n".join(lines) + "\n```"


def prose(text: str) -> str:
    """A docstring or a comment as Markdown: back-ticks stay code, marks in formulas are no marks."""
    done, place = [], 0
    for code in CODE.finditer(text):
        done += [MARKS.sub(r"\\\g<0>", text[place : code.start()]), code[0]]
        place = code.end()
    return "".join([*done, MARKS.sub(r"\\\g<0>", text[place:])])


def plain(heading: str) -> str:
    """A heading without marks, as the text of a link."""
    return re.sub(r"[`<>*$\\]", "", heading)
