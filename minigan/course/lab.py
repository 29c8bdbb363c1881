"""JupyterLab on the first chapter, with the course's settings and none written into the user's home."""

import os
from pathlib import Path

from jupyterlab.labapp import LabApp

from minigan.course.chapters import repository

SETTINGS = Path(__file__).parent / "jupyter"  # asks for no news and no updates; leaves out nbgrader's menu, if there


def open_lab(arguments: list[str]) -> None:
    """Serve JupyterLab until it is stopped. `arguments` are JupyterLab's own.

    Raises FileNotFoundError outside a clone that holds the chapters.
    """
    root = repository()
    first = root / "notebooks" / "00_start_here.ipynb"
    if not first.exists():
        raise FileNotFoundError(
            f"{first} is missing; get it back with git checkout, or write it: minigan course build 00"
        )
    others = os.environ.get("JUPYTER_CONFIG_PATH")
    own = [f"--ServerApp.root_dir={root}", f"--LabApp.extra_labextensions_path={SETTINGS / 'labextensions'}"]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), others] if others else [str(SETTINGS)])
    LabApp.launch_instance([*own, *arguments, str(first)])
