"""Cells that must fail: run after each test, they show whether a submission has switched its tests off.

One asserts what is false. The other is the same test again, after the names that the solution defines were replaced by
junk. Where one of them passes, the submission is flagged: score zero, for a person to look at.
"""

import ast
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from minigan.course.grading.execute import NOT_RUN


@dataclass
class Plan:
    """The cells of a notebook with canaries between them."""

    cells: list[NotebookNode] = field(default_factory=list)
    canaries: list[tuple[str, str, NotebookNode]] = field(default_factory=list)  # grade id, kind, cell

    def flags(self) -> list[str]:
        """What passed although it must fail, in words."""
        said = {
            "false": "a false assertion passed after {}",
            "junk": "the test {} passed with junk in the answer's place",
        }
        return [said[kind].format(grade_id) for grade_id, kind, cell in self.canaries if _passed(cell)]


def with_canaries(notebook: NotebookNode, answers: Mapping[str, list[str]]) -> Plan:
    """The notebook's cells, each test followed by its canaries. answers: grade id -> names to be replaced by junk."""
    plan = Plan()
    for cell in notebook.cells:
        plan.cells.append(cell)
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cell.cell_type != "code" or grade_id not in answers:
            continue
        low, high = secrets.randbelow(900), 1000 + secrets.randbelow(900)
        false = new_code_cell(f"assert {low} == {high}, {secrets.token_hex(6)!r}")
        plan.cells.append(false)
        plan.canaries.append((grade_id, "false", false))
        if names := answers[grade_id]:
            before, after = _swap(names)
            junk = new_code_cell(cell.source)
            plan.cells += [before, junk, after]
            plan.canaries.append((grade_id, "junk", junk))
    return plan


def answers_of(master: NotebookNode) -> dict[str, list[str]]:
    """Each test of a master by its grade id, with the names that the solution of its task binds."""
    names: dict[str, list[str]] = {}
    for cell in master.cells:
        if task := cell.metadata.get("minigan", {}).get("answer"):
            names[task] = bound(cell.source)
    return {
        cell.metadata["nbgrader"]["grade_id"]: names.get(cell.metadata["minigan"]["check"], [])
        for cell in master.cells
        if "check" in cell.metadata.get("minigan", {})
    }


def bound(source: str) -> list[str]:
    """The functions, classes and variables that a cell binds at its top level."""
    found: list[str] = []
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found += [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(found))


def _swap(names: list[str]) -> tuple[NotebookNode, NotebookNode]:
    """Cells that put junk in the place of names, and that put back what was there."""
    kept = f"_{secrets.token_hex(6)}"
    before = (
        f"{kept} = {{name: globals()[name] for name in {names!r} if name in globals()}}\n"
        f"globals().update(dict.fromkeys({names!r}, lambda *_, **__: object()))"
    )
    after = f"for {kept}_ in {names!r}: globals().pop({kept}_, None)\nglobals().update({kept})\ndel {kept}, {kept}_"
    return new_code_cell(before), new_code_cell(after)


def _passed(cell: NotebookNode) -> bool:
    if any(output.get("ename") == NOT_RUN for output in cell.outputs):
        return False
    return not any(output.output_type == "error" for output in cell.outputs)
