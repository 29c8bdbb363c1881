"""Run the benchmarks, one after the other, and say at the end which failed.

python benchmarks                           all of them, some hours; results go to benchmarks/results
python benchmarks --quick                   a trial of each, nothing kept
python benchmarks --only levers --only style
python benchmarks --list                    what there is
python benchmarks --index                   write benchmarks/README.md from the results that are there
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import bench
import typer
from index import Script, index, scripts

from minigan.names import known

INDEX = Path(__file__).parent / "README.md"


def run(script: Script, quick: bool) -> tuple[int, float]:
    """The exit code of one script, and its seconds. What it says goes to the terminal as it comes."""
    typer.echo(f"\n== {script.path.name}: {script.question}", err=True)
    began = time.perf_counter()
    command = [sys.executable, str(script.path), *(["--quick"] if quick else [])]
    code = subprocess.run(command, cwd=bench.ROOT, env={**os.environ, "MINIGAN_SCALE": "cpu"}, check=False).returncode
    return code, time.perf_counter() - began


def main(
    quick: bench.Quick = False,
    only: Annotated[list[str] | None, typer.Option(help="The name of a script; may be given several times.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Say what there is, and run nothing.")] = False,
    indexing: Annotated[bool, typer.Option("--index", help="Write README.md of this folder, and run nothing.")] = False,
) -> None:
    """Run the benchmarks."""
    every = scripts()
    try:
        chosen = [every[known(Path(name).stem, every, "benchmark")] for name in only or every]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if listing:
        for script in chosen:
            typer.echo(f"{script.name:16} {script.takes:28} {script.question}")
        return
    outcomes = {} if indexing else {script.name: run(script, quick) for script in chosen}
    if not quick:
        INDEX.write_text(index(), encoding="utf-8")
    for name, (code, seconds) in outcomes.items():
        typer.echo(
            f"{name:16} {seconds / 60:6.1f} minutes  {'' if code == 0 else f'failed, exit code {code}'}".rstrip()
        )
    failed = [name for name, (code, _) in outcomes.items() if code]
    if failed:
        typer.echo(f"{len(failed)} of {len(outcomes)} benchmarks failed: {', '.join(failed)}", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
