"""Checks on the code of the house. Each returns its complaints; `test_house.py` applies and proves them."""

import ast
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from packaging.specifiers import SpecifierSet

LONGEST = 45  # lines of a definition: what fits a notebook cell
SYSTEM = {"bin", "dev", "etc", "lib", "proc", "sbin", "sys", "usr"}
ROUGH = {
    r"/(?:home|Users)/[a-z][\w.-]*/": "a home folder",
    r"[A-Z]:\\+Users\\": "a home folder",
    r"ipykernel_\d+": "a temporary file of a kernel",
}


def imported(source: str, module: str) -> set[str]:
    """Return the modules of minigan that `minigan.<module>` imports, anywhere in it: {"data", "apps.style"}."""
    package = ["minigan", *module.split(".")][:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            # `from minigan import data` imports a module, `from minigan.data import load` a name in one
            package_itself = origin in ("minigan", "minigan.apps")
            found |= {f"{origin}.{alias.name}" for alias in node.names} if package_itself else {origin}
    return {name.removeprefix("minigan.") for name in found if name.startswith("minigan.")}


def upward_imports(sources: dict[str, str], allowed: dict[str, set[str]]) -> list[str]:
    """Each module imports only what the table allows it, and stands in the table."""
    complaints = [f"{module} is not in the table of imports" for module in sources if module not in allowed]
    for module, below in allowed.items():
        for other in sorted(imported(sources.get(module, ""), module) - below):
            complaints.append(f"{module} imports {other}, which the table does not allow")
    return complaints


def cycles(allowed: dict[str, set[str]]) -> list[str]:
    """The table itself goes downward: no module is below itself."""

    def below(module: str, seen: frozenset[str]) -> bool:
        return module in seen or any(below(other, seen | {module}) for other in allowed.get(module, ()))

    return [f"{module} is above itself" for module in allowed if below(module, frozenset())]


def long_definitions(source: str, module: str) -> list[str]:
    """Every public function and class fits a notebook cell; a method fits as well."""
    complaints = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            lines = (node.end_lineno or first) - first + 1
            if lines > LONGEST:
                complaints.append(f"{module}.{node.name} has {lines} lines, expected {LONGEST} at most")
    return complaints


def tracked(root: Path) -> list[Path]:
    """Return the files that are, or are about to be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    return [root / name for name in listed.split("\0") if name and (root / name).is_file()]


def host_paths(text: str, exists=os.path.exists) -> list[str]:
    """A text names no place of the machine where it was written: no home, and no folder that exists here only."""
    complaints = [f"{what}: {found[0]}" for rough, what in ROUGH.items() if (found := re.search(rough, text))]
    absolute = r"(?<![\w.:/~$*)}>-])/[\w.-]+(?:/[\w.-]+)+"  # at least two steps deep, and no part of an address
    for path in sorted(set(re.findall(absolute, text))):
        if path.split("/")[1] not in SYSTEM and exists(path):
            complaints.append(f"a path of this machine: {path}")
    return complaints


def environment_differs(environment: dict, project: dict) -> list[str]:
    """The conda environment asks for a Python that the project runs on and installs the project, with its extras."""
    complaints = []
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = [line for entry in environment["dependencies"] if isinstance(entry, dict) for line in entry["pip"]]
    # repo2docker finds the version only after "=", and knows its environments by two numbers
    asked = re.fullmatch(r"python=(3\.\d+)", plain[0] if plain else "")
    if plain[1:] != ["pip"] or not asked or asked[1] not in SpecifierSet(project["project"]["requires-python"]):
        complaints.append(f"environment.yml installs {plain} by conda, expected pip and a python=3.N that it admits")
    found = re.findall(r"^-e \.\[([\w,]+)]$", "\n".join(pip), re.MULTILINE)
    if len(found) != 1 or set(pip) - {"-c constraints.txt", f"-e .[{found[0] if found else ''}]"}:
        complaints.append(f"environment.yml installs {pip} by pip, expected the project alone")
    extras = project["project"]["optional-dependencies"]
    complaints += [
        f"environment.yml asks for the extra {e!r}" for e in ",".join(found).split(",") if e and e not in extras
    ]
    return complaints


def unpinned(requirements: Iterable[str], constraints: str) -> list[str]:
    """Every requirement has exactly one tested version, which its range admits, and no pin is for one platform only."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    pins = [line for line in constraints.splitlines() if line and not line.startswith("#")]
    versions = {canonicalize_name(pin.split("==")[0]): pin.partition("==")[2] for pin in pins}
    complaints = [
        f"{pin} is not of the form name==version" for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)
    ]
    complaints += [f"{name} is for one platform only" for name in versions if re.match(r"nvidia-|cuda-|triton", name)]
    for requirement in map(Requirement, requirements):
        version = versions.get(canonicalize_name(requirement.name))
        if version is None:
            complaints.append(f"{requirement.name} has no tested version")
        elif not requirement.specifier.contains(version):
            complaints.append(f"{requirement.name} {version} is outside {requirement.specifier}")
    return complaints
