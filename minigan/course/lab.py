"""JupyterLab on the first chapter, with the course's settings and none written into the user's home."""

import os
from pathlib import Path

from jupyterlab.labapp import LabApp

from minigan.course.chapters import repository

# Asks for no news and no updates; leaves out nbgrader's menu, if there; gives pictures their alternative text; shows
# long lines whole; exports notebooks as pages that everybody can read.
SETTINGS = Path(__file__).parent / "jupyter"


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
    for variable in ("JUPYTER_CONFIG_PATH", "JUPYTER_PATH"):  # settings; the extension and the page for exports
        others = os.environ.get(variable)
        os.environ[variable] = os.pathsep.join([str(SETTINGS), others] if others else [str(SETTINGS)])
    LabApp.launch_instance([f"--ServerApp.root_dir={root}", *arguments, str(first)])
