"""Library cells: notebook cells that show definitions of `minigan`, character for character.

In a source such a cell holds only the names, and the build puts the definitions in their place:

    # %% minigan="losses"
    # hinge_d, linear_g
"""

import ast
from functools import cache
from pathlib import Path

from minigan.names import known

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def module_path(root: Path, module: str) -> Path:
    """Return the file of a library module: "apps.style" is minigan/apps/style.py."""
    return root / "minigan" / Path(*module.split(".")).with_suffix(".py")


def definitions(source: str) -> dict[str, Definition]:
    """Return the functions, classes and constants at the top level of a module, by name."""
    found: dict[str, Definition] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            leaves = [leaf for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
            found.update({leaf.id: node for leaf in leaves if isinstance(leaf.ctx, ast.Store)})
    return found


def public(source: str) -> list[str]:
    """Return the names of a module's public definitions, in their order."""
    return [name for name in definitions(source) if not name.startswith("_")]


def segment(source: str, node: Definition) -> str:
    """Return the lines of a definition as they stand, decorators and comments included."""
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def names_in(cell: str) -> list[str]:
    """Return the names that a library cell of a source asks for: `# hinge_d, linear_g`."""
    lines = [line.strip() for line in cell.splitlines() if line.strip()]
    names = [name.strip() for line in lines for name in line.removeprefix("#").split(",") if name.strip()]
    if not names or any(not line.startswith("#") for line in lines) or not all(n.isidentifier() for n in names):
        raise ValueError(
            f"a library cell holds {cell!r}; expected one comment with names, such as `# hinge_d, linear_g`"
        )
    return names


@cache
def _module(path: Path, _changed: int) -> tuple[str, dict[str, Definition]]:
    source = path.read_text(encoding="utf-8")
    return source, definitions(source)


def expand(names: list[str], module: str, root: Path) -> str:
    """Return the code that shows `names` of a library module, two blank lines apart.

    Raises ValueError for a module or a name that is not there, with the nearest names.
    """
    path = module_path(root, module)
    if not path.exists():
        known(module, [p.stem for p in (root / "minigan").glob("*.py") if p.stem != "__init__"], "library module")
        raise ValueError(f"library module {module!r} has no file {path.relative_to(root)}")
    source, defined = _module(path, path.stat().st_mtime_ns)
    nodes = [defined[known(name, defined, f"in minigan.{module}, definition")] for name in names]
    return "\n\n\n".join(segment(source, node) for node in dict.fromkeys(nodes))
