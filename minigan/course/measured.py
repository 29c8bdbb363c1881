"""What the benchmarks found, for the chapters that quote it."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def measured(name: str) -> Any:
    """The contents of benchmarks/results/`name`.json, as the benchmark of that name wrote it.

    Raises `FileNotFoundError` where minigan is installed without its repository, or the benchmark has not been run.
    """
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in RESULTS.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"no results of the benchmark {name!r} at {path} (there are: {there}); open the chapter in a clone of the "
            "repository, or run the script of that name in benchmarks/"
        )
    return json.loads(path.read_text(encoding="utf-8"))
