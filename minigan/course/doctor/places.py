"""Where Python runs: on a computer of one's own, or in Google Colab, Binder or a JupyterHub, where remedies differ."""

import os
import sys
from collections.abc import Container, Mapping
from dataclasses import dataclass

from minigan.course.doctor.findings import Finding


@dataclass(frozen=True)
class Place:
    """A kind of place: how to install there, what to do when Python or memory is short, and what to know about it."""

    name: str
    install: str  # how the packages of the course get there
    pip: str  # how one package gets there
    python: str  # the way to a newer Python
    memory: str  # the way to free memory
    busy: str  # what to do when others compute on the same cores
    known_for: str = ""  # what happens here that does not happen on a computer of one's own
    advice: str = ""
    needs_jupyter: bool = True  # the course's packages show the notebooks; elsewhere the place does


HERE = Place(
    name="this computer",
    install="run `make env`, or `pip install -c constraints.txt -e '.[test]'` in the project's environment",
    pip="pip install {}",
    python="install Python 3.11 or newer, then run `make env` again",
    memory="close other programs, and shut down notebooks you have read",
    busy="close other programs that compute, or set OMP_NUM_THREADS=1 while they run",
)
HUB = Place(
    name="JupyterHub",
    install="in a notebook of the project's folder: %pip install -c constraints.txt -e . (then restart the kernel)",
    pip="%pip install {} (then restart the kernel)",
    python="choose a server with Python 3.11 or newer, or ask those who run the hub for one",
    memory="shut down notebooks you have read (the round sign with the square, at the left), or choose a larger server",
    busy="others compute on the same machine: set OMP_NUM_THREADS=1 before the kernel starts, or come back later",
    known_for="the hub stops a server that nobody uses; files in your home folder stay",
    advice="save before you leave; what is installed outside your home folder may be gone at the next start",
)
BINDER = Place(
    name="Binder",
    install=HUB.install,
    pip=HUB.pip,
    python="the image was built from another environment.yml; start the course's own",
    memory="shut down notebooks you have read (the round sign with the square, at the left): one at a time fits",
    busy="others compute on the same machine; what trains for minutes is for a computer of your own",
    known_for="the session ends after minutes without use, and all files with it",
    advice="download what you want to keep: right-click on the file, Download",
)
COLAB = Place(
    name="Google Colab",
    install="run the first cell that the README gives for Colab; it keeps the torch that Colab has",
    pip="%pip install {} (then menu Runtime, Restart session)",
    python="menu Runtime, Change runtime type, and the newest runtime version",
    memory="menu Runtime, Manage sessions: end those of notebooks you have read",
    busy="menu Runtime, Restart session",
    known_for="the session ends after some time without use, and all files with it",
    advice="menu File, Save a copy in Drive keeps a notebook; download pictures and checkpoints",
    needs_jupyter=False,
)


def place(environ: Mapping[str, str] = os.environ, modules: Container[str] = sys.modules) -> Place:
    """Return the place in which this process runs, by what each puts into the environment.

    Binder is a JupyterHub too, so it is asked for first. Kaggle starts from Colab's image and is not Colab.
    """
    if any(name in environ for name in ("BINDER_LAUNCH_HOST", "BINDER_REPO_URL", "BINDER_SERVICE_HOST")):
        return BINDER
    if "JUPYTERHUB_API_URL" in environ or "JUPYTERHUB_USER" in environ:
        return HUB
    colab = "google.colab" in modules or "COLAB_RELEASE_TAG" in environ or "COLAB_GPU" in environ
    return COLAB if colab and "KAGGLE_KERNEL_RUN_TYPE" not in environ else HERE


def whereabouts(where: Place) -> list[Finding]:
    """Name the place, and what to know about it. Nothing is said of a computer of one's own."""
    return [Finding("place", f"{where.name}: {where.known_for}", remedy=where.advice)] if where.known_for else []
